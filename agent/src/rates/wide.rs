//! Quotients of products of any length, rounded once: a rate, several factors and discounts, and the seconds of a month
//! of a large cluster do not fit into 128 bits together, though the amount does.

use std::cmp::Ordering;

use super::exact::Rounding;

/// A whole number, its lowest 64 bits first, without zeros at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wide(Vec<u64>);

/// The product of `over` divided by that of `under`, rounded; nothing if that does not fit or is divided by 0.
pub(super) fn quotient(over: &[u128], under: &[u128], rounding: Rounding) -> Option<u64> {
    let (over, under) = (Wide::product(over), Wide::product(under));
    if under.is_zero() {
        return None;
    }
    // The largest number that fits as often, found bit by bit.
    let fits = |times: u128| under.times(&Wide::of(times)).cmp(&over) != Ordering::Greater;
    if fits(1 << 64) {
        return None;
    }
    let size = (0..64).rev().map(|bit| 1_u64 << bit).fold(0, |found, bit| match fits(u128::from(found | bit)) {
        true => found | bit,
        false => found,
    });
    let twice = over.times(&Wide::of(2));
    let half = under.times(&Wide::of(u128::from(size) * 2 + 1));
    let further = match rounding {
        Rounding::Down => false,
        Rounding::Up => under.times(&Wide::of(u128::from(size))) != over,
        Rounding::HalfUp => twice.cmp(&half) != Ordering::Less,
        Rounding::HalfEven => match twice.cmp(&half) {
            Ordering::Less => false,
            Ordering::Equal => size % 2 == 1,
            Ordering::Greater => true,
        },
    };
    size.checked_add(u64::from(further))
}

impl Wide {
    fn of(number: u128) -> Self {
        // The halves are what the casts keep.
        Self(vec![number as u64, (number >> 64) as u64]).trimmed()
    }

    fn product(factors: &[u128]) -> Self {
        factors.iter().fold(Self(vec![1]), |product, factor| product.times(&Self::of(*factor)))
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn times(&self, other: &Self) -> Self {
        let mut limbs = vec![0_u64; self.0.len() + other.0.len()];
        for (at, left) in self.0.iter().enumerate() {
            let mut carry = 0_u128;
            let rights = other.0.iter().copied().chain([0]);
            for (limb, right) in limbs.iter_mut().skip(at).zip(rights) {
                // At most (2^64 - 1)^2 + 2 (2^64 - 1), which is 2^128 - 1.
                let sum = u128::from(*left) * u128::from(right) + u128::from(*limb) + carry;
                (*limb, carry) = (sum as u64, sum >> 64);
            }
        }
        Self(limbs).trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let highest_first = || self.0.iter().rev().cmp(other.0.iter().rev());
        self.0.len().cmp(&other.0.len()).then_with(highest_first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Exact;
    use super::*;

    #[test]
    fn given_products_that_fit_nowhere_then_their_quotient_is_exact() {
        let huge = [u128::MAX, u128::MAX, 5];
        assert_eq!(quotient(&huge, &[u128::MAX, u128::MAX, 2], Rounding::HalfEven), Some(2));
        assert_eq!(quotient(&huge, &[u128::MAX, u128::MAX, 2], Rounding::HalfUp), Some(3));
        assert_eq!(quotient(&huge, &[u128::MAX], Rounding::Down), None);
        assert_eq!(quotient(&[u128::from(u64::MAX), 3], &[3], Rounding::Up), Some(u64::MAX));
        assert_eq!(quotient(&[u128::from(u64::MAX), 3, 2], &[5], Rounding::Down), None);
        assert_eq!(quotient(&[0, u128::MAX], &[7], Rounding::Up), Some(0));
        assert_eq!(quotient(&[1], &[0], Rounding::Up), None);
    }

    proptest! {
        #[test]
        fn given_what_fits_then_it_is_rounded_as_a_fraction_is(
            over in 0_u128..1 << 62, more in 1_u128..1 << 60, under in 1_u128..1 << 60, further in 1_u128..1 << 60,
        ) {
            for (_, rounding) in Rounding::WORDS {
                let exact = Exact::new((over * more) as i128, (under * further) as i128).unwrap().rounded(rounding);
                prop_assert_eq!(quotient(&[over, more], &[under, further], rounding), u64::try_from(exact).ok());
            }
        }
    }
}
