//! The rows of slurmdbd's job table that a period's roll-up was made from, ended or not.
//!
//! Without `-s`, sacct selects what was eligible before the end of the window and had not ended before its start, the
//! same rows that slurmdbd rolls up. Only what a comparison needs is asked for, so that a row which the ledger had to set
//! aside may still be read here. With `-T` ElapsedRaw is what lies in the window without suspended seconds, which are
//! cut exactly there, but only as far as the suspension is over.

use std::collections::BTreeMap;

use bursar_policy::{Period, Timestamp};

use super::command::{SlurmCommands, Tool, words};
use super::desired::ClusterName;
use super::fields::{Tres, duration, instant, tres};
use super::settled::SettledError;

const FIELDS: &str =
    "--format=JobIDRaw,Submit,Start,End,State,Suspended,ElapsedRaw,ReservationId,Account,User,AllocTRES,NodeList";

/// sacct holds a whole answer in memory, so a long period is read in parts: seconds.
const AT_ONCE: u64 = 86_400;

/// Jobs of one call of sacct, whose words must fit a command line.
const NAMED_AT_ONCE: usize = 500;

/// A run that touches the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlapping {
    /// The plain job number.
    pub job_id: u32,
    /// When it entered the queue.
    pub submit: Timestamp,
    /// Slurm's own start, which a resized job repeats.
    pub start: Timestamp,
    /// When it ended, as far as slurmdbd knows.
    pub end: Option<Timestamp>,
    /// Whether it is suspended at this moment.
    pub is_suspended: bool,
    /// Seconds of it that it was suspended.
    pub suspended: u64,
    /// The number of the reservation it ran in; 0 for none.
    pub reservation: u32,
    /// The account.
    pub account: String,
    /// The user.
    pub user: String,
    /// What it held.
    pub held: Tres,
}

impl Overlapping {
    /// Whether nothing befell it that slurmdbd and a ledger could count differently up to `until`.
    pub fn is_plain(&self, until: Timestamp) -> bool {
        let over = self.end.is_some_and(|end| end <= until);
        over && self.start >= self.submit && self.suspended == 0 && self.reservation == 0
    }
}

/// The runs that touch a period, and what sacct printed besides.
#[derive(Debug, Default)]
pub struct Touching {
    /// The runs, by job number and submit time.
    pub runs: BTreeMap<(u32, Timestamp), Overlapping>,
    /// Lines that cannot be read.
    pub unreadable: Vec<String>,
}

/// `period` in parts that can each be read at once; a run may touch several.
pub fn parts(period: &Period) -> impl Iterator<Item = Period> + use<> {
    let Period { start, end } = *period;
    let starts = std::iter::successors(Some(start), |at| Some(at.plus(AT_ONCE)));
    starts.take_while(move |at| *at < end).map(move |at| Period { start: at, end: at.plus(AT_ONCE).min(end) })
}

/// Reads the runs that touch one of the [`parts`] of a period.
pub async fn read(commands: &SlurmCommands, cluster: &ClusterName, part: &Period) -> Result<Touching, SettledError> {
    let mut touching = Touching::default();
    let args = args(cluster, part.start, part.end, &[]);
    let each = |line: &[u8]| match parse(&String::from_utf8_lossy(line)) {
        Some(Some((run, _))) => drop(touching.runs.insert((run.job_id, run.submit), run)),
        // What never ran used nothing.
        Some(None) => {}
        None => touching.unreadable.push(String::from_utf8_lossy(line).into_owned()),
    };
    let read = commands.read_lines(Tool::Sacct, &args, commands.change_timeout, each).await;
    read.map_err(|source| SettledError::Command { cluster: cluster.to_string(), source })?;
    Ok(touching)
}

/// The seconds inside `period` in which these jobs' runs were not suspended, by job number and submit time.
pub async fn busy_within(
    commands: &SlurmCommands,
    cluster: &ClusterName,
    period: &Period,
    job_ids: &[u32],
) -> Result<BTreeMap<(u32, Timestamp), u64>, SettledError> {
    let mut busy = BTreeMap::new();
    for some in job_ids.chunks(NAMED_AT_ONCE) {
        let named: Vec<String> = some.iter().map(u32::to_string).collect();
        let args = args(cluster, period.start, period.end, &["-T", "-j", &named.join(",")]);
        let text = commands.read(Tool::Sacct, &args).await;
        let text = text.map_err(|source| SettledError::Command { cluster: cluster.to_string(), source })?;
        let rows = text.lines().filter_map(|line| parse(line).flatten());
        busy.extend(rows.map(|(run, elapsed)| ((run.job_id, run.submit), elapsed)));
    }
    Ok(busy)
}

fn args(cluster: &ClusterName, from: Timestamp, until: Timestamp, more: &[&str]) -> Vec<String> {
    let (from, until) = (format!("uts{}", from.0), format!("uts{}", until.0));
    let name = cluster.as_str();
    let all = ["-a", "-D", "-X", "-P", "-n", "--noconvert", "-S", &from, "-E", &until, "-M", name, FIELDS];
    words(&[&all[..], more].concat())
}

/// The run of a line and its ElapsedRaw; `Some(None)` is a run that never started, `None` no run at all.
fn parse(line: &str) -> Option<Option<(Overlapping, u64)>> {
    let fields: Vec<&str> = line.split('|').collect();
    let [job_id, submit, start, end, state, suspended, elapsed, reservation, account, user, alloc, nodes] =
        fields.as_slice()
    else {
        return None;
    };
    let (job_id, submit, start, end) = (job_id.parse().ok()?, instant(submit)??, instant(start)?, instant(end)?);
    let (Some(start), false) = (start, *nodes == "None assigned" || nodes.is_empty()) else { return Some(None) };
    let run = Overlapping {
        job_id,
        submit,
        start,
        end,
        is_suspended: *state == "SUSPENDED",
        suspended: duration(suspended)?,
        reservation: if reservation.is_empty() { 0 } else { reservation.parse().ok()? },
        account: (*account).to_owned(),
        user: (*user).to_owned(),
        held: tres(alloc)?,
    };
    Some(Some((run, elapsed.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_lines_of_sacct_then_the_start_is_slurms_own_and_an_open_run_has_no_end() {
        // As 22.05.8 printed them: a job that was made smaller, one whose end was lost, one in a reservation.
        let resized = "104|1795546200|1795543400|1795548200|COMPLETED|00:00:00|4800||optics|ben|\
            billing=2,cpu=2,mem=200M,node=1|n1";
        let (run, elapsed) = parse(resized).unwrap().unwrap();
        assert_eq!(
            (run.submit.0, run.start.0, run.end),
            (1_795_546_200, 1_795_543_400, Some(Timestamp(1_795_548_200)))
        );
        assert_eq!((run.held["mem"], run.reservation, elapsed), (200, 0, 4_800));
        let open = "117|1795543500|1795544400|Unknown|RUNNING|00:20:00|15210|1|physics|ana|cpu=1,mem=100M,node=1|n2";
        let (run, _) = parse(open).unwrap().unwrap();
        assert_eq!((run.end, run.is_suspended, run.suspended, run.reservation), (None, false, 1_200, 1));
    }

    #[test]
    fn given_a_period_then_its_parts_are_days_that_meet() {
        let period = Period { start: Timestamp(3_600), end: Timestamp(180_000) };
        let parts: Vec<(i64, i64)> = parts(&period).map(|part| (part.start.0, part.end.0)).collect();
        assert_eq!(parts, [(3_600, 90_000), (90_000, 176_400), (176_400, 180_000)]);
    }

    #[test]
    fn given_what_never_ran_then_it_is_no_run_and_no_error() {
        let cancelled = "105|1795543500|1795543600|1795543600|CANCELLED by 1|00:00:00|0||physics|ana||None assigned";
        assert_eq!(parse(cancelled), Some(None));
        let waiting = "118|1795543500|Unknown|Unknown|PENDING|00:00:00|0||physics|ana||None assigned";
        assert_eq!(parse(waiting), Some(None));
        assert_eq!(parse("118|1795543500|soon|Unknown|PENDING|00:00:00|0||physics|ana||n1"), None);
        assert_eq!(parse("what is this"), None);
    }
}
