//! bursard's usage task, step by step as `agent/src/daemon/usage.rs` does it, on the model's squeue and sacct.
//!
//! The real Flight, Settled, Standing, Ground and compile do the work; the store's runs are a list in memory.

use std::collections::HashSet;

use bursar_agent::accounting::settled::Terms;
use bursar_agent::accounting::{Flight, LiveJob, Settled, Standing, flight::Ground, listed};
use bursar_agent::snapshot::compile::{self, Sources};
use bursar_agent::snapshot::{Holdings, queues};
use bursar_agent::store::{Run, RunChanges, Store};
use bursar_policy::Timestamp;
use bursar_policy::snapshot::{Calendar as Edges, Contents, Kind, encode};

use super::limits::Owner;
use super::site::{ACCOUNTS, Site, account_named};
use super::things::GPU_TYPES;

const LOOKBACKS: [(u64, u64); 3] = [(0, 300), (300, 7_200), (86_400, 35 * 86_400)];
const RENEWED_AFTER: u64 = 10;
const RUNS_EVERY: u64 = 60;

/// By what everything is counted. Nobody's limits, prices or grants change during a simulation.
fn terms(site: &Site) -> Terms {
    let calendars = compile::calendars(&site.calendar, &site.stored);
    let holdings = Holdings::of(&site.stored, Timestamp(0));
    compile::terms(&site.config, &site.stored, &holdings, &calendars, &site.cluster)
}

/// slurmdbd's table: rows by their end, each with the instant from which sacct shows it.
#[derive(Default)]
pub(crate) struct Database {
    rows: Vec<(Timestamp, Timestamp, Run)>,
}

impl Database {
    /// A row that sacct shows from `visible` on.
    pub(crate) fn add(&mut self, ended: Timestamp, visible: Timestamp, run: Run) {
        let at = self.rows.partition_point(|(end, ..)| *end <= ended);
        self.rows.insert(at, (ended, visible, run));
    }

    /// What sacct prints at `now` of runs that ended at or after `since`.
    fn read(&self, since: Timestamp, now: Timestamp) -> impl Iterator<Item = &Run> {
        let first = self.rows.partition_point(|(end, ..)| *end < since);
        self.rows[first..].iter().filter(move |(_, visible, _)| *visible <= now).map(|(.., run)| run)
    }
}

/// The task's memory, and what the store keeps over a restart of bursard.
pub(crate) struct Agent {
    flight: Flight,
    settled: Option<Settled>,
    read_at: [Option<Timestamp>; 3],
    published: [Option<Contents>; 2],
    terms: Terms,
    /// The calendars' edges, and the instant from which they are others.
    edges: (Timestamp, Vec<Edges>),
    // The store.
    generation: u64,
    watermark: Option<Timestamp>,
    runs: Vec<Run>,
    known: HashSet<(u32, Timestamp)>,
    empty: Store,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

/// What one publication wrote: nothing where nothing differed.
pub(crate) struct Published {
    /// `controller.snap`.
    pub(crate) controller: Option<Vec<u8>>,
    /// `jobs.snap`.
    pub(crate) jobs: Option<Vec<u8>>,
}

impl Agent {
    /// A bursard that has read nothing yet.
    pub(crate) fn new(site: &Site) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let empty = runtime.block_on(Store::open(&folder.path().join("store.db"))).expect("an empty store");
        Self {
            flight: Flight::default(),
            settled: None,
            read_at: [None; 3],
            published: [None, None],
            terms: terms(site),
            edges: (Timestamp(0), Vec::new()),
            generation: 0,
            watermark: None,
            runs: Vec::new(),
            known: HashSet::new(),
            empty,
            runtime,
            _folder: folder,
        }
    }

    /// Ends the process and starts it again; the store stays.
    pub(crate) fn restart(&mut self) {
        self.flight = Flight::default();
        self.settled = None;
        self.read_at = [None; 3];
        self.published = [None, None];
    }

    /// Whether the run is in the flight or in the store.
    pub(crate) fn knows(&self, key: (u32, Timestamp)) -> bool {
        self.known.contains(&key) || self.flight.keys().any(|held| held == key)
    }

    /// Whether the run is in the store.
    pub(crate) fn has_settled(&self, key: (u32, Timestamp)) -> bool {
        self.known.contains(&key)
    }

    /// Takes the list of `as_of`, and slurmdbd's runs as they are at `read_at`.
    pub(crate) fn take(
        &mut self,
        site: &Site,
        listed: Vec<LiveJob>,
        as_of: Timestamp,
        database: &Database,
        at: Timestamp,
    ) {
        self.flight.take(listed, as_of);
        self.read_runs(site, database, as_of, at);
        if let Some(settled) = &self.settled {
            self.flight.forget(settled);
        }
    }

    fn read_runs(&mut self, site: &Site, database: &Database, now: Timestamp, at: Timestamp) {
        if self.settled.as_ref().is_none_or(|settled| !settled.is_current(&self.terms, now)) {
            self.sum(site, now);
        }
        let due = self.due(now);
        if due.is_none() && !self.flight.awaits_slurmdbd() {
            return;
        }
        let lookback = due.map_or(LOOKBACKS[0].1, |level| LOOKBACKS[level].1);
        let settled = self.settled.as_mut().expect("just summed");
        let first = settled.counts_from(now);
        let since = self.watermark.unwrap_or(first);
        let mut changes = RunChanges::default();
        let mut runs = Vec::new();
        let mut last = since;
        for run in database.read(Timestamp(since.0 - lookback as i64), at) {
            last = last.max(run.ended_at.unwrap_or(last));
            let key = (run.jobid, run.submitted_at);
            if self.known.insert(key) {
                changes.added.push(key);
                runs.push(run.clone());
            }
        }
        self.watermark = Some(last.min(now));
        for level in 0..=due.unwrap_or(0) {
            self.read_at[level] = Some(now);
        }
        assert!(settled.take(&runs, &changes), "rows of the model never change");
        self.runs.extend(runs);
    }

    /// `Settled::read` on an empty store gives the periods; the runs that the store would give are taken in after.
    fn sum(&mut self, site: &Site, now: Timestamp) {
        let cluster = &site.config.machine.cluster;
        let read = Settled::read(&self.empty, cluster, self.terms.clone(), now);
        let mut settled = self.runtime.block_on(read).expect("an empty store can be read");
        let first = settled.counts_from(now);
        let overlapping = |run: &&Run| run.started_at.is_some() && run.ended_at.is_some_and(|ended| ended > first);
        let runs: Vec<Run> = self.runs.iter().filter(overlapping).cloned().collect();
        let added = runs.iter().map(|run| (run.jobid, run.submitted_at)).collect();
        settled.take(&runs, &RunChanges { added, changed: Vec::new() });
        if let Some(older) = &self.settled {
            settled.inherit(older, self.flight.keys());
        }
        self.settled = Some(settled);
    }

    fn due(&self, now: Timestamp) -> Option<usize> {
        let since = |level: usize| self.read_at[level].map(|at| now.seconds_since(at));
        let every = |level: usize| if level == 0 { RUNS_EVERY } else { LOOKBACKS[level].0 };
        (0..LOOKBACKS.len()).rev().find(|level| since(*level).is_none_or(|passed| passed >= every(*level)))
    }

    /// Lays both snapshots out at `now`.
    pub(crate) fn publish(&mut self, site: &Site, as_of: Timestamp, now: Timestamp) -> Published {
        if self.edges.0 <= now {
            let edges = compile::edges(&self.terms.calendars, now).expect("an instant of the calendar");
            let next = edges.iter().flatten().filter_map(|kind| kind.get(1)).map(|edge| edge.at).min();
            self.edges = (next.expect("a period that ends"), edges);
        }
        let settled = self.settled.as_ref().expect("runs were read");
        let (cluster, terms, edges) = (&site.cluster, &self.terms, self.edges.1.clone());
        let queues = queues::charging(&site.config.policy);
        let ground = Ground::new(cluster, &queues, edges.clone(), terms.pricing.clone(), now).expect("sound facts");
        let above = |account: &str| ACCOUNTS[account_named(account)].1.map(|above| ACCOUNTS[above].0);
        let zone = |account: &str| Site::calendar_of(Owner::Account(account_named(account))) as u32;
        let standing = Standing::reckon(settled, &self.flight, &ground, above, zone);
        let holdings = Holdings::of(&site.stored, now);
        let sources = Sources {
            config: &site.config,
            calendar: &site.calendar,
            calendars: &terms.calendars,
            stored: &site.stored,
            holdings: &holdings,
        };
        let controller = compile::controller(&sources, cluster, &standing, &self.flight, edges, as_of);
        let jobs = compile::jobs(&sources, &self.flight, as_of);
        Published { jobs: self.replace(1, jobs, now), controller: self.replace(0, controller, now) }
    }

    fn replace(&mut self, slot: usize, mut contents: Contents, now: Timestamp) -> Option<Vec<u8>> {
        let as_of = contents.header.as_of;
        if let Some(published) = &self.published[slot] {
            contents.header = published.header.clone();
            let ages = contents.header.kind == Kind::Controller;
            let fresh = !ages || now.seconds_since(published.header.made_at) < RENEWED_AFTER;
            if fresh && *published == contents {
                return None;
            }
        }
        self.generation += 1;
        contents.header.generation = self.generation;
        contents.header.made_at = now;
        contents.header.as_of = as_of;
        let bytes = encode(&contents).expect("sound contents");
        self.published[slot] = Some(contents);
        Some(bytes)
    }
}

/// squeue's lines in the ledger's terms.
pub(crate) fn live_jobs<'a>(lines: impl Iterator<Item = &'a bursar_agent::slurm::live::LiveJob>) -> Vec<LiveJob> {
    let types = GPU_TYPES.map(str::to_owned);
    lines.map(|line| listed::live_job(line, &types)).collect()
}
