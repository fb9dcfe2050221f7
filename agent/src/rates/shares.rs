//! Splits a fixed cost so that its parts add up to it: by largest remainder.

/// `amount` in parts proportional to `weights`, in their order; of equal remainders the first comes first.
///
/// Without any weight there is nobody to pay, and there are no parts but zeros.
pub fn shares(amount: i64, weights: &[u64]) -> Vec<i64> {
    let all: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if all == 0 {
        return vec![0; weights.len()];
    }
    let size = u128::from(amount.unsigned_abs());
    let sign = if amount < 0 { -1 } else { 1 };
    let exact: Vec<(u128, u128)> =
        weights.iter().map(|weight| size * u128::from(*weight)).map(|part| (part / all, part % all)).collect();
    // Fewer than there are weights, as every remainder is less than one.
    let given: u128 = exact.iter().map(|(part, _)| part).sum();
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(exact.get(*at).map_or(0, |(_, rest)| *rest)));
    let mut parts: Vec<u128> = exact.iter().map(|(part, _)| *part).collect();
    for at in order.into_iter().take(usize::try_from(size - given).unwrap_or(0)) {
        if let Some(part) = parts.get_mut(at) {
            *part += 1;
        }
    }
    parts.into_iter().map(|part| i64::try_from(part).unwrap_or(i64::MAX) * sign).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn given_an_amount_that_does_not_divide_then_the_largest_remainders_get_what_is_left() {
        assert_eq!(shares(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(shares(-100, &[1, 1, 1]), [-34, -33, -33]);
        assert_eq!(shares(10, &[1, 2, 4]), [1, 3, 6]);
        assert_eq!(shares(5, &[0, 0]), [0, 0]);
        assert_eq!(shares(5, &[]), [0; 0]);
        assert_eq!(shares(5, &[0, 9]), [0, 5]);
    }

    proptest! {
        #[test]
        fn given_any_weights_then_the_parts_add_up_and_none_is_off_by_one(
            amount in proptest::num::i64::ANY.prop_filter("fits", |amount| *amount > i64::MIN),
            weights in proptest::collection::vec(0_u64..1_000_000_000, 1..30),
        ) {
            let parts = shares(amount, &weights);
            let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            prop_assume!(all > 0);
            prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(amount));
            for (part, weight) in parts.iter().zip(&weights) {
                let off = i128::from(*part) * all - i128::from(amount) * i128::from(*weight);
                prop_assert!(off.abs() < all);
            }
        }
    }
}
