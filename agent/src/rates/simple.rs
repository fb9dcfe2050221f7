//! The simple `[prices]` of `policy.toml` as a rate card of one version that has always been in force.

use std::collections::BTreeMap;

use bursar_policy::Timestamp;

use super::card::{Card, Rate, Rule, Settings, Suspended, Unit, Version};
use super::exact::{Exact, Rounding};
use super::money::{Currency, UnitRate};
use super::names;
use crate::config::{PriceList, Rates};

/// Billionths in a millionth.
const PER_MILLIONTH: u64 = 1_000;

impl Card {
    /// The card that charges what the price list does.
    ///
    /// A list without a currency has no price; its card charges nothing.
    pub fn of_prices(list: &PriceList) -> Self {
        let rule = |(name, rates): (&String, &Rates)| Rule {
            partitions: vec![name.clone()],
            settings: settings(rates),
            ..Rule::default()
        };
        let version = Version {
            name: "prices".to_owned(),
            from: Timestamp(i64::MIN),
            windows: Vec::new(),
            base: settings(&list.everywhere),
            rules: list.partitions.iter().map(rule).collect(),
            allowances: Vec::new(),
            reserved: Vec::new(),
        };
        Self {
            currencies: vec![Currency { code: list.currency.clone(), decimals: names::decimals(&list.currency) }],
            rounding: Rounding::HalfEven,
            suspended: Suspended::NonCpu,
            versions: vec![version],
        }
    }

    /// The same card with a factor for each of these QOS in every version, in millionths, as queues have them.
    pub fn with_qos_factors<'a>(mut self, factors: impl IntoIterator<Item = (&'a str, u64)> + Clone) -> Self {
        for version in &mut self.versions {
            let rule = |(qos, millionths): (&str, u64)| Rule {
                qos: vec![qos.to_owned()],
                settings: Settings { factor: Exact::new(i128::from(millionths), 1_000_000), ..Settings::default() },
                ..Rule::default()
            };
            version.rules.extend(factors.clone().into_iter().map(rule));
        }
        self
    }
}

fn settings(rates: &Rates) -> Settings {
    let rate = |(tres, millionths): (String, u64)| {
        let unit = match tres.as_str() {
            "mem" => Unit { size: Exact::whole(1_024), whole: false },
            _ => Unit::ONE,
        };
        let price = UnitRate(i64::try_from(millionths.saturating_mul(PER_MILLIONTH)).unwrap_or(i64::MAX));
        (tres, Rate { currency: 0, price, unit, included: BTreeMap::new(), sizes: None, volume: None })
    };
    Settings { rates: rates.by_tres().into_iter().map(rate).collect(), ..Settings::default() }
}
