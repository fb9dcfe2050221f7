//! Queues and cost centres of `policy.toml`, sound and broken.

use std::collections::BTreeSet;

use super::tests::{list, policy_with};
use super::*;
use crate::store::Role;

#[test]
fn given_queues_then_every_key_has_its_meaning_and_its_default() {
    let rest = r#"
[cost-centers]
required = true
listed = ["CC-9", "cc/10"]
[[account]]
name = "physics"
description = "Physics"
[[queue]]
name = "high"
qos = "prio-1"
priority = 1000
roles = ["cluster-admin", "compute-user"]
accounts = ["physics"]
charge-factor = "1.5"
fair-share-factor = "2"
preempts = ["low"]
[queue.limits]
running-jobs = 2
queued-jobs = 10
cpus = 64
gpus = 4
nodes = 2
memory-gb = 512
max-time = "2-12"
[[queue]]
name = "low"
default = true
grace-seconds = 30
on-preempt = "cancel"
preempted-runs = "free"
charge-factor = "0.125"
"#;
    let policy = policy_with(rest).unwrap_or_else(|problems| panic!("{}", list(&problems))).policy;
    let [high, low] = policy.queues.as_slice() else { panic!("{:?}", policy.queues) };
    assert_eq!((high.name.as_str(), high.qos.as_str(), high.priority), ("high", "prio-1", 1_000));
    assert_eq!(high.roles, BTreeSet::from([Role::ComputeUser, Role::ClusterAdmin]));
    assert_eq!((high.charge_factor.per_mille(), high.fair_share_factor.to_string()), (1_500, "2".to_owned()));
    assert_eq!(
        high.caps,
        QueueCaps {
            running_jobs: Some(2),
            queued_jobs: Some(10),
            cpus: Some(64),
            gpus: Some(4),
            nodes: Some(2),
            memory_mb: Some(524_288),
            max_time: Some(216_000),
        }
    );
    assert!(high.preempts.contains(&low.name) && low.preempts.is_empty());
    assert_eq!((low.qos.as_str(), low.priority, low.is_default, high.is_default), ("low", 0, true, false));
    assert_eq!((low.grace_seconds, low.on_preempt, low.preempted_runs), (30, OnPreempt::Cancel, PreemptedRuns::Free));
    assert_eq!((high.grace_seconds, high.on_preempt), (0, OnPreempt::Requeue));
    assert_eq!((high.preempted_runs, low.fair_share_factor), (PreemptedRuns::Charged, Factor::ONE));
    assert_eq!((low.charge_factor.to_string(), low.caps), ("0.125".to_owned(), QueueCaps::default()));
    let listed = BTreeSet::from(["CC-9".to_owned(), "cc/10".to_owned()]);
    assert_eq!(policy.cost_centres, CostCentres { listed, required: true });
    assert_eq!(policy_with("").unwrap().policy.cost_centres, CostCentres::default());
}

#[test]
fn given_who_may_use_a_queue_then_role_and_account_both_count_and_accounts_below_are_meant_too() {
    let rest = "[[account]]\nname = \"physics\"\ndescription = \"Physics\"\n\
        [[queue]]\nname = \"high\"\nroles = [\"compute-user\"]\naccounts = [\"physics\"]\n[[queue]]\nname = \"all\"\n";
    let queues = policy_with(rest).unwrap().policy.queues;
    let (user, observer) = (BTreeSet::from([Role::ComputeUser]), BTreeSet::from([Role::Observer]));
    assert!(queues[0].admits(&user, ["lasers", "physics", "science"].into_iter()));
    assert!(!queues[0].admits(&user, ["chemistry", "science"].into_iter()));
    assert!(!queues[0].admits(&observer, ["physics"].into_iter()));
    assert!(queues[1].admits(&observer, ["chemistry"].into_iter()));
}

#[test]
fn given_broken_queues_then_every_problem_of_every_queue_is_told() {
    let rest = r#"
[cost-centers]
required = "yes"
listed = ["CC-1", "cc-1", "a,b", 7]
known = []
[[queue]]
name = "High"
priority = -1
roles = ["king", "observer", "observer"]
accounts = ["nowhere", "B"]
default = "yes"
charge-factor = 1.5
fair-share-factor = "1,5"
preempts = ["low", "nothing"]
grace = 3
[queue.limits]
running-jobs = -1
cpus = "all"
max-time = "30"
time = 3
[[queue]]
name = "low"
default = true
preempts = ["mid"]
on-preempt = "suspend"
preempted-runs = "half"
grace-seconds = 99999999
[[queue]]
name = "mid"
qos = "low"
default = true
preempts = ["low", "side"]
charge-factor = "1000.5"
[queue.limits]
max-time = "00:00:30"
[[queue]]
name = "side"
preempts = ["side"]
[[queue]]
name = "side"
[[queue]]
qos = "x"
"#;
    insta::assert_snapshot!(list(&policy_with(rest).unwrap_err()));
}
