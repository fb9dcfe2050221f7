//! `verify`: the ledger beside what slurmdbd has rolled up, and why they differ.

mod slurm;

use std::collections::{BTreeMap, HashMap, HashSet};

use bursar_policy::{Period, PeriodKind, Timestamp};

use slurm::Slurm;

use super::Answer;
use super::no::No;
use super::session::Session;
use crate::accounting::measure::Measures;
use crate::cli::entity::command::VERIFY;
use crate::daemon::site::chain;
use crate::report::plan::Stretches;
use crate::report::verify::{Cause, Comparison, Frame, Line, THINGS};
use crate::slurm::desired::ClusterName;
use crate::slurm::overlapping::Touching;
use crate::slurm::sreport::HOUR;
use crate::slurm::{SlurmCommands, settled};
use crate::store::ledger::Attribution;
use crate::wire::{Cell, Query, Response};

/// Runs end while slurmdbd and the ledger are read one after the other; so often both are read anew.
const TRIES: u32 = 3;

/// A run's job number and submit time.
type RunKey = (u32, Timestamp);

pub(super) async fn verify(session: &Session<'_>, query: &Query) -> Answer {
    session.caller.must_see_all("verify")?;
    let period = asked(session, query)?;
    let machine = &session.view.config.machine;
    let cluster = ClusterName::new(&machine.cluster).map_err(unavailable)?;
    let commands = SlurmCommands { bin_dir: Some(machine.paths.slurm_bin.clone()), ..SlurmCommands::default() };
    settled::check_rights(&commands, &cluster).await.map_err(unavailable)?;

    let rolled_until = slurm::rolled_until(&commands, &cluster, &period, session.now).await?;
    let frame = Frame { period, rolled_until };
    let mut tries = TRIES;
    let (slurm, mut comparison, known) = loop {
        let slurm = Slurm::read(&commands, &cluster, &session.site.store, frame).await?;
        // After slurmdbd's rows, so that no run of theirs is late because it came in between.
        let (comparison, known) = ledger(session, frame, &slurm.touching).await?;
        tries -= 1;
        if tries == 0 || !slurm.is_overtaken(&known) {
            break (slurm, comparison, known);
        }
    };
    slurm.add_to(&mut comparison, &known);

    let lines = comparison.lines();
    let notes = notes(session, &frame, &slurm.touching, &lines);
    let refusal = refusal(&lines);
    let all = query.has_flag("all");
    let shown = lines.into_iter().filter(|line| all || line.differs());
    let table = session.rows(&VERIFY, query, shown, |line, field| cell(session, line, field));
    Ok(Response::Judged { table, notes, refusal })
}

fn unavailable(error: impl std::error::Error) -> No {
    No::Unavailable(chain(&error))
}

/// From `start=` to `end=`; without both, the site's yesterday.
fn asked(session: &Session<'_>, query: &Query) -> Result<Period, No> {
    let calendar = &session.view.calendar;
    let day = |at| calendar.period(PeriodKind::Day, at).map_err(unavailable);
    let last_hour = Timestamp(session.now.0 - session.now.0.rem_euclid(HOUR));
    let (start, end) = (session.instant(&query.filter, "start")?, session.instant(&query.filter, "end")?);
    let period = match (start, end) {
        (None, None) => {
            let today = day(session.now)?.start;
            Period { start: day(Timestamp(today.0 - 1))?.start, end: today }
        }
        (Some(start), end) => Period { start, end: end.unwrap_or(last_hour) },
        (None, Some(_)) => return Err(No::Usage("end= needs start=".to_owned())),
    };
    let edges = [period.start, period.end];
    if let Some(edge) = edges.into_iter().find(|edge| edge.0.rem_euclid(HOUR) != 0) {
        return Err(No::Usage(format!(
            "{} is no whole hour of UTC, and slurmdbd sums up whole hours only; name another start= or end=",
            calendar.text(edge)
        )));
    }
    if period.end <= period.start {
        return Err(No::Usage("the period ends before it begins; check start= and end=".to_owned()));
    }
    if last_hour <= period.start {
        return Err(nothing_rolled_up());
    }
    Ok(period)
}

fn nothing_rolled_up() -> No {
    No::Unavailable(
        "slurmdbd has rolled up nothing of this period: it does so after each full hour, for a cluster that had \
         registered by then; wait for it, or name an earlier period"
            .to_owned(),
    )
}

/// What the ledger has of this cluster, and which of the runs are in it, as of one moment.
async fn ledger(session: &Session<'_>, frame: Frame, touching: &Touching) -> Result<(Comparison, HashSet<RunKey>), No> {
    let store = &session.site.store;
    let ids: Vec<u32> = touching.runs.keys().map(|(job_id, _)| *job_id).collect();
    let stretches = Stretches::whole(frame.period);
    let spans = stretches.spans(&session.view.calendar).map_err(unavailable)?;
    let mut known = store.ended_among(session.cluster(), &ids).await?;
    loop {
        let mut sums: HashMap<i64, (Attribution, Measures)> = HashMap::new();
        let each = |span: &_, number, of: &Attribution, part| {
            if of.cluster == session.cluster() {
                let (_, sum) = sums.entry(number).or_insert_with(|| (of.clone(), Measures::default()));
                stretches.share_out(span, &part, |_, measures| *sum += measures);
            }
        };
        store.sums(&session.view.calendar, &spans, each).await?;
        let after = store.ended_among(session.cluster(), &ids).await?;
        if after == known {
            let mut comparison = Comparison::new(frame);
            for (of, sum) in sums.values() {
                comparison.add_ledger(&of.account, &of.user_name, sum);
            }
            return Ok((comparison, known));
        }
        // A reading came in between: which of its runs are in the sums cannot be told.
        known = after;
    }
}

fn notes(session: &Session<'_>, frame: &Frame, touching: &Touching, lines: &[Line]) -> Vec<String> {
    let text = |at| session.view.calendar.text(at);
    let Period { start, end } = frame.period;
    let differing = lines.iter().filter(|line| line.differs()).count();
    let mut notes = vec![format!("{} until {}: {differing} of {} sums differ", text(start), text(end), lines.len())];
    let mut totals: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for line in lines {
        let (ledger, slurm) = totals.entry(line.tres).or_default();
        *ledger = ledger.saturating_add(line.ledger);
        *slurm = slurm.saturating_add(line.slurm);
    }
    for (tres, _) in THINGS {
        if let Some((ledger, slurm)) = totals.get(tres).filter(|sums| **sums != (0, 0)) {
            notes.push(format!("{tres}: {ledger} in the ledger, {slurm} by slurmdbd"));
        }
    }
    if frame.rolled_until < end {
        notes.push(format!("slurmdbd has rolled up until {}", text(frame.rolled_until)));
    }
    if let Some(line) = touching.unreadable.first() {
        notes.push(format!("{} rows of sacct cannot be read, as {line:?}", touching.unreadable.len()));
    }
    notes
}

/// The no, where something has no cause.
fn refusal(lines: &[Line]) -> Option<String> {
    let unexplained = lines.iter().filter(|line| line.unexplained() != 0);
    let words: Vec<String> = unexplained
        .map(|line| format!("{} of {} {}", line.tres, line.account, line.user).trim_end().to_owned())
        .collect();
    let first = words.first()?;
    Some(format!(
        "{} sums are not explained, the first is {first}: compare `bursar show run` with `sacct -D` of that time",
        words.len()
    ))
}

fn cell(session: &Session<'_>, line: &Line, field: &str) -> Cell {
    let seconds = |seconds: i64| Cell::Decimal(seconds.to_string());
    match field {
        "cluster" => session.cluster().into(),
        "account" => line.account.as_str().into(),
        "user" => line.user.as_str().into(),
        "tres" => line.tres.into(),
        "ledger" => seconds(line.ledger),
        "slurm" => seconds(line.slurm),
        "difference" => seconds(line.difference()),
        "unexplained" => seconds(line.unexplained()),
        _ => Cause::ALL.into_iter().find(|cause| cause.word() == field).map(|cause| seconds(line.of(cause))).into(),
    }
}
