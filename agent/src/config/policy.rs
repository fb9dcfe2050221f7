//! `policy.toml`: accounts, limits, queues, storage, cost centres, which group has which role, the calendar and the contact.

use std::collections::BTreeMap;
use std::path::Path;

use bursar_policy::{AccountName, Timestamp, UserName};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::cost_center::{self, CostCentres, wckey};
use super::limits::{self, Amounts};
use super::mapping;
use super::prices::{self, PriceList};
use super::problem::Problem;
use super::queue::{self, Queue};
use super::read::{Table, Value, read_file};
use super::storage::{self, StoragePlace};
use super::window::{self, Window};
use crate::store::{Role, Scope};

/// What `policy.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The site's time zone; calendar periods are cut in it.
    pub time_zone: TimeZone,
    /// The zone's name, as in `Europe/Berlin`.
    pub time_zone_name: String,
    /// The first day of a week.
    pub week_start: Weekday,
    /// The first month of the fiscal year, 1 to 12; quarters are counted from it.
    pub fiscal_year_start: i8,
    /// Whether somebody whose job enters is told what it may cost.
    pub tells_cost: bool,
    /// What hours cost.
    pub prices: PriceList,
    /// Whom people may ask; stands at the end of a refusal.
    pub contact: String,
    /// What becomes of a job that is submitted while its owner's running-job limit is reached.
    pub at_running_limit: AtRunningLimit,
    /// Seconds that a job may run on beyond its time limit, which is counted of every job.
    pub overrun_seconds: u64,
    /// Hours that an emergency grant lasts at most.
    pub emergency_hours: u64,
    /// The accounts, parents before children.
    pub accounts: Vec<PolicyAccount>,
    /// Which group has which role where.
    pub mappings: Vec<Mapping>,
    /// The default limits and those of single people.
    pub limits: PolicyLimits,
    /// The queues, in the order of the file.
    pub queues: Vec<Queue>,
    /// The cost centres beside those of the accounts.
    pub cost_centres: CostCentres,
    /// When work may begin.
    pub windows: Vec<Window>,
    /// The places whose usage is held against allocations, in the order of the file.
    pub storage: Vec<StoragePlace>,
}

/// What becomes of a job that is submitted while its owner's running-job limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AtRunningLimit {
    /// It waits; Slurm starts it when another has ended.
    #[default]
    Wait,
    /// It is refused.
    Refuse,
}

/// One `[[account]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyAccount {
    /// The name.
    pub name: AccountName,
    /// The account above; nothing means Slurm's `root`.
    pub parent: Option<AccountName>,
    /// What it is for.
    pub description: String,
    /// The cost centre (wckey); may be empty.
    pub cost_center: String,
    /// The zone that its periods and those of its people in it are counted in; empty is the site's.
    pub time_zone: String,
    /// The limits of everybody on it together.
    pub limits: Amounts,
    /// The limits of each person on it.
    pub limits_each: Amounts,
    /// The limits of single persons on it.
    pub people: BTreeMap<UserName, Amounts>,
}

/// One `[[mapping]]`: everybody in the group has the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The source of the group; nothing means the only source there is.
    pub source: Option<String>,
    /// The immutable id of the group.
    pub group: String,
    /// The role.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// The first instant at which it no longer counts.
    pub until: Option<Timestamp>,
}

/// The tables below `[limits]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyLimits {
    /// `[limits.default]`: each person.
    pub default: Amounts,
    /// `[limits.guest]`: each guest.
    pub guest: Amounts,
    /// `[limits.ROLE]`: each person with the role.
    pub roles: BTreeMap<Role, Amounts>,
    /// `[limits.person.NAME]`: one person.
    pub people: BTreeMap<UserName, Amounts>,
}

/// Longer than a week is no emergency.
const MOST_EMERGENCY_HOURS: u64 = 168;

/// Reads `policy.toml` and finds every problem in it that can be seen without `bursar.toml`.
pub fn read(path: &Path) -> Result<Policy, Vec<Problem>> {
    read_file(path, |root| policy(root, None))
}

/// Walks the file; with the names of the sources, mappings are checked against them.
pub(super) fn policy(root: &Table<'_>, sources: Option<&[String]>) -> Option<Policy> {
    let zone = root.parsed("time-zone", time_zone);
    let week_start = root.parsed("week-start", weekday);
    let fiscal_year_start = root.maybe_parsed("fiscal-year-start", month);
    let tells_cost = root.boolean_or("tell-cost", false);
    let prices = prices::prices(root);
    let contact = root.text("contact").map(str::to_owned);
    let at_running_limit = root.maybe_parsed("at-running-limit", |word| match word {
        "wait" => Ok(AtRunningLimit::Wait),
        "refuse" => Ok(AtRunningLimit::Refuse),
        _ => Err("is neither wait nor refuse; choose one"),
    });
    let overrun_seconds = root.number_or("overrun-seconds", 0..=3_600, 0);
    let emergency_hours = root.number_or("emergency-hours", 1..=MOST_EMERGENCY_HOURS, 24);
    let accounts = accounts(root);
    let calendar = zone.as_ref().map_or(TimeZone::UTC, |(zone, _)| zone.clone());
    let mappings = mapping::mappings(root, &accounts.names, &calendar, sources);
    let limits = limits::policy_limits(root);
    let queues = queue::queues(root, &accounts.names);
    let cost_centres = cost_center::cost_centres(root);
    let windows = window::windows(root, &accounts.names, queues.as_deref(), &calendar);
    let storage = storage::storage(root);
    let (time_zone, time_zone_name) = zone?;
    Some(Policy {
        time_zone,
        time_zone_name,
        week_start: week_start?,
        fiscal_year_start: fiscal_year_start?.unwrap_or(1),
        tells_cost: tells_cost?,
        prices: prices?,
        contact: contact?,
        at_running_limit: at_running_limit?.unwrap_or_default(),
        overrun_seconds: overrun_seconds?,
        emergency_hours: emergency_hours?,
        accounts: accounts.list?,
        mappings: mappings?,
        limits: limits?,
        queues: queues?,
        cost_centres: cost_centres?,
        windows: windows?,
        storage: storage?,
    })
}

/// A zone of the system's, with its name.
pub(super) fn time_zone(name: &str) -> Result<(TimeZone, String), &'static str> {
    let zone = TimeZone::get(name).map_err(|_| "is no zone of this system; use a name such as Europe/Berlin")?;
    Ok((zone, name.to_owned()))
}

fn weekday(word: &str) -> Result<Weekday, &'static str> {
    match word {
        "monday" => Ok(Weekday::Monday),
        "tuesday" => Ok(Weekday::Tuesday),
        "wednesday" => Ok(Weekday::Wednesday),
        "thursday" => Ok(Weekday::Thursday),
        "friday" => Ok(Weekday::Friday),
        "saturday" => Ok(Weekday::Saturday),
        "sunday" => Ok(Weekday::Sunday),
        _ => Err("is no day of the week; write monday or another English name in small letters"),
    }
}

fn month(word: &str) -> Result<i8, &'static str> {
    let names = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let found = (1..).zip(names).find(|(_, name)| *name == word);
    found.map(|(number, _)| number).ok_or("is no month; write january or another English name in small letters")
}

/// What was read of the accounts: all names that were legible, and the whole list if nothing was wrong.
struct Accounts {
    names: Vec<AccountName>,
    list: Option<Vec<PolicyAccount>>,
}

fn accounts(root: &Table<'_>) -> Accounts {
    let tables = root.tables("account");
    let mut names: Vec<AccountName> = Vec::new();
    let mut parents: Vec<(AccountName, AccountName, Value<'_>)> = Vec::new();
    let mut list = Vec::new();
    for table in &tables {
        let name_value = table.required("name");
        let name = name_value.as_ref().and_then(|value| value.parsed(account_name));
        let parent_value = table.value("parent");
        let parent = parent_value.as_ref().map(|value| value.parsed(account_name));
        let description = table.text("description");
        let cost_center = match table.value("cost-center") {
            None => Some(String::new()),
            Some(value) => value.parsed(wckey),
        };
        let time_zone = table.maybe_parsed("time-zone", |name| match TimeZone::get(name) {
            Ok(_) => Ok(name.to_owned()),
            Err(_) => Err("is no zone of this system; use a name such as Europe/Berlin"),
        });
        let below = |key| match table.table(key) {
            None => Some(Amounts::default()),
            Some(table) => limits::amounts(&table),
        };
        let (amounts, each) = (below("limits"), below("limits-each"));
        let people = match table.table("person") {
            None => Some(BTreeMap::new()),
            Some(table) => limits::people(&table),
        };
        table.finish();
        let Some(name) = name else { continue };
        let twice = names.contains(&name);
        if twice {
            if let Some(value) = &name_value {
                value.bad(format!("{:?} is the name of two accounts; keep one", name.as_str()));
            }
        } else {
            names.push(name.clone());
            if let (Some(value), Some(Some(parent))) = (parent_value, &parent) {
                parents.push((name.clone(), parent.clone(), value));
            }
        }
        let (Some(description), Some(cost_center), Some(limits)) = (description, cost_center, amounts) else {
            continue;
        };
        let (Some(time_zone), Some(limits_each), Some(people)) = (time_zone, each, people) else { continue };
        let time_zone = time_zone.unwrap_or_default();
        let parent = match parent {
            None => None,
            Some(Some(parent)) => Some(parent),
            Some(None) => continue,
        };
        if !twice {
            let description = description.to_owned();
            list.push(PolicyAccount { name, parent, description, cost_center, time_zone, limits, limits_each, people });
        }
    }
    let sound =
        parents.iter().filter(|(name, parent, value)| !is_sound(name, parent, value, &names, &parents)).count() == 0;
    let list = (sound && list.len() == tables.len()).then(|| top_down(list));
    Accounts { names, list }
}

/// Whether the parent is there and the way up from it does not lead back.
fn is_sound(
    name: &AccountName,
    parent: &AccountName,
    value: &Value<'_>,
    names: &[AccountName],
    parents: &[(AccountName, AccountName, Value<'_>)],
) -> bool {
    if !names.contains(parent) {
        value.bad(format!("names account {parent}, which no [[account]] has; add it or leave parent out"));
        return false;
    }
    let mut current = parent;
    for _ in 0..=parents.len() {
        if current == name {
            value.bad(format!("puts account {name} below itself; leave parent out at one of them"));
            return false;
        }
        match parents.iter().find(|(child, _, _)| child == current) {
            Some((_, above, _)) => current = above,
            None => return true,
        }
    }
    // The way up runs into a circle that this account only hangs on; those in it are reported.
    true
}

/// Parents before children, otherwise the order of the file.
fn top_down(mut rest: Vec<PolicyAccount>) -> Vec<PolicyAccount> {
    let mut done: Vec<PolicyAccount> = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let placed = done.len();
        let (ready, waiting): (Vec<_>, Vec<_>) = rest.into_iter().partition(|account| {
            account.parent.as_ref().is_none_or(|parent| done.iter().any(|above| above.name == *parent))
        });
        done.extend(ready);
        if done.len() == placed {
            done.extend(waiting);
            break;
        }
        rest = waiting;
    }
    done
}

/// A name of an account, with what to do when it is none.
pub(super) fn account_name(text: &str) -> Result<AccountName, String> {
    AccountName::new(text).map_err(|why| format!("{why}; use small letters, digits, _, . and -, at most 64"))
}
