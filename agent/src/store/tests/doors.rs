//! Partitions that are taken out of service.

use super::*;
use crate::store::doors::{Door, DoorState};

#[tokio::test]
async fn given_doors_then_each_is_remembered_once_with_its_last_state() {
    let (_dir, store) = new_store().await;
    assert!(store.doors().await.unwrap().is_empty());
    let door = |partition: &str, state| Door { partition: partition.to_owned(), state, since: NOW };
    for state in DoorState::ALL {
        store.keep_door(&door("cloud", *state)).await.unwrap();
    }
    store.keep_door(&door("attic", DoorState::Closed)).await.unwrap();
    assert_eq!(store.doors().await.unwrap(), [door("attic", DoorState::Closed), door("cloud", DoorState::Open)]);
}
