//! What `policy.toml` asks of slurm.conf.

use super::policy::Policy;
use super::queue::{OnPreempt, Queue};
use crate::slurm::conf_check::ConfNeeds;
use crate::slurm::native::{GpuType, Resource};
use crate::store::{LimitKind, Thing};

/// What Slurm must be told for this policy to work.
pub fn slurm_conf_needs(policy: &Policy) -> ConfNeeds {
    let queues = &policy.queues;
    let is_preempted = |queue: &Queue| queues.iter().any(|other| other.preempts.contains(&queue.name));
    let mut needs = ConfNeeds {
        queues: !queues.is_empty(),
        priorities: queues.iter().any(|queue| Some(queue.priority) != queues.first().map(|first| first.priority)),
        preemption: queues.iter().any(|queue| !queue.preempts.is_empty()),
        requeue: queues.iter().any(|queue| queue.on_preempt == OnPreempt::Requeue && is_preempted(queue)),
        cost_centres: policy.cost_centres.required
            || !policy.cost_centres.listed.is_empty()
            || policy.accounts.iter().any(|account| !account.cost_center.is_empty()),
        ..ConfNeeds::default()
    };
    needs.resources.extend(queues.iter().any(|queue| queue.caps.gpus.is_some()).then_some(Resource::Gpu));
    let of_people = [&policy.limits.default, &policy.limits.guest];
    let of_people = of_people.into_iter().chain(policy.limits.roles.values()).chain(policy.limits.people.values());
    let of_accounts = policy.accounts.iter().flat_map(|account| [&account.limits, &account.limits_each]);
    let of_accounts = of_accounts.chain(policy.accounts.iter().flat_map(|account| account.people.values()));
    let all = of_people.chain(of_accounts);
    needs.resources.extend(all.flat_map(|limits| limits.keys()).filter_map(|kind| gpus(*kind)));
    needs
}

/// The GPUs that a limit counts, if it counts any.
fn gpus(kind: LimitKind) -> Option<Resource> {
    match kind {
        LimitKind::AtOnce(Thing::Gpu(of)) | LimitKind::Consumed(Thing::Gpu(of), _) => match of {
            None => Some(Resource::Gpu),
            Some(of) => GpuType::new(of.as_str()).map(Resource::GpuOf),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::policy_with;
    use super::*;

    #[test]
    fn given_a_policy_then_slurm_must_have_what_its_queues_and_cost_centres_ask_for() {
        let needs = |rest: &str| slurm_conf_needs(&policy_with(rest).unwrap().policy);
        assert_eq!(needs(""), ConfNeeds::default());
        let account = "[[account]]\nname = \"a\"\ndescription = \"A\"\ncost-center = \"CC-1\"\n";
        assert_eq!(needs(account), ConfNeeds { cost_centres: true, ..ConfNeeds::default() });
        let queues = "[[queue]]\nname = \"high\"\npriority = 1\npreempts = [\"low\"]\n[[queue]]\nname = \"low\"\n\
            on-preempt = \"cancel\"\n[queue.limits]\ngpus = 1\n";
        let mut wanted = ConfNeeds { queues: true, priorities: true, preemption: true, ..ConfNeeds::default() };
        wanted.resources.insert(Resource::Gpu);
        assert_eq!(needs(queues), wanted);
        let limits = "[limits.default]\na100-gpu-hours-per-day = 5\n[[account]]\nname = \"a\"\ndescription = \"A\"\n\
            [account.limits]\ngpus = 4\ncpus = 8\n";
        let counted: Vec<String> = needs(limits).resources.iter().map(ToString::to_string).collect();
        assert_eq!(counted, ["gres/gpu", "gres/gpu:a100"]);
        let requeue = queues.replace("cancel", "requeue");
        assert!(needs(&requeue).requeue && !needs(&requeue).cost_centres);
    }
}
