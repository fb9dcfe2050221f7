//! A QOS as bursar keeps it: its name, the values that are bursar's, and the mark that says how far it is bursar's.
//!
//! Bursar keeps the values of [`QosSettings`] and no other; whatever else a QOS may hold stays as it was set by hand.
//! The mark is the end of the QOS's description, so that it is seen by everybody who looks and is not lost with
//! bursar's own store.
//!
//! Findings on 22.05.8: names and descriptions are folded to small letters. `maxsubmitpu` is a column of `show` and no
//! word of `set`, where it is `maxsubmitjobsperuser`. `preempt=` replaces the list, empty clears it; `flags=-1`,
//! `usagefactor=-1`, `priority=-1` and `preemptmode=cluster` bring the defaults back. Memory is shown as `8G`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thiserror::Error;

use super::fields::{TimeLimit, duration, tres};
use super::found::limit;
use super::native::Resource;

/// Why a text cannot name a QOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is no name of a QOS; use at most 32 small letters, digits, _, - and .")]
pub struct QosNameError;

/// The name of a QOS: `[a-z0-9_][a-z0-9_.-]{0,31}`; sacctmgr folds capitals, and a list of QOS is parted by commas.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QosName(String);

impl QosName {
    /// Accepts `text` as it stands.
    pub fn new(text: &str) -> Result<Self, QosNameError> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let fits = (1..=32).contains(&text.len())
            && text.starts_with(inner)
            && text.chars().all(|c| inner(c) || matches!(c, '-' | '.'));
        if fits { Ok(Self(text.to_owned())) } else { Err(QosNameError) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for QosName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QosName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What becomes of a preempted job of the QOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PreemptMode {
    /// What slurm.conf says.
    #[default]
    Cluster,
    /// It waits again.
    Requeue,
    /// It ends.
    Cancel,
    /// A mode that bursar does not set: suspend, gang, within.
    Other,
}

impl PreemptMode {
    const WORDS: [(Self, &str); 3] = [(Self::Cluster, "cluster"), (Self::Requeue, "requeue"), (Self::Cancel, "cancel")];

    fn parse(text: &str) -> Self {
        let known = Self::WORDS.iter().find(|(_, word)| word.eq_ignore_ascii_case(text));
        known.map_or(Self::Other, |(mode, _)| *mode)
    }

    /// The word `sacctmgr` takes.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(mode, _)| *mode == self).map_or("cluster", |(_, word)| word)
    }
}

/// The values of a QOS that bursar keeps; the default is what a fresh QOS has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QosSettings {
    /// Priority.
    pub priority: u32,
    /// The QOS whose jobs may be preempted for one of this QOS (Preempt).
    pub preempts: BTreeSet<String>,
    /// What becomes of its own jobs then (PreemptMode).
    pub preempt_mode: PreemptMode,
    /// How long they go on before (GraceTime).
    pub grace_seconds: u32,
    /// What a second counts in Slurm's usage, in thousandths (UsageFactor).
    pub usage_per_mille: u32,
    /// Jobs of each person running at once (MaxJobsPerUser).
    pub max_jobs: Option<u32>,
    /// Jobs of each person running and waiting at once (MaxSubmitJobsPerUser).
    pub max_submit: Option<u32>,
    /// Resources of each person at once (MaxTRESPerUser); memory in MB.
    pub per_person: BTreeMap<Resource, u64>,
    /// The longest time limit of a job, in minutes (MaxWall).
    pub max_minutes: Option<u64>,
}

impl Default for QosSettings {
    fn default() -> Self {
        Self {
            priority: 0,
            preempts: BTreeSet::new(),
            preempt_mode: PreemptMode::Cluster,
            grace_seconds: 0,
            usage_per_mille: 1_000,
            max_jobs: None,
            max_submit: None,
            per_person: BTreeMap::new(),
            max_minutes: None,
        }
    }
}

impl QosSettings {
    /// The words of `sacctmgr modify qos ... set` that lead from `found` to this; none when both are the same.
    pub fn changes_from(&self, found: &Self) -> Vec<String> {
        let number = |value: Option<u64>| value.map_or_else(|| "-1".to_owned(), |value| value.to_string());
        let mut words = Vec::new();
        let mut set = |differs: bool, key: &str, value: String| {
            if differs {
                words.push(format!("{key}={value}"));
            }
        };
        set(self.priority != found.priority, "priority", self.priority.to_string());
        let preempts: Vec<&str> = self.preempts.iter().map(String::as_str).collect();
        set(self.preempts != found.preempts, "preempt", preempts.join(","));
        set(self.preempt_mode != found.preempt_mode, "preemptmode", self.preempt_mode.word().to_owned());
        set(self.grace_seconds != found.grace_seconds, "gracetime", self.grace_seconds.to_string());
        let factor = format!("{}.{:03}", self.usage_per_mille / 1_000, self.usage_per_mille % 1_000);
        set(self.usage_per_mille != found.usage_per_mille, "usagefactor", factor);
        set(self.max_jobs != found.max_jobs, "maxjobsperuser", number(self.max_jobs.map(u64::from)));
        set(self.max_submit != found.max_submit, "maxsubmitjobsperuser", number(self.max_submit.map(u64::from)));
        let all: BTreeSet<&Resource> = self.per_person.keys().chain(found.per_person.keys()).collect();
        let differing = all.into_iter().filter(|at| self.per_person.get(at) != found.per_person.get(at));
        let tres: Vec<String> =
            differing.map(|at| format!("{at}={}", number(self.per_person.get(at).copied()))).collect();
        set(!tres.is_empty(), "maxtresperuser", tres.join(","));
        set(self.max_minutes != found.max_minutes, "maxwall", number(self.max_minutes));
        words
    }
}

/// How far a QOS is bursar's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QosOwner {
    /// Not at all.
    Foreign,
    /// It was there before policy named it; its values are bursar's, the object is not.
    Adopted {
        /// Its description before.
        before: String,
    },
    /// Bursar made it.
    Made,
}

const MADE: &str = ", made by bursar";
const ADOPTED: &str = ", kept by bursar";

/// The description of a QOS that bursar makes.
pub(super) fn made_description(name: &QosName) -> String {
    format!("queue {name}{MADE}")
}

/// A QOS as slurmdbd has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundQos {
    /// Slurm's Description, in the case slurmdbd keeps.
    pub description: String,
    /// The values that may be bursar's.
    pub settings: QosSettings,
}

impl FoundQos {
    /// The columns that [`Self::parse`] reads; the free text stands last.
    pub(super) const FORMAT: &'static str = "format=name,priority,preempt,preemptmode,gracetime,usagefactor,maxjobspu,\
                                             maxsubmitpu,maxtrespu,maxwall,description";

    /// Reads one line; nothing when it has another form.
    pub(super) fn parse(line: &str) -> Option<(String, Self)> {
        let fields: Vec<&str> = line.splitn(11, '|').collect();
        let [name, priority, preempt, mode, grace, factor, jobs, submit, per_person, wall, description] =
            fields.as_slice()
        else {
            return None;
        };
        let max_minutes = match TimeLimit::parse(wall)? {
            TimeLimit::Seconds(seconds) => Some(seconds / 60),
            TimeLimit::Unset | TimeLimit::Unlimited => None,
        };
        let per_person = tres(per_person)?;
        let settings = QosSettings {
            priority: if priority.is_empty() { 0 } else { priority.parse().ok()? },
            preempts: preempt.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            preempt_mode: PreemptMode::parse(mode),
            grace_seconds: u32::try_from(duration(grace)?).ok()?,
            usage_per_mille: thousandths(factor)?,
            max_jobs: limit(jobs)?,
            max_submit: limit(submit)?,
            per_person: per_person.iter().filter_map(|(name, value)| Some((Resource::parse(name)?, *value))).collect(),
            max_minutes,
        };
        Some(((*name).to_owned(), Self { description: (*description).to_owned(), settings }))
    }

    /// How far it is bursar's, by its description.
    pub fn owner(&self) -> QosOwner {
        match self.description.strip_suffix(ADOPTED) {
            Some(before) => QosOwner::Adopted { before: before.to_owned() },
            None if self.description.ends_with(MADE) => QosOwner::Made,
            None => QosOwner::Foreign,
        }
    }

    /// Its description with the mark of one that was there before.
    pub(super) fn adopted_description(&self) -> String {
        format!("{}{ADOPTED}", self.description)
    }
}

/// Thousandths of `1.500000`; finer ones are dropped.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    whole.parse::<u32>().ok()?.checked_mul(1_000)?.checked_add(fraction.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_text_that_sacctmgr_would_fold_or_split_then_it_names_no_qos() {
        for text in ["", "High", "a,b", "+high", "-high", ".high", "a b", "a=b", "ä", &"x".repeat(33)] {
            assert_eq!(QosName::new(text), Err(QosNameError), "{text:?}");
        }
        assert_eq!(QosName::new("high-2.gpu_x").unwrap().to_string(), "high-2.gpu_x");
    }

    #[test]
    fn given_lines_as_sacctmgr_prints_them_then_the_values_and_the_owner_are_read() {
        let line = "high|1000|low,mid|requeue|00:00:30|1.500000|3|9|cpu=4,gres/gpu=2,mem=8G,node=2|2-12:00:00|\
                    a|b, kept by bursar";
        let (name, found) = FoundQos::parse(line).unwrap();
        assert_eq!(name, "high");
        assert_eq!(found.owner(), QosOwner::Adopted { before: "a|b".to_owned() });
        assert_eq!(found.settings.per_person[&Resource::Memory], 8_192);
        assert_eq!((found.settings.max_minutes, found.settings.usage_per_mille), (Some(3_600), 1_500));
        assert_eq!((found.settings.max_jobs, found.settings.max_submit), (Some(3), Some(9)));
        let (_, fresh) = FoundQos::parse("normal|0||cluster|00:00:00|1.000000|||||Normal QOS default").unwrap();
        assert_eq!((fresh.owner(), fresh.settings), (QosOwner::Foreign, QosSettings::default()));
        assert!(FoundQos::parse("normal|0|").is_none());
    }

    #[test]
    fn given_two_states_of_a_qos_then_only_what_differs_is_set_and_caps_that_went_are_cleared() {
        let mut found = QosSettings { max_jobs: Some(3), max_minutes: Some(60), ..QosSettings::default() };
        found.per_person.extend([(Resource::Cpu, 4), (Resource::Gpu, 1), (Resource::Node, 2)]);
        let mut wanted = QosSettings { usage_per_mille: 125, max_jobs: Some(3), ..QosSettings::default() };
        wanted.preempts.extend(["low".to_owned(), "mid".to_owned()]);
        wanted.per_person.extend([(Resource::Cpu, 8), (Resource::Node, 2)]);
        assert_eq!(
            wanted.changes_from(&found),
            ["preempt=low,mid", "usagefactor=0.125", "maxtresperuser=cpu=8,gres/gpu=-1", "maxwall=-1"]
        );
        assert_eq!(wanted.changes_from(&wanted), Vec::<String>::new());
    }
}
