//! Changes of waiting jobs by their owners.

use bursar_policy::job::{Edit, TimeLimit};

use super::*;
use crate::plan::{gpu_wish, memory};
use crate::things::QUEUES;

impl World<'_> {
    pub(super) fn edit(&mut self, at: usize) {
        if self.jobs[at].state != State::Pending {
            return;
        }
        let now = self.now;
        let job = &mut self.jobs[at];
        let (mut ask, mut minutes, mut partitions) = (job.ask, job.minutes, job.partitions.clone());
        let (mut account, mut eligible, mut queue) = (job.account, job.eligible, job.queue);
        let mut edit = Edit::default();
        let (name, text, brought);
        match job.random.between(0, 15) {
            0..4 => {
                let wish = job.random.magnitude(1, 900) as u32;
                minutes = Some(wish);
                edit.time_limit = Some(TimeLimit::Minutes(wish));
            }
            4 => {
                let wish = job.random.magnitude(1, 16) as u32;
                ask.tasks = Some(wish);
                edit.tasks = Some(wish);
            }
            5 => {
                let wish = job.random.magnitude(1, 6) as u32;
                ask.cpus_per_task = Some(wish);
                edit.cpus_per_task = Some(wish);
            }
            6 => {
                let least = job.random.magnitude(1, 3) as u32;
                let most = least + job.random.between(0, 2) as u32;
                ask.nodes = Some((least, most));
                edit.min_nodes = Some(least);
                edit.max_nodes = Some(most);
            }
            7 => {
                account = job.random.pick(&self.site.granted[job.person]);
                edit.account = Some(ACCOUNTS[account].0);
            }
            8 => {
                let place = job.random.pick(&[0, 1, 2, 4]);
                partitions = vec![place];
                name = self.site.cluster.partitions[place].name.clone();
                edit.partition = Some(&name);
            }
            9 => {
                let begin = now.plus(job.random.magnitude(1, 2 * 86_400));
                let begin = if job.random.chance(50) { now } else { begin };
                eligible = begin;
                edit.begin_at = Some(begin);
            }
            10..12 => {
                let wish = memory(&mut job.random);
                ask.memory = wish;
                edit.memory = Some(wish);
            }
            12..14 => {
                queue = job.random.between(0, QUEUES.len() as u64 - 1) as usize;
                edit.qos = Some(QUEUES[queue].0);
            }
            _ => {
                let mut wish = gpu_wish(&mut job.random);
                // Asked for in one place, they are changed there; what they bring stays.
                (wish.cpus, wish.memory) = (None, None);
                brought = wish.brought();
                if let Some(before) = ask.gpus {
                    (wish.place, wish.sockets) = (before.place, before.sockets);
                    (wish.cpus, wish.memory) = (before.cpus, before.memory);
                }
                ask.gpus = Some(wish);
                text = wish.text();
                edit.gpus = wish.ask(&text, &brought);
                let forced = ask.forced_nodes();
                edit.min_nodes = (forced > 0).then_some(forced);
            }
        }
        self.numbers.edits[0] += 1;
        let id = self.jobs[at].id;
        let allowed = self.plugin.modify(&self.files, id, &edit, now);
        let places = self.fitting(&partitions, minutes, &ask);
        let outcome = if allowed { "made" } else { "refused" };
        if allowed {
            // slurmctld may refuse it yet, but it is booked.
            self.stir();
        }
        let job = &mut self.jobs[at];
        job.note(now, format!("edit {outcome}: {}", shown(&edit)));
        if !allowed {
            return;
        }
        self.numbers.edits[1] += 1;
        if places.is_empty() {
            return;
        }
        (job.ask, job.minutes, job.partitions) = (ask, minutes, places);
        (job.account, job.eligible, job.queue) = (account, eligible, queue);
        job.raised_at = Some(now);
        self.at(eligible, Event::Schedule);
    }
}

/// The fields that an edit names.
fn shown(edit: &Edit<'_>) -> String {
    let text = format!("{edit:?}");
    let fields = text.trim_start_matches("Edit { ").split(", ");
    fields.filter(|field| !field.ends_with("None") && !field.ends_with("false")).collect::<Vec<_>>().join(", ")
}
