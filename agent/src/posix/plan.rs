//! Decides what to change on a host: pure, from what is wanted and what was found.
//!
//! Planning on its own result gives an empty plan; that is what makes a second pass write nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::check;
use super::desired::{Desired, DesiredPerson, PersonState};
use super::entry::{self, Access};
use super::facts::{Facts, HomeFound};
use super::groups;
use super::keys;
use super::ledger::{Kind, Ledger};
use super::parse::{Claims, Edits, Lines, fields};
use super::refusal::{Notice, Refusal, Why};

/// How long after the end of a grant a key still leads to the sentence that says so, and to nothing else: seconds.
pub const TOLD_FOR: u64 = 30 * 86_400;

/// The account files as they were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// `/etc/passwd`.
    pub passwd: Lines,
    /// `/etc/group`.
    pub group: Lines,
    /// `/etc/shadow`.
    pub shadow: Lines,
    /// `/etc/gshadow`, on hosts that have one.
    pub gshadow: Option<Lines>,
}

/// Everything to change; empty when the host is in step.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Edits of `/etc/passwd`.
    pub passwd: Edits,
    /// Edits of `/etc/group`.
    pub group: Edits,
    /// Edits of `/etc/shadow`.
    pub shadow: Edits,
    /// Edits of `/etc/gshadow`, empty where there is none.
    pub gshadow: Edits,
    /// The ledger with new claims, to be written before the files.
    pub ledger: Option<Ledger>,
    /// Homes to make.
    pub homes: Vec<HomeToMake>,
    /// Key files to write, by login name.
    pub keys_written: BTreeMap<String, Vec<u8>>,
    /// Names in the key directory to remove.
    pub keys_removed: Vec<OsString>,
    /// Who was not brought in step, wholly or in part.
    pub refusals: Vec<Refusal>,
    /// What an administrator may want to know.
    pub notices: Vec<Notice>,
    /// Names and uids of accounts that lose their access with this plan.
    pub shut: Vec<(String, u32)>,
}

/// A home to make for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeToMake {
    /// The login name, for messages.
    pub name: String,
    /// Uid and gid of the owner.
    pub id: u32,
    /// Where.
    pub home: PathBuf,
}

impl Plan {
    /// Whether nothing on the host is to be changed; refusals and notices change nothing.
    pub fn is_empty(&self) -> bool {
        let files = [&self.passwd, &self.group, &self.shadow, &self.gshadow];
        files.into_iter().all(Edits::is_empty)
            && self.ledger.is_none()
            && self.homes.is_empty()
            && self.keys_written.is_empty()
            && self.keys_removed.is_empty()
    }
}

/// The claims of all four files, and the plan as it grows.
pub(super) struct Work<'a> {
    pub(super) desired: &'a Desired,
    pub(super) found: &'a Found,
    pub(super) old: &'a Ledger,
    pub(super) passwd: Claims<'a>,
    pub(super) group: Claims<'a>,
    pub(super) shadow: Claims<'a>,
    pub(super) gshadow: Option<(&'a Lines, Claims<'a>)>,
    /// People with a line of ours after this plan who may be group members.
    pub(super) members: HashSet<&'a str>,
    pub(super) ledger: Ledger,
    pub(super) plan: Plan,
}

/// Plans the change from `found`, `ledger` and `facts` to `desired`.
pub fn plan(desired: &Desired, found: &Found, ledger: &Ledger, facts: &Facts, bases: &[PathBuf]) -> Plan {
    let mut work = Work {
        desired,
        found,
        old: ledger,
        passwd: Claims::of(&found.passwd),
        group: Claims::of(&found.group),
        shadow: Claims::of(&found.shadow),
        gshadow: found.gshadow.as_ref().map(|lines| (lines, Claims::of(lines))),
        members: HashSet::new(),
        ledger: ledger.clone(),
        plan: Plan::default(),
    };
    let mut key_files: BTreeSet<&str> = BTreeSet::new();
    let homes = home_owners(&desired.people);
    for person in work.distinct_people() {
        let keys_until = match work.settle_person(person, facts, bases, &homes) {
            Some(PersonState::Active { until }) => Some(until.map(|end| end.plus(TOLD_FOR))),
            Some(PersonState::Ended { since }) => Some(Some(since.plus(TOLD_FOR))),
            Some(PersonState::Suspended | PersonState::Removed) | None => None,
        };
        if let Some(until) = keys_until.filter(|until| until.is_none_or(|end| entry::day_of(end) >= facts.today)) {
            work.settle_keys(person, until, facts, &mut key_files);
        }
    }
    work.settle_missing(facts.today);
    groups::settle(&mut work);
    let Work { ledger: new, mut plan, .. } = work;
    plan.keys_removed =
        facts.keys.keys().filter(|name| name.to_str().is_none_or(|name| !key_files.contains(name))).cloned().collect();
    plan.refusals.sort_by(|a, b| (a.id, &a.name).cmp(&(b.id, &b.name)));
    plan.ledger = (new != *ledger).then_some(new);
    plan
}

/// Whose each home is: the lowest uid of those that name it.
fn home_owners(people: &[DesiredPerson]) -> HashMap<&Path, u32> {
    let mut owners: HashMap<&Path, u32> = HashMap::with_capacity(people.len());
    for person in people {
        let uid = person.uid.get();
        owners.entry(&person.home).and_modify(|owner| *owner = uid.min(*owner)).or_insert(uid);
    }
    owners
}

impl<'a> Work<'a> {
    pub(super) fn refuse(&mut self, name: &str, id: u32, why: Why) {
        self.plan.refusals.push(Refusal { name: name.to_owned(), id, why });
    }

    /// One person per name and per uid: whom bursar already wrote, else the lowest uid, which was allocated first.
    fn distinct_people(&mut self) -> Vec<&'a DesiredPerson> {
        let desired: &'a Desired = self.desired;
        let mut order: Vec<&'a DesiredPerson> = desired.people.iter().collect();
        order.sort_by_key(|p| (!self.old.owns(Kind::User, p.name.as_str(), p.uid.get()), p.uid.get()));
        let (mut names, mut ids) = (HashMap::new(), HashSet::new());
        let mut kept = Vec::with_capacity(order.len());
        for person in order {
            let (name, uid) = (person.name.as_str(), person.uid.get());
            if let Some(first) = names.get(name).copied().or_else(|| ids.get(&uid).copied()) {
                self.refuse(name, uid, Why::Twice(first));
                continue;
            }
            names.insert(name, uid);
            ids.insert(uid);
            kept.push(person);
        }
        // The order of the snapshot gives the order of new lines.
        kept.sort_by_key(|person| person.uid);
        kept
    }

    /// Brings one person's lines in step; what was written, or none when the person has no line of ours.
    fn settle_person(
        &mut self,
        person: &'a DesiredPerson,
        facts: &Facts,
        bases: &[PathBuf],
        homes: &HashMap<&Path, u32>,
    ) -> Option<PersonState> {
        let (name, id) = (person.name.as_str(), person.uid.get());
        if let Err(why) = self.claim_of(person) {
            self.refuse(name, id, why);
            return None;
        }
        let existing = self.passwd.of_name(name).first().and_then(|&place| self.found.passwd.line(place));
        if person.state == PersonState::Removed && existing.is_none() {
            return None;
        }
        let line = match (person.state, existing) {
            (PersonState::Ended { .. } | PersonState::Suspended | PersonState::Removed, Some(line)) => {
                entry::passwd_suspended(line, name, id)
            }
            _ => {
                let shell = self.shell_for(person, existing, facts)?;
                let home = self.home_for(person, existing, facts, bases, homes)?;
                let gecos = check::gecos(&person.gecos);
                entry::passwd(name, id, gecos.as_bytes(), &home, shell.as_os_str().as_bytes())
            }
        };
        let access = match person.state {
            PersonState::Active { until } => Access::Open(until),
            PersonState::Ended { .. } | PersonState::Suspended | PersonState::Removed => Access::Shut,
        };
        self.write_person(name, id, line, access, facts.today);
        if person.state != PersonState::Removed {
            self.members.insert(name);
        }
        Some(person.state)
    }

    /// Whoever bursar wrote and the snapshot no longer has: shut, and the line stays.
    fn settle_missing(&mut self, today: i64) {
        let desired: &'a Desired = self.desired;
        let wanted: HashSet<_> = desired.people.iter().map(|person| (person.name.as_str(), person.uid.get())).collect();
        let missing: Vec<(&'a str, u32)> = self.old.iter(Kind::User).filter(|pair| !wanted.contains(pair)).collect();
        for (name, id) in missing {
            let places = self.passwd.of_name(name);
            let line = places.first().and_then(|&place| self.found.passwd.line(place));
            let ours = desired.managed.contains(&id) && self.files_free(true, name, id).is_ok();
            if let Some(line) = line.filter(|_| ours) {
                let line = entry::passwd_suspended(line, name, id);
                self.write_person(name, id, line, Access::Shut, today);
                self.plan.notices.push(Notice::Missing { name: name.to_owned() });
            }
        }
    }

    /// Whether the person's name and number are ours to write on this host.
    fn claim_of(&self, person: &DesiredPerson) -> Result<(), Why> {
        let (name, id) = (person.name.as_str(), person.uid.get());
        if !self.desired.managed.contains(&id) {
            return Err(Why::OutsideRange);
        }
        if person.gid.get() != id {
            return Err(Why::GidIsNotUid(person.gid.get()));
        }
        let owned = self.owned_pair(Kind::User, name, id)?;
        if let Some(other) = self.old.name_of(Kind::Group, id) {
            return Err(Why::GidTaken(other.to_owned()));
        }
        self.files_free(owned, name, id)
    }

    /// Whether the files leave this pair to us: they have nothing of it, or they have it as we own it.
    fn files_free(&self, owned: bool, name: &str, id: u32) -> Result<(), Why> {
        names_free(&self.passwd, "passwd", owned, name, id)?;
        names_free(&self.group, "group", owned, name, id)?;
        if let Some(other) = self.passwd.other_with_id(id, name) {
            return Err(Why::UidTaken(other));
        }
        if let Some(other) = self.group.other_with_id(id, name) {
            return Err(Why::GidTaken(other));
        }
        if owned && self.shadow.all_plain(name) || self.shadow.of_name(name).is_empty() {
            self.gshadow_free(owned, name)
        } else {
            Err(Why::NameTaken("shadow"))
        }
    }

    /// Whether the ledger has this pair; an error when it has the name or the number in another pair, for ever.
    pub(super) fn owned_pair(&self, kind: Kind, name: &str, id: u32) -> Result<bool, Why> {
        match (self.old.id_of(kind, name), self.old.name_of(kind, id)) {
            (Some(other), _) if other != id => Err(Why::Twice(other)),
            (_, Some(other)) if other != name && kind == Kind::User => Err(Why::UidTaken(other.to_owned())),
            (_, Some(other)) if other != name => Err(Why::GidTaken(other.to_owned())),
            (own, _) => Ok(own.is_some()),
        }
    }

    pub(super) fn gshadow_free(&self, owned: bool, name: &str) -> Result<(), Why> {
        let free = self
            .gshadow
            .as_ref()
            .is_none_or(|(_, claims)| if owned { claims.all_plain(name) } else { claims.of_name(name).is_empty() });
        if free { Ok(()) } else { Err(Why::NameTaken("gshadow")) }
    }

    /// The home to write. Who already has a line keeps it when the new home is refused; a new person is refused.
    fn home_for(
        &mut self,
        person: &'a DesiredPerson,
        existing: Option<&[u8]>,
        facts: &Facts,
        bases: &[PathBuf],
        homes: &HashMap<&Path, u32>,
    ) -> Option<Vec<u8>> {
        let (name, id) = (person.name.as_str(), person.uid.get());
        let shared = homes.get(person.home.as_path()).is_some_and(|owner| *owner != id)
            || person.home.ancestors().skip(1).any(|above| homes.contains_key(above));
        let verdict = check::home(&person.home, bases)
            .and_then(|()| if shared { Err(Why::HomeShared(person.home.clone())) } else { facts.home(person) });
        match verdict {
            Ok(found) => {
                if found == HomeFound::Absent && person.state.is_active() {
                    self.plan.homes.push(HomeToMake { name: name.to_owned(), id, home: person.home.clone() });
                }
                Some(person.home.as_os_str().as_bytes().to_vec())
            }
            Err(why) => {
                self.refuse(name, id, why);
                existing.and_then(fields::<7>).map(|[_, _, _, _, _, home, _]| home.to_vec())
            }
        }
    }

    /// The shell to write. Who already has a line gets a fallback for a bad shell; a new person is refused.
    fn shell_for(&mut self, person: &DesiredPerson, existing: Option<&[u8]>, facts: &Facts) -> Option<PathBuf> {
        let name = person.name.as_str();
        if let Err(why) = check::shell(&person.shell) {
            self.refuse(name, person.uid.get(), why);
            existing?;
        }
        if !person.state.is_active() {
            return Some(PathBuf::from(entry::NOLOGIN));
        }
        let used = facts.shell_or_fallback(&person.shell).to_owned();
        if used != person.shell {
            let (name, wanted, used) = (name.to_owned(), person.shell.clone(), used.clone());
            self.plan.notices.push(Notice::ShellMissing { name, wanted, used });
        }
        Some(used)
    }

    fn write_person(&mut self, name: &str, id: u32, line: Vec<u8>, access: Access, today: i64) {
        let places = self.shadow.of_name(name);
        let before = places.first().and_then(|&place| self.found.shadow.line(place));
        let after = entry::shadow(before, name, access, today);
        if access == Access::Shut && before.is_some_and(|before| before != after) {
            self.plan.shut.push((name.to_owned(), id));
        }
        self.plan.shadow.settle(&self.found.shadow, places, after);
        self.plan.passwd.settle(&self.found.passwd, self.passwd.of_name(name), line);
        self.write_group(name, id, &[]);
        self.ledger.add(Kind::User, name, id);
    }

    pub(super) fn write_group(&mut self, name: &str, gid: u32, members: &[&str]) {
        self.plan.group.settle(&self.found.group, self.group.of_name(name), entry::group(name, gid, members));
        if let Some((lines, claims)) = &self.gshadow {
            self.plan.gshadow.settle(lines, claims.of_name(name), entry::gshadow(name, members));
        }
    }

    fn settle_keys(
        &mut self,
        person: &'a DesiredPerson,
        until: Option<bursar_policy::time::Timestamp>,
        facts: &Facts,
        files: &mut BTreeSet<&'a str>,
    ) {
        let name = person.name.as_str();
        let (text, refused) = keys::file(&person.keys, until);
        for (at, why) in refused {
            self.refuse(name, person.uid.get(), Why::BadKey(at, why));
        }
        if text.is_empty() {
            return;
        }
        files.insert(name);
        let found = facts.keys.get(std::ffi::OsStr::new(name)).and_then(Option::as_ref);
        if found != Some(&text) {
            self.plan.keys_written.insert(name.to_owned(), text);
        }
    }
}

/// Whether a name is free in a file, or stands there only as our own pair.
pub(super) fn names_free(claims: &Claims<'_>, file: &'static str, owned: bool, name: &str, id: u32) -> Result<(), Why> {
    let free = if owned { claims.all_have_id(name, id) } else { claims.of_name(name).is_empty() };
    if free { Ok(()) } else { Err(Why::NameTaken(file)) }
}
