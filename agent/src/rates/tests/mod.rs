//! Rate cards as sites write them, runs as Slurm tells them, and what comes out.

mod any;
mod days;
mod hard;
mod published;
mod reading;
mod rules;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bursar_policy::{Period, Timestamp};
use jiff::tz::TimeZone;

use super::*;

/// A card of the text, or a panic with its problems.
fn card(text: &str) -> Card {
    Card::parse(Path::new("rates.toml"), text, &TimeZone::get("Europe/Berlin").unwrap()).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// A card of one currency and one version, which has what `rest` says.
fn card_in(code: &str, decimals: u8, rest: &str) -> Card {
    card(&format!(
        "[[currency]]\ncode = \"{code}\"\ndecimals = {decimals}\n[[version]]\nname = \"1\"\nfrom = 2010-01-01\n{rest}"
    ))
}

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_second())
}

fn period(start: &str, end: &str) -> Period {
    Period { start: at(start), end: at(end) }
}

/// June 2026 in Berlin.
fn june() -> Period {
    period("2026-05-31T22:00:00Z", "2026-06-30T22:00:00Z")
}

/// A run of Ada's on one node that begins at this instant and holds nothing yet.
fn run_from(start: &str, hours: u64) -> Consumption {
    let start = at(start);
    Consumption {
        key: RunKey { cluster: "c1".into(), jobid: 1, submitted_at: start },
        user: "ada".into(),
        uid: Some(70_001),
        account: "physics".into(),
        cost_center: "CC-1".into(),
        partition: "main".into(),
        qos: "normal".into(),
        state: "COMPLETED".into(),
        features: Vec::new(),
        start,
        end: start.plus(hours * 3_600),
        suspended_s: 0,
        nodes: 1,
        tres: Arc::default(),
        idle: false,
    }
}

/// The same at noon of the 10th of June 2026.
fn run(hours: u64) -> Consumption {
    run_from("2026-06-10T10:00:00Z", hours)
}

impl Consumption {
    fn with(mut self, tres: &str, count: u64) -> Self {
        Arc::make_mut(&mut self.tres).insert(tres.to_owned(), count);
        self
    }

    fn cpus(self, count: u64) -> Self {
        self.with("cpu", count)
    }

    fn gb(self, count: u64) -> Self {
        self.with("mem", count * 1_024)
    }

    fn on(mut self, nodes: u64) -> Self {
        self.nodes = nodes;
        self
    }

    fn job(mut self, jobid: u32) -> Self {
        self.key.jobid = jobid;
        self
    }

    fn partition(mut self, name: &str) -> Self {
        self.partition = name.into();
        self
    }

    fn qos(mut self, name: &str) -> Self {
        self.qos = name.into();
        self
    }

    fn account(mut self, name: &str) -> Self {
        self.account = name.into();
        self
    }

    fn ended(mut self, state: &str) -> Self {
        self.state = state.into();
        self
    }

    fn feature(mut self, name: &str) -> Self {
        self.features.push(name.to_owned());
        self
    }
}

/// The bill of June.
fn june_bill(card: &Card, runs: &[Consumption]) -> Bill {
    bill(card, june(), runs, &[]).unwrap()
}

/// What runs of June cost, with its currency: several currencies in the order of their codes.
fn cost(card: &Card, runs: &[Consumption]) -> String {
    let bill = june_bill(card, runs);
    assert_eq!(bill.unpriced, []);
    let shown = |(code, amount): (String, i128)| {
        let currency = card.currencies.iter().find(|known| known.code == code).unwrap();
        format!("{} {code}", currency.show(i64::try_from(amount).unwrap()))
    };
    bill.totals().into_iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// The lines in short: kind, item, quantity, rate, factor where it is not 1, amount in minor units.
fn lines(bill: &Bill) -> Vec<String> {
    let line = |line: &Line| {
        let factor = match line.of.factor {
            Exact::ONE => String::new(),
            factor => format!(" x {}/{}", factor.over(), factor.under()),
        };
        let (of, amount) = (&line.of, line.amount);
        format!("{:?} {} {} at {}{factor} = {amount}", of.kind, of.item, line.quantity, of.rate)
    };
    bill.lines.iter().map(line).collect()
}
