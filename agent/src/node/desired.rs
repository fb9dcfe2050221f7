//! What a snapshot wants of a host's accounts.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use bursar_policy::snapshot::{PersonRef, Snapshot};
use bursar_policy::{Gid, PersonState, Timestamp, Uid, UserName, access};

use crate::posix::desired::PersonState as Account;
use crate::posix::{Desired, DesiredGroup, DesiredPerson};

/// Everybody's account as of `now`, and what of the snapshot cannot be one.
///
/// An account is open while some grant holds; it stays, shut, when none does. Who never had a grant gets none.
pub fn desired(snapshot: &Snapshot, managed: RangeInclusive<u32>, now: Timestamp) -> (Desired, Vec<String>) {
    let mut unreadable = Vec::new();
    let mut people = Vec::new();
    for person in snapshot.people() {
        match of_person(&person, now) {
            Ok(Some(desired)) => people.push(desired),
            Ok(None) => {}
            Err(why) => unreadable.push(format!("person {:?} ({}): {why}", person.name(), person.uid())),
        }
    }
    let mut groups = Vec::new();
    for group in snapshot.groups() {
        let members = group.members.iter().filter_map(|name| UserName::new(name).ok()).collect();
        match (Gid::new(group.gid), UserName::new(group.name)) {
            (Ok(gid), Ok(name)) => groups.push(DesiredGroup { gid, name, members }),
            (Err(why), _) | (_, Err(why)) => unreadable.push(format!("group {:?}: {why}", group.name)),
        }
    }
    (Desired { people, groups, managed }, unreadable)
}

fn of_person(person: &PersonRef<'_>, now: Timestamp) -> Result<Option<DesiredPerson>, String> {
    let Some(home) = person.home() else { return Err("the snapshot is not for hosts".into()) };
    let state = match (person.state(), access::holding(person, now, |_| true)) {
        (PersonState::Removed, _) => Account::Removed,
        (_, Ok(_)) => Account::Active { until: last_end(person, now) },
        (_, Err(_)) if person.grants().all(|grant| grant.from > now) => return Ok(None),
        (PersonState::Active, Err(_)) => {
            let since = person.grants().map(|grant| grant.until).filter(|end| *end <= now).max();
            since.map_or(Account::Suspended, |since| Account::Ended { since })
        }
        (PersonState::Disabled, Err(_)) => Account::Suspended,
    };
    let id = |error: bursar_policy::IdError| error.to_string();
    Ok(Some(DesiredPerson {
        uid: Uid::new(person.uid()).map_err(id)?,
        gid: Gid::new(person.gid()).map_err(id)?,
        name: UserName::new(person.name()).map_err(id)?,
        gecos: home.gecos.to_owned(),
        home: PathBuf::from(home.directory),
        shell: PathBuf::from(home.shell),
        state,
        keys: home.keys.iter().map(|key| (*key).to_owned()).collect(),
    }))
}

/// When the last of the grants that hold ends; `None` for one without end.
fn last_end(person: &PersonRef<'_>, now: Timestamp) -> Option<Timestamp> {
    let last = person.grants().filter(|grant| grant.holds(now)).map(|grant| grant.until).max()?;
    (last != Timestamp::NEVER).then_some(last)
}
