//! Which settings hold for a run: the most specific ones, with the factors and discounts of all rules that match.

use std::collections::BTreeMap;

use super::card::{Combine, Minimum, Rate, Rule, Settings, Sizes, Version, WholeNodes};
use super::consumption::{Consumption, GPU, is_gpu_type};
use super::exact::Exact;

/// What holds for one run while nothing changes.
#[derive(Debug, Clone)]
pub(super) struct Terms<'c> {
    pub(super) rates: BTreeMap<&'c str, &'c Rate>,
    pub(super) combine: &'c Combine,
    pub(super) whole_nodes: WholeNodes,
    pub(super) node: BTreeMap<&'c str, u64>,
    pub(super) sizes: Option<&'c Sizes>,
    /// The factors of all rules that match.
    pub(super) factor: Exact,
    /// The share of the price that discounts leave.
    pub(super) kept: Exact,
    pub(super) minimum: Option<Minimum>,
    minimum_s: u64,
    granularity_s: u64,
    /// The share that the run gets back.
    pub(super) refund: Exact,
}

impl Version {
    /// What holds for `run` while exactly the windows in `open` are open; nothing if its factors do not fit.
    pub(super) fn terms(&self, run: &Consumption, open: u64) -> Option<Terms<'_>> {
        let mut rules: Vec<&Rule> = self.rules.iter().filter(|rule| rule.matches(run, open)).collect();
        // Stable, so that of rules with the same conditions the later one comes last and wins.
        rules.sort_by_key(|rule| rule.specificity());
        let mut terms = Terms {
            rates: BTreeMap::new(),
            combine: &Combine::Sum,
            whole_nodes: WholeNodes::Never,
            node: BTreeMap::new(),
            sizes: None,
            factor: Exact::ONE,
            kept: Exact::ONE,
            minimum: None,
            minimum_s: 0,
            granularity_s: 1,
            refund: Exact::ZERO,
        };
        for settings in std::iter::once(&self.base).chain(rules.into_iter().map(|rule| &rule.settings)) {
            terms.overlay(settings, &run.state)?;
        }
        Some(terms)
    }
}

impl Rule {
    fn matches(&self, run: &Consumption, open: u64) -> bool {
        let one_of = |names: &[String], name: &str| names.is_empty() || names.iter().any(|known| known == name);
        // slurmdbd folds the names of QOS to small letters.
        let qos = self.qos.is_empty() || self.qos.iter().any(|known| known.eq_ignore_ascii_case(&run.qos));
        let features = self.features.is_empty() || self.features.iter().any(|known| run.features.contains(known));
        let during = self.during.is_empty() || self.during.iter().any(|window| open & window_bit(*window) != 0);
        qos && features
            && during
            && one_of(&self.accounts, &run.account)
            && one_of(&self.cost_centers, &run.cost_center)
            && one_of(&self.partitions, &run.partition)
            && one_of(&self.clusters, &run.key.cluster)
    }

    /// Which conditions it has, the one that decides first in front.
    pub(super) fn specificity(&self) -> [bool; 7] {
        let names = [&self.accounts, &self.cost_centers, &self.features, &self.qos, &self.partitions, &self.clusters];
        let [account, cost_center, feature, qos, partition, cluster] = names.map(|list| !list.is_empty());
        [!self.during.is_empty(), account, cost_center, feature, qos, partition, cluster]
    }
}

/// The place of a window among those that are open.
pub(super) fn window_bit(window: usize) -> u64 {
    u32::try_from(window).ok().and_then(|shift| 1_u64.checked_shl(shift)).unwrap_or(0)
}

impl<'c> Terms<'c> {
    fn overlay(&mut self, settings: &'c Settings, state: &str) -> Option<()> {
        if settings.rates.contains_key(GPU) {
            self.rates.retain(|tres, _| !is_gpu_type(tres));
        }
        self.rates.extend(settings.rates.iter().map(|(tres, rate)| (tres.as_str(), rate)));
        self.node.extend(settings.node.iter().map(|(tres, count)| (tres.as_str(), *count)));
        if let Some(combine) = &settings.combine {
            self.combine = combine;
        }
        self.whole_nodes = settings.whole_nodes.unwrap_or(self.whole_nodes);
        self.sizes = settings.sizes.as_ref().or(self.sizes);
        self.minimum = settings.minimum.or(self.minimum);
        self.minimum_s = settings.minimum_s.unwrap_or(self.minimum_s);
        self.granularity_s = settings.granularity_s.unwrap_or(self.granularity_s).max(1);
        self.refund = settings.refunds.get(state).copied().unwrap_or(self.refund);
        self.factor = self.factor.times(settings.factor.unwrap_or(Exact::ONE))?;
        self.kept = self.kept.times(Exact::ONE.minus(settings.discount.unwrap_or(Exact::ZERO))?)?;
        Some(())
    }

    /// How many seconds a run of this length is charged for beyond its end.
    pub(super) fn extra_s(&self, length_s: u64) -> u64 {
        let least = length_s.max(self.minimum_s);
        let steps = least.div_ceil(self.granularity_s);
        steps.saturating_mul(self.granularity_s).saturating_sub(length_s)
    }
}
