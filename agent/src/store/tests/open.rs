//! Opening: private, repeatable, and never at the cost of what is there.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[tokio::test]
async fn given_no_file_then_one_is_made_that_nobody_else_can_read() {
    let (dir, store) = new_store().await;
    people_and_groups(&store, &["ana"], &[]).await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn given_a_store_that_was_closed_then_it_opens_with_all_that_was_in_it() {
    let (dir, store) = new_store().await;
    people_and_groups(&store, &["ana"], &["physics"]).await;
    let before = store.contents().await.unwrap();
    store.close().await;
    let again = Store::open(&dir.path().join("store.db")).await.unwrap();
    assert_eq!(again.contents().await.unwrap(), before);
}

#[tokio::test]
async fn given_a_file_that_is_no_database_then_the_error_says_so_and_the_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let garbage = b"this is not a database, it is somebody's thesis".repeat(100);
    std::fs::write(&path, &garbage).unwrap();
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("store.db is damaged"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), garbage);
}

#[tokio::test]
async fn given_a_damaged_database_then_the_error_says_so_and_the_file_stays() {
    let (dir, store) = new_store().await;
    let names: Vec<String> = (0..500).map(|n| format!("u{n}")).collect();
    people_and_groups(&store, &names.iter().map(String::as_str).collect::<Vec<_>>(), &[]).await;
    store.close().await;
    let path = dir.path().join("store.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let (from, to) = (bytes.len() / 2, bytes.len() / 2 + 8_192);
    bytes[from..to].fill(0x5a);
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn given_a_store_of_a_newer_bursar_then_it_is_refused_untouched() {
    let (dir, store) = new_store().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'of the future', TRUE, x'00', 0)",
    )
    .execute(&store.pool)
    .await
    .unwrap();
    store.close().await;
    let error = Store::open(&dir.path().join("store.db")).await.unwrap_err();
    assert!(matches!(error, Error::NewerSchema { found: 9_000, known: 5, .. }), "{error:?}");
}

#[tokio::test]
async fn given_no_directory_then_the_error_names_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::open(&dir.path().join("missing/store.db")).await.unwrap_err();
    assert!(error.to_string().contains("missing/store.db"), "{error}");
}

#[tokio::test]
async fn given_many_claims_at_once_then_every_generation_is_given_once() {
    let (_dir, store) = new_store().await;
    let claims = (0..40).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.next_generation().await.unwrap() })
    });
    let mut seen = BTreeSet::new();
    for claim in claims.collect::<Vec<_>>() {
        assert!(seen.insert(claim.await.unwrap()));
    }
    assert_eq!((seen.len(), store.generation().await.unwrap()), (40, 40));
}

#[tokio::test]
async fn given_rows_that_must_stay_then_no_statement_can_delete_them() {
    let (_dir, store) = new_store().await;
    people_and_groups(&store, &["ana"], &[]).await;
    for statement in [
        "DELETE FROM number_allocation",
        "UPDATE number_allocation SET immutable_id = 'p-eve'",
        "DELETE FROM audit",
        "UPDATE audit SET actor = 'eve'",
    ] {
        assert!(sqlx::query(statement).execute(&store.pool).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn given_a_uid_of_zero_written_by_another_hand_then_reading_is_an_error() {
    let (_dir, store) = new_store().await;
    people_and_groups(&store, &["ana"], &[]).await;
    let mut tx = store.write().await.unwrap();
    for statement in [
        "INSERT INTO number_allocation VALUES (0, 'person', 'x', 'x', 0)",
        "UPDATE subject SET uid = 0 WHERE name = 'ana'",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    crate::store::open::commit(tx).await.unwrap();
    let error = store.subjects().await.unwrap_err();
    assert!(matches!(error, Error::BadRow { table: "subject", field: "uid", .. }), "{error:?}");
}

#[tokio::test]
async fn given_the_same_login_records_twice_then_they_are_kept_once() {
    use crate::store::logins::{Login, LoginDecision};
    let (_dir, store) = new_store().await;
    let login = |event: &str, name: &str| Login {
        event_id: event.to_owned(),
        at: NOW,
        node: "login1".to_owned(),
        service: "sshd".to_owned(),
        user_name: name.to_owned(),
        uid: None,
        decision: LoginDecision::Refused,
        code: "BSR-L03".to_owned(),
        rhost: "192.0.2.7".to_owned(),
        method: "publickey".to_owned(),
        key_fingerprint: "SHA256:x".to_owned(),
    };
    let batch = [login("e1", "ana"), login("e2", "'; DROP TABLE login; --"), login("e1", "ana")];
    assert_eq!(store.add_logins(&batch).await.unwrap(), 2);
    assert_eq!(store.add_logins(&batch).await.unwrap(), 0);
    assert_eq!(store.logins(Some("ana"), 10).await.unwrap(), [login("e1", "ana")]);
    assert_eq!(store.logins(None, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn given_a_store_from_before_the_published_snapshot_then_its_next_generation_is_newer() {
    let (_dir, store) = new_store().await;
    assert_eq!(store.next_generation().await.unwrap(), 1);
    store.generations_after(41).await.unwrap();
    assert_eq!(store.next_generation().await.unwrap(), 42);
    store.generations_after(41).await.unwrap();
    assert_eq!(store.next_generation().await.unwrap(), 43);
}
