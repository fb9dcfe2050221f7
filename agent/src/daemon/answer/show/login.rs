//! `show login`.

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::store::logins::Login;
use crate::wire::{Cell, Query, Response};

pub(super) async fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, caller) = (&query.filter, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    let (start, end) = session.span(filter)?;
    let only = match (caller.sees_all, caller.name(), filter.list("user")) {
        (false, own, _) => own.map(|name| name.as_str()),
        (true, _, [one]) => Some(one.as_str()),
        (true, ..) => None,
    };
    let logins = session.site.store.logins(only, super::MOST_RECORDS).await?;
    let notes = super::cut(logins.len());
    let rows = logins.into_iter().filter(|login| {
        (caller.sees_all || caller.is(&login.user_name))
            && (start..end).contains(&login.at)
            && passes(filter, "user", |name| login.user_name == name)
            && passes(filter, "node", |node| login.node == node)
            && passes(filter, "service", |service| login.service == service)
            && passes(filter, "decision", |decision| login.decision.word() == decision)
            && passes(filter, "code", |code| login.code.eq_ignore_ascii_case(code))
    });
    Ok(Response::Table { table: session.rows(Entity::Login.schema(), query, rows, cell), notes })
}

fn cell(login: &Login, field: &str) -> Cell {
    match field {
        "at" => login.at.into(),
        "user" => login.user_name.as_str().into(),
        "node" => login.node.as_str().into(),
        "service" => login.service.as_str().into(),
        "decision" => login.decision.word().into(),
        "code" => login.code.as_str().into(),
        "rhost" => login.rhost.as_str().into(),
        "uid" => login.uid.map_or(Cell::Absent, |uid| Cell::Count(uid.into())),
        "method" => login.method.as_str().into(),
        "key" => login.key_fingerprint.as_str().into(),
        _ => Cell::Absent,
    }
}
