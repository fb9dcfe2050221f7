//! `explain login`.

use bursar_policy::login::{LoginRequest, Verdict, judge};
use bursar_policy::{Snapshot, Timestamp};

use super::{Row, answer, grant_text, uid};
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::Session;
use crate::wire::{Explained, Query};

pub(super) fn explain(session: &Session<'_>, query: &Query, snapshot: &Snapshot, name: &str, at: Timestamp) -> Answer {
    let uid = uid(session, snapshot, name)?;
    let service = query.filter.one("service").unwrap_or("sshd");
    let (refusal, admitted, notes) = match judge(snapshot, &LoginRequest { uid, name, service }, at) {
        Verdict::Admit(terms) => {
            let mut grants = snapshot.person(uid).into_iter().flat_map(|person| person.grants());
            let grant = grants.find(|grant| grant.id == terms.grant);
            let text = grant.map(|grant| grant_text(session, snapshot, &grant)).unwrap_or_default();
            (None, text, terms.notice.into_iter().collect())
        }
        Verdict::Refuse(refusal) => {
            // The second line has code and contact, which stand elsewhere.
            let sentence = refusal.text.lines().next().unwrap_or_default().to_owned();
            (Some((refusal.code, sentence)), String::new(), Vec::new())
        }
    };
    let rows = vec![Row::verdict(refusal.clone(), admitted)];
    answer(session, Explained::Login, query, rows, notes, refusal)
}
