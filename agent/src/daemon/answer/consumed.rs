//! Reads what was used in a period, as far as the caller may see it: settled from the ledger, the rest from live jobs.

use std::collections::{HashMap, HashSet};

use bursar_policy::{Period, PeriodKind};
use jiff::tz::TimeZone;

use super::caller::Tree;
use super::no::No;
use super::session::{Session, passes};
use crate::accounting::Calendar;
use crate::accounting::measure::Measures;
use crate::cli::when;
use crate::report::plan::Stretches;
use crate::report::usage::{Used, so_far};
use crate::store::ledger::{Attribution, Part, Span};
use crate::wire::Query;

/// What a report is made from.
pub(super) struct Consumed {
    /// The period.
    pub(super) period: Period,
    /// The calendar that it is told in.
    pub(super) calendar: Calendar,
    /// The stretches that it is cut into.
    pub(super) stretches: Stretches,
    /// What was used.
    pub(super) used: Vec<Used>,
}

/// The period that is asked for, and the calendar that it is told in.
pub(super) struct Asked {
    pub(super) period: Period,
    pub(super) calendar: Calendar,
}

/// The kind of period that `by=` cuts time into: the shortest that it names.
pub(super) fn kind(query: &Query) -> Option<PeriodKind> {
    let words = query.filter.list("by");
    PeriodKind::ALL.into_iter().find(|kind| words.iter().any(|word| word == kind.word()))
}

/// What was used of what the query asks for.
pub(super) async fn read(session: &Session<'_>, query: &Query) -> Result<Consumed, No> {
    let (filter, caller) = (&query.filter, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    let elsewhere = filter.has("cluster") && filter.list("cluster") != [session.cluster()];
    if elsewhere {
        // Names of another cluster are other people's and other accounts.
        caller.must_see_all("another cluster's usage")?;
    } else {
        caller.may_ask_for_accounts(filter.list("account"))?;
    }
    let asked = asked(session, query)?;
    let stretches = super::usage::stretches(&asked, query)?;
    let tree = Tree::of(&session.stored);
    let mut accounts = HashSet::new();
    for account in filter.list("account") {
        // A removed account has a past, so its name is enough.
        if !elsewhere {
            session.account(account)?;
        }
        accounts.insert(account.clone());
        accounts.extend(tree.below(account));
    }
    for name in filter.list("user").iter().filter(|_| !elsewhere) {
        session.person(name)?;
    }
    let mut used = settled(session, query, &stretches).await?;
    used.extend(live(session, query, &stretches).await?);
    used.retain(|used: &Used| {
        (caller.sees_all || (used.cluster == session.cluster() && caller.sees_row(&used.user, &used.account)))
            && (accounts.is_empty() || accounts.contains(&used.account))
            && passes(filter, "user", |name| used.user == name)
            && passes(filter, "partition", |name| used.partition.split(',').any(|part| part == name))
            && passes(filter, "qos", |name| used.qos.eq_ignore_ascii_case(name))
            && passes(filter, "cost-centre", |name| used.cost_centre.eq_ignore_ascii_case(name))
    });
    Ok(Consumed { period: asked.period, calendar: asked.calendar, stretches, used })
}

/// Whether runs of this cluster are asked for: the site's own, unless others are named.
fn wants(session: &Session<'_>, query: &Query, cluster: &str) -> bool {
    match query.filter.list("cluster") {
        [] => cluster == session.cluster(),
        named => named.iter().any(|name| name == cluster || name.eq_ignore_ascii_case("all")),
    }
}

/// The clusters that are asked for, as far as anything is known of them.
pub(super) async fn clusters(session: &Session<'_>, query: &Query) -> Result<Vec<String>, No> {
    if query.filter.has("cluster") && query.filter.list("cluster") != [session.cluster()] {
        session.caller.must_see_all("another cluster's usage")?;
    }
    let known = session.site.store.clusters().await?;
    Ok(known.into_iter().filter(|cluster| wants(session, query, cluster)).collect())
}

/// What the ledger has, one part for each attribution and stretch.
async fn settled(session: &Session<'_>, query: &Query, stretches: &Stretches) -> Result<Vec<Used>, No> {
    let calendar = &session.view.calendar;
    let spans = stretches.spans(calendar).map_err(|error| No::Usage(error.to_string()))?;
    let mut sums: HashMap<(usize, i64), Measures> = HashMap::new();
    let mut attributions: HashMap<i64, Attribution> = HashMap::new();
    let each = |span: &Span, number, attribution: &Attribution, part: Part| {
        if wants(session, query, &attribution.cluster) {
            stretches.share_out(span, &part, |stretch, sum| *sums.entry((stretch, number)).or_default() += sum);
            attributions.entry(number).or_insert_with(|| attribution.clone());
        }
    };
    session.site.store.sums(calendar, &spans, each).await?;
    let names = session.names_by_uid();
    let centres = Centres::of(session);
    let used = sums.into_iter().filter_map(|((stretch, number), measures)| {
        let of = attributions.get(&number)?;
        // Numbers of another cluster are other people's.
        let known = names.get(&of.uid).filter(|_| of.cluster == session.cluster());
        Some(Used {
            stretch,
            cluster: of.cluster.clone(),
            account: of.account.clone(),
            cost_centre: centres.of_run(&of.account, &of.wckey),
            user: known.map_or_else(|| of.user_name.clone(), |name| (*name).to_owned()),
            partition: of.partition.clone(),
            qos: of.qos.clone(),
            measures,
            provisional: false,
        })
    });
    Ok(used.collect())
}

/// What live jobs have used so far, unless the ledger has it.
async fn live(session: &Session<'_>, query: &Query, stretches: &Stretches) -> Result<Vec<Used>, No> {
    let cluster = session.cluster();
    if !wants(session, query, cluster) {
        return Ok(Vec::new());
    }
    let listed: Vec<_> = session.view.flight.listed().collect();
    let ids: Vec<u32> = listed.iter().map(|job| job.job_id).collect();
    let settled = session.site.store.ended_among(cluster, &ids).await?;
    let names = session.names_by_uid();
    let centres = Centres::of(session);
    let mut all = Vec::new();
    for job in listed.into_iter().filter(|job| !settled.contains(&(job.job_id, job.submitted_at))) {
        let Some(stint) = so_far(job, session.now) else { continue };
        for (stretch, period) in stretches.all().iter().enumerate() {
            let measures = stint.within(period);
            if measures.is_zero() {
                continue;
            }
            all.push(Used {
                stretch,
                cluster: cluster.to_owned(),
                account: job.account.clone(),
                // slurmctld's list carries no text of the user's; what is live is charged as its account.
                cost_centre: centres.of_account(&job.account),
                user: names.get(&job.uid).map_or_else(|| job.uid.to_string(), |name| (*name).to_owned()),
                partition: job.partition.clone(),
                qos: job.qos.clone(),
                measures,
                provisional: true,
            });
        }
    }
    Ok(all)
}

/// Cost centres of accounts, their own or those of accounts above.
pub(super) struct Centres<'s> {
    tree: Tree<'s>,
    own: HashMap<&'s str, &'s str>,
}

impl<'s> Centres<'s> {
    pub(super) fn of(session: &'s Session<'_>) -> Self {
        let own = session.stored.accounts.iter().map(|of| (of.name.as_str(), of.cost_center.as_str())).collect();
        Self { tree: Tree::of(&session.stored), own }
    }

    /// That of a run: its own, or its account's.
    pub(super) fn of_run(&self, account: &str, wckey: &str) -> String {
        if wckey.is_empty() { self.of_account(account) } else { wckey.to_ascii_lowercase() }
    }

    fn of_account(&self, account: &str) -> String {
        let mut line = self.tree.line(account).filter_map(|name| self.own.get(name).copied());
        line.find(|centre| !centre.is_empty()).unwrap_or_default().to_ascii_lowercase()
    }
}

/// From `start=` to `end=` in the zone asked for; without them, this month until now.
fn asked(session: &Session<'_>, query: &Query) -> Result<Asked, No> {
    let filter = &query.filter;
    let mut calendar = session.view.calendar.clone();
    if let Some(name) = filter.one("time-zone") {
        calendar.zone =
            TimeZone::get(name).map_err(|_| No::Usage(format!("{name} is no time zone that this host has")))?;
    }
    let instant = |key| filter.one(key).map(|text| when::resolve(text, session.now, &calendar.zone)).transpose();
    let end = instant("end")?.unwrap_or(session.now);
    let start = match instant("start")? {
        Some(start) => start,
        None => {
            let month = calendar.period(PeriodKind::Month, session.now);
            month.map_err(|error| No::Unavailable(error.to_string()))?.start
        }
    };
    if end <= start {
        return Err(No::Usage("the period ends before it begins; check start= and end=".to_owned()));
    }
    Ok(Asked { period: Period { start, end }, calendar })
}
