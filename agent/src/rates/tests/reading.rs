//! What can be wrong in a card, and that all of it is told at once.

use super::*;

fn problems(text: &str) -> String {
    let read = Card::parse(Path::new("rates.toml"), text, &TimeZone::UTC);
    read.unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn given_the_card_of_the_documentation_then_it_is_read_as_it_stands() {
    let source = include_str!("../read.rs");
    let text: Vec<&str> = source
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//!"))
        .collect();
    assert!(text.len() > 50);
    let problems = problems(&text.join("\n"));
    // It uses a currency that only a comment could introduce.
    assert_eq!(problems.lines().count(), 1, "{problems}");
    assert!(problems.contains("\"SU\" is no [[currency]] of this card"), "{problems}");
    card(&text.join("\n").replace("[[version]] ", "[[currency]]\ncode = \"SU\"\n[[version]] "));
}

#[test]
fn given_an_empty_card_then_what_it_lacks_is_told() {
    insta::assert_snapshot!(problems(""));
}

#[test]
fn given_a_broken_card_then_every_problem_is_told_with_line_key_and_remedy() {
    let text = r#"
time-zone = "Europe/Atlantis"
rounding = "banker"
suspended = "some"
colour = "blue"
[[currency]]
code = "my money"
[[currency]]
code = "EUR"
decimals = 7
[[currency]]
code = "SU"
[[currency]]
code = "SU"
[[version]]
from = 2026-01-01
"#;
    insta::assert_snapshot!(problems(text));
}

#[test]
fn given_broken_versions_then_every_problem_is_told_with_line_key_and_remedy() {
    let text = r#"
[[currency]]
code = "EUR"
[[currency]]
code = "SU"
[[version]]
from = "2026-01-01"
minimum = "1"
rates = { cpu-hour = "1", gpu-hour = { rate = "1" }, node-hour = { rate = "1", currency = "USD" } }
[[version]]
name = "b"
from = 2026-01-01
currency = "EUR"
factor = "-1"
discount = "101"
granularity-seconds = 0
combine = "most"
whole-nodes = "sometimes"
node = { cores = 5, memory = "2G" }
refund = { node_fail = "100", PREEMPTED = "lots" }
by-size = [{ up-to = 8, factor = "1" }, { up-to = 8, factor = "2" }]
[version.rates]
cpu-hour = 0.01
mem-hour = "1"
disk-hour = "1"
gpu-hour = "0.0000000001"
memory-gb-hour = { rate = "1", slice = "2GB", per = "2GB" }
a100-gpu-hour = { rate = "1", by-volume = [{ after = "10", rate = "1" }, { after = 10, rate = "2" }] }
"gres/gpu:a100-hour" = "1"
h100-gpu-hour = { rate = "1", slice = "big", colour = "red" }
license.matlab = "1"
storage.work-gb-hour = { rate = "1", slice = 5 }
[[version.window]]
name = "night"
open = "nightly"
[[version.rule]]
factor = "2"
[[version.rule]]
during = "day"
[[version.rule]]
qos = ["a", "a"]
[[version.rule]]
qos = "b"
factor = "2"
[[version.rule]]
qos = "b"
factor = "3"
[[version.allowance]]
account = "x"
cost-center = "y"
tres = "cpu"
hours = "ten"
[[version.reserved]]
name = "r"
account = "x"
tres = "nothing"
units = 5
hours = "5"
price = "1"
[[version]]
name = "c"
from = 2027-01-01
currency = "EUR"
rates = { cpu-hour = "1" }
[[version]]
name = "c"
from = 2028-01-01
currency = "EUR"
allowance = [{ tres = "gpu", hours = "1" }]
[[version]]
name = "d"
from = 2027-01-01T00:00:00Z
currency = "EUR"
"#;
    insta::assert_snapshot!(problems(text));
}

#[test]
fn given_the_shipped_example_then_it_loads_and_means_what_its_comments_say() {
    let card = card(include_str!("../../../../packaging/examples/rates.toml"));
    // Both have the 1,500 euros of what is reserved on them; its use is free.
    assert_eq!(cost(&card, &[run(1).cpus(4).gb(40).account("chemistry").qos("urgent")]), "1500.15 EUR");
    assert_eq!(cost(&card, &[run(1).cpus(1).account("particle").with("gres/shard", 2)]), "1500.00 EUR, 2.000 SU");
}
