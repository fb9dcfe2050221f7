//! QOS, access, limits and cost centres, planned against the model of sacctmgr.

use proptest::prelude::*;

use super::*;
use crate::slurm::action::Action;
use crate::slurm::desired::{
    AdminLevel, AssociationState, ClusterName, DesiredAccount, DesiredQos, DesiredUser, JobLimits, Label, QosAccess,
};
use crate::slurm::found::FoundAccount;
use crate::slurm::native::{NativeKind, NativeLimits, Place, Resource};
use crate::slurm::plan::plan;
use crate::slurm::plan_model::model;
use crate::slurm::qos::{FoundQos, PreemptMode, QosName};

const ACCOUNTS: [&str; 2] = ["a", "b"];
const PEOPLE: [&str; 3] = ["ana", "ben", "cy"];
const QUEUES: [&str; 3] = ["high", "low", "normal"];

fn qos(name: &str) -> QosName {
    QosName::new(name).unwrap()
}

fn key(user: &str, account: &str) -> (UserName, AccountName) {
    (UserName::new(user).unwrap(), AccountName::new(account).unwrap())
}

/// Everybody of `PEOPLE` in all accounts.
fn institute() -> DesiredCluster {
    let account = |name: &str| {
        let name = AccountName::new(name).unwrap();
        let (description, organization) = (Label::from(&name), Label::from(&name));
        DesiredAccount { name, parent: None, description, organization }
    };
    let free = AssociationState::Active(JobLimits::default());
    let person = |name: &str| DesiredUser {
        name: UserName::new(name).unwrap(),
        admin: AdminLevel::None,
        default_account: None,
        associations: ACCOUNTS.iter().map(|name| (AccountName::new(name).unwrap(), free)).collect(),
    };
    DesiredCluster {
        accounts: ACCOUNTS.iter().map(|name| account(name)).collect(),
        people: PEOPLE.iter().map(|name| person(name)).collect(),
        ..DesiredCluster::of(ClusterName::new("lab").unwrap())
    }
}

/// A slurmdbd with Slurm's own QOS, one of somebody else, and an association of somebody else in it.
fn empty() -> FoundCluster {
    let mut found = FoundCluster::default();
    found.accounts.insert("root".into(), FoundAccount { parent: Some(String::new()), ..FoundAccount::default() });
    for (name, description) in [("normal", "normal qos default"), ("gold", "by hand")] {
        found.qos.insert(name.into(), FoundQos { description: description.into(), settings: QosSettings::default() });
    }
    found.qos.get_mut("gold").unwrap().settings.priority = 7;
    found.associations.insert(("old".into(), "a".into()), JobLimits::default());
    found.access.insert(
        ("old".into(), "a".into()),
        FoundAccess { list: BTreeSet::from(["gold".into()]), default: Some("gold".into()) },
    );
    found.qos_of_jobs = Some(BTreeSet::new());
    found
}

fn settle(state: &mut FoundCluster, desired: &DesiredCluster) -> Vec<String> {
    let made = plan(desired, state);
    made.actions.iter().for_each(|action| model(state, action));
    let again = plan(desired, state);
    assert!(again.actions.is_empty(), "{:?}", again.actions.iter().map(Action::to_string).collect::<Vec<_>>());
    made.actions.iter().map(Action::to_string).collect()
}

fn queue(name: &str, settings: QosSettings) -> DesiredQos {
    DesiredQos { name: qos(name), settings }
}

fn open(allowed: &[&str], default: Option<&str>) -> QosAccess {
    QosAccess { allowed: allowed.iter().map(|name| qos(name)).collect(), default: default.map(qos) }
}

/// Two queues, one of which is Slurm's own QOS, and everybody in both.
fn with_queues() -> DesiredCluster {
    let mut desired = institute();
    let high = QosSettings { priority: 1_000, preempts: BTreeSet::from(["normal".into()]), ..QosSettings::default() };
    let normal = QosSettings { preempt_mode: PreemptMode::Requeue, grace_seconds: 30, ..QosSettings::default() };
    desired.qos = vec![queue("high", high), queue("normal", normal)];
    for (user, account) in PEOPLE.iter().flat_map(|user| ACCOUNTS.map(|account| (user, account))) {
        desired.access.insert(key(user, account), open(&["high", "normal"], Some("normal")));
    }
    desired
}

#[test]
fn given_queues_then_qos_are_made_or_adopted_and_everybodys_list_comes_with_them_or_in_one_call() {
    let mut state = empty();
    let desired = with_queues();
    assert_eq!(
        settle(&mut state, &desired),
        [
            "add qos high",
            "set priority=1000, preempt=normal of qos high",
            "set preemptmode=requeue, gracetime=30 of qos normal, described as \"normal qos default, kept by bursar\"",
            "add accounts a,b; add associations ana@a,ana@b,ben@a and 3 more",
        ]
    );
    let call = |action: &Action| action.invocation(&desired.cluster).args.join(" ");
    let made = plan(&desired, &empty());
    assert_eq!(call(&made.actions[0]), "-i add qos high description=queue high, made by bursar");
    assert_eq!(call(&made.actions[1]), "-i modify qos where name=high set priority=1000 preempt=normal");
    let document = made.actions[3].invocation(&desired.cluster).input.unwrap();
    assert!(document.contains("User - 'ana':DefaultAccount='a':QOS='high,normal':DefaultQOS='normal'\n"), "{document}");

    let mut state = empty();
    settle(&mut state, &institute());
    let made = plan(&desired, &state);
    assert_eq!(
        made.actions.last().unwrap().to_string(),
        "open qos high,normal to ana,ben,cy in a,b, normal by default"
    );
    assert_eq!(
        call(made.actions.last().unwrap()),
        "-i modify user where name=ana,ben,cy account=a,b cluster=lab partition= set qos=high,normal defaultqos=normal"
    );
}

#[test]
fn given_a_queue_that_policy_drops_then_it_leaves_the_lists_and_only_what_bursar_made_goes() {
    let mut state = empty();
    settle(&mut state, &with_queues());
    let entry = state.access.get_mut(&("ana".into(), "a".into())).unwrap();
    entry.list.insert("gold".into());
    state.qos_of_jobs = Some(BTreeSet::from(["high".to_owned()]));
    let none = institute();
    assert_eq!(
        settle(&mut state, &none),
        [
            "open qos those of the account above to ben,cy in a",
            "open qos those of the account above to ana,ben,cy in b",
            "open qos gold to ana in a",
            "set priority=0, preempt= of qos high",
            "set preemptmode=cluster, gracetime=0 of qos normal, described as \"normal qos default\"",
        ]
    );
    // Its last job gone, the QOS goes, too; not as long as nobody knows.
    state.qos_of_jobs = None;
    assert_eq!(settle(&mut state, &none), Vec::<String>::new());
    state.qos_of_jobs = Some(BTreeSet::new());
    state.access.insert(
        ("old".into(), "a".into()),
        FoundAccess { list: BTreeSet::from(["gold".into(), "high".into()]), default: None },
    );
    assert_eq!(settle(&mut state, &none), Vec::<String>::new(), "somebody else uses it");
    state.access.remove(&("old".into(), "a".into()));
    assert_eq!(settle(&mut state, &none), ["remove qos high"]);
    assert_eq!(state.qos.keys().collect::<Vec<_>>(), ["gold", "normal"]);
}

#[test]
fn given_limits_that_slurmctld_holds_then_equal_ones_go_in_one_call_and_others_stay() {
    let mut state = empty();
    let mut desired = institute();
    settle(&mut state, &desired);
    let by_hand = (NativeKind::GrpTres(Resource::Memory), 77);
    state.limits.entry((String::new(), "a".into())).or_default().insert(by_hand.0.clone(), by_hand.1);
    let limits = NativeLimits::from([
        (NativeKind::GrpTres(Resource::Cpu), Some(4)),
        (NativeKind::GrpTresRunMins(Resource::Cpu), Some(600)),
        (NativeKind::GrpTres(Resource::Gpu), Some(1)),
    ]);
    let (ana, ben) = (key("ana", "a"), key("ben", "a"));
    for place in [Place::Account(ana.1.clone()), Place::Person(ana.0, ana.1), Place::Person(ben.0, ben.1)] {
        desired.limits.insert(place, limits.clone());
    }
    let made = plan(&desired, &state);
    assert_eq!(made.obstacles, [Obstacle::NotCounted(Resource::Gpu)]);
    assert_eq!(
        settle(&mut state, &desired),
        ["limit a to cpu 4, remaining cpu-minutes 600", "limit ana,ben in a to cpu 4, remaining cpu-minutes 600"]
    );
    assert_eq!(
        made.actions[0].invocation(&desired.cluster).args.join(" "),
        "-i modify account where name=a cluster=lab set grptres=cpu=4 grptresrunmins=cpu=600"
    );
    let of_account = &state.limits[&(String::new(), "a".to_owned())];
    assert_eq!(of_account.get(&by_hand.0), Some(&by_hand.1));
    let lifted = NativeLimits::from([(NativeKind::GrpTres(Resource::Cpu), None)]);
    desired.limits = desired.limits.into_keys().map(|place| (place, lifted.clone())).collect();
    assert_eq!(settle(&mut state, &desired), ["limit a to cpu unlimited", "limit ana,ben in a to cpu unlimited"]);
    assert_eq!(state.limits[&("ana".to_owned(), "a".to_owned())].len(), 1);
}

#[test]
fn given_cost_centres_then_missing_ones_are_added_in_small_letters_and_none_is_taken() {
    let mut state = empty();
    let mut desired = institute();
    settle(&mut state, &desired);
    state.wckeys.insert("ana".into(), BTreeSet::from(["cc-1".to_owned(), "theirs".to_owned()]));
    let wanted = BTreeSet::from(["CC-1".to_owned(), "CC-2".to_owned()]);
    for name in ["ana", "ben", "cy", "dee"] {
        desired.wckeys.insert(UserName::new(name).unwrap(), wanted.clone());
    }
    let made = plan(&desired, &state);
    assert_eq!(settle(&mut state, &desired), ["add cost centres cc-1,cc-2 to ben,cy", "add cost centres cc-2 to ana"]);
    let call = made.actions[0].invocation(&desired.cluster);
    assert_eq!(call.args.join(" "), "-i add user name=ben,cy cluster=lab wckeys=cc-1,cc-2");
    assert!(state.wckeys["ana"].contains("theirs") && !state.wckeys.contains_key("dee"));
}

prop_compose! {
    /// Some of the queues with some values, and who may use which.
    fn any_queues()(
        kept in proptest::collection::vec(any::<bool>(), 3),
        values in proptest::collection::vec((0u32..3, proptest::option::of(0u32..3), any::<bool>()), 3),
        access in proptest::collection::vec(proptest::option::of((proptest::collection::vec(any::<bool>(), 3), 0usize..4)), 6),
        jobs in proptest::collection::vec(any::<bool>(), 3),
    ) -> (DesiredCluster, BTreeSet<String>) {
        let mut desired = institute();
        let named: Vec<&str> = QUEUES.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(name, _)| *name).collect();
        for (name, (priority, max_jobs, preempts)) in QUEUES.iter().zip(values).filter(|(name, _)| named.contains(name)) {
            let mut settings = QosSettings { priority, max_jobs, ..QosSettings::default() };
            if preempts { settings.preempts.extend(named.iter().filter(|other| *other > name).map(|other| (*other).to_owned())); }
            settings.per_person.extend(max_jobs.map(|jobs| (Resource::Cpu, u64::from(jobs))));
            desired.qos.push(queue(name, settings));
        }
        let places = PEOPLE.iter().flat_map(|user| ACCOUNTS.map(|account| key(user, account)));
        for (place, access) in places.zip(access) {
            let Some((allowed, default)) = access else { continue };
            let allowed: Vec<&str> = QUEUES.iter().zip(allowed).filter(|(name, yes)| *yes && named.contains(name)).map(|(name, _)| *name).collect();
            desired.access.insert(place, open(&allowed, allowed.get(default).copied()));
        }
        let jobs = QUEUES.iter().zip(jobs).filter(|(_, yes)| *yes).map(|(name, _)| (*name).to_owned()).collect();
        (desired, jobs)
    }
}

proptest! {
    #[test]
    fn given_any_history_of_queues_then_every_plan_settles_at_once_and_spares_what_is_foreign(
        history in proptest::collection::vec(any_queues(), 1..5),
    ) {
        let mut state = empty();
        let gold = state.qos["gold"].clone();
        let old = state.access[&("old".to_owned(), "a".to_owned())].clone();
        settle(&mut state, &institute());
        let of_ana = state.access.entry(("ana".into(), "a".into())).or_default();
        of_ana.list.insert("gold".into());
        of_ana.default = Some("gold".into());
        for (desired, jobs) in &history {
            state.qos_of_jobs = Some(jobs.clone());
            settle(&mut state, desired);
            for (place, access) in &desired.access {
                let place = (place.0.to_string(), place.1.to_string());
                let has = state.access.get(&place).cloned().unwrap_or_default();
                let ours: BTreeSet<&str> = has.list.iter().map(String::as_str).filter(|name| *name != "gold").collect();
                prop_assert_eq!(ours, access.allowed.iter().map(QosName::as_str).collect());
                if let Some(default) = &access.default { prop_assert_eq!(has.default.as_deref(), Some(default.as_str())); }
            }
            prop_assert_eq!(&state.qos["gold"], &gold);
            prop_assert_eq!(&state.access[&("old".to_owned(), "a".to_owned())], &old);
            prop_assert!(state.access[&("ana".to_owned(), "a".to_owned())].list.contains("gold"));
        }
        state.qos_of_jobs = Some(BTreeSet::new());
        settle(&mut state, &institute());
        prop_assert_eq!(state.qos.keys().map(String::as_str).collect::<Vec<_>>(), ["gold", "normal"]);
        prop_assert_eq!(state.qos["normal"].description.as_str(), "normal qos default");
        prop_assert_eq!(&state.qos["normal"].settings, &QosSettings::default());
    }
}
