//! What really was consumed: every stretch of every run, reckoned without any of bursar's numbers.

use std::collections::BTreeMap;
use std::fmt;

use bursar_policy::{Period, PeriodKind, Timestamp};

use super::job::{Excuse, Job};
use super::limits::{Owner, Rule};
use super::site::{Site, line};
use super::things::{Amounts, NAMES, THINGS};

/// A stretch of time in which a job has something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    /// Whose: a position among the model's jobs.
    pub(crate) job: usize,
    /// What it has.
    pub(crate) held: Amounts,
    /// The account at that time.
    pub(crate) account: usize,
    /// From.
    pub(crate) from: Timestamp,
    /// To; [`Timestamp::NEVER`] while it goes on.
    pub(crate) to: Timestamp,
    /// Whether it belongs to a run after a requeue.
    pub(crate) second: bool,
}

/// A wish that was refused for want of something in the current period.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// Whose limit.
    pub(crate) owner: Owner,
    /// On what.
    pub(crate) thing: usize,
    /// In which kind of period.
    pub(crate) kind: PeriodKind,
    /// What would really have been consumed of it.
    pub(crate) amount: u64,
}

/// All stretches and wishes.
#[derive(Default)]
pub(crate) struct Truth {
    stretches: Vec<Stretch>,
    open: BTreeMap<usize, usize>,
    wishes: Vec<Wish>,
}

/// What one owner consumed of everything in a period.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Consumed {
    /// By jobs that run once and have no excuse.
    plain: Amounts,
    /// By the others, in the order of [`Excuse`].
    excused: [Amounts; 3],
}

impl Consumed {
    fn all(&self, thing: usize) -> u64 {
        self.plain[thing] + self.excused.iter().map(|sum| sum[thing]).sum::<u64>()
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
        let (held, account, second) = (job.held, job.account, job.restarts > 0);
        self.stretches.push(Stretch { job: at, held, account, from: now, to: Timestamp::NEVER, second });
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

    /// What everybody consumed in `period` as far as `now`.
    fn consumed(&self, site: &Site, jobs: &[Job], period: &Period, now: Timestamp) -> BTreeMap<Owner, Consumed> {
        let mut owners: BTreeMap<Owner, Consumed> = BTreeMap::new();
        for stretch in self.stretches.iter().filter(|stretch| stretch.to > period.start) {
            let seconds = period.overlap(stretch.from, stretch.to.min(now));
            if seconds == 0 {
                continue;
            }
            let job = &jobs[stretch.job];
            let excuse = if stretch.second { Some(Excuse::Requeued) } else { job.excuse };
            for owner in payers(site, job.person, stretch.account) {
                let sums = owners.entry(owner).or_default();
                let sum = excuse.map_or(&mut sums.plain, |excuse| &mut sums.excused[excuse as usize]);
                for (sum, held) in sum.iter_mut().zip(stretch.held) {
                    *sum += seconds * held;
                }
            }
        }
        owners
    }

    /// Checks every limit of `kind` that is counted by the calendar at a position, in `period` as far as `now`.
    ///
    /// What is consumed in a period only grows, so a limit that holds at its end has held at every instant of it.
    pub(crate) fn check(
        &self,
        site: &Site,
        jobs: &[Job],
        (calendar, kind): (usize, Option<PeriodKind>),
        period: &Period,
        now: Timestamp,
    ) -> Result<(), Violation> {
        let owners = self.consumed(site, jobs, period, now);
        for rule in site.rules.iter().filter(|rule| rule.kind == kind && Site::calendar_of(rule.owner) == calendar) {
            let Some(consumed) = owners.get(&rule.owner) else { continue };
            if consumed.plain[rule.thing] > rule.most {
                return Err(self.violation(site, jobs, rule, period, consumed, now));
            }
        }
        Ok(())
    }

    fn violation(
        &self,
        site: &Site,
        jobs: &[Job],
        rule: &Rule,
        period: &Period,
        consumed: &Consumed,
        now: Timestamp,
    ) -> Violation {
        let text = |at| site.calendar.text(at);
        let (thing, name) = (rule.thing, NAMES[rule.thing]);
        let mut by_job: BTreeMap<usize, u64> = BTreeMap::new();
        for stretch in &self.stretches {
            let theirs = payers(site, jobs[stretch.job].person, stretch.account).any(|owner| owner == rule.owner);
            let seconds = period.overlap(stretch.from, stretch.to.min(now));
            if theirs && seconds * stretch.held[thing] > 0 {
                *by_job.entry(stretch.job).or_default() += seconds * stretch.held[thing];
            }
        }
        let mut lines = vec![format!(
            "{}: {} consumed {} {name}-seconds of {} in the {} {} .. {} (beside them, excused: {:?})",
            text(now),
            rule.owner.name(),
            consumed.plain[thing],
            rule.most,
            rule.kind.map_or("life of the grant", PeriodKind::word),
            text(period.start),
            text(period.end),
            consumed.excused.map(|sum| sum[thing]),
        )];
        let mut largest: Vec<_> = by_job.into_iter().collect();
        largest.sort_by_key(|(at, sum)| (std::cmp::Reverse(*sum), *at));
        let more = largest.len().saturating_sub(25);
        for (at, sum) in largest.into_iter().take(25) {
            let job = &jobs[at];
            let excuse = job.excuse.map_or(String::new(), |excuse| format!(", {excuse:?}"));
            lines.push(format!("  job {} of submission {}: {sum} {name}-seconds{excuse}", job.id, job.plan));
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

    /// Adds a period that has just ended to `tallies`, by thing, and forgets its wishes.
    pub(crate) fn tally(
        &mut self,
        site: &Site,
        jobs: &[Job],
        (calendar, kind): (usize, PeriodKind),
        period: &Period,
        tallies: &mut [Tally; THINGS],
    ) {
        let here = |wish: &Wish| wish.kind == kind && Site::calendar_of(wish.owner) == calendar;
        let (mine, rest) = std::mem::take(&mut self.wishes).into_iter().partition(here);
        self.wishes = rest;
        let mine: Vec<Wish> = mine;
        let owners = self.consumed(site, jobs, period, period.end);
        let here = |rule: &&Rule| rule.kind == Some(kind) && Site::calendar_of(rule.owner) == calendar;
        for rule in site.rules.iter().filter(here) {
            let consumed = owners.get(&rule.owner).copied().unwrap_or_default();
            let (all, tally) = (consumed.all(rule.thing), &mut tallies[rule.thing]);
            let over = all.saturating_sub(rule.most);
            for (slot, sum) in tally.over.iter_mut().zip(&consumed.excused) {
                *slot += over.min(sum[rule.thing]);
            }
            let mut room = rule.most.saturating_sub(all);
            let theirs = |wish: &&Wish| wish.owner == rule.owner && wish.thing == rule.thing;
            let mut wishes = mine.iter().filter(theirs).peekable();
            if wishes.peek().is_none() {
                continue;
            }
            tally.periods += 1;
            tally.limit += rule.most;
            tally.consumed += all;
            for wish in wishes {
                if wish.amount <= room {
                    room -= wish.amount;
                    tally.careful += wish.amount;
                }
            }
        }
    }
}

/// Everybody whose limits a job of `person` in `account` counts against.
fn payers(site: &Site, person: usize, account: usize) -> impl Iterator<Item = Owner> {
    let above = line(account).flat_map(move |at| [Owner::Account(at), Owner::Seat(person, at)]);
    let covers = move |(holder, at): (usize, usize)| holder == person && line(account).any(|above| above == at);
    let grants = site.grants.iter().zip(1..).filter(move |(grant, _)| covers(**grant)).map(|(_, id)| Owner::Grant(id));
    std::iter::once(Owner::Person(person)).chain(above).chain(grants)
}
