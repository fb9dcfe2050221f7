//! The first pass beside what `sacctmgr` needs, a pass without changes, and a bursard with nothing to do.

use std::time::{Duration, Instant};

use bursar_tests::{Cluster, Error, Host, Result};

use crate::institute::Institute;
use crate::summary::Summary;

/// How long bursard is watched while nothing happens.
const WATCHED: Duration = Duration::from_secs(40);

fn seconds(span: Duration) -> String {
    format!("{}.{:02} s", span.as_secs(), span.subsec_millis() / 10)
}

fn sql(host: &Host, statement: &str) -> Result<String> {
    Ok(host.run(&["mariadb", "-N", "-B", "slurm_acct_db", "-e", statement])?.ok()?.trim().to_owned())
}

fn associations(host: &Host) -> Result<usize> {
    let text = sql(host, "select count(*) from demo_assoc_table where deleted = 0 and user like 'person%'")?;
    text.parse().map_err(|_| Error::Machine(format!("mariadb answered {text:?} instead of a number")))
}

/// `sacctmgr load` of everything, on a cluster of its own where everybody has an account already.
pub(crate) fn baseline(institute: &Institute, summary: &mut Summary) -> Result<()> {
    let cluster = Cluster::builder().up_with(|host| {
        let all = format!("{}{}", host.read_file("/etc/passwd")?, institute.passwd());
        host.write_file("/etc/passwd", all, 0o644)
    })?;
    let host = cluster.host();
    host.write_file("/root/load", institute.document(), 0o600)?;
    let start = Instant::now();
    host.run(&["sacctmgr", "-i", "load", "/root/load"])?.ok()?;
    let taken = start.elapsed();
    let made = associations(host)?;
    summary.add(format!("sacctmgr load of {made} associations"), seconds(taken), "");
    // slurmctld looks up a uid for every one of them before it answers again.
    host.run(&["scontrol", "--oneliner", "show", "assoc_mgr", "flags=users"])?.ok()?;
    summary.add("sacctmgr load, until slurmctld answers again", seconds(start.elapsed()), "");
    Ok(())
}

/// From the start of bursard to the last association.
pub(crate) fn first_pass(institute: &Institute, cluster: &Cluster, summary: &mut Summary) -> Result<()> {
    let host = cluster.host();
    let start = Instant::now();
    host.run(&["systemctl", "start", "bursar-node.path", "bursard.service"])?.ok()?;
    let accounts = host.wait_for("accounts of everybody", Duration::from_secs(120), || {
        let seen = host.run(&["grep", "-c", "^person", "/etc/passwd"]).map_err(|error| error.to_string())?;
        let all = seen.stdout.trim() == institute.people.to_string();
        if all { Ok(start.elapsed()) } else { Err(seen.stdout) }
    })?;
    summary.add("first pass: everybody in /etc/passwd after", seconds(accounts), "");
    host.wait_for("associations of everybody", Duration::from_secs(600), || {
        let made = associations(host).map_err(|error| error.to_string())?;
        std::thread::sleep(Duration::from_millis(300));
        if made == institute.people { Ok(()) } else { Err(format!("{made}")) }
    })?;
    summary.add("first pass: all associations in slurmdbd after", seconds(start.elapsed()), "<= 1.5 x sacctmgr load");
    let unit = host.run(&[
        "systemctl",
        "show",
        "bursar-node.service",
        "--value",
        "--property=ExecMainStartTimestampMonotonic",
        "--property=ExecMainExitTimestampMonotonic",
    ])?;
    let at: Vec<u64> = unit.ok()?.lines().filter_map(|line| line.trim().parse().ok()).collect();
    if let [start, end] = at[..] {
        let taken = Duration::from_micros(end.saturating_sub(start));
        summary.add("bursar-node: accounts, homes and keys of everybody", seconds(taken), "<= 10 s");
    }
    let after = host.run(&["bursar", "sync"])?;
    summary.add("first pass: bursard says that it is done after", seconds(start.elapsed()), "");
    eprint!("{}", after.stderr);
    let journal = ["journalctl", "--unit=bursard", "--unit=bursar-node", "--output=short-precise", "--no-pager"];
    eprint!("{}{}", host.run(&["bursar", "status"])?.stdout, host.run(&journal)?.stdout);
    after.ok().map(drop)
}

/// What is in slurmdbd and on the host, as one text.
fn traces(host: &Host) -> Result<String> {
    let changes = sql(host, "select count(*), max(id) from txn_table")?;
    let files = host.sh("stat --format='%n %i %Y %s' /etc/passwd /etc/group /etc/shadow /etc/gshadow; \
         ls -lR --time-style=full-iso /var/lib/bursar-node/keys | md5sum; ls -l --time-style=full-iso /home | md5sum")?;
    Ok(format!("{changes}\n{}", files.ok()?))
}

/// Passes that find everything as it should be: one of a running bursard, and the first of one just started, which
/// compares all of slurmdbd and publishes everything afresh.
pub(crate) fn without_changes(cluster: &Cluster, summary: &mut Summary) -> Result<()> {
    let host = cluster.host();
    let published = || host.run(&["stat", "--format=%i %y", "/var/lib/bursar/publish/node.snap"])?.ok();
    let (before, snapshot) = (traces(host)?, published()?);
    let start = Instant::now();
    host.run(&["bursar", "sync"])?.ok()?;
    summary.add("pass without changes", seconds(start.elapsed()), "< 5 s");
    let writes = u8::from(traces(host)? != before) + u8::from(published()? != snapshot);
    summary.add("pass without changes: of slurmdbd, host and snapshot it wrote", writes.to_string(), "0");
    let started = Instant::now();
    restart(host)?;
    summary.add("start of bursard and a pass that compares everything", seconds(started.elapsed()), "");
    let writes = u8::from(traces(host)? != before);
    summary.add("start of bursard: of slurmdbd and host it wrote", writes.to_string(), "0");
    Ok(())
}

/// Starts bursard anew and waits until it has been through everything.
pub(crate) fn restart(host: &Host) -> Result<()> {
    host.run(&["systemctl", "restart", "bursard"])?.ok()?;
    host.wait_for("the command socket", Duration::from_secs(20), || {
        let status = host.run(&["bursar", "-n", "-P", "status"]).map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(status.stderr) }
    })?;
    host.run(&["bursar", "sync"])?.ok().map(drop)
}

/// CPU ticks of bursard itself and of the commands it ran, and its memory in KiB.
pub(crate) fn usage_of(host: &Host) -> Result<(u64, u64, String)> {
    let pid = host.run(&["systemctl", "show", "--value", "--property=MainPID", "bursard"])?.ok()?;
    let stat = host.read_file(&format!("/proc/{}/stat", pid.trim()))?;
    let fields: Vec<u64> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().skip(11).take(4).filter_map(|field| field.parse().ok()).collect())
        .unwrap_or_default();
    let [user, system, child_user, child_system] = fields[..] else {
        return Err(Error::Machine(format!("/proc/{}/stat reads {stat:?}", pid.trim())));
    };
    let status = host.read_file(&format!("/proc/{}/status", pid.trim()))?;
    let lines = status.lines().filter_map(|line| line.strip_prefix("VmRSS:").or_else(|| line.strip_prefix("VmHWM:")));
    Ok((user + system, child_user + child_system, lines.map(str::trim).collect::<Vec<_>>().join(" at most, now ")))
}

/// Ticks of 10 ms in a stretch of milliseconds.
pub(crate) fn share(ticks: u64, spent: u64) -> String {
    format!("{}.{} % of a core", ticks * 1_000 / spent, ticks * 10_000 / spent % 10)
}

/// What bursard costs while nothing happens.
pub(crate) fn idle(cluster: &Cluster, summary: &mut Summary) -> Result<()> {
    let host = cluster.host();
    let count = "cd /var/lib/bursar/publish; end=$((SECONDS + $1)); n=0; last=;
        while [ $SECONDS -lt $end ]; do now=$(stat -c %i.%Y.%y controller.snap); [ \"$now\" = \"$last\" ] || n=$((n + 1)); last=$now; sleep 0.25; done
        echo $((n - 1))";
    let (own, children, _) = usage_of(host)?;
    let start = Instant::now();
    let renewed = host.run(&["bash", "-c", count, "count", &WATCHED.as_secs().to_string()])?.ok()?;
    let spent = start.elapsed().as_millis() as u64;
    let (own_after, children_after, memory) = usage_of(host)?;
    summary.add("bursard idle: itself", share(own_after - own, spent), "<= 10 %");
    summary.add("bursard idle: squeue, sacct and the like", share(children_after - children, spent), "");
    summary.add("bursard idle: memory", memory, "");
    summary.add(format!("bursard idle: controller.snap renewed in {} s", WATCHED.as_secs()), renewed.trim(), "4");
    Ok(())
}
