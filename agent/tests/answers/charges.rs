//! Months by rate cards: what the command line prints adds up, and another card is tried beside the one in force.

use std::sync::Arc;

use bursar_agent::cli::ExitStatus;
use bursar_agent::config::{self, RATES};

use bursar_agent::wire::{Request, Response};

use super::imports::{HEADER, Served};
use super::world::{ANA, DORA, OLAF, PIA, ROOT, query};

/// An hour of a core costs a third of a cent, which no line comes out even with.
const CARD: &str = r#"
[[currency]]
code = "EUR"
[[version]]
from = 2026-01-01
minimum = "0.01"
refund = { NODE_FAIL = "100" }
[version.rates]
cpu-hour = "0.003333333"
[[version.rule]]
qos = "urgent"
factor = "2"
[[version]]
name = "dearer"
from = 2026-02-15
[version.rates]
cpu-hour = "0.01"
"#;

/// 15 February 2026 in Berlin.
const CHANGE: i64 = 1_771_110_000;

async fn served(card: &str) -> Served {
    let served = Served::new().await;
    let site = &served.world.site;
    std::fs::write(served.world.dir.path().join(RATES), card).expect("a rate card");
    let config = config::load(&site.paths).expect("a sound card");
    site.renew(|view| view.config = Arc::new(config));
    let mut text = HEADER.to_owned();
    // One that lasts over the change of the card, one that its node let down, and many short ones.
    text.push_str(&run(1, "ana", "physics", "COMPLETED", CHANGE - 3_600, CHANGE + 3_600));
    text.push_str(&run(2, "ben", "chemistry", "NODE_FAIL", CHANGE - 7_200, CHANGE - 3_600));
    for id in 3..40 {
        let (user, account) = if id % 2 == 0 { ("ana", "physics") } else { ("ben", "chemistry") };
        text.push_str(&run(
            id,
            user,
            account,
            "COMPLETED",
            CHANGE - 900 * i64::from(id),
            CHANGE - 900 * i64::from(id) + 600,
        ));
    }
    let file = served.file("dump", text.as_bytes());
    served.told(&["import", "usage", &file]).await;
    served
}

fn run(id: u32, user: &str, account: &str, state: &str, start: i64, end: i64) -> String {
    let row = format!("{id}|lab|{user}|4711|{account}|{state}|{start}|{start}|{end}|cpu=2,node=1|n1|x\n");
    row
}

/// Cents of a printed column.
fn cents(text: &str) -> Vec<i64> {
    text.lines().map(|line| line.replace('.', "").parse().expect(line)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_month_then_lines_accounts_people_and_cost_centres_come_to_the_same_total() {
    let served = served(CARD).await;
    let sums = async |by: &'static [&'static str]| {
        let command = [&["-nP", "report", "charges", "period=2026-02", "format=amount"][..], by].concat();
        cents(&served.told(&command).await).iter().sum::<i64>()
    };
    let total = sums(&["lines"]).await;
    for by in [&["by=account"], &["by=user"], &["by=cost-centre"], &["by=item,version"], &["by=partition,qos,user"]] {
        assert_eq!(sums(by).await, total, "{by:?}");
    }
    let note = served.run(&["report", "charges", "period=2026-02"]).await.err;
    assert!(note.contains(&format!("2026-02: {}.{:02} EUR in all", total / 100, total % 100)), "{note}");
    // Nothing of March.
    assert!(served.run(&["report", "charges", "period=2026-03"]).await.err.contains("nothing has a price"));
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_card_that_changes_during_a_run_and_a_node_that_fails_then_each_is_a_line_of_its_own() {
    let served = served(CARD).await;
    let lines = served
        .told(&[
            "-nP",
            "report",
            "charges",
            "period=2026-02",
            "lines",
            "account=physics",
            "format=version,kind,quantity,rate,amount",
        ])
        .await;
    assert!(lines.contains("dearer|usage|2.0000|0.01|0.02\n"), "{lines}");
    let refunds = served
        .told(&[
            "-nP",
            "report",
            "charges",
            "period=2026-02",
            "lines",
            "account=chemistry",
            "format=kind,quantity,amount",
        ])
        .await;
    assert!(refunds.contains("refund NODE_FAIL|-2.0000|-0.01\n"), "{refunds}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_another_card_then_the_month_by_both_stands_side_by_side_and_nothing_changes() {
    let served = served(CARD).await;
    let other = served.file(
        "new.toml",
        CARD.replace("\"0.01\"\n\"", "\"0.02\"\n").replace("cpu-hour = \"0.01\"", "cpu-hour = \"0.02\"").as_bytes(),
    );
    let command = ["-nP", "price", "--dry-run", &other, "period=2026-02", "format=account,before,after,difference"];
    let before = served.told(&["-nP", "report", "charges", "period=2026-02", "format=account,amount"]).await;
    let compared = served.told(&command).await;
    for (row, charged) in compared.lines().zip(before.lines()) {
        let fields: Vec<&str> = row.split('|').collect();
        assert_eq!(format!("{}|{}", fields[0], fields[1]), charged);
        let expected = if fields[0] == "physics" { "0.02" } else { "0.00" };
        assert_eq!(fields[3], expected, "{compared}");
    }
    assert_eq!(compared.lines().count(), 2, "{compared}");
    assert_eq!(served.told(&["-nP", "report", "charges", "period=2026-02", "format=account,amount"]).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_card_with_mistakes_then_each_is_told_with_its_line() {
    let served = served(CARD).await;
    let other = served.file("new.toml", CARD.replace("cpu-hour", "cpu-our").replace("\"100\"", "\"101\"").as_bytes());
    let output = served.run(&["price", "--dry-run", &other]).await;
    assert_eq!(output.status, ExitStatus::Usage);
    assert!(output.err.contains("new.toml:7") && output.err.contains("new.toml:9"), "{output:?}");
    let output = served.run(&["report", "charges", "period=soon"]).await;
    assert!(output.err.contains("`period=soon` is no month; write 2026-11, this or last"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_whoever_asks_then_they_see_what_is_theirs_and_nobody_prices_but_who_sees_all() {
    let served = served(CARD).await;
    let rows = async |uid| match served.world.run(uid, "report charges period=2026-02 by=account,user").await {
        Response::Table { table, .. } => table.rows.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        [rows(ROOT).await, rows(OLAF).await, rows(PIA).await, rows(ANA).await, rows(DORA).await],
        [2, 2, 1, 1, 0]
    );
    let price = Request::Price { query: query(&["account"]), file: "x".into(), card: CARD.into() };
    assert!(matches!(served.world.ask(ANA, price.clone()).await, Response::Refused { .. }));
    assert!(matches!(served.world.ask(OLAF, price).await, Response::Table { .. }));
}

/// The rules of FOCUS 1.2 that catch people: exclusive ends in UTC, plain numbers, invoices that their lines come to.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_month_for_the_finance_side_then_its_lines_are_as_focus_has_them() {
    let served = served(CARD).await;
    let csv = served.told(&["--csv", "report", "focus", "period=2026-02"]).await;
    let mut lines = csv.split("\r\n").filter(|line| !line.is_empty());
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    for mandatory in [
        "BilledCost",
        "BillingAccountId",
        "BillingAccountName",
        "BillingCurrency",
        "BillingPeriodStart",
        "BillingPeriodEnd",
        "ChargeCategory",
        "ChargeClass",
        "ChargeDescription",
        "ChargePeriodStart",
        "ChargePeriodEnd",
        "ContractedCost",
        "EffectiveCost",
        "InvoiceIssuerName",
        "ListCost",
        "PricingQuantity",
        "PricingUnit",
        "ProviderName",
        "PublisherName",
        "ServiceCategory",
        "ServiceName",
    ] {
        assert!(header.contains(&mandatory), "{mandatory}: {header:?}");
    }
    let json = served.told(&["--json", "report", "focus", "period=2026-02"]).await;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&json).expect("JSON");
    assert_eq!(rows.len(), lines.count());
    let mut total = 0;
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_else(|| panic!("{key}: {row}"));
        assert_eq!(
            (text("billing_period_start"), text("billing_period_end")),
            ("2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z")
        );
        assert!(["Usage", "Credit"].contains(&text("charge_category")), "{row}");
        assert_eq!(text("invoice_id").split('/').collect::<Vec<_>>(), ["2026-02", text("billing_account_id"), "EUR"]);
        assert!(serde_json::from_str::<serde_json::Value>(text("tags")).is_ok_and(|tags| tags.is_object()));
        total += cents(text("billed_cost"))[0];
    }
    let charged = cents(&served.told(&["-nP", "report", "charges", "period=2026-02", "format=amount"]).await);
    assert_eq!(total, charged.iter().sum::<i64>());
    assert!(csv.contains("\"{\"\"partition\"\"") || csv.contains("\"{\"\"user\"\""), "{csv}");
}
