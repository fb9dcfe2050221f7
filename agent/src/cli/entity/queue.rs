//! The declaration of queues, as `show queue` prints them.

use super::Place::Where;
use super::kind::YES_NO;
use super::{Field, Key, Kind, Schema};

pub(super) static QUEUE: Schema = Schema {
    name: "queue",
    aliases: &["queues", "qos"],
    about: "A queue of the policy: what it costs, who may use it, what it preempts, and its jobs now",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "queues are written in policy.toml; change them there, then run `bursar sync`",
    bare: Some("queue"),
    flags: &[],
    keys: &[
        Key::new("queue", Kind::Names, &[Where], "queue names").or(&["queues", "name", "names"]),
        Key::new("user", Kind::Name, &[Where], "queues that this person may use in some account"),
        Key::new("account", Kind::Name, &[Where], "queues in which jobs of this account may be; with user=, theirs"),
        Key::new("default", Kind::Word(YES_NO), &[Where], "the queue of jobs that name none, or the others"),
    ],
    fields: &[
        Field::new("queue", 12, "queue"),
        Field::new("priority", 10, "priority of the QOS"),
        Field::new("default", 7, "whether jobs that name no queue are in it"),
        Field::new("charge-factor", 12, "what money is multiplied by"),
        Field::new("preempts", -16, "queues whose running jobs give way to its own"),
        Field::new("on-preempt", 10, "what becomes of its own jobs that give way: requeue or cancel"),
        Field::new("running", 7, "its jobs that run now"),
        Field::new("waiting", 7, "its jobs that wait now, array tasks counted singly"),
        Field::on_demand("qos", 12, "QOS that jobs ask for with --qos"),
        Field::on_demand("roles", -28, "roles of which a person needs one"),
        Field::on_demand("accounts", -24, "accounts that jobs must be of, or below"),
        Field::on_demand("fair-share-factor", 15, "what a second counts in Slurm's fair-share"),
        Field::on_demand("grace", 12, "how long its jobs go on after they were chosen to give way"),
        Field::on_demand("preempted-runs", 13, "whether runs that gave way are charged or free"),
        Field::on_demand("running-jobs", 12, "a person's jobs running at once"),
        Field::on_demand("queued-jobs", 11, "a person's jobs waiting at once"),
        Field::on_demand("cpus", 8, "a person's CPUs at once"),
        Field::on_demand("gpus", 6, "a person's GPUs at once"),
        Field::on_demand("nodes", 6, "a person's nodes at once"),
        Field::on_demand("memory-gb", 10, "a person's memory at once"),
        Field::on_demand("max-time", 12, "the longest time limit of a job"),
    ],
};
