//! `show`: one file per entity, each with what a row is made from, who sees it, and one cell per declared field.

mod account;
mod alarm;
mod association;
mod audit;
mod grant;
mod group;
mod limit;
mod login;
mod queue;
mod reading;
mod refusal;
mod run;
mod storage;
mod user;
mod window;

pub(super) use account::wanted as wanted_account;
pub(super) use grant::{GrantState, Names as GrantNames};
pub(super) use limit::{in_unit, wanted as wanted_limit};

use super::Answer;
use super::no::No;
use super::session::Session;
use crate::cli::entity::Entity;
use crate::wire::{Query, Values};

/// How many of the newest records of a trail that only grows are looked through.
const MOST_RECORDS: u32 = 100_000;

pub(super) async fn show(session: &Session<'_>, entity: Entity, query: &Query) -> Answer {
    match entity {
        Entity::User => user::show(session, query),
        Entity::Group => group::show(session, query),
        Entity::Account => account::show(session, query),
        Entity::Grant => grant::show(session, query),
        Entity::Limit => limit::show(session, query),
        Entity::Storage => storage::show(session, query),
        Entity::Queue => queue::show(session, query),
        Entity::Run => run::show(session, query).await,
        Entity::Login => login::show(session, query).await,
        Entity::Association => association::show(session, query),
        Entity::Audit => audit::show(session, query).await,
        Entity::Refusal => refusal::show(session, query).await,
        Entity::Alarm => alarm::show(session, query),
        Entity::Window => window::show(session, query),
        Entity::Reading => reading::readings(session, query).await,
        Entity::SetAside => reading::set_aside(session, query).await,
    }
}

/// That a trail was not looked through to its beginning.
fn cut(read: usize) -> Vec<String> {
    let all = u32::try_from(read).is_ok_and(|read| read < MOST_RECORDS);
    if all { Vec::new() } else { vec![format!("only the newest {MOST_RECORDS} records were looked through")] }
}

/// Refuses a name of a condition that nothing has.
fn all_known<'a>(
    what: &str,
    filter: &Values,
    key: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), No> {
    match filter.list(key).iter().find(|name| !known.clone().any(|known| known == name.as_str())) {
        Some(name) => Err(No::Refused(format!("there is no {what} {name}"))),
        None => Ok(()),
    }
}
