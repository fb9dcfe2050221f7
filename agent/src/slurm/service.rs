//! Partitions in and out of service, and the power of their nodes.
//!
//! DOWN lets jobs queue and starts none; running ones go on. Unless ReconfigFlags has KeepPartState, slurmctld forgets it
//! when it reads slurm.conf anew, at a start or by `scontrol reconfigure`. It tells when it started, but on 22.05 not when
//! it was reconfigured ("Configuration data as of" is the instant of the question).

use std::collections::BTreeMap;

use bursar_policy::Timestamp;

use super::command::{CommandError, SlurmCommands, Tool, words};
use super::facts::FactsError;
use super::fields::{instant, record};

/// What slurmctld says of its partitions now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// `State` by partition.
    pub states: BTreeMap<String, String>,
    /// Every node with its partitions.
    pub nodes: Vec<(String, Vec<String>)>,
    /// When slurmctld started.
    pub started_at: Option<Timestamp>,
}

impl Service {
    /// Asks slurmctld.
    pub async fn read(commands: &SlurmCommands) -> Result<Self, FactsError> {
        let show = |what: &'static str| async move {
            commands.read(Tool::Scontrol, &words(&["-a", "-o", "show", what])).await.map_err(FactsError::Command)
        };
        Self::parse(&show("config").await?, &show("partition").await?, &show("node").await?)
    }

    fn parse(config: &str, partitions: &str, nodes: &str) -> Result<Self, FactsError> {
        let bad = |field: &'static str, object: &str| FactsError::Value { field, object: object.to_owned() };
        let mut service = Self {
            started_at: config.lines().find_map(|line| {
                let (key, at) = line.split_once('=')?;
                instant(at.trim()).flatten().filter(|_| key.trim() == "BOOT_TIME")
            }),
            ..Self::default()
        };
        for line in partitions.lines().filter(|line| line.starts_with("PartitionName=")) {
            let keys = record(line);
            let name = keys.get("PartitionName").copied().unwrap_or_default();
            let state = keys.get("State").ok_or_else(|| bad("State", name))?;
            service.states.insert(name.to_owned(), (*state).to_owned());
        }
        for line in nodes.lines().filter(|line| line.starts_with("NodeName=")) {
            let keys = record(line);
            let name = keys.get("NodeName").copied().unwrap_or_default();
            let partitions = keys.get("Partitions").copied().unwrap_or_default();
            let partitions = partitions.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            service.nodes.push((name.to_owned(), partitions));
        }
        Ok(service)
    }

    /// The nodes of `partition` that no partition in service has.
    pub fn idle_nodes(&self, partition: &str) -> Vec<&str> {
        let in_service = |name: &String| self.states.get(name).is_some_and(|state| state == "UP");
        self.nodes
            .iter()
            .filter(|(_, partitions)| partitions.iter().any(|name| name == partition))
            .filter(|(_, partitions)| !partitions.iter().any(in_service))
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

/// Sets a partition's state.
pub async fn set_partition(commands: &SlurmCommands, partition: &str, state: &str) -> Result<(), CommandError> {
    update(commands, &[&format!("PartitionName={partition}"), &format!("State={state}")]).await
}

/// Powers nodes down, each once nothing runs on it any more.
pub async fn power_down(commands: &SlurmCommands, nodes: &[&str]) -> Result<(), CommandError> {
    update(commands, &[&format!("NodeName={}", nodes.join(",")), "State=POWER_DOWN"]).await
}

/// Gives a waiting job, or what still waits of an array, another earliest start.
pub async fn set_begin(commands: &SlurmCommands, job: u32, begin: Timestamp) -> Result<(), CommandError> {
    update(commands, &[&format!("JobId={job}"), &format!("StartTime={}", slurm_time(begin))]).await
}

async fn update(commands: &SlurmCommands, pairs: &[&str]) -> Result<(), CommandError> {
    let mut args = words(&["update"]);
    args.extend(pairs.iter().map(|&pair| pair.to_owned()));
    commands.read(Tool::Scontrol, &args).await.map(drop)
}

/// An instant as scontrol takes it: commands run with `TZ=UTC`.
fn slurm_time(at: Timestamp) -> String {
    let text = jiff::Timestamp::from_second(at.0).unwrap_or(jiff::Timestamp::MAX);
    text.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str =
        "Configuration data as of 1795320788\nBOOT_TIME               = 1795320700\nClusterName = lab\n";
    const PARTITIONS: &str = "PartitionName=main Default=YES State=UP TotalNodes=3\n\
        PartitionName=cloud Default=NO State=DOWN TotalNodes=2\nPartitionName=gpu State=INACTIVE\n";
    const NODES: &str = "NodeName=n1 State=IDLE Partitions=main,cloud \nNodeName=c1 Partitions=cloud,gpu \n\
        NodeName=c2 Partitions=cloud \nNodeName=c3 Partitions=gpu\nNodeName=spare State=IDLE\n";

    #[test]
    fn given_recorded_output_then_states_nodes_and_the_start_of_slurmctld_are_read() {
        let service = Service::parse(CONFIG, PARTITIONS, NODES).unwrap();
        assert_eq!(service.started_at, Some(Timestamp(1_795_320_700)));
        assert_eq!(service.states["cloud"], "DOWN");
        assert_eq!(service.nodes.len(), 5);
    }

    #[test]
    fn given_nodes_of_several_partitions_then_only_those_out_of_service_altogether_are_idle() {
        let service = Service::parse(CONFIG, PARTITIONS, NODES).unwrap();
        assert_eq!(service.idle_nodes("cloud"), ["c1", "c2"]);
        assert!(service.idle_nodes("main").is_empty());
        assert!(service.idle_nodes("nowhere").is_empty());
    }

    #[test]
    fn given_a_partition_without_a_state_then_the_error_names_both() {
        let error = Service::parse(CONFIG, "PartitionName=odd\n", NODES).unwrap_err().to_string();
        assert!(error.contains("State") && error.contains("odd"), "{error}");
    }

    #[test]
    fn given_an_instant_then_slurm_is_told_it_in_utc_to_the_second() {
        assert_eq!(slurm_time(Timestamp(1_795_334_405)), "2026-11-22T08:00:05");
    }
}
