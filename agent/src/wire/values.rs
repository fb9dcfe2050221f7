//! The `key=value` pairs of a command, checked against the declaration of their entity.

use bursar_policy::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::cli::amount::{self, LimitValue};
use crate::cli::entity::{Kind, Place, Schema};
use crate::cli::when::{self, WhenError};

/// Keys in the order typed, each once, each with its values.
///
/// Keys are the declared names and values the canonical texts of [`Kind::accept`]; times are still as typed,
/// because only the daemon knows the site's zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(Vec<(String, Vec<String>)>);

/// Why a pair does not belong in a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The entity has no such key at this place.
    #[error("`{key}` is not a key of {place}; valid keys: {valid}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The command it stands in.
        place: String,
        /// The keys that may stand there.
        valid: String,
    },
    /// The value is not of the key's kind.
    #[error("`{key}={value}` {expected}")]
    Value {
        /// The key.
        key: String,
        /// The value, with control characters escaped.
        value: String,
        /// What is expected instead.
        expected: String,
    },
    /// A key that takes one value stands there twice.
    #[error("`{0}` is given twice")]
    Twice(String),
}

impl Values {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the key was given, be it to clear it.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// All values of a key; empty when it was not given, or given to clear it.
    pub fn list(&self, key: &str) -> &[String] {
        self.0.iter().find(|(name, _)| name == key).map_or(&[], |(_, values)| values)
    }

    /// The first value of a key.
    pub fn one(&self, key: &str) -> Option<&str> {
        self.list(key).first().map(String::as_str)
    }

    /// The number a [`Kind::Count`] key has.
    pub fn count(&self, key: &str) -> Option<u64> {
        self.one(key).and_then(amount::digits)
    }

    /// The limit a [`Kind::JobLimit`] key sets, in jobs.
    pub fn job_limit(&self, key: &str) -> Option<LimitValue> {
        self.one(key).and_then(amount::job_limit)
    }

    /// The limit a [`Kind::CpuLimit`] key sets, in CPU-seconds.
    pub fn cpu_limit(&self, key: &str) -> Option<LimitValue> {
        self.one(key).and_then(amount::cpu_limit)
    }

    /// The limit a [`Kind::DecimalLimit`] key sets, in parts of which there are `parts` in one.
    pub fn decimal_limit(&self, key: &str, parts: u64) -> Option<LimitValue> {
        self.one(key).and_then(|text| amount::decimal_limit(text, parts))
    }

    /// The instant a [`Kind::Instant`] key means at `now` in `zone`; `None` when it was not given.
    pub fn instant(&self, key: &str, now: Timestamp, zone: &TimeZone) -> Result<Option<Timestamp>, WhenError> {
        self.one(key).map(|text| when::resolve(text, now, zone)).transpose()
    }

    /// The pairs in the order typed.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// Adds what was typed after the `=` of `key`, a declared name; lists grow, anything else stands once.
    pub fn insert(&mut self, key: &str, kind: Kind, text: &str) -> Result<(), ValueError> {
        let accepted = kind.accept(text).map_err(|expected| ValueError::Value {
            key: key.to_owned(),
            value: text.escape_debug().to_string(),
            expected,
        })?;
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, values)) if kind.is_list() => values.extend(accepted),
            Some(_) => return Err(ValueError::Twice(key.to_owned())),
            None => self.0.push((key.to_owned(), accepted)),
        }
        Ok(())
    }

    /// The same pairs accepted anew, as the daemon must: whoever can open the socket can write anything to it.
    pub fn checked(&self, schema: &Schema, place: Place, command: &str) -> Result<Self, ValueError> {
        let mut checked = Self::default();
        for (name, values) in &self.0 {
            let key = schema
                .key(name)
                .filter(|key| key.stands_at(place))
                .ok_or_else(|| ValueError::unknown(name, schema, place, command))?;
            if checked.has(name) {
                return Err(ValueError::Twice(name.clone()));
            }
            checked.insert(key.name, key.kind, &values.join(","))?;
        }
        Ok(checked)
    }
}

impl ValueError {
    /// That `key` is not one of the keys of `schema` at `place`, which are named.
    pub fn unknown(key: &str, schema: &Schema, place: Place, command: &str) -> Self {
        let valid: Vec<&str> = schema.keys_at(place).map(|key| key.name).collect();
        Self::UnknownKey {
            key: key.escape_debug().to_string(),
            place: command.to_owned(),
            valid: if valid.is_empty() { "none".to_owned() } else { valid.join(", ") },
        }
    }
}
