//! The harness itself: a cluster comes up, works, leaks nothing and leaves nothing.

use std::time::{Duration, Instant};

use bursar_tests::{Cluster, Result};

#[test]
fn probe() -> Result<()> {
    let start = Instant::now();
    let cluster = Cluster::builder().up()?;
    eprintln!("up after {:?}", start.elapsed());
    cluster.add_user("alice")?.ok()?;
    cluster.sacctmgr(&["add", "account", "physics"])?.ok()?;
    cluster.sacctmgr(&["add", "user", "alice", "account=physics"])?.ok()?;
    let job = cluster.submit("alice", &["--wrap", "true"])?;
    cluster.wait_for_accounted_state(job, "COMPLETED", Duration::from_secs(30))?;
    eprintln!("job after {:?}", start.elapsed());
    let login = cluster.host().new_login("alice")?;
    cluster.host().write_file_as(
        "alice:alice",
        "/home/alice/.ssh/authorized_keys",
        login.public().as_bytes(),
        0o600,
    )?;
    eprintln!("{:?}", cluster.host().ssh(&login, "alice", &["id"])?);
    eprintln!("{}", cluster.host().sh("systemd-analyze blame; systemd-analyze critical-chain; ls -la / /etc/systemd/system; systemctl --failed; ps -ef; grep -i error /var/log/slurm/*")?.stdout);
    drop(cluster);
    eprintln!("down after {:?}", start.elapsed());
    Ok(())
}
