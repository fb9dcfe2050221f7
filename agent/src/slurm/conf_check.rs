//! Says which lines of slurm.conf are missing for what policy asks of Slurm; bursar does not write that file.
//!
//! The same rules judge slurm.conf as text, while slurmctld is down, and `scontrol show config`, while it is up: both
//! have the same keys. Fair-share is left alone: PriorityDecayHalfLife and the other weights are nobody's business here.
//!
//! Findings on 22.05.8: `limits` and `qos` bring `associations` with them, `safe` brings `limits`. QOS priorities count
//! for nothing without PriorityWeightQOS. A QOS with PreemptMode=requeue preempts nothing while the cluster's is OFF, and
//! its jobs are cancelled where JobRequeue is 0. A TRES in a limit has to stand in AccountingStorageTRES.

use std::collections::BTreeSet;
use std::fmt;

use super::command::{CommandError, SlurmCommands, Tool, words};
use super::native::Resource;

/// What policy asks of slurm.conf, beside what bursar always needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfNeeds {
    /// There are queues.
    pub queues: bool,
    /// They differ in priority.
    pub priorities: bool,
    /// One preempts another.
    pub preemption: bool,
    /// A preempted job shall run again.
    pub requeue: bool,
    /// There are cost centres.
    pub cost_centres: bool,
    /// What limits count.
    pub resources: BTreeSet<Resource>,
}

/// A line that slurm.conf should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingLine {
    /// As it should stand there.
    pub line: String,
    /// What does not work without.
    pub why: &'static str,
}

impl fmt::Display for MissingLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "needs {}: {}", self.line, self.why)
    }
}

/// The lines that are missing; `value` gives what stands behind a key now.
pub fn judge(needs: &ConfNeeds, value: impl Fn(&str) -> Option<String>) -> Vec<MissingLine> {
    let mut missing = Vec::new();
    let text = |key: &str| value(key).unwrap_or_default();
    let mut ask = |sound: bool, line: String, why| {
        if !sound {
            missing.push(MissingLine { line, why });
        }
    };
    let mut plugins = list(&text("JobSubmitPlugins"));
    plugins.retain(|name| name.trim_start_matches("job_submit/") != "bursar");
    let is_last = list(&text("JobSubmitPlugins")).last().is_some_and(|name| name.ends_with("bursar"));
    plugins.push("bursar".to_owned());
    ask(is_last, format!("JobSubmitPlugins={}", plugins.join(",")), "jobs are judged by the plugin, as the last one");

    let mut enforced = list(&text("AccountingStorageEnforce").to_ascii_lowercase());
    let brought = |name: &str| match name {
        "associations" => enforced.iter().any(|word| matches!(word.as_str(), "limits" | "qos" | "safe" | "wckeys")),
        "limits" => enforced.iter().any(|word| word == "safe"),
        _ => false,
    };
    let wanted = ["associations", "limits", "safe"].into_iter().chain(needs.queues.then_some("qos"));
    let has = |name: &&str| enforced.iter().any(|word| word == name || word == "all") || brought(name);
    let lacking: Vec<String> = wanted.filter(|name| !has(name)).map(str::to_owned).collect();
    let sound = lacking.is_empty();
    enforced.extend(lacking);
    let line = format!("AccountingStorageEnforce={}", enforced.join(","));
    ask(sound, line, "without it slurmctld does not hold the limits and queues itself");

    if needs.priorities {
        let is = text("PriorityType").eq_ignore_ascii_case("priority/multifactor");
        ask(is, "PriorityType=priority/multifactor".to_owned(), "queues differ in priority");
        let weighs = text("PriorityWeightQOS").parse::<u64>().is_ok_and(|weight| weight > 0);
        ask(weighs, "PriorityWeightQOS=10000".to_owned(), "the priority of queues counts for nothing without a weight");
    }
    if needs.preemption {
        let is = text("PreemptType").eq_ignore_ascii_case("preempt/qos");
        ask(is, "PreemptType=preempt/qos".to_owned(), "queues preempt others");
        let mode = text("PreemptMode").to_ascii_uppercase();
        let works = list(&mode).iter().any(|word| matches!(word.as_str(), "REQUEUE" | "CANCEL"));
        ask(works, "PreemptMode=REQUEUE".to_owned(), "nothing is preempted while the cluster's mode is OFF");
    }
    if needs.requeue {
        ask(
            value("JobRequeue").is_none_or(|value| value != "0"),
            "JobRequeue=1".to_owned(),
            "preempted jobs run again",
        );
    }
    if needs.cost_centres {
        let tracked = matches!(text("TrackWCKey").to_ascii_lowercase().as_str(), "yes" | "true" | "1")
            || enforced.iter().any(|word| word == "wckeys");
        ask(
            tracked,
            "TrackWCKey=yes".to_owned(),
            "cost centres are kept as wckeys (slurmdbd.conf needs the line, too)",
        );
    }
    let counted = list(&text("AccountingStorageTRES"));
    let lacking: Vec<String> = needs
        .resources
        .iter()
        .filter(|resource| !resource.is_basic())
        .map(ToString::to_string)
        .filter(|name| !counted.contains(name))
        .collect();
    let sound = lacking.is_empty();
    // slurmctld adds its own basic ones to the list that it shows.
    let own = ["cpu", "mem", "energy", "node", "billing", "fs/disk", "vmem", "pages"];
    let all: Vec<String> = counted.into_iter().filter(|name| !own.contains(&name.as_str())).chain(lacking).collect();
    ask(sound, format!("AccountingStorageTRES={}", all.join(",")), "limits count what Slurm does not");
    missing
}

fn list(value: &str) -> Vec<String> {
    let none = |word: &&str| !matches!(*word, "" | "(null)" | "none" | "NONE");
    value.split(',').map(str::trim).filter(none).map(str::to_owned).collect()
}

/// What the running slurmctld was told, as `scontrol show config` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveConf(String);

impl LiveConf {
    /// Asks slurmctld.
    pub async fn read(commands: &SlurmCommands) -> Result<Self, CommandError> {
        commands.read(Tool::Scontrol, &words(&["show", "config"])).await.map(Self)
    }

    /// What stands behind a key.
    pub fn value(&self, key: &str) -> Option<String> {
        let mut pairs = self.0.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(key)).map(|(_, value)| value.trim().to_owned())
    }

    /// Whether slurmctld refuses cost centres (wckeys) that a person does not have.
    pub fn enforces_wckeys(&self) -> bool {
        self.value("AccountingStorageEnforce").is_some_and(|value| list(&value).iter().any(|word| word == "wckeys"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::conf_file::value;
    use super::*;

    fn lines(needs: &ConfNeeds, conf: &str) -> Vec<String> {
        judge(needs, |key| value(conf, key)).into_iter().map(|missing| missing.line).collect()
    }

    fn all() -> ConfNeeds {
        let resources = ["cpu", "gres/gpu", "gres/gpu:a100"].iter().filter_map(|name| Resource::parse(name)).collect();
        ConfNeeds { queues: true, priorities: true, preemption: true, requeue: true, cost_centres: true, resources }
    }

    #[test]
    fn given_a_bare_slurm_conf_then_every_line_is_named_as_it_should_stand_there() {
        assert_eq!(
            lines(&all(), "ClusterName=x\n"),
            [
                "JobSubmitPlugins=bursar",
                "AccountingStorageEnforce=associations,limits,safe,qos",
                "PriorityType=priority/multifactor",
                "PriorityWeightQOS=10000",
                "PreemptType=preempt/qos",
                "PreemptMode=REQUEUE",
                "TrackWCKey=yes",
                "AccountingStorageTRES=gres/gpu,gres/gpu:a100",
            ]
        );
        assert_eq!(
            lines(&ConfNeeds::default(), ""),
            ["JobSubmitPlugins=bursar", "AccountingStorageEnforce=associations,limits,safe"]
        );
    }

    #[test]
    fn given_lines_that_are_there_then_what_they_hold_is_kept_and_only_the_rest_is_added() {
        let conf = "JobSubmitPlugins=bursar,lua\naccountingstorageenforce=safe,wckeys # all\nPreemptMode=suspend,gang\n\
            JobRequeue=0\nAccountingStorageTRES=gres/gpu,license/x\nPriorityWeightQOS=0\nPriorityType=priority/basic\n";
        assert_eq!(
            lines(&all(), conf),
            [
                "JobSubmitPlugins=lua,bursar",
                "AccountingStorageEnforce=safe,wckeys,qos",
                "PriorityType=priority/multifactor",
                "PriorityWeightQOS=10000",
                "PreemptType=preempt/qos",
                "PreemptMode=REQUEUE",
                "JobRequeue=1",
                "AccountingStorageTRES=gres/gpu,license/x,gres/gpu:a100",
            ]
        );
    }

    #[test]
    fn given_a_cluster_that_has_all_then_nothing_is_missing() {
        let conf = "JobSubmitPlugins=job_submit/lua,job_submit/bursar\nAccountingStorageEnforce=all\n\
            PriorityType=priority/multifactor\nPriorityWeightQOS=5\nPreemptType=preempt/qos\nPreemptMode=CANCEL\n\
            TrackWCKey=Yes\nAccountingStorageTRES=cpu,mem,gres/gpu,gres/gpu:a100\n";
        assert_eq!(lines(&all(), conf), Vec::<String>::new());
    }
}
