//! Lays out what a report looks at: its stretches of time, and where each second of them is read from.

use bursar_policy::{Period, PeriodKind, Timestamp};

use crate::accounting::Calendar;
use crate::accounting::calendar::OutsideCalendar;
use crate::accounting::measure::Measures;
use crate::store::ledger::{Part, Span};

/// No report has more stretches than this: a century of days.
const MOST: usize = 36_525;

/// The stretches of a report, next to each other and oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretches {
    all: Vec<Period>,
    /// Each as it is called.
    names: Vec<String>,
}

/// Why a period cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// An instant of it is no date.
    #[error(transparent)]
    Outside(#[from] OutsideCalendar),
    /// It would be too many.
    #[error("a report has at most {MOST} lines of time; name a later start= or an earlier end=")]
    TooMany,
}

impl Stretches {
    /// The whole period as one.
    pub fn whole(period: Period) -> Self {
        Self { all: vec![period], names: vec![String::new()] }
    }

    /// The period cut at the edges of a calendar.
    pub fn cut(period: Period, kind: PeriodKind, calendar: &Calendar) -> Result<Self, CutError> {
        let (mut all, mut names) = (Vec::new(), Vec::new());
        let mut at = period.start;
        while at < period.end {
            if all.len() >= MOST {
                return Err(CutError::TooMany);
            }
            let whole = calendar.period(kind, at)?;
            let date = calendar.zoned(whole.start)?.strftime("%Y-%m-%d").to_string();
            names.push(match kind {
                PeriodKind::Month => date.get(..7).unwrap_or_default().to_owned(),
                PeriodKind::Day | PeriodKind::Week | PeriodKind::Quarter | PeriodKind::Year => date,
            });
            let end = whole.end.min(period.end);
            all.push(Period { start: at, end });
            at = end;
        }
        Ok(Self { all, names })
    }

    /// The stretches.
    pub fn all(&self) -> &[Period] {
        &self.all
    }

    /// How a stretch is called: its first day, a month by its number.
    pub fn name(&self, stretch: usize) -> &str {
        self.names.get(stretch).map_or("", String::as_str)
    }

    /// Where the seconds are read from: whole days of the site from their sums, if no edge lies within one.
    pub fn spans(&self, site: &Calendar) -> Result<Vec<Span>, OutsideCalendar> {
        let (Some(first), Some(last)) = (self.all.first(), self.all.last()) else { return Ok(Vec::new()) };
        let whole = Period { start: first.start, end: last.end };
        let day = |at| site.period(PeriodKind::Day, at);
        let mut on_midnights = true;
        for stretch in self.all.iter().skip(1) {
            on_midnights &= day(stretch.start)?.start == stretch.start;
        }
        let of_start = day(whole.start)?;
        let from = if of_start.start == whole.start { whole.start } else { of_start.end };
        let until = day(whole.end)?.start;
        if !on_midnights || from >= until {
            return Ok(vec![Span::Exact(whole)]);
        }
        let edges = [Period { start: whole.start, end: from }, Period { start: until, end: whole.end }];
        let edges = edges.into_iter().filter(|edge| edge.length() > 0).map(Span::Exact);
        Ok(std::iter::once(Span::Days(Period { start: from, end: until })).chain(edges).collect())
    }

    /// What a part that was read from `span` amounts to in each stretch.
    pub fn share_out(&self, span: &Span, part: &Part, mut each: impl FnMut(usize, Measures)) {
        match part {
            Part::Day(day, sum) => {
                if let Some(stretch) = self.of(*day) {
                    each(stretch, self.within(stretch, *day, *sum));
                }
            }
            Part::Posting(stint, back) => {
                let (Span::Days(bounds) | Span::Exact(bounds)) = span;
                let first = self.of(stint.start.max(bounds.start)).unwrap_or(0);
                for (stretch, period) in self.all.iter().enumerate().skip(first) {
                    if stint.end < period.start {
                        break;
                    }
                    let period = Period { start: period.start.max(bounds.start), end: period.end.min(bounds.end) };
                    let sum = self.within(stretch, period.start, stint.within(&period));
                    if !sum.is_zero() {
                        each(stretch, if *back { -sum } else { sum });
                    }
                }
            }
        }
    }

    /// `sum` of a part of a stretch: where the stretch began before, its runs were counted there.
    fn within(&self, stretch: usize, from: Timestamp, sum: Measures) -> Measures {
        let begins = self.all.get(stretch).is_some_and(|period| period.start == from);
        if begins { sum } else { sum.continued() }
    }

    /// The stretch that has `at`.
    pub fn of(&self, at: Timestamp) -> Option<usize> {
        let next = self.all.partition_point(|period| period.start <= at);
        next.checked_sub(1).filter(|last| self.all.get(*last).is_some_and(|period| period.contains(at)))
    }
}
