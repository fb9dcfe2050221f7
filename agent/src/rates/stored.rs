//! Stored data as a step function of time: the last value that was measured holds, but not for ever.

use bursar_policy::{Period, Timestamp};

use super::consumption::StorageUse;

/// What somebody stored in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Steps {
    /// Bytes while they did not change, ascending.
    pub(super) known: Vec<(Period, u64)>,
    /// The seconds of the past in which nobody knows how many there were.
    pub(super) unknown_s: u64,
}

impl StorageUse {
    /// The steps inside `period`.
    pub(super) fn steps(&self, period: Period) -> Steps {
        let past = Period { start: period.start, end: period.end.min(self.as_of) };
        let nexts = self.samples.keys().skip(1).copied().chain([Timestamp::NEVER]);
        let step = |((at, bytes), next): ((&Timestamp, &u64), Timestamp)| {
            let until = next.min(at.plus(Self::HOLDS_S)).min(past.end);
            (Period { start: (*at).max(past.start), end: until }, *bytes)
        };
        let known: Vec<(Period, u64)> =
            self.samples.iter().zip(nexts).map(step).filter(|(time, _)| time.start < time.end).collect();
        let known_s = known.iter().map(|(time, _)| time.length()).fold(0, u64::saturating_add);
        Steps { known, unknown_s: past.length().saturating_sub(known_s) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const DAY: i64 = 86_400;

    fn steps(samples: &[(i64, u64)], as_of: i64) -> Steps {
        let stored = StorageUse {
            account: String::new(),
            cost_center: String::new(),
            user: String::new(),
            uid: None,
            place: String::new(),
            samples: samples.iter().map(|(at, bytes)| (Timestamp(*at), *bytes)).collect::<BTreeMap<_, _>>(),
            as_of: Timestamp(as_of),
        };
        stored.steps(Period { start: Timestamp(0), end: Timestamp(10 * DAY) })
    }

    fn shown(steps: &Steps) -> Vec<(i64, i64, u64)> {
        steps.known.iter().map(|(time, bytes)| (time.start.0, time.end.0, *bytes)).collect()
    }

    #[test]
    fn given_samples_then_each_holds_until_the_next_and_a_lost_agent_for_two_days() {
        let steps = steps(&[(-DAY, 5), (DAY / 2, 7), (DAY, 0), (9 * DAY, 3)], 20 * DAY);
        let expected = [(0, DAY / 2, 5), (DAY / 2, DAY, 7), (DAY, 3 * DAY, 0), (9 * DAY, 10 * DAY, 3)];
        assert_eq!(shown(&steps), expected);
        assert_eq!(steps.unknown_s, 6 * 86_400);
    }

    #[test]
    fn given_a_period_that_goes_on_then_nothing_is_said_about_the_future() {
        let steps = steps(&[(0, 5)], DAY);
        assert_eq!((shown(&steps), steps.unknown_s), (vec![(0, DAY, 5)], 0));
    }
}
