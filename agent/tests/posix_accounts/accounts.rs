//! The life of an account: made, dated, suspended, given back, removed.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use bursar_agent::posix::{Notice, PersonState};
use bursar_policy::time::Timestamp;

use crate::host::{ACTIVE, Host, KEY, NOW, desired, group};

#[test]
fn given_a_fresh_host_then_accounts_groups_homes_and_keys_appear_and_a_second_pass_writes_nothing() {
    let host = Host::new();
    let outcome = host.settle(&desired(
        vec![host.person("ana", 65_536, ACTIVE), host.person("bo", 65_537, ACTIVE)],
        vec![group("phys", 65_600, &["bo", "ana"])],
    ));
    assert_eq!((outcome.refusals, outcome.notices), (vec![], vec![]));
    let home = host.path("home/ana");
    let wanted = format!("ana:x:65536:65536:ana the person:{}:/bin/bash", home.display());
    assert_eq!(host.line("passwd", "ana"), wanted);
    assert_eq!(host.line("shadow", "ana"), "ana:*:20530:0:99999:7:::");
    assert_eq!(host.line("group", "ana"), "ana:x:65536:");
    assert_eq!(host.line("group", "phys"), "phys:x:65600:ana,bo");
    assert_eq!(host.line("gshadow", "phys"), "phys:!::ana,bo");
    host.checkers_are_content();

    let owner = host.root.owner_of(65_536);
    for (name, mode) in [("", 0o700), ("/.profile", 0o644), ("/.config", 0o755), ("/.config/tool", 0o644)] {
        let meta = std::fs::symlink_metadata(format!("{}{name}", home.display())).unwrap();
        assert_eq!((meta.permissions().mode() & 0o777, meta.uid()), (mode, owner), "{name}");
    }
    assert_eq!(std::fs::symlink_metadata(home.join(".bash_profile")).unwrap().uid(), owner);
    assert!(host.key("ana").unwrap().ends_with(&format!("\n{KEY} ana@laptop\n")));
}

#[test]
fn given_files_with_their_own_modes_then_these_stay_and_a_backup_is_kept() {
    let host = Host::new();
    let shadow = host.root.etc.join("shadow");
    std::fs::set_permissions(&shadow, PermissionsExt::from_mode(0o640)).unwrap();
    if host.root.chown {
        std::os::unix::fs::chown(&shadow, Some(0), Some(42)).unwrap();
    }
    let (before, meta) = (host.text("shadow"), std::fs::metadata(&shadow).unwrap());
    host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    for file in ["shadow", "shadow-"] {
        let now = std::fs::metadata(host.root.etc.join(file)).unwrap();
        assert_eq!((now.mode(), now.uid(), now.gid()), (meta.mode(), meta.uid(), meta.gid()), "{file}");
    }
    assert_eq!(host.text("shadow-"), before);
    assert!(!host.root.etc.join("shadow+").exists());
}

#[test]
fn given_a_dated_grant_then_shadow_and_keys_end_with_it_and_follow_a_new_date() {
    let host = Host::new();
    let until = |at| desired(vec![host.person("ana", 65_536, PersonState::Active { until: Some(at) })], vec![]);
    host.settle(&until(Timestamp(NOW.0 + 86_400)));
    assert_eq!(host.line("shadow", "ana"), "ana:*:20530:0:99999:7::20532:");
    assert!(host.key("ana").unwrap().contains("expiry-time=\"20260418010000Z\" ssh-ed25519"));
    let outcome = host.settle(&until(Timestamp(NOW.0 + 10 * 86_400)));
    assert_eq!((outcome.files_written, outcome.keys_written), (vec!["shadow"], 1));
    assert_eq!(host.line("shadow", "ana"), "ana:*:20530:0:99999:7::20541:");
}

#[test]
fn given_a_suspended_person_then_line_home_and_groups_stay_access_goes_and_reactivation_gives_all_back() {
    let host = Host::new();
    let with = |state| desired(vec![host.person("ana", 65_536, state)], vec![group("phys", 65_600, &["ana"])]);
    host.settle(&with(ACTIVE));
    let files = ["passwd", "group", "shadow", "gshadow"];
    let before = files.map(|file| host.text(file));
    let outcome = host.settle(&with(PersonState::Suspended));
    assert_eq!(outcome.shut.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["ana"]);
    assert!(host.line("passwd", "ana").ends_with(":/usr/sbin/nologin"));
    assert_eq!(host.line("shadow", "ana"), "ana:!*:20530:0:99999:7::1:");
    assert_eq!(host.line("group", "phys"), "phys:x:65600:ana");
    assert_eq!(host.key("ana"), None);
    assert!(host.path("home/ana/.profile").exists());
    host.checkers_are_content();
    host.settle(&with(ACTIVE));
    assert_eq!(files.map(|file| host.text(file)), before);
    assert!(host.key("ana").is_some());
}

#[test]
fn given_a_grant_that_ended_then_the_account_is_shut_and_keys_stay_for_a_month_so_that_the_refusal_has_words() {
    let host = Host::new();
    let with = |state| desired(vec![host.person("ana", 65_536, state)], vec![]);
    host.settle(&with(PersonState::Active { until: Some(NOW) }));
    let key = host.key("ana");
    host.settle(&with(PersonState::Ended { since: NOW }));
    assert!(host.line("passwd", "ana").ends_with(":/usr/sbin/nologin"));
    assert_eq!(host.line("shadow", "ana"), "ana:!*:20530:0:99999:7::1:");
    assert_eq!(host.key("ana"), key);
    host.settle(&with(PersonState::Ended { since: Timestamp(NOW.0 - 32 * 86_400) }));
    assert_eq!(host.key("ana"), None);
}

#[test]
fn given_a_suspended_person_with_bad_new_fields_then_the_access_still_goes() {
    let host = Host::new();
    host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    let mut person = host.person("ana", 65_536, PersonState::Suspended);
    person.home = "/etc/../".into();
    person.shell = "x".into();
    host.settle(&desired(vec![person], vec![]));
    assert_eq!(host.line("shadow", "ana"), "ana:!*:20530:0:99999:7::1:");
    assert!(host.line("passwd", "ana").ends_with(&format!("{}:/usr/sbin/nologin", host.path("home/ana").display())));
}

#[test]
fn case_37_given_a_removed_person_then_the_uid_keeps_resolving_and_leaves_the_groups() {
    let host = Host::new();
    let with = |state| desired(vec![host.person("ana", 65_536, state)], vec![group("phys", 65_600, &["ana"])]);
    host.settle(&with(ACTIVE));
    host.settle(&with(PersonState::Removed));
    assert!(host.line("passwd", "ana").starts_with("ana:x:65536:65536:"));
    assert_eq!(host.line("group", "phys"), "phys:x:65600:");
    assert_eq!(host.key("ana"), None);
    assert!(host.path("home/ana").exists());
    host.checkers_are_content();
}

#[test]
fn given_a_person_whom_the_snapshot_lost_then_the_account_is_shut_and_an_administrator_is_told() {
    let host = Host::new();
    host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![group("phys", 65_600, &["ana"])]));
    let outcome = host.settle(&desired(vec![], vec![]));
    assert_eq!(outcome.notices, vec![Notice::Missing { name: "ana".to_owned() }]);
    assert_eq!(host.line("shadow", "ana"), "ana:!*:20530:0:99999:7::1:");
    assert_eq!(host.line("group", "phys"), "phys:x:65600:");
    assert_eq!(host.key("ana"), None);
}

#[test]
fn case_36_given_a_host_that_joins_late_then_it_has_the_same_lines_as_the_others() {
    let (early, late) = (Host::new(), Host::new());
    let home = early.path("home");
    for host in [&early, &late] {
        std::fs::create_dir_all(host.path("home")).unwrap();
    }
    let people = |host: &Host, names: &[(&str, u32, PersonState)]| {
        let people = names.iter().map(|(name, id, state)| host.person(name, *id, *state)).collect();
        desired(people, vec![group("phys", 65_600, &["ana", "cy"])])
    };
    early.settle(&people(&early, &[("bo", 65_537, ACTIVE)]));
    let all = [("cy", 65_538, ACTIVE), ("ana", 65_536, ACTIVE), ("bo", 65_537, PersonState::Suspended)];
    early.settle(&people(&early, &all));
    late.settle(&people(&late, &all));
    let sorted = |host: &Host, file: &str| {
        let text = host.text(file).replace(&host.path("home").display().to_string(), &home.display().to_string());
        let mut lines: Vec<String> = text.lines().map(|line| line.replace("bo the person", "")).collect();
        lines.sort();
        lines
    };
    for file in ["passwd", "group", "shadow", "gshadow"] {
        assert_eq!(sorted(&early, file), sorted(&late, file), "{file}");
    }
}
