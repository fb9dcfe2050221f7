//! `show window`.

use bursar_policy::window::Outside;
use bursar_policy::{Period, Timestamp};

use crate::cli::entity::Entity;
use crate::config::Window;
use crate::daemon::answer::Answer;
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::{Session, passes};
use crate::wire::{Cell, Query, Values};

/// A window with the opening that holds now or comes next.
struct Row<'w> {
    window: &'w Window,
    opening: Option<Period>,
    now: Timestamp,
}

impl Row<'_> {
    fn state(&self) -> &'static str {
        if self.opening.is_some_and(|opening| opening.contains(self.now)) { "open" } else { "closed" }
    }
}

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let windows = &session.view.config.policy.windows;
    super::all_known("window", &query.filter, "window", windows.iter().map(|window| window.name.as_str()))?;
    let mut rows = Vec::new();
    for window in windows {
        let openings = window.schedule.openings(session.now).map_err(|error| No::Unavailable(error.to_string()))?;
        rows.push(Row { window, opening: openings.list.first().copied(), now: session.now });
    }
    let rows = rows.into_iter().filter(|row| wanted(row, &query.filter));
    session.table(Entity::Window.schema(), query, rows, cell)
}

fn wanted(row: &Row<'_>, filter: &Values) -> bool {
    let (kind, names) = row.window.governs.parts();
    let governs = |key: &'static str| {
        let fits = |name: &str| kind == key && names.contains(&name);
        passes(filter, key, fits)
    };
    passes(filter, "window", |name| row.window.name == name)
        && passes(filter, "state", |state| row.state() == state)
        && ["partition", "queue", "role", "account"].into_iter().all(governs)
}

fn cell(row: &Row<'_>, field: &str) -> Cell {
    let Row { window, opening, .. } = row;
    let (kind, names) = window.governs.parts();
    match field {
        "window" => window.name.as_str().into(),
        "governs" => kind.into(),
        "names" => names.join(",").into(),
        "state" => row.state().into(),
        "opens" => opening.map(|opening| opening.start).into(),
        "closes" => opening.map(|opening| opening.end).into(),
        "outside" => match window.rule.outside {
            Outside::Refuse => "refuse".into(),
            Outside::Wait => "wait".into(),
        },
        "ends-inside" => yes_no(window.rule.ends_inside),
        "move-pending" => yes_no(window.move_pending),
        "drain" => yes_no(window.drain),
        "power-down" => yes_no(window.power_down),
        "hours" => window.schedule.week.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ").into(),
        "time-zone" => window.schedule.zone.iana_name().into(),
        _ => Cell::Absent,
    }
}

fn yes_no(on: bool) -> Cell {
    if on { "yes" } else { "no" }.into()
}
