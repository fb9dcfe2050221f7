//! `show group`.

use std::collections::BTreeMap;

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::store::{Group, GroupId, Presence};
use crate::wire::{Cell, Query};

struct Row<'a> {
    group: &'a Group,
    /// The members' names; those only that the caller may see.
    users: Vec<&'a str>,
    members: usize,
}

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, stored, caller) = (&query.filter, &session.stored, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    let known = stored.groups.iter().filter(|group| caller.sees_all || caller.is_in(group.id));
    super::all_known("group that you may see named", filter, "group", known.map(|group| group.name.as_str()))?;
    let names = session.user_names();
    let mut members: BTreeMap<GroupId, Vec<&str>> = BTreeMap::new();
    for (group, subject) in &stored.memberships {
        members.entry(*group).or_default().extend(names.get(subject));
    }
    members.values_mut().for_each(|names| names.sort_unstable());
    let rows = stored
        .groups
        .iter()
        .filter(|group| caller.sees_all || caller.is_in(group.id))
        .map(|group| {
            let all = members.get(&group.id).map_or(&[][..], Vec::as_slice);
            let users = all.iter().filter(|name| caller.sees_all || caller.is(name)).copied().collect();
            Row { group, users, members: all.len() }
        })
        .filter(|row| wanted(row, query));
    session.table(Entity::Group.schema(), query, rows, cell)
}

fn wanted(row: &Row<'_>, query: &Query) -> bool {
    let (filter, group) = (&query.filter, row.group);
    let dug_up = ["state", "group", "gid", "id"].iter().any(|key| filter.has(key));
    (group.state == Presence::Active || dug_up)
        && passes(filter, "group", |name| group.name.as_str() == name)
        && passes(filter, "gid", |gid| group.gid.is_some_and(|known| known.to_string() == gid))
        && passes(filter, "source", |source| group.source == source)
        && passes(filter, "id", |id| group.immutable_id == id)
        && passes(filter, "user", |user| row.users.contains(&user))
        && passes(filter, "state", |state| group.state.word() == state)
}

fn cell(row: &Row<'_>, field: &str) -> Cell {
    match field {
        "group" => row.group.name.as_str().into(),
        "gid" => row.group.gid.map(|gid| Cell::Count(gid.get().into())).unwrap_or(Cell::Absent),
        "members" => Cell::Count(u64::try_from(row.members).unwrap_or(u64::MAX)),
        "state" => row.group.state.word().into(),
        "description" => row.group.description.as_str().into(),
        "users" => row.users.join(",").into(),
        "source" => row.group.source.as_str().into(),
        "id" => row.group.immutable_id.as_str().into(),
        _ => Cell::Absent,
    }
}
