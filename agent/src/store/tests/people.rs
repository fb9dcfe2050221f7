//! People and their numbers.

use super::*;
use crate::store::sync::{ChangedPerson, SourceState};

async fn state(store: &Store) -> SourceState {
    store.source_state("directory").await.unwrap()
}

#[tokio::test]
async fn given_new_people_then_uids_come_from_the_pool_in_order_and_groups_share_the_space() {
    let (_dir, store) = new_store().await;
    people_and_groups(&store, &["ana", "ben"], &["physics"]).await;
    let contents = store.contents().await.unwrap();
    let mut numbers: Vec<u32> = contents.subjects.iter().map(|subject| subject.uid.get()).collect();
    numbers.extend(contents.groups.iter().filter_map(|group| group.gid).map(|gid| gid.get()));
    numbers.sort_unstable();
    assert_eq!(numbers, [65_536, 65_537, 65_538]);
    assert_eq!(contents.memberships.len(), 2);
    assert_eq!(contents.keys[&contents.subjects[0].id], ["ssh-ed25519 ana"]);
}

#[tokio::test]
async fn given_a_pool_that_is_used_up_then_nothing_is_written() {
    let (_dir, store) = new_store().await;
    let changes = SourceChanges {
        source: "directory".to_owned(),
        new_people: ["a", "b", "c"].iter().map(|name| (format!("p-{name}"), person(name, &[]))).collect(),
        ..SourceChanges::default()
    };
    let pool = UidPool { first: 70_000, last: 70_001 };
    let error = store.apply_source(&changes, pool, &cause()).await.unwrap_err();
    assert!(matches!(error, Error::PoolExhausted { first: 70_000, last: 70_001 }), "{error:?}");
    assert!(store.subjects().await.unwrap().is_empty());
    assert!(store.audit(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn given_a_second_person_with_a_name_that_is_taken_then_the_whole_change_is_undone() {
    let (_dir, store) = new_store().await;
    people_and_groups(&store, &["ana"], &[]).await;
    let before = fingerprint(&store).await;
    let changes = SourceChanges {
        source: "directory".to_owned(),
        new_people: vec![("p-ben".to_owned(), person("ben", &[])), ("p-other".to_owned(), person("ana", &[]))],
        ..SourceChanges::default()
    };
    assert!(store.apply_source(&changes, UidPool::default(), &cause()).await.is_err());
    assert_eq!(fingerprint(&store).await, before);
}

#[tokio::test]
async fn given_a_person_who_leaves_and_returns_then_uid_and_name_are_the_old_ones_and_nobody_got_them() {
    let (_dir, store) = new_store().await;
    people_and_groups(&store, &["ana"], &["physics"]).await;
    let uid = store.subject_by_name(&user("ana")).await.unwrap().uid;
    let (subject, before) = state(&store).await.people["p-ana"].clone();
    let gone =
        PersonImage { state: PersonState::Removed, keys: BTreeSet::new(), groups: BTreeSet::new(), ..before.clone() };
    let change = |action, before: &PersonImage, after: &PersonImage| SourceChanges {
        source: "directory".to_owned(),
        changed_people: vec![ChangedPerson {
            action,
            subject,
            immutable_id: "p-ana".to_owned(),
            before: before.clone(),
            after: after.clone(),
        }],
        ..SourceChanges::default()
    };
    let leave = change("person.remove", &before, &gone);
    store.apply_source(&leave, UidPool::default(), &cause()).await.unwrap();
    let tombstone = store.subject_by_uid(uid).await.unwrap();
    assert_eq!((tombstone.state, tombstone.name.as_str()), (PersonState::Removed, "ana"));
    let contents = store.contents().await.unwrap();
    assert!(contents.keys.is_empty() && contents.memberships.is_empty());
    people_and_groups(&store, &["ben"], &[]).await;
    assert_ne!(store.subject_by_name(&user("ben")).await.unwrap().uid, uid);
    let back = change("person.return", &gone, &before);
    store.apply_source(&back, UidPool::default(), &cause()).await.unwrap();
    assert_eq!(state(&store).await.people["p-ana"].1, before);
    assert_eq!(store.subject_by_name(&user("ana")).await.unwrap().uid, uid);
    let actions: Vec<String> =
        store.audit(Some("user ana"), 10).await.unwrap().into_iter().map(|record| record.action).collect();
    assert_eq!(actions, ["person.return", "person.remove", "person.add"]);
}

#[tokio::test]
async fn given_two_hubs_at_once_then_no_number_is_given_twice() {
    let (dir, store) = new_store().await;
    let other = Store::open(&dir.path().join("store.db")).await.unwrap();
    let batch = |source: &str| SourceChanges {
        source: source.to_owned(),
        new_people: (0..50).map(|n| (n.to_string(), person(&format!("{source}{n}"), &[]))).collect(),
        ..SourceChanges::default()
    };
    let (one, two) = (batch("one"), batch("two"));
    let cause = cause();
    let (first, second) = tokio::join!(
        store.apply_source(&one, UidPool::default(), &cause),
        other.apply_source(&two, UidPool::default(), &cause)
    );
    first.unwrap();
    second.unwrap();
    let uids: BTreeSet<u32> = store.subjects().await.unwrap().iter().map(|subject| subject.uid.get()).collect();
    assert_eq!(uids, (65_536..65_636).collect());
}
