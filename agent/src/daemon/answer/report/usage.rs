//! `report usage` and `report cost-centres`: from the ledger, and from live jobs as far as they have come.

use super::consumed;
use super::scope::{Scope, kind};
use crate::accounting::measure::Measure;
use crate::cli::amount::{Unit, show_decimal, show_ratio};
use crate::cli::entity::Report;
use crate::daemon::answer::Answer;
use crate::daemon::answer::caller::Tree;
use crate::daemon::answer::session::Session;
use crate::report::usage::{By, Line, in_tree, lines, shares};
use crate::wire::{Cell, Query, Response};

/// The words of `by=` that cut time, and those that tell usage apart.
const APART: [(&str, By); 6] = [
    ("cluster", By::Cluster),
    ("account", By::Account),
    ("user", By::User),
    ("cost-centre", By::CostCentre),
    ("partition", By::Partition),
    ("qos", By::Qos),
];

pub(super) async fn report(session: &Session<'_>, query: &Query) -> Answer {
    let scope = Scope::of(session, query)?;
    let used = consumed::read(session, &scope, query).await?;
    let by = apart_by(query);
    let tree = Tree::of(&session.stored);
    let lines = lines(&used, &by);
    let notes = notes(session, &scope, &lines);
    let lines = if query.has_flag("tree") { in_tree(&lines, |account| tree.parent(account)) } else { lines };
    let fields = fields(query, &by);
    let query = Query { fields, ..query.clone() };
    let table = session.rows(Report::Usage.schema(), &query, lines, |line, field| cell(session, &scope, line, field));
    Ok(Response::Table { table, notes })
}

/// `report cost-centres`: the same by what it is charged to, with the part that carries nothing.
pub(super) async fn by_centre(session: &Session<'_>, query: &Query) -> Answer {
    let scope = Scope::of(session, query)?;
    let used = consumed::read(session, &scope, query).await?;
    let lines = lines(&used, &[By::CostCentre]);
    let shares = shares(&lines);
    let mut notes = notes(session, &scope, &lines);
    let untagged = lines.iter().zip(&shares).find(|(line, _)| line.cost_centre.as_deref() == Some(""));
    notes.push(match untagged {
        Some((line, share)) => format!(
            "{} % of the CPU time, in {} runs, carries no cost centre",
            show_decimal(*share, 100),
            line.measures.count(Measure::Runs)
        ),
        None => "everything carries a cost centre".to_owned(),
    });
    let rows = lines.into_iter().zip(shares);
    let table = session.rows(Report::CostCentres.schema(), query, rows, |(line, share), field| match field {
        "cluster" => session.cluster().into(),
        "share" => Cell::Parts(*share, 100),
        _ => cell(session, &scope, line, field),
    });
    Ok(Response::Table { table, notes })
}

/// What lines are told apart by: by account and person, unless the query says otherwise.
fn apart_by(query: &Query) -> Vec<By> {
    let words = query.filter.list("by");
    if words.is_empty() {
        return vec![By::Cluster, By::Account, By::User];
    }
    let apart = words.iter().filter_map(|word| APART.iter().find(|(known, _)| known == word).map(|(_, by)| *by));
    let time = kind(query).map(|_| By::Stretch);
    time.into_iter().chain(apart).collect()
}

/// The fields asked for; with `by=` and no `format=`, what tells the lines apart, the runs and the CPU time.
fn fields(query: &Query, by: &[By]) -> Vec<String> {
    if !query.filter.has("by") || query.fields != Report::Usage.schema().default_fields() {
        return query.fields.clone();
    }
    let name = |by: &By| match by {
        By::Stretch => "period",
        other => APART.iter().find(|(_, known)| known == other).map_or("", |(word, _)| word),
    };
    by.iter().map(name).chain(["jobs", "used"]).map(str::to_owned).collect()
}

fn notes(session: &Session<'_>, scope: &Scope<'_>, lines: &[Line]) -> Vec<String> {
    let total = lines.iter().fold(0_u64, |sum, line| sum.saturating_add(line.measures.count(Measure::Cpu)));
    let (start, end) = (scope.text(scope.period.start), scope.text(scope.period.end));
    let mut notes = vec![format!("{start} until {end}: {} in all", Unit::Clock.show(total))];
    if lines.iter().any(|line| line.in_flight > 0) {
        notes.push(format!(
            "runs that have not ended are counted as of {}; their part is provisional",
            scope.text(session.now)
        ));
    }
    notes.extend(scope.only_own());
    notes
}

fn cell(session: &Session<'_>, scope: &Scope<'_>, line: &Line, field: &str) -> Cell {
    let account_name = line.account.as_deref().unwrap_or_default();
    let account = || session.stored.accounts.iter().find(|account| account.name.as_str() == account_name);
    let person = |name: &str| session.stored.subjects.iter().find(|subject| subject.name.as_str() == name);
    let sum = |measure| line.measures.get(measure);
    let hours = |measure| decimal(sum(measure).into(), 3_600);
    match field {
        "period" => line.stretch.map(|stretch| scope.stretches.name(stretch)).into(),
        "cluster" => line.cluster.clone().into(),
        "account" => line.account.as_ref().map(|name| format!("{}{name}", " ".repeat(line.depth))).into(),
        "user" => line.user.clone().into(),
        "name" => line.user.as_deref().and_then(person).map(|person| person.display_name.as_str()).into(),
        "partition" => line.partition.clone().into(),
        "qos" => line.qos.clone().into(),
        "cost-centre" => match &line.cost_centre {
            Some(centre) if centre.is_empty() => "(none)".into(),
            Some(centre) => centre.as_str().into(),
            None => account().map(|account| account.cost_center.as_str()).into(),
        },
        "jobs" => Cell::Count(line.measures.count(Measure::Runs)),
        "jobs-started" => Cell::Count(line.measures.count(Measure::Started)),
        "jobs-ended" => Cell::Count(line.measures.count(Measure::Ended)),
        "people" => Cell::Count(u64::try_from(line.people.len()).unwrap_or(u64::MAX)),
        "used" => Cell::Seconds(line.measures.count(Measure::Cpu)),
        "in-flight" => Cell::Seconds(line.in_flight),
        "cpu-hours" => hours(Measure::Cpu),
        "wall-hours" => hours(Measure::Wall),
        "node-hours" => hours(Measure::Node),
        "gpu-hours" => hours(Measure::Gpu),
        "billing-hours" => hours(Measure::Billing),
        "memory-gb-hours" => decimal(sum(Measure::Memory).into(), 3_600 * 1_024),
        "wait-hours" => hours(Measure::Wait),
        "planned-hours" => hours(Measure::Planned),
        "expansion-factor" => decimal(sum(Measure::Expansion).into(), i128::from(sum(Measure::Node)) * 1_000_000),
        _ => Cell::Absent,
    }
}

/// A quotient to four places.
fn decimal(amount: i128, per: i128) -> Cell {
    show_ratio(amount, per, 4).map_or(Cell::Absent, Cell::Decimal)
}
