//! The queues of `policy.toml` as the plugin judges by them.

use std::collections::HashMap;

use bursar_policy::snapshot::Queue;
use bursar_policy::{AccountName, Line, Measure, Resource};

use crate::config::{self, Policy};

/// What a queue charges, in millionths.
pub fn factor(queue: &config::Queue) -> u64 {
    u64::from(queue.charge_factor.per_mille()) * 1_000
}

/// The queues as far as they decide what a job is charged: open to everybody.
pub fn charging(policy: &Policy) -> Vec<Queue> {
    policy.queues.iter().map(|queue| judged(queue, &HashMap::new())).collect()
}

/// The queues, with accounts at these positions.
pub fn of(policy: &Policy, positions: &HashMap<&AccountName, u32>) -> Vec<Queue> {
    // A queue whose accounts are all gone is open to nobody, which no list of positions can say.
    let reachable = |queue: &&config::Queue| {
        queue.accounts.is_empty() || queue.accounts.iter().any(|account| positions.contains_key(account))
    };
    policy.queues.iter().filter(reachable).map(|queue| judged(queue, positions)).collect()
}

fn judged(queue: &config::Queue, positions: &HashMap<&AccountName, u32>) -> Queue {
    let caps = &queue.caps;
    let limits = [
        (Measure::RunningJobs, caps.running_jobs.map(u64::from)),
        (Measure::QueuedJobs, caps.queued_jobs.map(u64::from)),
        (Measure::AtOnce(Resource::Cpu), caps.cpus),
        (Measure::AtOnce(Resource::Gpu), caps.gpus),
        (Measure::AtOnce(Resource::Memory), caps.memory_mb),
        (Measure::AtOnce(Resource::Node), caps.nodes),
    ];
    Queue {
        name: queue.name.to_string(),
        qos: queue.qos.to_string(),
        default: queue.is_default,
        roles: queue.roles.iter().copied().collect(),
        accounts: queue.accounts.iter().filter_map(|account| positions.get(account)).copied().collect(),
        factor: factor(queue),
        max_minutes: caps.max_time.map(|seconds| u32::try_from(seconds / 60).unwrap_or(u32::MAX)),
        caps: limits.into_iter().filter_map(|(measure, limit)| Some(Line::unused(measure, limit?))).collect(),
    }
}
