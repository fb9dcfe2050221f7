//! The entities' declarations.
//!
//! A width is Slurm's: the number of characters, negative for flush left. Titles are made from the names.

use super::Place::{Add, Delete, Needed, Set, Where};
use super::kind::YES_NO;
use super::{Field, Flag, Key, Kind, Schema};

const ROLES: &[&str] = &["cluster-admin", "compute-user", "observer"];
const ORIGINS: &[&str] = &["policy", "manual"];
const LIFTS: &[&str] = &["windows", "limits"];
/// Every limit that names no GPU type.
const LIMITS: &[&str] = &[
    "running-jobs",
    "queued-jobs",
    "cpus",
    "gpus",
    "memory-gb",
    "nodes",
    "cpu-hours-per-day",
    "cpu-hours-per-week",
    "cpu-hours-per-month",
    "cpu-hours-per-quarter",
    "cpu-hours-per-year",
    "cpu-hours-per-grant",
    "gpu-hours-per-day",
    "gpu-hours-per-week",
    "gpu-hours-per-month",
    "gpu-hours-per-quarter",
    "gpu-hours-per-year",
    "gpu-hours-per-grant",
    "memory-gb-hours-per-day",
    "memory-gb-hours-per-week",
    "memory-gb-hours-per-month",
    "memory-gb-hours-per-quarter",
    "memory-gb-hours-per-year",
    "memory-gb-hours-per-grant",
    "node-hours-per-day",
    "node-hours-per-week",
    "node-hours-per-month",
    "node-hours-per-quarter",
    "node-hours-per-year",
    "node-hours-per-grant",
    "money-per-day",
    "money-per-week",
    "money-per-month",
    "money-per-quarter",
    "money-per-year",
    "money-per-grant",
];
const DEFAULTS: &[&str] = &["all", "guest", "cluster-admin", "compute-user", "observer"];

const START: Key = Key::new("start", Kind::Instant, &[Where], "from this instant on");
const REASON: Key = Key::new("reason", Kind::Text, &[Add, Set, Delete], "why; goes into the audit record");
const END: Key = Key::new("end", Kind::Instant, &[Where], "before this instant");

/// What everything that is only read says to whoever would change it.
const FROM_SOURCE: &str = "people and groups come from the identity sources; change them there, then run `bursar sync`";

pub(super) static USER: Schema = Schema {
    name: "user",
    aliases: &["users", "person", "people", "subject", "subjects"],
    about: "A person known to bursar; tombstones of removed people show with state=removed",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: FROM_SOURCE,
    bare: Some("user"),
    flags: &[],
    keys: &[
        Key::new("user", Kind::Names, &[Where], "user names").or(&["users", "name", "names"]),
        Key::new("uid", Kind::Names, &[Where], "uid numbers").or(&["uids"]),
        Key::new("source", Kind::Names, &[Where], "identity sources"),
        Key::new("id", Kind::Names, &[Where], "immutable ids at the source").or(&["ids"]),
        Key::new("kind", Kind::Words(&["member", "guest"]), &[Where], "members or guests"),
        Key::new("state", Kind::Words(&["active", "disabled", "removed"]), &[Where], "states"),
        Key::new("group", Kind::Names, &[Where], "members of these groups").or(&["groups"]),
        Key::new("account", Kind::Names, &[Where], "people with a grant on these accounts").or(&["accounts"]),
        Key::new("role", Kind::Words(ROLES), &[Where], "people who hold these roles now").or(&["roles"]),
    ],
    fields: &[
        Field::new("user", 12, "user name"),
        Field::new("uid", 6, "uid, and gid of the private group"),
        Field::new("name", -24, "display name"),
        Field::new("kind", 7, "member or guest"),
        Field::new("state", 9, "active, disabled or removed"),
        Field::new("roles", -28, "roles held now"),
        Field::new("accounts", -24, "accounts granted now"),
        Field::on_demand("default-account", 16, "account a job without --account runs on"),
        Field::on_demand("groups", -24, "groups"),
        Field::on_demand("mail", -28, "mail address"),
        Field::on_demand("source", 10, "identity source"),
        Field::on_demand("id", -36, "immutable id at the source"),
        Field::on_demand("keys", 4, "number of SSH keys"),
        Field::on_demand("first-seen", 19, "when bursar first saw the person"),
        Field::on_demand("changed-at", 19, "when anything about the person changed"),
    ],
};

pub(super) static GROUP: Schema = Schema {
    name: "group",
    aliases: &["groups"],
    about: "A group of an identity source",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: FROM_SOURCE,
    bare: Some("group"),
    flags: &[],
    keys: &[
        Key::new("group", Kind::Names, &[Where], "group names").or(&["groups", "name", "names"]),
        Key::new("gid", Kind::Names, &[Where], "gid numbers"),
        Key::new("source", Kind::Names, &[Where], "identity sources"),
        Key::new("id", Kind::Names, &[Where], "immutable ids at the source"),
        Key::new("user", Kind::Names, &[Where], "groups of these people").or(&["users"]),
        Key::new("state", Kind::Words(&["active", "removed"]), &[Where], "states"),
    ],
    fields: &[
        Field::new("group", 16, "group name"),
        Field::new("gid", 6, "gid, when the group is a POSIX group"),
        Field::new("members", 7, "number of members"),
        Field::new("state", 7, "active or removed"),
        Field::new("description", -32, "description"),
        Field::on_demand("users", -40, "the members' user names"),
        Field::on_demand("source", 10, "identity source"),
        Field::on_demand("id", -36, "immutable id at the source"),
    ],
};

pub(super) static ACCOUNT: Schema = Schema {
    name: "account",
    aliases: &["accounts", "acct"],
    about: "A Slurm account that bursar keeps",
    can_add: true,
    can_modify: true,
    can_delete: true,
    instead: "",
    bare: Some("account"),
    flags: &[Flag { name: "tree", about: "order by the tree and indent" }],
    keys: &[
        Key::new("account", Kind::Names, &[Where, Needed], "account names").or(&["accounts", "name", "names"]),
        Key::new("parent", Kind::Name, &[Where, Add, Set], "account above it"),
        Key::new("cost-centre", Kind::Name, &[Where, Add, Set], "cost centre (wckey)").or(&["cost-center", "wckey"]),
        Key::new("description", Kind::Clearable, &[Add, Set], "description"),
        REASON,
        Key::new("origin", Kind::Words(ORIGINS), &[Where], "policy.toml or this command"),
        Key::new("state", Kind::Words(&["active", "removed"]), &[Where], "states"),
    ],
    fields: &[
        Field::new("account", 20, "account name"),
        Field::new("parent", 16, "account above it"),
        Field::new("cost-centre", 12, "cost centre (wckey)"),
        Field::new("users", 6, "number of people with a grant on it now"),
        Field::new("state", 7, "active or removed"),
        Field::new("description", -32, "description"),
        Field::on_demand("origin", 6, "policy or manual"),
        Field::on_demand("gid", 6, "gid of the account's group, when it has one"),
    ],
};

pub(super) static GRANT: Schema = Schema {
    name: "grant",
    aliases: &["grants"],
    about: "A role given to a person or a group, for the cluster or one account, for a time; delete revokes",
    can_add: true,
    can_modify: true,
    can_delete: true,
    instead: "",
    bare: Some("id"),
    flags: &[],
    keys: &[
        Key::new("id", Kind::Names, &[Where], "numbers of grants, as 12 or G12").or(&["ids", "grant"]),
        Key::new("user", Kind::Names, &[Where, Add], "people").or(&["users", "name", "names"]),
        Key::new("group", Kind::Names, &[Where, Add], "groups").or(&["groups"]),
        Key::new("role", Kind::Word(ROLES), &[Where, Needed], "the role"),
        Key::new("account", Kind::Names, &[Where, Add], "scope: these accounts; without it the cluster")
            .or(&["accounts"]),
        Key::new("from", Kind::Instant, &[Add], "first instant; without it now").or(&["start"]),
        Key::new("until", Kind::Instant, &[Add, Set], "first instant after it; without it never").or(&["end"]),
        Key::new("emergency", Kind::Word(YES_NO), &[Where, Add], "lifts something; needs a near until= and a reason="),
        Key::new("lifts", Kind::Words(LIFTS), &[Add], "what an emergency lifts; without it windows"),
        REASON,
        Key::new("granted-by", Kind::Names, &[Where], "who granted"),
        Key::new("origin", Kind::Words(ORIGINS), &[Where], "policy.toml or this command"),
        Key::new("state", Kind::Words(&["active", "future", "expired", "revoked"]), &[Where], "states"),
    ],
    fields: &[
        Field::new("id", 8, "number of the grant"),
        Field::new("user", 12, "the person, when it is one"),
        Field::new("group", 12, "the group, when it is one"),
        Field::new("role", 13, "the role"),
        Field::new("account", 16, "the account, empty for the cluster"),
        Field::new("from", 19, "first instant"),
        Field::new("until", 19, "first instant after it"),
        Field::new("state", 7, "active, future, expired or revoked"),
        Field::on_demand("lifts", -14, "what it lifts, when it is an emergency grant"),
        Field::on_demand("reason", -32, "why"),
        Field::on_demand("origin", 6, "policy or manual"),
        Field::on_demand("granted-by", 12, "who granted it"),
        Field::on_demand("granted-at", 19, "when it was granted"),
        Field::on_demand("revoked-by", 12, "who revoked it"),
        Field::on_demand("revoked-at", 19, "when it was revoked"),
        Field::on_demand("revoke-reason", -32, "why it was revoked"),
    ],
};

pub(super) static LIMIT: Schema = Schema {
    name: "limit",
    aliases: &["limits", "quota", "quotas"],
    about: "A limit of a person or an account, or a default for people; -1 clears, so that the next default holds",
    can_add: false,
    can_modify: true,
    can_delete: true,
    instead: "set limits with `bursar modify limit where user=NAME set running-jobs=N`",
    bare: None,
    flags: &[],
    keys: &[
        Key::new("user", Kind::Names, &[Where], "limits of these people").or(&["users"]),
        Key::new("account", Kind::Names, &[Where], "limits of these accounts").or(&["accounts"]),
        Key::new("in-account", Kind::Name, &[Where], "with user=: their limits in this account and below it"),
        Key::new("each-in", Kind::Names, &[Where], "limits of each person in these accounts"),
        Key::new("grant", Kind::Names, &[Where], "limits of what these grants let consume").or(&["grants"]),
        Key::new("default", Kind::Words(DEFAULTS), &[Where], "defaults: for all, for guests, for a role"),
        Key::new("limit", Kind::Limits(LIMITS), &[Where], "only these limits; a GPU type may stand before one")
            .or(&["limits", "name", "names"]),
        Key::new("origin", Kind::Words(ORIGINS), &[Where], "policy.toml or this command"),
        Key::new("running-jobs", Kind::JobLimit, &[Set], "jobs that run at a time").or(&["max-jobs"]),
        Key::new("queued-jobs", Kind::JobLimit, &[Set], "jobs that wait at a time").or(&["max-submit-jobs"]),
        Key::new("cpus", Kind::JobLimit, &[Set], "CPUs of jobs that run at a time"),
        Key::new("gpus", Kind::JobLimit, &[Set], "GPUs of jobs that run at a time"),
        Key::new("memory-gb", Kind::DecimalLimit, &[Set], "memory of jobs that run at a time"),
        Key::new("nodes", Kind::JobLimit, &[Set], "nodes of jobs that run at a time"),
        Key::new("cpu-hours-per-day", Kind::CpuLimit, &[Set], "CPU time in a day of the zone it is counted in"),
        Key::new("cpu-hours-per-week", Kind::CpuLimit, &[Set], "CPU time in a week"),
        Key::new("cpu-hours-per-month", Kind::CpuLimit, &[Set], "CPU time in a calendar month"),
        Key::new("cpu-hours-per-quarter", Kind::CpuLimit, &[Set], "CPU time in a quarter of the fiscal year"),
        Key::new("cpu-hours-per-year", Kind::CpuLimit, &[Set], "CPU time in a fiscal year"),
        Key::new("cpu-hours-per-grant", Kind::CpuLimit, &[Set], "CPU time in the life of the grant"),
        Key::new("gpu-hours-per-day", Kind::CpuLimit, &[Set], "GPU time in a day of the zone it is counted in"),
        Key::new("gpu-hours-per-week", Kind::CpuLimit, &[Set], "GPU time in a week"),
        Key::new("gpu-hours-per-month", Kind::CpuLimit, &[Set], "GPU time in a calendar month"),
        Key::new("gpu-hours-per-quarter", Kind::CpuLimit, &[Set], "GPU time in a quarter of the fiscal year"),
        Key::new("gpu-hours-per-year", Kind::CpuLimit, &[Set], "GPU time in a fiscal year"),
        Key::new("gpu-hours-per-grant", Kind::CpuLimit, &[Set], "GPU time in the life of the grant"),
        Key::new(
            "memory-gb-hours-per-day",
            Kind::DecimalLimit,
            &[Set],
            "memory times hours in a day of the zone it is counted in",
        ),
        Key::new("memory-gb-hours-per-week", Kind::DecimalLimit, &[Set], "memory times hours in a week"),
        Key::new("memory-gb-hours-per-month", Kind::DecimalLimit, &[Set], "memory times hours in a calendar month"),
        Key::new(
            "memory-gb-hours-per-quarter",
            Kind::DecimalLimit,
            &[Set],
            "memory times hours in a quarter of the fiscal year",
        ),
        Key::new("memory-gb-hours-per-year", Kind::DecimalLimit, &[Set], "memory times hours in a fiscal year"),
        Key::new(
            "memory-gb-hours-per-grant",
            Kind::DecimalLimit,
            &[Set],
            "memory times hours in the life of the grant",
        ),
        Key::new("node-hours-per-day", Kind::CpuLimit, &[Set], "node time in a day of the zone it is counted in"),
        Key::new("node-hours-per-week", Kind::CpuLimit, &[Set], "node time in a week"),
        Key::new("node-hours-per-month", Kind::CpuLimit, &[Set], "node time in a calendar month"),
        Key::new("node-hours-per-quarter", Kind::CpuLimit, &[Set], "node time in a quarter of the fiscal year"),
        Key::new("node-hours-per-year", Kind::CpuLimit, &[Set], "node time in a fiscal year"),
        Key::new("node-hours-per-grant", Kind::CpuLimit, &[Set], "node time in the life of the grant"),
        Key::new(
            "money-per-day",
            Kind::DecimalLimit,
            &[Set],
            "money, in the currency of the prices in a day of the zone it is counted in",
        ),
        Key::new("money-per-week", Kind::DecimalLimit, &[Set], "money, in the currency of the prices in a week"),
        Key::new(
            "money-per-month",
            Kind::DecimalLimit,
            &[Set],
            "money, in the currency of the prices in a calendar month",
        ),
        Key::new(
            "money-per-quarter",
            Kind::DecimalLimit,
            &[Set],
            "money, in the currency of the prices in a quarter of the fiscal year",
        ),
        Key::new("money-per-year", Kind::DecimalLimit, &[Set], "money, in the currency of the prices in a fiscal year"),
        Key::new(
            "money-per-grant",
            Kind::DecimalLimit,
            &[Set],
            "money, in the currency of the prices in the life of the grant",
        ),
        Key::new("gpu-type", Kind::Name, &[Set], "the type that gpus and gpu-hours are of; without it any"),
        Key::new("reason", Kind::Text, &[Set, Delete], "why; goes into the audit record"),
    ],
    fields: &[
        Field::new("user", 12, "the person, when it is one"),
        Field::new("account", 16, "the account, when it is one"),
        Field::new("default", 13, "whom it is a default for, when it is one"),
        Field::on_demand("grant", 6, "the grant, when it is one"),
        Field::new("limit", -19, "which limit"),
        Field::new("value", 14, "how much is allowed"),
        Field::new("origin", 6, "policy or manual"),
    ],
};

pub(super) static RUN: Schema = Schema {
    name: "run",
    aliases: &["runs", "job", "jobs"],
    about: "One run of a job, as slurmctld and slurmdbd know it; a requeued job has several",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "jobs are Slurm's; use scontrol and scancel",
    bare: Some("job"),
    flags: &[],
    keys: &[
        Key::new("job", Kind::Names, &[Where], "job numbers").or(&["jobs", "job-id", "id"]),
        Key::new("user", Kind::Names, &[Where], "people").or(&["users"]),
        Key::new("account", Kind::Names, &[Where], "accounts").or(&["accounts"]),
        Key::new("partition", Kind::Names, &[Where], "partitions").or(&["partitions"]),
        Key::new("qos", Kind::Names, &[Where], "QOS"),
        Key::new("wckey", Kind::Names, &[Where], "cost centres (wckeys)").or(&["cost-centre", "cost-center"]),
        Key::new("state", Kind::Names, &[Where], "Slurm states, as RUNNING or COMPLETED").or(&["states"]),
        Key::new("cluster", Kind::Names, &[Where], "clusters"),
        Key::new("start", Kind::Instant, &[Where], "runs that touch the time from here on"),
        Key::new("end", Kind::Instant, &[Where], "runs that touch the time before this"),
    ],
    fields: &[
        Field::new("job-id", 10, "job number"),
        Field::new("user", 12, "user name"),
        Field::new("account", 16, "account"),
        Field::new("partition", 10, "partition"),
        Field::new("state", 13, "Slurm's state"),
        Field::new("start", 19, "when it began"),
        Field::new("end", 19, "when it ended"),
        Field::new("cpus", 6, "CPUs allocated"),
        Field::new("cpu-time", 12, "CPU time so far"),
        Field::on_demand("submit", 19, "when it was submitted"),
        Field::on_demand("eligible", 19, "when it could first have begun"),
        Field::on_demand("elapsed", 10, "wall-clock time"),
        Field::on_demand("suspended", 10, "wall-clock time suspended"),
        Field::on_demand("time-limit", 10, "time limit"),
        Field::on_demand("qos", 10, "QOS"),
        Field::on_demand("wckey", 12, "cost centre (wckey)"),
        Field::on_demand("tres", -40, "TRES allocated"),
        Field::on_demand("cluster", 10, "cluster"),
        Field::on_demand("uid", 6, "uid of the submitter"),
    ],
};

pub(super) static LOGIN: Schema = Schema {
    name: "login",
    aliases: &["logins"],
    about: "A decision on a login, or the begin or end of a session",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "login records are never changed",
    bare: Some("user"),
    flags: &[],
    keys: &[
        Key::new("user", Kind::Names, &[Where], "people").or(&["users"]),
        Key::new("node", Kind::Names, &[Where], "hosts").or(&["nodes", "host"]),
        Key::new("service", Kind::Names, &[Where], "PAM services"),
        Key::new("decision", Kind::Words(&["allowed", "refused", "opened", "closed"]), &[Where], "what happened"),
        Key::new("code", Kind::Names, &[Where], "reason codes"),
        START,
        END,
    ],
    fields: &[
        Field::new("at", 19, "when"),
        Field::new("user", 12, "user name as typed"),
        Field::new("node", 12, "host"),
        Field::new("service", 8, "PAM service"),
        Field::new("decision", 8, "allowed, refused, opened or closed"),
        Field::new("code", 10, "reason code"),
        Field::new("rhost", -24, "where from"),
        Field::on_demand("uid", 6, "uid, when the person is known"),
        Field::on_demand("method", 10, "how they proved who they are"),
        Field::on_demand("key", -50, "fingerprint of the SSH key"),
    ],
};

pub(super) static ASSOCIATION: Schema = Schema {
    name: "association",
    aliases: &["associations", "assoc"],
    about: "A Slurm association that bursar wants or finds (read only)",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "associations follow the grants; use `bursar add grant` or `bursar delete grant`",
    bare: None,
    flags: &[],
    keys: &[
        Key::new("user", Kind::Names, &[Where], "people").or(&["users"]),
        Key::new("account", Kind::Names, &[Where], "accounts").or(&["accounts"]),
        Key::new("state", Kind::Words(&["present", "missing", "revoked", "foreign"]), &[Where], "states"),
    ],
    fields: &[
        Field::new("account", 20, "account"),
        Field::new("user", 12, "user name, empty for the account's own"),
        Field::new("default", 7, "whether it is the person's default account"),
        Field::new("state", 8, "present, missing, revoked (limits at zero) or foreign"),
        Field::on_demand("cluster", 10, "cluster"),
        Field::on_demand("grants", -20, "grants it follows from"),
    ],
};

pub(super) static AUDIT: Schema = Schema {
    name: "audit",
    aliases: &["audits"],
    about: "A change: who, what, when, before, after and why",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "audit records are never changed",
    bare: Some("object"),
    flags: &[],
    keys: &[
        Key::new("object", Kind::Names, &[Where], "what was changed").or(&["objects"]),
        Key::new("actor", Kind::Names, &[Where], "who changed it").or(&["actors", "user"]),
        Key::new("action", Kind::Names, &[Where], "what was done").or(&["actions"]),
        START,
        END,
    ],
    fields: &[
        Field::new("id", 8, "number of the record"),
        Field::new("at", 19, "when"),
        Field::new("actor", 12, "who"),
        Field::new("action", 18, "what"),
        Field::new("object", -24, "to what"),
        Field::new("reason", -32, "why"),
        Field::on_demand("before", -40, "the object before"),
        Field::on_demand("after", -40, "the object after"),
    ],
};

pub(super) static REFUSAL: Schema = Schema {
    name: "refusal",
    aliases: &["refusals"],
    about: "A person or group that a source brought and bursar did not take in",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "a refusal goes when its cause goes; repair the entry at its source, then run `bursar sync`",
    bare: Some("name"),
    flags: &[],
    keys: &[
        Key::new("name", Kind::Names, &[Where], "names at the source").or(&["names", "user", "group"]),
        Key::new("kind", Kind::Words(&["person", "group"]), &[Where], "people or groups"),
        Key::new("source", Kind::Names, &[Where], "identity sources"),
        Key::new("id", Kind::Names, &[Where], "immutable ids at the source"),
    ],
    fields: &[
        Field::new("kind", 6, "person or group"),
        Field::new("name", 16, "name at the source"),
        Field::new("reason", -48, "why it was not taken in"),
        Field::new("since", 19, "since when"),
        Field::on_demand("source", 10, "identity source"),
        Field::on_demand("id", -36, "immutable id at the source"),
    ],
};

pub(super) static ALARM: Schema = Schema {
    name: "alarm",
    aliases: &["alarms", "alert", "alerts"],
    about: "Something that stopped or failed and needs an administrator",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "an alarm clears itself when its cause goes; a stopped drop of people is let through by `bursar sync --accept-drop`",
    bare: None,
    flags: &[],
    keys: &[
        Key::new("kind", Kind::Names, &[Where], "kinds of alarm"),
        Key::new("object", Kind::Names, &[Where], "what they are about"),
        Key::new("open", Kind::Word(YES_NO), &[Where], "open ones or cleared ones"),
        START,
        END,
    ],
    fields: &[
        Field::new("raised-at", 19, "when it was raised"),
        Field::new("kind", 16, "kind"),
        Field::new("object", -20, "what it is about"),
        Field::new("text", -60, "what happened and what to do"),
        Field::on_demand("cleared-at", 19, "when it cleared"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LimitKind;

    #[test]
    fn given_every_kind_of_limit_then_it_can_be_named_and_set() {
        let all: Vec<String> = LimitKind::all().map(LimitKind::word).collect();
        assert_eq!(LIMITS, all);
        for word in LIMITS {
            assert!(LIMIT.key(word).is_some_and(|key| key.stands_at(Set)), "{word}");
        }
    }
}
