//! What a report looks at: its period, and the runs that are asked for and that the caller may see.

use std::collections::{BTreeMap, HashSet};

use bursar_policy::{Period, PeriodKind, Timestamp};
use jiff::tz::TimeZone;

use crate::accounting::Calendar;
use crate::accounting::flight::LiveJob;
use crate::cli::when;
use crate::daemon::answer::caller::{Caller, Tree};
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::{Session, passes};
use crate::report::apart::Traits;
use crate::report::plan::Stretches;
use crate::store::past::{Chosen, PastRun};
use crate::wire::{Query, Values};

/// What a report looks at.
pub(super) struct Scope<'s> {
    /// The period.
    pub(super) period: Period,
    /// The calendar that it is told in.
    pub(super) calendar: Calendar,
    /// The stretches that it is cut into.
    pub(super) stretches: Stretches,
    caller: &'s Caller,
    filter: &'s Values,
    /// The site's own cluster.
    cluster: &'s str,
    /// The accounts that are asked for with all below them; empty for any.
    accounts: HashSet<String>,
    names: BTreeMap<u32, &'s str>,
}

/// By what a run is asked for, and seen.
pub(super) struct Whose<'a> {
    pub(super) cluster: &'a str,
    pub(super) account: &'a str,
    /// The name as bursar knows it.
    pub(super) user: &'a str,
    pub(super) partition: &'a str,
    pub(super) qos: &'a str,
}

impl<'a> Whose<'a> {
    pub(super) fn of(traits: &Traits<'a>) -> Self {
        let Traits { cluster, account, user, partition, qos, .. } = *traits;
        Self { cluster, account, user, partition, qos }
    }
}

impl<'s> Scope<'s> {
    /// What the query asks for; refused where it names what the caller may not see.
    pub(super) fn of(session: &'s Session<'_>, query: &'s Query) -> Result<Self, No> {
        let (filter, caller) = (&query.filter, &session.caller);
        caller.may_ask_for_people(filter.list("user"))?;
        let elsewhere = asks_elsewhere(session, filter)?;
        if !elsewhere {
            caller.may_ask_for_accounts(filter.list("account"))?;
        }
        let (period, calendar) = asked(session, query)?;
        let stretches = match kind(query) {
            None => Stretches::whole(period),
            Some(kind) => Stretches::cut(period, kind, &calendar).map_err(|error| No::Usage(error.to_string()))?,
        };
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
        let names = session.names_by_uid();
        Ok(Self { period, calendar, stretches, caller, filter, cluster: session.cluster(), accounts, names })
    }

    /// Whether runs of this cluster are asked for: the site's own, unless others are named.
    pub(super) fn wants(&self, cluster: &str) -> bool {
        wants_cluster(self.filter, self.cluster, cluster)
    }

    /// Whether a run is asked for, and the caller may see it.
    pub(super) fn has(&self, whose: &Whose<'_>) -> bool {
        let filter = self.filter;
        self.wants(whose.cluster)
            && self.sees(whose)
            && (self.accounts.is_empty() || self.accounts.contains(whose.account))
            && passes(filter, "user", |name| whose.user == name)
            && passes(filter, "partition", |name| whose.partition.split(',').any(|part| part == name))
            && passes(filter, "qos", |name| whose.qos.eq_ignore_ascii_case(name))
    }

    /// Whether the caller may see a run, asked for or not.
    pub(super) fn sees(&self, whose: &Whose<'_>) -> bool {
        let caller = self.caller;
        caller.sees_all || (whose.cluster == self.cluster && caller.sees_row(whose.user, whose.account))
    }

    /// The name of whoever has a run: bursar's own, for somebody it does not know the one that was told.
    pub(super) fn user<'a>(&self, cluster: &str, uid: u32, told: &'a str) -> &'a str
    where
        's: 'a,
    {
        // Numbers of another cluster are other people's.
        self.names.get(&uid).copied().filter(|_| cluster == self.cluster).unwrap_or(told)
    }

    /// Live jobs that the store has no end of, each with whose it is, if those of the site's own cluster are asked for.
    pub(super) async fn live<'j>(&self, session: &'j Session<'_>) -> Result<Vec<(&'j LiveJob, String)>, No> {
        if !self.wants(self.cluster) {
            return Ok(Vec::new());
        }
        let listed: Vec<_> = session.view.flight.listed().collect();
        let ids: Vec<u32> = listed.iter().map(|job| job.job_id).collect();
        let settled = session.site.store.ended_among(self.cluster, &ids).await?;
        let goes_on = listed.into_iter().filter(|job| !settled.contains(&(job.job_id, job.submitted_at)));
        let named = goes_on.map(|job| {
            let user = self.names.get(&job.uid).map_or_else(|| job.uid.to_string(), |name| (*name).to_owned());
            (job, user)
        });
        Ok(named.collect())
    }

    /// Hands over the runs that are over, asked for and seen, with what they are told apart by.
    pub(super) async fn past(
        &self,
        session: &Session<'_>,
        chosen: Chosen,
        mut each: impl FnMut(&PastRun<'_>, Traits<'_>),
    ) -> Result<(), No> {
        let hand_over = |run: &PastRun<'_>| {
            let traits = Traits {
                stretch: 0,
                cluster: run.cluster,
                account: run.account,
                user: self.user(run.cluster, run.uid, run.user_name),
                partition: run.partition,
                qos: run.qos,
                priority: run.priority,
            };
            if self.has(&Whose::of(&traits)) {
                each(run, traits);
            }
        };
        Ok(session.site.store.past_runs(chosen, |cluster| self.wants(cluster), hand_over).await?)
    }

    /// What a live job of `user` is told apart by; nothing if it is not asked for or not seen.
    pub(super) fn traits_of_live<'a>(&'a self, job: &'a LiveJob, user: &'a str) -> Option<Traits<'a>> {
        let traits = Traits {
            stretch: 0,
            cluster: self.cluster,
            account: &job.account,
            user,
            partition: &job.partition,
            qos: &job.qos,
            // slurmctld's list is read without it.
            priority: None,
        };
        self.has(&Whose::of(&traits)).then_some(traits)
    }

    /// An instant as the report tells it.
    pub(super) fn text(&self, at: Timestamp) -> String {
        if at == Timestamp::NEVER { "never".to_owned() } else { self.calendar.text(at) }
    }

    /// That not everything is counted, for a caller who does not see everything.
    pub(super) fn only_own(&self) -> Option<String> {
        (!self.caller.sees_all).then(|| "only runs that you may see are counted".to_owned())
    }
}

/// Whether other clusters than the site's own are asked for, which is for those who see everything.
///
/// Names of another cluster are other people's and other accounts.
pub(super) fn asks_elsewhere(session: &Session<'_>, filter: &Values) -> Result<bool, No> {
    let elsewhere = filter.has("cluster") && filter.list("cluster") != [session.cluster()];
    if elsewhere {
        session.caller.must_see_all("another cluster's usage")?;
    }
    Ok(elsewhere)
}

/// Whether runs of a cluster are asked for: those of the site's `own`, unless others are named.
pub(super) fn wants_cluster(filter: &Values, own: &str, cluster: &str) -> bool {
    match filter.list("cluster") {
        [] => cluster == own,
        named => named.iter().any(|name| name == cluster || name.eq_ignore_ascii_case("all")),
    }
}

/// The kind of period that `by=` cuts time into: the shortest that it names.
pub(super) fn kind(query: &Query) -> Option<PeriodKind> {
    let words = query.filter.list("by");
    PeriodKind::ALL.into_iter().find(|kind| words.iter().any(|word| word == kind.word()))
}

/// From `start=` to `end=` in the zone asked for; without them, this month until now.
fn asked(session: &Session<'_>, query: &Query) -> Result<(Period, Calendar), No> {
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
    Ok((Period { start, end }, calendar))
}
