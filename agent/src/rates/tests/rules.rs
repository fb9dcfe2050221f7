//! Each rule of a card alone: which wins, what is free, what is given back.

use super::*;

#[test]
fn given_rules_that_match_then_the_most_specific_sets_the_rate_and_all_factors_multiply() {
    let card = card_in(
        "EUR",
        2,
        r#"
[version.rates]
cpu-hour = "1"
[[version.rule]]
feature = "fat"
rates = { cpu-hour = "5" }
[[version.rule]]
account = "chemistry"
discount = "50"
[[version.rule]]
qos = ["high", "urgent"]
factor = "1.5"
rates = { cpu-hour = "3" }
[[version.rule]]
partition = "gpu"
factor = "2"
rates = { cpu-hour = "2" }
[[version.rule]]
qos = "high"
partition = "gpu"
rates = { cpu-hour = "4" }
"#,
    );
    let cost = |run: Consumption| cost(&card, &[run.cpus(1)]);
    assert_eq!(cost(run(1)), "1.00 EUR");
    assert_eq!(cost(run(1).partition("gpu")), "4.00 EUR");
    assert_eq!(cost(run(1).qos("HIGH")), "4.50 EUR", "slurmdbd folds the names of QOS");
    assert_eq!(cost(run(1).qos("urgent").partition("gpu")), "9.00 EUR");
    assert_eq!(cost(run(1).qos("high").partition("gpu")), "12.00 EUR");
    assert_eq!(cost(run(1).feature("fat").qos("high").partition("gpu")), "15.00 EUR");
    assert_eq!(cost(run(1).account("chemistry").qos("high").partition("gpu")), "6.00 EUR");
}

#[test]
fn given_a_discount_then_the_line_tells_the_list_price_as_well() {
    let card = card_in(
        "EUR",
        2,
        "[version.rates]\ncpu-hour = \"1\"\n[[version.rule]]\naccount = \"physics\"\ndiscount = \"12.5\"\n\
         [[version.rule]]\ncost-center = \"CC-1\"\ndiscount = \"20\"\n",
    );
    let bill = june_bill(&card, &[run(10).cpus(1)]);
    let [line] = bill.lines.as_slice() else { panic!("{bill:?}") };
    assert_eq!((line.amount, line.list_amount), (700, 1_000));
}

#[test]
fn given_prices_by_volume_then_they_are_used_in_the_order_of_starts() {
    let card = card_in(
        "EUR",
        2,
        r#"
[version.rates]
cpu-hour = { rate = "1", by-volume = [{ after = "1000", rate = "0.5" }, { after = "1500.5", rate = "0.1" }] }
"#,
    );
    let first = run_from("2026-06-02T00:00:00Z", 100).cpus(8).job(9);
    let second = run_from("2026-06-03T00:00:00Z", 100).cpus(8).job(3);
    let other = run_from("2026-06-01T00:00:00Z", 100).cpus(9).account("chemistry");
    let bill = june_bill(&card, &[second.clone(), other, first]);
    let expected = [
        format!("Usage cpu {} at 1 = 90000", 900 * 3_600),
        format!("Usage cpu {} at 0.1 = 995", 99 * 3_600 + 1_800),
        format!("Usage cpu {} at 0.5 = 25025", 500 * 3_600 + 1_800),
        format!("Usage cpu {} at 1 = 100000", 1_000 * 3_600),
    ];
    assert_eq!(lines(&bill), expected);
    // Other periods are counted anew.
    let july = period("2026-06-30T22:00:00Z", "2026-07-31T22:00:00Z");
    let mut later = second;
    (later.start, later.end) = (july.start, july.start.plus(360_000));
    assert_eq!(super::bill(&card, july, &[later], &[]).unwrap().totals()["EUR"], 80_000);
}

#[test]
fn given_a_free_allowance_then_it_is_used_first_and_shown_for_nothing() {
    let card = card_in(
        "EUR",
        2,
        r#"
[version.rates]
cpu-hour = "1"
memory-gb-hour = "0.5"
[[version.allowance]]
account = ["physics", "chemistry"]
tres = "cpu"
hours = "100"
[[version.allowance]]
tres = "memory"
hours = "10"
"#,
    );
    let runs = [run(80).cpus(1).job(1), run(80).cpus(1).job(2), run(20).gb(1).account("biology").job(3)];
    let expected = [
        format!("Usage mem {} at 0.5 = 500", 10 * 1_024 * 3_600),
        format!("Allowance mem {} at 0.5 = 0", 10 * 1_024 * 3_600),
        format!("Usage cpu {} at 1 = 6000", 60 * 3_600),
        format!("Allowance cpu {} at 1 = 0", 100 * 3_600),
    ];
    let bill = june_bill(&card, &runs);
    assert_eq!(lines(&bill), expected);
    assert_eq!(bill.lines[3].list_amount, 10_000);
}

#[test]
fn given_reserved_units_then_use_inside_them_is_free_at_every_instant() {
    let card = card_in(
        "EUR",
        2,
        r#"
[version.rates]
cpu-hour = "1"
[[version.reserved]]
name = "nodes"
account = "physics"
cost-center = "CC-9"
tres = "cpu"
units = 100
price = "500"
"#,
    );
    // 60 CPUs from 10 to 14 o'clock, and 60 more from 12 to 16: 20 too many for two hours.
    let runs = [
        run(4).cpus(60).job(1),
        run_from("2026-06-10T12:00:00Z", 4).cpus(60).job(2),
        run(1).cpus(7).account("chemistry").job(3),
    ];
    let bill = june_bill(&card, &runs);
    let expected = [
        format!("Usage cpu {} at 1 = 700", 7 * 3_600),
        format!("Usage cpu {} at 1 = 4000", 40 * 3_600),
        format!("ReservedUse(\"nodes\") cpu {} at 1 = 0", 440 * 3_600),
        format!("Reservation nodes {} at 0 = 50000", 30 * 86_400),
    ];
    assert_eq!(lines(&bill), expected);
    assert_eq!(bill.lines[3].of.cost_center, "CC-9");
}

#[test]
fn given_reserved_hours_and_a_version_that_ends_then_its_share_of_the_period_is_charged() {
    let card = card(
        r#"
[[currency]]
code = "EUR"
[[version]]
name = "old"
from = 2020-01-01
rates = { cpu-hour = "1" }
[[version.reserved]]
name = "hours"
account = "physics"
tres = "cpu"
hours = "150"
price = "300"
[[version]]
name = "new"
from = 2026-06-11
rates = { cpu-hour = "2" }
"#,
    );
    let bill = june_bill(&card, &[run(5).cpus(40)]);
    let expected = [
        format!("Usage cpu {} at 1 = 5000", 50 * 3_600),
        format!("ReservedUse(\"hours\") cpu {} at 1 = 0", 150 * 3_600),
        format!("Reservation hours {} at 0 = 10000", 10 * 86_400),
    ];
    let mut found = lines(&bill);
    found.sort_by_key(|line| expected.iter().position(|known| known == line));
    assert_eq!(found, expected);
}

#[test]
fn given_a_minimum_then_a_run_that_costs_less_pays_the_rest_in_the_period_in_which_it_ends() {
    let card = card_in("EUR", 2, "minimum = \"0.5\"\n[version.rates]\ncpu-hour = \"0.01\"\n");
    let runs = [run(1).cpus(1).job(1), run(1).cpus(10).job(2), run(1).cpus(60).job(3)];
    let bill = june_bill(&card, &runs);
    assert_eq!(lines(&bill), ["Usage cpu 255600 at 0.01 = 71", "Minimum run 2 at 0 = 89"]);
    // An hour of each month, all of it 0.02: the 0.48 are July's.
    let over = run_from("2026-06-30T21:00:00Z", 2).cpus(1);
    let july = period("2026-06-30T22:00:00Z", "2026-07-31T22:00:00Z");
    assert_eq!(june_bill(&card, std::slice::from_ref(&over)).totals()["EUR"], 1);
    let bill = super::bill(&card, july, std::slice::from_ref(&over), &[]).unwrap();
    assert_eq!(lines(&bill), ["Usage cpu 3600 at 0.01 = 1", "Minimum run 1 at 0 = 48"]);
    assert_eq!(june_bill(&card, &[run(1).cpus(1).ended("RUNNING")]).totals()["EUR"], 1, "it may cost more yet");
}

#[test]
fn given_started_minutes_and_a_least_length_then_a_run_is_charged_for_them() {
    let card =
        card_in("EUR", 2, "minimum-seconds = 300\ngranularity-seconds = 60\n[version.rates]\ncpu-hour = \"60\"\n");
    let lasting = |seconds: u64, state: &str| {
        let mut run = run(0).cpus(1).ended(state);
        run.end = run.start.plus(seconds);
        june_bill(&card, &[run]).lines.first().map_or(0, |line| line.quantity)
    };
    assert_eq!([lasting(1, "COMPLETED"), lasting(301, "TIMEOUT"), lasting(360, "FAILED")], [300, 360, 360]);
    assert_eq!([lasting(1, "RUNNING"), lasting(0, "COMPLETED")], [1, 0]);
}

#[test]
fn given_refunds_then_they_are_lines_of_their_own_that_take_back_what_was_charged() {
    let card = card_in(
        "EUR",
        2,
        "refund = { NODE_FAIL = \"100\", PREEMPTED = \"25\" }\nminimum = \"1\"\n[version.rates]\ncpu-hour = \"0.333\"\n",
    );
    let runs = [
        run(1).cpus(1).ended("NODE_FAIL").job(1),
        run(10).cpus(1).ended("PREEMPTED").job(2),
        run(10).cpus(1).ended("CANCELLED").job(3),
    ];
    let bill = june_bill(&card, &runs);
    let expected = [
        "Usage cpu 75600 at 0.333 = 699",
        "Minimum run 1 at 0 = 67",
        "Refund(\"NODE_FAIL\") cpu -3600 at 0.333 = -33",
        "Refund(\"NODE_FAIL\") run -1 at 0 = -67",
        "Refund(\"PREEMPTED\") cpu -36000 at 0.333 = -83",
    ];
    assert_eq!(lines(&bill), expected);
}

#[test]
fn given_the_dearest_of_some_then_everything_else_is_added() {
    let text = |combine: &str| {
        format!(
            "combine = {combine}\n[version.rates]\ncpu-hour = \"1\"\nmemory-gb-hour = \"0.5\"\ngpu-hour = \"7\"\n\
             license.matlab-hour = \"3\"\n\"gres/shard-hour\" = \"1\"\n"
        )
    };
    let run = run(1).cpus(4).gb(16).with("gres/gpu", 1).with("license/matlab", 2).with("gres/shard", 1);
    let cost = |combine: &str| cost(&card_in("EUR", 2, &text(combine)), std::slice::from_ref(&run));
    assert_eq!(cost("\"sum\""), "26.00 EUR");
    assert_eq!(cost("\"max\""), "14.00 EUR", "licences are added");
    assert_eq!(cost("[\"cpu\", \"memory\"]"), "22.00 EUR");
}

#[test]
fn given_a_size_of_the_job_then_the_whole_job_costs_by_it() {
    let card = card_in(
        "EUR",
        2,
        "by-size = [{ up-to = 1, factor = \"1\" }, { up-to = 8, factor = \"1.2\" }, { up-to = 32, factor = \"1.5\" }]\n\
         [version.rates]\ncpu-hour = \"1\"\nmemory-gb-hour = \"1\"\n",
    );
    let cost = |cpus| cost(&card, &[run(1).cpus(cpus).gb(10)]);
    assert_eq!([cost(1), cost(8), cost(9)], ["11.00 EUR", "21.60 EUR", "28.50 EUR"]);
    assert_eq!(cost(100), "165.00 EUR", "what is larger than the last step is charged by it");
}

#[test]
fn given_several_currencies_then_each_is_a_total_of_its_own() {
    let card = card(
        r#"
[[currency]]
code = "JPY"
[[currency]]
code = "SU"
decimals = 6
[[version]]
from = 2026-01-01
currency = "JPY"
[version.rates]
cpu-hour = "0.4"
gpu-hour = { rate = "0.000001", currency = "SU" }
"#,
    );
    assert_eq!(cost(&card, &[run(1).cpus(4).with("gres/gpu", 2)]), "2 JPY, 0.000002 SU");
}

#[test]
fn given_a_simple_price_list_then_its_card_charges_the_same() {
    let text = "[prices]\ncurrency = \"EUR\"\ncpu-hour = \"0.01\"\ngpu-hour = \"0.5\"\na100-gpu-hour = \"2\"\n\
        memory-gb-hour = \"0.001\"\nnode-hour = 1\n\
        [prices.partition.cheap]\ngpu-hour = \"0.1\"\n[prices.partition.mixed]\ngpu-hour = 0\na100-gpu-hour = 1\n";
    let policy = format!("time-zone = \"UTC\"\nweek-start = \"monday\"\ncontact = \"Ask us.\"\n{text}");
    let list = crate::config::read::read_text(Path::new("policy.toml"), &policy, |root| {
        for key in ["time-zone", "week-start", "contact"] {
            root.value(key);
        }
        crate::config::prices::prices(root)
    });
    let card = Card::of_prices(&list.unwrap()).with_qos_factors([("high", 1_500_000)]);
    let held = || run(1).cpus(10).gb(100).with("gres/gpu", 3).with("gres/gpu:a100", 2);
    assert_eq!(cost(&card, &[held()]), "5.70 EUR", "0.10 + 0.10 + 0.50 + 4 + 1");
    assert_eq!(cost(&card, &[held().qos("high")]), "8.55 EUR");
    assert_eq!(cost(&card, &[held().partition("cheap")]), "1.50 EUR", "all GPUs at the partition's price");
    assert_eq!(cost(&card, &[held().partition("mixed")]), "3.20 EUR");
    let none = Card::of_prices(&crate::config::PriceList::default());
    assert_eq!(june_bill(&none, &[held()]).lines, []);
}

#[test]
fn given_stored_data_then_allowances_volumes_and_the_accounts_discount_hold_for_them() {
    let card = card_in(
        "EUR",
        2,
        r#"
[version.rates]
storage.work-tb-hour = { rate = "0.1", by-volume = [{ after = "30", rate = "0.05" }] }
[[version.rule]]
account = "physics"
discount = "10"
[[version.allowance]]
account = "physics"
tres = "storage/work"
hours = "10"
"#,
    );
    let stored = StorageUse {
        account: "physics".into(),
        cost_center: "CC-1".into(),
        user: "ada".into(),
        uid: Some(70_001),
        place: "work".into(),
        samples: BTreeMap::from([(june().start.plus(3_600), 1_000_000_000_000)]),
        as_of: june().end,
    };
    // 48 TB-hours: 10 for nothing, 30 at 0.1, 8 at 0.05, all less a tenth.
    let bill = super::bill(&card, june(), &[], std::slice::from_ref(&stored)).unwrap();
    let amounts: Vec<(&Kind, i64)> = bill.lines.iter().map(|line| (&line.of.kind, line.amount)).collect();
    assert_eq!(amounts, [(&Kind::Storage, 36), (&Kind::Storage, 270), (&Kind::Allowance, 0)]);
    let [unmeasured] = bill.unmeasured.as_slice() else { panic!("{bill:?}") };
    assert_eq!((unmeasured.place.as_str(), unmeasured.seconds), ("work", (30 * 24 - 48) * 3_600));
}
