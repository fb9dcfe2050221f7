//! Clashes of names, numbers and keys: refused for that person, and nobody else is affected.

use std::process::Command;

use bursar_agent::posix::keys::KeyError;
use bursar_agent::posix::{Notice, Outcome, PersonState, Why};
use bursar_policy::id::Gid;

use crate::host::{ACTIVE, Host, KEY, desired, group};

fn refused(outcome: &Outcome) -> Vec<(&str, u32, &Why)> {
    outcome.refusals.iter().map(|refusal| (refusal.name.as_str(), refusal.id, &refusal.why)).collect()
}

#[test]
fn case_25_given_a_person_renamed_at_the_source_then_the_local_name_is_never_changed() {
    let host = Host::new();
    host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    let outcome = host.settle(&desired(vec![host.person("anna", 65_536, ACTIVE)], vec![]));
    assert_eq!(refused(&outcome), [("anna", 65_536, &Why::UidTaken("ana".to_owned()))]);
    assert!(host.line("passwd", "ana").ends_with("/usr/sbin/nologin"));
    assert_eq!(host.line("passwd", "anna"), "");
}

#[test]
fn case_26_given_a_name_made_anew_at_the_source_then_the_old_account_is_not_inherited() {
    let host = Host::new();
    host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    let old = host.person("ana", 65_536, PersonState::Removed);
    let new = host.person("ana", 65_700, ACTIVE);
    for people in [vec![new.clone(), old], vec![new]] {
        let outcome = host.settle(&desired(people, vec![group("phys", 65_600, &["ana"])]));
        assert_eq!(refused(&outcome), [("ana", 65_700, &Why::Twice(65_536))]);
        assert!(host.line("passwd", "ana").starts_with("ana:x:65536:"));
        assert_eq!(host.line("shadow", "ana"), "ana:!*:20530:0:99999:7::1:");
        assert_eq!((host.key("ana"), host.line("group", "phys").as_str()), (None, "phys:x:65600:"));
    }
}

#[test]
fn case_27_given_a_uid_out_of_range_or_of_a_local_user_then_only_that_person_is_refused() {
    let host = Host::new();
    host.put("passwd", "root:x:0:0:root:/root:/bin/bash\nlocal:x:65540:65540::/nonexistent:/bin/sh\n");
    host.put("group", "root:x:0:\nlab:x:65541:\n");
    let before = host.line("passwd", "local");
    let mut gid = host.person("gid", 65_550, ACTIVE);
    gid.gid = Gid::new(27).unwrap();
    let outcome = host.settle(&desired(
        vec![
            host.person("low", 61_184, ACTIVE),
            host.person("high", 100_000, ACTIVE),
            host.person("same", 65_540, ACTIVE),
            host.person("lab2", 65_541, ACTIVE),
            gid,
            host.person("ana", 65_536, ACTIVE),
        ],
        vec![group("sys2", 27, &["ana"]), group("priv", 65_536, &["ana"])],
    ));
    assert_eq!(
        refused(&outcome),
        [
            ("sys2", 27, &Why::OutsideRange),
            ("low", 61_184, &Why::OutsideRange),
            ("priv", 65_536, &Why::GidTaken("ana".to_owned())),
            ("same", 65_540, &Why::UidTaken("local".to_owned())),
            ("lab2", 65_541, &Why::GidTaken("lab".to_owned())),
            ("gid", 65_550, &Why::GidIsNotUid(27)),
            ("high", 100_000, &Why::OutsideRange),
        ]
    );
    assert_eq!(host.line("passwd", "local"), before);
    assert!(host.line("passwd", "ana").starts_with("ana:x:65536:"));
    assert_eq!(std::fs::read_dir(host.root.keys()).unwrap().count(), 1);
}

#[test]
fn case_28_given_two_people_with_one_name_then_the_one_allocated_first_has_it() {
    let host = Host::new();
    let outcome =
        host.settle(&desired(vec![host.person("ana", 65_540, ACTIVE), host.person("ana", 65_536, ACTIVE)], vec![]));
    assert_eq!(refused(&outcome), [("ana", 65_540, &Why::Twice(65_536))]);
    assert!(host.line("passwd", "ana").starts_with("ana:x:65536:"));
}

#[test]
fn case_29_given_an_entry_made_by_hand_then_it_is_never_taken_over_until_it_is_adopted() {
    for (file, line) in [
        ("passwd", "ana:x:1005:1005:by hand:/srv/ana:/bin/sh"),
        ("passwd", "ana:x:65536:65536:by hand:/srv/ana:/bin/sh"),
        ("passwd", "+ana::::::"),
        ("group", "ana:x:50:"),
        ("shadow", "ana:$y$x:20000:0:99999:7:::"),
        ("gshadow", "ana:!::"),
    ] {
        let host = Host::new();
        host.put(file, format!("{}{line}\n", host.text(file)));
        let before = host.text(file);
        let people = || vec![host.person("ana", 65_536, ACTIVE), host.person("bo", 65_537, ACTIVE)];
        let outcome = host.settle(&desired(people(), vec![group("phys", 65_600, &["ana", "bo"])]));
        assert_eq!(refused(&outcome), [("ana", 65_536, &Why::NameTaken(file))], "{line}");
        assert!(host.text(file).contains(before.trim_end_matches("+ana::::::\n")), "{line}");
        assert!(host.text(file).contains(line), "{line}");
        assert_eq!(host.line("group", "phys"), "phys:x:65600:bo", "a stranger came into a group: {line}");
        assert_eq!(host.key("ana"), None, "{line}");
        assert!(!host.path("home/ana").exists(), "{line}");
    }
    let host = Host::new();
    host.put("passwd", format!("{}ana:x:65536:65536:by hand:/srv/ana:/bin/sh\n", host.text("passwd")));
    host.own("ana", 65_536);
    let outcome = host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    assert_eq!(refused(&outcome), []);
    assert!(host.line("passwd", "ana").contains("ana the person"));
    host.checkers_are_content();
}

#[test]
fn given_a_line_of_ours_doubled_by_a_stranger_then_nothing_is_touched_and_the_keys_go() {
    let host = Host::new();
    let wanted = desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]);
    host.settle(&wanted);
    host.put("passwd", format!("ana:x:1005:1005::/srv/ana:/bin/sh\n{}", host.text("passwd")));
    let before = host.text("passwd");
    let outcome = host.settle(&wanted);
    assert_eq!(refused(&outcome), [("ana", 65_536, &Why::NameTaken("passwd"))]);
    assert_eq!((host.text("passwd"), host.key("ana")), (before, None));
}

#[test]
fn case_34_given_a_group_of_3000_then_the_systems_own_lookup_finds_its_last_member() {
    let host = Host::new();
    let names: Vec<String> = (0..3_000).map(|n| format!("person{n:04}")).collect();
    let mut people: Vec<_> = (70_000..).zip(&names).map(|(id, name)| host.person(name, id, ACTIVE)).collect();
    for person in &mut people {
        person.keys.clear();
    }
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let wanted = desired(people, vec![group("phys", 65_600, &members)]);
    // Only the lines matter here.
    let mut root = host.root.clone();
    root.create_homes = false;
    let outcome = bursar_agent::posix::bring_in_step(&root, &wanted, &crate::host::At(crate::host::NOW)).unwrap();
    assert_eq!(outcome.refusals, vec![]);
    let etc = root.etc.display();
    let script = format!(
        "mount --bind {etc}/passwd /etc/passwd && mount --bind {etc}/group /etc/group && id -G person2999 && getent group phys"
    );
    let output = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.lines().next(), Some("72999 65600"));
    assert!(text.trim_end().ends_with(",person2999"));
    host.checkers_are_content();
}

#[test]
fn case_35_given_a_person_in_70_groups_then_an_administrator_is_warned_of_nfs() {
    let host = Host::new();
    let names: Vec<String> = (0..70).map(|n| format!("g{n}")).collect();
    let groups = (80_000..).zip(&names).map(|(gid, name)| group(name, gid, &["ana"])).collect();
    let outcome = host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], groups));
    assert_eq!(outcome.notices, vec![Notice::ManyGroups { name: "ana".to_owned(), count: 71 }]);
}

#[test]
fn case_38_given_bad_keys_then_they_are_left_out_with_reasons_and_the_others_are_kept() {
    let host = Host::new();
    let mut person = host.person("ana", 65_536, ACTIVE);
    person.keys.insert(0, format!("command=\"sh\" {KEY}"));
    person.keys.push(format!("{KEY}\n{KEY}"));
    let outcome = host.settle(&desired(vec![person], vec![]));
    let whys = [Why::BadKey(1, KeyError::Type), Why::BadKey(3, KeyError::NotOneLine)];
    assert_eq!(refused(&outcome), whys.each_ref().map(|why| ("ana", 65_536, why)));
    assert_eq!(host.key("ana").unwrap().matches("ssh-ed25519").count(), 1);
}

#[test]
fn case_39_given_a_shell_that_this_host_lacks_then_the_person_gets_one_it_has() {
    let host = Host::new();
    let mut person = host.person("ana", 65_536, ACTIVE);
    person.shell = "/usr/bin/no-such-shell".into();
    let mut bad = host.person("bo", 65_537, ACTIVE);
    bad.shell = "bash".into();
    let outcome = host.settle(&desired(vec![person, bad], vec![]));
    assert!(host.line("passwd", "ana").ends_with(":/bin/bash"));
    let notice = Notice::ShellMissing {
        name: "ana".to_owned(),
        wanted: "/usr/bin/no-such-shell".into(),
        used: "/bin/bash".into(),
    };
    assert_eq!(outcome.notices, vec![notice]);
    assert_eq!(refused(&outcome), [("bo", 65_537, &Why::BadShell("bash".into()))]);
    assert_eq!((host.line("passwd", "bo").as_str(), host.path("home/bo").exists()), ("", false));
}

#[test]
fn given_a_full_name_that_could_make_lines_then_it_is_written_as_empty() {
    let host = Host::new();
    let mut person = host.person("ana", 65_536, ACTIVE);
    person.gecos = "x\nevil::0:0::/:/bin/sh".to_owned();
    host.settle(&desired(vec![person], vec![]));
    assert!(host.line("passwd", "ana").starts_with("ana:x:65536:65536::"));
    assert_eq!(host.line("passwd", "evil"), "");
}
