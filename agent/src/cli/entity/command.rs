//! The declarations of the verbs that have keys or fields of their own, but for those of `report`.

use super::Place::Where;
use super::report::CHARGED;
use super::{Field, Flag, Key, Kind, Schema};

/// All of them but reports, in the order of the help.
pub const ALL: [&Schema; 8] = [&BALANCE, &PRICE, &EXPLAIN_JOB, &EXPLAIN_LOGIN, &IMPORT_USAGE, &VERIFY, &SYNC, &STATUS];

/// What declarations of verbs that only tell have in common; each says the rest.
pub(super) const ONLY_TELLS: Schema = Schema {
    name: "",
    aliases: &[],
    about: "",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "it only tells",
    bare: None,
    flags: &[],
    keys: &[],
    fields: &[],
};

/// `bursar balance`.
pub static BALANCE: Schema = Schema {
    name: "balance",
    about: "What was used, is in flight and is left, and when the period ends; without a key, the caller's own",
    bare: Some("user"),
    keys: &[
        Key::new("user", Kind::Names, &[Where], "people").or(&["users"]),
        Key::new("account", Kind::Names, &[Where], "accounts").or(&["accounts"]),
    ],
    fields: &[
        Field::new("user", 12, "the person, when it is one"),
        Field::new("account", 16, "the account, when it is one"),
        Field::new("limit", -19, "which limit"),
        Field::new("allowed", 14, "jobs or CPU time allowed"),
        Field::new("used", 14, "settled use in the period"),
        Field::new("in-flight", 14, "held for jobs that wait or run"),
        Field::new("left", 14, "what is left"),
        Field::new("ends", 19, "when the period ends"),
    ],
    ..ONLY_TELLS
};

/// `bursar price`.
pub static PRICE: Schema = Schema {
    name: "price",
    about: "What a month comes to by another rate card, beside the one in force; nothing is changed",
    bare: Some("file"),
    keys: &[
        Key::new("file", Kind::Text, &[Where], "the other card, written as rates.toml is"),
        Key::new("period", Kind::Name, &[Where], "a month, as 2026-11, this or last; without it last").or(&["month"]),
        Key::new("by", Kind::Words(CHARGED), &[Where], "what rows are told apart by; without it account"),
        Key::new("cluster", Kind::Names, &[Where], "clusters, or all; without it the site's own").or(&["clusters"]),
    ],
    fields: &[
        Field::new("account", 20, "account"),
        Field::new("before", 16, "by the card in force"),
        Field::new("after", 16, "by the other"),
        Field::new("difference", 16, "how much more the other is"),
        Field::new("currency", -8, "of which currency, or units of the site's own"),
        Field::on_demand("cost-centre", 12, "cost centre (wckey)"),
        Field::on_demand("user", 12, "user name"),
        Field::on_demand("cluster", 10, "cluster"),
        Field::on_demand("partition", 12, "partition"),
        Field::on_demand("qos", 12, "QOS"),
        Field::on_demand("version", 12, "version of the rate card"),
        Field::on_demand("item", -16, "what is charged"),
    ],
    ..ONLY_TELLS
};

/// `bursar explain job`.
pub static EXPLAIN_JOB: Schema = Schema {
    name: "job",
    about: "What the plugin would say to such a job now, rule by rule",
    bare: Some("user"),
    keys: &[
        Key::new("user", Kind::Name, &[Where], "who submits; without it the caller"),
        Key::new("account", Kind::Name, &[Where], "account; without it the person's default"),
        Key::new("partition", Kind::Name, &[Where], "partition"),
        Key::new("qos", Kind::Name, &[Where], "QOS"),
        Key::new("cpus", Kind::Count, &[Where], "CPUs of one task of the array; without it 1"),
        Key::new("nodes", Kind::Count, &[Where], "nodes"),
        Key::new("gpus", Kind::Name, &[Where], "GPUs of one task of the array, as 2 or a100:2"),
        Key::new("wckey", Kind::Name, &[Where], "cost centre").or(&["cost-centre"]),
        Key::new("time-limit", Kind::Name, &[Where], "time limit in Slurm's spelling").or(&["time"]),
        Key::new("tasks", Kind::Count, &[Where], "number of array tasks; without it 1").or(&["array-tasks"]),
        Key::new("at", Kind::Instant, &[Where], "when it is submitted; without it now"),
    ],
    fields: EXPLANATION,
    ..ONLY_TELLS
};

/// `bursar explain login`.
pub static EXPLAIN_LOGIN: Schema = Schema {
    name: "login",
    about: "What the PAM module would say to a login now",
    bare: Some("user"),
    keys: &[
        Key::new("user", Kind::Name, &[Where], "who logs in; without it the caller"),
        Key::new("service", Kind::Name, &[Where], "PAM service; without it sshd"),
        Key::new("at", Kind::Instant, &[Where], "when; without it now"),
    ],
    fields: EXPLANATION,
    ..ONLY_TELLS
};

const EXPLANATION: &[Field] = &[
    Field::new("rule", -24, "what was judged"),
    Field::new("outcome", 8, "allow or refuse"),
    Field::new("code", 10, "reason code"),
    Field::new("allowed", 14, "what the limit allows"),
    Field::new("used", 14, "settled use"),
    Field::new("in-flight", 14, "held for jobs that wait or run"),
    Field::new("asked", 14, "what this job would hold"),
    Field::on_demand("detail", -60, "the sentence"),
];

/// `bursar import usage`.
pub static IMPORT_USAGE: Schema = Schema {
    name: "usage",
    about: "Takes the runs of a dump of sacct, made with any field list, into the ledger",
    bare: Some("file"),
    keys: &[
        Key::new("file", Kind::Text, &[Where], "the dump, as sacct -P wrote it; - is stdin"),
        Key::new("cluster", Kind::Name, &[Where], "the cluster, where no column names it"),
        Key::new("fields", Kind::Names, &[Where], "its columns, where its first line does not name them"),
        Key::new("separator", Kind::Text, &[Where], "what stands between columns, tab, or us; without it |"),
        Key::new("time-zone", Kind::Text, &[Where], "the zone of its times; without it the site's"),
    ],
    fields: &[
        Field::new("rows", 10, "rows that were read"),
        Field::new("added", 10, "runs that were not known"),
        Field::new("changed", 10, "runs that were told otherwise before"),
        Field::new("known", 10, "runs that were known as they are, or that slurmdbd has the last word on"),
        Field::new("not-ended", 10, "rows of jobs that had not ended"),
        Field::new("steps", 10, "rows of steps"),
        Field::new("set-aside", 10, "rows that cannot be read, kept aside"),
    ],
    ..ONLY_TELLS
};

/// `bursar verify`.
pub static VERIFY: Schema = Schema {
    name: "verify",
    about: "Takes apart how the ledger and slurmdbd's sums differ in [start, end); without times, yesterday",
    flags: &[Flag { name: "all", about: "show what does not differ, too" }],
    keys: &[
        Key::new("start", Kind::Instant, &[Where], "first instant of the period, a whole hour"),
        Key::new("end", Kind::Instant, &[Where], "first instant after it, a whole hour; without it the last one"),
    ],
    fields: &[
        Field::new("account", 16, "account"),
        Field::new("user", 12, "user name, empty for what is charged to the account itself"),
        Field::new("tres", -9, "what is counted"),
        Field::new("ledger", 14, "seconds of it in the ledger; of memory MB-seconds"),
        Field::new("slurm", 14, "seconds that slurmdbd has rolled up"),
        Field::new("difference", 12, "what slurmdbd has more"),
        Field::new("reserved", 12, "of it, idle time of reservations"),
        Field::new("suspended", 12, "suspended time that lies elsewhere for slurmdbd"),
        Field::new("resize", 12, "time before a resize, which slurmdbd counts twice"),
        Field::new("current-hour", 12, "time that slurmdbd has not rolled up yet"),
        Field::new("open", 12, "runs that have not ended"),
        Field::new("late", 12, "runs that ended and are not in the ledger"),
        Field::new("unexplained", 12, "what is left"),
        Field::on_demand("cluster", 10, "cluster"),
    ],
    ..ONLY_TELLS
};

/// `bursar sync --dry-run`.
pub static SYNC: Schema = Schema {
    name: "sync",
    about: "Reads the sources and brings accounts and associations in line, now",
    fields: &[
        Field::new("action", 18, "what is done, or would be"),
        Field::new("object", -32, "to what"),
        Field::new("detail", -60, "how"),
    ],
    ..ONLY_TELLS
};

/// `bursar status`.
pub static STATUS: Schema = Schema {
    name: "status",
    about: "How each part of bursar is, and since when",
    fields: &[
        Field::new("part", -20, "part"),
        Field::new("state", 10, "ok, late, failed or off"),
        Field::new("since", 19, "since when"),
        Field::new("detail", -60, "numbers, or what to do"),
    ],
    ..ONLY_TELLS
};
