//! Reads what `verify` holds against the ledger.

use std::collections::{BTreeMap, HashSet};

use bursar_policy::{Period, Timestamp};

use super::{No, RunKey, nothing_rolled_up, unavailable};
use crate::report::verify::{Comparison, Frame, THINGS, Told};
use crate::slurm::SlurmCommands;
use crate::slurm::desired::ClusterName;
use crate::slurm::overlapping::{self, Overlapping, Touching};
use crate::slurm::reserved::{self, Association, Reservation};
use crate::slurm::sreport::{self, HOUR, Reported};
use crate::store::Store;

/// Until when slurmdbd has rolled up, within the period.
pub(super) async fn rolled_until(
    commands: &SlurmCommands,
    cluster: &ClusterName,
    period: &Period,
    now: Timestamp,
) -> Result<Timestamp, No> {
    let last_hour = now.0 - now.0.rem_euclid(HOUR);
    let end = period.end.0.min(last_hour);
    // What is older has been rolled up, or something is wrong and must not pass for the current hour.
    let from = period.start.0.max(last_hour - 2 * HOUR);
    let mut until = end;
    while until > from {
        let hour = Timestamp(until - HOUR);
        if sreport::has_rolled_up(commands, cluster, hour).await.map_err(unavailable)? {
            break;
        }
        until -= HOUR;
    }
    if until > period.start.0 { Ok(Timestamp(until)) } else { Err(nothing_rolled_up()) }
}

/// Everything that is known from Slurm.
pub(super) struct Slurm {
    pub(super) touching: Touching,
    reported: Vec<Reported>,
    associations: Vec<Association>,
    reservations: Vec<Reservation>,
    /// Seconds of runs that were suspended once, without those.
    busy: BTreeMap<RunKey, u64>,
}

impl Slurm {
    pub(super) async fn read(
        commands: &SlurmCommands,
        cluster: &ClusterName,
        store: &Store,
        frame: Frame,
    ) -> Result<Self, No> {
        let rolled = frame.rolled();
        let touching = touching(commands, cluster, store, frame);
        let associations = async { reserved::associations(commands, cluster).await.map_err(unavailable) };
        let reservations = async { reserved::reservations(commands, cluster, &rolled).await.map_err(unavailable) };
        let reported = async {
            let there = sreport::known_tres(commands, cluster).await.map_err(unavailable)?;
            let all = THINGS.map(|(name, _)| name).into_iter();
            let tres: Vec<&str> = all.filter(|name| there.iter().any(|of| of == name)).collect();
            sreport::read(commands, cluster, &rolled, &tres).await.map_err(unavailable)
        };
        let ((touching, has_runs), associations, reservations, reported) =
            tokio::try_join!(touching, associations, reservations, reported)?;
        if reported.is_empty() && has_runs {
            return Err(nothing_rolled_up());
        }
        let paused = touching.runs.values().filter(|run| run.suspended > 0);
        let paused: Vec<u32> = paused.map(|run| run.job_id).collect();
        let busy = overlapping::busy_within(commands, cluster, &rolled, &paused).await.map_err(unavailable)?;
        Ok(Self { touching, reported, associations, reservations, busy })
    }

    /// Whether a run had not ended when slurmdbd was read and is in the ledger now.
    pub(super) fn is_overtaken(&self, known: &HashSet<RunKey>) -> bool {
        self.touching.runs.iter().any(|(key, run)| run.end.is_none() && known.contains(key))
    }

    pub(super) fn add_to(&self, comparison: &mut Comparison, known: &HashSet<RunKey>) {
        comparison.add_slurm(&self.reported, &self.associations);
        let runs: Vec<_> = self.touching.runs.values().collect();
        comparison.add_reserved(&self.reservations, &runs, &self.associations);
        for (key, run) in &self.touching.runs {
            let busy = if run.suspended > 0 { self.busy.get(key).copied() } else { None };
            comparison.add_run(&Told { run, in_ledger: known.contains(key), busy });
        }
    }
}

/// The runs that slurmdbd and the ledger may count differently, and whether anything ran at all.
///
/// Of a month with a million jobs nearly all are plain and in the ledger; those are not kept.
async fn touching(
    commands: &SlurmCommands,
    cluster: &ClusterName,
    store: &Store,
    frame: Frame,
) -> Result<(Touching, bool), No> {
    let (mut all, mut has_runs) = (Touching::default(), false);
    for part in overlapping::parts(&frame.period) {
        let some = overlapping::read(commands, cluster, &part).await.map_err(unavailable)?;
        let ids: Vec<u32> = some.runs.keys().map(|(job_id, _)| *job_id).collect();
        let known = store.ended_among(cluster.as_str(), &ids).await?;
        has_runs |= some.runs.values().any(|run| run.start < frame.rolled_until);
        let kept = |(key, run): &(RunKey, Overlapping)| !known.contains(key) || !run.is_plain(frame.rolled_until);
        all.runs.extend(some.runs.into_iter().filter(kept));
        all.unreadable.extend(some.unreadable);
    }
    all.unreadable.dedup();
    Ok((all, has_runs))
}
