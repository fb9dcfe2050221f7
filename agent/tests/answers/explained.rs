//! Explanations: the judges' own verdicts, rule by rule.

use bursar_agent::cli::amount::{Unit, show_decimal};
use bursar_agent::wire::{Cell, Response, Table};

use super::world::*;

fn judged(response: Response) -> (Table, Option<String>) {
    match response {
        Response::Judged { table, refusal, .. } => (table, refusal),
        other => panic!("{other:?}"),
    }
}

/// The rows as text, without what depends on the day of the test.
fn text(table: &Table) -> String {
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) if text.contains("20") => text.split(" until ").next().unwrap_or_default().to_owned(),
        Cell::Text(text) | Cell::Decimal(text) => text.clone(),
        Cell::Count(count) => count.to_string(),
        Cell::Seconds(seconds) => Unit::Clock.show(*seconds),
        Cell::Parts(amount, parts) => show_decimal(*amount, *parts),
        Cell::Instant(_) => "an instant".to_owned(),
        Cell::Absent => "-".to_owned(),
    };
    let row = |row: &Vec<Cell>| {
        let mut cells: Vec<String> = row.iter().map(cell).collect();
        if cells[0].contains("month") {
            // How much of a job falls into this month depends on what is left of it.
            cells[6] = "some".to_owned();
        }
        cells.join(" | ")
    };
    table.rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn given_a_job_that_fits_then_every_rule_allows_it_with_its_numbers() {
    let world = World::with(|now| vec![run(now, 1, "ana", "physics", -40, Some(-4))], |_| Vec::new()).await;
    let (table, refusal) = judged(world.run(ANA, "explain job cpus=4 time=2:00:00").await);
    assert_eq!(refusal, None);
    let outcomes = table.rows.iter().filter(|row| row[1] == Cell::Text("allow".into())).count();
    assert_eq!(outcomes, table.rows.len(), "{}", text(&table));
    assert_eq!(cell(&table, "rule", "bound", "asked"), &Cell::Seconds(4 * 7_200));
    assert_eq!(cell(&table, "rule", "queued-jobs ana", "allowed"), &Cell::Count(3));
    assert_eq!(cell(&table, "rule", "cpu-hours-per-month physics", "allowed"), &Cell::Seconds(360_000));
}

#[tokio::test]
async fn given_a_job_over_a_limit_then_it_is_refused_by_the_judges_sentence_and_later_rules_were_not_asked() {
    let world = World::new().await;
    let (table, refusal) = judged(world.run(ADA, "explain job user=ana tasks=4 time=60").await);
    assert_eq!(
        refusal.as_deref(),
        Some("refused: you may have 3 jobs waiting: 0 wait already, and this asks for 4 more (BSR-141)")
    );
    insta::assert_snapshot!(text(&table));
}

#[tokio::test]
async fn given_cpu_time_over_the_accounts_limit_then_the_account_refuses() {
    let world = World::new().await;
    let (table, refusal) = judged(world.run(ANA, "explain job cpus=8 nodes=4 time=1-0").await);
    let refusal = refusal.expect("a refusal");
    // On the last day of a month less than the whole job falls into it.
    assert!(refusal.contains("account physics may use 100.00 CPU-hours") && refusal.contains("BSR-152"), "{refusal}");
    let refused: Vec<_> = table.rows.iter().filter(|row| row[1] == Cell::Text("refuse".into())).collect();
    assert_eq!(refused.len(), 2, "the verdict and one rule: {}", text(&table));
}

#[tokio::test]
async fn given_each_reason_before_limits_then_it_is_told() {
    let world = World::new().await;
    let mut told = String::new();
    for line in [
        "explain job user=olaf",
        "explain job user=dora",
        "explain job user=tom",
        "explain job user=ana account=chemistry",
        "explain job user=ana account=nowhere",
        "explain job user=ada",
        "explain job user=ben time=unlimited at=now+2days",
        "explain login user=ana",
        "explain login user=ben at=now+2days",
        "explain login user=dora",
        "explain login user=olaf service=login",
    ] {
        let (table, refusal) = judged(world.run(ROOT, line).await);
        let refusal = refusal.unwrap_or_else(|| "allowed".to_owned());
        // The end of ben's grant is relative to the test.
        let refusal = refusal.split(" ended 20").next().unwrap_or_default();
        told.push_str(&format!("{line}: {} rules, {refusal}\n", table.rows.len()));
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn given_a_question_that_cannot_be_judged_then_it_says_why() {
    let world = World::new().await;
    for (uid, line, expected) in [
        (ROOT, "explain job", "root is not a person of the directory; name one with user="),
        (ROOT, "explain job user=nobody-here", "there is no user nobody-here"),
        (
            ANA,
            "explain job time=soon",
            "`time-limit=soon` is no time limit; write minutes, h:mm:ss, d-h, d-h:mm or UNLIMITED",
        ),
        (ANA, "explain job cpus=0", "`cpus=0` is no number of cpus that a job can have"),
    ] {
        match world.run(uid, line).await {
            Response::Usage { message } | Response::Refused { message, .. } => assert_eq!(message, expected),
            other => panic!("{line}: {other:?}"),
        }
    }
    world.site.renew(|view| view.snapshot = None);
    assert!(matches!(world.run(ANA, "explain job").await, Response::Unavailable { .. }));
}

#[tokio::test]
async fn given_a_window_then_it_is_told_whether_it_lets_the_job_begin() {
    let world = World::new().await;
    let (table, refusal) =
        judged(world.run(ADA, "explain job user=ana partition=night time=60 format=rule,outcome,detail").await);
    assert_eq!(refusal, None);
    let Cell::Text(state) = cell(&table, "rule", "window nights night", "detail") else { panic!("{table:?}") };
    let Cell::Text(verdict) = cell(&table, "rule", "verdict", "detail") else { panic!("{table:?}") };
    // Whether it is night depends on when the test runs.
    assert!(state.starts_with("open until 20") || state.starts_with("closed until 20"), "{state}");
    let waits = verdict.contains("when window nights of partition night opens");
    assert_eq!(waits, state.starts_with("closed"), "{state} {verdict}");
    let (table, _) = judged(world.run(ADA, "explain job user=ana partition=main time=60").await);
    assert!(!text(&table).contains("window"), "{}", text(&table));
}
