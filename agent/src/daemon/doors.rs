//! Doors: partitions that are out of service while their windows are closed.
//!
//! What is to be done follows from the windows, the store's memory of what was done last, and slurmctld's word on the
//! partition; slurmctld is asked at edges, and now and then while a door is closed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bursar_policy::Timestamp;

use super::site::{Site, chain};
use crate::config::{Governs, Policy};
use crate::slurm::SlurmCommands;
use crate::slurm::service::{self, Service};
use crate::store::doors::{Door, DoorState};
use crate::window::door::{Seen, Step, Tell, Wish, is_settled, is_undone, step};

/// How often is looked whether slurmctld has put a closed partition back: seconds.
const LOOKED_AFTER: u64 = 30;
/// A partition that cannot be changed is tried again after so many seconds.
const TRIED_AFTER: u64 = 30;

/// The task's memory between looks.
pub struct Doors {
    site: Arc<Site>,
    commands: SlurmCommands,
    looked_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
    /// Partitions whose nodes could not be powered down when they were closed last, and why.
    powered: BTreeMap<String, String>,
    /// Partitions that slurmctld did not have when it was asked last.
    unknown: BTreeSet<String>,
}

impl Doors {
    /// A task that has looked at nothing yet.
    pub fn new(site: Arc<Site>, commands: SlurmCommands) -> Self {
        Self { site, commands, looked_at: None, failed_at: None, powered: BTreeMap::new(), unknown: BTreeSet::new() }
    }

    /// Runs until the daemon ends.
    pub async fn run(mut self) {
        loop {
            let now = self.site.now();
            if self.failed_at.is_none_or(|at| now.seconds_since(at) >= TRIED_AFTER) {
                match self.look(now).await {
                    Ok(None) => {}
                    Ok(Some(detail)) => {
                        self.failed_at = None;
                        self.site.report("doors", Ok(detail));
                    }
                    Err(fault) => {
                        self.failed_at = Some(now);
                        self.site.report("doors", Err(fault));
                    }
                }
            }
            // A window opens and closes to the second.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Brings every door in line; `None` where no window ever had a partition.
    async fn look(&mut self, now: Timestamp) -> Result<Option<String>, String> {
        let view = self.site.view();
        let wishes = wishes(&view.config.policy, now)?;
        let remembered: BTreeMap<String, Door> = self
            .site
            .store
            .doors()
            .await
            .map_err(|error| chain(&error))?
            .into_iter()
            .map(|door| (door.partition.clone(), door))
            .collect();
        // A partition that no window governs any more goes back into service.
        let all: BTreeSet<&String> = wishes.keys().chain(remembered.keys()).collect();
        if all.is_empty() {
            return Ok(None);
        }
        let wish = |name: &String| wishes.get(name).map_or(Wish::Open, |(wish, _)| *wish);
        let state = |name: &String| remembered.get(name).map(|door| door.state);
        let unsettled = all.iter().any(|name| !is_settled(state(name), wish(name)));
        let closed = remembered.values().any(|door| door.state == DoorState::Closed);
        let due = closed && self.looked_at.is_none_or(|at| now.seconds_since(at) >= LOOKED_AFTER);
        if unsettled || due {
            let mut service = Service::read(&self.commands).await.map_err(|error| chain(&error))?;
            self.looked_at = Some(now);
            self.unknown =
                all.iter().filter(|name| !service.states.contains_key(**name)).map(|name| (*name).clone()).collect();
            for name in all {
                let powers_down = wishes.get(name).is_some_and(|(_, powers_down)| *powers_down);
                self.settle(name, wish(name), powers_down, remembered.get(name), &mut service).await?;
            }
        }
        match self.powered.values().next() {
            Some(fault) => Err(fault.clone()),
            None => self.told().await.map(Some),
        }
    }

    /// A sentence on all doors.
    async fn told(&self) -> Result<String, String> {
        let doors = self.site.store.doors().await.map_err(|error| chain(&error))?;
        let words = doors.iter().map(|door| {
            let word = match door.state {
                _ if self.unknown.contains(&door.partition) => "not in slurmctld",
                DoorState::Open => "in service",
                DoorState::LeftAlone => "out of service by another hand",
                DoorState::Closing | DoorState::Closed => "out of service",
                DoorState::Opening => "about to be in service",
            };
            format!("partition {} {word}", door.partition)
        });
        Ok(words.collect::<Vec<_>>().join("; "))
    }

    /// Takes one door to where it should be.
    async fn settle(
        &mut self,
        name: &str,
        wish: Wish,
        powers_down: bool,
        door: Option<&Door>,
        service: &mut Service,
    ) -> Result<(), String> {
        let remembered = door.map(|door| door.state);
        let seen = service.states.get(name).map_or(Seen::Other, |state| Seen::parse(state));
        let reconfigured_at = self.site.reconfigured_at.load(Ordering::Relaxed);
        let configured_at = service.started_at.map_or(reconfigured_at, |at| at.0.max(reconfigured_at));
        let closed_at = door.map_or(Timestamp::NEVER, |door| door.since);
        let undone = wish == Wish::Closed && is_undone(remembered, closed_at.0, seen, configured_at);
        if is_settled(remembered, wish) && !undone {
            return Ok(());
        }
        let remembered = if undone { Some(DoorState::Closing) } else { remembered };
        let Step { before, tell, after } = step(remembered, wish, seen);
        self.remember(name, before).await?;
        if let Some(tell) = tell {
            tracing::info!(partition = name, state = tell.word(), "a window's edge");
            service::set_partition(&self.commands, name, tell.word()).await.map_err(|error| chain(&error))?;
            service.states.insert(name.to_owned(), tell.word().to_owned());
        }
        self.remember(name, after).await?;
        self.powered.remove(name);
        let nodes = service.idle_nodes(name);
        if powers_down && tell == Some(Tell::Down) && !nodes.is_empty() {
            tracing::info!(partition = name, nodes = nodes.len(), "its nodes are powered down");
            if let Err(error) = service::power_down(&self.commands, &nodes).await {
                self.powered.insert(name.to_owned(), format!("nodes of partition {name}: {}", chain(&error)));
            }
        }
        Ok(())
    }

    async fn remember(&self, name: &str, state: DoorState) -> Result<(), String> {
        let door = Door { partition: name.to_owned(), state, since: self.site.now() };
        self.site.store.keep_door(&door).await.map_err(|error| chain(&error))
    }
}

/// What the windows that drain want of each partition, and whether its nodes are to be powered down.
///
/// Where several govern one partition it is in service while all are open.
fn wishes(policy: &Policy, now: Timestamp) -> Result<BTreeMap<String, (Wish, bool)>, String> {
    let mut wishes: BTreeMap<String, (Wish, bool)> = BTreeMap::new();
    for window in policy.windows.iter().filter(|window| window.drain) {
        let Governs::Partitions(names) = &window.governs else { continue };
        let open = window.schedule.is_open(now).map_err(|error| chain(&error))?;
        for name in names {
            let (wish, powers_down) = wishes.entry(name.clone()).or_insert((Wish::Open, false));
            if !open {
                *wish = Wish::Closed;
                *powers_down |= window.power_down;
            }
        }
    }
    Ok(wishes)
}
