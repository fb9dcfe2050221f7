//! `[[storage]]` of `policy.toml`: the places where people and accounts store, what each may store there, and what
//! becomes of the jobs of those who store more.
//!
//! A place is read by the quota system call or by a command that the site names; a quota's own limits count only
//! where `limit-from = "source"` says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use bursar_policy::{AccountName, UserName};

use super::machine::absolute;
use super::policy::account_name;
use super::read::{Table, Value};
use crate::store::Amount;

/// The bytes of a GB, as Slurm's memory and bursar's other limits count it.
pub const GB: u64 = 1 << 30;
/// Thousandths of a GB may be written.
const THOUSANDTHS: u64 = 1_000;
/// More GB than any place has, and far from overflow in bytes.
const MOST_GB: u64 = 1_000_000_000;
/// The longest interval between readings: a day in seconds.
const LONGEST_INTERVAL: u64 = 86_400;
/// The longest time that a command may take: an hour in seconds.
const LONGEST_COMMAND: u64 = 3_600;
/// The oldest reading that a site may let stay in force: thirty days in hours.
const OLDEST_READING: u64 = 720;
/// The highest gid that the quota system call takes.
const TOP_GID: u64 = i32::MAX as u64;

/// One `[[storage]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoragePlace {
    /// What people call it; no two places share one.
    pub name: String,
    /// How it is read.
    pub source: StorageSource,
    /// How often.
    pub every: Duration,
    /// The age at which its last good reading counts no longer, in seconds.
    pub max_age: u64,
    /// Whether jobs of those who are over are refused; otherwise their owners are warned.
    pub refuses: bool,
    /// Whether the limit that the source states counts before [`Self::each_person`] and [`Self::each_account`].
    pub limit_from_source: bool,
    /// What each person may store, in bytes; nothing is no limit.
    pub each_person: Option<Amount>,
    /// What each account may store, in bytes; nothing is no limit.
    pub each_account: Option<Amount>,
    /// What single persons may store instead.
    pub people: BTreeMap<UserName, Amount>,
    /// What single accounts may store instead.
    pub accounts: BTreeMap<AccountName, Amount>,
}

/// Where a place's usage is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageSource {
    /// The kernel, of the file system that is mounted there.
    Quota {
        /// The mount point.
        path: PathBuf,
        /// Accounts whose usage is that of this group; others have that of their own group, if they have one.
        gids: BTreeMap<AccountName, u32>,
    },
    /// A command that prints it.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
        /// How long it may take.
        timeout: Duration,
    },
}

/// Reads every place; nothing if any was wrong.
pub(super) fn storage(root: &Table<'_>) -> Option<Vec<StoragePlace>> {
    let tables = root.tables("storage");
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut places = Vec::new();
    let mut sound = true;
    for table in &tables {
        let place = place(table);
        if let Some(value) = table.value("name")
            && let Some(name) = value.peek()
            && !names.insert(name)
        {
            value.bad(format!("{name:?} is the name of two places; keep one"));
            sound = false;
        }
        places.extend(place);
    }
    (sound && places.len() == tables.len()).then_some(places)
}

fn place(table: &Table<'_>) -> Option<StoragePlace> {
    let name = table.parsed("name", |text| match text.chars().count() <= 64 {
        true => Ok(text.to_owned()),
        false => Err("is longer than 64 characters; shorten what people call the place"),
    });
    let source = source(table);
    let every = table.number_or("every-seconds", 1..=LONGEST_INTERVAL, 300);
    let max_age = table.number_or("max-age-hours", 1..=OLDEST_READING, 24).map(|hours| hours.saturating_mul(3_600));
    let refuses = table.parsed("over", |word| match word {
        "warn" => Ok(false),
        "refuse" => Ok(true),
        _ => Err("is neither warn nor refuse; choose one"),
    });
    let limit_from_source = table.maybe_parsed("limit-from", |word| match word {
        "source" => Ok(true),
        _ => Err("is not source; write \"source\" or leave the key out"),
    });
    let each = |key| table.value(key).map_or(Some(None), |value| allowed(&value).map(Some));
    let (each_person, each_account) = (each("person-gb"), each("account-gb"));
    let people = named(table, "person", person, allowed);
    let accounts = named(table, "account", account, allowed);
    table.finish();
    let place = StoragePlace {
        name: name?,
        source: source?,
        every: Duration::from_secs(every?),
        max_age: max_age?,
        refuses: refuses?,
        limit_from_source: limit_from_source?.unwrap_or_default(),
        each_person: each_person?,
        each_account: each_account?,
        people: people?,
        accounts: accounts?,
    };
    place.check(table).then_some(place)
}

impl StoragePlace {
    /// Whether somebody can be over, for as long as a reading counts.
    fn check(&self, table: &Table<'_>) -> bool {
        let limits = self.limit_from_source
            || self.each_person.is_some()
            || self.each_account.is_some()
            || !self.people.is_empty()
            || !self.accounts.is_empty();
        if !limits {
            table.bad("limits nobody; add person-gb, account-gb, a [storage.person] or limit-from = \"source\"");
        }
        let lasts = self.max_age > self.every.as_secs();
        if !lasts {
            table.bad("lets a reading count no longer than until the next; raise max-age-hours or read more often");
        }
        limits && lasts
    }
}

fn source(table: &Table<'_>) -> Option<StorageSource> {
    let from = table.parsed("from", |word| match word {
        "quota" => Ok(true),
        "command" => Ok(false),
        _ => Err("is neither quota nor command; choose one"),
    });
    match from? {
        true => {
            let path = table.parsed("path", absolute);
            let gids = named(table, "gid", account, |value| {
                let gid = value.number(1..=TOP_GID)?;
                u32::try_from(gid).ok()
            });
            Some(StorageSource::Quota { path: path?, gids: gids? })
        }
        false => {
            let argv = argv(table);
            let timeout = table.number_or("timeout-seconds", 1..=LONGEST_COMMAND, 60);
            Some(StorageSource::Command { argv: argv?, timeout: Duration::from_secs(timeout?) })
        }
    }
}

fn argv(table: &Table<'_>) -> Option<Vec<String>> {
    let written = table.required("command")?;
    let list = table.list("command");
    let Some(program) = list.first() else {
        written.bad("names no program; write a list, as [\"/usr/local/sbin/lustre-usage\", \"scratch\"]");
        return None;
    };
    let program = program.parsed(absolute);
    let words: Vec<String> = list.iter().filter_map(|value| value.text()).map(str::to_owned).collect();
    program.filter(|_| words.len() == list.len()).map(|_| words)
}

fn person(name: &str) -> Result<UserName, String> {
    UserName::new(name).map_err(|why| format!("the user name {why}; use the POSIX name"))
}

fn account(name: &str) -> Result<AccountName, String> {
    account_name(name).map_err(|why| format!("the account name {why}"))
}

/// A table of values by names that follow a rule; nothing if anything was wrong.
fn named<N: Ord, T>(
    table: &Table<'_>,
    key: &'static str,
    rule: impl Fn(&str) -> Result<N, String>,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> Option<BTreeMap<N, T>> {
    let mut map = BTreeMap::new();
    let Some(value) = table.value(key) else { return Some(map) };
    let mut sound = true;
    for (name, value) in value.table()?.named_values() {
        let amount = read(&value);
        match (rule(name), amount) {
            (Ok(name), Some(amount)) => {
                map.insert(name, amount);
            }
            (Err(why), _) => {
                value.bad(why);
                sound = false;
            }
            (Ok(_), None) => sound = false,
        }
    }
    sound.then_some(map)
}

/// GB as bytes, or `"unlimited"`.
fn allowed(value: &Value<'_>) -> Option<Amount> {
    if value.peek() == Some("unlimited") {
        return Some(Amount::Unlimited);
    }
    let thousandths = value.decimal(THOUSANDTHS, MOST_GB)?;
    // A thousandth of a GB is no whole number of bytes; the part of a byte is nobody's.
    let bytes = u128::from(thousandths) * u128::from(GB) / u128::from(THOUSANDTHS);
    Some(Amount::AtMost(u64::try_from(bytes).unwrap_or(u64::MAX)))
}
