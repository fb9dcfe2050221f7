//! Reads what a version or a rule of a rate card says: conditions, rates, and how they are applied.

use std::collections::BTreeMap;

use super::card::{
    Combine, Minimum, Rate, Rule, Settings, SizeStep, Sizes, TimeOfUse, Unit, Volume, VolumeOf, VolumeStep, WholeNodes,
};
use super::exact::Exact;
use super::money::{Currency, UnitRate};
use super::names;
use crate::config::read::{Table, Value};

/// What the keys of a version refer to.
pub(super) struct Around<'a> {
    pub(super) currencies: &'a [Currency],
    /// The currency of what names none, by position.
    pub(super) currency: Option<usize>,
    pub(super) windows: &'a [TimeOfUse],
}

impl Around<'_> {
    /// The currency that a table names, or that of the version.
    pub(super) fn currency_of(&self, table: &Table<'_>) -> Option<usize> {
        match table.value("currency") {
            Some(value) => currency(&value, self.currencies),
            None => {
                if self.currency.is_none() {
                    table.bad("has no currency; write it here or in the version");
                }
                self.currency
            }
        }
    }
}

/// A currency by its code.
pub(super) fn currency(value: &Value<'_>, currencies: &[Currency]) -> Option<usize> {
    value.parsed(|code| {
        let found = currencies.iter().position(|known| known.code == code);
        found.ok_or("is no [[currency]] of this card; add it or correct the code")
    })
}

const NO_TRES: &str = "is no TRES; write cpu, memory, gpu, a100-gpu, node, billing or Slurm's own name";

/// Reads a rule; nothing if anything was wrong.
pub(super) fn rule(table: &Table<'_>, around: &Around<'_>) -> Option<Rule> {
    let during = during(table, around.windows);
    let keys = ["account", "cost-center", "feature", "qos", "partition", "cluster"];
    let conditions = keys.map(|key| list_of(table, key));
    let settings = settings(table, around);
    table.finish();
    let [accounts, cost_centers, features, qos, partitions, clusters] = conditions;
    let rule = Rule {
        during: during?,
        accounts: accounts?,
        cost_centers: cost_centers?,
        features: features?,
        qos: qos?,
        partitions: partitions?,
        clusters: clusters?,
        settings: settings?,
    };
    if rule.specificity().contains(&true) {
        return Some(rule);
    }
    table.bad("has no condition; write what it says into the version itself");
    None
}

impl Rule {
    /// Whether it is for exactly the same.
    pub(super) fn has_conditions_of(&self, other: &Self) -> bool {
        let bare = |rule: &Self| Self { settings: Settings::default(), ..rule.clone() };
        bare(self) == bare(other)
    }
}

fn during(table: &Table<'_>, windows: &[TimeOfUse]) -> Option<Vec<usize>> {
    let position = |text: &str| {
        let found = windows.iter().position(|window| window.name == text);
        found.ok_or_else(|| "is no [[version.window]] of this version; add it or correct the name".to_owned())
    };
    let Some(value) = table.value("during") else { return Some(Vec::new()) };
    crate::config::window::names(table, "during", &value, position)
}

/// A name or several, none when left out.
pub(super) fn list_of(table: &Table<'_>, key: &'static str) -> Option<Vec<String>> {
    let Some(value) = table.value(key) else { return Some(Vec::new()) };
    crate::config::window::names(table, key, &value, |text| Ok(text.to_owned()))
}

/// Reads the settings among the keys of a table that may have others.
pub(super) fn settings(table: &Table<'_>, around: &Around<'_>) -> Option<Settings> {
    let rates = table.table("rates").map_or_else(|| Some(BTreeMap::new()), |below| rates(&below, "", around));
    let combine = optional(table.value("combine"), |value| combine(table, value));
    let whole_nodes = table.maybe_parsed("whole-nodes", |word| match word {
        "never" => Ok(WholeNodes::Never),
        "several" => Ok(WholeNodes::Several),
        "always" => Ok(WholeNodes::Always),
        _ => Err("does not say which runs pay for whole nodes; choose from never, several and always"),
    });
    let node = counts(table, "node");
    let sizes = sizes(table, Some("cpu"));
    let factor = optional(table.value("factor"), factor);
    let discount = optional(table.value("discount"), percent);
    let minimum = optional(table.value("minimum"), |value| {
        let amount = unit_rate(value)?;
        if around.currency.is_none() {
            value.bad("has no currency; write one into the version");
        }
        Some(Minimum { currency: around.currency?, amount })
    });
    let minimum_s = optional(table.value("minimum-seconds"), |value| value.number(0..=86_400));
    let granularity_s = optional(table.value("granularity-seconds"), |value| value.number(1..=86_400));
    let refunds = refunds(table);
    Some(Settings {
        rates: rates?,
        combine: combine?,
        whole_nodes: whole_nodes?,
        node: node?,
        sizes: sizes?,
        factor: factor?,
        discount: discount?,
        minimum: minimum?,
        minimum_s: minimum_s?,
        granularity_s: granularity_s?,
        refunds: refunds?,
    })
}

/// What a value that may be left out says; the outer nothing means it was there and wrong.
fn optional<'d, T>(value: Option<Value<'d>>, read: impl FnOnce(&Value<'d>) -> Option<T>) -> Option<Option<T>> {
    value.map_or(Some(None), |value| read(&value).map(Some))
}

/// The rates of a table; those of `license` and `storage` stand in tables below it.
fn rates(table: &Table<'_>, prefix: &str, around: &Around<'_>) -> Option<BTreeMap<String, Rate>> {
    let mut rates = BTreeMap::new();
    let mut sound = true;
    for (key, value) in table.named_values() {
        if prefix.is_empty() && matches!(key, "license" | "storage") {
            match value.table().and_then(|below| self::rates(&below, &format!("{key}/"), around)) {
                Some(below) => rates.extend(below),
                None => sound = false,
            }
            continue;
        }
        let Some((tres, unit)) = names::priced(&format!("{prefix}{key}")) else {
            value.bad(
                "is no rate; known are cpu-hour, memory-gb-hour, gpu-hour, node-hour, billing-hour, a type before \
                 gpu-hour as in a100-gpu-hour, license.NAME-hour, storage.PLACE-gb-hour (or tb, gib, tib), and \
                 Slurm's name of any other TRES before -hour",
            );
            sound = false;
            continue;
        };
        match rate(&value, unit, tres.starts_with("storage/"), around) {
            Some(rate) if !rates.contains_key(&tres) => drop(rates.insert(tres, rate)),
            Some(_) => {
                value.bad("is the rate of what another key has one for, too; keep one of them");
                sound = false;
            }
            None => sound = false,
        }
    }
    sound.then_some(rates)
}

fn rate(value: &Value<'_>, unit: Unit, stored: bool, around: &Around<'_>) -> Option<Rate> {
    if !value.is_table() {
        let price = unit_rate(value)?;
        if around.currency.is_none() {
            value.bad("has no currency; write one into the version, or a table with rate and currency");
        }
        let currency = around.currency?;
        return Some(Rate { currency, price, unit, included: BTreeMap::new(), sizes: None, volume: None });
    }
    let table = value.table()?;
    let price = table.required("rate").and_then(|value| unit_rate(&value));
    let currency = around.currency_of(&table);
    let volume = volume(&table);
    let (unit, included, sizes) = if stored {
        (Some(unit), Some(BTreeMap::new()), Some(None))
    } else {
        (size_of_unit(&table, unit), counts(&table, "included"), sizes(&table, None))
    };
    table.finish();
    Some(Rate { currency: currency?, price: price?, unit: unit?, included: included?, sizes: sizes?, volume: volume? })
}

fn size_of_unit(table: &Table<'_>, usual: Unit) -> Option<Unit> {
    let read = |value: &Value<'_>| match value.is_text() {
        true => value.parsed(|text| {
            names::unit_size(text).ok_or("is no size; write a number, a size of memory as 4GB, or a share as 382GB/48")
        }),
        false => value.number(1..=1_000_000_000_000).map(Exact::whole),
    };
    match (table.value("slice"), table.value("per")) {
        (None, None) => Some(usual),
        (Some(value), None) => Some(Unit { size: read(&value)?, whole: true }),
        (None, Some(value)) => Some(Unit { size: read(&value)?, whole: false }),
        (Some(_), Some(_)) => {
            table.bad("has both slice and per; write slice if a started unit counts whole, per if not");
            None
        }
    }
}

/// Numbers of TRES by the TRES.
fn counts(table: &Table<'_>, key: &'static str) -> Option<BTreeMap<String, u64>> {
    let Some(value) = table.value(key) else { return Some(BTreeMap::new()) };
    let mut counts = BTreeMap::new();
    let entries = value.table()?.named_values();
    for (name, value) in &entries {
        let tres = names::tres(name);
        if tres.is_none() {
            value.bad(NO_TRES);
        }
        if let (Some(tres), Some(count)) = (tres, count(value)) {
            counts.insert(tres, count);
        }
    }
    (counts.len() == entries.len()).then_some(counts)
}

/// A number of a TRES.
fn count(value: &Value<'_>) -> Option<u64> {
    match value.is_text() {
        true => value.parsed(|text| names::count(text).ok_or("is no amount; write a number or a size as 4GB")),
        false => value.number(0..=1_000_000_000_000),
    }
}

fn sizes(table: &Table<'_>, usual: Option<&str>) -> Option<Option<Sizes>> {
    let tres = |text: &str| names::tres(text).ok_or(NO_TRES);
    let of = table.maybe_parsed("size-of", tres);
    let per = table.maybe_parsed("size-per", tres);
    let Some(value) = table.value("by-size") else { return Some(None) };
    let tables = table.tables("by-size");
    let mut steps: Vec<SizeStep> = Vec::new();
    for one in &tables {
        let up_to = optional(one.value("up-to"), count);
        let factor = one.required("factor").and_then(|value| factor(&value));
        one.finish();
        let (Some(up_to), Some(factor)) = (up_to, factor) else { continue };
        if steps.last().is_some_and(|last| last.up_to.is_none_or(|before| up_to.is_some_and(|now| now <= before))) {
            one.bad("is never reached; write the steps ascending by up-to, one without it last");
            continue;
        }
        steps.push(SizeStep { up_to, factor });
    }
    if tables.is_empty() && value.is_list() {
        value.bad("has no step; write at least one with a factor");
    }
    if steps.is_empty() || steps.len() != tables.len() {
        return None;
    }
    Some(Some(Sizes { of: of?.or_else(|| usual.map(str::to_owned)), per: per?, steps }))
}

fn volume(table: &Table<'_>) -> Option<Option<Volume>> {
    let by = table.maybe_parsed("volume-of", |word| match word {
        "account" => Ok(VolumeOf::Account),
        "cost-center" => Ok(VolumeOf::CostCenter),
        "user" => Ok(VolumeOf::User),
        "everyone" => Ok(VolumeOf::Everyone),
        _ => Err("does not say whose use counts; choose from account, cost-center, user and everyone"),
    });
    if table.value("by-volume").is_none() {
        return by.map(|_| None);
    }
    let tables = table.tables("by-volume");
    let mut steps: Vec<VolumeStep> = Vec::new();
    for one in &tables {
        let after_s = one.required("after").and_then(|value| value.decimal(3_600, 1_000_000_000_000));
        let price = one.required("rate").and_then(|value| unit_rate(&value));
        one.finish();
        let (Some(after_s), Some(price)) = (after_s, price) else { continue };
        if steps.last().is_some_and(|last| after_s <= last.after_s) {
            one.bad("comes after no more than the step before; write them ascending");
            continue;
        }
        steps.push(VolumeStep { after_s, price });
    }
    (!steps.is_empty() && steps.len() == tables.len()).then_some(())?;
    Some(Some(Volume { by: by?.unwrap_or_default(), steps }))
}

fn combine(table: &Table<'_>, value: &Value<'_>) -> Option<Combine> {
    if value.is_text() {
        return value.parsed(|word| match word {
            "sum" => Ok(Combine::Sum),
            "max" => Ok(Combine::Max),
            _ => Err("is neither sum nor max; choose one, or list the TRES of which only the dearest counts"),
        });
    }
    let tres = |text: &str| names::tres(text).ok_or_else(|| NO_TRES.to_owned());
    crate::config::window::names(table, "combine", value, tres).map(Combine::MaxOf)
}

fn refunds(table: &Table<'_>) -> Option<BTreeMap<String, Exact>> {
    let Some(below) = table.table("refund") else { return Some(BTreeMap::new()) };
    let mut refunds = BTreeMap::new();
    let entries = below.named_values();
    for (state, value) in &entries {
        if !state.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            value.bad("is no state; write Slurm's word, as NODE_FAIL");
        } else if let Some(share) = percent(value) {
            refunds.insert((*state).to_owned(), share);
        }
    }
    (refunds.len() == entries.len()).then_some(refunds)
}

/// A rate or an amount to a billionth.
pub(super) fn unit_rate(value: &Value<'_>) -> Option<UnitRate> {
    let parts = value.decimal(UnitRate::PARTS, UnitRate::MOST)?;
    i64::try_from(parts).ok().map(UnitRate)
}

/// A factor to a millionth.
fn factor(value: &Value<'_>) -> Option<Exact> {
    Exact::new(i128::from(value.decimal(1_000_000, 1_000)?), 1_000_000)
}

/// A percentage to a millionth of all, as a share.
fn percent(value: &Value<'_>) -> Option<Exact> {
    Exact::new(i128::from(value.decimal(10_000, 100)?), 1_000_000)
}
