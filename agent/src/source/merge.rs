//! Plans what a read of a source changes in the store; pure, so that a dry run and the real run are the same plan.
//!
//! * People and groups are found by immutable id. A new name at the source changes nothing but the recorded name.
//! * A new person or group whose name bursar does not accept, or whose name somebody else has or ever had, is refused.
//! * Who is in the store and not in the read becomes a tombstone; who comes back becomes active with the old uid.
//! * Keys that are not accepted are left out and reported, the person's other keys stay.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::UserName;

use super::directory::{Directory, DirectoryGroup, DirectoryPerson};
use super::key;
use crate::store::refused::{RefusedIdentity, RefusedKind};
use crate::store::sync::{ChangedPerson, GroupImage, PersonImage, SourceChanges, SourceState};
use crate::store::{PersonState, Presence};

/// Below this many lost people no read is suspicious.
const GUARD_FLOOR: usize = 5;

/// Above this share of the people, in percent, a read is suspicious.
const GUARD_PERCENT: usize = 10;

/// The read would take too many people's access away, so nothing of it is done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "source {from} would take access from {losing} of {people} people, more than {allowed} at once; check the source, \
     and if it is right, confirm with `bursar sync --accept-drop`"
)]
pub struct DropAlarm {
    /// The source's name.
    pub from: String,
    /// How many people would be removed, disabled, or left without any group.
    pub losing: usize,
    /// How many active people the store has from this source.
    pub people: usize,
    /// How many may be lost without a question.
    pub allowed: usize,
    /// The first of them by name, for the alarm's text.
    pub first: Vec<UserName>,
}

/// Plans the changes, or stops them because too many people would lose their access.
///
/// The guard counts people that are active in the store and would be removed, disabled, or taken out of their last
/// group, since each of these ends what they may do. It stops a read when they are more than max(5, 10 %) of the active
/// people, and always when the read has no people at all while the store has some.
pub fn plan(directory: &Directory, state: &SourceState, confirm_drop: bool) -> Result<SourceChanges, DropAlarm> {
    let mut planning = Planning::new(state);
    let groups = planning.groups(&directory.groups);
    planning.people(&directory.people, &groups);
    let changes = planning.finish();
    match alarm(directory, state, &changes) {
        Some(alarm) if !confirm_drop => Err(alarm),
        _ => Ok(changes),
    }
}

fn alarm(directory: &Directory, state: &SourceState, changes: &SourceChanges) -> Option<DropAlarm> {
    let people = state.people.values().filter(|(_, person)| person.state == PersonState::Active).count();
    let loses = |person: &&ChangedPerson| {
        let (before, after) = (&person.before, &person.after);
        before.state == PersonState::Active
            && (after.state != PersonState::Active || (after.groups.is_empty() && !before.groups.is_empty()))
    };
    let losers: Vec<&ChangedPerson> = changes.changed_people.iter().filter(loses).collect();
    let allowed = if directory.people.is_empty() { 0 } else { GUARD_FLOOR.max(people * GUARD_PERCENT / 100) };
    (losers.len() > allowed).then(|| {
        let mut first: Vec<UserName> = losers.iter().map(|person| person.before.name.clone()).collect();
        first.sort();
        first.truncate(10);
        DropAlarm { from: state.source.clone(), losing: losers.len(), people, allowed, first }
    })
}

/// A plan in the making.
struct Planning<'s> {
    state: &'s SourceState,
    changes: SourceChanges,
    /// POSIX names that this plan gives to new people and groups, with who gets them.
    new_names: BTreeMap<UserName, String>,
    refused: BTreeSet<RefusedIdentity>,
}

impl<'s> Planning<'s> {
    fn new(state: &'s SourceState) -> Self {
        let changes = SourceChanges { source: state.source.clone(), ..SourceChanges::default() };
        Self { state, changes, new_names: BTreeMap::new(), refused: BTreeSet::new() }
    }

    fn refuse(&mut self, kind: RefusedKind, immutable_id: &str, source_name: &str, reason: String) {
        let (immutable_id, source_name) = (immutable_id.to_owned(), source_name.to_owned());
        self.refused.insert(RefusedIdentity { kind, immutable_id, source_name, reason });
    }

    /// The POSIX name for a new person or group, or nothing after reporting why not.
    fn claim_name(&mut self, kind: RefusedKind, id: &str, text: &str) -> Option<UserName> {
        let name = match UserName::new(text) {
            Ok(name) => name,
            Err(why) => {
                self.refuse(kind, id, text, format!("the name {text:?} {why}; give it another name at the source"));
                return None;
            }
        };
        if let Some(owner) = self.state.names.get(&name).or_else(|| self.new_names.get(&name)) {
            let reason = format!("the name {name} belongs to {owner}; give one of them another name at the source");
            self.refuse(kind, id, text, reason);
            return None;
        }
        self.new_names.insert(name.clone(), format!("{kind} {id} of source {}", self.state.source));
        Some(name)
    }

    /// Plans the groups and returns the ids of those that there will be.
    fn groups(&mut self, groups: &[DirectoryGroup]) -> BTreeSet<String> {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        let mut present = BTreeSet::new();
        for group in groups {
            if let Some(first) = seen.insert(&group.id, &group.name) {
                seen.insert(&group.id, first);
                let reason = format!("{:?} and {first:?} have the same id; the first counts", group.name);
                self.refuse(RefusedKind::Group, &group.id, &group.name, reason);
                continue;
            }
            match self.state.groups.get(&group.id) {
                Some((number, before)) => {
                    let after = GroupImage {
                        name: before.name.clone(),
                        description: group.description.clone(),
                        state: Presence::Active,
                    };
                    if after != *before {
                        self.changes.changed_groups.push((group.id.clone(), *number, before.clone(), after));
                    }
                }
                None => {
                    let Some(name) = self.claim_name(RefusedKind::Group, &group.id, &group.name) else { continue };
                    let image = GroupImage { name, description: group.description.clone(), state: Presence::Active };
                    self.changes.new_groups.push((group.id.clone(), image));
                }
            }
            present.insert(group.id.clone());
        }
        for (id, (number, before)) in &self.state.groups {
            if !seen.contains_key(id.as_str()) && before.state == Presence::Active {
                let after = GroupImage { state: Presence::Removed, ..before.clone() };
                self.changes.changed_groups.push((id.clone(), *number, before.clone(), after));
            }
        }
        present
    }

    fn people(&mut self, people: &[DirectoryPerson], groups: &BTreeSet<String>) {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for person in people {
            if let Some(first) = seen.insert(&person.id, &person.user_name) {
                seen.insert(&person.id, first);
                let reason = format!("{:?} and {first:?} have the same id; the first counts", person.user_name);
                self.refuse(RefusedKind::Person, &person.id, &person.user_name, reason);
                continue;
            }
            match self.state.people.get(&person.id) {
                Some((subject, before)) => {
                    let after = self.image(person, before.name.clone(), groups);
                    if after != *before {
                        self.changes.changed_people.push(ChangedPerson {
                            action: action(before, &after),
                            subject: *subject,
                            immutable_id: person.id.clone(),
                            before: before.clone(),
                            after,
                        });
                    }
                }
                None => {
                    let name = self.claim_name(RefusedKind::Person, &person.id, &person.user_name);
                    if let Some(name) = name {
                        let image = self.image(person, name, groups);
                        self.changes.new_people.push((person.id.clone(), image));
                    }
                }
            }
        }
        for (id, (subject, before)) in &self.state.people {
            if !seen.contains_key(id.as_str()) && before.state != PersonState::Removed {
                let after = PersonImage {
                    state: PersonState::Removed,
                    keys: BTreeSet::new(),
                    groups: BTreeSet::new(),
                    ..before.clone()
                };
                self.changes.changed_people.push(ChangedPerson {
                    action: "person.remove",
                    subject: *subject,
                    immutable_id: id.clone(),
                    before: before.clone(),
                    after,
                });
            }
        }
    }

    fn image(&mut self, person: &DirectoryPerson, name: UserName, groups: &BTreeSet<String>) -> PersonImage {
        let mut keys = BTreeSet::new();
        for (at, text) in person.ssh_keys.iter().enumerate() {
            match key::accept(text) {
                Ok(key) => drop(keys.insert(key)),
                Err(why) => {
                    let id = format!("{} key {}", person.id, at + 1);
                    let reason = format!("key {} of {} {why}", at + 1, person.user_name);
                    self.refuse(RefusedKind::SshKey, &id, &person.user_name, reason);
                }
            }
        }
        PersonImage {
            name,
            source_name: person.user_name.clone(),
            display_name: person.display_name.clone(),
            mail: person.mail.clone(),
            kind: person.kind,
            state: if person.enabled { PersonState::Active } else { PersonState::Disabled },
            keys,
            groups: person.groups.intersection(groups).cloned().collect(),
        }
    }

    /// Compares the refusals with those of the last pass, so that an unchanged read plans nothing.
    fn finish(mut self) -> SourceChanges {
        let key = |refused: &RefusedIdentity| (refused.kind, refused.immutable_id.clone());
        // The store keeps one refusal for an id; of several in one read the last by order stays.
        let now: BTreeMap<_, _> = self.refused.iter().map(|refused| (key(refused), refused)).collect();
        self.changes.refused =
            now.values().filter(|refused| !self.state.refused.contains(refused)).map(|r| (*r).clone()).collect();
        self.changes.no_longer_refused =
            self.state.refused.iter().filter(|refused| !now.contains_key(&key(refused))).cloned().collect();
        self.changes
    }
}

fn action(before: &PersonImage, after: &PersonImage) -> &'static str {
    match (before.state, after.state) {
        (PersonState::Removed, PersonState::Active | PersonState::Disabled) => "person.return",
        (PersonState::Active, PersonState::Disabled) => "person.disable",
        (PersonState::Disabled, PersonState::Active) => "person.enable",
        _ if before.source_name != after.source_name => "person.rename-at-source",
        _ => "person.modify",
    }
}
