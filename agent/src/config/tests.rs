//! The shipped examples load; a broken file tells every problem at once.

use std::path::{Path, PathBuf};

use bursar_policy::Timestamp;

use super::*;
use crate::store::{Amount, LimitKind, Role, Scope};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/examples")
}

fn shipped() -> ConfigPaths {
    ConfigPaths { machine: examples().join("bursar.toml"), policy: examples().join("policy.toml") }
}

/// The problems as `bursar check config` prints them, without the folder.
pub(super) fn list(problems: &[Problem]) -> String {
    let line = |problem: &Problem| {
        let file = PathBuf::from(problem.file.file_name().unwrap());
        Problem { file, ..problem.clone() }.to_string()
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn load_texts(machine: &str, policy: &str) -> Result<Config, Vec<Problem>> {
    let dir = tempfile::tempdir().unwrap();
    let paths = ConfigPaths { machine: dir.path().join("bursar.toml"), policy: dir.path().join("policy.toml") };
    std::fs::write(&paths.machine, machine).unwrap();
    std::fs::write(&paths.policy, policy).unwrap();
    load(&paths)
}

const MACHINE: &str = "cluster = \"c\"\nroles = [\"login\"]\n\
    [[source]]\nname = \"directory\"\nkind = \"directory\"\npath = \"/etc/bursar/directory.toml\"\n";

pub(super) fn policy_with(rest: &str) -> Result<Config, Vec<Problem>> {
    let text = format!("time-zone = \"Europe/Berlin\"\nweek-start = \"monday\"\ncontact = \"Ask us.\"\n{rest}");
    load_texts(MACHINE, &text)
}

#[test]
fn given_the_shipped_examples_then_they_load_and_mean_what_their_comments_say() {
    let config = load(&shipped()).unwrap_or_else(|problems| panic!("{}", list(&problems)));
    assert_eq!(config.machine.cluster, "cluster");
    assert_eq!(config.machine.uid_pool, crate::store::numbers::UidPool { first: 65_536, last: 99_999 });
    assert_eq!(config.machine.paths.store, Path::new("/var/lib/bursar/store.db"));
    assert_eq!(config.policy.time_zone_name, "Europe/Berlin");
    let limits = &config.policy.limits;
    assert_eq!(limits.default[&LimitKind::parse("cpu-hours-per-day").unwrap()], Amount::AtMost(500 * 3_600));
    assert_eq!(limits.default[&LimitKind::RunningJobs], Amount::AtMost(50));
    assert_eq!(limits.roles[&Role::ClusterAdmin][&LimitKind::RunningJobs], Amount::Unlimited);
    let summer = config.policy.mappings.iter().find(|m| m.group == "g-summer-school").unwrap();
    // 2030-10-01 00:00 in Berlin is 22:00 UTC the evening before.
    assert_eq!(summer.until.unwrap().to_string(), "2030-09-30 22:00 UTC");
    let directory = crate::source::directory::read(&examples().join("directory.toml")).unwrap();
    assert_eq!((directory.people.len(), directory.groups.len()), (5, 5));
    for mapping in &config.policy.mappings {
        assert!(directory.groups.iter().any(|group| group.id == mapping.group), "{}", mapping.group);
    }
}

#[test]
fn given_every_default_in_a_comment_then_uncommenting_it_changes_nothing() {
    let text = std::fs::read_to_string(shipped().machine).unwrap();
    let is_default = |line: &str| line.starts_with("# ") && line.contains(" = ");
    let written: String =
        text.lines().map(|l| if is_default(l) { format!("{}\n", &l[2..]) } else { format!("{l}\n") }).collect();
    assert_eq!(written.matches("\n# ").count() + 11, text.matches("\n# ").count(), "every default is found");
    let policy = std::fs::read_to_string(shipped().policy).unwrap();
    // A rate card lies beside the shipped files only.
    let (written, shipped) = (load_texts(&written, &policy).unwrap(), load(&shipped()).unwrap());
    assert_eq!((written.machine, written.policy), (shipped.machine, shipped.policy));
}

#[test]
fn given_two_broken_files_then_every_problem_of_both_is_told_with_file_line_and_key() {
    let machine = r#"
cluster = "My Cluster"
roles = ["login", "login", "storage", 7]
color = "blue"
[paths]
store = "store.db"
publish = "/var/../etc"
cache = "/tmp"
[uid-pool]
first = 1000
last = "many"
[[source]]
name = "directory"
kind = "ldap"
[[source]]
name = "a b"
kind = "directory"
path = "/etc/bursar/directory.toml"
[intervals]
source-seconds = 0
"#;
    let policy = r#"
time-zone = "Europe/Atlantis"
week-start = "Monday"
[limits.default]
running-jobs = -1
queued-jobs = "lots"
cpu-hours-per-day = 1.5
cpu-hours-per-decade = 10
[limits.boss]
running-jobs = 1
[limits.person.Ana]
running-jobs = 1
[[account]]
name = "physics"
parent = "sciense"
description = "Physics"
[[account]]
name = "physics"
description = ""
[[account]]
name = "a"
parent = "b"
description = "A"
[[account]]
name = "b"
parent = "a"
description = "B"
cost-center = "x,y"
[[account]]
name = "Root"
[[mapping]]
group = "g-1"
role = "king"
account = "nowhere"
[[mapping]]
role = "compute-user"
scope = "cluster"
until = "tomorrow"
[[mapping]]
group = "g-1"
role = "observer"
[[mapping]]
group = "g-1"
role = "observer"
scope = "cluster"
[[mapping]]
group = "g-1"
role = "observer"
scope = "cluster"
"#;
    insta::assert_snapshot!(list(&load_texts(machine, policy).unwrap_err()));
}

#[test]
fn given_doubled_tables_and_keys_then_they_are_told_beside_the_other_problems() {
    let rest = "contact = \"Ask them.\"\n[limits.default]\nrunning-jobs = 1\n[limits.default]\nqueued-jobs = -1\n";
    insta::assert_snapshot!(list(&policy_with(rest).unwrap_err()));
}

#[test]
fn given_text_that_is_not_toml_then_the_line_is_told_and_nothing_is_guessed() {
    let problems = load_texts("cluster = \nroles = [\"login\"\n", "time-zone == 3\n").unwrap_err();
    assert!(problems.iter().all(|problem| problem.line > 0), "{}", list(&problems));
    assert!(!list(&problems).contains("is missing"), "{}", list(&problems));
    let files: std::collections::BTreeSet<_> = problems.iter().map(|problem| problem.file.file_name()).collect();
    assert_eq!(files.len(), 2);
}

#[test]
fn given_a_missing_file_then_the_problem_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ConfigPaths { machine: dir.path().join("bursar.toml"), policy: dir.path().join("policy.toml") };
    assert_eq!(
        list(&load(&paths).unwrap_err()),
        "bursar.toml: there is no such file; copy the shipped example there\n\
         policy.toml: there is no such file; copy the shipped example there"
    );
}

#[test]
fn given_until_in_each_form_then_the_instant_is_the_sites() {
    let until = |text: &str| {
        let rest = format!("[[mapping]]\ngroup = \"g\"\nrole = \"observer\"\nscope = \"cluster\"\nuntil = {text}\n");
        policy_with(&rest).unwrap().policy.mappings[0].until.unwrap()
    };
    assert_eq!(until("2026-03-28").to_string(), "2026-03-28 23:00 UTC");
    assert_eq!(
        until("2026-03-29").to_string(),
        "2026-03-29 22:00 UTC",
        "the day of the change to summer time is short"
    );
    assert_eq!(until("2026-03-19T18:00:00").to_string(), "2026-03-19 17:00 UTC");
    assert_eq!(until("2026-03-19T18:00:00Z"), Timestamp(1_773_943_200));
    assert_eq!(until("2026-03-19T18:00:00-05:00"), Timestamp(1_773_943_200 + 5 * 3_600));
}

#[test]
fn given_children_before_parents_then_accounts_come_parents_first() {
    let rest = "[[account]]\nname = \"c\"\nparent = \"b\"\ndescription = \"C\"\n[[account]]\nname = \"b\"\n\
        parent = \"a\"\ndescription = \"B\"\n[[account]]\nname = \"a\"\ndescription = \"A\"\n";
    let names: Vec<_> = policy_with(rest).unwrap().policy.accounts.iter().map(|a| a.name.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn given_an_account_below_a_circle_then_only_the_circle_is_told() {
    let account =
        |name, parent| format!("[[account]]\nname = \"{name}\"\nparent = \"{parent}\"\ndescription = \"x\"\n");
    let rest = [account("a", "b"), account("b", "a"), account("c", "a"), account("d", "d")].concat();
    let problems = policy_with(&rest).unwrap_err();
    let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["account[1].parent", "account[2].parent", "account[4].parent"]);
}

#[test]
fn given_a_source_that_bursar_toml_does_not_have_then_the_mapping_is_a_problem() {
    let rest = "[[mapping]]\ngroup = \"g\"\nrole = \"observer\"\nscope = \"cluster\"\nsource = \"entra\"\n";
    let problems = policy_with(rest).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("names source entra"), "{}", problems[0]);
    assert_eq!((problems[0].line, problems[0].key.as_str()), (8, "mapping[1].source"));
}

#[test]
fn given_amounts_then_hours_become_seconds_and_roles_scopes() {
    let rest = "[limits.guest]\ncpu-hours-per-week = 3\n[[account]]\nname = \"a\"\ndescription = \"A\"\n\
        [account.limits]\nqueued-jobs = 0\n[[mapping]]\ngroup = \"g\"\nrole = \"compute-user\"\naccount = \"a\"\n";
    let policy = policy_with(rest).unwrap().policy;
    assert_eq!(policy.limits.guest[&LimitKind::parse("cpu-hours-per-week").unwrap()], Amount::AtMost(10_800));
    assert_eq!(policy.accounts[0].limits[&LimitKind::QueuedJobs], Amount::AtMost(0));
    assert_eq!(policy.mappings[0].scope, Scope::Account(policy.accounts[0].name.clone()));
}
