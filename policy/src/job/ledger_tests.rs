//! The holes that the model in `tests/model` found, one by one.

use super::*;
use crate::fixture::{NOW, TODAY, contents, request, snapshot};
use crate::limit::Usage;
use crate::snapshot::{RecentJob, Snapshot};
use crate::time::Timestamp;

const HOUR: u64 = 3_600;
const UID: u32 = 70_001;

fn book(ledger: &mut Ledger, request: &Request<'_>, now: Timestamp) {
    let world = snapshot(&contents());
    let Verdict::Admit(terms) = judge(&world, ledger, request, now) else { panic!("refused") };
    ledger.book(&world, &terms, now);
}

/// The list of so many seconds after [`NOW`], with ids, accounts and seconds of submission of recent jobs.
fn list(as_of: u64, jobs: &[(u32, u32, u64)]) -> Snapshot {
    let mut contents = contents();
    contents.header.as_of = NOW.plus(as_of);
    contents.recent = jobs
        .iter()
        .map(|&(job_id, account, submitted)| RecentJob {
            job_id,
            uid: UID,
            account: Some(account),
            submitted: NOW.plus(submitted),
        })
        .collect();
    snapshot(&contents)
}

fn reconcile(ledger: &mut Ledger, as_of: u64, jobs: &[(u32, u32, u64)]) -> Usage {
    ledger.reconcile(&list(as_of, jobs), NOW.plus(as_of));
    ledger.person(UID)
}

#[test]
fn given_a_job_created_late_then_its_own_booking_ends_and_not_a_later_one() {
    let mut ledger = Ledger::default();
    book(&mut ledger, &request(60), NOW);
    book(&mut ledger, &request(60), NOW.plus(20));
    let late = [(1, 1, 25)];
    assert_eq!(reconcile(&mut ledger, 31, &late).queued, 1);
    assert_eq!(reconcile(&mut ledger, 40, &late).queued, 1, "the same job is not seen twice");
    assert_eq!(reconcile(&mut ledger, 41, &[(1, 1, 25), (2, 1, 41)]).queued, 0);
}

#[test]
fn given_an_old_job_that_is_requeued_then_no_booking_ends() {
    let mut ledger = Ledger::default();
    let _ = reconcile(&mut ledger, 0, &[(7, 1, 0)]);
    book(&mut ledger, &request(60), NOW.plus(100));
    assert_eq!(reconcile(&mut ledger, 101, &[(7, 1, 101)]).queued, 1);
    assert_eq!(reconcile(&mut ledger, 103, &[(7, 1, 101), (8, 1, 102)]).queued, 0);
}

#[test]
fn given_jobs_large_in_different_ways_then_the_largest_of_each_number_stays() {
    let mut ledger = Ledger::default();
    book(&mut ledger, &Request { array: Some("1-100"), ..request(1) }, NOW);
    book(&mut ledger, &Request { begin_at: Some(TODAY.plus(90_000)), ..request(600) }, NOW);
    let held = reconcile(&mut ledger, 1, &[(1, 1, 0)]);
    assert_eq!((held.queued, held.in_flight_total.cpus()), (100, 10 * HOUR));
    assert_eq!(held.periods[0].in_flight.cpus(), 100 * 60, "the other one begins tomorrow");
    assert_eq!(reconcile(&mut ledger, 2, &[(1, 1, 0), (2, 1, 1)]), Usage::default());
}

#[test]
fn given_a_large_job_that_was_seen_then_a_small_one_after_it_counts_as_itself() {
    let mut ledger = Ledger::default();
    book(&mut ledger, &request(600), NOW);
    book(&mut ledger, &request(60), NOW.plus(3));
    assert_eq!(reconcile(&mut ledger, 2, &[(1, 1, 0)]).in_flight_total.cpus(), HOUR);
}

#[test]
fn given_a_seen_job_that_leaves_the_list_then_its_booking_does_not_come_back() {
    let mut ledger = Ledger::default();
    book(&mut ledger, &request(60), NOW);
    assert_eq!(reconcile(&mut ledger, 2, &[(1, 1, 0)]), Usage::default());
    assert_eq!(reconcile(&mut ledger, 4, &[]), Usage::default());
    assert!(ledger.is_empty());
}

#[test]
fn given_a_seen_job_that_is_moved_to_another_account_then_no_booking_there_ends() {
    let mut ledger = Ledger::default();
    let _ = reconcile(&mut ledger, 1, &[(1, 2, 1)]);
    book(&mut ledger, &request(60), NOW.plus(1));
    assert_eq!(reconcile(&mut ledger, 3, &[(1, 1, 1)]).queued, 1);
}

#[test]
fn given_a_job_of_an_earlier_slurmctld_then_no_booking_ends() {
    let mut ledger = Ledger::default();
    book(&mut ledger, &request(60), NOW.plus(10));
    assert_eq!(reconcile(&mut ledger, 11, &[(1, 1, 9)]).queued, 1);
}
