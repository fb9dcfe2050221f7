//! `policy.toml` and the store in step.

use super::*;
use crate::config::{Config, ConfigPaths, load};
use crate::store::grants::{GrantFilter, NewGrant};

const HEAD: &str = "time-zone = \"UTC\"\nweek-start = \"monday\"\ncontact = \"Ask us.\"\n";

const FULL: &str = r#"
[limits.default]
running-jobs = 10
[limits.guest]
running-jobs = 2
[limits.person.ana]
cpu-hours-per-day = 5
[[account]]
name = "science"
description = "Science"
[[account]]
name = "phys"
parent = "science"
description = "Physics"
cost-center = "CC-1"
[account.limits]
cpu-hours-per-month = "unlimited"
[[mapping]]
group = "g-physics"
role = "compute-user"
account = "phys"
[[mapping]]
group = "g-admins"
role = "cluster-admin"
scope = "cluster"
until = 2026-12-31
"#;

fn config(rest: &str) -> Config {
    let dir = tempfile::tempdir().unwrap();
    let paths = ConfigPaths { machine: dir.path().join("bursar.toml"), policy: dir.path().join("policy.toml") };
    let machine = "cluster = \"c\"\nroles = [\"login\"]\n\
        [[source]]\nname = \"directory\"\nkind = \"directory\"\npath = \"/etc/bursar/directory.toml\"\n";
    std::fs::write(&paths.machine, machine).unwrap();
    std::fs::write(&paths.policy, format!("{HEAD}{rest}")).unwrap();
    load(&paths).unwrap()
}

async fn in_step(store: &Store, rest: &str) -> crate::store::policy::PolicyChanges {
    store.bring_in_step(&config(rest), &cause()).await.unwrap()
}

#[tokio::test]
async fn given_a_policy_then_accounts_limits_and_grants_follow_and_a_second_pass_writes_nothing() {
    let (_dir, store) = new_store().await;
    people_and_groups(&store, &["ana"], &["physics", "admins"]).await;
    let changes = in_step(&store, FULL).await;
    assert!(changes.waiting.is_empty(), "{:?}", changes.waiting);
    let before = fingerprint(&store).await;
    let contents = &before.2;
    assert_eq!(contents.accounts.len(), 2);
    assert_eq!(contents.limits.len(), 4);
    assert_eq!(contents.grants.len(), 2);
    assert!(contents.grants.iter().all(|grant| grant.origin == Origin::Policy && grant.is_in_force(NOW)));
    assert_eq!(before.1.len(), 3 + 2 + 4 + 2, "each change has its audit record");
    assert!(in_step(&store, FULL).await.is_empty());
    assert_eq!(fingerprint(&store).await, before);
}

#[tokio::test]
async fn given_people_and_groups_not_seen_yet_then_their_part_waits_and_comes_later() {
    let (_dir, store) = new_store().await;
    let changes = in_step(&store, FULL).await;
    assert_eq!(changes.waiting.len(), 3, "{:?}", changes.waiting);
    assert!(in_step(&store, FULL).await.is_empty(), "waiting is no change");
    people_and_groups(&store, &["ana"], &["physics", "admins"]).await;
    let changes = in_step(&store, FULL).await;
    assert_eq!((changes.new_grants.len(), changes.limits.len(), changes.waiting.len()), (2, 1, 0));
}

#[tokio::test]
async fn given_an_emptied_policy_then_its_own_goes_and_what_people_set_stays() {
    let (_dir, store) = new_store().await;
    people_and_groups(&store, &["ana"], &["physics", "admins"]).await;
    in_step(&store, FULL).await;
    let ana = store.subject_by_name(&user("ana")).await.unwrap().id;
    store.add_account(&account("own"), None, "Own", "", &cause()).await.unwrap();
    let manual = NewGrant {
        holder: Holder::Subject(ana),
        role: Role::ComputeUser,
        scope: Scope::Account(account("own")),
        lifts: None,
        from: NOW,
        until: None,
    };
    let manual = store.add_grant(&manual, &cause()).await.unwrap();
    let target = LimitTarget::Person(ana);
    let limit = store.set_limit(&target, LimitKind::RunningJobs, Amount::AtMost(1), &cause()).await.unwrap();
    in_step(&store, "").await;
    let contents = store.contents().await.unwrap();
    let active: Vec<_> =
        contents.accounts.iter().filter(|a| a.state == Presence::Active).map(|a| a.name.as_str()).collect();
    assert_eq!(active, ["own"]);
    let in_force = GrantFilter { in_force_at: Some(NOW.plus(1)), ..GrantFilter::default() };
    assert_eq!(store.grants(&in_force).await.unwrap(), [manual]);
    assert_eq!(contents.limits, [limit]);
}

#[tokio::test]
async fn given_a_manual_limit_then_it_wins_until_it_is_cleared() {
    let (_dir, store) = new_store().await;
    in_step(&store, "[limits.default]\nrunning-jobs = 10\n").await;
    let (target, kind) = (LimitTarget::Default, LimitKind::RunningJobs);
    let from_file = store.clear_limit(&target, kind, &cause()).await.unwrap_err().to_string();
    assert_eq!(from_file, "running-jobs of default comes from policy.toml; change it there");
    store.set_limit(&target, kind, Amount::AtMost(3), &cause()).await.unwrap();
    assert!(in_step(&store, "[limits.default]\nrunning-jobs = 11\n").await.is_empty());
    store.clear_limit(&target, kind, &cause()).await.unwrap();
    in_step(&store, "[limits.default]\nrunning-jobs = 11\n").await;
    assert_eq!(store.limits().await.unwrap()[0].amount, Amount::AtMost(11));
}

#[tokio::test]
async fn given_another_end_in_the_file_then_the_same_grant_gets_it_and_an_ended_mapping_gives_none() {
    let (_dir, store) = new_store().await;
    people_and_groups(&store, &[], &["admins"]).await;
    let until = |day: &str| {
        let end = if day.is_empty() { String::new() } else { format!("until = {day}\n") };
        format!("[[mapping]]\ngroup = \"g-admins\"\nrole = \"observer\"\nscope = \"cluster\"\n{end}")
    };
    assert!(in_step(&store, &until("2020-01-01")).await.is_empty(), "it ended before it began");
    in_step(&store, &until("2026-12-31")).await;
    in_step(&store, &until("2027-12-31")).await;
    let grants = store.grants(&GrantFilter::default()).await.unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].until.unwrap().to_string(), "2028-01-01 00:00 UTC");
    let error = store.revoke_grant(grants[0].id, &cause()).await.unwrap_err().to_string();
    assert_eq!(error, "grant G1 comes from a mapping in policy.toml; change it there");
    in_step(&store, &until("2020-01-01")).await;
    assert!(store.grants(&GrantFilter::default()).await.unwrap()[0].revocation.is_some());
}

#[tokio::test]
async fn given_a_manual_account_below_one_that_leaves_the_file_then_that_one_is_held() {
    let (_dir, store) = new_store().await;
    in_step(&store, FULL).await;
    store.add_account(&account("lab"), Some(&account("phys")), "Lab", "", &cause()).await.unwrap();
    let changes = in_step(&store, "").await;
    assert_eq!(changes.waiting.len(), 2, "{:?}", changes.waiting);
    let active = store.accounts().await.unwrap().iter().filter(|a| a.state == Presence::Active).count();
    assert_eq!(active, 3);
    store.remove_account(&account("lab"), &cause()).await.unwrap();
    assert!(in_step(&store, "").await.waiting.is_empty());
    let file = "[[account]]\nname = \"lab\"\ndescription = \"Lab\"\n";
    in_step(&store, file).await;
    let lab = store.accounts().await.unwrap().into_iter().find(|a| a.name == account("lab")).unwrap();
    assert_eq!((lab.origin, lab.state, lab.parent), (Origin::Policy, Presence::Active, None));
}
