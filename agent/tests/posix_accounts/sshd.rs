//! The key files before the real sshd, spoken to through a pipe: no port, no PAM.

use std::path::Path;
use std::process::{Command, Output};

use bursar_agent::posix::keys;
use bursar_policy::time::{Clock, SystemClock, Timestamp};

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).output().unwrap()
}

#[test]
fn given_a_key_file_with_an_end_then_the_real_sshd_lets_in_before_it_and_not_after_it_in_any_time_zone() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    for key in ["host", "user"] {
        assert!(run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &at(key)]).status.success());
    }
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    let config = format!(
        "HostKey {}\nAuthorizedKeysFile {}/%u\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nPidFile none\n",
        at("host"),
        at("keys")
    );
    std::fs::write(at("config"), config).unwrap();
    std::fs::create_dir(at("keys")).unwrap();
    if !Path::new("/run/sshd").exists() {
        std::fs::create_dir("/run/sshd").unwrap();
    }
    let public = std::fs::read_to_string(at("user.pub")).unwrap();
    let now = SystemClock.now();
    for (until, allowed) in [(None, true), (Some(now.plus(3_600)), true), (Some(Timestamp(now.0 - 3_600)), false)] {
        let (text, refused) = keys::file(std::slice::from_ref(&public), until);
        assert_eq!(refused, vec![]);
        std::fs::write(dir.path().join("keys").join(&user), text).unwrap();
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let proxy = format!("ProxyCommand=env TZ={zone} /usr/sbin/sshd -i -e -f {}", at("config"));
            let options =
                ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes"];
            let mut args = vec!["-F", "none", "-o", proxy.as_str()];
            args.extend(options.iter().flat_map(|option| ["-o", option]));
            let (identity, login) = (at("user"), format!("{user}@pipe"));
            args.extend(["-i", &identity, &login, "echo in"]);
            let output = run("ssh", &args);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.stdout == b"in\n", allowed, "{until:?} {zone}: {said}");
            assert_eq!(said.contains("Permission denied"), !allowed, "{until:?} {zone}: {said}");
        }
    }
}
