//! Grants, accounts and limits that people set by hand.

use bursar_policy::GrantId;

use super::*;
use crate::store::accounts::AccountChange;
use crate::store::grants::{GrantFilter, NewGrant};

async fn with_account() -> (tempfile::TempDir, Store, NewGrant) {
    let (dir, store) = new_store().await;
    people_and_groups(&store, &["ana"], &["physics"]).await;
    store.add_account(&account("phys"), None, "Physics", "CC-1", &cause()).await.unwrap();
    let ana = store.subject_by_name(&user("ana")).await.unwrap().id;
    let new = NewGrant {
        holder: Holder::Subject(ana),
        role: Role::ComputeUser,
        scope: Scope::Account(account("phys")),
        lifts: None,
        from: NOW,
        until: Some(NOW.plus(3_600)),
    };
    (dir, store, new)
}

fn at(now: Timestamp) -> Cause<'static> {
    Cause { now, ..cause() }
}

#[tokio::test]
async fn given_a_grant_then_it_counts_from_its_first_to_before_its_last_instant() {
    let (_dir, store, new) = with_account().await;
    let grant = store.add_grant(&new, &cause()).await.unwrap();
    assert_eq!((grant.id, grant.reason.as_str()), (GrantId(1), "because"));
    for (instant, counts) in [(-1, false), (0, true), (3_599, true), (3_600, false)] {
        let filter = GrantFilter { in_force_at: Some(Timestamp(NOW.0 + instant)), ..GrantFilter::default() };
        assert_eq!(store.grants(&filter).await.unwrap().len(), usize::from(counts), "{instant}");
    }
}

#[tokio::test]
async fn given_a_grant_then_renewing_and_revoking_are_audited_and_an_end_is_an_end() {
    let (_dir, store, new) = with_account().await;
    let id = store.add_grant(&new, &cause()).await.unwrap().id;
    let longer = Some(NOW.plus(7_200));
    assert_eq!(store.renew_grant(id, longer, &cause()).await.unwrap().until, longer);
    store.renew_grant(id, longer, &cause()).await.unwrap();
    let revoked = store.revoke_grant(id, &at(NOW.plus(10))).await.unwrap();
    assert!(!revoked.is_in_force(NOW.plus(20)));
    assert_eq!(store.grants(&GrantFilter::default()).await.unwrap(), [revoked]);
    assert!(store.revoke_grant(id, &cause()).await.unwrap_err().to_string().contains("was revoked by tester"));
    assert!(store.renew_grant(id, None, &cause()).await.is_err());
    let actions: Vec<_> = store.audit(Some("grant G1"), 9).await.unwrap().into_iter().map(|r| r.action).collect();
    assert_eq!(actions, ["grant.revoke", "grant.modify", "grant.add"], "renewing to the same end is no change");
    assert_eq!(store.add_grant(&new, &cause()).await.unwrap().id, GrantId(2), "a number is never used again");
}

#[tokio::test]
async fn given_a_grant_that_makes_no_sense_then_it_is_refused_with_the_way_out() {
    let (_dir, store, new) = with_account().await;
    let before = fingerprint(&store).await;
    let ended = NewGrant { from: Timestamp(0), until: Some(NOW), ..new.clone() };
    let backwards = NewGrant { from: NOW.plus(20), until: Some(NOW.plus(10)), ..new.clone() };
    let nowhere = NewGrant { scope: Scope::Account(account("nowhere")), ..new.clone() };
    let nobody = NewGrant { holder: Holder::Subject(SubjectId(77)), ..new.clone() };
    let no_group = NewGrant { holder: Holder::Group(GroupId(77)), ..new.clone() };
    for (bad, text) in [
        (ended, "is past"),
        (backwards, "before it begins"),
        (nowhere, "there is no account nowhere"),
        (nobody, "there is no user"),
        (no_group, "there is no group"),
    ] {
        let error = store.add_grant(&bad, &cause()).await.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    assert_eq!(fingerprint(&store).await, before);
    store.add_grant(&new, &cause()).await.unwrap();
    let error = store.add_grant(&new, &cause()).await.unwrap_err().to_string();
    assert_eq!(error, "grant G1 already gives compute-user on account phys; modify its end instead");
    store.add_grant(&NewGrant { until: None, ..new }, &at(NOW.plus(3_600))).await.unwrap();
}

#[tokio::test]
async fn given_an_emergency_grant_then_it_stands_beside_an_ordinary_one_ends_and_has_a_reason() {
    let (_dir, store, new) = with_account().await;
    store.add_grant(&new, &cause()).await.unwrap();
    let emergency = NewGrant { lifts: Some(Lifts::All), ..new };
    let grant = store.add_grant(&emergency, &cause()).await.unwrap();
    assert_eq!(grant.lifts, Some(Lifts::All));
    assert_eq!(store.grants(&GrantFilter::default()).await.unwrap()[1], grant, "it is read back as it was written");
    let audited = store.audit(Some("grant G2"), 1).await.unwrap().remove(0);
    assert!(audited.after.unwrap().to_string().contains("windows,limits"));
    let endless = NewGrant { until: None, ..emergency.clone() };
    let silent = Cause { reason: " ", ..cause() };
    for (outcome, text) in [
        (store.add_grant(&emergency, &cause()).await, "grant G2 already gives"),
        (store.add_grant(&endless, &cause()).await, "has to end"),
        (store.add_grant(&emergency, &silent).await, "needs a reason"),
        (store.renew_grant(grant.id, None, &cause()).await, "has to end"),
    ] {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn given_an_account_in_use_then_it_cannot_be_deleted_and_no_circle_can_be_made() {
    let (_dir, store, new) = with_account().await;
    store.add_account(&account("lab"), Some(&account("phys")), "Lab", "", &cause()).await.unwrap();
    let circle = AccountChange { parent: Some(Some(account("lab"))), ..AccountChange::default() };
    assert!(
        store
            .modify_account(&account("phys"), &circle, &cause())
            .await
            .unwrap_err()
            .to_string()
            .contains("below itself")
    );
    assert!(store.remove_account(&account("phys"), &cause()).await.unwrap_err().to_string().contains("lab lies below"));
    store.remove_account(&account("lab"), &cause()).await.unwrap();
    let id = store.add_grant(&new, &cause()).await.unwrap().id;
    assert!(store.remove_account(&account("phys"), &cause()).await.unwrap_err().to_string().contains("grant G1"));
    store.revoke_grant(id, &cause()).await.unwrap();
    store.remove_account(&account("phys"), &cause()).await.unwrap();
    let states: Vec<Presence> = store.accounts().await.unwrap().iter().map(|account| account.state).collect();
    assert_eq!(states, [Presence::Removed, Presence::Removed]);
    let back = store.add_account(&account("phys"), None, "Physics again", "", &cause()).await.unwrap();
    assert_eq!(back.state, Presence::Active);
}

#[tokio::test]
async fn given_limits_of_every_target_then_they_are_read_back_as_they_were_set() {
    let (_dir, store, new) = with_account().await;
    let Holder::Subject(ana) = new.holder else { panic!("the fixture grants to a person") };
    let mut targets = vec![
        LimitTarget::Person(ana),
        LimitTarget::Account(account("phys")),
        LimitTarget::PersonIn(ana, account("phys")),
        LimitTarget::EachIn(account("phys")),
        LimitTarget::DefaultGuest,
        LimitTarget::Default,
    ];
    targets.extend(Role::ALL.iter().map(|role| LimitTarget::DefaultRole(*role)));
    for target in &targets {
        for kind in LimitKind::all() {
            store.set_limit(target, kind, Amount::AtMost(3_600), &cause()).await.unwrap();
        }
    }
    let (target, kind) = (&targets[0], LimitKind::QueuedJobs);
    store.set_limit(target, kind, Amount::Unlimited, &cause()).await.unwrap();
    let limits = store.limits().await.unwrap();
    assert_eq!(limits.len(), targets.len() * LimitKind::all().count());
    for limit in &limits {
        let unlimited = (&limit.target, limit.kind) == (target, kind);
        assert_eq!(limit.amount, if unlimited { Amount::Unlimited } else { Amount::AtMost(3_600) });
    }
    store.clear_limit(target, kind, &cause()).await.unwrap();
    assert!(matches!(store.clear_limit(target, kind, &cause()).await, Err(Error::NotFound { .. })));
    let nobody = LimitTarget::Person(SubjectId(77));
    assert!(store.set_limit(&nobody, kind, Amount::Unlimited, &cause()).await.is_err());
}
