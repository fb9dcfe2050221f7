//! What is left, from usage.

use bursar_policy::Tres;

use super::*;

const HOUR: u64 = 3_600;

fn usage(settled: u64, in_flight: u64, total: u64, life: u64, (held, queued): (u64, u32)) -> Usage {
    let mut usage = Usage { held: Tres::of_cpus(held), queued, ..Usage::default() };
    usage.in_flight_total = Tres::of_cpus(total);
    usage.in_flight_life = Tres::of_cpus(life);
    for period in &mut usage.periods {
        period.settled = Tres::of_cpus(settled);
        period.in_flight = Tres::of_cpus(in_flight);
    }
    usage
}

fn of_day(usage: &Usage, limit: u64) -> Need {
    need(usage, PeriodKind::Day, bursar_policy::Resource::Cpu, limit)
}

#[test]
fn given_a_job_that_runs_then_what_it_consumed_is_no_longer_left_and_what_it_may_is() {
    // Two CPUs, begun an hour ago, three hours to go.
    let running = usage(10 * HOUR, 8 * HOUR, 6 * HOUR, 8 * HOUR, (2, 0));
    let wanted = Need { left: 88 * HOUR, remaining: 6 * HOUR, waiting: 0, rate: 2, over: false };
    assert_eq!(of_day(&running, 100 * HOUR), wanted);
    assert_eq!(of_day(&running, 17 * HOUR), Need { left: 5 * HOUR, over: true, ..wanted });
}

#[test]
fn given_a_job_of_many_days_then_no_more_than_its_part_of_this_one_is_taken_off() {
    // One CPU for a week, half of it gone: of this day it has 24 hours at most.
    let long = usage(0, 24 * HOUR, 84 * HOUR, 168 * HOUR, (1, 0));
    let wanted = Need { left: 76 * HOUR, remaining: 84 * HOUR, waiting: 0, rate: 1, over: false };
    assert_eq!(of_day(&long, 100 * HOUR), wanted);
}

#[test]
fn given_two_limits_then_the_stricter_counts() {
    let idle = usage(10 * HOUR, 0, 0, 0, (0, 0));
    let month = need(&idle, PeriodKind::Month, bursar_policy::Resource::Cpu, 11 * HOUR);
    assert_eq!(of_day(&idle, 20 * HOUR).stricter(month).left, HOUR);
}
