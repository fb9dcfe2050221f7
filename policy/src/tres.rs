//! Amounts of what a job can be given: CPUs, GPUs and their types, memory, nodes, and the money they cost.
//!
//! The same shape holds an amount at one instant (CPUs, GPUs, MiB, nodes, millionths of the currency an hour) and an
//! amount over time, which is that times seconds.

/// How many types of GPU a snapshot tells apart.
pub const GPU_TYPES: usize = 8;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// CPUs, as slurmctld counts them: hardware threads.
    Cpu,
    /// GPUs of any type.
    Gpu,
    /// Memory, in MiB.
    Memory,
    /// Nodes that the job has a part of.
    Node,
    /// Money: at one instant the price of an hour, in millionths of the currency.
    Money,
    /// GPUs of one type, by its position in the snapshot's list.
    GpuType(u8),
}

impl Resource {
    /// How many there are.
    pub const COUNT: usize = 5 + GPU_TYPES;

    /// The position in a [`Tres`].
    pub const fn index(self) -> usize {
        match self {
            Self::Cpu => 0,
            Self::Gpu => 1,
            Self::Memory => 2,
            Self::Node => 3,
            Self::Money => 4,
            Self::GpuType(which) => 5 + which as usize,
        }
    }

    /// The reverse of [`Self::index`].
    pub const fn at(index: usize) -> Option<Self> {
        match index {
            0 => Some(Self::Cpu),
            1 => Some(Self::Gpu),
            2 => Some(Self::Memory),
            3 => Some(Self::Node),
            4 => Some(Self::Money),
            5..Self::COUNT => Some(Self::GpuType((index - 5) as u8)),
            _ => None,
        }
    }

    /// Every resource, in the order of [`Self::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).filter_map(Self::at)
    }
}

/// One amount of each [`Resource`]; sums and products stay at the largest number rather than wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tres([u64; Resource::COUNT]);

impl Tres {
    /// Nothing of anything.
    pub const ZERO: Self = Self([0; Resource::COUNT]);

    /// So many CPUs, and nothing else.
    pub fn of_cpus(cpus: u64) -> Self {
        Self::ZERO.with(Resource::Cpu, cpus)
    }

    /// The same with another amount of `resource`.
    #[must_use]
    pub fn with(mut self, resource: Resource, amount: u64) -> Self {
        if let Some(slot) = self.0.get_mut(resource.index()) {
            *slot = amount;
        }
        self
    }

    /// The amount of `resource`.
    pub fn get(&self, resource: Resource) -> u64 {
        self.0.get(resource.index()).copied().unwrap_or_default()
    }

    /// What there is any of, with its amount.
    pub fn present(&self) -> impl Iterator<Item = (Resource, u64)> + '_ {
        Resource::all().zip(&self.0).filter(|(_, amount)| **amount > 0).map(|(resource, amount)| (resource, *amount))
    }

    /// CPUs, or CPU-seconds.
    pub fn cpus(&self) -> u64 {
        self.get(Resource::Cpu)
    }

    /// Whether there is nothing of anything.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// `factor` times as much.
    #[must_use]
    pub fn times(&self, factor: u64) -> Self {
        Self(self.0.map(|amount| amount.saturating_mul(factor)))
    }

    /// The larger amount of each.
    #[must_use]
    pub fn larger(&self, other: &Self) -> Self {
        self.each(other, u64::max)
    }

    /// The smaller amount of each.
    #[must_use]
    pub fn smaller(&self, other: &Self) -> Self {
        self.each(other, u64::min)
    }

    /// What is left of each without `other`, at least nothing.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.each(other, u64::saturating_sub)
    }

    /// Whether some amount is larger than in `other`.
    pub fn exceeds(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(mine, theirs)| mine > theirs)
    }

    fn each(&self, other: &Self, choose: fn(u64, u64) -> u64) -> Self {
        let mut all = *self;
        for (mine, theirs) in all.0.iter_mut().zip(&other.0) {
            *mine = choose(*mine, *theirs);
        }
        all
    }
}

/// GPUs that are asked for or that a node has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Gpus {
    /// Of any type, those below included.
    pub all: u32,
    /// By type, in the order of the snapshot's list; asked for without a type, each may be of any.
    pub typed: [u32; GPU_TYPES],
}

/// What an hour of each resource costs, in millionths of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prices {
    /// A CPU.
    pub cpu: u64,
    /// A GPU whose type has no price of its own.
    pub gpu: u64,
    /// A GiB of memory.
    pub memory_gib: u64,
    /// A node.
    pub node: u64,
    /// A GPU of the type, by the snapshot's list.
    pub gpu_types: [Option<u64>; GPU_TYPES],
}

impl Prices {
    /// The price of an hour of `held`, rounded up to a millionth.
    ///
    /// GPUs of which the type is not told cost as much as the dearest type that `possible` has any of.
    pub fn of(&self, held: &Tres, possible: &Gpus) -> u64 {
        let mib = u128::from(held.get(Resource::Memory)) * u128::from(self.memory_gib);
        let memory = u64::try_from(mib.div_ceil(1_024)).unwrap_or(u64::MAX);
        let mut sum = held
            .cpus()
            .saturating_mul(self.cpu)
            .saturating_add(held.get(Resource::Node).saturating_mul(self.node))
            .saturating_add(memory);
        let mut dearest = if possible.typed.iter().all(|&count| count == 0) { self.gpu } else { 0 };
        let mut told: u64 = 0;
        let mut typed: u64 = 0;
        for ((which, own), &there) in (0_u8..).zip(&self.gpu_types).zip(&possible.typed) {
            let price = own.unwrap_or(self.gpu);
            let count = held.get(Resource::GpuType(which));
            told = told.saturating_add(count);
            typed = typed.saturating_add(count.saturating_mul(price));
            if there > 0 {
                dearest = dearest.max(price);
            }
        }
        let all = held.get(Resource::Gpu);
        // A bound may count one GPU under several types; then the dearest of them is the most it can cost.
        let gpus = if told > all {
            all.saturating_mul(dearest.max(self.gpu))
        } else {
            typed.saturating_add((all - told).saturating_mul(dearest.max(self.gpu)))
        };
        sum = sum.saturating_add(gpus);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_every_resource_then_its_place_leads_back_to_it() {
        assert_eq!(Resource::all().count(), Resource::COUNT);
        assert!((0..).zip(Resource::all()).all(|(at, resource)| resource.index() == at));
        assert_eq!(Resource::at(Resource::COUNT), None);
    }

    #[test]
    fn given_prices_then_an_hour_costs_their_sum_rounded_up() {
        let prices = Prices { cpu: 10_000, gpu: 500_000, memory_gib: 3, node: 7, gpu_types: [None; GPU_TYPES] };
        let held = Tres::of_cpus(4).with(Resource::Memory, 1_025).with(Resource::Node, 2).with(Resource::Gpu, 1);
        assert_eq!(prices.of(&held, &Gpus::default()), 40_000 + 4 + 14 + 500_000);
    }

    #[test]
    fn given_gpus_of_unknown_type_then_they_cost_as_the_dearest_that_there_is() {
        let mut prices = Prices { gpu: 1, ..Prices::default() };
        prices.gpu_types[0] = Some(5);
        prices.gpu_types[1] = Some(9);
        let there = Gpus { all: 4, typed: [4, 0, 0, 0, 0, 0, 0, 0] };
        let untyped = Tres::ZERO.with(Resource::Gpu, 2);
        assert_eq!(prices.of(&untyped, &there), 10);
        assert_eq!(prices.of(&untyped.with(Resource::GpuType(0), 2), &there), 10);
        assert_eq!(prices.of(&untyped.with(Resource::GpuType(1), 1), &Gpus::default()), 9 + 1);
    }
}
