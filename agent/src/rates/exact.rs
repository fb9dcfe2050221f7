//! Exact fractions: what rates, factors and amounts are on their way to the one rounding of an invoice line.
//!
//! Every operation is checked. Common divisors are taken out before anything is multiplied, so that only a result which
//! is too large itself is nothing.

use std::cmp::Ordering;

/// A fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exact {
    over: i128,
    under: i128,
}

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self { over: 0, under: 1 };
    /// One.
    pub const ONE: Self = Self { over: 1, under: 1 };

    /// `over` / `under`; nothing if `under` is not above 0.
    pub fn new(over: i128, under: i128) -> Option<Self> {
        if under <= 0 || over == i128::MIN {
            return None;
        }
        let common = common_divisor(over, under);
        Some(Self { over: over / common, under: under / common })
    }

    /// A whole number.
    pub fn whole(number: u64) -> Self {
        Self { over: i128::from(number), under: 1 }
    }

    /// The numerator in lowest terms; it has the sign.
    pub const fn over(self) -> i128 {
        self.over
    }

    /// The denominator in lowest terms, above 0.
    pub const fn under(self) -> i128 {
        self.under
    }

    /// Whether it is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.over > 0
    }

    /// The product; nothing if it does not fit.
    pub fn times(self, other: Self) -> Option<Self> {
        let (left, right) = (common_divisor(self.over, other.under), common_divisor(other.over, self.under));
        let over = (self.over / left).checked_mul(other.over / right)?;
        let under = (self.under / right).checked_mul(other.under / left)?;
        (over != i128::MIN).then_some(Self { over, under })
    }

    /// The quotient; nothing if it does not fit or `other` is not above 0.
    pub fn divided_by(self, other: Self) -> Option<Self> {
        let turned = other.is_positive().then_some(Self { over: other.under, under: other.over })?;
        self.times(turned)
    }

    /// The sum; nothing if it does not fit.
    pub fn plus(self, other: Self) -> Option<Self> {
        let common = common_divisor(self.under, other.under);
        let left = self.over.checked_mul(other.under / common)?;
        let right = other.over.checked_mul(self.under / common)?;
        Self::new(left.checked_add(right)?, (self.under / common).checked_mul(other.under)?)
    }

    /// What is left without `other`; nothing if it does not fit.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { over: other.over.checked_neg()?, under: other.under })
    }

    /// The largest whole number that is not above it.
    pub fn floor(self) -> i128 {
        self.over.div_euclid(self.under)
    }

    /// The whole number that a rule makes of it.
    pub fn rounded(self, rounding: Rounding) -> i128 {
        let (size, rest) = (self.over.abs() / self.under, self.over.abs() % self.under);
        let further = match rounding {
            Rounding::Down => false,
            Rounding::Up => rest > 0,
            Rounding::HalfUp => rest >= self.under - rest,
            Rounding::HalfEven => match rest.cmp(&(self.under - rest)) {
                Ordering::Less => false,
                Ordering::Equal => size % 2 == 1,
                Ordering::Greater => true,
            },
        };
        // The size is at most half of what fits unless the fraction is whole, and then nothing is added.
        let size = if further { size.saturating_add(1) } else { size };
        if self.over < 0 { -size } else { size }
    }
}

/// How an amount becomes a whole number of minor units. Every rule treats a credit as the charge it takes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rounding {
    /// To the nearest; of two as near, the even one.
    #[default]
    HalfEven,
    /// To the nearest; of two as near, the one further from nothing.
    HalfUp,
    /// Away from nothing.
    Up,
    /// Towards nothing.
    Down,
}

impl Rounding {
    /// The words of the file.
    pub const WORDS: [(&'static str, Self); 4] =
        [("half-even", Self::HalfEven), ("half-up", Self::HalfUp), ("up", Self::Up), ("down", Self::Down)];

    /// The rule of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, rule)| rule)
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    /// By size. Cross-multiplying could overflow; comparing whole parts and then the reciprocals of the rests cannot.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = ((self.over, self.under), (other.over, other.under));
        let mut turned = false;
        loop {
            let whole = left.0.div_euclid(left.1).cmp(&right.0.div_euclid(right.1));
            let rests = (left.0.rem_euclid(left.1), right.0.rem_euclid(right.1));
            let order = match (whole, rests) {
                (Ordering::Equal, (0, 0)) => Ordering::Equal,
                (Ordering::Equal, (0, _)) => Ordering::Less,
                (Ordering::Equal, (_, 0)) => Ordering::Greater,
                (Ordering::Equal, _) => {
                    (left, right) = ((left.1, rests.0), (right.1, rests.1));
                    turned = !turned;
                    continue;
                }
                (order, _) => order,
            };
            return if turned { order.reverse() } else { order };
        }
    }
}

/// The greatest common divisor, at least 1; `right` or `left` has to be other than 0 for it to mean anything.
fn common_divisor(left: i128, right: i128) -> i128 {
    let (mut left, mut right) = (left.unsigned_abs(), right.unsigned_abs());
    while right != 0 {
        (left, right) = (right, left % right);
    }
    i128::try_from(left).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(over: i128, under: i128) -> Exact {
        Exact::new(over, under).unwrap()
    }

    #[test]
    fn given_a_half_then_each_rule_rounds_it_as_its_name_says() {
        let halves = [of(5, 2), of(7, 2), of(-5, 2), of(9, 4), of(11, 4)];
        let rounded = |rule| halves.map(|half| half.rounded(rule));
        assert_eq!(rounded(Rounding::HalfEven), [2, 4, -2, 2, 3]);
        assert_eq!(rounded(Rounding::HalfUp), [3, 4, -3, 2, 3]);
        assert_eq!(rounded(Rounding::Up), [3, 4, -3, 3, 3]);
        assert_eq!(rounded(Rounding::Down), [2, 3, -2, 2, 2]);
    }

    #[test]
    fn given_a_result_that_does_not_fit_then_there_is_none() {
        let huge = of(i128::MAX, 1);
        assert_eq!(huge.times(of(2, 1)), None);
        assert_eq!(huge.plus(Exact::ONE), None);
        assert_eq!(huge.times(of(3, i128::MAX)), Some(of(3, 1)), "common divisors are taken out first");
        assert_eq!([Exact::new(1, 0), Exact::new(1, -1), Exact::new(i128::MIN, 1)], [None; 3]);
        assert_eq!(Exact::ONE.divided_by(Exact::ZERO), None);
        assert_eq!(huge.rounded(Rounding::Up), i128::MAX);
    }

    proptest! {
        #[test]
        fn given_any_two_fractions_then_they_order_as_their_cross_products(
            a in -1_000_000_i128..1_000_000, b in 1_i128..1_000_000,
            c in -1_000_000_i128..1_000_000, d in 1_i128..1_000_000,
        ) {
            prop_assert_eq!(of(a, b).cmp(&of(c, d)), (a * d).cmp(&(c * b)));
            prop_assert_eq!(of(a, b).plus(of(c, d)), Exact::new(a * d + c * b, b * d));
            prop_assert_eq!(of(a, b).times(of(c, d)), Exact::new(a * c, b * d));
        }
    }
}
