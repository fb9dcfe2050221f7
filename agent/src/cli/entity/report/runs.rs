//! The declarations of the reports of how runs fared.

use super::{ACCOUNT, CLUSTER, END, PARTITION, QOS, START, TIME_ZONE, USER};
use crate::cli::entity::Place::Where;
use crate::cli::entity::command::ONLY_TELLS;
use crate::cli::entity::{Field, Key, Kind, Schema};

/// What runs can be told apart by.
const APART: &[&str] =
    &["day", "week", "month", "quarter", "year", "cluster", "account", "user", "partition", "qos", "priority"];

const PERIOD: Field = Field::on_demand("period", -10, "first day of the day, week, quarter or year; a month's number");
const OF_CLUSTER: Field = Field::new("cluster", 10, "cluster");
const OF_ACCOUNT: Field = Field::on_demand("account", 20, "account");
const OF_USER: Field = Field::on_demand("user", 12, "user name");
const OF_PARTITION: Field = Field::on_demand("partition", 12, "partition")
    .meaning("Of jobs that wait, the list of those that they may run in.");
const OF_QOS: Field = Field::on_demand("qos", 12, "QOS");
const OF_PRIORITY: Field = Field::on_demand("priority", -24, "quarter of the priorities, by what it ends at").meaning(
    "The edges are the 25th, 50th and 75th percentile, by nearest rank, of Slurm's priority at the start of the runs \
     that the report counts; (not told) for live jobs and for runs told without one.",
);

const BEGAN: &str = "A run counts where it began, if it had nodes; one that was requeued counts again, from when it \
                     was put back; one that goes on after its size was changed does not.";
const FROM_SUBMISSION: &str = "Start - submit, in seconds, as XDMoD's wait; percentiles by nearest rank: the least wait \
                               of which at least that part of the runs waited no longer.";
const FROM_ELIGIBILITY: &str = "Start - eligible, in seconds, not less than 0, as sacct's Planned; eligible is later \
                                than submit for jobs with --begin, a dependency, or a hold. Percentiles by nearest rank.";

/// `bursar report waits`.
pub(super) static WAITS: Schema = Schema {
    name: "waits",
    aliases: &["wait"],
    about: "How long runs that began in [start, end) waited, and jobs that wait now; this month until now without times",
    keys: &[
        START,
        END,
        Key::new("by", Kind::Words(APART), &[Where], "what lines are told apart by; without it the cluster"),
        USER,
        ACCOUNT,
        CLUSTER,
        PARTITION,
        QOS,
        TIME_ZONE,
    ],
    fields: &[
        PERIOD,
        OF_CLUSTER,
        OF_ACCOUNT,
        OF_USER,
        OF_PARTITION,
        OF_QOS,
        OF_PRIORITY,
        Field::new("runs", 8, "runs that began in the period").meaning(BEGAN),
        Field::new("wait-p50", 10, "half of them waited no longer, from submission").meaning(FROM_SUBMISSION),
        Field::new("wait-p90", 10, "nine of ten waited no longer, from submission").meaning(FROM_SUBMISSION),
        Field::new("wait-p95", 10, "19 of 20 waited no longer, from submission").meaning(FROM_SUBMISSION),
        Field::new("wait-max", 11, "the longest wait, from submission").meaning(FROM_SUBMISSION),
        Field::new("planned-p50", 11, "half of them waited no longer, from when they could start")
            .meaning(FROM_ELIGIBILITY),
        Field::new("planned-p90", 11, "nine of ten waited no longer, from when they could start")
            .meaning(FROM_ELIGIBILITY),
        Field::new("planned-p95", 11, "19 of 20 waited no longer, from when they could start")
            .meaning(FROM_ELIGIBILITY),
        Field::new("planned-max", 11, "the longest wait, from when it could start").meaning(FROM_ELIGIBILITY),
        Field::new("waiting", 8, "jobs that wait now, if the period reaches to now")
            .meaning("Every task of an array is one; they are in no percentile, since their waits are not over."),
        Field::new("waiting-longest", 15, "the longest of them so far, from submission"),
        Field::on_demand("waiting-planned", 15, "the longest of them so far, from when it could start"),
    ],
    ..ONLY_TELLS
};

/// `bursar report completion`.
pub(super) static COMPLETION: Schema = Schema {
    name: "completion",
    about: "How runs that ended in [start, end) ended, by count and CPU time; this month until now without times",
    keys: &[
        START,
        END,
        Key::new("by", Kind::Words(APART), &[Where], "what lines are told apart by besides; without it the cluster"),
        USER,
        ACCOUNT,
        CLUSTER,
        PARTITION,
        QOS,
        TIME_ZONE,
    ],
    fields: &[
        PERIOD,
        OF_CLUSTER,
        OF_ACCOUNT,
        OF_USER,
        OF_PARTITION,
        OF_QOS,
        OF_PRIORITY,
        Field::new("outcome", -14, "how they ended").meaning(
            "By Slurm's state: completed; failed; timeout, also of a deadline; cancelled, also when revoked; \
             node-failure, also when a node did not boot; out-of-memory; preempted, put back or not; requeued by hand \
             or by exit code; resized, going on with other nodes; other.",
        ),
        Field::new("runs", 8, "runs that ended so in the period")
            .meaning("Only runs that had nodes; a job that was requeued is a run for each time it began."),
        Field::new("share", 7, "percent of the runs of the line's group")
            .meaning("The group is all outcomes of what by= tells apart. To a hundredth, rounded down."),
        Field::new("used", 14, "their CPU time")
            .meaning("All of each run, also what lies before the period, because the outcome is of all of it."),
        Field::new("used-share", 10, "percent of the CPU time of the line's group")
            .meaning("To a hundredth, rounded down; nothing where no CPU time was used."),
        Field::on_demand("cpu-hours", 16, "their CPU-hours, to four places; suspended time is none"),
    ],
    ..ONLY_TELLS
};

/// `bursar report peaks`.
pub(super) static PEAKS: Schema = Schema {
    name: "peaks",
    aliases: &["peak"],
    about: "The most that was held at once in [start, end), when and how long; this month until now without times",
    keys: &[
        START,
        END,
        Key::new(
            "by",
            Kind::Words(&["cluster", "account", "user", "partition", "qos"]),
            &[Where],
            "what lines are told apart by; without it the cluster",
        ),
        USER,
        ACCOUNT,
        CLUSTER,
        PARTITION,
        QOS,
        TIME_ZONE,
    ],
    fields: &[
        OF_CLUSTER,
        OF_ACCOUNT,
        OF_USER,
        OF_PARTITION,
        OF_QOS,
        Field::new("resource", -10, "cpus, nodes, gpus or memory-gb; what nobody held has no line")
            .meaning("A node that several runs share counts for each of them; memory is in units of 1,024 MiB."),
        Field::new("peak", 14, "the most that runs held at once").meaning(
            "Exact to the second: a run holds what it was given from its start until just before its end, also while \
             it is suspended.",
        ),
        Field::new("began", 19, "the first instant that they held so much"),
        Field::new("lasted", 14, "how long it stayed so much from then on"),
        Field::new("mean-p95", 14, "95th percentile of the means of quarters of an hour").meaning(
            "By nearest rank among all quarters of an hour of UTC that the period has, idle ones too, up to now; those \
             that it has a part of by the mean of that. To a hundredth, rounded down.",
        ),
    ],
    ..ONLY_TELLS
};
