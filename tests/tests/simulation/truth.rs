//! What really was consumed: every stretch of every run, reckoned without any of bursar's numbers.

use std::collections::BTreeMap;
use std::fmt;

use bursar_policy::{Period, PeriodKind, Timestamp};

use super::job::{Excuse, Job};
use super::site::{ACCOUNTS, PEOPLE, Site, line};

/// A stretch of time on CPUs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    /// Whose: a position among the model's jobs.
    pub(crate) job: usize,
    /// The CPUs.
    pub(crate) cpus: u64,
    /// The account at that time.
    pub(crate) account: usize,
    /// From.
    pub(crate) from: Timestamp,
    /// To; [`Timestamp::NEVER`] while it goes on.
    pub(crate) to: Timestamp,
    /// Whether it belongs to a run after a requeue.
    pub(crate) second: bool,
}

/// A wish that was refused for want of CPU time in the current period.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// Whose limit.
    pub(crate) owner: usize,
    /// In which kind of period.
    pub(crate) kind: PeriodKind,
    /// CPU-seconds that would really have been consumed in it.
    pub(crate) cpu_seconds: u64,
}

/// All stretches and wishes.
#[derive(Default)]
pub(crate) struct Truth {
    stretches: Vec<Stretch>,
    open: BTreeMap<usize, usize>,
    wishes: Vec<Wish>,
}

/// What one owner consumed in a period.
#[derive(Debug, Clone, Default)]
pub(crate) struct Consumed {
    /// By jobs that run once and have no excuse.
    pub(crate) plain: u64,
    /// By the others.
    pub(crate) excused: BTreeMap<Excuse, u64>,
}

impl Consumed {
    fn all(&self) -> u64 {
        self.plain + self.excused.values().sum::<u64>()
    }
}

/// A limit that did not hold.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    /// When it was seen.
    pub(crate) at: Timestamp,
    /// Everything a reader needs.
    pub(crate) text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Sums over periods with a limit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Periods in which somebody was refused for this limit.
    pub(crate) periods: u64,
    /// Their limits.
    pub(crate) limit: u64,
    /// What was consumed in them.
    pub(crate) consumed: u64,
    /// What refused jobs would have consumed beyond that and within the limit.
    pub(crate) careful: u64,
    /// By how much limits were passed, each excuse's part at most.
    pub(crate) over: [u64; 3],
}

impl Truth {
    /// A job runs from now on.
    pub(crate) fn runs(&mut self, at: usize, job: &Job, now: Timestamp) {
        self.open.insert(at, self.stretches.len());
        let (cpus, account, second) = (job.cpus, job.account, job.restarts > 0);
        self.stretches.push(Stretch { job: at, cpus, account, from: now, to: Timestamp::NEVER, second });
    }

    /// It runs no more.
    pub(crate) fn stands(&mut self, at: usize, now: Timestamp) {
        if let Some(open) = self.open.remove(&at) {
            self.stretches[open].to = now;
        }
    }

    /// Notes a refusal.
    pub(crate) fn wish(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }

    fn consumed(&self, jobs: &[Job], period: &Period, now: Timestamp) -> Vec<Consumed> {
        let mut owners = vec![Consumed::default(); PEOPLE + ACCOUNTS.len()];
        for stretch in self.stretches.iter().filter(|stretch| stretch.to > period.start) {
            let seconds = period.overlap(stretch.from, stretch.to.min(now));
            if seconds == 0 {
                continue;
            }
            let job = &jobs[stretch.job];
            let excuse = if stretch.second { Some(Excuse::Requeued) } else { job.excuse };
            for owner in std::iter::once(job.person).chain(line(stretch.account).map(|account| PEOPLE + account)) {
                let sum = match excuse {
                    None => &mut owners[owner].plain,
                    Some(excuse) => owners[owner].excused.entry(excuse).or_default(),
                };
                *sum += seconds * stretch.cpus;
            }
        }
        owners
    }

    /// Checks every limit of `kind` in `period` as far as `now`.
    pub(crate) fn check(
        &self,
        site: &Site,
        jobs: &[Job],
        kind: PeriodKind,
        period: &Period,
        now: Timestamp,
    ) -> Result<(), Violation> {
        for (owner, consumed) in self.consumed(jobs, period, now).into_iter().enumerate() {
            let Some(limit) = site.limits[owner][kind.index()] else { continue };
            if consumed.plain > limit {
                return Err(self.violation(site, jobs, owner, kind, period, limit, &consumed, now));
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "all of it stands in the message")]
    fn violation(
        &self,
        site: &Site,
        jobs: &[Job],
        owner: usize,
        kind: PeriodKind,
        period: &Period,
        limit: u64,
        consumed: &Consumed,
        now: Timestamp,
    ) -> Violation {
        let text = |at| site.calendar.text(at);
        let mut by_job: BTreeMap<usize, u64> = BTreeMap::new();
        for stretch in &self.stretches {
            let theirs = match owner.checked_sub(PEOPLE) {
                None => jobs[stretch.job].person == owner,
                Some(account) => line(stretch.account).any(|above| above == account),
            };
            let seconds = period.overlap(stretch.from, stretch.to.min(now));
            if theirs && seconds > 0 {
                *by_job.entry(stretch.job).or_default() += seconds * stretch.cpus;
            }
        }
        let mut lines = vec![format!(
            "{}: {} consumed {} CPU-seconds of {limit} in the {} {} .. {} (beside them, excused: {:?})",
            text(now),
            Site::owner(owner),
            consumed.plain,
            kind.word(),
            text(period.start),
            text(period.end),
            consumed.excused,
        )];
        let mut largest: Vec<_> = by_job.into_iter().collect();
        largest.sort_by_key(|(at, sum)| (std::cmp::Reverse(*sum), *at));
        let more = largest.len().saturating_sub(25);
        for (at, sum) in largest.into_iter().take(25) {
            let job = &jobs[at];
            let excuse = job.excuse.map_or(String::new(), |excuse| format!(", {excuse:?}"));
            lines.push(format!("  job {} of submission {}: {sum} CPU-seconds{excuse}", job.id, job.plan));
            for (when, what) in &job.history {
                let second = when.0.rem_euclid(60);
                lines.push(format!("    {} +{second:02} s ({}) {what}", text(*when), when.0));
            }
        }
        if more > 0 {
            lines.push(format!("  and {more} smaller jobs"));
        }
        Violation { at: now, text: lines.join("\n") }
    }

    /// Adds a period that has just ended to `tally`, and forgets its wishes.
    pub(crate) fn tally(&mut self, site: &Site, jobs: &[Job], kind: PeriodKind, period: &Period, tally: &mut Tally) {
        let (mine, rest) = std::mem::take(&mut self.wishes).into_iter().partition(|wish| wish.kind == kind);
        self.wishes = rest;
        let mine: Vec<Wish> = mine;
        for (owner, consumed) in self.consumed(jobs, period, period.end).into_iter().enumerate() {
            let Some(limit) = site.limits[owner][kind.index()] else { continue };
            let over = consumed.all().saturating_sub(limit);
            for (excuse, sum) in &consumed.excused {
                tally.over[*excuse as usize] += over.min(*sum);
            }
            let mut room = limit.saturating_sub(consumed.all());
            let mut wishes = mine.iter().filter(|wish| wish.owner == owner).peekable();
            if wishes.peek().is_none() {
                continue;
            }
            tally.periods += 1;
            tally.limit += limit;
            tally.consumed += consumed.all();
            for wish in wishes {
                if wish.cpu_seconds <= room {
                    room -= wish.cpu_seconds;
                    tally.careful += wish.cpu_seconds;
                }
            }
        }
    }
}
