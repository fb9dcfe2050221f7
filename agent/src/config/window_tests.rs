//! Windows as they are written, and everything that can be wrong with one.

use bursar_policy::window::{Outside, Rule};
use jiff::civil::date;

use super::super::tests::{list, policy_with};
use super::*;

const GROUND: &str = "[[account]]\nname = \"physics\"\ndescription = \"P\"\n\
    [[account]]\nname = \"chemistry\"\ndescription = \"C\"\n\
    [[queue]]\nname = \"short\"\n[[queue]]\nname = \"debug\"\n";

fn windows(text: &str) -> Vec<Window> {
    match policy_with(&format!("{GROUND}{text}")) {
        Ok(config) => config.policy.windows,
        Err(problems) => panic!("{}", list(&problems)),
    }
}

fn problems(text: &str) -> String {
    list(&policy_with(&format!("{GROUND}{text}")).unwrap_err())
}

#[test]
fn given_no_window_then_there_is_none() {
    assert!(windows("").is_empty());
}

#[test]
fn given_the_shortest_window_then_the_rest_is_the_sites_zone_and_the_defaults() {
    let windows = windows(
        "[[window]]\nname = \"office\"\npartition = \"interactive\"\nopen = \"mon-fri 08:00-18:00\"\noutside = \"wait\"\n",
    );
    let [window] = windows.as_slice() else { panic!("{windows:?}") };
    assert_eq!(window.governs, Governs::Partitions(vec!["interactive".into()]));
    assert_eq!(window.governs.to_string(), "partition interactive");
    assert_eq!(window.rule, Rule { outside: Outside::Wait, ends_inside: false });
    assert_eq!(window.schedule.zone.iana_name(), Some("Europe/Berlin"));
    assert!(window.move_pending && !window.drain && !window.power_down);
}

#[test]
fn given_every_key_then_each_means_what_it_says() {
    let windows = windows(
        r#"
[[window]]
name = "cloud-hours"
partition = ["cloud", "cloud-gpu"]
open = ["mon-fri 08:00-18:00", "fri 22:00-06:00"]
holidays = [2026-12-25, 2026-12-26]
special-days = [{ date = 2026-12-24, hours = ["08:00-12:00"] }, { date = 2026-12-27, hours = "10:00-24:00" }]
time-zone = "America/New_York"
outside = "refuse"
ends-inside = true
move-pending = false
drain = true
power-down = true
[[window]]
name = "theses"
account = ["physics", "chemistry"]
open = ["sat,sun 00:00-24:00"]
outside = "wait"
[[window]]
name = "admins"
role = "cluster-admin"
open = ["daily 06:00-22:00"]
outside = "wait"
[[window]]
name = "short"
queue = ["short", "debug"]
open = ["daily 06:00-22:00"]
outside = "refuse"
"#,
    );
    let cloud = &windows[0];
    assert_eq!(cloud.governs, Governs::Partitions(vec!["cloud".into(), "cloud-gpu".into()]));
    assert_eq!(cloud.rule, Rule { outside: Outside::Refuse, ends_inside: true });
    assert_eq!(cloud.schedule.week.len(), 2);
    assert_eq!(cloud.schedule.zone.iana_name(), Some("America/New_York"));
    assert!(cloud.schedule.holidays.contains(&date(2026, 12, 25)));
    assert_eq!(cloud.schedule.special_days[&date(2026, 12, 27)][0].to_string(), "10:00-24:00");
    assert!(!cloud.move_pending && cloud.drain && cloud.power_down);
    let governs: Vec<String> = windows.iter().map(|window| window.governs.to_string()).collect();
    assert_eq!(
        governs,
        ["partition cloud,cloud-gpu", "account physics,chemistry", "role cluster-admin", "queue short,debug"]
    );
}

#[test]
fn given_broken_windows_then_every_problem_is_told_with_line_key_and_remedy() {
    let text = r#"
[[window]]
partition = "a b"
open = ["monday 08:00-18:00", "mon 8-18", 5, "mon 08:00-08:00"]
holidays = ["2026-12-25", 2026-12-25T12:00:00, 2026-12-26, 2026-12-26]
special-days = [{ date = 2026-12-26, hours = ["08:00-12:00"] }, { hours = [] }, { date = 2026-12-27, hours = "noon", till = 1 }]
time-zone = "Europe/Atlantis"
outside = "maybe"
ends-inside = "yes"
[[window]]
name = "two masters"
partition = "main"
account = "physics"
open = []
[[window]]
name = "nobody"
open = "08:00-18:00"
outside = "wait"
color = "blue"
[[window]]
name = "accounts"
account = ["physics", "Biology", "geology", "physics"]
open = ["mon 08:00-18:00"]
outside = "wait"
drain = true
power-down = true
[[window]]
name = "roles"
role = ["observer", "king"]
open = ["mon 08:00-18:00"]
outside = "wait"
[[window]]
name = "power"
partition = []
open = ["mon 08:00-18:00"]
outside = "wait"
power-down = true
[[window]]
name = "same"
queue = "short"
open = ["mon 08:00-18:00"]
outside = "wait"
[[window]]
name = "same"
queue = ["debug", "long"]
open = ["mon 08:00-18:00"]
outside = "wait"
"#;
    insta::assert_snapshot!(problems(text));
}
