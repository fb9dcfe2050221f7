//! `report charges` and `price`: what a month costs by the rate card, and what it would cost by another.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use bursar_policy::{Period, PeriodKind, Timestamp};
use jiff::civil::Date;

use super::consumed::Centres;
use super::scope::{asks_elsewhere, wants_cluster};
use crate::cli::amount::show_ratio;
use crate::cli::entity::Report;
use crate::cli::entity::command::PRICE;
use crate::daemon::answer::Answer;
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::{Session, passes};
use crate::daemon::bills::MadeFrom;
use crate::rates::{self, Bill, Card, Charged, Consumption, Kind, Line};
use crate::report::charges::{Charge, Compared, Of, Priced, compared, sums};
use crate::store::ledger::{Attribution, Posting};
use crate::wire::{Cell, Query, Response};

const APART: [(&str, Of); 8] = [
    ("cost-centre", Of::CostCentre),
    ("account", Of::Account),
    ("user", Of::User),
    ("cluster", Of::Cluster),
    ("partition", Of::Partition),
    ("qos", Of::Qos),
    ("version", Of::Version),
    ("item", Of::Item),
];

pub(super) async fn report(session: &Session<'_>, query: &Query) -> Answer {
    let (name, period) = month(session, query)?;
    let card = Arc::clone(&session.view.config.card);
    let [bill] = bills(session, query, period, [card]).await?;
    let lines: Vec<&Line> = bill.lines.iter().filter(|line| sees(session, query, &line.of)).collect();
    let by = if query.has_flag("lines") { Of::ALL.to_vec() } else { apart_by(query) };
    let charges = sums(lines, &by);
    let card = &session.view.config.card;
    let mut notes = totals(card, &name, &charges);
    let provisional = session.now < period.end;
    if provisional {
        notes.push(format!("{name} is not over: what runs until its end is not in it"));
    }
    if let Some(first) = bill.unpriced.first() {
        let (all, id) = (bill.unpriced.len(), first.run.jobid);
        notes.push(format!("{all} runs have no price or not all of it; job {id} {}", first.reason));
    }
    if !session.caller.sees_all {
        notes.push("only charges that you may see are counted".to_owned());
    }
    let query = Query { fields: fields(query, &by), ..query.clone() };
    let table = session.rows(Report::Charges.schema(), &query, charges, |charge, field| cell(card, charge, field));
    Ok(Response::Table { table, notes })
}

/// `price`: the month by the card in force and by the one that is sent along.
pub(in crate::daemon::answer) async fn price(session: &Session<'_>, query: &Query, file: &str, text: &str) -> Answer {
    session.caller.must_see_all("pricing everybody's usage")?;
    let other = Card::parse(Path::new(file), text, &session.view.config.policy.time_zone);
    let other = other.map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        No::Usage(lines.join("; "))
    })?;
    let (name, period) = month_or_last(session, query)?;
    let (card, other) = (Arc::clone(&session.view.config.card), Arc::new(other));
    let [before, after] = bills(session, query, period, [Arc::clone(&card), Arc::clone(&other)]).await?;
    let mut notes = totals(&card, &format!("{name} by the card in force"), &sums(&before.lines, &[]));
    notes.extend(totals(&other, &format!("{name} by {file}"), &sums(&after.lines, &[])));
    for (bill, which) in [(before.as_ref(), "the card in force"), (&after, file)] {
        if let Some(first) = bill.unpriced.first() {
            let (all, id) = (bill.unpriced.len(), first.run.jobid);
            notes.push(format!("by {which} {all} runs have no price or not all of it; job {id} {}", first.reason));
        }
    }
    let by = apart_by(query);
    let rows = compared(&before, &after, &by);
    let query = Query { fields: fields(query, &by), ..query.clone() };
    let table = session.rows(&PRICE, &query, rows, |row, field| compared_cell(&card, &other, row, field));
    Ok(Response::Table { table, notes })
}

/// The clusters that are asked for, as far as anything is known of them.
async fn clusters(session: &Session<'_>, query: &Query) -> Result<Vec<String>, No> {
    asks_elsewhere(session, &query.filter)?;
    let wants = |cluster: &String| wants_cluster(&query.filter, session.cluster(), cluster);
    Ok(session.site.store.clusters().await?.into_iter().filter(wants).collect())
}

/// What everything in the period costs by each of the cards.
///
/// A bill of a big month is some seconds' work, which must not hold others up, so it is kept for who asks next.
pub(super) async fn bills<const N: usize>(
    session: &Session<'_>,
    query: &Query,
    period: Period,
    cards: [Arc<Card>; N],
) -> Result<[Arc<Bill>; N], No> {
    let clusters = clusters(session, query).await?;
    let before = made_from(session, &clusters, period).await?;
    let known = |card: &Arc<Card>| session.site.bills.get(&before, card);
    let mut bills: [Option<Arc<Bill>>; N] = std::array::from_fn(|at| cards.get(at).and_then(known));
    if bills.iter().any(Option::is_none) {
        let runs = Arc::new(runs(session, &clusters, period).await?);
        for (slot, card) in bills.iter_mut().zip(&cards).filter(|(slot, _)| slot.is_none()) {
            let (runs, priced_by) = (Arc::clone(&runs), Arc::clone(card));
            let billed = tokio::task::spawn_blocking(move || rates::bill(&priced_by, period, &runs, &[])).await;
            let billed = billed.map_err(|error| No::Unavailable(error.to_string()))?;
            let bill = Arc::new(billed.map_err(|error| No::Unavailable(error.to_string()))?);
            session.site.bills.keep(before.clone(), Arc::clone(card), Arc::clone(&bill));
            *slot = Some(bill);
        }
    }
    let missing = || No::Unavailable("a bill was not made".to_owned());
    let all: Option<Vec<Arc<Bill>>> = bills.into_iter().collect();
    all.and_then(|all| all.try_into().ok()).ok_or_else(missing)
}

/// Everything but the card that a bill is made from: the ledger as it stands, and the site's names for who pays.
async fn made_from(session: &Session<'_>, clusters: &[String], period: Period) -> Result<MadeFrom, No> {
    let mut names = DefaultHasher::new();
    for account in &session.stored.accounts {
        (account.name.as_str(), account.parent.as_ref().map(|name| name.as_str()), &account.cost_center)
            .hash(&mut names);
    }
    for subject in &session.stored.subjects {
        (subject.uid.get(), subject.name.as_str()).hash(&mut names);
    }
    let postings = session.site.store.last_posting().await?;
    Ok(MadeFrom { clusters: clusters.to_vec(), period, postings, names: names.finish() })
}

/// The runs of the clusters asked for that share a second with the period.
async fn runs(session: &Session<'_>, clusters: &[String], period: Period) -> Result<Vec<Consumption>, No> {
    let centres = Centres::of(session);
    let names = session.names_by_uid();
    let mut priced = Priced::default();
    let each = |of: &Attribution, posting: Posting| {
        if !clusters.contains(&of.cluster) {
            return;
        }
        // Numbers of another cluster are other people's.
        let known = names.get(&of.uid).filter(|_| of.cluster == session.cluster());
        let user = known.copied().unwrap_or(&of.user_name);
        priced.take(of, posting, user, &centres.of_run(&of.account, &of.wckey));
    };
    session.site.store.postings(&period, each).await?;
    Ok(priced.into_runs())
}

/// Whether a line is asked for, and the caller may see it.
///
/// Lines are left out only now: allowances and volumes are of everybody's runs.
fn sees(session: &Session<'_>, query: &Query, of: &Charged) -> bool {
    let filter = &query.filter;
    let caller = &session.caller;
    let own = of.cluster.is_empty() || of.cluster == session.cluster();
    (caller.sees_all || (own && caller.sees_row(&of.user, &of.account)))
        && passes(filter, "user", |name| of.user == name)
        && passes(filter, "account", |name| of.account == name)
        && passes(filter, "cost-centre", |name| of.cost_center.eq_ignore_ascii_case(name))
}

/// What charges are told apart by: by account, unless the query says otherwise.
fn apart_by(query: &Query) -> Vec<Of> {
    let words = query.filter.list("by");
    let known = |word: &String| APART.iter().find(|(known, _)| known == word).map(|(_, of)| *of);
    if words.is_empty() { vec![Of::Account] } else { words.iter().filter_map(known).collect() }
}

/// The fields asked for; without `format=`, what tells the rows apart and the amounts.
fn fields(query: &Query, by: &[Of]) -> Vec<String> {
    let charges = query.fields == Report::Charges.schema().default_fields();
    if !charges && query.fields != PRICE.default_fields() {
        return query.fields.clone();
    }
    let apart = APART.iter().filter(|(_, of)| by.contains(of)).map(|(word, _)| *word);
    let item: &[&str] = if by.contains(&Of::Item) && charges { &["kind", "quantity", "rate", "factor"] } else { &[] };
    let amounts: &[&str] =
        if charges { &["amount", "currency"] } else { &["before", "after", "difference", "currency"] };
    apart.chain(item.iter().copied()).chain(amounts.iter().copied()).map(str::to_owned).collect()
}

/// `period=2026-11`, `this` or `last` month of the site; without it this month.
fn month(session: &Session<'_>, query: &Query) -> Result<(String, Period), No> {
    named_month(session, query.filter.one("period").unwrap_or("this"))
}

pub(super) fn month_or_last(session: &Session<'_>, query: &Query) -> Result<(String, Period), No> {
    named_month(session, query.filter.one("period").unwrap_or("last"))
}

fn named_month(session: &Session<'_>, text: &str) -> Result<(String, Period), No> {
    let calendar = &session.view.calendar;
    let outside = |error: crate::accounting::calendar::OutsideCalendar| No::Usage(error.to_string());
    let of = |at| calendar.period(PeriodKind::Month, at).map_err(outside);
    let this = of(session.now)?;
    let period = match text {
        "this" => this,
        "last" => of(Timestamp(this.start.0.saturating_sub(1)))?,
        _ => {
            let wrong = || No::Usage(format!("`period={text}` is no month; write 2026-11, this or last"));
            let date: Date = format!("{text}-15").parse().map_err(|_| wrong())?;
            let noon = date.at(12, 0, 0, 0).to_zoned(calendar.zone.clone()).map_err(|_| wrong())?;
            of(Timestamp(noon.timestamp().as_second()))?
        }
    };
    let name = calendar.zoned(period.start).map_err(outside)?.strftime("%Y-%m").to_string();
    Ok((name, period))
}

/// A sentence for each currency.
fn totals(card: &Card, name: &str, charges: &[Charge]) -> Vec<String> {
    let all: Vec<&Charge> = charges.iter().collect();
    let mut sums: std::collections::BTreeMap<&str, i128> = std::collections::BTreeMap::new();
    for charge in all {
        let sum = sums.entry(&charge.of.currency).or_default();
        *sum = sum.saturating_add(charge.amount);
    }
    if sums.is_empty() {
        return vec![format!("{name}: nothing has a price")];
    }
    sums.into_iter().map(|(code, sum)| format!("{name}: {} {code} in all", money(card, code, sum))).collect()
}

/// An amount of minor units as people read it.
pub(super) fn money(card: &Card, code: &str, amount: i128) -> String {
    let currency = card.currencies.iter().find(|currency| currency.code == code);
    match (currency, i64::try_from(amount)) {
        (Some(currency), Ok(amount)) => currency.show(amount),
        _ => amount.to_string(),
    }
}

fn cell(card: &Card, charge: &Charge, field: &str) -> Cell {
    let of = &charge.of;
    match field {
        "lines" => Cell::Count(charge.lines),
        "amount" => Cell::Decimal(money(card, &of.currency, charge.amount)),
        "list-amount" => Cell::Decimal(money(card, &of.currency, charge.list_amount)),
        "quantity" => charge.quantity.and_then(|quantity| hours(of, quantity)).map_or(Cell::Absent, Cell::Decimal),
        _ => charged_cell(of, field),
    }
}

fn compared_cell(card: &Card, other: &Card, row: &Compared, field: &str) -> Cell {
    let show = |amount| {
        let known = if card.currencies.iter().any(|of| of.code == row.of.currency) { card } else { other };
        Cell::Decimal(money(known, &row.of.currency, amount))
    };
    match field {
        "before" => show(row.before),
        "after" => show(row.after),
        "difference" => show(row.after.saturating_sub(row.before)),
        _ => charged_cell(&row.of, field),
    }
}

fn charged_cell(of: &Charged, field: &str) -> Cell {
    let exact = |of: rates::Exact| show_ratio(of.over(), of.under(), 4).map_or(Cell::Absent, Cell::Decimal);
    match field {
        "currency" => of.currency.as_str().into(),
        "cluster" => of.cluster.as_str().into(),
        "account" => of.account.as_str().into(),
        "user" => of.user.as_str().into(),
        "cost-centre" => of.cost_center.as_str().into(),
        "partition" => of.partition.as_str().into(),
        "qos" => of.qos.as_str().into(),
        "version" => of.version.as_str().into(),
        "item" => of.item.as_str().into(),
        "kind" => kind(of).into(),
        "rate" => Cell::Decimal(of.rate.to_string()),
        "factor" => exact(of.factor),
        "kept" => exact(of.kept),
        _ => Cell::Absent,
    }
}

fn kind(of: &Charged) -> String {
    match &of.kind {
        Kind::Usage => "usage".to_owned(),
        Kind::Idle => "reserved-idle".to_owned(),
        Kind::Storage => "storage".to_owned(),
        Kind::Allowance => "allowance".to_owned(),
        Kind::ReservedUse(name) => format!("inside {name}"),
        Kind::Reservation => "reservation".to_owned(),
        Kind::Minimum => "minimum".to_owned(),
        Kind::Refund(state) => format!("refund {state}"),
    }
}

/// Unit-hours of a quantity; nothing where it counts something else.
pub(super) fn hours(of: &Charged, quantity: i128) -> Option<String> {
    if matches!(of.kind, Kind::Minimum | Kind::Reservation) {
        return None;
    }
    let size = if of.unit.whole { rates::Exact::ONE } else { of.unit.size };
    let hours = rates::Exact::new(quantity, 3_600)?.divided_by(size)?;
    show_ratio(hours.over(), hours.under(), 4)
}
