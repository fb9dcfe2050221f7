//! `[prices]` of `policy.toml`: what an hour of each thing costs, with partitions that cost otherwise.
//!
//! Prices are decimals in quotes, to a millionth of the currency; they never meet a floating-point number.

use std::collections::BTreeMap;

use bursar_policy::Prices;

use super::read::{Table, Value};
use crate::store::GpuType;

/// Millionths of the currency in one of it.
const PARTS: u64 = 1_000_000;
/// The dearest hour.
const MOST: u64 = 1_000_000;

/// What hours cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceList {
    /// The currency, as people write it; empty when nothing has a price.
    pub currency: String,
    /// Where a partition says nothing.
    pub everywhere: Rates,
    /// What partitions charge instead.
    pub partitions: BTreeMap<String, Rates>,
}

/// The prices that one table names, in millionths of the currency an hour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rates {
    cpu: Option<u64>,
    gpu: Option<u64>,
    memory_gib: Option<u64>,
    node: Option<u64>,
    gpu_types: BTreeMap<GpuType, u64>,
}

impl PriceList {
    /// What hours cost in a partition, for a snapshot that tells these GPU types apart.
    pub fn of(&self, partition: &str, gpu_types: &[String]) -> Prices {
        let none = Rates::default();
        let own = self.partitions.get(partition).unwrap_or(&none);
        let all = &self.everywhere;
        let mut prices = Prices {
            cpu: own.cpu.or(all.cpu).unwrap_or(0),
            gpu: own.gpu.or(all.gpu).unwrap_or(0),
            memory_gib: own.memory_gib.or(all.memory_gib).unwrap_or(0),
            node: own.node.or(all.node).unwrap_or(0),
            ..Prices::default()
        };
        for (slot, name) in prices.gpu_types.iter_mut().zip(gpu_types) {
            // A partition that has a price for GPUs as such means all of them, unless it names the type as well.
            let of = |rates: &Rates| GpuType::new(name).and_then(|of| rates.gpu_types.get(&of).copied());
            *slot = of(own).or_else(|| if own.gpu.is_some() { None } else { of(all) });
        }
        prices
    }
}

impl Rates {
    /// The prices by Slurm's name of the TRES, in millionths of the currency an hour; memory by the GiB.
    pub(crate) fn by_tres(&self) -> BTreeMap<String, u64> {
        let plain = [("cpu", self.cpu), ("gres/gpu", self.gpu), ("mem", self.memory_gib), ("node", self.node)];
        let plain = plain.into_iter().filter_map(|(tres, price)| Some((tres.to_owned(), price?)));
        let typed = self.gpu_types.iter().map(|(of, price)| (format!("gres/gpu:{of}"), *price));
        plain.chain(typed).collect()
    }
}

/// Reads `[prices]`; nothing if anything was wrong.
pub(crate) fn prices(root: &Table<'_>) -> Option<PriceList> {
    let Some(table) = root.table("prices") else { return Some(PriceList::default()) };
    let currency = table.parsed("currency", |text| match text.len() <= 16 && !text.contains(char::is_whitespace) {
        true => Ok(text.to_owned()),
        false => Err("is no currency; write at most 16 letters without blanks, as EUR"),
    });
    let mut sound = true;
    let mut list = PriceList::default();
    if let Some(below) = table.table("partition") {
        for (name, one) in below.named_tables() {
            match rates(&one, &[]) {
                Some(rates) => {
                    list.partitions.insert(name.to_owned(), rates);
                }
                None => sound = false,
            }
        }
    }
    match rates(&table, &["currency", "partition"]) {
        Some(rates) => list.everywhere = rates,
        None => sound = false,
    }
    sound.then_some(PriceList { currency: currency?, ..list })
}

/// Reads the prices of a table that may have `other` keys beside them.
fn rates(table: &Table<'_>, other: &[&str]) -> Option<Rates> {
    let mut rates = Rates::default();
    let mut sound = true;
    for (key, value) in table.named_values() {
        if other.contains(&key) {
            continue;
        }
        if rate(&mut rates, key, &value).is_none() {
            sound = false;
        }
    }
    sound.then_some(rates)
}

fn rate(rates: &mut Rates, key: &str, value: &Value<'_>) -> Option<()> {
    let slot = match key {
        "cpu-hour" => &mut rates.cpu,
        "gpu-hour" => &mut rates.gpu,
        "memory-gb-hour" => &mut rates.memory_gib,
        "node-hour" => &mut rates.node,
        _ => {
            let Some(of) = key.strip_suffix("-gpu-hour").and_then(GpuType::new) else {
                value.bad(
                    "is no price; known are cpu-hour, gpu-hour, memory-gb-hour, node-hour, and gpu-hour with a type \
                     before it, as in a100-gpu-hour",
                );
                return None;
            };
            rates.gpu_types.insert(of, value.decimal(PARTS, MOST)?);
            return Some(());
        }
    };
    *slot = Some(value.decimal(PARTS, MOST)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::read::read_text;

    fn read(text: &str) -> Result<PriceList, Vec<String>> {
        read_text(Path::new("policy.toml"), text, prices)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn given_a_price_of_a_partition_then_it_stands_before_the_clusters() {
        let list = read(
            "[prices]\ncurrency = \"EUR\"\ncpu-hour = \"0.01\"\ngpu-hour = \"0.5\"\na100-gpu-hour = 2\n\
             [prices.partition.cheap]\ncpu-hour = \"0.000001\"\ngpu-hour = \"0.1\"\n",
        )
        .unwrap();
        let types = ["a100".to_owned(), "h100".to_owned()];
        let main = list.of("main", &types);
        assert_eq!(
            (main.cpu, main.gpu, main.gpu_types[0], main.gpu_types[1]),
            (10_000, 500_000, Some(2_000_000), None)
        );
        let cheap = list.of("cheap", &types);
        assert_eq!((cheap.cpu, cheap.gpu, cheap.gpu_types[0]), (1, 100_000, None));
    }

    #[test]
    fn given_prices_that_are_none_then_each_is_told() {
        let problems =
            read("[prices]\ncurrency = \"my money\"\ncpu-hour = 0.01\ngpu-hour = \"0.0000001\"\ndisk-hour = 1\n")
                .unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:?}");
    }
}
