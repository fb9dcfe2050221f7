//! What a run holds and costs, from Slurm's own words for it.
//!
//! Prices are those of the policy in force. A partition without prices of its own has the cluster's.

use std::collections::HashMap;

use bursar_policy::job::{charged, with_untold_types};
use bursar_policy::{Gpus, Prices, Resource, Tres};

/// A queue charges its jobs once, unless it says otherwise: millionths.
pub const ONCE: u64 = 1_000_000;

/// What a partition's jobs may hold and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    prices: Prices,
    gpus: Gpus,
}

/// Turns allocations into amounts with their price.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pricing {
    gpu_types: Vec<String>,
    /// For partitions that are no longer there.
    prices: Prices,
    partitions: HashMap<String, Place>,
    /// Charge factors of queues in millionths, by QOS.
    factors: HashMap<String, u64>,
}

impl Pricing {
    /// Pricing by the cluster's types and partitions, the prices of a partition that is not there, and queues' factors.
    pub fn new(
        gpu_types: &[String],
        partitions: &[bursar_policy::snapshot::Partition],
        prices: Prices,
        factors: HashMap<String, u64>,
    ) -> Self {
        let place = |one: &bursar_policy::snapshot::Partition| {
            (one.name.clone(), Place { prices: one.prices, gpus: one.gpus_per_node })
        };
        Self { gpu_types: gpu_types.to_vec(), prices, partitions: partitions.iter().map(place).collect(), factors }
    }

    /// What an allocation holds at one instant: CPUs, GPUs, MiB, nodes, and the price of an hour.
    ///
    /// `amounts` are Slurm's TRES by name, memory in MiB. GPUs whose type slurmdbd does not tell count under every type
    /// that the partition has.
    pub fn held<'a>(&self, amounts: impl Iterator<Item = (&'a str, u64)>, partition: &str, qos: &str) -> Tres {
        let place =
            self.partitions.get(partition).copied().unwrap_or(Place { prices: self.prices, gpus: Gpus::default() });
        let mut held = Tres::ZERO;
        for (name, amount) in amounts {
            if let Some(resource) = self.resource(name) {
                held = held.with(resource, amount);
            }
        }
        let held = with_untold_types(held, &place.gpus);
        let factor = self.factors.get(&qos.to_ascii_lowercase()).copied().unwrap_or(ONCE);
        held.with(Resource::Money, charged(place.prices.of(&held, &place.gpus), factor))
    }

    /// The resource that Slurm calls `name`, if it is counted.
    pub fn resource(&self, name: &str) -> Option<Resource> {
        match name {
            "cpu" => Some(Resource::Cpu),
            "mem" => Some(Resource::Memory),
            "node" => Some(Resource::Node),
            "gres/gpu" => Some(Resource::Gpu),
            _ => {
                let of = name.strip_prefix("gres/gpu:")?;
                let at = self.gpu_types.iter().position(|known| known.eq_ignore_ascii_case(of))?;
                u8::try_from(at).ok().map(Resource::GpuType)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bursar_policy::snapshot::Partition;

    use super::*;

    #[test]
    fn given_an_allocation_then_its_price_is_that_of_its_partition_and_queue() {
        let mut gpu = Partition { name: "gpu".into(), ..Partition::default() };
        gpu.prices = Prices { cpu: 10, gpu: 1_000, ..Prices::default() };
        gpu.gpus_per_node = Gpus { all: 4, typed: [4, 0, 0, 0, 0, 0, 0, 0] };
        let factors = HashMap::from([("high".to_owned(), 2 * ONCE)]);
        let pricing = Pricing::new(&["a100".into(), "h100".into()], &[gpu], Prices::default(), factors);
        let amounts = [("cpu", 4), ("mem", 2_048), ("node", 1), ("billing", 9), ("gres/gpu", 2)];
        let held = pricing.held(amounts.into_iter(), "gpu", "High");
        assert_eq!(held.get(Resource::Money), 2 * (40 + 2_000));
        assert_eq!(held.get(Resource::GpuType(0)), 2, "of a type that is not told");
        assert_eq!(held.get(Resource::GpuType(1)), 0);
        assert_eq!(pricing.held(amounts.into_iter(), "gone", "low").get(Resource::Money), 0);
    }
}
