//! Reads what was used in a period, as far as the caller may see it: settled from the ledger, the rest from live jobs.

use std::collections::HashMap;

use super::scope::{Scope, Whose};
use crate::accounting::measure::Measures;
use crate::daemon::answer::caller::Tree;
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::{Session, passes};
use crate::report::usage::{Used, so_far};
use crate::store::ledger::{Attribution, Part, Span};
use crate::wire::Query;

/// What was used of what the query asks for.
pub(super) async fn read(session: &Session<'_>, scope: &Scope<'_>, query: &Query) -> Result<Vec<Used>, No> {
    let mut used = settled(session, scope).await?;
    used.extend(live(session, scope).await?);
    used.retain(|used: &Used| {
        let whose = Whose {
            cluster: &used.cluster,
            account: &used.account,
            user: &used.user,
            partition: &used.partition,
            qos: &used.qos,
        };
        scope.has(&whose) && passes(&query.filter, "cost-centre", |name| used.cost_centre.eq_ignore_ascii_case(name))
    });
    Ok(used)
}

/// What the ledger has, one part for each attribution and stretch.
async fn settled(session: &Session<'_>, scope: &Scope<'_>) -> Result<Vec<Used>, No> {
    let (calendar, stretches) = (&session.view.calendar, &scope.stretches);
    let spans = stretches.spans(calendar).map_err(|error| No::Usage(error.to_string()))?;
    let mut sums: HashMap<(usize, i64), Measures> = HashMap::new();
    let mut attributions: HashMap<i64, Attribution> = HashMap::new();
    let each = |span: &Span, number, attribution: &Attribution, part: Part| {
        if scope.wants(&attribution.cluster) {
            stretches.share_out(span, &part, |stretch, sum| *sums.entry((stretch, number)).or_default() += sum);
            attributions.entry(number).or_insert_with(|| attribution.clone());
        }
    };
    session.site.store.sums(calendar, &spans, each).await?;
    let centres = Centres::of(session);
    let used = sums.into_iter().filter_map(|((stretch, number), measures)| {
        let of = attributions.get(&number)?;
        Some(Used {
            stretch,
            cluster: of.cluster.clone(),
            account: of.account.clone(),
            cost_centre: centres.of_run(&of.account, &of.wckey),
            user: scope.user(&of.cluster, of.uid, &of.user_name).to_owned(),
            partition: of.partition.clone(),
            qos: of.qos.clone(),
            measures,
            provisional: false,
        })
    });
    Ok(used.collect())
}

/// What live jobs have used so far, unless the ledger has it.
async fn live(session: &Session<'_>, scope: &Scope<'_>) -> Result<Vec<Used>, No> {
    let centres = Centres::of(session);
    let mut all = Vec::new();
    for (job, user) in scope.live(session).await? {
        let Some(stint) = so_far(job, session.now) else { continue };
        for (stretch, period) in scope.stretches.all().iter().enumerate() {
            let measures = stint.within(period);
            if measures.is_zero() {
                continue;
            }
            all.push(Used {
                stretch,
                cluster: session.cluster().to_owned(),
                account: job.account.clone(),
                // slurmctld's list carries no text of the user's; what is live is charged as its account.
                cost_centre: centres.of_account(&job.account),
                user: user.clone(),
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
