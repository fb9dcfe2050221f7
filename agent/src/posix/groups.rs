//! The shared groups of the plan.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::desired::DesiredGroup;
use super::ledger::Kind;
use super::plan::{Work, names_free};
use super::refusal::{Notice, Why};

/// The most groups, the private one included, that NFS carries with AUTH_SYS.
const NFS_GROUPS: usize = 16;

/// Brings the shared groups in step, after the people.
pub(super) fn settle(work: &mut Work<'_>) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let people = People::of(work);
    let groups = distinct(work);
    let mut wanted = HashSet::new();
    for group in groups {
        let (name, gid) = (group.name.as_str(), group.gid.get());
        wanted.insert(name);
        if let Err(why) = claim_of(work, &people, group) {
            work.refuse(name, gid, why);
            continue;
        }
        // Whoever was refused is left out: that name may be a stranger's on this host.
        let members: BTreeSet<&str> =
            group.members.iter().map(|member| member.as_str()).filter(|member| work.members.contains(member)).collect();
        let members: Vec<&str> = members.into_iter().collect();
        work.write_group(name, gid, &members);
        work.ledger.add(Kind::Group, name, gid);
        for member in members {
            *counts.entry(member).or_default() += 1;
        }
    }
    settle_missing(work, &wanted);
    let mut many: Vec<_> = counts.into_iter().filter(|(_, count)| *count >= NFS_GROUPS).collect();
    many.sort_unstable();
    for (name, count) in many {
        work.plan.notices.push(Notice::ManyGroups { name: name.to_owned(), count: count + 1 });
    }
}

/// The names and numbers that private groups have or would have, those of refused people too: a group that took one
/// would keep the person out for ever.
struct People<'a> {
    by_name: HashMap<&'a str, u32>,
    by_id: HashMap<u32, &'a str>,
}

impl<'a> People<'a> {
    fn of(work: &Work<'a>) -> Self {
        let mut pairs: Vec<_> = work.desired.people.iter().map(|p| (p.name.as_str(), p.uid.get())).collect();
        // Of several, the one bursar wrote is named, else the lowest: that is who has it.
        pairs.sort_by_key(|(_, id)| *id);
        pairs.reverse();
        pairs.extend(work.old.iter(Kind::User));
        let by_id = pairs.iter().map(|&(name, id)| (id, name)).collect();
        Self { by_name: pairs.into_iter().collect(), by_id }
    }
}

/// A group that bursar wrote and the snapshot no longer has keeps its line and loses its members.
fn settle_missing(work: &mut Work<'_>, wanted: &HashSet<&str>) {
    let missing: Vec<(&str, u32)> = work.old.iter(Kind::Group).filter(|(name, _)| !wanted.contains(name)).collect();
    for (name, gid) in missing {
        let stands = !work.group.of_name(name).is_empty() && work.group.all_have_id(name, gid);
        if stands && work.desired.managed.contains(&gid) {
            work.write_group(name, gid, &[]);
        }
    }
}

/// One group per name and per gid: the one bursar already wrote, else the lowest gid.
fn distinct<'a>(work: &mut Work<'a>) -> Vec<&'a DesiredGroup> {
    let desired = work.desired;
    let mut order: Vec<&DesiredGroup> = desired.groups.iter().collect();
    order.sort_by_key(|g| (!work.old.owns(Kind::Group, g.name.as_str(), g.gid.get()), g.gid.get()));
    let (mut names, mut ids) = (HashMap::new(), HashSet::new());
    let mut kept = Vec::with_capacity(order.len());
    for group in order {
        let (name, gid) = (group.name.as_str(), group.gid.get());
        if let Some(first) = names.get(name).copied().or_else(|| ids.get(&gid).copied()) {
            work.refuse(name, gid, Why::Twice(first));
            continue;
        }
        names.insert(name, gid);
        ids.insert(gid);
        kept.push(group);
    }
    kept.sort_by_key(|group| group.gid);
    kept
}

fn claim_of(work: &Work<'_>, people: &People<'_>, group: &DesiredGroup) -> Result<(), Why> {
    let (name, gid) = (group.name.as_str(), group.gid.get());
    if !work.desired.managed.contains(&gid) {
        return Err(Why::OutsideRange);
    }
    let owned = work.owned_pair(Kind::Group, name, gid)?;
    if let Some(&uid) = people.by_name.get(name) {
        return Err(Why::Twice(uid));
    }
    if let Some(person) = people.by_id.get(&gid) {
        return Err(Why::GidTaken((*person).to_owned()));
    }
    names_free(&work.group, "group", owned, name, gid)?;
    if let Some(other) = work.group.other_with_id(gid, name) {
        return Err(Why::GidTaken(other));
    }
    work.gshadow_free(owned, name)
}
