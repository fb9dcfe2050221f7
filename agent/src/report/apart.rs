//! Tells runs apart by what `by=` names, the quarter of priorities that a run lies in among it.

use std::collections::{BTreeMap, HashMap};

use super::spread::rank;

/// What runs are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Apart {
    /// The report's stretches of time.
    Stretch,
    /// The cluster.
    Cluster,
    /// The account.
    Account,
    /// The person.
    User,
    /// The partition.
    Partition,
    /// The QOS.
    Qos,
    /// The quarter of priorities, see [`Bands`].
    Priority,
}

/// A run by what it can be told apart by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traits<'a> {
    /// The stretch of time that counts it.
    pub stretch: usize,
    /// The cluster.
    pub cluster: &'a str,
    /// The account.
    pub account: &'a str,
    /// The person.
    pub user: &'a str,
    /// The partition.
    pub partition: &'a str,
    /// The QOS.
    pub qos: &'a str,
    /// Slurm's priority at its start; `None` where nobody told.
    pub priority: Option<u64>,
}

impl Traits<'_> {
    /// The same in this stretch of time.
    pub const fn in_stretch(mut self, stretch: usize) -> Self {
        self.stretch = stretch;
        self
    }
}

/// What all runs of a group have in common, in the order of `by=`, which is the order of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<(Apart, Mark)>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Mark {
    Name(String),
    Number(usize),
}

impl Key {
    /// That of a run; of its priority nothing yet, because the bands are known when all runs are.
    pub fn of(by: &[Apart], traits: &Traits<'_>) -> Self {
        let mark = |one: &Apart| {
            let name = |text: &str| Mark::Name(text.to_owned());
            let mark = match one {
                Apart::Stretch => Mark::Number(traits.stretch),
                Apart::Cluster => name(traits.cluster),
                Apart::Account => name(traits.account),
                Apart::User => name(traits.user),
                Apart::Partition => name(traits.partition),
                Apart::Qos => name(traits.qos),
                Apart::Priority => Mark::Number(0),
            };
            (*one, mark)
        };
        Self(by.iter().map(mark).collect())
    }

    /// The name that the group has in common; `None` where it was not asked for.
    pub fn name(&self, of: Apart) -> Option<&str> {
        self.0.iter().find_map(|(apart, mark)| match mark {
            Mark::Name(name) if *apart == of => Some(name.as_str()),
            Mark::Name(_) | Mark::Number(_) => None,
        })
    }

    /// The number of the stretch or band that the group has in common.
    pub fn number(&self, of: Apart) -> Option<usize> {
        self.0.iter().find_map(|(apart, mark)| match mark {
            Mark::Number(number) if *apart == of => Some(*number),
            Mark::Name(_) | Mark::Number(_) => None,
        })
    }

    fn in_band(mut self, band: usize) -> Self {
        for (apart, mark) in &mut self.0 {
            if *apart == Apart::Priority {
                *mark = Mark::Number(band);
            }
        }
        self
    }
}

/// Four bands of priorities, each with about a quarter of the report's runs.
///
/// Slurm's priorities have no unit and no common scale, so bands of fixed numbers would hold all runs of one site and
/// none of another. The edges are the 25th, 50th and 75th percentile, by nearest rank, of the priorities that the
/// counted runs had; a priority that equals an edge lies below it. What nobody told the priority of is in none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bands(Vec<u64>);

impl Bands {
    /// The bands of these priorities.
    pub fn of(mut priorities: Vec<u64>) -> Self {
        priorities.sort_unstable();
        let edge = |percent| priorities.get(rank(priorities.len(), percent)?).copied();
        Self([25, 50, 75].into_iter().filter_map(edge).collect())
    }

    /// The band of a priority, 1 to 4; 0 for none.
    pub fn band(&self, priority: Option<u64>) -> usize {
        priority.map_or(0, |priority| 1 + self.0.partition_point(|edge| *edge < priority))
    }

    /// How a band is called.
    pub fn name(&self, band: usize) -> String {
        let edge = |number: usize| number.checked_sub(1).and_then(|at| self.0.get(at));
        match (edge(band), edge(band.saturating_sub(1))) {
            _ if band == 0 => "(not told)".to_owned(),
            (Some(most), _) => format!("Q{band}: up to {most}"),
            (None, Some(least)) => format!("Q{band}: above {least}"),
            (None, None) => format!("Q{band}"),
        }
    }
}

/// What is known of the runs of each group.
#[derive(Debug)]
pub struct Groups<T> {
    by: Vec<Apart>,
    found: HashMap<Key, Vec<(Option<u64>, T)>>,
}

impl<T> Groups<T> {
    /// No runs yet, to be told apart by these.
    pub fn new(by: &[Apart]) -> Self {
        Self { by: by.to_vec(), found: HashMap::new() }
    }

    /// Takes in what is known of one run.
    pub fn add(&mut self, traits: &Traits<'_>, known: T) {
        self.found.entry(Key::of(&self.by, traits)).or_default().push((traits.priority, known));
    }

    /// All groups in the order of the report, and the bands of their priorities.
    pub fn finish(self) -> (Bands, BTreeMap<Key, Vec<T>>) {
        if !self.by.contains(&Apart::Priority) {
            let bare = |(key, runs): (Key, Vec<(Option<u64>, T)>)| (key, runs.into_iter().map(|run| run.1).collect());
            return (Bands::default(), self.found.into_iter().map(bare).collect());
        }
        let bands = Bands::of(self.found.values().flatten().filter_map(|(priority, _)| *priority).collect());
        let mut groups: BTreeMap<Key, Vec<T>> = BTreeMap::new();
        for (key, runs) in self.found {
            for (priority, known) in runs {
                groups.entry(key.clone().in_band(bands.band(priority))).or_default().push(known);
            }
        }
        (bands, groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(account: &str, priority: Option<u64>) -> Traits<'_> {
        Traits { account, priority, ..Traits::default() }
    }

    #[test]
    fn given_runs_of_two_accounts_then_each_is_a_group_of_its_own_and_other_traits_do_not_matter() {
        let mut groups = Groups::new(&[Apart::Account]);
        for (account, number) in [("physics", 1), ("chemistry", 2), ("physics", 3)] {
            groups.add(&Traits { user: "ana", stretch: number, ..run(account, None) }, number);
        }
        let (_, groups) = groups.finish();
        let told: Vec<_> = groups.iter().map(|(key, all)| (key.name(Apart::Account), all.as_slice())).collect();
        assert_eq!(told, [(Some("chemistry"), &[2][..]), (Some("physics"), &[1, 3][..])]);
        assert!(groups.keys().all(|key| key.name(Apart::User).is_none() && key.number(Apart::Stretch).is_none()));
    }

    #[test]
    fn given_priorities_of_any_scale_then_each_band_has_a_quarter_of_the_runs() {
        let mut groups = Groups::new(&[Apart::Priority]);
        for priority in 1..=100 {
            groups.add(&run("physics", Some(priority * 1_000)), priority);
        }
        groups.add(&run("physics", None), 0);
        let (bands, groups) = groups.finish();
        let told = groups.iter().map(|(key, all)| (bands.name(key.number(Apart::Priority).unwrap()), all.len()));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                ("(not told)".to_owned(), 1),
                ("Q1: up to 25000".to_owned(), 25),
                ("Q2: up to 50000".to_owned(), 25),
                ("Q3: up to 75000".to_owned(), 25),
                ("Q4: above 75000".to_owned(), 25),
            ]
        );
    }

    #[test]
    fn given_one_priority_for_all_then_all_are_in_the_first_band() {
        let bands = Bands::of(vec![5; 9]);
        assert_eq!([bands.band(Some(5)), bands.band(Some(6)), bands.band(None)], [1, 4, 0]);
    }
}
