//! What `bursar` can speak about: each entity with its keys and fields, declared once.
//!
//! The parser, the help, the default columns and the daemon's check of a request all read these tables, so a key
//! that is not declared does not exist anywhere. [`table`], `queue` and `ledger` declare the entities, [`command`] and [`report`] the
//! verbs that have keys or fields of their own, [`kind`] what a value may look like.

pub mod command;
pub mod kind;
mod ledger;
mod queue;
pub mod report;
pub mod table;

use serde::{Deserialize, Serialize};

pub use kind::Kind;
pub use report::Report;

/// A thing that can be shown and, for some, changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entity {
    /// A person known to bursar, alive or a tombstone.
    User,
    /// A group of an identity source.
    Group,
    /// A Slurm account.
    Account,
    /// A role given to a person or group, for a scope and a time.
    Grant,
    /// A limit of a person or an account, or a default.
    Limit,
    /// What a person or an account stores at a place.
    Storage,
    /// A queue of the policy.
    Queue,
    /// One run of a job.
    Run,
    /// A decision on a login, or the begin or end of a session.
    Login,
    /// A Slurm association that bursar wants or finds.
    Association,
    /// A change somebody made.
    Audit,
    /// A person or group that a source brought and bursar did not take in.
    Refusal,
    /// Something that needs an administrator.
    Alarm,
    /// When work may begin.
    Window,
    /// What the ledger was read from.
    Reading,
    /// A row that cannot be read.
    SetAside,
}

impl Entity {
    /// All entities, in the order of the help.
    pub const ALL: [Self; 16] = [
        Self::User,
        Self::Group,
        Self::Account,
        Self::Grant,
        Self::Limit,
        Self::Storage,
        Self::Queue,
        Self::Run,
        Self::Login,
        Self::Association,
        Self::Audit,
        Self::Refusal,
        Self::Alarm,
        Self::Window,
        Self::Reading,
        Self::SetAside,
    ];

    /// Its declaration.
    pub const fn schema(self) -> &'static Schema {
        match self {
            Self::User => &table::USER,
            Self::Group => &table::GROUP,
            Self::Account => &table::ACCOUNT,
            Self::Grant => &table::GRANT,
            Self::Limit => &table::LIMIT,
            Self::Storage => &table::STORAGE,
            Self::Queue => &queue::QUEUE,
            Self::Run => &table::RUN,
            Self::Login => &table::LOGIN,
            Self::Association => &table::ASSOCIATION,
            Self::Audit => &table::AUDIT,
            Self::Refusal => &table::REFUSAL,
            Self::Alarm => &table::ALARM,
            Self::Window => &table::WINDOW,
            Self::Reading => &ledger::READING,
            Self::SetAside => &ledger::SET_ASIDE,
        }
    }
}

/// Where in a command a key may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It selects: `show`, the `where` of `modify`, `delete`, and the keys of verbs without an entity.
    Where,
    /// It describes the new object of `add`.
    Add,
    /// It describes the new object of `add`, which cannot be without it.
    Needed,
    /// It changes an object: the `set` of `modify`.
    Set,
    /// It says more about a `delete` and selects nothing.
    Delete,
}

/// A key and what may follow its `=`.
#[derive(Debug)]
pub struct Key {
    /// The spelling that travels to the daemon.
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// What a value may look like.
    pub kind: Kind,
    /// Where it may stand.
    pub places: &'static [Place],
    /// One phrase for the help.
    pub about: &'static str,
}

impl Key {
    /// Declares a key without aliases.
    pub const fn new(name: &'static str, kind: Kind, places: &'static [Place], about: &'static str) -> Self {
        Self { name, aliases: &[], kind, places, about }
    }

    /// The same key with these further spellings.
    pub const fn or(self, aliases: &'static [&'static str]) -> Self {
        Self { name: self.name, aliases, kind: self.kind, places: self.places, about: self.about }
    }

    /// Whether the key may stand at `place`.
    pub fn stands_at(&self, place: Place) -> bool {
        self.places.iter().any(|at| *at == place || (*at == Place::Needed && place == Place::Add))
    }

    /// Whether `add` cannot do without it.
    pub fn is_needed(&self) -> bool {
        self.places.contains(&Place::Needed)
    }
}

/// A field of an answer: a column on the terminal, a member in JSON.
#[derive(Debug)]
pub struct Field {
    /// The spelling in `format=` and, with `_` for `-`, in JSON.
    pub name: &'static str,
    /// The width in characters: as in Slurm, negative is flush left.
    pub width: i16,
    /// Whether it is shown without `format=`.
    pub is_default: bool,
    /// One phrase for the help.
    pub about: &'static str,
    /// Sentences that say exactly what it is, where the phrase is not enough; for `--explain`.
    pub meaning: &'static str,
}

impl Field {
    /// Declares a field that is shown without being asked for.
    pub const fn new(name: &'static str, width: i16, about: &'static str) -> Self {
        Self { name, width, is_default: true, about, meaning: "" }
    }

    /// Declares a field that is shown only when `format=` names it.
    pub const fn on_demand(name: &'static str, width: i16, about: &'static str) -> Self {
        Self { name, width, is_default: false, about, meaning: "" }
    }

    /// The same field with what it is exactly.
    pub const fn meaning(self, meaning: &'static str) -> Self {
        Self { name: self.name, width: self.width, is_default: self.is_default, about: self.about, meaning }
    }
}

/// A bare word that switches something on.
#[derive(Debug)]
pub struct Flag {
    /// The word; it must be written out.
    pub name: &'static str,
    /// One phrase for the help.
    pub about: &'static str,
}

/// The declaration of an entity, or of a verb that has keys or fields.
#[derive(Debug)]
pub struct Schema {
    /// The word on the command line.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// One sentence for the help.
    pub about: &'static str,
    /// Whether the verb `add` applies.
    pub can_add: bool,
    /// Whether the verb `modify` applies.
    pub can_modify: bool,
    /// Whether the verb `delete` applies.
    pub can_delete: bool,
    /// What to do instead of the verbs that do not apply.
    pub instead: &'static str,
    /// The key that a bare word is the value of.
    pub bare: Option<&'static str>,
    /// Its bare words.
    pub flags: &'static [Flag],
    /// Its keys.
    pub keys: &'static [Key],
    /// Its fields, in their default order.
    pub fields: &'static [Field],
}

impl Schema {
    /// The key of this exact name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The field of this exact name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The keys that may stand at `place`.
    pub fn keys_at(&self, place: Place) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().filter(move |key| key.stands_at(place))
    }

    /// The names of the fields shown without `format=`.
    pub fn default_fields(&self) -> Vec<String> {
        self.fields.iter().filter(|field| field.is_default).map(|field| field.name.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli::keyword::fold;

    fn schemas() -> Vec<&'static Schema> {
        Entity::ALL
            .iter()
            .map(|entity| entity.schema())
            .chain(command::ALL)
            .chain(Report::ALL.map(Report::schema))
            .collect()
    }

    #[test]
    fn given_the_tables_then_no_spelling_means_two_things() {
        for schema in schemas() {
            let mut seen = BTreeSet::new();
            for key in schema.keys {
                for spelling in std::iter::once(&key.name).chain(key.aliases) {
                    assert!(seen.insert(fold(spelling)), "{}: {spelling} is declared twice", schema.name);
                }
                assert!(!key.places.is_empty(), "{}: {} may stand nowhere", schema.name, key.name);
            }
            for reserved in ["where", "set", "format"] {
                assert!(seen.insert(reserved.to_owned()), "{}: {reserved} is grammar", schema.name);
            }
            for flag in schema.flags {
                assert!(seen.insert(fold(flag.name)), "{}: {} is a key too", schema.name, flag.name);
            }
            let fields: BTreeSet<_> = schema.fields.iter().map(|field| fold(field.name)).collect();
            assert_eq!(fields.len(), schema.fields.len(), "{}: a field is declared twice", schema.name);
        }
        let mut words = BTreeSet::new();
        for entity in Entity::ALL {
            for word in std::iter::once(&entity.schema().name).chain(entity.schema().aliases) {
                assert!(words.insert(*word), "{word} names two entities");
            }
        }
    }

    #[test]
    fn given_the_tables_then_they_hold_together() {
        for schema in schemas() {
            if let Some(bare) = schema.bare {
                assert!(schema.key(bare).is_some_and(|key| key.stands_at(Place::Where)), "{}: {bare}", schema.name);
            }
            assert_eq!(schema.can_add, schema.keys_at(Place::Add).next().is_some(), "{}: add", schema.name);
            assert_eq!(schema.can_modify, schema.keys_at(Place::Set).next().is_some(), "{}: modify", schema.name);
            let changes_fully = schema.can_add && schema.can_modify && schema.can_delete;
            assert!(changes_fully || !schema.instead.is_empty() || schema.keys.is_empty(), "{}: instead", schema.name);
            assert!(schema.fields.iter().any(|field| field.is_default), "{}: no column", schema.name);
            assert!(schema.fields.iter().all(|field| field.width != 0), "{}: a width of 0", schema.name);
        }
    }
}
