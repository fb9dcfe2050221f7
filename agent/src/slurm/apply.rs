//! Carries a plan out, one call at a time, and reads slurmdbd again to see whether it came out as wanted.
//!
//! One writer at a time: slurmdbd serialises writers anyway, and two at once only wait for each other's lock.

use thiserror::Error;

use super::action::Action;
use super::command::{Change, CommandError, SlurmCommands};
use super::desired::{ClusterName, DesiredCluster};
use super::found::{FoundCluster, FoundError};
use super::plan::{Obstacle, Plan, plan};

/// The call that failed; the ones after it were not tried.
#[derive(Debug, Error)]
#[error("cannot {action}; the calls before it stand, the next pass goes on from there")]
pub struct ApplyError {
    /// What was to be done, in words.
    pub action: String,
    /// Why it failed.
    #[source]
    pub source: CommandError,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    /// The calls that succeeded, in order.
    pub done: Vec<Action>,
    /// How many of them Slurm said changed nothing.
    pub without_effect: usize,
    /// The call that failed.
    pub failed: Option<ApplyError>,
}

/// Runs the calls in order and stops at the first that fails.
pub async fn apply(commands: &SlurmCommands, cluster: &ClusterName, actions: Vec<Action>) -> Applied {
    let mut applied = Applied::default();
    for action in actions {
        let call = action.invocation(cluster);
        tracing::info!(%action, "changing slurmdbd");
        match commands.change(&call.args, call.input.as_deref()).await {
            Ok(change) => {
                applied.without_effect += usize::from(change == Change::Nothing);
                applied.done.push(action);
            }
            Err(source) => {
                applied.failed = Some(ApplyError { action: action.to_string(), source });
                break;
            }
        }
    }
    applied
}

/// What a whole pass found, did and left.
#[derive(Debug)]
pub struct Synced {
    /// What became of the plan.
    pub applied: Applied,
    /// The wishes that cannot be carried out.
    pub obstacles: Vec<Obstacle>,
    /// What still differs after a pass that changed something; another writer, or a value Slurm did not keep.
    pub drift: Vec<Action>,
    /// slurmdbd's state at the end.
    pub found: FoundCluster,
}

/// Reads, plans, applies, and reads again if anything was changed; a settled slurmdbd is only read, once.
pub async fn sync(commands: &SlurmCommands, desired: &DesiredCluster) -> Result<Synced, FoundError> {
    let found = FoundCluster::read(commands, &desired.cluster).await?;
    let Plan { actions, obstacles } = plan(desired, &found);
    if actions.is_empty() {
        return Ok(Synced { applied: Applied::default(), obstacles, drift: Vec::new(), found });
    }
    let applied = apply(commands, &desired.cluster, actions).await;
    let found = FoundCluster::read(commands, &desired.cluster).await?;
    let drift = plan(desired, &found).actions;
    Ok(Synced { applied, obstacles, drift, found })
}
