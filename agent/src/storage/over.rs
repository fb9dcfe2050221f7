//! Holds readings against the allocations of `policy.toml`, and tells the plugin who is over.

use bursar_policy::snapshot::{Contents, OverStorage};
use bursar_policy::{AccountName, Timestamp, UserName};

use super::reading::{Places, Standing, Stored};
use crate::config::StoragePlace;
use crate::store::Amount;

impl StoragePlace {
    /// What a person may store, in bytes; nothing is no limit.
    pub fn allows_person(&self, name: &str, stored: &Stored) -> Option<u64> {
        let own = UserName::new(name).ok().and_then(|name| self.people.get(&name));
        self.allows(own, stored, self.each_person)
    }

    /// What an account may store, in bytes; nothing is no limit.
    pub fn allows_account(&self, name: &str, stored: &Stored) -> Option<u64> {
        let own = AccountName::new(name).ok().and_then(|name| self.accounts.get(&name));
        self.allows(own, stored, self.each_account)
    }

    /// One's own allocation stands before what the source says, and that before everybody's.
    fn allows(&self, own: Option<&Amount>, stored: &Stored, each: Option<Amount>) -> Option<u64> {
        let stated = stored.limit.filter(|limit| self.limit_from_source && *limit > 0).map(Amount::AtMost);
        match own.copied().or(stated).or(each) {
            Some(Amount::AtMost(bytes)) => Some(bytes),
            Some(Amount::Unlimited) | None => None,
        }
    }

    fn over(&self, stored: &Stored, allowed: Option<u64>) -> Option<OverStorage> {
        let limit = allowed.filter(|limit| stored.used > *limit)?;
        Some(OverStorage { place: self.name.clone(), used: stored.used, limit, refuses: self.refuses })
    }
}

/// Enters into a snapshot who is over where, by the readings that count at `now`.
pub fn fill(contents: &mut Contents, configured: &[StoragePlace], places: &Places, now: Timestamp) {
    let mut configured: Vec<&StoragePlace> = configured.iter().collect();
    configured.sort_by(|one, other| one.name.cmp(&other.name));
    for place in configured {
        let Some(reading) = Standing::of(place, places, now).in_force() else { continue };
        for person in &mut contents.people {
            let Some(stored) = reading.usages.people.get(&person.name) else { continue };
            person.storage.extend(place.over(stored, place.allows_person(&person.name, stored)));
        }
        for account in &mut contents.accounts {
            let Some(stored) = reading.usages.accounts.get(&account.name) else { continue };
            account.storage.extend(place.over(stored, place.allows_account(&account.name, stored)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::Duration;

    use bursar_policy::snapshot::{Account, Header, Kind, Person};

    use super::*;
    use crate::config::StorageSource;
    use crate::storage::{Place, Reading, Usages};
    use crate::store::{PersonState, SubjectKind};

    const READ_AT: Timestamp = Timestamp(1_000_000);

    fn header() -> Header {
        Header {
            kind: Kind::Controller,
            generation: 1,
            made_at: READ_AT,
            as_of: READ_AT,
            hard_limit: 1,
            last_known: true,
            notice: 0,
            cluster: String::new(),
            contact: String::new(),
            currency: String::new(),
        }
    }

    fn person(name: &str) -> Person {
        Person {
            uid: 1,
            gid: 1,
            name: name.to_owned(),
            state: PersonState::Active,
            kind: SubjectKind::Member,
            default_account: None,
            lines: Vec::new(),
            associations: Vec::new(),
            storage: Vec::new(),
            grants: Vec::new(),
            home: None,
        }
    }

    fn place(name: &str, refuses: bool) -> StoragePlace {
        StoragePlace {
            name: name.to_owned(),
            source: StorageSource::Quota { path: PathBuf::from(name), gids: BTreeMap::new() },
            every: Duration::from_secs(60),
            max_age: 3_600,
            refuses,
            limit_from_source: false,
            each_person: Some(Amount::AtMost(10)),
            each_account: None,
            people: BTreeMap::new(),
            accounts: BTreeMap::new(),
        }
    }

    fn read(name: &str, people: &[(&str, u64)], accounts: &[(&str, u64)]) -> (String, Place) {
        let stored = |(name, used): &(&str, u64)| {
            ((*name).to_owned(), Stored { used: *used, limit: Some(5).filter(|_| *used > 0) })
        };
        let usages =
            Usages { people: people.iter().map(stored).collect(), accounts: accounts.iter().map(stored).collect() };
        (name.to_owned(), Place { reading: Some(Arc::new(Reading { read_at: READ_AT, usages })), fault: None })
    }

    fn filled(configured: &[StoragePlace], places: &Places, after: u64) -> Contents {
        let mut contents = Contents::empty(header());
        contents.people = ["ana", "ben"].map(person).to_vec();
        contents.accounts = vec![Account::new("physics", None)];
        fill(&mut contents, configured, places, READ_AT.plus(after));
        contents
    }

    #[test]
    fn given_allocations_then_only_those_over_are_named_by_place_in_order() {
        let configured = [place("/scratch", true), place("/home", false)];
        let home = read("/home", &[("ana", 11), ("ben", 10), ("eve", 99)], &[("physics", 99)]);
        let scratch = read("/scratch", &[("ana", 12)], &[]);
        let contents = filled(&configured, &Places::from([home, scratch]), 60);
        let over = |place: &str, used, refuses| OverStorage { place: place.to_owned(), used, limit: 10, refuses };
        assert_eq!(contents.people[0].storage, [over("/home", 11, false), over("/scratch", 12, true)]);
        assert_eq!(contents.people[1].storage, [], "what is allowed may be stored to the last byte");
        assert_eq!(contents.accounts[0].storage, [], "there is no allocation of accounts");
    }

    #[test]
    fn given_several_allocations_then_ones_own_is_before_the_sources_and_that_before_everybodys() {
        let stored = Stored { used: 1, limit: Some(5) };
        let mut place = place("/home", false);
        assert_eq!(place.allows_person("ana", &stored), Some(10));
        place.limit_from_source = true;
        assert_eq!(place.allows_person("ana", &stored), Some(5));
        assert_eq!(place.allows_person("ana", &Stored { limit: None, ..stored }), Some(10));
        place.people.insert(UserName::new("ana").unwrap(), Amount::Unlimited);
        assert_eq!(place.allows_person("ana", &stored), None);
        assert_eq!((place.allows_account("lab", &Stored { limit: None, ..stored })), None);
        place.accounts.insert(AccountName::new("lab").unwrap(), Amount::AtMost(0));
        assert_eq!(place.allows_account("lab", &stored), Some(0));
    }

    #[test]
    fn given_a_reading_that_grows_old_then_it_counts_late_and_at_last_not_at_all() {
        let configured = [place("/home", true)];
        let places = Places::from([read("/home", &[("ana", 11)], &[])]);
        let standing = |after| Standing::of(&configured[0], &places, READ_AT.plus(after));
        for (after, counts) in [(180, true), (181, true), (3_600, true), (3_601, false)] {
            assert_eq!(filled(&configured, &places, after).people[0].storage.len(), usize::from(counts), "{after}");
            assert_eq!(standing(after).in_force().is_some(), counts);
        }
        assert!(matches!(standing(180), Standing::Fresh(_)));
        assert!(matches!(standing(181), Standing::Late(_)));
        assert!(matches!(standing(3_601), Standing::Expired(_)));
        assert_eq!(Standing::of(&configured[0], &Places::new(), READ_AT), Standing::Unread);
    }
}
