//! The declarations of the reports that sum up what was used.

use super::{ACCOUNT, CLUSTER, END, PARTITION, QOS, START, TIME_ZONE, USER};
use crate::cli::entity::Place::Where;
use crate::cli::entity::command::ONLY_TELLS;
use crate::cli::entity::{Field, Flag, Key, Kind, Schema};

/// What a report of usage can be told apart by.
const APART: &[&str] =
    &["day", "week", "month", "quarter", "year", "cluster", "account", "user", "cost-centre", "partition", "qos"];

/// `bursar report usage`.
pub(super) static USAGE: Schema = Schema {
    name: "usage",
    about: "What was used in [start, end) by account and person, or by what by= names; without times, this month until now",
    flags: &[Flag { name: "tree", about: "order by the tree, sum up and indent" }],
    keys: &[
        START,
        END,
        Key::new("by", Kind::Words(APART), &[Where], "what lines are told apart by; without it account and user"),
        USER,
        ACCOUNT,
        CLUSTER,
        PARTITION,
        QOS,
        Key::new("cost-centre", Kind::Names, &[Where], "cost centres").or(&["cost-center", "wckeys"]),
        TIME_ZONE,
    ],
    fields: &[
        Field::new("cluster", 10, "cluster"),
        Field::new("account", 20, "account"),
        Field::new("user", 12, "user name, empty for the account's sum"),
        Field::new("name", -24, "display name"),
        Field::new("jobs", 8, "runs that touch the period")
            .meaning("A run is one row of slurmdbd, so that a requeued job is several; only runs that had nodes count."),
        Field::new("used", 14, "CPU time within the period")
            .meaning("Seconds of the run that lie in the period, times the CPUs that it was given; suspended seconds, of which only the sum is told, are taken off its end."),
        Field::on_demand("period", -10, "first day of the day, week, quarter or year; a month's number"),
        Field::on_demand("partition", 12, "partition"),
        Field::on_demand("qos", 12, "QOS"),
        Field::on_demand("cost-centre", 12, "cost centre (wckey); (none) for what carries none"),
        Field::on_demand("in-flight", 14, "of the CPU time, runs that have not ended")
            .meaning("Of live jobs that slurmdbd has not told the end of, as of the moment of the report; provisional."),
        Field::on_demand("jobs-started", 12, "runs that began in the period")
            .meaning("Only runs that had nodes."),
        Field::on_demand("jobs-ended", 10, "runs that ended in it")
            .meaning("Only runs that had nodes; an end at the first instant after the period is not in it."),
        Field::on_demand("people", 8, "people who had a run in it")
            .meaning("By cluster and user name."),
        Field::on_demand("cpu-hours", 16, "CPU-hours, to four places; suspended time is none")
            .meaning("As used; rounded half to even, as all hours here."),
        Field::on_demand("wall-hours", 16, "hours from start to end")
            .meaning("Suspended time counts, as for everything but CPU time, as in slurmdbd's own sums."),
        Field::on_demand("node-hours", 16, "node-hours")
            .meaning("Nodes times hours; a node that several runs share counts for each of them."),
        Field::on_demand("gpu-hours", 16, "GPU-hours of all types together")
            .meaning("Of the untyped gres/gpu, of which typed ones are a part."),
        Field::on_demand("memory-gb-hours", 16, "hours of 1,024 MiB of memory"),
        Field::on_demand("billing-hours", 16, "hours of Slurm's billing TRES"),
        Field::on_demand("wait-hours", 16, "from submission to start, of runs that began in the period")
            .meaning("Start - submit, which XDMoD calls wait."),
        Field::on_demand("planned-hours", 16, "from when it could start to its start, of those runs")
            .meaning("Start - eligible, not less than 0, which sacct calls Planned."),
        Field::on_demand(
            "expansion-factor",
            16,
            "(wait + wall) / wall, each run weighed by its node-hours in the period",
        )
            .meaning("As XDMoD's; runs without length have no part in it."),
    ],
    ..ONLY_TELLS
};

/// `bursar report cost-centres`.
pub(super) static COST_CENTRES: Schema = Schema {
    name: "cost-centres",
    aliases: &["cost-centers", "untagged"],
    about: "CPU time per cost centre in [start, end), and the part that carries none; this month until now without times",
    keys: &[START, END, USER, ACCOUNT],
    fields: &[
        Field::new("cluster", 10, "cluster"),
        Field::new("cost-centre", -20, "cost centre (wckey); (none) for what carries none"),
        Field::new("jobs", 8, "runs that touch the period")
            .meaning("A run is one row of slurmdbd, so that a requeued job is several; only runs that had nodes count."),
        Field::new("used", 14, "CPU time within the period")
            .meaning("Seconds of the run that lie in the period, times the CPUs that it was given; suspended seconds, of which only the sum is told, are taken off its end."),
        Field::new("share", 6, "percent of all CPU time that is listed")
            .meaning("To a hundredth, rounded down."),
        Field::on_demand("in-flight", 14, "of it, runs that have not ended")
            .meaning("Of live jobs that slurmdbd has not told the end of, as of the moment of the report; provisional."),
    ],
    ..ONLY_TELLS
};
