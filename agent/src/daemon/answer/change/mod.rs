//! `add`, `modify` and `delete`: first planned as single steps, then, unless it is a dry run, made one by one.
//!
//! [`account`], [`grant`] and [`limit`] plan; the store checks every step again when it makes it, because somebody
//! may have been quicker.

mod account;
mod grant;
mod limit;

use bursar_policy::{AccountName, GrantId, Timestamp};

use super::Answer;
use super::no::No;
use super::session::Session;
use crate::cli::entity::Entity;
use crate::store::accounts::AccountChange;
use crate::store::grants::NewGrant;
use crate::store::{Amount, Cause, Error, LimitKind, LimitTarget, Store};
use crate::wire::{Change, Response};

/// One change to one object.
#[derive(Debug)]
enum Step {
    AddAccount { name: AccountName, parent: Option<AccountName>, description: String, cost_centre: String },
    ModifyAccount(AccountName, AccountChange),
    RemoveAccount(AccountName),
    AddGrant(NewGrant),
    RenewGrant(GrantId, Option<Timestamp>),
    RevokeGrant(GrantId),
    SetLimit(LimitTarget, LimitKind, Amount),
    ClearLimit(LimitTarget, LimitKind),
}

/// The steps of a change, each with its line for the person who asked.
type Plan = Vec<(Step, String)>;

pub(super) async fn change(session: &Session<'_>, change: &Change, dry_run: bool) -> Answer {
    session.caller.must_administer("changing anything")?;
    let plan = match change.entity() {
        Entity::Account => account::plan(session, change)?,
        Entity::Grant => grant::plan(session, change)?,
        Entity::Limit => limit::plan(session, change)?,
        // The declarations let no change through for anything else.
        other => return Err(No::Usage(format!("nothing can be changed about {}", other.schema().name))),
    };
    let changed = u64::try_from(plan.len()).unwrap_or(u64::MAX);
    if !dry_run {
        make(session, &plan, reason(change)).await?;
    }
    Ok(Response::Done { changed, lines: plan.into_iter().map(|(_, line)| line).collect() })
}

/// Makes the steps in order and stops at the first that fails.
async fn make(session: &Session<'_>, plan: &Plan, reason: &str) -> Result<(), No> {
    let cause = Cause { actor: &session.caller.actor, now: session.now, reason };
    for (made, (step, _)) in plan.iter().enumerate() {
        let outcome = step.make(&session.site.store, &cause).await;
        if let Err(error) = outcome {
            if made == 0 {
                return Err(error.into());
            }
            session.site.changed.notify_one();
            return Err(match No::from(error) {
                No::Unavailable(text) => No::Unavailable(stopped(&text, made, plan.len())),
                No::Refused(text) | No::Usage(text) => No::Refused(stopped(&text, made, plan.len())),
            });
        }
    }
    if !plan.is_empty() {
        session.site.changed.notify_one();
    }
    Ok(())
}

fn stopped(text: &str, made: usize, all: usize) -> String {
    format!("{text}; {made} of {all} changes had been made and stay")
}

impl Step {
    async fn make(&self, store: &Store, cause: &Cause<'_>) -> Result<(), Error> {
        match self {
            Self::AddAccount { name, parent, description, cost_centre } => {
                store.add_account(name, parent.as_ref(), description, cost_centre, cause).await.map(drop)
            }
            Self::ModifyAccount(name, change) => store.modify_account(name, change, cause).await.map(drop),
            Self::RemoveAccount(name) => store.remove_account(name, cause).await,
            Self::AddGrant(new) => store.add_grant(new, cause).await.map(drop),
            Self::RenewGrant(id, until) => store.renew_grant(*id, *until, cause).await.map(drop),
            Self::RevokeGrant(id) => store.revoke_grant(*id, cause).await.map(drop),
            Self::SetLimit(target, kind, amount) => store.set_limit(target, *kind, *amount, cause).await.map(drop),
            Self::ClearLimit(target, kind) => store.clear_limit(target, *kind, cause).await,
        }
    }
}

/// Why, in the words of the person who asked; empty when they did not say.
fn reason(change: &Change) -> &str {
    let (Change::Add { set, .. } | Change::Modify { set, .. } | Change::Delete { set, .. }) = change;
    set.one("reason").unwrap_or_default()
}

/// The account of this name that is there and may be changed here.
fn account_name(session: &Session<'_>, text: &str) -> Result<AccountName, No> {
    let account = session.account(text)?;
    if account.state == crate::store::Presence::Removed {
        return Err(No::Refused(format!("account {text} was removed; add it again first")));
    }
    Ok(account.name.clone())
}
