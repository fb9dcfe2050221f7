//! Reads a rate card from TOML, reporting every problem with its line and key.
//!
//! ```toml
//! time-zone = "Europe/Berlin"      # of `from` and windows; the site's when left out
//! rounding = "half-even"           # or half-up, up, down; of each line, once
//! suspended = "non-cpu"            # suspended seconds: all is charged, none is, or all but CPUs
//!
//! [[currency]]                     # at least one; money or units of the site's own
//! code = "EUR"
//! decimals = 2                     # 0 to 6; those of ISO 4217 when left out, otherwise 2
//!
//! [[version]]                      # holds from `from` until the next one's
//! name = "2026"                    # `from` when left out
//! from = 2026-01-01                # a day, a local time, or an instant with an offset
//! currency = "EUR"                 # of what names none; needed when there are several
//! # then the settings of everything, as in [[version.rule]] below
//!
//! [version.rates]                  # decimals in quotes, to 9 places
//! cpu-hour = "0.01"
//! memory-gb-hour = "0.001"         # a GB is 1,024 MiB
//! gpu-hour = "0.5"                 # GPUs whose type has no rate
//! a100-gpu-hour = "2"
//! license.matlab-hour = "1"
//! storage.work-tb-hour = "0.02"    # gb, tb of 1,000s and gib, tib of 1,024s
//! "gres/shard-hour" = "0.1"        # any TRES by Slurm's name
//!
//! [[version.window]]               # name, open, holidays, special-days, time-zone as those of policy.toml
//! name = "night"
//! open = "daily 22:00-06:00"
//!
//! [[version.rule]]                 # what holds otherwise; see `super::card` for which rule wins
//! partition = ["gpu", "gpu-long"]  # also during, account, cost-center, feature, qos, cluster; one name or several
//! factor = "1.5"                   # factors of all rules that match multiply
//! discount = "10"                  # percent, likewise
//! combine = "max"                  # or sum, or the TRES among which only the dearest counts: ["cpu", "memory"]
//! whole-nodes = "several"          # runs on several nodes pay for whole ones; or always, never
//! node = { cpu = 48, memory = "192GB" }
//! by-size = [{ up-to = 8, factor = "1" }, { factor = "1.5" }]    # of size-of (cpu) for each size-per
//! minimum = "0.05"                 # a run costs at least that
//! minimum-seconds = 60             # a run is charged for at least that
//! granularity-seconds = 60         # and for started minutes
//! refund = { NODE_FAIL = "100" }   # percent of what a run in that state cost, in lines of their own
//! [version.rule.rates]             # a rate may be a table
//! cpu-hour = { rate = "1", currency = "SU", slice = 16, by-volume = [{ after = "1000", rate = "0.8" }] }
//! memory-gb-hour = { rate = "1", per = "382GB/48", included = { cpu = "2GB" } }
//! #   slice: one unit is so many, a started one counts whole;  per: the same without rounding
//! #   included: so many come free with each of another TRES
//! #   by-size, size-of, size-per: as above, of what is charged itself when size-of is left out
//! #   by-volume: the rate after so many unit-hours in a period; volume-of: account, cost-center, user, everyone
//!
//! [[version.allowance]]            # free in each period; account or cost-center, every account when left out
//! account = "physics"
//! tres = "cpu"
//! hours = "1000"
//!
//! [[version.reserved]]             # paid in each period, its use is free
//! name = "physics-nodes"
//! account = "physics"
//! cost-center = "CC-1"             # may be left out
//! tres = "cpu"
//! units = 128                      # at every instant; or hours = "10000" in a period
//! price = "500"
//! ```

use std::path::Path;

use bursar_policy::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

use super::card::{Allowance, Capacity, Card, Owner, Reserved, Suspended, TimeOfUse, Version};
use super::exact::Rounding;
use super::money::{Currency, UnitRate};
use super::names;
use super::read_settings::{Around, list_of, rule, settings, unit_rate};
use crate::config::Problem;
use crate::config::read::{Table, Value, read_text};
use crate::config::window::schedule;

impl Card {
    /// Reads the text of a card; `path` is only named in problems. `site` is the zone of a card that names none.
    pub fn parse(path: &Path, text: &str, site: &TimeZone) -> Result<Self, Vec<Problem>> {
        read_text(path, text, |root| card(root, site))
    }
}

/// Reads a card from the keys of `root`; nothing if anything was wrong.
pub(crate) fn card(root: &Table<'_>, site: &TimeZone) -> Option<Card> {
    let zone = root.maybe_parsed("time-zone", |name| {
        TimeZone::get(name).map_err(|_| "is no zone of this system; use a name such as Europe/Berlin")
    });
    let rounding = root.maybe_parsed("rounding", |word| {
        Rounding::parse(word).ok_or("is no rounding; choose from half-even, half-up, up and down")
    });
    let suspended = root.maybe_parsed("suspended", |word| match word {
        "none" => Ok(Suspended::None),
        "all" => Ok(Suspended::All),
        "non-cpu" => Ok(Suspended::NonCpu),
        _ => Err("is not what suspended runs pay for; choose from none, all and non-cpu"),
    });
    let currencies = currencies(root);
    // A zone that is wrong is told already; instants in another one are as good for finding what else is.
    let known_zone = zone.clone().flatten().unwrap_or_else(|| site.clone());
    root.value("version");
    // Without its currencies a version would only be full of problems that are none.
    let versions = currencies.as_ref().and_then(|currencies| versions(root, currencies, &known_zone));
    zone?;
    Some(Card {
        currencies: currencies?,
        rounding: rounding?.unwrap_or_default(),
        suspended: suspended?.unwrap_or_default(),
        versions: versions?,
    })
}

fn currencies(root: &Table<'_>) -> Option<Vec<Currency>> {
    let tables = root.tables("currency");
    let mut currencies: Vec<Currency> = Vec::new();
    for table in &tables {
        let code = table.parsed("code", |text| match text.len() <= 16 && !text.contains(char::is_whitespace) {
            true => Ok(text.to_owned()),
            false => Err("is no currency; write at most 16 letters without blanks, as EUR"),
        });
        let usual = u64::from(code.as_deref().map_or(2, names::decimals));
        let decimals = table.number_or("decimals", 0..=u64::from(Currency::MOST_DECIMALS), usual);
        table.finish();
        let (Some(code), Some(decimals)) = (code, decimals.and_then(|number| u8::try_from(number).ok())) else {
            continue;
        };
        if currencies.iter().any(|known| known.code == code) {
            table.bad("has the code of another currency; keep one of them");
        } else {
            currencies.push(Currency { code, decimals });
        }
    }
    if tables.is_empty() {
        root.bad("has no currency; add [[currency]] with a code");
    }
    (!currencies.is_empty() && currencies.len() == tables.len()).then_some(currencies)
}

fn versions(root: &Table<'_>, currencies: &[Currency], zone: &TimeZone) -> Option<Vec<Version>> {
    let tables = root.tables("version");
    let mut versions: Vec<Version> = Vec::new();
    for table in &tables {
        let Some(version) = version(table, currencies, zone) else { continue };
        if versions.iter().any(|known| known.from == version.from) {
            table.bad("begins when another version does; give each its own from");
        } else if versions.iter().any(|known| known.name == version.name) {
            table.bad("has the name of another version; give each its own");
        } else {
            versions.push(version);
        }
    }
    if tables.is_empty() {
        root.bad("has no version; add [[version]] with from and rates");
    }
    versions.sort_by_key(|version| version.from);
    (!versions.is_empty() && versions.len() == tables.len()).then_some(versions)
}

fn version(table: &Table<'_>, currencies: &[Currency], zone: &TimeZone) -> Option<Version> {
    let start = table.required("from").and_then(|value| from(&value, zone));
    let name = table.maybe_parsed("name", |text| Ok::<_, &str>(text.to_owned()));
    let currency = currency(table, currencies);
    let windows = windows(table, zone);
    let around = Around { currencies, currency, windows: windows.as_deref().unwrap_or(&[]) };
    let base = settings(table, &around);
    let tables = table.tables("rule");
    let mut rules = Vec::new();
    for one in &tables {
        let Some(rule) = rule(one, &around) else { continue };
        if rules.iter().any(|known| rule.has_conditions_of(known)) {
            one.bad("has the same conditions as another rule; make one of them");
            continue;
        }
        rules.push(rule);
    }
    let rules = (rules.len() == tables.len()).then_some(rules);
    let priced = |tres: &str| {
        let rated = |settings: &super::card::Settings| settings.rates.contains_key(tres);
        base.as_ref().is_none_or(rated) || rules.as_ref().is_none_or(|list| list.iter().any(|r| rated(&r.settings)))
    };
    let allowances = allowances(table, priced);
    let reserved = reserved(table, &around, priced);
    table.finish();
    let (from, said) = start?;
    Some(Version {
        name: name?.unwrap_or(said),
        from,
        windows: windows?,
        base: base?,
        rules: rules?,
        allowances: allowances?,
        reserved: reserved?,
    })
}

/// The instant from which a version holds, with its text.
fn from(value: &Value<'_>, zone: &TimeZone) -> Option<(Timestamp, String)> {
    let datetime = value.datetime()?;
    let at = (|| {
        let date: civil::Date = datetime.date?.to_string().parse().ok()?;
        let zoned = match (datetime.time, datetime.offset) {
            // Where midnight does not exist the day begins at its first instant.
            (None, _) => date.to_zoned(zone.clone()).ok()?.start_of_day().ok()?,
            (Some(_), Some(_)) => datetime.to_string().parse::<jiff::Timestamp>().ok()?.to_zoned(zone.clone()),
            (Some(time), None) => date.to_datetime(time.to_string().parse().ok()?).to_zoned(zone.clone()).ok()?,
        };
        Some(Timestamp(zoned.timestamp().as_second()))
    })();
    if at.is_none() {
        value.bad("is no date or instant; write 2026-12-31, 2026-12-31T18:00:00 or 2026-12-31T18:00:00+01:00");
    }
    Some((at?, datetime.to_string()))
}

/// The currency of a version; nothing if it names none and there are several.
fn currency(table: &Table<'_>, currencies: &[Currency]) -> Option<usize> {
    match table.value("currency") {
        Some(value) => super::read_settings::currency(&value, currencies),
        None => (currencies.len() == 1).then_some(0),
    }
}

fn windows(table: &Table<'_>, zone: &TimeZone) -> Option<Vec<TimeOfUse>> {
    let tables = table.tables("window");
    let mut windows: Vec<TimeOfUse> = Vec::new();
    for one in &tables {
        let name = one.text("name");
        let schedule = schedule(one, zone);
        one.finish();
        let (Some(name), Some(schedule)) = (name, schedule) else { continue };
        if windows.iter().any(|known| known.name == name) {
            one.bad("has the name of another window; give each its own");
        } else if windows.len() == Version::MOST_WINDOWS {
            one.bad(format!("is one window too many; join some, there may be {}", Version::MOST_WINDOWS));
        } else {
            windows.push(TimeOfUse { name: name.to_owned(), schedule });
        }
    }
    (windows.len() == tables.len()).then_some(windows)
}

/// A TRES that some rate of the version is for.
fn tres(table: &Table<'_>, priced: impl Fn(&str) -> bool) -> Option<String> {
    table.parsed("tres", |text| {
        let name = names::tres(text).ok_or("is no TRES; write cpu, memory, gpu, a100-gpu, node or Slurm's own name")?;
        if priced(&name) { Ok(name) } else { Err("has no rate in this version; add one or correct the name") }
    })
}

/// Unit-seconds, written as decimal hours.
fn hours(value: &Value<'_>) -> Option<u64> {
    value.decimal(3_600, 1_000_000_000_000)
}

fn allowances(table: &Table<'_>, priced: impl Fn(&str) -> bool) -> Option<Vec<Allowance>> {
    let tables = table.tables("allowance");
    let mut allowances = Vec::new();
    for one in &tables {
        let accounts = list_of(one, "account");
        let cost_centers = list_of(one, "cost-center");
        let tres = tres(one, &priced);
        let seconds = one.required("hours").and_then(|value| hours(&value));
        one.finish();
        let (Some(accounts), Some(cost_centers), Some(tres), Some(seconds)) = (accounts, cost_centers, tres, seconds)
        else {
            continue;
        };
        if !accounts.is_empty() && !cost_centers.is_empty() {
            one.bad("has both account and cost-center; write one of them");
            continue;
        }
        let of = if cost_centers.is_empty() { Owner::Accounts(accounts) } else { Owner::CostCenters(cost_centers) };
        allowances.push(Allowance { of, tres, seconds });
    }
    (allowances.len() == tables.len()).then_some(allowances)
}

fn reserved(table: &Table<'_>, around: &Around<'_>, priced: impl Fn(&str) -> bool) -> Option<Vec<Reserved>> {
    let tables = table.tables("reserved");
    let mut all: Vec<Reserved> = Vec::new();
    for one in &tables {
        let name = one.text("name").map(str::to_owned);
        let account = one.text("account").map(str::to_owned);
        let cost_center = one.maybe_parsed("cost-center", |text| Ok::<_, &str>(text.to_owned()));
        let tres = tres(one, &priced);
        let capacity = match (one.value("units"), one.value("hours")) {
            (Some(units), None) => units.number(1..=1_000_000_000_000).map(Capacity::Units),
            (None, Some(value)) => hours(&value).map(Capacity::Seconds),
            _ => {
                one.bad("has to say how much; write exactly one of units and hours");
                None
            }
        };
        let price = one.required("price").and_then(|value| unit_rate(&value));
        let currency = around.currency_of(one);
        one.finish();
        let reserved = (|| {
            let (name, account, cost_center) = (name?, account?, cost_center?.unwrap_or_default());
            let (tres, capacity, price): (_, _, UnitRate) = (tres?, capacity?, price?);
            Some(Reserved { name, account, cost_center, tres, capacity, currency: currency?, price })
        })();
        let Some(reserved) = reserved else { continue };
        if all.iter().any(|known| (&known.account, &known.name) == (&reserved.account, &reserved.name)) {
            one.bad("has account and name of another; give each its own name");
        } else {
            all.push(reserved);
        }
    }
    (all.len() == tables.len()).then_some(all)
}
