//! Usage: jobs of slurmctld and runs of slurmdbd into the snapshot that the plugin decides from.
//!
//! Every couple of seconds the live jobs are listed; when one of them has left or ended, slurmdbd is asked for what
//! ended lately. The snapshot is laid out anew after each list and published when it differs, so that a change is with
//! the plugin within seconds and nothing is written while nothing happens.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_policy::snapshot::{Contents, Kind};
use bursar_policy::{Snapshot, Timestamp};
use tokio::sync::Notify;

use super::site::{Site, View, chain};
use crate::accounting::settled::Terms;
use crate::accounting::{Flight, Settled, Standing, flight::Ground, listed};
use crate::config::Config;
use crate::slurm::SlurmCommands;
use crate::slurm::desired::ClusterName;
use crate::slurm::facts::ClusterFacts;
use crate::slurm::live;
use crate::slurm::settled::{self, EndedIn, WckeyColumn};
use crate::snapshot::compile::{self, Sources};
use crate::snapshot::{Holdings, publish, queues, windows};
use crate::storage::over;
use crate::store::ledger::{SetAside, Told, ToldBy};
use crate::store::runs::Run;

/// The cluster's facts are read this often: seconds.
const FACTS_AFTER: u64 = 30;
/// How far a reading of slurmdbd looks back behind the last end it has seen: seconds, by how often it is done.
const LOOKBACKS: [(u64, u64); 3] = [(0, 300), (300, 7_200), (86_400, 35 * 86_400)];
/// The plugin's snapshot is renewed this often even if nothing changed: its bookings end by the list's age. Seconds.
const RENEWED_AFTER: u64 = 10;
/// The openings of windows are laid out anew this often: seconds.
const LAID_OUT_AFTER: u64 = 60;
/// The name of the reading's watermark in the store.
const WATERMARK: &str = "ended";

/// By what runs and jobs are counted now.
fn terms(view: &View, now: Timestamp) -> Terms {
    let calendars = compile::calendars(&view.calendar, &view.stored);
    let priced = view.cluster.under(&view.config.policy);
    compile::terms(&view.config, &view.stored, &Holdings::of(&view.stored, now), &calendars, &priced)
}

/// The task's memory between lists.
pub struct Usage {
    site: Arc<Site>,
    commands: SlurmCommands,
    laid_out: Arc<Notify>,
    flight: Flight,
    settled: Option<Settled>,
    facts_at: Option<Timestamp>,
    /// When each of [`LOOKBACKS`] was last read.
    read_at: [Option<Timestamp>; 3],
    may_read: bool,
    quarantined: u64,
    /// How many parts of dumps the sums have in them.
    imports: u64,
    /// Whether rows of slurmdbd are asked for their wckey.
    wckeys: WckeyColumn,
    published: [Option<Contents>; 2],
    /// The openings of the windows of a configuration, and when they were laid out.
    openings: Option<(Timestamp, Arc<Config>, Vec<windows::LaidOut>)>,
    /// When slurmctld was asked for the newest list.
    listed_as_of: Option<Timestamp>,
}

impl Usage {
    /// A task that has read nothing yet.
    pub fn new(site: Arc<Site>, commands: SlurmCommands, laid_out: Arc<Notify>) -> Self {
        Self {
            site,
            commands,
            laid_out,
            flight: Flight::default(),
            settled: None,
            facts_at: None,
            read_at: [None; 3],
            may_read: false,
            quarantined: 0,
            imports: 0,
            wckeys: WckeyColumn::Untrusted,
            published: [None, None],
            openings: None,
            listed_as_of: None,
        }
    }

    /// Runs until the daemon ends.
    pub async fn run(mut self) {
        loop {
            let listed_at = tokio::time::Instant::now();
            let outcome = self.list().await;
            self.site.report("usage", outcome);
            let interval = self.site.view().config.machine.intervals.jobs;
            // A list that takes long is not asked for again at once.
            let next = listed_at + interval.max(listed_at.elapsed());
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(next) => break,
                    () = self.laid_out.notified() => {
                        let outcome = self.lay_out().await;
                        self.site.report("snapshot", outcome);
                    }
                }
            }
        }
    }

    /// One list, and everything that follows from it.
    async fn list(&mut self) -> Result<String, String> {
        self.read_facts().await?;
        // Before the list is asked for: what slurmctld creates while it answers may not be in it.
        let as_of = self.site.now();
        let live = live::read(&self.commands).await.map_err(|error| chain(&error))?;
        let jobs = live.jobs.len();
        self.listed_as_of = Some(as_of);
        let gpu_types = &self.site.view().cluster.gpu_types;
        self.flight.take(live.jobs.iter().map(|job| listed::live_job(job, gpu_types)).collect(), as_of);
        // slurmctld lists a job for minutes after its end; once it is settled nothing more is awaited of it.
        self.forget_settled();
        let read = self.read_runs(as_of).await;
        self.forget_settled();
        self.site.report("runs", read);
        let laid_out = self.publish(as_of).await;
        self.site.report("snapshot", laid_out);
        match live.unreadable.first() {
            None => Ok(format!("{jobs} jobs in slurmctld's list")),
            Some(line) => Err(format!("{} of slurmctld's jobs cannot be read: {line}", live.unreadable.len())),
        }
    }

    fn forget_settled(&mut self) {
        if let Some(settled) = &self.settled {
            self.flight.forget(settled);
        }
    }

    async fn read_facts(&mut self) -> Result<(), String> {
        let now = self.site.now();
        if self.facts_at.is_some_and(|at| now.seconds_since(at) < FACTS_AFTER) {
            return Ok(());
        }
        let facts = ClusterFacts::read(&self.commands).await.map_err(|error| chain(&error))?;
        // Where slurmctld enforces wckeys they are names that it knows; elsewhere they are any text of a user's.
        self.wckeys = if facts.enforces_wckeys() { WckeyColumn::Enforced } else { WckeyColumn::Untrusted };
        let cluster = listed::cluster(&facts);
        if *self.site.view().cluster != cluster {
            self.site.renew(|view| view.cluster = Arc::new(cluster));
        }
        self.facts_at = Some(now);
        Ok(())
    }

    /// Brings the store up to date with slurmdbd, and the sums with the store.
    async fn read_runs(&mut self, now: Timestamp) -> Result<String, String> {
        let view = self.site.view();
        let cluster = &view.config.machine.cluster;
        let terms = terms(&view, now);
        let imports = self.site.imports.load(Ordering::Relaxed);
        let imported = std::mem::replace(&mut self.imports, imports) != imports;
        if imported || self.settled.as_ref().is_none_or(|settled| !settled.is_current(&terms, now)) {
            self.sum(&view, now).await?;
        }
        let due = self.due(now, &view);
        if due.is_none() && !self.flight.awaits_slurmdbd() {
            return Ok(self.runs_detail());
        }
        let name = ClusterName::new(cluster).map_err(|error| error.to_string())?;
        if !self.may_read {
            settled::check_rights(&self.commands, &name).await.map_err(|error| chain(&error))?;
            self.may_read = true;
        }
        let lookback = due.map_or(LOOKBACKS[0].1, |level| LOOKBACKS.get(level).map_or(300, |(_, back)| *back));
        let seen = self.site.store.watermark(cluster, WATERMARK).await.map_err(|error| chain(&error))?;
        // A first reading begins with the oldest period that a limit can be counted in.
        let since = match seen {
            Some(seen) => seen,
            None => self.settled.as_ref().map_or(now, |settled| settled.counts_from(now)),
        };
        let window = EndedIn::since(Some(since), lookback, now, self.wckeys);
        let mut runs: Vec<Run> = Vec::new();
        let mut set_aside: Vec<SetAside> = Vec::new();
        let mut rows = 0;
        let outcome = settled::read(&self.commands, &name, window, |row| {
            rows += 1;
            match row {
                Ok(row) => runs.push(listed::run(&row)),
                Err(line) => {
                    tracing::error!("{line}");
                    set_aside.push(SetAside { line: line.line, why: format!("bad {}", line.why) });
                }
            }
        })
        .await;
        if let Err(error) = outcome {
            self.may_read = false;
            return Err(chain(&error));
        }
        self.quarantined = u64::try_from(set_aside.len()).unwrap_or(u64::MAX);
        // The rows name people by uid where slurmctld knew one; a name is as good where it did not.
        let last = runs.iter().filter_map(|run| run.ended_at).max().map_or(since, |end| end.max(since)).min(now);
        let by = ToldBy::Slurmdbd {
            window: (window.from, window.until),
            watermark: (Some(last) != seen).then_some((WATERMARK, last)),
        };
        let told = Told { cluster, by, runs: &runs, set_aside: &set_aside, rows };
        let kept = self.site.store.keep(&told, &view.calendar, now).await;
        let changes = kept.map_err(|error| chain(&error))?;
        for level in 0..=due.unwrap_or(0) {
            if let Some(slot) = self.read_at.get_mut(level) {
                *slot = Some(now);
            }
        }
        let taken = self.settled.as_mut().is_some_and(|settled| settled.take(&runs, &changes));
        if !taken {
            self.sum(&view, now).await?;
        }
        Ok(self.runs_detail())
    }

    async fn sum(&mut self, view: &View, now: Timestamp) -> Result<(), String> {
        let cluster = &view.config.machine.cluster;
        let mut settled =
            Settled::read(&self.site.store, cluster, terms(view, now), now).await.map_err(|error| chain(&error))?;
        if let Some(older) = &self.settled {
            settled.inherit(older, self.flight.keys());
        }
        self.settled = Some(settled);
        Ok(())
    }

    fn runs_detail(&self) -> String {
        match self.quarantined {
            0 => "slurmdbd's runs are in the store".to_owned(),
            count => format!("{count} rows of slurmdbd cannot be read and are kept aside"),
        }
    }

    /// Which of [`LOOKBACKS`] is due by the clock: the longest; the shortest is due when the configuration says.
    fn due(&self, now: Timestamp, view: &View) -> Option<usize> {
        let since = |level: usize| self.read_at.get(level).copied().flatten().map(|at| now.seconds_since(at));
        let every = |level: usize| match level {
            // With nothing running there is nothing to wait for; a row can still come late.
            0 => 2 * view.config.machine.intervals.runs.as_secs(),
            _ => LOOKBACKS.get(level).map_or(u64::MAX, |(every, _)| *every),
        };
        (0..LOOKBACKS.len()).rev().find(|level| since(*level).is_none_or(|passed| passed >= every(*level)))
    }

    /// Lays the snapshot out anew with the last list, because the store has changed.
    async fn lay_out(&mut self) -> Result<String, String> {
        match self.listed_as_of {
            Some(as_of) => self.publish(as_of).await,
            None => Err("no list of jobs yet".to_owned()),
        }
    }

    /// Publishes what the plugin needs, where it differs from what it has.
    async fn publish(&mut self, as_of: Timestamp) -> Result<String, String> {
        let view = self.site.view();
        let now = self.site.now();
        let terms = terms(&view, now);
        if self.settled.as_ref().is_some_and(|settled| !settled.is_current(&terms, now)) {
            // A limit on a longer period, a price or a zone is new: what was consumed must be counted by it first.
            self.sum(&view, now).await?;
        }
        self.lay_out_windows(&view, now)?;
        let Some(settled) = &self.settled else { return Err("no sums of runs yet".to_owned()) };
        let calendars = &terms.calendars;
        let edges = compile::edges(calendars, now).map_err(|error| chain(&error))?;
        let cluster = view.cluster.under(&view.config.policy);
        let queues = queues::charging(&view.config.policy);
        let ground =
            Ground::new(&cluster, &queues, edges.clone(), terms.pricing.clone(), now).map_err(|error| chain(&error))?;
        let parents: std::collections::HashMap<&str, &str> = view
            .stored
            .accounts
            .iter()
            .filter_map(|account| Some((account.name.as_str(), account.parent.as_ref()?.as_str())))
            .collect();
        let zones: std::collections::HashMap<&str, u32> = view
            .stored
            .accounts
            .iter()
            .map(|account| (account.name.as_str(), calendars.of_zone(&account.time_zone)))
            .collect();
        let standing = Standing::reckon(
            settled,
            &self.flight,
            &ground,
            |account| parents.get(account).copied(),
            |account| zones.get(account).copied().unwrap_or(0),
        );
        let holdings = Holdings::of(&view.stored, now);
        let sources = Sources {
            config: &view.config,
            calendar: &view.calendar,
            calendars,
            stored: &view.stored,
            holdings: &holdings,
        };
        let mut controller = compile::controller(&sources, &cluster, &standing, &self.flight, edges, as_of);
        let openings = self.openings.as_ref().map_or(&[][..], |(_, _, openings)| openings);
        controller.windows = windows::of(&view.config.policy.windows, openings, &controller.accounts);
        over::fill(&mut controller, &view.config.policy.storage, &view.storage, now);
        let jobs = compile::jobs(&sources, &self.flight, as_of);
        let folder = &view.config.machine.paths.publish;
        // The list of jobs first: an edit judged between the two then finds its job.
        self.replace(1, folder.join("jobs.snap"), jobs, now).await?;
        let bytes = self.replace(0, folder.join("controller.snap"), controller, now).await?;
        let snapshot = match bytes {
            Some(bytes) => Some(Arc::new(Snapshot::decode(bytes).map_err(|error| chain(&error))?)),
            None => view.snapshot.clone(),
        };
        let generation = snapshot.as_ref().map_or(0, |snapshot| snapshot.generation());
        let flight = Arc::new(self.flight.clone());
        self.site.renew(|view| {
            view.snapshot = snapshot;
            view.standing = Arc::new(standing);
            view.flight = flight;
        });
        Ok(format!("generation {generation}"))
    }

    /// Lays the windows' openings out where they are new or some time has passed.
    fn lay_out_windows(&mut self, view: &View, now: Timestamp) -> Result<(), String> {
        let stands = self.openings.as_ref().is_some_and(|(at, config, _)| {
            now.seconds_since(*at) < LAID_OUT_AFTER && *at <= now && Arc::ptr_eq(config, &view.config)
        });
        if !stands {
            let openings = windows::lay_out(&view.config.policy.windows, now).map_err(|error| chain(&error))?;
            self.openings = Some((now, Arc::clone(&view.config), openings));
        }
        Ok(())
    }

    /// Publishes `contents` unless the same were published a moment ago; gives the bytes if it did.
    async fn replace(
        &mut self,
        slot: usize,
        path: PathBuf,
        mut contents: Contents,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, String> {
        let Some(published) = self.published.get_mut(slot) else { return Ok(None) };
        let as_of = contents.header.as_of;
        if let Some(published) = published.as_ref() {
            contents.header = published.header.clone();
            let ages = contents.header.kind == Kind::Controller;
            // By the list's age, not the file's: laying out anew what an older list said makes nothing newer.
            let fresh = !ages || as_of.seconds_since(published.header.as_of) < RENEWED_AFTER;
            if fresh && *published == contents {
                return Ok(None);
            }
        }
        contents.header.generation = self.site.store.next_generation().await.map_err(|error| chain(&error))?;
        contents.header.made_at = now;
        contents.header.as_of = as_of;
        let bytes = publish::publish(&path, &contents).map_err(|error| chain(&error))?;
        *published = Some(contents);
        Ok(Some(bytes))
    }
}
