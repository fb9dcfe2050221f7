//! The rules that sites publish, with the numbers of their own examples.

use super::*;

#[test]
fn given_lumi_small_then_cores_or_slices_of_two_gb_are_charged_whichever_is_more() {
    let card = card_in(
        "core-h",
        0,
        r#"
combine = "max"
[version.rates]
cpu-hour = "1"
memory-gb-hour = { rate = "1", slice = "2GB" }
"#,
    );
    assert_eq!(cost(&card, &[run(24).cpus(4).gb(4)]), "96 core-h");
    assert_eq!(cost(&card, &[run(24).cpus(4).gb(32)]), "384 core-h");
    assert_eq!(cost(&card, &[run(1).cpus(1).with("mem", 2_049)]), "2 core-h", "a started slice counts whole");
}

#[test]
fn given_lumi_standard_then_a_node_hour_is_128_core_hours() {
    let card = card_in("core-h", 0, "[version.rates]\nnode-hour = 128");
    assert_eq!(cost(&card, &[run(12).on(16).cpus(16 * 256)]), "24576 core-h");
}

#[test]
fn given_lumi_storage_then_gb_hours_are_charged_and_flash_tenfold() {
    let card = card_in("GB-h", 0, "[version.rates]\nstorage.lustre-gb-hour = \"1\"\nstorage.flash-gb-hour = \"10\"");
    let stored = |place: &str| StorageUse {
        account: "physics".into(),
        cost_center: "CC-1".into(),
        user: String::new(),
        uid: None,
        place: place.into(),
        samples: (0..4).map(|day| (june().start.plus(day * 86_400), 375_000_000_000)).collect(),
        as_of: june().start.plus(4 * 86_400),
    };
    let total = |place| bill(&card, june(), &[], &[stored(place)]).unwrap().totals()["GB-h"];
    assert_eq!([total("lustre"), total("flash")], [36_000, 360_000]);
}

/// NCI's queues in service units of three decimals.
fn nci() -> Card {
    card_in(
        "SU",
        2,
        r#"
combine = "max"
[version.rates]
cpu-hour = "2"
memory-gb-hour = { rate = "2", per = "4GB" }
[[version.rule]]
partition = "express"
[version.rule.rates]
cpu-hour = "6"
memory-gb-hour = { rate = "6", per = "4GB" }
[[version.rule]]
partition = "gpuvolta"
[version.rule.rates]
cpu-hour = "3"
memory-gb-hour = { rate = "3", per = "382GB/48" }
"#,
    )
}

#[test]
fn given_nci_normal_then_cpus_or_their_share_of_memory_are_charged_twice() {
    assert_eq!(cost(&nci(), &[run(5).cpus(4).gb(16)]), "40.00 SU");
    assert_eq!(cost(&nci(), &[run(5).cpus(8).gb(128)]), "320.00 SU");
    assert_eq!(cost(&nci(), &[run(5).cpus(8).gb(192)]), "480.00 SU");
}

#[test]
fn given_nci_express_and_gpuvolta_then_each_queue_has_its_rate_and_its_share_of_memory() {
    assert_eq!(cost(&nci(), &[run(5).cpus(8).gb(32).partition("express")]), "240.00 SU");
    // 380 x 48 / 382 x 3 x 5 = 716.2303..., exactly: the share is a fraction until the line is rounded.
    assert_eq!(cost(&nci(), &[run(5).cpus(12).gb(380).partition("gpuvolta")]), "716.23 SU");
}

#[test]
fn given_cyfronet_then_cpus_or_started_shares_of_memory_and_for_gpus_the_most_of_three_ceilings() {
    let card = card_in(
        "h",
        0,
        r#"
combine = "max"
[version.rates]
cpu-hour = "1"
memory-gb-hour = { rate = "1", slice = "3850MB" }
[[version.rule]]
partition = "gpu"
[version.rule.rates]
gpu-hour = "1"
cpu-hour = { rate = "1", slice = 16 }
memory-gb-hour = { rate = "1", slice = "125GB" }
"#,
    );
    let cpu = |cpus, mib| cost(&card, &[run(10).cpus(cpus).with("mem", mib)]);
    assert_eq!([cpu(4, 3_850 * 4), cpu(4, 3_850 * 4 + 1), cpu(1, 1)], ["40 h", "50 h", "10 h"]);
    let gpu = |gpus, cpus, gb| cost(&card, &[run(10).with("gres/gpu", gpus).cpus(cpus).gb(gb).partition("gpu")]);
    assert_eq!([gpu(2, 32, 250), gpu(2, 33, 250), gpu(2, 32, 376)], ["20 h", "30 h", "40 h"]);
    // Two types are GPUs all the same, so that their sum is compared.
    let both = run(10).with("gres/gpu", 2).with("gres/gpu:a100", 1).with("gres/gpu:h100", 1).cpus(17);
    assert_eq!(cost(&card, &[both.partition("gpu")]), "20 h");
}

#[test]
fn given_path_then_cores_cost_by_their_number_and_memory_beyond_the_nominal_by_its_slab() {
    // Steps are inclusive: the published table has 8 cores in two rows, and its example takes the first. Memory is
    // charged at the one rate of the slab that the whole excess lies in: 128 - 8 x 2 = 112 GB, so 112 x 0.375; not
    // slab by slab.
    let card = card(
        r#"
[[currency]]
code = "CPU-credits"
decimals = 3
[[currency]]
code = "GPU-credits"
decimals = 3
[[version]]
from = 2026-01-01
[[version.rule]]
partition = "cpu"
[version.rule.rates.cpu-hour]
rate = "1"
currency = "CPU-credits"
by-size = [{ up-to = 1, factor = "1" }, { up-to = 8, factor = "1.2" }, { up-to = 32, factor = "1.5" }, { factor = "2" }]
[version.rule.rates.memory-gb-hour]
rate = "1"
currency = "CPU-credits"
included = { cpu = "2GB" }
by-size = [
    { up-to = "8GB", factor = "0.125" },
    { up-to = "32GB", factor = "0.25" },
    { up-to = "128GB", factor = "0.375" },
    { up-to = "512GB", factor = "0.5" },
]
[[version.rule]]
feature = "hyperthreads"
factor = "0.6"
[[version.rule]]
partition = "gpu"
[version.rule.rates.gpu-hour]
rate = "1"
currency = "GPU-credits"
by-size = [{ up-to = 1, factor = "1" }, { up-to = 2, factor = "1.2" }, { up-to = 3, factor = "1.5" }, { factor = "2" }]
[version.rule.rates.cpu-hour]
rate = "1"
currency = "GPU-credits"
included = { gpu = 16 }
size-of = "cpu"
size-per = "gpu"
by-size = [{ up-to = 48, factor = "0.125" }, { up-to = 64, factor = "0.2" }]
[version.rule.rates.memory-gb-hour]
rate = "1"
currency = "GPU-credits"
included = { gpu = "128GB" }
size-of = "memory"
size-per = "gpu"
by-size = [{ up-to = "384GB", factor = "0.012" }, { up-to = "512GB", factor = "0.02" }]
"#,
    );
    let cpu = run(1).cpus(8).gb(128).partition("cpu");
    assert_eq!(
        lines(&june_bill(&card, std::slice::from_ref(&cpu))),
        ["Usage cpu 28800 at 1 x 6/5 = 9600", "Usage mem 412876800 at 1 x 3/8 = 42000"]
    );
    assert_eq!(cost(&card, &[cpu]), "51.600 CPU-credits");
    let gpu = run(1).with("gres/gpu", 1).cpus(32).gb(256).partition("gpu");
    let amounts: Vec<i64> = june_bill(&card, std::slice::from_ref(&gpu)).lines.iter().map(|line| line.amount).collect();
    assert_eq!(amounts, [2_000, 1_000, 1_536], "cores, GPU, memory");
    assert_eq!(cost(&card, &[gpu]), "4.536 GPU-credits");
    assert_eq!(cost(&card, &[run(1).cpus(1).gb(2).partition("cpu").feature("hyperthreads")]), "0.600 CPU-credits");
}

#[test]
fn given_ecmwf_then_cores_cost_their_share_of_what_the_machine_delivers() {
    // An hour of a core is 3600 P = 117602602 / 6144000 = 19.1410485026...; a rate has nine decimals.
    let text = "[version.rates]\ncpu-hour = \"19.141048503\"";
    // The published 14 700.32 is 14 700.32525 cut off: to the nearest it is 14 700.33, and "about 19.14" is both.
    let nearest = card_in("SBU", 2, text);
    assert_eq!(cost(&nearest, &[run(1).cpus(1)]), "19.14 SBU");
    assert_eq!(cost(&nearest, &[run(3).on(2).cpus(256)]), "14700.33 SBU");
    let cut_off = Card { rounding: Rounding::Down, ..nearest };
    assert_eq!(cost(&cut_off, &[run(1).cpus(1)]), "19.14 SBU");
    assert_eq!(cost(&cut_off, &[run(3).on(2).cpus(256)]), "14700.32 SBU");
}

#[test]
fn given_osc_then_cores_or_their_share_of_memory_are_charged_and_whole_nodes_if_there_are_several() {
    let card = card_in(
        "core-h",
        2,
        r#"
combine = "max"
whole-nodes = "several"
node = { cpu = 48, memory = "192GB" }
[version.rates]
cpu-hour = "1"
memory-gb-hour = { rate = "1", per = "4GB" }
"#,
    );
    assert_eq!(cost(&card, &[run(1).cpus(1).gb(12)]), "3.00 core-h");
    assert_eq!(cost(&card, &[run(1).on(2).cpus(2).gb(8)]), "96.00 core-h");
}

#[test]
fn given_nersc_then_node_hours_cost_by_machine_and_qos_to_the_second_and_reservations_in_full() {
    let card = card_in(
        "node-h",
        4,
        r#"
[version.rates]
node-hour = "1"
[[version.rule]]
cluster = "c1"
factor = "0.5"
[[version.rule]]
qos = "premium"
factor = "2"
[[version.rule]]
qos = "overrun"
factor = "0"
"#,
    );
    let mut short = run(0).on(3);
    short.end = short.start.plus(4_001);
    // 3 nodes x 4001 s / 3600 x 0.5
    assert_eq!(cost(&card, std::slice::from_ref(&short)), "1.6671 node-h");
    assert_eq!(cost(&card, &[short.clone().qos("premium")]), "3.3342 node-h");
    assert_eq!(cost(&card, &[short.clone().qos("overrun")]), "0.0000 node-h");
    let mut idle = run(2).on(10).job(0);
    (idle.idle, idle.user, idle.uid) = (true, "".into(), None);
    let bill = june_bill(&card, &[short, idle]);
    assert_eq!(
        lines(&bill),
        ["Idle node 72000 at 1 x 1/2 = 100000", "Usage node 12003 at 1 x 1/2 = 16671"],
        "what stood idle in a reservation is a line of its own"
    );
}

#[test]
fn given_iit_delhi_then_a_core_minute_costs_five_paise_and_in_the_priority_queue_half_as_much_again() {
    let card = card_in(
        "p",
        1,
        r#"
[version.rates]
cpu-hour = "300"
gpu-hour = "3000"
[[version.rule]]
qos = "priority"
factor = "1.5"
"#,
    );
    let mut minute = run(0).cpus(1);
    minute.end = minute.start.plus(60);
    assert_eq!(cost(&card, std::slice::from_ref(&minute)), "5.0 p");
    assert_eq!(cost(&card, &[minute.clone().qos("priority")]), "7.5 p");
    assert_eq!(cost(&card, &[minute.with("gres/gpu", 1).cpus(0).qos("priority")]), "75.0 p");
}
