//! The rate card: dated versions of what things cost, with rules for what costs otherwise.
//!
//! A version is a rule without conditions and any number of rules with some. Of the rules that match a run, each setting
//! is taken from the most specific rule that has it, and factors and discounts of all of them multiply. Which rule is
//! the more specific one is decided by the first of these conditions that only one of the two has: `during`, `account`,
//! `cost-center`, `feature`, `qos`, `partition`, `cluster`; if they have the same ones, it is the later in the file.

use std::collections::BTreeMap;

use bursar_policy::Timestamp;

use super::exact::{Exact, Rounding};
use super::money::{Currency, UnitRate};
use crate::window::Schedule;

/// What things cost, from the first version on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The currencies that rates are in.
    pub currencies: Vec<Currency>,
    /// How the amount of a line becomes a whole number of minor units.
    pub rounding: Rounding,
    /// What suspended seconds cost.
    pub suspended: Suspended,
    /// By the instant from which they are in force, each until the next; no two with the same.
    pub versions: Vec<Version>,
}

/// What the seconds cost in which a run was suspended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Suspended {
    /// They are free.
    None,
    /// They cost as any others.
    All,
    /// CPUs are free, as in slurmdbd's own sums; what stays allocated is charged.
    #[default]
    NonCpu,
}

/// What things cost from one instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// What people call it; no two have the same name.
    pub name: String,
    /// The first instant at which it is in force.
    pub from: Timestamp,
    /// Stretches of the week that rules may be for, at most [`Version::MOST_WINDOWS`].
    pub windows: Vec<TimeOfUse>,
    /// What holds unless a rule says otherwise.
    pub base: Settings,
    /// What else holds where, in the order of the file.
    pub rules: Vec<Rule>,
    /// What accounts may use for nothing in each period.
    pub allowances: Vec<Allowance>,
    /// Capacity that accounts pay for whether they use it or not.
    pub reserved: Vec<Reserved>,
}

impl Version {
    /// The most windows.
    pub const MOST_WINDOWS: usize = 64;
}

/// A named stretch of every week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeOfUse {
    /// The name that rules use in `during`.
    pub name: String,
    /// Its hours, holidays and zone. A repeated hour is inside with both its passes.
    pub schedule: Schedule,
}

/// Settings for what meets every condition; an empty condition is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Inside one of these windows, by position.
    pub during: Vec<usize>,
    /// On one of these accounts.
    pub accounts: Vec<String>,
    /// On one of these cost centres.
    pub cost_centers: Vec<String>,
    /// On nodes with one of these features.
    pub features: Vec<String>,
    /// With one of these QOS.
    pub qos: Vec<String>,
    /// In one of these partitions.
    pub partitions: Vec<String>,
    /// On one of these clusters.
    pub clusters: Vec<String>,
    /// What holds then.
    pub settings: Settings,
}

/// What a rule says; whatever it leaves out is said by a less specific one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// What an hour costs, by TRES. A rate of `gres/gpu` takes away those of GPU types that a less specific rule has.
    pub rates: BTreeMap<String, Rate>,
    /// How the prices of several TRES become one.
    pub combine: Option<Combine>,
    /// Which runs are charged for whole nodes.
    pub whole_nodes: Option<WholeNodes>,
    /// What one whole node has, by TRES.
    pub node: BTreeMap<String, u64>,
    /// A factor by the size of the job.
    pub sizes: Option<Sizes>,
    /// A factor on everything.
    pub factor: Option<Exact>,
    /// The share of the price that is taken off, 0 to 1.
    pub discount: Option<Exact>,
    /// What a run costs at least.
    pub minimum: Option<Minimum>,
    /// For how many seconds a run is charged at least.
    pub minimum_s: Option<u64>,
    /// To a multiple of how many seconds the length of a run is raised, at least 1.
    pub granularity_s: Option<u64>,
    /// The share of its price that a run in this state gets back, 0 to 1, by Slurm's word.
    pub refunds: BTreeMap<String, Exact>,
}

/// What an hour of one unit of a TRES costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The currency, by position in the card.
    pub currency: usize,
    /// The price of the first unit-hours of a period, and of all without `volume`.
    pub price: UnitRate,
    /// What one unit is.
    pub unit: Unit,
    /// What comes free with each of another TRES: so many for each.
    pub included: BTreeMap<String, u64>,
    /// A factor by the size of the job.
    pub sizes: Option<Sizes>,
    /// Prices after so many unit-hours in a period.
    pub volume: Option<Volume>,
}

/// What one unit is of which a rate is the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    /// How many of the TRES are one unit: 1,024 for a GB of memory, that is counted in MiB.
    pub size: Exact,
    /// Whether a started unit counts whole.
    pub whole: bool,
}

impl Unit {
    /// One of the TRES.
    pub const ONE: Self = Self { size: Exact::ONE, whole: false };
}

/// How the prices of several TRES of a run become one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Combine {
    /// They are added.
    #[default]
    Sum,
    /// Only the dearest counts, as with Slurm's `MAX_TRES`; licences are added.
    Max,
    /// Only the dearest of these counts; everything else is added.
    MaxOf(Vec<String>),
}

/// Which runs are charged for whole nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WholeNodes {
    /// None.
    #[default]
    Never,
    /// Those on more than one node.
    Several,
    /// All.
    Always,
}

/// Factors by the size of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// The TRES whose count is the size; nothing means what is charged itself, without what is included.
    pub of: Option<String>,
    /// The TRES for each of which the size is meant.
    pub per: Option<String>,
    /// Ascending by the largest size for which they hold; the last may hold for all that is larger. What is larger than
    /// the last one is charged by it.
    pub steps: Vec<SizeStep>,
}

/// One step of a factor by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeStep {
    /// The largest size that it is for; nothing for any.
    pub up_to: Option<u64>,
    /// The factor.
    pub factor: Exact,
}

/// Prices that change with what was used in the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Whose use is counted together.
    pub by: VolumeOf,
    /// Ascending by the unit-hours after which they hold.
    pub steps: Vec<VolumeStep>,
}

/// Whose use is counted together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum VolumeOf {
    /// Each account's.
    #[default]
    Account,
    /// Each cost centre's.
    CostCenter,
    /// Each user's on each account.
    User,
    /// Everybody's.
    Everyone,
}

/// A price that holds after so much use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeStep {
    /// The unit-seconds after which it holds.
    pub after_s: u64,
    /// The price.
    pub price: UnitRate,
}

/// What a run costs at least, whole, by list prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minimum {
    /// The currency, by position in the card.
    pub currency: usize,
    /// The amount, in billionths of the currency.
    pub amount: UnitRate,
}

/// What may be used for nothing in each period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Who has it; each has one of their own.
    pub of: Owner,
    /// What may be used.
    pub tres: String,
    /// How many unit-seconds.
    pub seconds: u64,
}

/// Whose an allowance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// These accounts; all if there is none.
    Accounts(Vec<String>),
    /// These cost centres.
    CostCenters(Vec<String>),
}

/// Capacity for which an account pays a fixed amount in each period and nothing for its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// What people call it.
    pub name: String,
    /// The account.
    pub account: String,
    /// The cost centre that pays.
    pub cost_center: String,
    /// What is reserved.
    pub tres: String,
    /// How much.
    pub capacity: Capacity,
    /// The currency, by position in the card.
    pub currency: usize,
    /// What it costs for a whole period, in billionths of the currency.
    pub price: UnitRate,
}

/// How much is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// So many units at every instant.
    Units(u64),
    /// So many unit-seconds in a period.
    Seconds(u64),
}
