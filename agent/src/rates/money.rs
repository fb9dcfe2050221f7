//! Currencies with their minor units, and rates to a billionth of a currency.

use super::exact::Exact;

/// A currency or a virtual one such as service units.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    /// The code, as in `EUR` or `core-hours`.
    pub code: String,
    /// How many decimals its minor unit has, 0 to 6: 2 for the euro, 0 for the yen.
    pub decimals: u8,
}

impl Currency {
    /// The most decimals.
    pub const MOST_DECIMALS: u8 = 6;

    /// How many minor units one of it has.
    pub fn minor_units(&self) -> u32 {
        10_u32.pow(u32::from(self.decimals.min(Self::MOST_DECIMALS)))
    }

    /// An amount of minor units as people read it, without the code: `-1234` of a currency with cents is `-12.34`.
    pub fn show(&self, amount: i64) -> String {
        let (units, size) = (u64::from(self.minor_units()), amount.unsigned_abs());
        let sign = if amount < 0 { "-" } else { "" };
        match usize::from(self.decimals.min(Self::MOST_DECIMALS)) {
            0 => format!("{sign}{size}"),
            places => format!("{sign}{}.{:0places$}", size / units, size % units),
        }
    }
}

/// What an hour of one unit costs, in billionths of the currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitRate(pub i64);

impl UnitRate {
    /// Billionths in one.
    pub const PARTS: u64 = 1_000_000_000;
    /// The dearest hour, in whole currency.
    pub const MOST: u64 = 1_000_000_000;

    /// The currency an hour.
    pub fn per_hour(self) -> Exact {
        Exact::new(i128::from(self.0), i128::from(Self::PARTS)).unwrap_or(Exact::ZERO)
    }

    /// The currency a second.
    pub fn per_second(self) -> Exact {
        Exact::new(i128::from(self.0), i128::from(Self::PARTS) * 3_600).unwrap_or(Exact::ZERO)
    }
}

impl std::fmt::Display for UnitRate {
    /// The currency an hour with as many decimals as it needs: `0.0125`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0.unsigned_abs() / Self::PARTS, self.0.unsigned_abs() % Self::PARTS);
        let sign = if self.0 < 0 { "-" } else { "" };
        match rest {
            0 => write!(f, "{sign}{whole}"),
            _ => write!(f, "{sign}{whole}.{}", format!("{rest:09}").trim_end_matches('0')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_minor_units_then_they_are_shown_with_the_currencys_decimals() {
        let show = |decimals, amount| Currency { code: "X".into(), decimals }.show(amount);
        assert_eq!([show(2, -5), show(2, 123_456), show(0, 7), show(3, 1_000)], ["-0.05", "1234.56", "7", "1.000"]);
        assert_eq!([show(6, i64::MIN), show(0, i64::MIN)], ["-9223372036854.775808", "-9223372036854775808"]);
    }

    #[test]
    fn given_a_rate_then_it_shows_no_decimals_that_say_nothing() {
        assert_eq!(
            [UnitRate(12_500_000), UnitRate(3_000_000_000), UnitRate(1)].map(|rate| rate.to_string()),
            ["0.0125", "3", "0.000000001"]
        );
    }
}
