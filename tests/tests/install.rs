//! bursar's parts lie where its package puts them, and its units' cages let it do its work.

use std::time::Duration;

use bursar_tests::{BuildDir, Cluster, Files, Host, Result, install_bursar};

fn files() -> Files {
    Files { contact: "ask the operators".into(), ..Files::default() }
}

#[test]
fn given_an_installation_then_units_verify_and_files_have_their_owners() -> Result<()> {
    let host = Host::builder("node").enable("ssh").build()?;
    install_bursar(&host, &BuildDir::debug()?, &files())?;
    let host = host.boot()?;

    let verified =
        host.run(&["systemd-analyze", "verify", "bursard.service", "bursar-node.service", "bursar-node.path"])?;
    assert_eq!((verified.status, verified.stdout.as_str(), verified.stderr.as_str()), (0, "", ""));
    for unit in ["bursard.service", "bursar-node.service"] {
        // The exposure may be at most 4.5 of 10; the command compares ten times the value.
        let scored = host.run(&["systemd-analyze", "security", "--no-pager", "--threshold=45", unit])?;
        assert!(scored.success(), "{}", scored.stdout);
    }
    let stat = ["stat", "--format=%a %U:%G %n"];
    let paths =
        ["/var/lib/bursar", "/var/lib/bursar/publish", "/var/lib/bursar-node/keys", "/etc/bursar/directory.toml"];
    let shown = host.run(&[&stat[..], &paths[..]].concat())?.ok()?;
    let wanted = "755 bursar:bursar /var/lib/bursar\n2750 bursar:slurm /var/lib/bursar/publish\n\
                  755 root:root /var/lib/bursar-node/keys\n640 root:bursar /etc/bursar/directory.toml\n";
    assert_eq!(shown, wanted);

    let uid = host.run(&["id", "--user", "bursar"])?.ok()?;
    assert!(host.read_file("/etc/bursar/node.conf")?.contains(&format!("publisher-uid = {uid}")));
    let effective = host.run(&["sshd", "-T"])?.ok()?;
    for line in [
        "authorizedkeysfile .ssh/authorized_keys /var/lib/bursar-node/keys/%u",
        "usepam yes",
        "passwordauthentication no",
    ] {
        assert!(effective.contains(line), "{line} is not in effect");
    }
    Ok(())
}

#[test]
fn given_the_cage_of_bursard_then_slurms_commands_work_in_it_and_the_system_is_out_of_reach() -> Result<()> {
    let build = BuildDir::debug()?;
    let cluster = Cluster::builder().up_with(|host| install_bursar(host, &build, &files()))?;
    cluster.authorise_bursar()?;
    let host = cluster.host();
    // The real unit with another program in it: everything but ExecStart stays as shipped.
    let probe = "[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart=/bin/bash /var/lib/bursar/probe.sh\n";
    host.write_file("/run/systemd/system/bursard.service.d/probe.conf", probe, 0o644)?;
    let script = "set -eu
        sacctmgr -i add account chemistry >/dev/null
        sacctmgr -n -P show account chemistry format=account
        sacct -n >/dev/null && squeue -h && scontrol show config | grep -c ^ClusterName
        touch /var/lib/bursar/publish/x && stat -c %U:%G /var/lib/bursar/publish/x
        ls -d /run/bursar
        ! touch /etc/x 2>/dev/null && ! touch /home/x 2>/dev/null && ! cat /etc/shadow 2>/dev/null && id -un\n";
    host.write_file("/var/lib/bursar/probe.sh", script, 0o755)?;
    host.run(&["systemctl", "daemon-reload"])?.ok()?;
    let started = host.run(&["systemctl", "restart", "bursard"])?;
    let said = host.run(&["journalctl", "--unit=bursard", "--output=cat", "--boot", "--identifier=bash"])?.stdout;
    assert!(started.success(), "{}{said}", started.stderr);
    assert_eq!(said, "chemistry\n1\nbursar:slurm\n/run/bursar\nbursar\n");
    Ok(())
}

#[test]
fn given_a_new_snapshot_then_the_root_program_runs_in_a_cage_without_network_but_with_the_accounts() -> Result<()> {
    let host = Host::builder("node").build()?;
    install_bursar(&host, &BuildDir::debug()?, &files())?;
    let script = "#!/bin/bash
        set -eu
        mkdir /home/ada && chown 70000:70000 /home/ada
        echo ada:x:70000:70000::/home/ada:/bin/bash >>/etc/passwd
        cp /var/lib/bursar/publish/node.snap /var/lib/bursar-node/node.snap
        { tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; touch /usr/x 2>&1 || true; } >/var/lib/bursar-node/seen\n";
    host.write_file("/usr/sbin/bursar-node", script, 0o755)?;
    let host = host.boot()?;
    // As bursard does it: written aside, then renamed.
    host.sh("cd /var/lib/bursar/publish && echo one >.new && mv .new node.snap")?.ok()?;
    host.wait_for("the root program", Duration::from_secs(10), || {
        host.read_file("/var/lib/bursar-node/seen").map_err(|error| error.to_string())
    })?;
    let seen = host.wait_for("the end of the root program", Duration::from_secs(10), || {
        let state = host.run(&["systemctl", "is-active", "bursar-node"]).map_err(|error| error.to_string())?;
        let log = || host.sh("journalctl -u bursar-node -o cat").map(|log| log.stdout).unwrap_or_default();
        match state.stdout.trim() {
            "inactive" => host.read_file("/var/lib/bursar-node/seen").map_err(|error| error.to_string()),
            other => Err(format!("{other} {}", log())),
        }
    })?;
    assert_eq!(seen, "lo\ntouch: cannot touch '/usr/x': Read-only file system\n");
    assert_eq!(host.run(&["stat", "--format=%U", "/home/ada"])?.ok()?, "ada\n");
    Ok(())
}
