//! Finished job runs from slurmdbd: every row that ended in a window, each checked, none skipped silently.
//!
//! Findings on 22.05.8: `-S uts0` is refused, `uts1000000` is the earliest; with terminal states given, `-S`/`-E`
//! select by end time, both edges inclusive; `sacct` escapes nothing, and WCKey is free text of the user (a `|` or a
//! newline included) wherever slurmctld does not enforce wckeys, so it is asked for only where it does. `-M` with an
//! unknown cluster prints nothing and exits 0; a caller without rights may silently see own jobs only: both are
//! checked before. All of it is the same on 24.11.5 and 26.05.5, where only DBIndex is no small number any more: it is
//! 443191384927029248 or, beyond 63 bits, 13152349535478323200.

use std::fmt;

use bursar_policy::Timestamp;
use thiserror::Error;

use super::command::{CommandError, SlurmCommands, Tool, words};
use super::desired::ClusterName;
use super::fields::{TimeLimit, Tres, duration, instant, tres};

/// The earliest instant that `sacct -S uts...` takes.
const EARLIEST: i64 = 1_000_000;
const STATES: &str = "BF,CA,CD,DL,F,NF,OOM,PR,RQ,RS,RV,TO";
const FIELDS: &str = "JobIDRaw,DBIndex,Cluster,User,UID,Account,Partition,QOS,State,Submit,Eligible,Start,End,\
    ElapsedRaw,Suspended,TimelimitRaw,NNodes,AllocTRES,NodeList,Priority,Reservation";
const FIELD_COUNT: usize = 21;

/// Why finished runs could not be read.
#[derive(Debug, Error)]
pub enum SettledError {
    /// A command failed.
    #[error("cannot read finished jobs of cluster {cluster}")]
    Command {
        /// The cluster.
        cluster: String,
        /// Why.
        #[source]
        source: CommandError,
    },
    /// slurmdbd knows no such cluster.
    #[error("slurmdbd knows no cluster {0}: check ClusterName in slurm.conf")]
    UnknownCluster(String),
    /// The caller might be shown a part only.
    #[error("{0} may not see everybody's jobs: run sacctmgr add user {0} account=root adminlevel=Administrator")]
    NoRights(String),
    /// The uid of this process has no name, so its rights cannot be looked up.
    #[error("uid {0} has no user name on this host: run bursard as a named user")]
    NoName(u32),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndState {
    /// The node failed to boot.
    BootFail,
    /// By its owner or an administrator.
    Cancelled,
    /// With exit code 0.
    Completed,
    /// Its deadline passed.
    Deadline,
    /// With another exit code.
    Failed,
    /// A node went down.
    NodeFail,
    /// Memory ran out.
    OutOfMemory,
    /// For another job.
    Preempted,
    /// Put back into the queue; the next run is another row of the same id.
    Requeued,
    /// Its size changed; the next row goes on from here.
    Resizing,
    /// Started on another cluster of the federation.
    Revoked,
    /// At its time limit.
    Timeout,
}

impl EndState {
    /// Reads the first word of sacct's State ("CANCELLED by 1001").
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.split(' ').next()? {
            "BOOT_FAIL" => Self::BootFail,
            "CANCELLED" => Self::Cancelled,
            "COMPLETED" => Self::Completed,
            "DEADLINE" => Self::Deadline,
            "FAILED" => Self::Failed,
            "NODE_FAIL" => Self::NodeFail,
            "OUT_OF_MEMORY" => Self::OutOfMemory,
            "PREEMPTED" => Self::Preempted,
            "REQUEUED" => Self::Requeued,
            "RESIZING" => Self::Resizing,
            "REVOKED" => Self::Revoked,
            "TIMEOUT" => Self::Timeout,
            _ => return None,
        })
    }

    /// Slurm's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BootFail => "BOOT_FAIL",
            Self::Cancelled => "CANCELLED",
            Self::Completed => "COMPLETED",
            Self::Deadline => "DEADLINE",
            Self::Failed => "FAILED",
            Self::NodeFail => "NODE_FAIL",
            Self::OutOfMemory => "OUT_OF_MEMORY",
            Self::Preempted => "PREEMPTED",
            Self::Requeued => "REQUEUED",
            Self::Resizing => "RESIZING",
            Self::Revoked => "REVOKED",
            Self::Timeout => "TIMEOUT",
        }
    }
}

/// One run of a job: a row of slurmdbd, known by (cluster, job id, submit time).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledRun {
    /// The cluster.
    pub cluster: String,
    /// The plain job number (JobIDRaw); array tasks and heterogeneous components have their own.
    pub job_id: u32,
    /// When this run entered the queue; a requeue or resize makes a new one.
    pub submit: Timestamp,
    /// slurmdbd's own row number, as text because newer releases use all 64 bits.
    pub db_index: String,
    /// The user's name as slurmdbd has it.
    pub user: String,
    /// The user's uid.
    pub uid: u32,
    /// The account.
    pub account: String,
    /// The wckey, where slurmctld enforces wckeys; a default key starts with `*`.
    pub wckey: Option<String>,
    /// The partition.
    pub partition: String,
    /// The QOS.
    pub qos: String,
    /// How it ended.
    pub state: EndState,
    /// When it could have started; `None` if never.
    pub eligible: Option<Timestamp>,
    /// When it started; `None` if it never ran. Never before `submit`: after a resize Slurm repeats the first start.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Timestamp,
    /// Slurm's ElapsedRaw in seconds, without suspended time, from Slurm's own start.
    pub elapsed: u64,
    /// Suspended seconds; they count for memory and GPUs, not for CPUs.
    pub suspended: u64,
    /// The time limit.
    pub time_limit: TimeLimit,
    /// The number of nodes.
    pub nodes: u32,
    /// What it held.
    pub alloc: Tres,
    /// The nodes as Slurm lists them; empty for a run that never had any.
    pub node_list: String,
    /// Slurm's priority when it started or was last looked at.
    pub priority: Option<u64>,
    /// The reservation it ran in; empty for none.
    pub reservation: String,
}

impl SettledRun {
    /// `[start, end)` in which it held resources, or `None` if it never ran.
    pub fn interval(&self) -> Option<(Timestamp, Timestamp)> {
        self.start.map(|start| (start, self.end))
    }

    /// CPU-seconds charged: CPUs x (wall - suspended), the same as slurmdbd's roll-up.
    pub fn cpu_seconds(&self) -> u64 {
        let Some((start, end)) = self.interval() else { return 0 };
        let cpus = self.alloc.get("cpu").copied().unwrap_or(0);
        end.seconds_since(start).saturating_sub(self.suspended).saturating_mul(cpus)
    }
}

/// A line that is not a run; it is kept and counted, because dropping it would lose a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The line, decoded as far as it is UTF-8.
    pub line: String,
    /// The field that is wrong.
    pub why: &'static str,
}

impl fmt::Display for Quarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sacct line with a bad {} kept aside: {:?}", self.why, self.line)
    }
}

/// Whether sacct's WCKey may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WckeyColumn {
    /// slurmctld enforces wckeys, so only keys of the database occur.
    Enforced,
    /// Users may write anything into it; it is not asked for.
    Untrusted,
}

/// Which runs to read: those that ended in `[from, until]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedIn {
    /// The first end.
    pub from: Timestamp,
    /// The last end.
    pub until: Timestamp,
    /// Whether to ask for the wckey.
    pub wckey: WckeyColumn,
}

impl EndedIn {
    /// The window of an incremental read: from `lookback` seconds before the last end seen until now.
    ///
    /// Rows may come late while slurmctld's queue to slurmdbd drains; the lookback finds those, and a row seen
    /// twice is the same row by its key. The nightly sweep takes a lookback of days.
    pub fn since(last_end: Option<Timestamp>, lookback: u64, now: Timestamp, wckey: WckeyColumn) -> Self {
        let back = i64::try_from(lookback).unwrap_or(i64::MAX);
        let from = last_end.map_or(EARLIEST, |end| end.0.min(now.0).saturating_sub(back));
        Self { from: Timestamp(from.max(EARLIEST)), until: Timestamp(now.0.max(EARLIEST)), wckey }
    }

    /// The same runs in windows of `seconds` (at least 1), oldest first, for a backfill that can stop anywhere.
    ///
    /// sacct holds a whole answer in memory, 1.8 kB a job: a day of 33,000 jobs takes 4 s and 63 MB, a month 71 s and
    /// 1.8 GB. Neighbours share their edge, so a run may come twice.
    pub fn split(self, seconds: u64) -> impl Iterator<Item = Self> {
        let mut next = Some(self.from);
        std::iter::from_fn(move || {
            let from = next?;
            let until = from.plus(seconds.max(1)).min(self.until);
            next = (until < self.until).then_some(until);
            Some(Self { from, until, ..self })
        })
    }

    fn args(&self, cluster: &ClusterName) -> Vec<String> {
        let fields = match self.wckey {
            WckeyColumn::Enforced => format!("--format={FIELDS},WCKey"),
            WckeyColumn::Untrusted => format!("--format={FIELDS}"),
        };
        let (from, until) = (format!("uts{}", self.from.0.max(EARLIEST)), format!("uts{}", self.until.0.max(EARLIEST)));
        words(&[
            "-a",
            "-D",
            "-X",
            "-P",
            "-n",
            "--noconvert",
            "-s",
            STATES,
            "-S",
            &from,
            "-E",
            &until,
            "-M",
            cluster.as_str(),
            &fields,
        ])
    }
}

/// Makes sure that everything will be shown: the cluster exists and the caller is Operator or more.
///
/// To be called at start and after errors, not before every read.
pub async fn check_rights(commands: &SlurmCommands, cluster: &ClusterName) -> Result<(), SettledError> {
    let failed = |source| SettledError::Command { cluster: cluster.to_string(), source };
    let clusters = words(&["-n", "-P", "show", "cluster", "format=cluster"]);
    let known = commands.read(Tool::Sacctmgr, &clusters).await.map_err(failed)?;
    if !known.lines().any(|line| line == cluster.as_str()) {
        return Err(SettledError::UnknownCluster(cluster.to_string()));
    }
    let uid = nix::unistd::Uid::effective();
    if uid.is_root() {
        return Ok(());
    }
    let me = nix::unistd::User::from_uid(uid).ok().flatten().ok_or(SettledError::NoName(uid.as_raw()))?.name;
    let show = words(&["-n", "-P", "show", "user", &me, "format=user,adminlevel"]);
    let rights = commands.read(Tool::Sacctmgr, &show).await.map_err(failed)?;
    let enough = rights.lines().any(|line| {
        line.split_once('|').is_some_and(|(user, level)| user == me && matches!(level, "Operator" | "Administrator"))
    });
    if enough { Ok(()) } else { Err(SettledError::NoRights(me)) }
}

/// Reads the runs and hands each over as it comes; only after `Ok` is the set complete.
pub async fn read(
    commands: &SlurmCommands,
    cluster: &ClusterName,
    window: EndedIn,
    mut each: impl FnMut(Result<SettledRun, Quarantined>),
) -> Result<(), SettledError> {
    let args = window.args(cluster);
    commands
        .read_lines(Tool::Sacct, &args, commands.change_timeout, |line| each(parse(line, window.wckey)))
        .await
        .map_err(|source| SettledError::Command { cluster: cluster.to_string(), source })
}

/// Reads one line of the listing.
pub fn parse(line: &[u8], wckey: WckeyColumn) -> Result<SettledRun, Quarantined> {
    let text = String::from_utf8_lossy(line);
    parse_fields(&text, wckey).map_err(|why| Quarantined { line: text.into_owned(), why })
}

fn parse_fields(text: &str, wckey: WckeyColumn) -> Result<SettledRun, &'static str> {
    let fields: Vec<&str> = text.split('|').collect();
    let expected = FIELD_COUNT + usize::from(wckey == WckeyColumn::Enforced);
    let known = fields.len() == expected;
    let Some(
        [
            job_id,
            db_index,
            cluster,
            user,
            uid,
            account,
            partition,
            qos,
            state,
            submit,
            eligible,
            start,
            end,
            elapsed,
            suspended,
            limit,
            nodes,
            alloc,
            node_list,
            priority,
            reservation,
        ],
    ) = fields.first_chunk::<FIELD_COUNT>().filter(|_| known)
    else {
        return Err("field count");
    };
    let job_id = job_id.parse().map_err(|_| "JobIDRaw")?;
    if db_index.is_empty() || !db_index.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("DBIndex");
    }
    let submit = instant(submit).flatten().ok_or("Submit")?;
    let start = instant(start).ok_or("Start")?;
    let end = instant(end).flatten().ok_or("End")?;
    let elapsed = elapsed.parse().map_err(|_| "ElapsedRaw")?;
    // Old rows keep the request in AllocTRES of a job that never got nodes.
    let ran = *node_list != "None assigned" && !node_list.is_empty();
    let start = start.filter(|_| ran).map(|start| start.max(submit));
    if start.is_some_and(|start| end < start) {
        return Err("End");
    }
    let alloc = tres(alloc).ok_or("AllocTRES")?;
    if start.is_some() && !alloc.contains_key("cpu") {
        return Err("AllocTRES");
    }
    if start.is_none() && elapsed > 0 {
        return Err("Start");
    }
    Ok(SettledRun {
        cluster: (*cluster).to_owned(),
        job_id,
        submit,
        db_index: (*db_index).to_owned(),
        user: (*user).to_owned(),
        uid: uid.parse().map_err(|_| "UID")?,
        account: (*account).to_owned(),
        wckey: fields.get(FIELD_COUNT).filter(|key| !key.is_empty()).map(|key| (*key).to_owned()),
        partition: (*partition).to_owned(),
        qos: (*qos).to_owned(),
        state: EndState::parse(state).ok_or("State")?,
        eligible: instant(eligible).ok_or("Eligible")?,
        start,
        end,
        elapsed,
        suspended: duration(suspended).ok_or("Suspended")?,
        time_limit: TimeLimit::parse_minutes(limit).ok_or("TimelimitRaw")?,
        nodes: nodes.parse().map_err(|_| "NNodes")?,
        alloc,
        node_list: if ran { (*node_list).to_owned() } else { String::new() },
        priority: if priority.is_empty() { None } else { Some(priority.parse().map_err(|_| "Priority")?) },
        reservation: (*reservation).to_owned(),
    })
}

#[cfg(test)]
#[path = "settled_tests.rs"]
mod tests;
