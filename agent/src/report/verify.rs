//! Takes apart how the ledger's seconds differ from those that slurmdbd has rolled up, until nothing is left; pure.
//!
//! Each run that slurmdbd knows is counted twice, as slurmdbd rolls it up and as the ledger counts it; what that differs by
//! has a [`Cause`]. Both sums are then compared as they were reported, so that whatever no run accounts for stays
//! behind as unexplained: a posting that was changed, a row that was lost, an error in either arithmetic.

mod count;
mod line;
mod reserved;

use std::collections::BTreeMap;

pub use count::{Frame, Told};
pub use line::{Cause, Line};

use count::Count;

use crate::accounting::measure::{Measure, Measures};
use crate::slurm::overlapping::Overlapping;
use crate::slurm::reserved::{Association, Reservation};
use crate::slurm::sreport::Reported;

/// What is compared, by Slurm's names.
pub const THINGS: [(&str, Measure); 5] = [
    ("cpu", Measure::Cpu),
    ("mem", Measure::Memory),
    ("node", Measure::Node),
    ("billing", Measure::Billing),
    ("gres/gpu", Measure::Gpu),
];

/// Both sums of all associations, as they come together.
#[derive(Debug)]
pub struct Comparison {
    frame: Frame,
    lines: BTreeMap<(String, String, &'static str), Line>,
}

impl Comparison {
    /// Nothing yet.
    pub const fn new(frame: Frame) -> Self {
        Self { frame, lines: BTreeMap::new() }
    }

    /// Names are compared in small letters, as slurmdbd keeps them.
    fn line(&mut self, account: &str, user: &str, tres: &'static str) -> &mut Line {
        let (account, user) = (account.to_ascii_lowercase(), user.to_ascii_lowercase());
        self.lines.entry((account.clone(), user.clone(), tres)).or_insert_with(|| Line {
            account,
            user,
            tres,
            ..Line::default()
        })
    }

    /// Adds what the ledger has for somebody.
    pub fn add_ledger(&mut self, account: &str, user: &str, sum: &Measures) {
        for (tres, measure) in THINGS {
            let line = self.line(account, user, tres);
            line.ledger = line.ledger.saturating_add(sum.get(measure));
        }
    }

    /// Adds what slurmdbd reports; of an account what is its own, since its row has everything below it in it.
    pub fn add_slurm(&mut self, reported: &[Reported], associations: &[Association]) {
        let parents: BTreeMap<&str, &str> = associations
            .iter()
            .filter(|of| of.user.is_empty() && !of.parent.is_empty())
            .map(|of| (of.account.as_str(), of.parent.as_str()))
            .collect();
        for row in reported {
            let Some((tres, _)) = THINGS.into_iter().find(|(name, _)| *name == row.tres) else { continue };
            let seconds = signed(row.seconds);
            self.line(&row.account, &row.user, tres).add_slurm(seconds);
            let above = if row.user.is_empty() {
                parents.get(row.account.as_str()).copied()
            } else {
                Some(row.account.as_str())
            };
            if let Some(above) = above {
                self.line(above, "", tres).add_slurm(-seconds);
            }
        }
    }

    /// Adds what slurmdbd charges for reservations.
    pub fn add_reserved(&mut self, reservations: &[Reservation], runs: &[&Overlapping], associations: &[Association]) {
        let idle = reserved::idle(reservations, runs, &self.frame.rolled());
        let by_number: BTreeMap<&str, &Association> = associations.iter().map(|of| (of.id.as_str(), of)).collect();
        for ((number, tres), seconds) in idle {
            if let Some(of) = by_number.get(number) {
                self.line(&of.account, &of.user, tres).add(Cause::Reserved, seconds);
            }
        }
    }

    /// Adds what slurmdbd and the ledger make of a run differently.
    pub fn add_run(&mut self, told: &Told<'_>) {
        let run = told.run;
        let rolled = told.rolled_up(&self.frame.rolled());
        let ours = Count { frame: self.frame, run };
        for (tres, measure) in THINGS {
            let slurm = rolled.get(measure);
            let line = self.line(&run.account, &run.user, tres);
            match run.end {
                None => {
                    line.add(Cause::Open, slurm);
                    if run.is_suspended && measure == Measure::Cpu {
                        line.doubtful = line.doubtful.saturating_add(slurm);
                    }
                }
                Some(_) if !told.in_ledger => line.add(Cause::Late, slurm),
                Some(end) => {
                    let (resize, after) = (ours.before_resize(end).get(measure), ours.not_rolled_up(end).get(measure));
                    line.add(Cause::Resize, resize);
                    line.add(Cause::CurrentHour, -after);
                    line.add(Cause::Suspended, slurm - ours.ledger(end).get(measure) - resize + after);
                }
            }
        }
    }

    /// Every line, by account, user and TRES.
    pub fn lines(self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.lines.into_values().collect();
        for line in &mut lines {
            let left = line.unexplained();
            // slurmdbd tells of a suspension that goes on neither when it began nor how long it was before.
            if left < 0 && left >= -line.doubtful {
                line.add(Cause::Open, left);
            }
        }
        lines
    }
}

fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
