//! `explain job`: the judge's verdict, and every rule that it went through with its numbers.
//!
//! The judge stops at its first no. The rules stand here in its order, so those before the no allowed the job and
//! those after it were not asked.

use bursar_policy::job::{Asked, Bound, GpuAsk, Ledger, Request, Shape, TimeLimit, Verdict, bound, governing, judge};
use bursar_policy::reason::{Kind, MONEY, Owner, WindowName, Within};
use bursar_policy::snapshot::{AccountRef, GrantRef, LinesRef, PersonRef, StorageRef};
use bursar_policy::window::Window as _;
use bursar_policy::{Code, Line, Measure, Reason, Resource, Snapshot, Timestamp, Usage, access};

use super::{Numbers, Row, answer, grant_text, time_limit, uid};
use crate::config::storage::GB;
use crate::daemon::answer::Answer;
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::Session;
use crate::store::Unit;
use crate::wire::{Explained, Query, Values};

pub(super) fn explain(session: &Session<'_>, query: &Query, snapshot: &Snapshot, name: &str, at: Timestamp) -> Answer {
    let filter = &query.filter;
    let array = filter.count("tasks").map(|tasks| format!("0-{}", tasks.saturating_sub(1)));
    let gpus = filter.one("gpus").map(|text| format!("gpu:{text}"));
    let request = Request {
        uid: uid(session, snapshot, name)?,
        account: filter.one("account"),
        partition: filter.one("partition"),
        time_limit: filter.one("time-limit").map_or(Ok(TimeLimit::Unset), limit_of)?,
        begin_at: None,
        array: array.as_deref(),
        shape: shape(filter)?,
        gpus: GpuAsk { per_job: gpus.as_deref(), ..GpuAsk::default() },
        qos: filter.one("qos"),
        cost_center: filter.one("wckey"),
    };
    let judged = judge(snapshot, &Ledger::default(), &request, at);
    let (reason, admitted) = match &judged {
        Verdict::Admit(terms) => {
            let cost = terms.asked.cost;
            let mut text = format!(
                "on account {} by G{}: {} of {} CPUs for {} s",
                terms.account,
                terms.grant,
                terms.asked.jobs,
                cost.cpus(),
                cost.seconds
            );
            let opens = terms.waits.and_then(|waits| Some((waits.until, snapshot.window_at(waits.opens)?)));
            if let Some((until, window)) = opens {
                text.push_str(&format!(
                    ", from {} on, when {} opens",
                    window.opens_text(until),
                    WindowName::of(&window)
                ));
            }
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
    answer(session, Explained::Job, query, rows, Vec::new(), refusal)
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
        for (rule, kind, given) in
            [("queue", Kind::Queue, request.qos), ("cost centre", Kind::CostCenter, request.cost_center)]
        {
            let refuses = self.reason.is_some_and(|reason| reason.code().kind() == kind);
            if refuses || given.is_some() {
                self.push(rule, refuses, None, given.unwrap_or_default().to_owned());
            }
        }
        let refuses = self.reason.is_some_and(|reason| reason.code() == Code::NoTimeLimit);
        let Bound::Cost(cost) = bound(self.snapshot, request) else {
            self.push("bound", refuses, None, "there is no end to what it may use".to_owned());
            return;
        };
        let jobs = request.array.map_or(1, |text| bursar_policy::job::most_tasks(text).unwrap_or(1));
        let total = jobs.saturating_mul(cost.cpu_seconds());
        let numbers = Numbers { unit: Unit::Hours, allowed: None, used: None, in_flight: None, asked: total };
        let detail = format!("at most {jobs} of {} CPUs for {} s", cost.cpus(), cost.seconds);
        self.push("bound", refuses, Some(numbers), detail);
        self.windows(request);
        let Some(account) = account else { return };
        let asked = Asked { jobs, cost, begin_at: self.at };
        let line: Vec<AccountRef<'_>> = self.snapshot.account_line(account.position).collect();
        self.storage(Owner::You, person.storage());
        for AccountRef { name, storage, .. } in &line {
            self.storage(Owner::Account(name), *storage);
        }
        self.of_owner(Owner::You, 0, person.lines(), &asked);
        for AccountRef { position, name, calendar, lines, .. } in line {
            if let Some(own) = person.lines_in(position) {
                self.of_owner(Owner::YouIn(name), calendar, own, &asked);
            }
            self.of_owner(Owner::Account(name), calendar, lines, &asked);
        }
        let positions = || self.snapshot.account_line_positions(account.position);
        if let Ok(grant) = access::holding(person, self.at, |grant: &GrantRef<'_>| access::covers(grant, positions())) {
            self.of_owner(Owner::Grant(grant.id), 0, grant.lines, &asked);
        }
    }

    /// The windows that govern the job.
    fn windows(&mut self, request: &Request<'_>) {
        let no = match self.reason {
            Some(
                Reason::WindowClosed { window, .. }
                | Reason::EndsOutside { window, .. }
                | Reason::LongerThanWindow { window, .. },
            ) => Some(window),
            _ => None,
        };
        for window in governing(self.snapshot, request, self.at) {
            let name = WindowName::of(&window);
            let detail = match window.opening_after(self.at) {
                Some(opening) if opening.contains(self.at) => format!("open until {}", window.closes_text(opening.end)),
                Some(opening) => format!("closed until {}", window.opens_text(opening.start)),
                None => "closed, and no opening is known".to_owned(),
            };
            self.push(format!("window {} {}", name.name, name.target), no == Some(name), None, detail);
        }
    }

    /// Where one owner stores more than is allowed.
    fn storage(&mut self, owner: Owner<'_>, places: StorageRef<'_>) {
        let whose = match owner {
            Owner::Account(name) => name.to_owned(),
            _ => self.name.to_owned(),
        };
        for over in places.iter() {
            let refuses = matches!(
                self.reason,
                Some(Reason::Storage { owner: of, place, .. }) if of == owner && place == over.place
            );
            let (allowed, used) = (Some(over.limit), Some(over.used));
            let numbers = Numbers { unit: Unit::Decimal(GB), allowed, used, in_flight: None, asked: 0 };
            let detail = if over.refuses { "" } else { "the owner of a job is warned" };
            self.push(format!("storage {} {whose}", over.place), refuses, Some(numbers), detail.to_owned());
        }
    }

    /// Every limit of one owner, in the judge's order.
    fn of_owner(&mut self, owner: Owner<'_>, calendar: u32, lines: LinesRef<'_>, asked: &Asked) {
        let whose = match owner {
            Owner::You => self.name.to_owned(),
            Owner::Account(name) => name.to_owned(),
            Owner::YouIn(name) | Owner::YouInQueue(name) => format!("{} {name}", self.name),
            Owner::Grant(id) => format!("{} G{id}", self.name),
        };
        let more = asked.usage(self.snapshot, calendar, self.at);
        for line in lines.iter() {
            match line.measure {
                Measure::RunningJobs | Measure::QueuedJobs | Measure::AtOnce(_) => {
                    self.at_once(owner, &whose, &line, &more, asked);
                }
                Measure::Within(..) | Measure::OfGrant(_) => self.consumed(owner, &whose, calendar, &line, &more),
            }
        }
    }

    /// The judge's no, if it is about this limit; the flag says whether it is about the next period.
    fn refused_for(&self, owner: Owner<'_>, measure: Measure) -> Option<bool> {
        match (self.reason?, measure) {
            (Reason::RunningJobs { owner: of, .. }, Measure::RunningJobs)
            | (Reason::QueuedJobs { owner: of, .. }, Measure::QueuedJobs) => (of == owner).then_some(false),
            (Reason::AtOnce { owner: of, what, .. }, Measure::AtOnce(resource)) => {
                (of == owner && what.resource == resource).then_some(false)
            }
            (Reason::Consumed { owner: of, what, within, next, .. }, measure) => {
                let counted = match within {
                    Within::Period(kind) => Measure::Within(kind, what.resource),
                    Within::Grant => Measure::OfGrant(what.resource),
                };
                (of == owner && counted == measure).then_some(next)
            }
            _ => None,
        }
    }

    fn at_once(&mut self, owner: Owner<'_>, whose: &str, line: &Line, more: &Usage, asked: &Asked) {
        let refuses = self.refused_for(owner, line.measure).is_some();
        let (word, unit, wanted, in_flight) = match line.measure {
            Measure::AtOnce(resource) => {
                let unit = if resource == Resource::Memory { Unit::Decimal(1_024) } else { Unit::Count };
                let one = asked.cost.tres.get(resource);
                (
                    match resource {
                        Resource::Memory => self.thing(resource),
                        other => format!("{}s", self.thing(other)),
                    },
                    unit,
                    one.saturating_mul(asked.jobs),
                    Some(line.in_flight),
                )
            }
            Measure::RunningJobs => {
                ("running-jobs".to_owned(), Unit::Count, u64::from(more.queued), Some(line.in_flight))
            }
            _ => ("queued-jobs".to_owned(), Unit::Count, u64::from(more.queued), None),
        };
        let waits = line.measure != Measure::QueuedJobs && !self.snapshot.facts().running_limit_refuses;
        let detail = if waits && !refuses { "beyond it jobs wait".to_owned() } else { String::new() };
        let numbers = Numbers { unit, allowed: Some(line.limit), used: Some(line.used), in_flight, asked: wanted };
        self.push(format!("{word} {whose}"), refuses, Some(numbers), detail);
    }

    fn consumed(&mut self, owner: Owner<'_>, whose: &str, calendar: u32, line: &Line, more: &Usage) {
        let refused = self.refused_for(owner, line.measure);
        let (resource, over) = match line.measure {
            Measure::Within(kind, resource) => (resource, Some(kind)),
            Measure::OfGrant(resource) => (resource, None),
            _ => return,
        };
        let unit = match resource {
            Resource::Memory => Unit::Decimal(1_024 * 3_600),
            Resource::Money => Unit::Decimal(MONEY),
            _ => Unit::Hours,
        };
        let numbers = |used, in_flight, asked| {
            Some(Numbers { unit, allowed: Some(line.limit), used: Some(used), in_flight: Some(in_flight), asked })
        };
        let what = match resource {
            Resource::Money => "money".to_owned(),
            other => format!("{}-hours", self.thing(other)),
        };
        let Some(kind) = over else {
            let asked = more.in_flight_life.get(resource);
            let numbers = numbers(line.used, line.in_flight, asked);
            self.push(format!("{what}-per-grant {whose}"), refused.is_some(), numbers, String::new());
            return;
        };
        let Some(current) = self.snapshot.period(calendar, kind, self.at) else { return };
        let held = line.after(current.ordinal);
        let more = more.period(kind);
        let word = kind.word();
        let now = numbers(held.used, held.in_flight, more.in_flight.get(resource));
        let ends = format!("ends {}", current.end_text);
        self.push(format!("{what}-per-{word} {whose}"), refused == Some(false), now, ends);
        let next = more.in_flight_next.get(resource);
        if next > 0 {
            let begins = format!("begins {}", current.end_text);
            self.push(format!("next {word} {whose}"), refused == Some(true), numbers(0, held.next, next), begins);
        }
    }

    /// A resource as limits name it.
    fn thing(&self, resource: Resource) -> String {
        match resource {
            Resource::Cpu => "cpu".to_owned(),
            Resource::Gpu => "gpu".to_owned(),
            Resource::GpuType(which) => {
                format!("{}-gpu", self.snapshot.gpu_types().nth(which.into()).unwrap_or_default())
            }
            Resource::Memory => "memory-gb".to_owned(),
            Resource::Node => "node".to_owned(),
            Resource::Money => "money".to_owned(),
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
