//! The store against real SQLite files, each test in its own directory.

mod doors;
mod grants;
mod ledger;
mod open;
mod past;
mod people;
mod policy;
mod runs;

use std::collections::BTreeSet;

use bursar_policy::{AccountName, Timestamp, UserName};

use super::sync::{GroupImage, PersonImage, SourceChanges};
use super::*;

/// 2026-03-19 18:00 UTC.
const NOW: Timestamp = Timestamp(1_773_943_200);

fn cause() -> Cause<'static> {
    Cause { actor: "tester", now: NOW, reason: "because" }
}

async fn new_store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store.db")).await.unwrap();
    (dir, store)
}

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn account(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

fn person(name: &str, groups: &[&str]) -> PersonImage {
    PersonImage {
        name: user(name),
        source_name: name.to_owned(),
        display_name: format!("Person {name}"),
        mail: None,
        kind: SubjectKind::Member,
        state: PersonState::Active,
        keys: BTreeSet::from([format!("ssh-ed25519 {name}")]),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

/// Takes in people named as given, ids `p-NAME`, and groups, ids `g-NAME`, everybody in every group.
async fn people_and_groups(store: &Store, people: &[&str], groups: &[&str]) {
    let ids: Vec<String> = groups.iter().map(|name| format!("g-{name}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let group = |name: &str| GroupImage { name: user(name), description: String::new(), state: Presence::Active };
    let changes = SourceChanges {
        source: "directory".to_owned(),
        new_people: people.iter().map(|name| (format!("p-{name}"), person(name, &ids))).collect(),
        new_groups: groups.iter().map(|name| (format!("g-{name}"), group(name))).collect(),
        ..SourceChanges::default()
    };
    store.apply_source(&changes, UidPool::default(), &cause()).await.unwrap();
}

/// The pages and bytes of the store that any write would change.
async fn fingerprint(store: &Store) -> (i64, Vec<audit::AuditRecord>, Contents) {
    use sqlx::Row;
    let row = sqlx::query("SELECT SUM(value) FROM counter").fetch_one(&store.pool).await.unwrap();
    (row.get(0), store.audit(None, 1_000_000).await.unwrap(), store.contents().await.unwrap())
}
