//! How far values lie apart: percentiles by nearest rank, so that each is a value that really was.

/// The place, counted from 0, of a percentile among so many values in ascending order; `None` among none.
///
/// The nearest rank: the least place of which at least `percent` of all values lie at or below. `percent` is 1 to 100;
/// of 100 it is the maximum.
pub fn rank(count: usize, percent: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    // In u128, because a count times a hundred need not fit.
    let place = (count as u128 * percent as u128).div_ceil(100).saturating_sub(1);
    Some(usize::try_from(place).unwrap_or(last).min(last))
}

/// What of a number of values is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The median by nearest rank: of an even number of values the lower one of the middle.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
    /// The 95th percentile.
    pub p95: u64,
    /// The greatest.
    pub max: u64,
}

impl Spread {
    /// That of these values; `None` of none.
    pub fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let at = |percent| values.get(rank(values.len(), percent)?).copied();
        Some(Self { p50: at(50)?, p90: at(90)?, p95: at(95)?, max: at(100)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn given_values_then_each_percentile_is_the_one_of_nearest_rank() {
        let told = |values: &[u64]| Spread::of(values.to_vec());
        // The usual example of the definition: five values.
        assert_eq!(told(&[50, 15, 40, 20, 35]), Some(Spread { p50: 35, p90: 50, p95: 50, max: 50 }));
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(told(&hundred), Some(Spread { p50: 50, p90: 90, p95: 95, max: 100 }));
        assert_eq!(told(&[1, 2]), Some(Spread { p50: 1, p90: 2, p95: 2, max: 2 }));
        assert_eq!(told(&[7]), Some(Spread { p50: 7, p90: 7, p95: 7, max: 7 }));
        assert_eq!(told(&[]), None);
    }

    proptest! {
        #[test]
        fn given_any_values_then_at_least_the_percentage_lies_at_or_below_and_less_below(
            values in proptest::collection::vec(0_u64..50, 1..200), percent in 1_usize..=100
        ) {
            let mut values = values;
            values.sort_unstable();
            let value = values[rank(values.len(), percent).unwrap()];
            let count = |fits: &dyn Fn(u64) -> bool| values.iter().filter(|other| fits(**other)).count();
            prop_assert!(count(&|other| other <= value) * 100 >= percent * values.len());
            prop_assert!(count(&|other| other < value) * 100 < percent * values.len());
        }
    }
}
