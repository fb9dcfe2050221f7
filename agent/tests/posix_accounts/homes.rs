//! Homes: never taken from anybody, never through a link, whole or not at all.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use bursar_agent::posix::Why;

use crate::host::{ACTIVE, Host, desired};

#[test]
fn case_32_given_a_home_of_somebody_else_then_it_is_not_touched_and_the_person_is_refused() {
    let host = Host::new();
    let home = host.path("home/ana");
    std::fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(4_242), Some(4_242)).unwrap();
    let outcome = host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    assert_eq!(outcome.refusals.first().map(|refusal| &refusal.why), Some(&Why::HomeForeign(home.clone(), 4_242)));
    assert_eq!(std::fs::metadata(&home).unwrap().uid(), 4_242);
    assert_eq!(std::fs::read_dir(&home).unwrap().count(), 0);
    assert_eq!((host.line("passwd", "ana").as_str(), host.key("ana")), ("", None));
}

#[test]
fn given_a_home_that_the_person_has_already_then_its_mode_and_content_stay() {
    let host = Host::new();
    let home = host.path("home/ana");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, PermissionsExt::from_mode(0o750)).unwrap();
    std::os::unix::fs::chown(&home, Some(65_536), Some(65_536)).unwrap();
    let outcome = host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    assert_eq!((outcome.refusals, outcome.homes_made), (vec![], 0));
    assert_eq!(std::fs::metadata(&home).unwrap().mode() & 0o777, 0o750);
    assert!(!home.join(".profile").exists());
}

#[test]
fn given_a_link_at_the_home_or_above_it_then_it_is_not_followed() {
    let host = Host::new();
    std::fs::create_dir(host.path("elsewhere")).unwrap();
    symlink(host.path("elsewhere"), host.path("home/ana")).unwrap();
    symlink(host.path("elsewhere"), host.path("home/team")).unwrap();
    let mut bo = host.person("bo", 65_537, ACTIVE);
    bo.home = host.path("home/team/bo");
    let outcome = host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE), bo], vec![]));
    let whys: Vec<_> = outcome.refusals.iter().map(|refusal| &refusal.why).collect();
    assert_eq!(whys, [&Why::HomeNotDirectory(host.path("home/ana")), &Why::HomeNotDirectory(host.path("home/team"))]);
    assert_eq!(std::fs::read_dir(host.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn given_homes_outside_the_bases_or_inside_each_other_then_these_people_are_refused() {
    let host = Host::new();
    let at = |name: &str, id, home: &str| {
        let mut person = host.person(name, id, ACTIVE);
        person.home = home.into();
        person
    };
    let inside = format!("{}/ana/cy", host.path("home").display());
    let up = format!("{}/../etc", host.path("home").display());
    let same = format!("{}/ana", host.path("home").display());
    let outcome = host.settle(&desired(
        vec![
            host.person("ana", 65_536, ACTIVE),
            at("bo", 65_537, "/etc"),
            at("cy", 65_538, &inside),
            at("di", 65_539, &up),
            at("eve", 65_540, &same),
        ],
        vec![],
    ));
    let whys: Vec<_> = outcome.refusals.iter().map(|refusal| refusal.why.clone()).collect();
    assert_eq!(
        whys,
        [
            Why::BadHome("/etc".into()),
            Why::HomeShared(inside.into()),
            Why::BadHome(up.into()),
            Why::HomeShared(same.into())
        ]
    );
    assert!(host.path("home/ana/.profile").exists());
}

#[test]
fn given_homes_in_a_directory_per_team_then_that_directory_is_made_for_root() {
    let host = Host::new();
    let mut person = host.person("ana", 65_536, ACTIVE);
    person.home = host.path("home/team/ana");
    host.settle(&desired(vec![person], vec![]));
    let team = std::fs::metadata(host.path("home/team")).unwrap();
    assert_eq!((team.uid(), team.mode() & 0o777), (host.root.owner_of(0), 0o755));
    assert_eq!(std::fs::metadata(host.path("home/team/ana")).unwrap().uid(), host.root.owner_of(65_536));
}

#[test]
fn case_33_given_a_place_where_no_home_can_be_made_then_it_is_reported_and_the_account_works() {
    let host = Host::new();
    std::fs::remove_dir(host.path("home")).unwrap();
    let wanted = desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]);
    let outcome = host.settle(&wanted);
    assert!(matches!(outcome.refusals.first().map(|refusal| &refusal.why), Some(Why::HomeNotMade(..))));
    assert!(host.line("passwd", "ana").ends_with(":/bin/bash"));
    assert!(host.key("ana").is_some());
    std::fs::create_dir(host.path("home")).unwrap();
    assert_eq!(host.settle(&wanted).homes_made, 1);
}

#[test]
fn given_a_home_left_half_made_then_the_next_pass_makes_it_whole() {
    let host = Host::new();
    let half = host.path("home/.ana.bursar-new");
    std::fs::create_dir_all(half.join(".config")).unwrap();
    std::fs::write(half.join(".profile"), "uma").unwrap();
    let outcome = host.settle(&desired(vec![host.person("ana", 65_536, ACTIVE)], vec![]));
    assert_eq!((outcome.homes_made, half.exists()), (1, false));
    assert_eq!(std::fs::read_to_string(host.path("home/ana/.profile")).unwrap(), "umask 027\n");
    assert_eq!(std::fs::metadata(host.path("home/ana/.profile")).unwrap().uid(), host.root.owner_of(65_536));
}
