//! Prices what was consumed in a period: every run is cut where its price changes, what costs the same for the same
//! people is one line, and every line is rounded once.

use std::sync::Arc;

use bursar_policy::Period;

use super::card::{Card, Suspended, Version};
use super::charge::{Item, items};
use super::consumption::{Consumption, StorageUse};
use super::exact::Exact;
use super::line::{Bill, Kind, Reason, Unmeasured, Unpriced};
use super::lines::Lines;
use super::pool::Pools;
use super::terms::Terms;
use super::timeline::{Piece, Timeline};
use crate::accounting::calendar::OutsideCalendar;

/// Why there is no bill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The amount of a line is too large to be written.
    #[error("cannot bill {what}: its amount does not fit; check the rate card and the runs of {account}")]
    TooLarge {
        /// What the line is of.
        what: String,
        /// Whose it is.
        account: String,
    },
    /// The period or a part of it.
    #[error("cannot bill the period: {0}")]
    Calendar(#[from] OutsideCalendar),
}

/// No cluster has more of anything; in MiB it is a zettabyte.
const MOST_HELD: u64 = 1_000_000_000_000_000;

/// The lines of `period` for runs and stored data, by `card`.
///
/// `runs` are whole, from their start to their end, whatever part of them lies in the period; those outside it are left
/// out, and of two that are the same one is. The period is one for which allowances, volumes and fixed prices are meant,
/// as a month; the bill of an unfinished one is that of the whole with what is known so far. The result does not depend
/// on the order of anything.
///
/// Fails if the calendar does not have the period or a line does not fit. Runs that cannot be priced are in
/// [`Bill::unpriced`].
pub fn bill(card: &Card, period: Period, runs: &[Consumption], stored: &[StorageUse]) -> Result<Bill, Error> {
    let timeline = card.timeline(period)?;
    let mut billing =
        Billing { card, period, timeline, pools: Pools::default(), lines: Lines::default(), unpriced: Vec::new() };
    let mut runs: Vec<&Consumption> = runs.iter().collect();
    runs.sort_by(|left, right| (left.start, &left.key).cmp(&(right.start, &right.key)).then_with(|| left.cmp(right)));
    runs.dedup();
    for run in runs {
        if let Err(reason) = billing.run(run) {
            billing.unpriced.push(Unpriced { run: run.key.clone(), reason });
        }
    }
    let mut stored: Vec<&StorageUse> = stored.iter().collect();
    stored.sort();
    stored.dedup();
    let unmeasured = stored.into_iter().filter_map(|stored| billing.stored(stored)).collect();
    billing.fixed();
    let lines = billing.lines.rounded(card)?;
    billing.unpriced.sort();
    Ok(Bill { period, lines, unpriced: billing.unpriced, unmeasured })
}

struct Billing<'c> {
    card: &'c Card,
    period: Period,
    timeline: Timeline,
    pools: Pools<'c>,
    lines: Lines,
    unpriced: Vec<Unpriced>,
}

/// A piece of a run with its price.
struct Priced<'c> {
    piece: Piece,
    version: (usize, &'c Version),
    terms: Terms<'c>,
    items: Vec<Item<'c>>,
    /// Seconds beyond the end of the run for which it is charged.
    extra_s: u64,
}

impl<'c> Billing<'c> {
    /// Adds the lines of a run.
    ///
    /// Nothing is added and nothing used up before its price is known wholly.
    fn run(&mut self, run: &Consumption) -> Result<(), Reason> {
        if run.end < run.start {
            return Err(Reason::EndsBeforeStart);
        }
        if self.period.overlap(run.start, run.end) == 0 {
            return Ok(());
        }
        let known = |at: bursar_policy::Timestamp| jiff::Timestamp::from_second(at.0).is_ok();
        if !known(run.start) || !known(run.end) {
            return Err(Reason::OutsideCalendar);
        }
        if run.nodes > MOST_HELD || run.tres.values().any(|count| *count > MOST_HELD) {
            return Err(Reason::TooLarge);
        }
        let pieces = self.timeline.split(run);
        let unpriced = pieces.iter().any(|piece| piece.version.is_none());
        let priced = self.priced(run, &pieces)?;
        let minimum = self.short_of_minimum(run, &priced)?;
        for priced in &priced {
            for item in &priced.items {
                let extra = i128::from(priced.extra_s).saturating_mul(i128::from(item.count));
                let held = vec![(priced.piece.time, item.count)];
                let parts = self.pools.take(priced.version, run, item, held, extra);
                let kind = if run.idle { Kind::Idle } else { Kind::Usage };
                self.lines.parts(self.card, run, (priced.version.1, &priced.terms), item, kind, parts);
            }
        }
        if let (Some(last), Some((currency, short))) = (priced.last(), minimum) {
            self.lines.minimum(self.card, run, (last.version.1, &last.terms), currency, short);
        }
        if unpriced { Err(Reason::NoVersion) } else { Ok(()) }
    }

    fn priced(&self, run: &Consumption, pieces: &[Piece]) -> Result<Vec<Priced<'c>>, Reason> {
        let mut all = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let Some(position) = piece.version else { continue };
            let Some(version) = self.card.versions.get(position) else { continue };
            let terms = version.terms(run, piece.open).ok_or(Reason::TooLarge)?;
            let suspended: Option<Suspended> = piece.suspended.then_some(self.card.suspended);
            let items = items(&terms, run, suspended).ok_or(Reason::TooLarge)?;
            // What lies beyond the end is charged where the end is, so that it is in one period whatever the cut.
            let ends_here = piece.time.end == run.end && !run.is_open();
            let extra_s = if ends_here { terms.extra_s(run.length_s()) } else { 0 };
            all.push(Priced { piece: *piece, version: (position, version), terms, items, extra_s });
        }
        Ok(all)
    }

    /// By how many billionths of a currency a run that ends in this period costs less than the least, all of it by list
    /// prices.
    fn short_of_minimum(&self, run: &Consumption, priced: &[Priced<'c>]) -> Result<Option<(usize, u64)>, Reason> {
        let ends = priced.last().filter(|last| last.piece.time.end == run.end && !run.is_open());
        let Some(minimum) = ends.and_then(|last| last.terms.minimum) else { return Ok(None) };
        let whole = Period { start: run.start, end: run.end };
        let earlier;
        let priced = if run.start < self.period.start {
            let timeline = self.card.timeline(whole).map_err(|_| Reason::OutsideCalendar)?;
            earlier = self.priced(run, &timeline.split(run))?;
            &earlier
        } else {
            priced
        };
        let mut left = u64::try_from(minimum.amount.0).unwrap_or(0);
        for priced in priced {
            let seconds = priced.piece.time.length().saturating_add(priced.extra_s);
            for item in priced.items.iter().filter(|item| item.rate.currency == minimum.currency) {
                // What does not fit is more than any minimum.
                left = left.saturating_sub(item.billionths(seconds).unwrap_or(u64::MAX));
            }
        }
        Ok((left > 0).then_some((minimum.currency, left)))
    }

    /// Adds the lines of stored data; comes back with what nobody knows of it.
    fn stored(&mut self, stored: &StorageUse) -> Option<Unmeasured> {
        let steps = stored.steps(self.period);
        let holder = stored.holder(self.period);
        let tres = format!("storage/{}", stored.place);
        for piece in self.timeline.split(&holder) {
            let version = piece.version.and_then(|position| Some((position, self.card.versions.get(position)?)));
            let Some((position, version)) = version else { continue };
            let Some(terms) = version.terms(&holder, piece.open) else { continue };
            let Some((tres, rate)) = terms.rates.get_key_value(tres.as_str()).map(|(tres, rate)| (*tres, *rate)) else {
                continue;
            };
            let within = |(time, bytes): &(Period, u64)| {
                let time = Period { start: time.start.max(piece.time.start), end: time.end.min(piece.time.end) };
                (time.start < time.end).then_some((time, rate.unit.counted(*bytes)?))
            };
            let held: Vec<(Period, u64)> = steps.known.iter().filter_map(within).collect();
            let item = Item { tres, rate, count: 0, factor: terms.factor };
            let parts = self.pools.take((position, version), &holder, &item, held, 0);
            self.lines.parts(self.card, &holder, (version, &terms), &item, Kind::Storage, parts);
        }
        let unknown = Unmeasured {
            account: stored.account.clone(),
            user: stored.user.clone(),
            place: stored.place.clone(),
            seconds: steps.unknown_s,
        };
        (unknown.seconds > 0).then_some(unknown)
    }

    /// Adds what reserved capacity costs, for the share of the period in which its version is in force.
    fn fixed(&mut self) {
        let nexts = self.card.versions.iter().skip(1).map(|next| next.from).chain([bursar_policy::Timestamp::NEVER]);
        for (version, until) in self.card.versions.iter().zip(nexts) {
            let seconds = self.period.overlap(version.from, until);
            for reserved in version.reserved.iter().filter(|_| seconds > 0) {
                let share = Exact::new(i128::from(seconds), i128::from(self.period.length()));
                self.lines.fixed(self.card, version, reserved, seconds, share.unwrap_or(Exact::ZERO));
            }
        }
    }
}

impl StorageUse {
    /// Somebody who holds nothing but the data, for the rules that match.
    fn holder(&self, period: Period) -> Consumption {
        Consumption {
            key: super::RunKey { cluster: "".into(), jobid: 0, submitted_at: period.start },
            user: self.user.as_str().into(),
            uid: self.uid,
            account: self.account.as_str().into(),
            cost_center: self.cost_center.as_str().into(),
            partition: "".into(),
            qos: "".into(),
            state: "".into(),
            features: Vec::new(),
            start: period.start,
            end: period.end,
            suspended_s: 0,
            nodes: 0,
            tres: Arc::default(),
            idle: false,
        }
    }
}
