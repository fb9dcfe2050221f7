//! `sbatch` with the plugin, without it, and without all of bursar, on the same cluster.

use std::time::{Duration, Instant};

use bursar_tests::{Cluster, Result};

use crate::institute::Institute;
use crate::summary::Summary;
use crate::sync;

/// Submissions of one round.
const JOBS: usize = 240;
/// Rounds of each kind; kinds take turns, so that a busy minute of the machine hits all.
const ROUNDS: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plugin,
    Without,
    NoBursar,
}

const KINDS: [Kind; 3] = [Kind::Plugin, Kind::Without, Kind::NoBursar];

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Plugin => "with the plugin",
            Self::Without => "without the plugin",
            Self::NoBursar => "without the plugin, bursard stopped",
        }
    }

    /// Brings the cluster into this state.
    fn set(self, cluster: &Cluster) -> Result<()> {
        let host = cluster.host();
        let edit = if self == Self::Plugin { "s/^#JobSubmit/JobSubmit/" } else { "s/^JobSubmit/#JobSubmit/" };
        host.run(&["sed", "-i", edit, "/etc/slurm/slurm.conf"])?.ok()?;
        cluster.restart("slurmctld")?;
        match self {
            Self::NoBursar => host.run(&["systemctl", "stop", "bursard"])?.ok().map(drop),
            Self::Plugin | Self::Without => sync::restart(host),
        }
    }
}

/// Measures 1 and 4 submitters of held jobs.
pub(crate) fn measure(institute: &Institute, cluster: &Cluster, summary: &mut Summary) -> Result<()> {
    assert!(institute.people > 4);
    // By kind: the milliseconds of each round of 1 and of 4 submitters, and slurmctld's own time of a submission.
    let mut rounds: Vec<(Kind, usize, Duration)> = Vec::new();
    let mut server: Vec<(Kind, u64, u64)> = Vec::new();
    let (mut ticks, mut spent) = (0, 0);
    for round in 0..ROUNDS {
        for turn in 0..KINDS.len() {
            let kind = KINDS[(turn + round) % KINDS.len()];
            kind.set(cluster)?;
            cluster.host().run(&["sdiag", "--reset"])?.ok()?;
            let before = if kind == Kind::NoBursar { None } else { Some(sync::usage_of(cluster.host())?) };
            let start = Instant::now();
            for submitters in [1, 4] {
                rounds.push((kind, submitters, submit(cluster, submitters)?));
            }
            if let Some((own, children, _)) = before {
                let (own_after, children_after, _) = sync::usage_of(cluster.host())?;
                ticks += own_after - own + children_after - children;
                spent += start.elapsed().as_millis() as u64;
            }
            server.extend(submissions(cluster)?.map(|(count, total)| (kind, count, total)));
            clear(cluster)?;
        }
    }
    for submitters in [1, 4] {
        for kind in KINDS {
            let of_kind = rounds.iter().filter(|(of, n, _)| (*of, *n) == (kind, submitters));
            let mut spans: Vec<u64> = of_kind.map(|(_, _, span)| span.as_millis() as u64).collect();
            spans.sort_unstable();
            let rate = |millis: u64| JOBS as u64 * 10_000 / millis.max(1);
            let show = |rate: u64| format!("{}.{}", rate / 10, rate % 10);
            let all = spans.iter().rev().map(|span| show(rate(*span))).collect::<Vec<_>>().join(" ");
            let median = (spans[(spans.len() - 1) / 2] + spans[spans.len() / 2]) / 2;
            let what = format!("sbatch/s, {submitters} at once, {}", kind.words());
            let bar = if kind == Kind::Plugin { "within 2 % of none" } else { "" };
            summary.add(what, format!("{} ({all})", show(rate(median))), bar);
        }
    }
    summary.add("bursard while jobs come in, with its commands", sync::share(ticks, spent), "");
    for kind in KINDS {
        let of_kind = || server.iter().filter(|(of, _, _)| *of == kind);
        let (count, total): (u64, u64) = (of_kind().map(|row| row.1).sum(), of_kind().map(|row| row.2).sum());
        let each: Vec<String> = of_kind().map(|(_, count, total)| format!("{}", total / (*count).max(1))).collect();
        let value = format!("{} µs ({})", total / count.max(1), each.join(" "));
        summary.add(format!("slurmctld's time of a submission, {}", kind.words()), value, "");
    }
    Ok(())
}

/// Submits [`JOBS`] held jobs from this many people at once.
fn submit(cluster: &Cluster, submitters: usize) -> Result<Duration> {
    let each = (JOBS / submitters).to_string();
    let script =
        "for i in $(seq $1); do sbatch --quiet --hold --time=5 --output=/dev/null --wrap true >/dev/null || exit; done";
    let start = Instant::now();
    let running: Vec<_> = (0..submitters)
        .map(|n| {
            let mut command =
                cluster.host().command_as(&Institute::person(n * 7), &["bash", "-c", script, "submit", &each])?;
            command.spawn().map_err(|source| bursar_tests::Error::Io { what: "start sbatch".into(), source })
        })
        .collect::<Result<_>>()?;
    for mut child in running {
        let ended =
            child.wait().map_err(|source| bursar_tests::Error::Io { what: "wait for sbatch".into(), source })?;
        assert!(ended.success(), "sbatch ended with {ended}");
    }
    Ok(start.elapsed())
}

/// How many submissions slurmctld has had since the reset, and the microseconds it took for all of them.
fn submissions(cluster: &Cluster) -> Result<Option<(u64, u64)>> {
    let text = cluster.host().run(&["sdiag"])?.ok()?;
    let line = text.lines().find(|line| line.contains("REQUEST_SUBMIT_BATCH_JOB")).unwrap_or_default();
    let number = |key: &str| line.split_once(key).and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    Ok(number("count:").zip(number("total_time:")))
}

/// Ends every job.
fn clear(cluster: &Cluster) -> Result<()> {
    let host = cluster.host();
    host.run(&["scancel", "--state=PENDING"])?.ok()?;
    host.wait_for("an empty queue", Duration::from_secs(60), || {
        let left = host.run(&["squeue", "--noheader"]).map_err(|error| error.to_string())?;
        if left.success() && left.stdout.trim().is_empty() { Ok(()) } else { Err(left.stdout) }
    })
}
