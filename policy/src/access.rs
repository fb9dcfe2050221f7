//! Whether a person may be here at all: the part that both judges share. This is where a grant ends.

use crate::reason::Reason;
use crate::role::{PersonState, Role};
use crate::snapshot::{GrantRef, PersonRef};
use crate::time::Timestamp;

/// The strongest grant of `person` that holds at `now` and that `fits`, or why there is none.
///
/// The reason tells the most recent truth: an ended grant before one that never was, a coming one only when there was
/// none before.
pub fn holding<'s>(
    person: &PersonRef<'s>,
    now: Timestamp,
    mut fits: impl FnMut(&GrantRef<'s>) -> bool,
) -> Result<GrantRef<'s>, Reason<'s>> {
    match person.state() {
        PersonState::Active => {}
        PersonState::Disabled => return Err(Reason::Disabled),
        PersonState::Removed => return Err(Reason::Removed),
    }
    let mut best: Option<GrantRef<'s>> = None;
    let mut ended: Option<GrantRef<'s>> = None;
    let mut coming: Option<GrantRef<'s>> = None;
    for grant in person.grants() {
        if grant.holds(now) {
            let better = best.is_none_or(|known| (known.role, known.until) < (grant.role, grant.until));
            if better && fits(&grant) {
                best = Some(grant);
            }
        } else if grant.until <= now {
            if ended.is_none_or(|known| known.until < grant.until) {
                ended = Some(grant);
            }
        } else if coming.is_none_or(|known| grant.from < known.from) {
            coming = Some(grant);
        }
    }
    match (best, ended, coming) {
        (Some(grant), _, _) => Ok(grant),
        (None, _, Some(grant)) => Err(Reason::GrantNotYet(grant.from)),
        (None, Some(grant), None) if grant.revoked => Err(Reason::GrantRevoked(grant.until_text)),
        (None, Some(grant), None) => Err(Reason::GrantExpired(grant.until_text)),
        (None, None, None) => Err(Reason::NoGrant),
    }
}

/// Whether `grant` lets its holder submit in the account at `position`.
///
/// A grant for an account covers the accounts below it; `line` gives an account's ancestors, itself first.
pub fn covers(grant: &GrantRef<'_>, mut line: impl Iterator<Item = u32>) -> bool {
    match grant.role {
        Role::Observer => false,
        Role::ClusterAdmin => true,
        Role::ComputeUser => grant.account.is_none_or(|granted| line.any(|position| position == granted)),
    }
}
