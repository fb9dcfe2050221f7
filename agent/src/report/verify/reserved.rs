//! What slurmdbd charges for reservations in which less runs than is set aside; pure.
//!
//! Each hour it divides what is left by the number of associations that may use the reservation and charges each the whole
//! part of it, whatever the reservation's flags. A reservation for accounts is charged to the accounts' own
//! associations, not to anybody in them. While any job runs in it, slurmdbd takes the whole reservation for used, however
//! little of it the job holds, and with two jobs at a time for used twice: seen on 22.05.8, and the same in the source
//! of every release since.

use std::collections::BTreeMap;

use bursar_policy::{Period, Timestamp};

use super::THINGS;
use crate::slurm::overlapping::Overlapping;
use crate::slurm::reserved::Reservation;
use crate::slurm::sreport::HOUR;

/// The idle seconds of each TRES that are charged to each association, by the association's number.
///
/// `window` begins and ends at whole hours, since it is the hours that are divided.
pub(super) fn idle<'a>(
    reservations: &'a [Reservation],
    runs: &[&Overlapping],
    window: &Period,
) -> BTreeMap<(&'a str, &'static str), i64> {
    let mut charged = BTreeMap::new();
    for reservation in reservations.iter().filter(|of| !of.associations.is_empty()) {
        let within: Vec<_> = runs.iter().filter(|run| run.reservation == reservation.id).copied().collect();
        // Hours in which there was no reservation need not be looked at.
        let first = window.start.0.max(reservation.start.0 - reservation.start.0.rem_euclid(HOUR));
        let mut hour = Period { start: Timestamp(first), end: Timestamp(first.saturating_add(HOUR)) };
        while hour.start < window.end.min(reservation.end) {
            for (name, each) in shares(reservation, &within, &hour) {
                for association in &reservation.associations {
                    *charged.entry((association.as_str(), name)).or_default() += each;
                }
            }
            hour = Period { start: hour.end, end: Timestamp(hour.end.0.saturating_add(HOUR)) };
        }
    }
    charged
}

/// What each association is charged for one hour.
fn shares(reservation: &Reservation, runs: &[&Overlapping], hour: &Period) -> Vec<(&'static str, i64)> {
    let part = Period { start: hour.start.max(reservation.start), end: hour.end.min(reservation.end).max(hour.start) };
    let number = i64::try_from(reservation.associations.len()).unwrap_or(i64::MAX);
    let mut shares = Vec::new();
    for (name, _) in THINGS {
        let Some(count) = reservation.held.get(name) else { continue };
        let holds = |run: &&&Overlapping| run.held.get(name).is_some_and(|amount| *amount > 0);
        let seconds = |run: &&Overlapping| part.overlap(run.start, run.end.unwrap_or(part.end).max(run.start));
        let used = runs.iter().filter(holds).map(seconds).fold(0_u64, u64::saturating_add).saturating_mul(*count);
        let idle = count.saturating_mul(part.length()).saturating_sub(used);
        // slurmdbd takes what is idle of the first TRES to tell of all.
        if idle == 0 {
            break;
        }
        shares.push((name, i64::try_from(idle).unwrap_or(i64::MAX) / number));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(associations: &[&str], start: i64, end: i64, cpus: u64) -> Reservation {
        Reservation {
            id: 1,
            associations: associations.iter().map(|&id| id.to_owned()).collect(),
            start: Timestamp(start),
            end: Timestamp(end),
            held: [("cpu".to_owned(), cpus)].into(),
        }
    }

    fn run(start: i64, end: Option<i64>, cpus: u64) -> Overlapping {
        Overlapping {
            job_id: 1,
            submit: Timestamp(start),
            start: Timestamp(start),
            end: end.map(Timestamp),
            is_suspended: false,
            suspended: 0,
            reservation: 1,
            account: "optics".into(),
            user: "ben".into(),
            held: [("cpu".to_owned(), cpus), ("mem".to_owned(), 100)].into(),
        }
    }

    const THREE_HOURS: Period = Period { start: Timestamp(7_200), end: Timestamp(18_000) };

    #[test]
    fn given_a_reservation_for_an_account_then_the_time_without_a_job_is_the_accounts() {
        let reservations = [reservation(&["5"], 9_000, 12_600, 4)];
        let run = run(10_900, Some(11_900), 2);
        let charged = idle(&reservations, &[&run], &THREE_HOURS);
        // As 22.05.8 did: two CPUs for 1,000 s count for four.
        assert_eq!(charged, [(("5", "cpu"), 4 * (3_600 - 1_000))].into());
        let elsewhere = Overlapping { reservation: 2, ..run };
        assert_eq!(idle(&reservations, &[&elsewhere], &THREE_HOURS)[&("5", "cpu")], 4 * 3_600);
    }

    #[test]
    fn given_two_associations_then_each_hour_is_divided_and_rounded_down_by_itself() {
        // As 22.05.8 did: 200 s and 1,801 s of three CPUs.
        let reservations = [reservation(&["4", "7"], 14_200, 16_201, 3)];
        let charged = idle(&reservations, &[], &THREE_HOURS);
        assert_eq!(charged, [(("4", "cpu"), 300 + 2_701), (("7", "cpu"), 300 + 2_701)].into());
    }

    #[test]
    fn given_jobs_that_fill_it_or_nobody_who_may_use_it_then_nothing_is_charged() {
        let full = run(0, None, 4);
        assert!(idle(&[reservation(&["5"], 0, 99_999, 4)], &[&full], &THREE_HOURS).is_empty());
        assert!(idle(&[reservation(&[], 0, 99_999, 4)], &[], &THREE_HOURS).is_empty());
        assert!(idle(&[reservation(&["5"], 18_000, 99_999, 4)], &[], &THREE_HOURS).is_empty());
    }
}
