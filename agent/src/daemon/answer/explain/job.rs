//! `explain job`: the judge's verdict, and every rule that it went through with its numbers.
//!
//! The judge stops at its first no. The rules stand here in its order, so those before the no allowed the job and
//! those after it were not asked.

use bursar_policy::job::{Asked, Bound, Ledger, Request, Shape, TimeLimit, Verdict, after_rollover, bound, judge};
use bursar_policy::reason::{Kind, Owner};
use bursar_policy::snapshot::{AccountRef, PersonRef};
use bursar_policy::{Code, Limits, PeriodKind, Reason, Snapshot, Timestamp, Usage, access};

use super::{Numbers, Row, answer, grant_text, time_limit, uid};
use crate::daemon::answer::Answer;
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::Session;
use crate::wire::{Explained, Query, Values};

pub(super) fn explain(session: &Session<'_>, query: &Query, snapshot: &Snapshot, name: &str, at: Timestamp) -> Answer {
    let filter = &query.filter;
    let array = filter.count("tasks").map(|tasks| format!("0-{}", tasks.saturating_sub(1)));
    let request = Request {
        uid: uid(session, snapshot, name)?,
        account: filter.one("account"),
        partition: filter.one("partition"),
        time_limit: filter.one("time-limit").map_or(Ok(TimeLimit::Unset), limit_of)?,
        begin_at: None,
        array: array.as_deref(),
        shape: shape(filter)?,
    };
    let judged = judge(snapshot, &Ledger::default(), &request, at);
    let (reason, admitted) = match &judged {
        Verdict::Admit(terms) => {
            let cost = terms.asked.cost;
            let text = format!(
                "on account {} by G{}: {} of {} CPUs for {} s",
                terms.account, terms.grant, terms.asked.jobs, cost.cpus, cost.seconds
            );
            (None, text)
        }
        Verdict::Refuse(reason) => (Some(*reason), String::new()),
    };
    let refusal = reason.map(|reason| (reason.code(), reason.to_string()));
    let mut rules = Rules { session, snapshot, at, name, rows: Vec::new(), reason };
    rules.rows.push(Row::verdict(refusal.clone(), admitted));
    if let Some(person) = snapshot.person(request.uid) {
        rules.access(&person);
        rules.limits(&person, &request);
    }
    let rows = rules.in_order();
    let mut notes = Vec::new();
    if filter.has("qos") {
        notes.push("no rule depends on the QOS".to_owned());
    }
    answer(session, Explained::Job, query, rows, notes, refusal)
}

fn limit_of(text: &str) -> Result<TimeLimit, No> {
    time_limit::parse(text).ok_or_else(|| {
        No::Usage(format!("`time-limit={text}` is no time limit; write minutes, h:mm:ss, d-h, d-h:mm or UNLIMITED"))
    })
}

fn shape(filter: &Values) -> Result<Shape, No> {
    let number = |key: &str| match filter.count(key) {
        Some(count) if count == 0 || u32::try_from(count).is_err() => {
            Err(No::Usage(format!("`{key}={count}` is no number of {key} that a job can have")))
        }
        count => Ok(count.and_then(|count| u32::try_from(count).ok())),
    };
    number("tasks")?;
    let nodes = number("nodes")?;
    Ok(Shape { min_cpus: number("cpus")?.unwrap_or(1), min_nodes: nodes, max_nodes: nodes, ..Shape::default() })
}

/// The rules as they are gathered, in the judge's order.
struct Rules<'a> {
    session: &'a Session<'a>,
    snapshot: &'a Snapshot,
    at: Timestamp,
    name: &'a str,
    rows: Vec<Row>,
    /// The judge's no.
    reason: Option<Reason<'a>>,
}

impl Rules<'_> {
    fn push(&mut self, rule: impl Into<String>, refuses: bool, numbers: Option<Numbers>, detail: String) {
        let code = self.reason.filter(|_| refuses).map(|reason| reason.code());
        let (rule, allows) = (rule.into(), Some(!refuses));
        self.rows.push(Row { rule, allows, code, numbers, detail });
    }

    fn access(&mut self, person: &PersonRef<'_>) {
        let refuses = self.reason.is_some_and(|reason| reason.code().kind() == Kind::Access);
        let detail = match access::holding(person, self.at, |_| true) {
            Ok(grant) => grant_text(self.session, self.snapshot, &grant),
            Err(reason) => reason.to_string(),
        };
        self.push("access", refuses, None, detail);
    }

    fn limits(&mut self, person: &PersonRef<'_>, request: &Request<'_>) {
        let account = match request.account {
            Some(name) => self.snapshot.account(&name.to_ascii_lowercase()),
            None => person.default_account(),
        };
        let refuses = self.reason.is_some_and(|reason| reason.code().kind() == Kind::Account);
        let named = account.map(|account| account.name.to_owned()).or(request.account.map(str::to_owned));
        self.push("account", refuses, None, named.unwrap_or_default());
        let refuses = self.reason.is_some_and(|reason| reason.code() == Code::NoTimeLimit);
        let Bound::Cost(cost) = bound(self.snapshot, request) else {
            self.push("bound", refuses, None, "there is no end to what it may use".to_owned());
            return;
        };
        let jobs = request.array.map_or(1, |text| bursar_policy::job::most_tasks(text).unwrap_or(1));
        let total = jobs.saturating_mul(cost.cpu_seconds());
        let numbers = Numbers { cpu_time: true, allowed: None, used: None, in_flight: None, asked: total };
        let detail = format!("at most {jobs} of {} CPUs for {} s", cost.cpus, cost.seconds);
        self.push("bound", refuses, Some(numbers), detail);
        let Some(account) = account else { return };
        let more = Asked { jobs, cost, begin_at: self.at }.usage(self.snapshot, self.at);
        self.of_owner(Owner::You, &person.limits(), &person.usage(), &more);
        let line: Vec<AccountRef<'_>> = self.snapshot.account_line(account.position).collect();
        for above in line {
            self.of_owner(Owner::Account(above.name), &above.limits, &above.usage, &more);
        }
    }

    fn of_owner(&mut self, owner: Owner<'_>, limits: &Limits, seen: &Usage, more: &Usage) {
        let whose = match owner {
            Owner::You => self.name.to_owned(),
            Owner::Account(name) => name.to_owned(),
        };
        let jobs = |allowed: u32, used, in_flight: Option<u32>| Numbers {
            cpu_time: false,
            allowed: Some(allowed.into()),
            used: Some(u64::from(used)),
            in_flight: in_flight.map(u64::from),
            asked: more.queued.into(),
        };
        if let Some(allowed) = limits.running_jobs {
            let refuses = matches!(self.reason, Some(Reason::RunningJobs { owner: of, .. }) if of == owner);
            let detail = if refuses || self.snapshot.facts().running_limit_refuses {
                String::new()
            } else {
                "beyond it jobs wait".to_owned()
            };
            let numbers = jobs(allowed, seen.running, Some(seen.queued));
            self.push(format!("running-jobs {whose}"), refuses, Some(numbers), detail);
        }
        if let Some(allowed) = limits.queued_jobs {
            let refuses = matches!(self.reason, Some(Reason::QueuedJobs { owner: of, .. }) if of == owner);
            self.push(format!("queued-jobs {whose}"), refuses, Some(jobs(allowed, seen.queued, None)), String::new());
        }
        for period in PeriodKind::ALL {
            if let Some(allowed) = limits.cpu(period) {
                self.of_period(owner, &whose, period, allowed, seen, more);
            }
        }
    }

    fn of_period(
        &mut self,
        owner: Owner<'_>,
        whose: &str,
        period: PeriodKind,
        allowed: u64,
        seen: &Usage,
        more: &Usage,
    ) {
        let Some(current) = self.snapshot.period(period, self.at) else { return };
        let held = after_rollover(&seen.period(period), seen.in_flight_total, current.ordinal);
        let more = more.period(period);
        let refused = match self.reason {
            Some(Reason::CpuTime { owner: of, kind, next, .. }) if of == owner && kind == period => Some(next),
            _ => None,
        };
        let word = period.word();
        let numbers = |used, in_flight, asked| {
            let (allowed, used, in_flight) = (Some(allowed), Some(used), Some(in_flight));
            Some(Numbers { cpu_time: true, allowed, used, in_flight, asked })
        };
        let now = numbers(held.settled, held.in_flight, more.in_flight);
        let ends = format!("ends {}", current.end_text);
        self.push(format!("cpu-hours-per-{word} {whose}"), refused == Some(false), now, ends);
        if more.in_flight_next > 0 {
            let next = numbers(0, held.in_flight_next, more.in_flight_next);
            let begins = format!("begins {}", current.end_text);
            self.push(format!("next {word} {whose}"), refused == Some(true), next, begins);
        }
    }

    /// The rows, with those behind the judge's no marked as not asked.
    fn in_order(mut self) -> Vec<Row> {
        let first_no = self.rows.iter().skip(1).position(|row| row.allows == Some(false)).map(|at| at + 1);
        // A no that is no rule's own, such as a stale snapshot, stands in the verdict only: nothing else was asked.
        let last_asked = first_no.unwrap_or(if self.reason.is_some() { 0 } else { self.rows.len() });
        self.rows.iter_mut().skip(last_asked + 1).for_each(|row| row.allows = None);
        self.rows
    }
}
