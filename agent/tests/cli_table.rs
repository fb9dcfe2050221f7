//! What tables look like in each style.

use bursar_agent::cli::format::Layout;
use bursar_agent::cli::grammar::{Command, parse};
use bursar_agent::cli::table::write;
use bursar_agent::wire::{Cell, Column, Table};
use bursar_policy::Timestamp;

fn sample() -> Table {
    let column = |name: &str, width| Column { name: name.to_owned(), width };
    Table {
        columns: vec![
            column("user", 8),
            column("name", -10),
            column("jobs", 4),
            column("cpu-time", 10),
            column("until", 19),
        ],
        rows: vec![
            vec![
                Cell::from("ana"),
                Cell::from("Ana Ĝibson"),
                Cell::Count(7),
                Cell::Seconds(5_415),
                Cell::from(Timestamp(1_773_943_200)),
            ],
            vec![
                Cell::from("christopher"),
                Cell::from("a|b\u{1b}[2J\u{202e}"),
                Cell::Count(1_234_567),
                Cell::Seconds(0),
                Cell::from(Timestamp::NEVER),
            ],
            vec![Cell::Absent, Cell::from(""), Cell::Absent, Cell::Absent, Cell::from(None::<Timestamp>)],
        ],
        zone: "UTC".to_owned(),
    }
}

/// The table as `show user` with these further words would print it; a `|` marks the end of each line.
fn printed(words: &str) -> String {
    printed_of(&sample(), words)
}

fn printed_of(table: &Table, words: &str) -> String {
    let arguments: Vec<String> = format!("show user {words}").split_whitespace().map(str::to_owned).collect();
    let invocation = parse(&arguments).expect(words);
    let Command::Ask(_, layout) = invocation.command else { panic!("{words}") };
    let mut out = Vec::new();
    write(table, &layout, &invocation.options, &mut out).expect("a table");
    // What JSON keeps as it is must not turn this file around.
    let out = String::from_utf8(out).expect("UTF-8").replace('\u{202e}', "<202e>");
    out.lines().map(|line| format!("{line}¶\n")).collect()
}

#[test]
fn given_columns_then_cells_are_padded_and_only_texts_are_cut() {
    insta::assert_snapshot!(printed(""), @r"
        User Name       Jobs    CpuTime               Until ¶
    -------- ---------- ---- ---------- ------------------- ¶
         ana Ana Ĝibson    7    1:30:15 2026-03-19T18:00:00 ¶
    christo+ a|b\x1b[2+ 1234567    0:00:00               never ¶
                                                            ¶
    ");
    insta::assert_snapshot!(printed("-n format=name%-4,user%12"), @r"
    Ana+          ana ¶
    a|b+  christopher ¶
                      ¶
    ");
}

#[test]
fn given_the_parsable_styles_then_no_text_can_add_a_field() {
    insta::assert_snapshot!(printed("-p"), @r"
    User|Name|Jobs|CpuTime|Until|¶
    ana|Ana Ĝibson|7|1:30:15|2026-03-19T18:00:00|¶
    christopher|a\x7cb\x1b[2J\x202e|1234567|0:00:00|never|¶
    |||||¶
    ");
    insta::assert_snapshot!(printed("-nP -tMinutes"), @r"
    ana|Ana Ĝibson|7|90.25|2026-03-19T18:00:00¶
    christopher|a\x7cb\x1b[2J\x202e|1234567|0.00|never¶
    ||||¶
    ");
}

#[test]
fn given_json_then_values_are_typed_and_whole() {
    insta::assert_snapshot!(printed("--json -tHours"), @r#"
    [¶
      {"user":"ana","name":"Ana Ĝibson","jobs":7,"cpu_time":5415,"until":"2026-03-19T18:00:00Z"},¶
      {"user":"christopher","name":"a|b\u001b[2J<202e>","jobs":1234567,"cpu_time":0,"until":null},¶
      {"user":null,"name":null,"jobs":null,"cpu_time":null,"until":null}¶
    ]¶
    "#);
    let empty = Table { rows: Vec::new(), ..sample() };
    assert_eq!(printed_of(&empty, "--json"), "[]¶\n");
}

#[test]
fn given_the_sites_zone_then_times_are_shown_in_it_and_in_utc_where_it_is_unknown() {
    let berlin = Table { zone: "Europe/Berlin".to_owned(), ..sample() };
    let nowhere = Table { zone: "Atlantis/Capital".to_owned(), ..sample() };
    assert!(printed_of(&berlin, "-nP").contains("|2026-03-19T19:00:00¶"));
    assert!(printed_of(&nowhere, "-nP").contains("|2026-03-19T18:00:00Z¶"));
    assert!(printed_of(&berlin, "--json").contains("2026-03-19T18:00:00Z"), "JSON is always UTC");
}

#[test]
fn given_items_then_a_table_is_built_of_the_fields_asked_for() {
    let schema = bursar_agent::cli::entity::Entity::User.schema();
    let fields = ["uid".to_owned(), "user".to_owned()];
    let table = Table::build(schema, &fields, "UTC", [("ana", 65_536_u64)], |item, field| match field {
        "user" => Cell::from(item.0),
        "uid" => Cell::Count(item.1),
        _ => Cell::Absent,
    });
    let mut out = Vec::new();
    write(&table, &Layout::new(), &bursar_agent::cli::options::Options::default(), &mut out).expect("a table");
    assert_eq!(String::from_utf8_lossy(&out), "   Uid         User \n------ ------------ \n 65536          ana \n");
}
