//! What the command line asks of the daemon.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::import::{Dump, Part};
use super::values::{ValueError, Values};
use crate::cli::entity::{Entity, Place, Report, Schema, command};

/// A question: what to select, and which fields of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The conditions; all must hold, and of a list any value.
    #[serde(rename = "where", default)]
    pub filter: Values,
    /// The names of the fields to answer with, in this order; never empty.
    pub fields: Vec<String>,
    /// The flags that were given, as `tree`.
    #[serde(default)]
    pub flags: Vec<String>,
}

impl Query {
    /// Whether this flag was given.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }
}

/// A change that is first told and then made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// A new object, or one for each value of a list.
    Add {
        /// What.
        entity: Entity,
        /// Its description.
        set: Values,
    },
    /// Other values for all objects that are selected.
    Modify {
        /// What.
        entity: Entity,
        /// Which; never empty.
        #[serde(rename = "where")]
        filter: Values,
        /// The new values; never empty.
        set: Values,
    },
    /// The end of all objects that are selected: a grant is revoked, an account removed, a limit cleared.
    Delete {
        /// What.
        entity: Entity,
        /// Which; never empty.
        #[serde(rename = "where")]
        filter: Values,
        /// What is said about it, as `reason`.
        #[serde(default)]
        set: Values,
    },
}

/// What is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Explained {
    /// A job at its submission.
    Job,
    /// A login.
    Login,
}

/// One parsed command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// `show ENTITY`.
    Show {
        /// What.
        entity: Entity,
        /// Which, and what of it.
        query: Query,
    },
    /// `add`, `modify` or `delete`.
    Change {
        /// The change.
        change: Change,
        /// Only tell what would change. The command line asks so before its question and repeats the request after.
        dry_run: bool,
    },
    /// `balance`.
    Balance {
        /// Whose; nobody named is the caller.
        query: Query,
    },
    /// `report KIND`.
    Report {
        /// What it tells.
        kind: Report,
        /// Which period and whose.
        query: Query,
    },
    /// `explain job` or `explain login`.
    Explain {
        /// Which of the two.
        what: Explained,
        /// The job or login.
        query: Query,
    },
    /// `verify`.
    Verify {
        /// Which period.
        query: Query,
    },
    /// `sync`.
    Sync {
        /// Only tell what would be done, as a table of the fields of [`command::SYNC`].
        dry_run: bool,
        /// Let through a drop of people that stopped an earlier pass.
        accept_drop: bool,
        /// The fields for a dry run.
        fields: Vec<String>,
    },
    /// `price`: a month by the card in force and by another.
    Price {
        /// Which month, and what it is told apart by.
        query: Query,
        /// The name of the other card's file.
        file: String,
        /// Its text.
        card: String,
    },
    /// A part of `import usage`.
    Import {
        /// Of what file.
        dump: Dump,
        /// Its lines.
        part: Part,
    },
    /// `status`.
    Status {
        /// Which fields.
        query: Query,
    },
}

/// Why a request is refused before anybody looks at rights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A key or value is wrong.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A field is not one of the entity's.
    #[error("`{field}` is not a field of {command}; valid fields: {valid}")]
    UnknownField {
        /// The field.
        field: String,
        /// The command.
        command: String,
        /// The fields there are.
        valid: String,
    },
    /// A flag is not one of the entity's.
    #[error("`{flag}` is not a word of {command}")]
    UnknownFlag {
        /// The flag.
        flag: String,
        /// The command.
        command: String,
    },
    /// The verb does not apply to the entity.
    #[error("{verb} does not apply to {entity}: {instead}")]
    Verb {
        /// The verb.
        verb: &'static str,
        /// The entity.
        entity: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// `add` lacks a key.
    #[error("add {entity} needs {key}=")]
    Needed {
        /// The entity.
        entity: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A change selects everything.
    #[error("{verb} {entity} needs a condition: where KEY=VALUE")]
    NoCondition {
        /// The verb.
        verb: &'static str,
        /// The entity.
        entity: &'static str,
    },
    /// A change sets nothing.
    #[error("modify {entity} needs something to change: set KEY=VALUE")]
    NothingSet {
        /// The entity.
        entity: &'static str,
    },
}

impl Request {
    /// The request with every key, value, field and flag checked against the declarations.
    ///
    /// The command line builds requests that pass; the server checks all the same, because anybody may write to
    /// the socket.
    pub fn checked(self) -> Result<Self, RequestError> {
        Ok(match self {
            Self::Show { entity, query } => {
                let command = format!("show {}", entity.schema().name);
                Self::Show { entity, query: query.checked(entity.schema(), &command)? }
            }
            Self::Change { change, dry_run } => Self::Change { change: change.checked()?, dry_run },
            Self::Balance { query } => Self::Balance { query: query.checked(&command::BALANCE, "balance")? },
            Self::Report { kind, query } => {
                Self::Report { kind, query: query.checked(kind.schema(), &kind.command())? }
            }
            Self::Explain { what, query } => {
                let (schema, command) = what.schema();
                Self::Explain { what, query: query.checked(schema, command)? }
            }
            Self::Verify { query } => Self::Verify { query: query.checked(&command::VERIFY, "verify")? },
            Self::Sync { dry_run, accept_drop, fields } => {
                let fields = Query { fields, ..Query::default() }.checked(&command::SYNC, "sync")?.fields;
                Self::Sync { dry_run, accept_drop, fields }
            }
            Self::Price { query, file, card } => {
                Self::Price { query: query.checked(&command::PRICE, "price")?, file, card }
            }
            // Its columns are checked where they are read.
            Self::Import { dump, part } => Self::Import { dump, part },
            Self::Status { query } => Self::Status { query: query.checked(&command::STATUS, "status")? },
        })
    }

    /// Whether it changes anything, and therefore asks first.
    pub const fn asks_first(&self) -> bool {
        matches!(self, Self::Change { dry_run: false, .. })
    }

    /// How long its answer may take; a pass over a whole site takes minutes.
    pub const fn patience(&self) -> Duration {
        match self {
            Self::Sync { .. } | Self::Verify { .. } => Duration::from_secs(3_600),
            Self::Price { .. } | Self::Import { .. } | Self::Change { .. } | Self::Report { .. } => {
                Duration::from_secs(300)
            }
            _ => Duration::from_secs(60),
        }
    }
}

impl Explained {
    /// The declaration of the verb, and the verb.
    pub const fn schema(self) -> (&'static Schema, &'static str) {
        match self {
            Self::Job => (&command::EXPLAIN_JOB, "explain job"),
            Self::Login => (&command::EXPLAIN_LOGIN, "explain login"),
        }
    }
}

impl Query {
    fn checked(self, schema: &'static Schema, command: &str) -> Result<Self, RequestError> {
        let filter = self.filter.checked(schema, Place::Where, command)?;
        if let Some(unknown) = self.fields.iter().find(|field| schema.field(field).is_none()) {
            return Err(RequestError::unknown_field(unknown, schema, command));
        }
        if let Some(unknown) = self.flags.iter().find(|flag| !schema.flags.iter().any(|known| known.name == **flag)) {
            return Err(RequestError::UnknownFlag {
                flag: unknown.escape_debug().to_string(),
                command: command.to_owned(),
            });
        }
        let fields = if self.fields.is_empty() { schema.default_fields() } else { self.fields };
        Ok(Self { filter, fields, flags: self.flags })
    }
}

impl RequestError {
    /// That `field` is not one of the fields of `schema`, which are named.
    pub fn unknown_field(field: &str, schema: &Schema, command: &str) -> Self {
        Self::UnknownField {
            field: field.escape_debug().to_string(),
            command: command.to_owned(),
            valid: schema.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", "),
        }
    }
}

impl Change {
    /// What is changed.
    pub const fn entity(&self) -> Entity {
        match self {
            Self::Add { entity, .. } | Self::Modify { entity, .. } | Self::Delete { entity, .. } => *entity,
        }
    }

    /// The verb on the command line.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Modify { .. } => "modify",
            Self::Delete { .. } => "delete",
        }
    }

    /// Whether its verb applies to its entity, whatever its keys.
    pub fn applies(&self) -> Result<(), RequestError> {
        let (verb, schema) = (self.verb(), self.entity().schema());
        let applies = match self {
            Self::Add { .. } => schema.can_add,
            Self::Modify { .. } => schema.can_modify,
            Self::Delete { .. } => schema.can_delete,
        };
        if applies { Ok(()) } else { Err(RequestError::Verb { verb, entity: schema.name, instead: schema.instead }) }
    }

    fn checked(self) -> Result<Self, RequestError> {
        let (verb, schema) = (self.verb(), self.entity().schema());
        let entity_name = schema.name;
        let command = format!("{verb} {entity_name}");
        self.applies()?;
        Ok(match self {
            Self::Add { entity, set } => {
                let set = set.checked(schema, Place::Add, &command)?;
                if let Some(missing) = schema.keys.iter().find(|key| key.is_needed() && !set.has(key.name)) {
                    return Err(RequestError::Needed { entity: entity_name, key: missing.name });
                }
                Self::Add { entity, set }
            }
            Self::Modify { entity, filter, set } => {
                let filter = filter.checked(schema, Place::Where, &command)?;
                let set = set.checked(schema, Place::Set, &format!("{command} set"))?;
                if filter.is_empty() {
                    return Err(RequestError::NoCondition { verb, entity: entity_name });
                }
                if set.is_empty() {
                    return Err(RequestError::NothingSet { entity: entity_name });
                }
                Self::Modify { entity, filter, set }
            }
            Self::Delete { entity, filter, set } => {
                let filter = filter.checked(schema, Place::Where, &command)?;
                let set = set.checked(schema, Place::Delete, &command)?;
                if filter.is_empty() {
                    return Err(RequestError::NoCondition { verb, entity: entity_name });
                }
                Self::Delete { entity, filter, set }
            }
        })
    }
}
