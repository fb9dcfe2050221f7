//! `report focus`: a month's invoice lines in the columns of FOCUS 1.2.
//!
//! Ends are exclusive, instants are UTC, numbers carry no separators, and the lines of an invoice come to the invoice.

use std::sync::Arc;

use bursar_policy::{Period, Timestamp};

use super::charges::{bills, hours, money, month_or_last};
use crate::cli::entity::Report;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::Session;
use crate::rates::{Card, Charged, Class, Kind, Line};
use crate::wire::{Cell, Query, Response};

pub(super) async fn report(session: &Session<'_>, query: &Query) -> Answer {
    session.caller.must_see_all("everybody's invoices")?;
    let (name, period) = month_or_last(session, query)?;
    let card = Arc::clone(&session.view.config.card);
    let [bill] = bills(session, query, period, [Arc::clone(&card)]).await?;
    let (of_money, own): (Vec<&Line>, Vec<&Line>) = bill.lines.iter().partition(|line| is_money(&line.of.currency));
    let mut notes = Vec::new();
    if !own.is_empty() {
        notes.push(format!("{} lines in units of the site's own are left out: FOCUS bills in money", own.len()));
    }
    let month = Month { name: &name, period, cluster: session.cluster(), card: &card };
    let table = session.rows(Report::Focus.schema(), query, of_money, |line, field| month.cell(line, field));
    Ok(Response::Table { table, notes })
}

/// Whether a code is one of ISO 4217, by its shape.
fn is_money(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase())
}

struct Month<'a> {
    name: &'a str,
    period: Period,
    cluster: &'a str,
    card: &'a Card,
}

impl Month<'_> {
    fn cell(&self, line: &Line, field: &str) -> Cell {
        let of = &line.of;
        let cost = |amount: i64| Cell::Decimal(money(self.card, &of.currency, amount.into()));
        let quantity = || hours(of, line.quantity).map_or(Cell::Absent, Cell::Decimal);
        match field {
            "billed-cost" | "contracted-cost" | "effective-cost" => cost(line.amount),
            "list-cost" => cost(line.list_amount),
            "billing-account-id" | "billing-account-name" => payer(of).into(),
            "billing-currency" => of.currency.as_str().into(),
            "billing-period-start" | "charge-period-start" => instant(self.period.start),
            "billing-period-end" | "charge-period-end" => instant(self.period.end),
            "charge-category" => category(&of.kind).into(),
            "charge-class" => match line.class {
                Class::Current => Cell::Absent,
                Class::Correction { .. } => "Correction".into(),
            },
            "charge-description" => description(of).into(),
            "charge-frequency" => if of.kind == Kind::Reservation { "Recurring" } else { "Usage-Based" }.into(),
            "consumed-quantity" if category(&of.kind) == "Usage" => quantity(),
            "consumed-unit" if category(&of.kind) == "Usage" => unit(of).into(),
            "pricing-quantity" => quantity(),
            "pricing-unit" => unit(of).into(),
            "invoice-id" => format!("{}/{}/{}", self.name, payer(of), of.currency).into(),
            "invoice-issuer-name" | "provider-name" | "publisher-name" => self.cluster.into(),
            "pricing-category" => if matches!(of.kind, Kind::ReservedUse(_)) { "Committed" } else { "Standard" }.into(),
            "service-category" => if of.kind == Kind::Storage { "Storage" } else { "Compute" }.into(),
            "service-name" => if of.kind == Kind::Storage { of.item.as_str() } else { "Slurm" }.into(),
            "sku-id" => format!("{}/{}/{}", of.partition, of.qos, of.item).into(),
            "sku-price-id" => of.version.as_str().into(),
            "sub-account-id" | "sub-account-name" => of.account.as_str().into(),
            "tags" => tags(of).into(),
            _ => Cell::Absent,
        }
    }
}

fn payer(of: &Charged) -> &str {
    if of.cost_center.is_empty() { "untagged" } else { &of.cost_center }
}

fn category(kind: &Kind) -> &'static str {
    match kind {
        Kind::Reservation => "Purchase",
        Kind::Refund(_) => "Credit",
        Kind::Usage | Kind::Idle | Kind::Storage | Kind::Allowance | Kind::ReservedUse(_) | Kind::Minimum => "Usage",
    }
}

fn description(of: &Charged) -> String {
    match &of.kind {
        Kind::Usage | Kind::Storage => of.item.clone(),
        Kind::Idle => format!("{} that stood idle in a reservation", of.item),
        Kind::Allowance => format!("{} inside the free allowance", of.item),
        Kind::ReservedUse(name) => format!("{} inside {name}", of.item),
        Kind::Reservation => format!("{}, reserved", of.item),
        Kind::Minimum => "up to the least that a run costs".to_owned(),
        Kind::Refund(state) => format!("{} of runs that ended as {state}, given back", of.item),
    }
}

/// The unit as FOCUS writes units: `Core-Hours`, `GiB-Hours`.
fn unit(of: &Charged) -> String {
    match of.item.as_str() {
        _ if of.kind == Kind::Minimum => "Runs".to_owned(),
        _ if of.kind == Kind::Reservation => "Months".to_owned(),
        "cpu" => "Core-Hours".to_owned(),
        "mem" => "GiB-Hours".to_owned(),
        "node" => "Node-Hours".to_owned(),
        "billing" => "Unit-Hours".to_owned(),
        item if item.starts_with("gres/gpu") => "GPU-Hours".to_owned(),
        item => format!("{item}-Hours"),
    }
}

fn tags(of: &Charged) -> String {
    let pairs = [("user", &of.user), ("partition", &of.partition), ("qos", &of.qos)];
    let known = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let tags: serde_json::Map<String, serde_json::Value> =
        known.map(|(key, value)| (key.to_owned(), value.as_str().into())).collect();
    serde_json::Value::Object(tags).to_string()
}

/// `YYYY-MM-DDTHH:mm:ssZ`, whatever the site's zone.
fn instant(at: Timestamp) -> Cell {
    jiff::Timestamp::from_second(at.0).map_or(Cell::Absent, |at| at.to_string().into())
}
