//! Places of storage in `policy.toml`, sound and broken.

use std::path::Path;
use std::time::Duration;

use bursar_policy::{AccountName, UserName};

use super::storage::GB;
use super::tests::{list, policy_with};
use super::*;
use crate::store::Amount;

fn places(rest: &str) -> Vec<StoragePlace> {
    policy_with(rest).unwrap_or_else(|problems| panic!("{}", list(&problems))).policy.storage
}

#[test]
fn given_storage_then_every_key_has_its_meaning_and_its_default() {
    let places = places(
        r#"
[[storage]]
name = "/scratch"
from = "command"
command = ["/usr/local/sbin/lustre-usage", "--fs", "scratch"]
timeout-seconds = 20
every-seconds = 60
max-age-hours = 2
over = "refuse"
person-gb = "1.5"
account-gb = 100
[storage.person]
ana = 20
ben = "unlimited"
[storage.account]
physics = "0.001"
[[storage]]
name = "home"
from = "quota"
path = "/home"
over = "warn"
limit-from = "source"
[storage.gid]
physics = 5100
"#,
    );
    let [scratch, home] = places.as_slice() else { panic!("{places:?}") };
    let argv = ["/usr/local/sbin/lustre-usage", "--fs", "scratch"].map(str::to_owned).to_vec();
    assert_eq!(scratch.source, StorageSource::Command { argv, timeout: Duration::from_secs(20) });
    assert_eq!((scratch.every, scratch.max_age, scratch.refuses), (Duration::from_secs(60), 7_200, true));
    assert_eq!(scratch.each_person, Some(Amount::AtMost(GB + GB / 2)));
    assert_eq!(scratch.each_account, Some(Amount::AtMost(100 * GB)));
    assert_eq!(scratch.people[&UserName::new("ana").unwrap()], Amount::AtMost(20 * GB));
    assert_eq!(scratch.people[&UserName::new("ben").unwrap()], Amount::Unlimited);
    let physics = AccountName::new("physics").unwrap();
    assert_eq!(scratch.accounts[&physics], Amount::AtMost(1_073_741), "the part of a byte is left out");
    assert!(!scratch.limit_from_source && home.limit_from_source);
    let StorageSource::Quota { path, gids } = &home.source else { panic!("{home:?}") };
    assert_eq!((path.as_path(), gids[&physics]), (Path::new("/home"), 5_100));
    assert_eq!((home.every, home.max_age, home.refuses), (Duration::from_secs(300), 86_400, false));
    assert_eq!((home.each_person, home.each_account), (None, None));
    assert_eq!(policy_with("").unwrap().policy.storage, []);
}

#[test]
fn given_broken_storage_then_every_problem_of_every_place_is_told() {
    let rest = r#"
[[storage]]
from = "lustre"
over = "kill"
person-gb = 1.5
account-gb = "much"
limit-from = "me"
every-seconds = 0
max-age-hours = 9999
every = 3
[storage.person]
Ana = 1
ben = -1
[storage.account]
"a b" = "unlimited"
[[storage]]
name = "/scratch"
from = "command"
command = ["lustre-usage", "", 7]
over = "warn"
path = "/scratch"
timeout-seconds = 0
[[storage]]
name = "/scratch"
from = "quota"
path = "scratch"
command = []
over = "warn"
person-gb = 1
[storage.gid]
physics = 0
[[storage]]
name = "a"
from = "command"
command = []
over = "refuse"
[[storage]]
name = "b"
from = "quota"
path = "/b"
over = "refuse"
[[storage]]
name = "c"
from = "quota"
path = "/c"
over = "refuse"
person-gb = "0.0001"
[[storage]]
name = "d"
from = "quota"
path = "/d"
over = "warn"
limit-from = "source"
every-seconds = 3600
max-age-hours = 1
"#;
    insta::assert_snapshot!(list(&policy_with(rest).unwrap_err()));
}

#[test]
fn given_the_shipped_example_then_its_two_places_are_commented_out_and_sound() {
    let text = include_str!("../../../packaging/examples/policy.toml");
    assert_eq!(places(&text[text.find("[limits.default]").unwrap()..]), []);
    let (_, example) = text.split_once("Two places, to be uncommented:\n").unwrap();
    let written: String = example.lines().map(|line| format!("{}\n", line.trim_start_matches("# "))).collect();
    let places = places(&written);
    assert_eq!(places.iter().map(|place| place.name.as_str()).collect::<Vec<_>>(), ["/scratch", "/home"]);
    assert_eq!((places[0].every, places[0].max_age), (places[1].every, places[1].max_age), "defaults are written out");
}
