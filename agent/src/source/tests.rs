//! Reads, plans and takes in whole directories against a real store.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use bursar_policy::{Timestamp, UserName};

use super::directory::{self, Directory};
use super::merge::{DropAlarm, plan};
use crate::config::Problem;
use crate::store::sync::SourceChanges;
use crate::store::{Cause, PersonState, Store, UidPool};

const CAUSE: Cause<'static> = Cause { actor: "bursard", now: Timestamp(1_773_943_200), reason: "" };

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4";

async fn new_store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store.db")).await.unwrap();
    (dir, store)
}

fn read(text: &str) -> Result<Directory, Vec<Problem>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("directory.toml");
    std::fs::write(&path, text).unwrap();
    directory::read(&path)
}

/// `[[person]]` with id `p-NAME`; `rest` is further lines.
fn person(name: &str, rest: &str) -> String {
    format!("[[person]]\nid = \"p-{name}\"\nuser-name = \"{name}\"\ndisplay-name = \"P {name}\"\n{rest}\n")
}

fn group(name: &str) -> String {
    format!("[[group]]\nid = \"g-{name}\"\nname = \"{name}\"\n")
}

fn people(count: usize) -> String {
    (0..count).map(|n| person(&format!("u{n}"), "")).collect()
}

async fn try_sync(store: &Store, text: &str, confirm_drop: bool) -> Result<SourceChanges, DropAlarm> {
    let state = store.source_state("directory").await.unwrap();
    let changes = plan(&read(text).unwrap(), &state, confirm_drop)?;
    store.apply_source(&changes, UidPool::default(), &CAUSE).await.unwrap();
    Ok(changes)
}

async fn sync(store: &Store, text: &str) -> SourceChanges {
    try_sync(store, text, false).await.unwrap()
}

async fn state_of(store: &Store, name: &str) -> PersonState {
    store.subject_by_name(&UserName::new(name).unwrap()).await.unwrap().state
}

/// Names and reasons of what is refused now.
async fn refusals(store: &Store) -> Vec<String> {
    let refused = store.refused_identities().await.unwrap();
    refused.into_iter().map(|(_, _, r)| format!("{} {}: {}", r.kind, r.immutable_id, r.reason)).collect()
}

#[tokio::test]
async fn given_the_shipped_directory_then_a_second_pass_plans_and_writes_nothing() {
    let (_dir, store) = new_store().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/examples/directory.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(sync(&store, &text).await.new_people.len(), 5);
    assert!(refusals(&store).await.is_empty());
    let (contents, audit) = (store.contents().await.unwrap(), store.audit(None, 100).await.unwrap());
    assert!(sync(&store, &text).await.is_empty());
    assert_eq!((store.contents().await.unwrap(), store.audit(None, 100).await.unwrap()), (contents, audit));
    assert_eq!(state_of(&store, "dov").await, PersonState::Disabled);
}

#[test]
fn given_a_directory_with_mistakes_of_form_then_all_are_told_and_nothing_counts() {
    let text = r#"
[[group]]
id = "g 1"
name = "physics"
[[group]]
id = "g-2"
name = ""
colour = "red"
[[person]]
id = "p-1"
user-name = "ana"
display-name = "Ana\nroot:x:0:0"
mail = "nowhere"
kind = "robot"
enabled = "yes"
ssh-keys = "ssh-ed25519 x"
groups = ["g-2", 7]
[[person]]
user-name = 7
groups = []
uid = 0
"#;
    let problems = read(text).unwrap_err();
    let told: Vec<String> = problems.iter().map(|p| format!("{}: {}: {}", p.line, p.key, p.message)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn given_a_membership_in_a_group_that_is_not_there_then_the_read_fails() {
    let problems = read(&person("ana", "groups = [\"g-lost\"]")).unwrap_err();
    assert_eq!((problems.len(), problems[0].line, problems[0].key.as_str()), (1, 5, "person[1].groups[1]"));
}

#[tokio::test]
async fn given_names_that_are_not_accepted_then_only_those_people_are_refused() {
    let (_dir, store) = new_store().await;
    let text = [person("ana", ""), person("Ben", ""), person("root", ""), person("c.d", ""), group("sudo")].concat();
    sync(&store, &text).await;
    let names: Vec<_> = store.subjects().await.unwrap().iter().map(|s| s.name.to_string()).collect();
    assert_eq!(names, ["ana"]);
    let refused = refusals(&store).await;
    assert_eq!(refused.len(), 4, "{refused:?}");
    assert_eq!(
        refused[1],
        "person p-Ben: the name \"Ben\" has a character that is not allowed at byte 0; give it another name at the source"
    );
    assert!(sync(&store, &text).await.is_empty(), "the same refusals are no news");
    sync(&store, &person("ana", "")).await;
    assert!(refusals(&store).await.is_empty(), "a refusal goes with its cause");
}

#[tokio::test]
async fn given_two_people_with_one_name_then_the_second_is_refused_and_both_are_shown() {
    let (_dir, store) = new_store().await;
    let second = person("ana", "").replace("p-ana", "p-2");
    let text = [person("ana", ""), second].concat();
    sync(&store, &text).await;
    let told = ["person p-2: the name ana belongs to person p-ana of source directory; \
                 give one of them another name at the source"];
    assert_eq!(refusals(&store).await, told);
    assert!(sync(&store, &text).await.is_empty());
}

#[tokio::test]
async fn given_two_records_with_one_id_then_the_first_counts_and_both_are_shown() {
    let (_dir, store) = new_store().await;
    let text = [person("ana", ""), person("ben", "").replace("p-ben", "p-ana")].concat();
    sync(&store, &text).await;
    assert_eq!(refusals(&store).await, ["person p-ana: \"ben\" and \"ana\" have the same id; the first counts"]);
    assert_eq!(store.subjects().await.unwrap().len(), 1);
    assert!(sync(&store, &text).await.is_empty());
}

#[tokio::test]
async fn given_a_rename_at_the_source_then_posix_name_and_uid_stay_and_the_new_name_is_recorded() {
    let (_dir, store) = new_store().await;
    sync(&store, &person("ana", "")).await;
    let before = store.subjects().await.unwrap();
    sync(&store, &person("ana", "").replace("\"ana\"", "\"Ana.Almeida\"")).await;
    let after = store.subjects().await.unwrap();
    assert_eq!((&after[0].name, after[0].uid), (&before[0].name, before[0].uid));
    assert_eq!(store.identities().await.unwrap()[0].source_name, "Ana.Almeida");
    let record = &store.audit(Some("user ana"), 1).await.unwrap()[0];
    assert_eq!(record.action, "person.rename-at-source");
    assert!(refusals(&store).await.is_empty(), "a name that is only recorded need not be a POSIX name");
}

#[tokio::test]
async fn given_a_deleted_person_and_another_with_the_same_name_then_the_newcomer_is_refused() {
    let (_dir, store) = new_store().await;
    sync(&store, &person("ana", "")).await;
    let old = store.subjects().await.unwrap();
    let text = person("ana", "").replace("p-ana", "p-new");
    sync(&store, &text).await;
    assert_eq!(state_of(&store, "ana").await, PersonState::Removed);
    assert_eq!(store.subjects().await.unwrap().len(), 1);
    let refused = refusals(&store).await;
    assert!(refused[0].contains("belongs to person p-ana of source directory"), "{refused:?}");
    sync(&store, &[text.replace("\"ana\"", "\"ana2\""), person("ana", "")].concat()).await;
    let subjects = store.subjects().await.unwrap();
    assert_eq!((subjects[0].uid, subjects[0].state), (old[0].uid, PersonState::Active), "the first ana is back");
    assert_ne!(subjects[1].uid, old[0].uid, "the newcomer has a uid of their own");
}

#[tokio::test]
async fn given_a_group_with_the_name_of_a_person_then_whoever_was_there_first_keeps_it() {
    let (_dir, store) = new_store().await;
    sync(&store, &person("ana", "")).await;
    sync(&store, &[person("ana", ""), group("ana")].concat()).await;
    assert_eq!(store.groups().await.unwrap().len(), 0);
    assert!(refusals(&store).await[0].starts_with("group g-ana: the name ana belongs to person p-ana"));
}

#[tokio::test]
async fn given_a_key_that_is_not_accepted_then_the_persons_other_keys_stay() {
    let (_dir, store) = new_store().await;
    let keys = format!("ssh-keys = [\"command=\\\"/bin/sh\\\" {KEY}\", \"{KEY}  ana\", \"{KEY}\\n{KEY}\"]");
    let text = person("ana", &keys);
    sync(&store, &text).await;
    let kept: Vec<_> = store.contents().await.unwrap().keys.into_values().flatten().collect();
    assert_eq!(kept, [format!("{KEY} ana")]);
    let refused = refusals(&store).await;
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].starts_with("ssh-key p-ana key 1: key 1 of ana does not begin with a known key type"));
    assert!(sync(&store, &text).await.is_empty());
}

#[tokio::test]
async fn given_changes_of_every_field_then_they_arrive_and_groups_come_and_go() {
    let (_dir, store) = new_store().await;
    sync(&store, &[group("a"), group("b"), person("ana", "groups = [\"g-a\"]")].concat()).await;
    let rest = format!(
        "groups = [\"g-b\", \"g-c\"]\nmail = \"a@b\"\nkind = \"guest\"\nssh-keys = [\"{KEY}\"]\nenabled = true"
    );
    let text = [group("b"), group("c"), person("ana", &rest)].concat();
    sync(&store, &text).await;
    let person = store.source_state("directory").await.unwrap().people["p-ana"].1.clone();
    assert_eq!(person.groups, BTreeSet::from(["g-b".to_owned(), "g-c".to_owned()]));
    assert_eq!((person.mail.as_deref(), person.kind.word(), person.keys.len()), (Some("a@b"), "guest", 1));
    let groups: Vec<_> = store.groups().await.unwrap().iter().map(|g| format!("{} {}", g.name, g.state)).collect();
    assert_eq!(groups, ["a removed", "b active", "c active"]);
    assert!(sync(&store, &text).await.is_empty());
}

/// People that lose their access, in each way the guard knows.
fn without(total: usize, lost: usize, way: &str) -> String {
    (0..total)
        .filter_map(|n| {
            let name = format!("u{n}");
            match (n < lost, way) {
                (true, "removed") => None,
                (true, "disabled") => Some(person(&name, "groups = [\"g-x\"]\nenabled = false")),
                (true, "groupless") => Some(person(&name, "")),
                _ => Some(person(&name, "groups = [\"g-x\"]")),
            }
        })
        .collect::<String>()
        + &group("x")
}

#[tokio::test]
async fn given_a_loss_at_the_threshold_then_it_passes_and_one_more_stops_with_nothing_written() {
    for (total, allowed) in [(6, 5), (50, 5), (59, 5), (60, 6), (69, 6), (100, 10), (109, 10), (110, 11)] {
        for way in ["removed", "disabled", "groupless"] {
            let (_dir, store) = new_store().await;
            sync(&store, &without(total, 0, way)).await;
            let before = store.contents().await.unwrap();
            if total > allowed + 1 {
                let alarm = try_sync(&store, &without(total, allowed + 1, way), false).await.unwrap_err();
                assert_eq!((alarm.losing, alarm.people, alarm.allowed), (allowed + 1, total, allowed), "{way}");
                assert_eq!(store.contents().await.unwrap(), before);
            }
            let changes = sync(&store, &without(total, allowed, way)).await;
            assert_eq!(changes.changed_people.len(), allowed, "{way} {total}");
        }
    }
}

#[tokio::test]
async fn given_an_empty_read_then_even_few_people_are_guarded() {
    let (_dir, store) = new_store().await;
    sync(&store, &people(2)).await;
    let alarm = try_sync(&store, "", false).await.unwrap_err();
    assert_eq!(
        alarm.to_string(),
        "source directory would take access from 2 of 2 people, more than 0 at once; check the source, and if it is \
         right, confirm with `bursar sync --accept-drop`"
    );
    assert_eq!(state_of(&store, "u0").await, PersonState::Active);
    try_sync(&store, "", true).await.unwrap();
    assert_eq!(state_of(&store, "u0").await, PersonState::Removed);
    assert!(sync(&store, "").await.is_empty());
}

#[tokio::test]
async fn given_people_who_are_disabled_already_then_their_removal_is_no_loss() {
    let (_dir, store) = new_store().await;
    let disabled: String = (0..20).map(|n| person(&format!("d{n}"), "enabled = false")).collect();
    sync(&store, &[people(3), disabled].concat()).await;
    let changes = sync(&store, &people(3)).await;
    assert_eq!(changes.changed_people.len(), 20);
}

#[tokio::test]
async fn given_ten_thousand_people_in_two_hundred_groups_then_a_pass_takes_seconds_and_the_next_writes_nothing() {
    let (_dir, store) = new_store().await;
    let mut text = String::new();
    for n in 0..200 {
        write!(text, "{}", group(&format!("g{n}"))).unwrap();
    }
    for n in 0..10_000 {
        let rest = format!("groups = [\"g-g{}\", \"g-g{}\"]\nssh-keys = [\"{KEY} u{n}\"]", n % 200, (n + 7) % 200);
        write!(text, "{}", person(&format!("u{n}"), &rest)).unwrap();
    }
    let began = Instant::now();
    assert_eq!(sync(&store, &text).await.new_people.len(), 10_000);
    let first = began.elapsed();
    assert_eq!(store.contents().await.unwrap().memberships.len(), 20_000);
    let began = Instant::now();
    assert!(sync(&store, &text).await.is_empty());
    let second = began.elapsed();
    println!("10,000 people: first pass {first:?}, second {second:?}");
    // An unoptimised build on a busy machine; a release build takes a fraction of it.
    assert!(first < Duration::from_secs(30) && second < Duration::from_secs(15), "{first:?} {second:?}");
}
