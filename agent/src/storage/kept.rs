//! Keeps the last good readings in a file, so that they are in force after a restart, too.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::reading::{Place, Places, Reading, Usages};
use crate::snapshot::publish::replace;

/// More than any site's readings take.
const MOST_BYTES: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kept {
    /// UTC seconds.
    read_at: i64,
    usages: Usages,
}

/// Where they lie: beside the store.
pub fn path(store: &Path) -> PathBuf {
    store.with_file_name("storage.json")
}

/// The readings of before; an error says why there are none although there is a file.
pub fn load(path: &Path) -> std::io::Result<Places> {
    let mut bytes = Vec::new();
    match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Places::new()),
        opened => opened?.take(MOST_BYTES).read_to_end(&mut bytes)?,
    };
    let kept: BTreeMap<String, Kept> = serde_json::from_slice(&bytes)?;
    let place = |(name, Kept { read_at, usages })| {
        let reading = Reading { read_at: Timestamp(read_at), usages };
        (name, Place { reading: Some(Arc::new(reading)), fault: None })
    };
    Ok(kept.into_iter().map(place).collect())
}

/// Puts the readings in place of those kept before.
pub fn save(path: &Path, places: &Places) -> std::io::Result<()> {
    let kept: BTreeMap<&String, Kept> = places
        .iter()
        .filter_map(|(name, place)| {
            let Reading { read_at, usages } = place.reading.as_deref()?;
            Some((name, Kept { read_at: read_at.0, usages: usages.clone() }))
        })
        .collect();
    replace(path, &serde_json::to_vec(&kept)?, 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Stored;

    #[test]
    fn given_readings_that_were_kept_then_they_are_there_again_without_their_faults() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(&dir.path().join("store.db"));
        assert_eq!(load(&path).unwrap(), Places::new());
        let usages = Usages {
            people: BTreeMap::from([("ana".to_owned(), Stored { used: u64::MAX, limit: Some(3) })]),
            accounts: BTreeMap::from([("physics".to_owned(), Stored { used: 0, limit: None })]),
        };
        let read = Place { reading: Some(Arc::new(Reading { read_at: Timestamp(7), usages })), fault: None };
        let failing = Place { fault: Some((Timestamp(9), "no server".to_owned())), ..read.clone() };
        let unread = Place { fault: failing.fault.clone(), reading: None };
        let places = [("/home", &read), ("/scratch", &failing), ("/new", &unread)];
        save(&path, &places.map(|(name, place)| (name.to_owned(), place.clone())).into()).unwrap();
        assert_eq!(
            load(&path).unwrap(),
            [("/home", &read), ("/scratch", &read)].map(|(name, place)| (name.to_owned(), place.clone())).into()
        );
    }

    #[test]
    fn given_a_file_that_is_none_of_ours_then_it_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("storage.json");
        for text in [
            "",
            "{",
            "[]",
            "{\"/home\":{\"read-at\":1}}",
            "{\"/home\":{\"read-at\":1,\"usages\":{\"people\":{\"a\":{\"used\":-1}}}}}",
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(load(&path).is_err(), "{text}");
        }
    }
}
