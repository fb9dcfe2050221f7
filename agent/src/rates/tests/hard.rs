//! The cases in which cards and clusters are usually billed wrong.

use super::*;

#[test]
fn given_typed_and_untyped_gpus_then_each_is_charged_once() {
    let card = card_in(
        "EUR",
        2,
        "[version.rates]\ngpu-hour = \"1\"\na100-gpu-hour = \"10\"\n\"a100_1g.5gb-gpu-hour\" = \"2\"\n",
    );
    let cost =
        |held: &[(&str, u64)]| cost(&card, &[held.iter().fold(run(1), |run, (tres, count)| run.with(tres, *count))]);
    assert_eq!(cost(&[("gres/gpu", 4)]), "4.00 EUR", "of a type that is not told");
    assert_eq!(cost(&[("gres/gpu", 4), ("gres/gpu:a100", 4)]), "40.00 EUR");
    assert_eq!(cost(&[("gres/gpu", 4), ("gres/gpu:A100", 1), ("gres/gpu:h100", 3)]), "13.00 EUR");
    assert_eq!(cost(&[("gres/gpu:a100", 2), ("gres/gpu:h100", 1)]), "21.00 EUR", "though none is told without type");
    assert_eq!(cost(&[("gres/gpu", 2), ("gres/gpu:a100_1g.5gb", 2)]), "4.00 EUR");
    let others = [("gres/gpu", 1), ("gres/gpumem", 40_960), ("gres/gpuutil", 100), ("gres/shard", 8)];
    assert_eq!(cost(&others), "1.00 EUR");
}

#[test]
fn given_a_partition_of_whole_nodes_then_what_is_allocated_is_charged_not_what_was_asked_for() {
    let card = card_in(
        "EUR",
        2,
        r#"
[version.rates]
cpu-hour = "1"
memory-gb-hour = "0.5"
[[version.rule]]
partition = "whole"
whole-nodes = "always"
node = { cpu = 128, memory = "256GB" }
"#,
    );
    let asked = run(1).cpus(2).gb(4);
    assert_eq!(cost(&card, std::slice::from_ref(&asked)), "4.00 EUR");
    assert_eq!(cost(&card, &[asked.clone().partition("whole")]), "256.00 EUR");
    assert_eq!(cost(&card, &[asked.partition("whole").on(2)]), "512.00 EUR");
}

#[test]
fn given_a_billing_weight_that_changed_in_mid_month_then_raw_tres_cost_the_same_and_old_runs_keep_their_billing() {
    let raw = card_in("EUR", 2, "[version.rates]\ncpu-hour = \"1\"\n");
    let billing = card_in("EUR", 2, "[version.rates]\nbilling-hour = \"1\"\n");
    let before = run(1).cpus(4).with("billing", 4);
    let after = run_from("2026-06-20T10:00:00Z", 1).cpus(4).with("billing", 6).job(2);
    assert_eq!(cost(&raw, &[before.clone(), after.clone()]), "8.00 EUR");
    assert_eq!(cost(&billing, &[before, after]), "10.00 EUR");
}

const CHANGES: &str = r#"
[[currency]]
code = "EUR"
[[version]]
name = "old"
from = 2026-01-01
rates = { cpu-hour = "1" }
[[version]]
name = "new"
from = 2026-06-15T09:00:00
rates = { cpu-hour = "2" }
"#;

#[test]
fn given_a_card_that_changed_during_a_run_then_there_are_two_lines() {
    // 9 o'clock in Berlin is 7 o'clock UTC.
    let run = run_from("2026-06-15T05:00:00Z", 6).cpus(2);
    let bill = june_bill(&card(CHANGES), &[run]);
    let lines: Vec<_> = bill.lines.iter().map(|line| (line.of.version.as_str(), line.quantity, line.amount)).collect();
    assert_eq!(lines, [("new", 8 * 3_600, 1_600), ("old", 4 * 3_600, 400)]);
}

#[test]
fn given_a_run_before_the_first_version_then_it_is_told_and_the_rest_of_it_is_charged() {
    let card = card(&CHANGES.replace("2026-01-01", "2026-06-01"));
    let may = period("2026-04-30T22:00:00Z", "2026-05-31T22:00:00Z");
    let over = run_from("2026-05-31T20:00:00Z", 4).cpus(1);
    let bill = super::bill(&card, may, std::slice::from_ref(&over), &[]).unwrap();
    assert_eq!((bill.lines.len(), bill.unpriced[0].reason), (0, Reason::NoVersion));
    assert_eq!(cost(&card, &[over]), "2.00 EUR");
}

#[test]
fn given_a_window_over_the_repeated_hour_then_both_passes_are_inside_and_in_the_gap_none() {
    let card = card_in(
        "EUR",
        2,
        r#"
[version.rates]
cpu-hour = "1"
[[version.window]]
name = "night"
open = "sun 02:00-03:00"
[[version.rule]]
during = "night"
factor = "10"
"#,
    );
    let day = |start: &str, end: &str| {
        let day = period(start, end);
        let hours = day.length() / 3_600;
        lines(&super::bill(&card, day, &[run_from(start, hours).cpus(1)], &[]).unwrap())
    };
    assert_eq!(
        day("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ["Usage cpu 82800 at 1 = 2300", "Usage cpu 7200 at 1 x 10/1 = 2000"]
    );
    assert_eq!(day("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), ["Usage cpu 82800 at 1 = 2300"]);
}

#[test]
fn given_runs_without_a_sound_interval_then_they_cost_nothing_and_never_less() {
    let card = card_in("EUR", 2, "minimum = \"5\"\nminimum-seconds = 60\n[version.rates]\ncpu-hour = \"1\"\n");
    let mut backwards = run(1).cpus(1).job(1);
    backwards.end = Timestamp(backwards.start.0 - 5);
    let mut endless = run(1).cpus(1).job(2).ended("RUNNING");
    endless.end = Timestamp::NEVER;
    let absurd = run(1).cpus(u64::MAX).job(3);
    let nothing = run(0).cpus(1).job(4);
    let mut asleep = run(1).cpus(1).job(5).ended("SUSPENDED");
    asleep.suspended_s = u64::MAX;
    let bill = june_bill(&card, &[backwards, endless, absurd, nothing, asleep]);
    assert_eq!(bill.lines, []);
    let reasons: Vec<_> = bill.unpriced.iter().map(|one| (one.run.jobid, one.reason)).collect();
    assert_eq!(reasons, [(1, Reason::EndsBeforeStart), (2, Reason::OutsideCalendar), (3, Reason::TooLarge)]);
}

#[test]
fn given_a_suspended_run_then_cpus_are_free_and_the_rest_as_the_card_says() {
    let text = |suspended: &str| {
        format!(
            "suspended = \"{suspended}\"\n[[currency]]\ncode = \"EUR\"\n[[version]]\nfrom = 2020-01-01\n\
             [version.rates]\ncpu-hour = \"1\"\ngpu-hour = \"10\"\n"
        )
    };
    let mut run = run(4).cpus(1).with("gres/gpu", 1);
    run.suspended_s = 3_600;
    let cost = |suspended: &str| cost(&card(&text(suspended)), std::slice::from_ref(&run));
    assert_eq!([cost("non-cpu"), cost("all"), cost("none")], ["43.00 EUR", "44.00 EUR", "33.00 EUR"]);
}

#[test]
fn given_lines_that_are_rounded_then_people_accounts_and_cost_centres_add_up_to_the_bill() {
    let card = card_in("EUR", 2, "[version.rates]\ncpu-hour = \"0.0049\"\nmemory-gb-hour = \"0.0051\"\n");
    let runs: Vec<Consumption> = (0..60_u32)
        .map(|number| {
            let mut run = run(1).cpus(1 + u64::from(number) % 7).gb(u64::from(number) % 3).job(number);
            run.user = format!("user{}", number % 11).into();
            run.cost_center = format!("CC-{}", number % 4).into();
            run.account(&format!("account{}", number % 5))
        })
        .collect();
    let bill = june_bill(&card, &runs);
    let total = bill.totals()["EUR"];
    assert_eq!(total, bill.lines.iter().map(|line| i128::from(line.amount)).sum::<i128>());
    let sums = [
        bill.sums(|of| of.user.clone()),
        bill.sums(|of| of.account.clone()),
        bill.sums(|of| of.cost_center.clone()),
        bill.sums(|of| format!("{} {}", of.partition, of.item)),
    ];
    for sums in sums {
        assert_eq!(sums.values().sum::<i128>(), total);
    }
}

#[test]
fn given_an_amount_that_no_bill_can_hold_then_its_line_is_named() {
    let card = card_in("EUR", 6, "[version.rates]\ncpu-hour = 1000000000\nbilling-hour = \"1\"\n");
    let error = super::bill(&card, june(), &[run(100).cpus(1_000_000_000)], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot bill cpu: its amount does not fit; check the rate card and the runs of physics"
    );
}

#[test]
fn given_a_period_that_was_closed_then_what_became_known_later_is_the_difference() {
    let card = card_in(
        "EUR",
        2,
        "refund = { NODE_FAIL = \"100\" }\n[version.rates]\ncpu-hour = { rate = \"1\", by-volume = [{ after = \"10\", rate = \"0.1\" }] }\n",
    );
    let first = run(8).cpus(1).job(1);
    let issued = june_bill(&card, &[first.clone(), run(8).cpus(1).job(2)]);
    // The first one failed after all, and there was a third that nobody had told.
    let now = june_bill(&card, &[first.ended("NODE_FAIL"), run(8).cpus(1).job(2), run(1).cpus(1).job(3)]);
    let corrections = corrections(&issued.lines, &now.lines, june());
    let found: Vec<_> = corrections.iter().map(|line| (line.of.kind.clone(), line.quantity, line.amount)).collect();
    assert_eq!(found, [(Kind::Usage, 3_600, 10), (Kind::Refund("NODE_FAIL".into()), -8 * 3_600, -800)]);
    assert!(corrections.iter().all(|line| line.class == Class::Correction { of: june() }));
    assert_eq!(super::corrections(&now.lines, &now.lines, june()), []);
}
