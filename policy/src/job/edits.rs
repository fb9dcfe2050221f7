//! Edits that were let through and that no list of slurmctld's jobs shows yet.
//!
//! A second edit of a job can come before the list tells of the first. The job may by then be as it is listed, or as any
//! of the earlier edits left it: slurmctld may have refused them after all.

use super::gres::GpuAsk;
use super::request::Edit;
use crate::time::Timestamp;

/// More edits of one job than this within one list are not judged: the list comes in seconds.
const MOST: usize = 8;

/// All of them, oldest first.
#[derive(Debug, Default)]
pub struct Edits(Vec<Made>);

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier<'a> {
    /// What it changed.
    pub edit: Edit<'a>,
    /// Whether what it added is in flight: that of an operator is let through without a question, so it is not.
    pub booked: bool,
}

#[derive(Debug)]
struct Made {
    job: u32,
    at: Timestamp,
    booked: bool,
    /// The edit without its texts.
    bare: Edit<'static>,
    account: Option<String>,
    partition: Option<String>,
    qos: Option<String>,
    cost_center: Option<String>,
    /// In the order of [`GpuAsk`].
    gpus: [Option<String>; 6],
}

impl Edits {
    /// Forgets those that a list shows that slurmctld gave at `as_of`.
    pub fn forget(&mut self, as_of: Timestamp) {
        self.0.retain(|made| made.at >= as_of);
    }

    /// Whether another edit of `job` has to wait for a list.
    pub fn are_too_many(&self, job: u32) -> bool {
        self.of(job).count() >= MOST
    }

    /// Those of the records of `job`, oldest first.
    pub fn of(&self, job: u32) -> impl Iterator<Item = Earlier<'_>> {
        self.0.iter().filter(move |made| made.job == job).map(Made::lent)
    }

    /// Keeps an edit of `job` that was let through at `at`.
    pub fn keep(&mut self, job: u32, Earlier { edit, booked }: Earlier<'_>, at: Timestamp) {
        let Edit { account, partition, qos, cost_center, gpus, .. } = edit;
        let own = |text: Option<&str>| text.map(str::to_owned);
        let bare = Edit {
            job: "",
            account: None,
            partition: None,
            qos: None,
            cost_center: None,
            gpus: GpuAsk::default(),
            // Field by field, because the texts' lifetime is part of the type.
            time_limit: edit.time_limit,
            begin_at: edit.begin_at,
            min_cpus: edit.min_cpus,
            min_nodes: edit.min_nodes,
            max_nodes: edit.max_nodes,
            tasks: edit.tasks,
            cpus_per_task: edit.cpus_per_task,
            cpus_per_node: edit.cpus_per_node,
            memory: edit.memory,
            whole_nodes: edit.whole_nodes,
            releases: edit.releases,
            open_ended: edit.open_ended,
        };
        let GpuAsk { per_job, per_node, per_socket, per_task, cpus_per_gpu, memory_per_gpu } = gpus;
        let gpus = [per_job, per_node, per_socket, per_task, cpus_per_gpu, memory_per_gpu].map(own);
        self.0.push(Made {
            job,
            at,
            booked,
            bare,
            account: own(account),
            partition: own(partition),
            qos: own(qos),
            cost_center: own(cost_center),
            gpus,
        });
    }
}

impl Made {
    fn lent(&self) -> Earlier<'_> {
        let Self { booked, bare, account, partition, qos, cost_center, gpus, .. } = self;
        let [per_job, per_node, per_socket, per_task, cpus_per_gpu, memory_per_gpu] =
            gpus.each_ref().map(Option::as_deref);
        let edit = Edit {
            account: account.as_deref(),
            partition: partition.as_deref(),
            qos: qos.as_deref(),
            cost_center: cost_center.as_deref(),
            gpus: GpuAsk { per_job, per_node, per_socket, per_task, cpus_per_gpu, memory_per_gpu },
            ..*bare
        };
        Earlier { edit, booked: *booked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Memory, TimeLimit};

    #[test]
    fn given_an_edit_then_all_of_it_is_kept_until_a_list_shows_it() {
        let gpus = GpuAsk { per_node: Some("gres:gpu:2"), memory_per_gpu: Some("gres:gpu:9"), ..GpuAsk::default() };
        let edit = Edit {
            account: Some("optics"),
            partition: Some("big"),
            qos: Some("high"),
            cost_center: Some("cc"),
            time_limit: Some(TimeLimit::Minutes(7)),
            memory: Some(Memory::PerNode(3)),
            tasks: Some(2),
            gpus,
            ..Edit::default()
        };
        let mut edits = Edits::default();
        let earlier = Earlier { edit, booked: true };
        edits.keep(12, Earlier { edit: Edit { job: "12_3", ..edit }, booked: true }, Timestamp(50));
        assert_eq!(edits.of(12).collect::<Vec<_>>(), [earlier]);
        assert_eq!(edits.of(13).count(), 0);
        edits.forget(Timestamp(50));
        assert_eq!(edits.of(12).count(), 1, "the list may be from before it in the same second");
        (1..MOST).for_each(|_| edits.keep(12, earlier, Timestamp(50)));
        assert!(edits.are_too_many(12) && !edits.are_too_many(13));
        edits.forget(Timestamp(51));
        assert_eq!(edits.of(12).count(), 0);
    }
}
