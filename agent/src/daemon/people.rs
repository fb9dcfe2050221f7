//! People: sources into the store, the store into hosts and associations.
//!
//! Every pass plans, then applies; a pass that finds nothing to do writes nothing. Whatever fails keeps its last good
//! state and says so in `bursar status`, and the parts after it go on with what there is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bursar_policy::snapshot::{Contents as Snapshot, Kind};
use bursar_policy::{NodeConf, Timestamp, node_conf};
use tokio::sync::{Notify, mpsc};

use super::conf::Conf;
use super::native::Governed;
use super::site::{Site, Step, SyncOutcome, SyncRequest, chain};
use super::{associations, describe};
use crate::accounting::Calendar;
use crate::config::{self, SourceConfig};
use crate::node::applied::{self, Applied};
use crate::slurm::SlurmCommands;
use crate::snapshot::compile::{self, Sources};
use crate::snapshot::{Holdings, publish};
use crate::source::{directory, merge};
use crate::store::Cause;

/// A snapshot for hosts is renewed this often even if nothing changed, so that its age tells that bursard lives: seconds.
const RENEWED_AFTER: u64 = 900;
/// How long a pass waits for this host's accounts before it makes associations for those that are there.
const HOST_PATIENCE: Duration = Duration::from_secs(60);
/// Associations are compared with slurmdbd this often even if nothing changed here: seconds.
const COMPARED_AFTER: u64 = 600;

/// The task's memory between passes.
pub struct People {
    site: Arc<Site>,
    commands: SlurmCommands,
    /// Woken when the usage task should lay the snapshot out anew.
    laid_out: Arc<Notify>,
    published: Option<Snapshot>,
    compared: Option<(Timestamp, crate::slurm::desired::DesiredCluster)>,
    conf: Conf,
    governed: Governed,
}

impl People {
    /// A task that has done nothing yet.
    pub fn new(site: Arc<Site>, commands: SlurmCommands, laid_out: Arc<Notify>) -> Self {
        Self {
            site,
            commands,
            laid_out,
            published: None,
            compared: None,
            conf: Conf::default(),
            governed: Governed::default(),
        }
    }

    /// Runs until the daemon ends.
    pub async fn run(mut self, mut requests: mpsc::Receiver<SyncRequest>) {
        let mut sources_due = self.site.now();
        loop {
            let now = self.site.now();
            let view = self.site.view();
            if now >= sources_due {
                let _ = self.pass(false, false).await;
                sources_due = self.site.now().plus(view.config.machine.intervals.source.as_secs());
                continue;
            }
            // A grant may begin or end before the sources are due again.
            let edge = Holdings::of(&view.stored, now).changes_at.min(sources_due);
            let rest = Duration::from_secs(edge.seconds_since(now).clamp(1, 3_600));
            tokio::select! {
                () = tokio::time::sleep(rest) => if self.site.now() < sources_due {
                    let _ = self.follow(&mut Vec::new()).await;
                },
                () = self.site.changed.notified() => {
                    let _ = self.follow(&mut Vec::new()).await;
                }
                request = requests.recv() => match request {
                    None => return,
                    Some(request) => {
                        let outcome = self.pass(request.dry_run, request.accept_drop).await;
                        let _ = request.reply.send(outcome);
                    }
                },
            }
        }
    }

    /// A whole pass: configuration, sources, policy, hosts, associations.
    async fn pass(&mut self, dry_run: bool, accept_drop: bool) -> SyncOutcome {
        let mut steps = Vec::new();
        let mut faults = Vec::new();
        self.reload(&mut faults).await;
        let view = self.site.view();
        for source in &view.config.machine.sources {
            let outcome = self.take_in(source, dry_run, accept_drop, &mut steps).await;
            self.site.report("sources", outcome.clone());
            faults.extend(outcome.err());
        }
        let outcome = self.follow_policy(dry_run, &mut steps).await;
        self.site.report("policy", outcome.clone());
        faults.extend(outcome.err());
        if dry_run {
            match associations::dry_run(&self.site, &self.commands, &self.governed).await {
                Ok(planned) => steps.extend(planned),
                Err(fault) => faults.push(fault),
            }
        } else {
            faults.extend(self.follow(&mut steps).await);
        }
        let fault = (!faults.is_empty()).then(|| faults.join("; "));
        SyncOutcome { steps, fault }
    }

    /// Reads both configuration files again; with a problem in either the one in force stays.
    async fn reload(&self, faults: &mut Vec<String>) {
        let paths = self.site.paths.clone();
        let loaded = tokio::task::spawn_blocking(move || config::load(&paths)).await;
        let outcome = match loaded {
            Ok(Ok(config)) => {
                let calendar = Calendar::of_policy(&config.policy);
                if *self.site.view().config != config {
                    self.site.renew(|view| {
                        view.config = Arc::new(config);
                        view.calendar = calendar;
                    });
                }
                Ok("both files are in force".to_owned())
            }
            Ok(Err(problems)) => {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Err(format!("the files on disk are not in force: {}", lines.join("; ")))
            }
            Err(error) => Err(chain(&error)),
        };
        faults.extend(outcome.clone().err());
        self.site.report("config", outcome);
    }

    async fn take_in(
        &self,
        source: &SourceConfig,
        dry_run: bool,
        accept_drop: bool,
        steps: &mut Vec<Step>,
    ) -> Result<String, String> {
        let path = source.path.clone();
        let read = tokio::task::spawn_blocking(move || directory::read(&path)).await.map_err(|error| chain(&error))?;
        let directory = read.map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!("source {} keeps its last state: {}", source.name, lines.join("; "))
        })?;
        let state = self.site.store.source_state(&source.name).await.map_err(|error| chain(&error))?;
        let changes = merge::plan(&directory, &state, accept_drop).map_err(|alarm| alarm.to_string())?;
        let people = directory.people.len();
        if changes.is_empty() {
            return Ok(format!("{people} people in source {}, nothing new", source.name));
        }
        steps.extend(describe::source(&changes));
        if !dry_run {
            let pool = self.site.view().config.machine.uid_pool;
            let cause = Cause { actor: "bursard", now: self.site.now(), reason: "source" };
            self.site.store.apply_source(&changes, pool, &cause).await.map_err(|error| chain(&error))?;
        }
        Ok(format!("{people} people in source {}", source.name))
    }

    async fn follow_policy(&self, dry_run: bool, steps: &mut Vec<Step>) -> Result<String, String> {
        let view = self.site.view();
        let cause = Cause { actor: "bursard", now: self.site.now(), reason: "policy.toml" };
        let store = &self.site.store;
        let changes = if dry_run {
            store.policy_changes(&view.config, cause.now).await
        } else {
            store.bring_in_step(&view.config, &cause).await
        }
        .map_err(|error| chain(&error))?;
        steps.extend(describe::policy(&changes));
        match changes.waiting.as_slice() {
            [] => Ok("the store agrees with policy.toml".to_owned()),
            waiting => Ok(waiting.join("; ")),
        }
    }

    /// What follows from the store: the view, hosts, associations. Gives what failed.
    async fn follow(&mut self, steps: &mut Vec<Step>) -> Vec<String> {
        let mut faults = Vec::new();
        match self.site.store.contents().await {
            Ok(stored) => {
                if *self.site.view().stored != stored {
                    self.site.renew(|view| view.stored = Arc::new(stored));
                }
                self.laid_out.notify_one();
            }
            Err(error) => faults.push(chain(&error)),
        }
        self.site.report("store", faults.first().map_or_else(|| Ok("readable".to_owned()), |fault| Err(fault.clone())));
        let hosts = self.publish_for_hosts(steps).await;
        self.site.report("hosts", hosts.clone());
        faults.extend(hosts.err());
        let slurm = self.follow_in_slurm(steps).await;
        self.site.report("associations", slurm.clone());
        faults.extend(slurm.err());
        faults
    }

    /// Publishes people for hosts if they changed, and waits for this host to follow.
    async fn publish_for_hosts(&mut self, steps: &mut Vec<Step>) -> Result<String, String> {
        let view = self.site.view();
        let now = self.site.now();
        let holdings = Holdings::of(&view.stored, now);
        let calendars = compile::calendars(&view.calendar, &view.stored);
        let sources = Sources {
            config: &view.config,
            calendar: &view.calendar,
            calendars: &calendars,
            stored: &view.stored,
            holdings: &holdings,
        };
        let mut contents = compile::node(&sources, now);
        let path = view.config.machine.paths.publish.join("node.snap");
        let stands = self.published.as_ref().is_some_and(|published| {
            let comparable = published.header.clone();
            let fresh = now.seconds_since(comparable.made_at) < RENEWED_AFTER;
            // An edge of a grant since then changes what the same contents mean for a host.
            let edges = published.people.iter().flat_map(|person| &person.grants);
            let crossed =
                edges.flat_map(|grant| [grant.from, grant.until]).any(|at| comparable.made_at < at && at <= now);
            contents.header = comparable;
            fresh && !crossed && *published == contents
        });
        if !stands {
            let generation = self.site.store.next_generation().await.map_err(|error| chain(&error))?;
            contents.header.generation = generation;
            (contents.header.made_at, contents.header.as_of) = (now, now);
            debug_assert_eq!(contents.header.kind, Kind::Node);
            publish::publish(&path, &contents).map_err(|error| chain(&error))?;
            let people = contents.people.len();
            steps.push(Step {
                part: "snapshot",
                action: "publish".into(),
                object: path.display().to_string(),
                detail: format!("generation {generation}, {people} people"),
            });
            self.published = Some(contents);
        }
        let generation = self.published.as_ref().map_or(0, |published| published.header.generation);
        self.await_host(generation).await
    }

    /// Waits until this host's accounts follow `generation`, where this host has accounts at all.
    async fn await_host(&self, generation: u64) -> Result<String, String> {
        let Some(path) = applied_path() else { return Ok("this host takes no accounts from bursar".to_owned()) };
        let give_up = tokio::time::Instant::now() + HOST_PATIENCE;
        loop {
            let applied = Applied::read(&path);
            match applied {
                Some(applied) if applied.generation >= generation => {
                    return match applied.refusals.as_slice() {
                        [] => Ok(format!("this host follows generation {}", applied.generation)),
                        refusals => Err(format!("this host refuses some accounts: {}", refusals.join("; "))),
                    };
                }
                _ if tokio::time::Instant::now() >= give_up => {
                    let known = applied.map_or("none".to_owned(), |applied| applied.generation.to_string());
                    return Err(format!(
                        "this host follows generation {known}, not {generation}; see `systemctl status bursar-node`"
                    ));
                }
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn follow_in_slurm(&mut self, steps: &mut Vec<Step>) -> Result<String, String> {
        let now = self.site.now();
        let view = self.site.view();
        let wckeys = self.conf.look(&self.site, &self.commands).await;
        self.governed.learn(&view.stored);
        let (desired, left_out) = associations::desired(&view, now, wckeys, &self.governed)?;
        let compared = self.compared.as_ref();
        if compared.is_some_and(|(at, known)| now.seconds_since(*at) < COMPARED_AFTER && *known == desired) {
            return Ok(left_out.unwrap_or_else(|| "slurmdbd agrees".to_owned()));
        }
        let done = associations::sync(&self.site, &self.commands, &desired).await;
        if let Ok(done) = &done {
            steps.extend(done.iter().cloned());
            self.compared = Some((now, desired));
        }
        done.map(|_| left_out.unwrap_or_else(|| "slurmdbd agrees".to_owned()))
    }
}

/// Where `bursar-node` tells how far this host is; `None` where it is not set up.
fn applied_path() -> Option<PathBuf> {
    let conf = Path::new(node_conf::PATH);
    if !conf.exists() {
        return None;
    }
    Some(applied::path(&NodeConf::read(conf).ok()?.snapshot))
}

/// The accounts of this host by name, with their uids; read once, because looking thousands up singly takes minutes.
pub fn local_accounts() -> std::io::Result<BTreeMap<String, u32>> {
    let text = std::fs::read("/etc/passwd")?;
    let text = String::from_utf8_lossy(&text);
    Ok(text
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            Some((name.to_owned(), uid))
        })
        .collect())
}
