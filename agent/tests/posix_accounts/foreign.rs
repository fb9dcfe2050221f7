//! What others wrote, and others who write at the same time.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use bursar_agent::posix::facts::Facts;
use bursar_agent::posix::install::{AsRead, Installed};
use bursar_agent::posix::ledger::Ledger;
use bursar_agent::posix::plan::plan;
use bursar_agent::posix::{Error, PersonState};

use crate::host::{ACTIVE, Host, NOW, desired, group};

#[test]
fn case_31_given_comments_blank_malformed_nis_and_non_utf8_lines_then_they_survive_byte_for_byte() {
    let host = Host::new();
    let awkward = b"# local people\n\nroot:x:0:0:root:/root:/bin/bash\n  \nbroken:x\nj\xf6rg:x:1001:1001:J\xf6rg:/home/j:/bin/sh\nx:::::::::\n-evil::::::\n+@staff::::::\n+:";
    host.put("passwd", awkward);
    host.put("group", b"# groups\nroot:x:0:\n::::\nlab:x:1001:j\xf6rg,+\n\n+:::");
    for state in [ACTIVE, PersonState::Suspended, PersonState::Removed] {
        let people = vec![host.person("ana", 65_536, state), host.person("bo", 65_537, ACTIVE)];
        host.settle(&desired(people, vec![group("phys", 65_600, &["ana"])]));
        let bytes = std::fs::read(host.root.etc.join("passwd")).unwrap();
        let kept: Vec<&[u8]> = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.starts_with(b"ana:") && !line.starts_with(b"bo:"))
            .collect();
        assert_eq!(kept.join(&b'\n'), awkward);
        assert!(bytes.ends_with(b"\n-evil::::::\n+@staff::::::\n+:"), "NIS lines come last and no newline was added");
    }
    assert!(
        std::fs::read(host.root.etc.join("group"))
            .unwrap()
            .starts_with(b"# groups\nroot:x:0:\n::::\nlab:x:1001:j\xf6rg,+\n\n")
    );
}

#[test]
fn case_30_given_a_file_changed_since_it_was_read_then_nothing_is_overwritten_and_the_next_try_has_both() {
    let host = Host::new();
    let wanted = desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]);
    std::fs::create_dir_all(&host.root.state).unwrap();
    let facts = Facts::gather(&host.root, &wanted, NOW).unwrap();
    let read = AsRead::read(&host.root).unwrap();
    let planned = plan(&wanted, &read.found, &Ledger::default(), &facts, &host.root.home_bases);
    host.put("passwd", format!("{}late:x:1007:1007::/srv:/bin/sh\n", host.text("passwd")));
    let before = host.text("passwd");
    let installed = read.install(&host.root, &planned).unwrap();
    assert!(matches!(installed, Installed::ChangedMeanwhile(path) if path.ends_with("passwd")));
    assert_eq!(host.text("passwd"), before);
    host.settle(&wanted);
    assert!(host.text("passwd").starts_with(&before));
    assert!(host.line("passwd", "ana").starts_with("ana:x:65536:"));
}

#[test]
fn case_30_given_another_program_that_holds_the_systems_lock_then_the_pass_waits_and_then_gives_up() {
    let host = Host::new();
    let script = "use Fcntl; open(F,'>>',$ARGV[0]) or die; my $p=pack('s s x4 q q l x4',F_WRLCK,0,0,0,0); fcntl(F,F_SETLK,$p) or die; $|=1; print \"held\\n\"; <STDIN>;";
    let mut holder = Command::new("perl")
        .args(["-e", script])
        .arg(host.root.etc.join(".pwd.lock"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    let wanted = desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]);
    let outcome = host.run(&wanted);
    assert!(matches!(outcome, Err(Error::Locked { .. })), "{outcome:?}");
    assert_eq!(host.line("passwd", "ana"), "");
    holder.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(holder.wait().unwrap().success());
    host.settle(&wanted);
}

#[test]
fn given_account_files_without_root_then_nothing_is_written_and_the_backup_stays() {
    for file in ["passwd", "group", "shadow"] {
        let host = Host::new();
        host.put(&format!("{file}-"), "the last good copy");
        host.put(file, "");
        let outcome = host.run(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
        assert!(matches!(&outcome, Err(Error::Unsound { path, .. }) if path.ends_with(file)), "{outcome:?}");
        for other in ["passwd", "group", "shadow", "gshadow"] {
            assert_eq!(host.line(other, "ana"), "", "{other}");
        }
        assert_eq!(host.text(&format!("{file}-")), "the last good copy");
    }
}

#[test]
fn given_a_host_without_gshadow_then_none_is_made() {
    let host = Host::new();
    std::fs::remove_file(host.root.etc.join("gshadow")).unwrap();
    host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    assert!(!host.root.etc.join("gshadow").exists());
}

#[test]
fn given_a_pass_interrupted_after_any_file_then_the_next_one_completes_it() {
    let wanted = |host: &Host| desired(vec![host.person("ana", 65_536, ACTIVE)], vec![group("phys", 65_600, &["ana"])]);
    for done in 0..=4 {
        let host = Host::new();
        let old = ["group", "gshadow", "shadow", "passwd"].map(|file| (file, host.text(file)));
        host.settle(&wanted(&host));
        let complete = host.text("passwd");
        for (file, text) in old.iter().skip(done) {
            host.put(file, text);
        }
        assert_eq!(host.settle(&wanted(&host)).refusals, vec![], "after {done} files");
        assert_eq!(host.text("passwd"), complete);
        host.checkers_are_content();
    }
}

#[test]
fn given_anything_strange_among_the_key_files_then_it_is_removed_because_it_would_grant_a_login() {
    let host = Host::new();
    let wanted = desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]);
    host.settle(&wanted);
    let keys = host.root.keys();
    let good = host.key("ana");
    std::fs::write(keys.join("root"), "ssh-ed25519 AAAA\n").unwrap();
    std::fs::create_dir(keys.join("dir")).unwrap();
    std::fs::remove_file(keys.join("ana")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", keys.join("ana")).unwrap();
    host.settle(&wanted);
    assert_eq!(std::fs::read_dir(&keys).unwrap().count(), 1);
    assert_eq!(host.key("ana"), good);
    assert!(keys.join("ana").symlink_metadata().unwrap().is_file());
}

#[test]
fn given_a_key_directory_that_others_can_change_then_the_pass_stops() {
    let host = Host::new();
    let wanted = desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]);
    host.settle(&wanted);
    std::fs::set_permissions(host.root.keys(), PermissionsExt::from_mode(0o777)).unwrap();
    let outcome = host.run(&wanted);
    assert!(matches!(&outcome, Err(Error::Exposed { path }) if *path == host.root.keys()), "{outcome:?}");
}

#[test]
fn given_account_files_that_cannot_be_written_then_the_keys_of_a_suspended_person_go_all_the_same() {
    let host = Host::new();
    host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    host.put("shadow", host.text("shadow").replace("root:", "toor:"));
    let outcome = host.run(&desired(vec![host.person("ana", 65_536, PersonState::Suspended)], vec![]));
    assert!(matches!(outcome, Err(Error::Unsound { .. })), "{outcome:?}");
    assert_eq!(host.key("ana"), None);
}

#[test]
fn given_a_pass_then_the_ledger_knows_what_it_wrote_and_without_it_everything_is_a_strangers() {
    let host = Host::new();
    let wanted = desired(vec![host.person("ana", 65_536, ACTIVE)], vec![group("phys", 65_600, &[])]);
    host.settle(&wanted);
    let ledger = std::fs::read_to_string(host.root.ledger()).unwrap();
    assert!(ledger.ends_with("\nuser:ana:65536\ngroup:phys:65600\n"), "{ledger}");
    std::fs::remove_file(host.root.ledger()).unwrap();
    let before = host.text("passwd");
    let outcome = host.settle(&wanted);
    assert_eq!(outcome.refusals.len(), 2);
    assert_eq!((host.text("passwd"), host.key("ana")), (before, None));
}
