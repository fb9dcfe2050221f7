//! Numbers with their units, as sentences and tables have them.

use std::fmt;

use super::cause::What;
use crate::tres::Resource;

/// An amount at one instant with its unit.
#[derive(Clone, Copy)]
pub(super) struct Amount<'s> {
    pub(super) what: What<'s>,
    pub(super) amount: u64,
}

/// An amount times seconds with its unit.
#[derive(Clone, Copy)]
pub(super) struct Consumption<'s> {
    pub(super) what: What<'s>,
    pub(super) amount: u64,
}

/// The number without its unit.
pub(super) struct Bare<T>(pub(super) T);

impl fmt::Display for Bare<Amount<'_>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.what.resource {
            Resource::Memory => Fraction { number: self.0.amount, of: 1_024 }.fmt(f),
            _ => self.0.amount.fmt(f),
        }
    }
}

impl fmt::Display for Amount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bare(*self).fmt(f)?;
        match self.what.resource {
            Resource::Cpu => f.write_str(" CPUs"),
            Resource::Gpu => f.write_str(" GPUs"),
            Resource::GpuType(_) => write!(f, " {} GPUs", self.what.name),
            Resource::Memory => f.write_str(" GB of memory"),
            Resource::Node => f.write_str(" nodes"),
            Resource::Money => write!(f, " {}", self.what.name),
        }
    }
}

impl fmt::Display for Bare<Consumption<'_>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.what.resource {
            Resource::Memory => Fraction { number: self.0.amount, of: 3_600 * 1_024 }.fmt(f),
            Resource::Money => Fraction { number: self.0.amount, of: MONEY }.fmt(f),
            _ => Hours(self.0.amount).fmt(f),
        }
    }
}

impl fmt::Display for Consumption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bare(*self).fmt(f)?;
        match self.what.resource {
            Resource::Cpu => f.write_str(" CPU-hours"),
            Resource::Gpu => f.write_str(" GPU-hours"),
            Resource::GpuType(_) => write!(f, " {} GPU-hours", self.what.name),
            Resource::Memory => f.write_str(" GB-hours of memory"),
            Resource::Node => f.write_str(" node-hours"),
            Resource::Money => write!(f, " {}", self.what.name),
        }
    }
}

/// How much of [`Resource::Money`] over time is one unit of the currency: millionths an hour, times seconds.
pub const MONEY: u64 = 1_000_000 * 3_600;

/// A number of parts as a decimal with two places, rounded down.
pub(super) struct Fraction {
    number: u64,
    of: u64,
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = u128::from(self.number % self.of) * 100 / u128::from(self.of);
        write!(f, "{}.{rest:02}", self.number / self.of)
    }
}

/// CPU-seconds as CPU-hours with two decimals, rounded down.
pub struct Hours(pub u64);

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Fraction { number: self.0, of: 3_600 }.fmt(f)
    }
}

/// An amount of [`Resource::Money`] over time as units of the currency with two decimals, rounded down.
pub struct Money(pub u64);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Fraction { number: self.0, of: MONEY }.fmt(f)
    }
}

/// Bytes in the largest binary unit that leaves a whole part.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units.into_iter().find(|(of, _)| self.0 >= *of) {
            Some((of, unit)) => write!(f, "{} {unit}", Fraction { number: self.0, of }),
            None => write!(f, "{} bytes", self.0),
        }
    }
}
