//! The declarations of the reports that sum up what was used.

use super::{ACCOUNT, CLUSTER, END, PARTITION, QOS, START, TIME_ZONE, USER};
use crate::cli::entity::Place::Where;
use crate::cli::entity::command::NOTHING_TO_CHANGE;
use crate::cli::entity::{Field, Flag, Key, Kind, Schema};

/// What a report of usage can be told apart by.
const APART: &[&str] =
    &["day", "week", "month", "quarter", "year", "cluster", "account", "user", "cost-centre", "partition", "qos"];

/// `bursar report usage`.
pub(super) static USAGE: Schema = Schema {
    name: "usage",
    aliases: &[],
    about: "What was used in [start, end) by account and person, or by what by= names; without times, this month until now",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: NOTHING_TO_CHANGE,
    bare: None,
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
        Field::new("jobs", 8, "runs that touch the period"),
        Field::new("used", 14, "CPU time within the period"),
        Field::on_demand("period", -10, "first day of the day, week, quarter or year; a month's number"),
        Field::on_demand("partition", 12, "partition"),
        Field::on_demand("qos", 12, "QOS"),
        Field::on_demand("cost-centre", 12, "cost centre (wckey); (none) for what carries none"),
        Field::on_demand("in-flight", 14, "of the CPU time, runs that have not ended"),
        Field::on_demand("jobs-started", 12, "runs that began in the period"),
        Field::on_demand("jobs-ended", 10, "runs that ended in it"),
        Field::on_demand("people", 8, "people who had a run in it"),
        Field::on_demand("cpu-hours", 16, "CPU-hours, to four places; suspended time is none"),
        Field::on_demand("wall-hours", 16, "hours from start to end"),
        Field::on_demand("node-hours", 16, "node-hours"),
        Field::on_demand("gpu-hours", 16, "GPU-hours of all types together"),
        Field::on_demand("memory-gb-hours", 16, "hours of 1,024 MiB of memory"),
        Field::on_demand("billing-hours", 16, "hours of Slurm's billing TRES"),
        Field::on_demand("wait-hours", 16, "from submission to start, of runs that began in the period"),
        Field::on_demand("planned-hours", 16, "from when it could start to its start, of those runs"),
        Field::on_demand(
            "expansion-factor",
            16,
            "(wait + wall) / wall, each run weighed by its node-hours in the period",
        ),
    ],
};

/// `bursar report cost-centres`.
pub(super) static COST_CENTRES: Schema = Schema {
    name: "cost-centres",
    aliases: &["cost-centers", "untagged"],
    about: "CPU time per cost centre in [start, end), and the part that carries none; this month until now without times",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: NOTHING_TO_CHANGE,
    bare: None,
    flags: &[],
    keys: &[START, END, USER, ACCOUNT],
    fields: &[
        Field::new("cluster", 10, "cluster"),
        Field::new("cost-centre", -20, "cost centre (wckey); (none) for what carries none"),
        Field::new("jobs", 8, "runs that touch the period"),
        Field::new("used", 14, "CPU time within the period"),
        Field::new("share", 6, "percent of all CPU time that is listed"),
        Field::on_demand("in-flight", 14, "of it, runs that have not ended"),
    ],
};
