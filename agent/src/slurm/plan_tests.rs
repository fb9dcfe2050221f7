//! Plans run against a small model of sacctmgr that refuses what sacctmgr refuses.

use proptest::prelude::*;

use super::*;
use crate::slurm::desired::{ClusterName, DesiredAccount, JobLimits, Label};
use crate::slurm::found::{FoundAccount, FoundUser};
use crate::slurm::plan_model::model;

fn account(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn listed(name: &str, parent: Option<&str>) -> DesiredAccount {
    let name = account(name);
    DesiredAccount {
        description: Label::from(&name),
        organization: Label::new("CC1").unwrap(),
        name,
        parent: parent.map(account),
    }
}

fn person(name: &str, associations: &[(&str, AssociationState)]) -> DesiredUser {
    DesiredUser {
        name: user(name),
        admin: AdminLevel::None,
        default_account: None,
        associations: associations.iter().map(|(name, state)| (account(name), *state)).collect(),
    }
}

fn cluster(accounts: Vec<DesiredAccount>, people: Vec<DesiredUser>) -> DesiredCluster {
    DesiredCluster { accounts, people, ..DesiredCluster::of(ClusterName::new("lab").unwrap()) }
}

fn empty() -> FoundCluster {
    let mut found = FoundCluster::default();
    found.accounts.insert("root".into(), FoundAccount { parent: Some(String::new()), ..FoundAccount::default() });
    found
        .users
        .insert("root".into(), FoundUser { default_account: Some("root".into()), admin: AdminLevel::Administrator });
    found.associations.insert(("root".into(), "root".into()), JobLimits::default());
    found
}

const ACTIVE: AssociationState = AssociationState::Active(JobLimits { max_jobs: Some(3), max_submit: None });
const FREE: AssociationState = AssociationState::Active(JobLimits { max_jobs: None, max_submit: None });

fn lines(plan: &Plan) -> Vec<String> {
    plan.actions.iter().map(Action::to_string).collect()
}

#[test]
fn given_an_empty_slurmdbd_then_one_call_makes_everything_top_down() {
    let desired = cluster(
        vec![listed("lasers", Some("phys")), listed("phys", None)],
        vec![
            person("ana", &[("lasers", ACTIVE)]),
            person("ben", &[("phys", FREE), ("lasers", AssociationState::Revoked)]),
        ],
    );
    let made = plan(&desired, &empty());
    assert_eq!(made.actions.len(), 1);
    let call = made.actions[0].invocation(&desired.cluster);
    assert_eq!(call.args, ["-i", "load", "/dev/stdin"]);
    assert_eq!(
        call.input.unwrap(),
        "Cluster - 'lab'\nParent - 'root'\nAccount - 'phys':Description='phys':Organization='CC1'\nParent - 'phys'\n\
         Account - 'lasers':Description='lasers':Organization='CC1'\nParent - 'lasers'\n\
         User - 'ana':DefaultAccount='lasers':MaxJobs=3\nParent - 'phys'\nUser - 'ben':DefaultAccount='phys'\n"
    );
}

#[test]
fn given_a_lost_default_account_then_it_is_repointed_before_it_is_revoked() {
    let first = cluster(vec![listed("a", None), listed("b", None)], vec![person("ana", &[("a", FREE), ("b", FREE)])]);
    let mut state = empty();
    plan(&first, &state).actions.iter().for_each(|action| model(&mut state, action));
    let then = cluster(first.accounts.clone(), vec![person("ana", &[("a", AssociationState::Revoked), ("b", FREE)])]);
    let made = plan(&then, &state);
    assert_eq!(lines(&made), ["make b the default account of ana", "revoke ana in a"]);
    let call = made.actions[1].invocation(&then.cluster);
    let expected = "-i modify user where name=ana account=a cluster=lab partition= set maxjobs=0 maxsubmitjobs=0";
    assert_eq!(call.args.join(" "), expected);
}

#[test]
fn given_a_default_that_only_comes_with_the_load_then_the_revocation_waits_for_it_and_others_do_not() {
    let accounts = vec![listed("a", None), listed("b", None)];
    let first = cluster(accounts.clone(), vec![person("ana", &[("a", FREE)]), person("ben", &[("a", FREE)])]);
    let mut state = empty();
    plan(&first, &state).actions.iter().for_each(|action| model(&mut state, action));
    let then = cluster(accounts, vec![person("ana", &[("b", FREE)]), person("ben", &[])]);
    assert_eq!(
        lines(&plan(&then, &state)),
        ["revoke ben in a", "add associations ana@b", "make b the default account of ana", "revoke ana in a"]
    );
}

#[test]
fn given_foreign_objects_then_no_call_names_them() {
    let mut state = empty();
    for (name, of) in [("old", "theirs"), ("old", "a"), ("ana", "theirs")] {
        state.associations.insert((name.into(), of.into()), JobLimits { max_jobs: Some(77), max_submit: None });
        state.users.insert(name.into(), FoundUser { default_account: Some("theirs".into()), admin: AdminLevel::None });
    }
    for name in ["theirs", "a"] {
        state.accounts.insert(
            name.into(),
            FoundAccount { parent: Some("root".into()), description: "x".into(), ..FoundAccount::default() },
        );
    }
    state.users.get_mut("old").unwrap().admin = AdminLevel::Operator;
    let desired = cluster(vec![listed("a", None)], vec![person("ana", &[("a", ACTIVE)])]);
    let made = plan(&desired, &state);
    assert_eq!(lines(&made), ["add associations ana@a", "describe account a as \"a\" of \"CC1\""]);
}

#[test]
fn given_one_changed_value_then_one_call_covers_people_and_accounts_only_where_it_is_exact() {
    let accounts = vec![listed("a", None), listed("b", None)];
    let people =
        |state| vec![person("ana", &[("a", state), ("b", state)]), person("ben", &[("a", state), ("b", state)])];
    let mut state = empty();
    plan(&cluster(accounts.clone(), people(FREE)), &state).actions.iter().for_each(|action| model(&mut state, action));
    assert_eq!(
        lines(&plan(&cluster(accounts.clone(), people(ACTIVE)), &state)),
        ["set max-jobs 3, max-submit unlimited for ana,ben in a,b"]
    );
    let uneven = vec![person("ana", &[("a", ACTIVE), ("b", ACTIVE)]), person("ben", &[("a", FREE), ("b", ACTIVE)])];
    assert_eq!(
        lines(&plan(&cluster(accounts, uneven), &state)),
        ["set max-jobs 3, max-submit unlimited for ana in a", "set max-jobs 3, max-submit unlimited for ana,ben in b"]
    );
}

#[test]
fn given_parents_in_a_circle_or_an_unlisted_account_then_the_rest_is_planned_and_the_obstacles_are_named() {
    let accounts = vec![listed("a", Some("b")), listed("b", Some("a")), listed("c", None)];
    let mut desired =
        cluster(accounts, vec![person("ana", &[("a", FREE), ("c", FREE)]), person("ben", &[("zzz", FREE)])]);
    desired.people[1].admin = AdminLevel::Operator;
    desired.people[0].default_account = Some(account("a"));
    let made = plan(&desired, &empty());
    assert_eq!(lines(&made), ["add accounts c; add associations ana@c"]);
    assert_eq!(
        made.obstacles,
        [
            Obstacle::AccountMissing(account("a")),
            Obstacle::AccountMissing(account("b")),
            Obstacle::DefaultNotActive(user("ana"), account("a")),
            Obstacle::AccountMissing(account("zzz")),
            Obstacle::AdminWithoutAssociation(user("ben")),
        ]
    );
}

const ACCOUNTS: [&str; 4] = ["a", "b", "c", "d"];
const PEOPLE: [&str; 5] = ["p", "q", "r", "s", "t"];

fn any_state() -> impl Strategy<Value = Option<AssociationState>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(AssociationState::Revoked)),
        3 => (proptest::option::of(0u32..3), proptest::option::of(0u32..3))
            .prop_map(|(max_jobs, max_submit)| Some(AssociationState::Active(JobLimits { max_jobs, max_submit }))),
    ]
}

fn any_level() -> impl Strategy<Value = AdminLevel> {
    prop_oneof![Just(AdminLevel::None), Just(AdminLevel::Operator), Just(AdminLevel::Administrator)]
}

prop_compose! {
    /// Accounts in a random forest (a parent always earlier in the list), people with random roles.
    fn any_desired()(
        parents in proptest::collection::vec(proptest::option::of(0usize..4), 4),
        kept in proptest::collection::vec(any::<bool>(), 4),
        people in proptest::collection::vec(
            (any::<bool>(), any_level(), proptest::option::of(0usize..4), proptest::collection::vec(any_state(), 4)), 5),
    ) -> DesiredCluster {
        let mut accounts: Vec<DesiredAccount> = Vec::new();
        for (at, name) in ACCOUNTS.iter().enumerate() {
            let parent = parents[at].filter(|&p| p < at && kept[p]).map(|p| ACCOUNTS[p]);
            if kept[at] { accounts.push(listed(name, parent)); }
        }
        accounts.reverse();
        let mut desired = cluster(accounts, Vec::new());
        for (name, (present, admin, default, states)) in PEOPLE.iter().zip(people) {
            if !present { desired.former_people.insert(user(name)); continue; }
            let associations = ACCOUNTS.iter().zip(states).filter_map(|(a, s)| s.map(|s| (account(a), s))).collect();
            let default_account = default.map(|at| account(ACCOUNTS[at]));
            desired.people.push(DesiredUser { name: user(name), admin, default_account, associations });
        }
        desired
    }
}

proptest! {
    #[test]
    fn given_any_history_of_wishes_then_a_plan_is_accepted_settles_at_once_and_spares_what_is_foreign(
        history in proptest::collection::vec(any_desired(), 1..4),
    ) {
        let mut state = empty();
        state.accounts.insert("theirs".into(), FoundAccount { parent: Some("root".into()), ..FoundAccount::default() });
        let theirs = JobLimits { max_jobs: Some(9), max_submit: Some(9) };
        for name in ["old", "p"] {
            state.associations.insert((name.into(), "theirs".into()), theirs);
        }
        let old = FoundUser { default_account: Some("theirs".into()), admin: AdminLevel::Operator };
        state.users.insert("old".into(), old.clone());
        state.users.insert("p".into(), FoundUser { admin: AdminLevel::None, ..old.clone() });
        for desired in &history {
            for action in &plan(desired, &state).actions {
                model(&mut state, action);
            }
            let again = plan(desired, &state);
            prop_assert!(again.actions.is_empty(), "{:?}", lines(&again));
            for person in &desired.people {
                for (name, wanted) in &person.associations {
                    let key = (person.name.to_string(), name.to_string());
                    let owned = desired.accounts.iter().any(|account| account.name == *name);
                    match (state.associations.get(&key), wanted) {
                        (Some(limits), _) if owned => prop_assert_eq!(*limits, wanted.limits()),
                        (None, AssociationState::Active(_)) if owned => prop_assert!(false, "{:?} is missing", key),
                        _ => {}
                    }
                }
            }
            for name in &desired.former_people {
                for account in &desired.accounts {
                    let limits = state.associations.get(&(name.to_string(), account.name.to_string()));
                    prop_assert!(limits.is_none_or(|limits| *limits == JobLimits::REVOKED));
                }
            }
            prop_assert_eq!(state.users.get("old"), Some(&old));
            for name in ["old", "p"] {
                prop_assert_eq!(state.associations.get(&(name.to_owned(), "theirs".to_owned())), Some(&theirs));
            }
        }
    }
}
