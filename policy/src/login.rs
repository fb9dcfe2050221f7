//! Where a login is judged.

use crate::access;
use crate::reason::{Code, Reason};
use crate::role::Role;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;

/// Somebody at the door of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginRequest<'a> {
    /// The uid that the host's own account database gives the name.
    pub uid: u32,
    /// The name.
    pub name: &'a str,
    /// The PAM service.
    pub service: &'a str,
}

/// The answer to a login.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Come in.
    Admit(Terms),
    /// Stay out.
    Refuse(Refusal),
}

/// On what terms somebody comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The grant that let them in.
    pub grant: u64,
    /// Its role.
    pub role: Role,
    /// When it ends.
    pub until: Timestamp,
    /// What to tell them, when that is soon.
    pub notice: Option<String>,
}

/// Why somebody stays out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable name of the cause.
    pub code: Code,
    /// The sentence for them, with code and contact.
    pub text: String,
}

/// Judges a login. Pure: the same snapshot, request and instant give the same verdict.
///
/// Asked only about managed people: a person that the snapshot does not know has never had a grant. A host whose
/// account database gives the name another uid than the snapshot does has somebody else in mind, who has no grant.
pub fn judge(snapshot: &Snapshot, request: &LoginRequest<'_>, now: Timestamp) -> Verdict {
    match decide(snapshot, request, now) {
        Ok(terms) => Verdict::Admit(terms),
        Err(reason) => Verdict::Refuse(Refusal {
            code: reason.code(),
            text: format!("Access denied: {}", reason.text(snapshot.contact())),
        }),
    }
}

fn decide<'s>(snapshot: &'s Snapshot, request: &LoginRequest<'_>, now: Timestamp) -> Result<Terms, Reason<'s>> {
    let person = snapshot.person(request.uid).filter(|person| person.name() == request.name).ok_or(Reason::NoGrant)?;
    let grant = access::holding(&person, now, |_| true)?;
    if snapshot.is_stale(now) {
        return Err(Reason::Unavailable);
    }
    let soon = grant.until != Timestamp::NEVER && grant.until.seconds_since(now) <= snapshot.notice();
    let notice = soon.then(|| format!("Access ends {}. {}", grant.until_text, snapshot.contact()));
    Ok(Terms { grant: grant.id, role: grant.role, until: grant.until, notice })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::role::PersonState;

    const NOW: Timestamp = fixture::NOW;

    fn verdict(contents: &crate::snapshot::Contents, uid: u32, name: &str) -> Verdict {
        judge(&fixture::snapshot(contents), &LoginRequest { uid, name, service: "sshd" }, NOW)
    }

    fn code(verdict: Verdict) -> Option<Code> {
        match verdict {
            Verdict::Admit(_) => None,
            Verdict::Refuse(refusal) => Some(refusal.code),
        }
    }

    #[test]
    fn given_each_state_of_a_grant_then_the_verdict_follows_it() {
        let mut contents = fixture::contents();
        for (from, until, revoked, expected) in [
            (NOW.0 - 10, NOW.0 + 10, false, None),
            (NOW.0 - 10, NOW.0, false, Some(Code::GrantExpired)),
            (NOW.0 - 10, NOW.0, true, Some(Code::GrantRevoked)),
            (NOW.0, i64::MAX, false, None),
            (NOW.0 + 1, i64::MAX, false, Some(Code::GrantNotYet)),
        ] {
            let grant = &mut contents.people[0].grants[0];
            (grant.from, grant.until, grant.revoked) = (Timestamp(from), Timestamp(until), revoked);
            assert_eq!(code(verdict(&contents, 70_001, "ana")), expected, "{from} {until} {revoked}");
        }
        contents.people[0].grants.clear();
        assert_eq!(code(verdict(&contents, 70_001, "ana")), Some(Code::NoGrant));
    }

    #[test]
    fn given_a_disabled_or_removed_person_then_an_open_grant_does_not_help() {
        let mut contents = fixture::contents();
        contents.people[0].state = PersonState::Disabled;
        assert_eq!(code(verdict(&contents, 70_001, "ana")), Some(Code::Disabled));
        contents.people[0].state = PersonState::Removed;
        assert_eq!(code(verdict(&contents, 70_001, "ana")), Some(Code::Removed));
    }

    #[test]
    fn given_another_uid_or_name_than_the_snapshots_then_there_is_no_grant() {
        let contents = fixture::contents();
        assert_eq!(code(verdict(&contents, 70_001, "bob")), Some(Code::NoGrant));
        assert_eq!(code(verdict(&contents, 70_099, "ana")), Some(Code::NoGrant));
    }

    #[test]
    fn given_a_grant_that_ends_soon_then_its_holder_is_told() {
        let mut contents = fixture::contents();
        contents.people[0].grants[0].until = NOW.plus(3_600);
        contents.people[0].grants[0].until_text = "2026-11-22 10:00 CET".into();
        let Verdict::Admit(terms) = verdict(&contents, 70_001, "ana") else { panic!("refused") };
        assert_eq!(terms.notice.as_deref(), Some("Access ends 2026-11-22 10:00 CET. Ask hpc@example.org."));
    }

    #[test]
    fn given_a_stale_snapshot_then_the_policy_of_staleness_decides() {
        let mut contents = fixture::contents();
        contents.header.made_at = Timestamp(NOW.0 - 259_201);
        assert_eq!(code(verdict(&contents, 70_001, "ana")), None);
        contents.header.last_known = false;
        assert_eq!(code(verdict(&contents, 70_001, "ana")), Some(Code::Unavailable));
    }
}
