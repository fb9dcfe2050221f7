//! Takes in what a source planned: people and groups that came, changed or went, in one transaction.
//!
//! [`SourceState`] is what the store holds of one source, [`SourceChanges`] what is to be different. Both speak of
//! people as whole images, so one audit record tells the whole change; the row-by-row difference is made here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_policy::{Timestamp, UserName};
use serde_json::{Value, json};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::audit::{BATCH, Entry, record};
use super::generation::claim;
use super::numbers::{NumberKind, UidPool, allocate};
use super::open::commit;
use super::refused::{RefusedIdentity, refused, write_refused};
use super::subjects::{all_groups, all_identities, all_keys, all_memberships, all_subjects};
use super::{Cause, Error, GroupId, PersonState, Presence, Store, SubjectId, SubjectKind};

/// A person of a source, whole: what may change together and is audited together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonImage {
    /// The POSIX name; the same before and after every change.
    pub name: UserName,
    /// The user name at the source.
    pub source_name: String,
    /// The full name.
    pub display_name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// Member or guest.
    pub kind: SubjectKind,
    /// Active, disabled or removed.
    pub state: PersonState,
    /// Lines of `authorized_keys`.
    pub keys: BTreeSet<String>,
    /// Immutable ids of the groups.
    pub groups: BTreeSet<String>,
}

impl PersonImage {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name.as_str(),
            "source-name": self.source_name,
            "display-name": self.display_name,
            "mail": self.mail,
            "kind": self.kind.word(),
            "state": self.state.word(),
            "ssh-keys": self.keys,
            "groups": self.groups,
        })
    }
}

/// A group of a source, without its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupImage {
    /// The POSIX name; the same before and after every change.
    pub name: UserName,
    /// What the group is for.
    pub description: String,
    /// Whether the source still has it.
    pub state: Presence,
}

impl GroupImage {
    fn to_json(&self) -> Value {
        json!({ "name": self.name.as_str(), "description": self.description, "state": self.state.word() })
    }
}

/// What the store holds of one source, and the names that everybody else has.
#[derive(Debug, Clone, Default)]
pub struct SourceState {
    /// The source's name.
    pub source: String,
    /// Its people by immutable id, tombstones included.
    pub people: BTreeMap<String, (SubjectId, PersonImage)>,
    /// Its groups by immutable id, tombstones included.
    pub groups: BTreeMap<String, (GroupId, GroupImage)>,
    /// Every POSIX name in the store, of all sources, with who has it, as in `person A-17 of source directory`.
    pub names: BTreeMap<UserName, String>,
    /// What was refused last time.
    pub refused: BTreeSet<RefusedIdentity>,
}

/// What one pass over a source changes; empty when the store already agrees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceChanges {
    /// The source's name.
    pub source: String,
    /// People that are new, by immutable id.
    pub new_people: Vec<(String, PersonImage)>,
    /// People that differ: what, whom, before, after.
    pub changed_people: Vec<ChangedPerson>,
    /// Groups that are new, by immutable id.
    pub new_groups: Vec<(String, GroupImage)>,
    /// Groups that differ: immutable id, number, before, after.
    pub changed_groups: Vec<(String, GroupId, GroupImage, GroupImage)>,
    /// Refusals that are new or read differently now.
    pub refused: Vec<RefusedIdentity>,
    /// Refusals whose cause is gone.
    pub no_longer_refused: Vec<RefusedIdentity>,
}

/// One person's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPerson {
    /// The audit word, as in `person.disable`.
    pub action: &'static str,
    /// Whose.
    pub subject: SubjectId,
    /// The source's id.
    pub immutable_id: String,
    /// How it was.
    pub before: PersonImage,
    /// How it is to be.
    pub after: PersonImage,
}

impl SourceChanges {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.new_people.is_empty()
            && self.changed_people.is_empty()
            && self.new_groups.is_empty()
            && self.changed_groups.is_empty()
            && self.refused.is_empty()
            && self.no_longer_refused.is_empty()
    }
}

impl Store {
    /// What the store holds of `source`.
    pub async fn source_state(&self, source: &str) -> Result<SourceState, Error> {
        let mut tx = self.read().await?;
        let mut state = SourceState { source: source.to_owned(), ..SourceState::default() };
        let mut group_ids: HashMap<GroupId, String> = HashMap::new();
        for group in all_groups(&mut tx).await? {
            let owner = format!("group {} of source {}", group.immutable_id, group.source);
            state.names.insert(group.name.clone(), owner);
            if group.source == source {
                group_ids.insert(group.id, group.immutable_id.clone());
                let image = GroupImage { name: group.name, description: group.description, state: group.state };
                state.groups.insert(group.immutable_id, (group.id, image));
            }
        }
        let mut groups_of: HashMap<SubjectId, BTreeSet<String>> = HashMap::new();
        for (group, subject) in all_memberships(&mut tx).await? {
            if let Some(id) = group_ids.get(&group) {
                groups_of.entry(subject).or_default().insert(id.clone());
            }
        }
        let mut keys = all_keys(&mut tx).await?;
        let mut subjects: HashMap<SubjectId, _> = HashMap::new();
        for subject in all_subjects(&mut tx).await? {
            subjects.insert(subject.id, subject);
        }
        for identity in all_identities(&mut tx).await? {
            let Some(subject) = subjects.get(&identity.subject) else { continue };
            let owner = format!("person {} of source {}", identity.immutable_id, identity.source);
            state.names.insert(subject.name.clone(), owner);
            if identity.source == source {
                let image = PersonImage {
                    name: subject.name.clone(),
                    source_name: identity.source_name,
                    display_name: subject.display_name.clone(),
                    mail: subject.mail.clone(),
                    kind: subject.kind,
                    state: subject.state,
                    keys: keys.remove(&subject.id).unwrap_or_default().into_iter().collect(),
                    groups: groups_of.remove(&subject.id).unwrap_or_default(),
                };
                state.people.insert(identity.immutable_id, (subject.id, image));
            }
        }
        state.refused = refused(&mut tx, Some(source)).await?.into_iter().map(|(_, _, refused)| refused).collect();
        Ok(state)
    }

    /// Writes the changes, gives new people and groups their numbers, and audits each; all of it or nothing.
    ///
    /// Empty changes write nothing at all.
    pub async fn apply_source(&self, changes: &SourceChanges, pool: UidPool, cause: &Cause<'_>) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        let mut entries = Vec::new();
        add_groups(&mut tx, changes, pool, cause, &mut entries).await?;
        for (id, group, before, after) in &changes.changed_groups {
            change_group(&mut tx, *group, after).await?;
            let action = if after.state == Presence::Removed { "group.remove" } else { "group.modify" };
            let (before, after) = (Some(before.to_json()), Some(after.to_json()));
            entries.push(Entry { action, object: format!("group {}/{id}", changes.source), before, after });
        }
        let mut group_ids = HashMap::new();
        for group in all_groups(&mut tx).await? {
            if group.source == changes.source {
                group_ids.insert(group.immutable_id, group.id);
            }
        }
        let mut rows = Rows::default();
        add_people(&mut tx, changes, pool, cause, &group_ids, &mut rows, &mut entries).await?;
        for person in &changes.changed_people {
            change_person(&mut tx, &changes.source, person, cause.now).await?;
            rows.difference(person, &group_ids);
            entries.push(Entry {
                action: person.action,
                object: format!("user {}", person.after.name),
                before: Some(person.before.to_json()),
                after: Some(person.after.to_json()),
            });
        }
        rows.write(&mut tx).await?;
        write_refused(&mut tx, changes, cause, &mut entries).await?;
        record(&mut tx, cause, &entries).await?;
        commit(tx).await
    }
}

/// Rows of the two tables that hang on people, gathered for few statements.
#[derive(Debug, Default)]
struct Rows {
    new_keys: Vec<(SubjectId, String)>,
    gone_keys: Vec<(SubjectId, String)>,
    joins: Vec<(GroupId, SubjectId)>,
    leaves: Vec<(GroupId, SubjectId)>,
}

impl Rows {
    fn difference(&mut self, person: &ChangedPerson, group_ids: &HashMap<String, GroupId>) {
        let (before, after, id) = (&person.before, &person.after, person.subject);
        self.new_keys.extend(after.keys.difference(&before.keys).map(|key| (id, key.clone())));
        self.gone_keys.extend(before.keys.difference(&after.keys).map(|key| (id, key.clone())));
        let number = |group: &String| group_ids.get(group).map(|group| (*group, id));
        self.joins.extend(after.groups.difference(&before.groups).filter_map(number));
        self.leaves.extend(before.groups.difference(&after.groups).filter_map(number));
    }

    async fn write(&self, tx: &mut SqliteConnection) -> Result<(), Error> {
        for (subject, key) in &self.gone_keys {
            sqlx::query("DELETE FROM ssh_key WHERE subject_id = $1 AND key_text = $2")
                .bind(subject.0)
                .bind(key)
                .execute(&mut *tx)
                .await
                .map_err(Error::query("take a key away"))?;
        }
        for (group, subject) in &self.leaves {
            sqlx::query("DELETE FROM membership WHERE group_id = $1 AND subject_id = $2")
                .bind(group.0)
                .bind(subject.0)
                .execute(&mut *tx)
                .await
                .map_err(Error::query("end a membership"))?;
        }
        for batch in self.new_keys.chunks(BATCH) {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO ssh_key (subject_id, key_text) ");
            query.push_values(batch, |mut row, (subject, key)| {
                row.push_bind(subject.0).push_bind(key);
            });
            query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("keep keys"))?;
        }
        for batch in self.joins.chunks(BATCH) {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO membership (group_id, subject_id) ");
            query.push_values(batch, |mut row, (group, subject)| {
                row.push_bind(group.0).push_bind(subject.0);
            });
            query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("keep memberships"))?;
        }
        Ok(())
    }
}

async fn add_groups(
    tx: &mut SqliteConnection,
    changes: &SourceChanges,
    pool: UidPool,
    cause: &Cause<'_>,
    entries: &mut Vec<Entry>,
) -> Result<(), Error> {
    if changes.new_groups.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = changes.new_groups.iter().map(|(id, _)| id.as_str()).collect();
    let gids = allocate(tx, pool, NumberKind::Group, &changes.source, &ids, cause.now).await?;
    let mut id = claim(tx, "posix_group", ids.len()).await?;
    let numbered: Vec<_> = changes.new_groups.iter().zip(&gids).collect();
    for batch in numbered.chunks(BATCH) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO posix_group (id, source, immutable_id, name, gid, description, state) ",
        );
        query.push_values(batch, |mut row, ((immutable_id, group), gid)| {
            row.push_bind(id)
                .push_bind(&changes.source)
                .push_bind(immutable_id)
                .push_bind(group.name.as_str())
                .push_bind(gid.get())
                .push_bind(&group.description)
                .push_bind(group.state.word());
            id += 1;
        });
        query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("keep groups"))?;
    }
    entries.extend(changes.new_groups.iter().map(|(id, group)| Entry {
        action: "group.add",
        object: format!("group {}/{id}", changes.source),
        before: None,
        after: Some(group.to_json()),
    }));
    Ok(())
}

async fn add_people(
    tx: &mut SqliteConnection,
    changes: &SourceChanges,
    pool: UidPool,
    cause: &Cause<'_>,
    group_ids: &HashMap<String, GroupId>,
    rows: &mut Rows,
    entries: &mut Vec<Entry>,
) -> Result<(), Error> {
    if changes.new_people.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = changes.new_people.iter().map(|(id, _)| id.as_str()).collect();
    let uids = allocate(tx, pool, NumberKind::Person, &changes.source, &ids, cause.now).await?;
    let first = claim(tx, "subject", ids.len()).await?;
    let numbered: Vec<_> = changes.new_people.iter().zip(&uids).zip(first..).collect();
    for batch in numbered.chunks(BATCH) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO subject (id, uid, name, display_name, mail, kind, state, first_seen, changed_at) ",
        );
        query.push_values(batch, |mut row, (((_, person), uid), id)| {
            row.push_bind(*id)
                .push_bind(uid.get())
                .push_bind(person.name.as_str())
                .push_bind(&person.display_name)
                .push_bind(&person.mail)
                .push_bind(person.kind.word())
                .push_bind(person.state.word())
                .push_bind(cause.now.0)
                .push_bind(cause.now.0);
        });
        query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("keep people"))?;
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO identity (source, immutable_id, subject_id, source_name) ");
        query.push_values(batch, |mut row, (((immutable_id, person), _), id)| {
            row.push_bind(&changes.source).push_bind(immutable_id).push_bind(*id).push_bind(&person.source_name);
        });
        query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("keep identities"))?;
    }
    for (((_, person), uid), id) in numbered {
        let id = SubjectId(id);
        rows.new_keys.extend(person.keys.iter().map(|key| (id, key.clone())));
        rows.joins.extend(person.groups.iter().filter_map(|group| group_ids.get(group)).map(|group| (*group, id)));
        let mut after = person.to_json();
        if let Value::Object(fields) = &mut after {
            fields.insert("uid".to_owned(), json!(uid.get()));
        }
        entries.push(Entry {
            action: "person.add",
            object: format!("user {}", person.name),
            before: None,
            after: Some(after),
        });
    }
    Ok(())
}

async fn change_person(
    tx: &mut SqliteConnection,
    source: &str,
    person: &ChangedPerson,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE subject SET display_name = $1, mail = $2, kind = $3, state = $4, changed_at = $5 WHERE id = $6",
    )
    .bind(&person.after.display_name)
    .bind(&person.after.mail)
    .bind(person.after.kind.word())
    .bind(person.after.state.word())
    .bind(now.0)
    .bind(person.subject.0)
    .execute(&mut *tx)
    .await
    .map_err(Error::query("change a person"))?;
    if person.before.source_name != person.after.source_name {
        sqlx::query("UPDATE identity SET source_name = $1 WHERE source = $2 AND immutable_id = $3")
            .bind(&person.after.source_name)
            .bind(source)
            .bind(&person.immutable_id)
            .execute(tx)
            .await
            .map_err(Error::query("keep a new name at the source"))?;
    }
    Ok(())
}

async fn change_group(tx: &mut SqliteConnection, id: GroupId, after: &GroupImage) -> Result<(), Error> {
    sqlx::query("UPDATE posix_group SET description = $1, state = $2 WHERE id = $3")
        .bind(&after.description)
        .bind(after.state.word())
        .bind(id.0)
        .execute(tx)
        .await
        .map(drop)
        .map_err(Error::query("change a group"))
}
