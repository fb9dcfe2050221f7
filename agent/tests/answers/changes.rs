//! Additions, modifications and deletions: told first, made once, audited with who and why.

use bursar_agent::store::{Amount, LimitKind, Presence};
use bursar_agent::wire::{Cell, Request, Response};
use bursar_policy::GrantId;

use super::world::*;

async fn dry(world: &World, line: &str) -> Response {
    let Request::Change { change, .. } = parse(line) else { panic!("{line}") };
    world.ask(ROOT, Request::Change { change, dry_run: true }).await
}

fn lines(response: Response) -> Vec<String> {
    match response {
        Response::Done { lines, .. } => lines,
        other => panic!("{other:?}"),
    }
}

fn message(response: Response) -> String {
    match response {
        Response::Refused { message, .. } | Response::Usage { message } => message,
        other => panic!("{other:?}"),
    }
}

/// Commands that make something of everything, in an order in which each is possible.
const CHANGES: [&str; 10] = [
    "add account account=laser,optics parent=lab cost-centre=CC-9 reason=new~groups",
    "modify account where account=laser,optics set description=Light",
    "add grant user=ana,ben account=laser role=compute-user until=now+30days reason=trial",
    "add grant group=physics role=observer",
    "modify grant where user=ana account=laser set until=never",
    "modify limit where user=ben account=laser set cpu-hours-per-day=1:30 queued-jobs=unlimited",
    "modify limit where user=ana set queued-jobs=-1",
    "delete limit where account=laser",
    "delete grant where account=laser reason=over",
    "delete account where account=optics",
];

#[tokio::test]
async fn given_a_dry_run_then_it_tells_what_the_change_then_does_and_writes_nothing() {
    let world = World::new().await;
    for line in CHANGES {
        let before = world.site.store.contents().await.expect("contents");
        let audited = world.site.store.audit(None, 1_000).await.expect("audit").len();
        let told = dry(&world, line).await;
        assert_eq!(world.site.store.contents().await.expect("contents"), before, "{line}");
        let made = world.run(ROOT, line).await;
        assert_eq!(told, made, "{line}");
        let Response::Done { changed, .. } = made else { panic!("{line}: {made:?}") };
        let records = world.site.store.audit(None, 1_000).await.expect("audit").len();
        assert_eq!(u64::try_from(records - audited).expect("few"), changed, "{line}: one record for each change");
        assert!(changed > 0, "{line}");
        assert!(
            matches!(dry(&world, line).await, Response::Refused { .. } | Response::Done { changed: 0, .. }),
            "{line}"
        );
    }
    let stored = world.site.store.contents().await.expect("contents");
    let account = |name: &str| stored.accounts.iter().find(|account| account.name.as_str() == name).expect(name);
    assert_eq!((account("optics").state, account("laser").description.as_str()), (Presence::Removed, "Light"));
    let day = stored.limits.iter().filter(|limit| Some(limit.kind) == LimitKind::parse("cpu-hours-per-day"));
    assert!(day.clone().any(|limit| limit.amount == Amount::AtMost(5_400)), "90 minutes in CPU-seconds");
}

#[tokio::test]
async fn given_a_change_then_the_record_names_the_person_who_asked_and_why() {
    let world = World::new().await;
    world.run(ADA, "add grant user=ana role=observer reason=wants~to~look").await;
    world.run(ADA, "delete grant where user=ana role=observer reason=has~looked").await;
    let records = world.site.store.audit(None, 2).await.expect("audit");
    let told: Vec<_> =
        records.iter().map(|record| (record.actor.as_str(), record.action.as_str(), record.reason.as_str())).collect();
    assert_eq!(told, [("ada", "grant.revoke", "has looked"), ("ada", "grant.add", "wants to look")]);
    let waits = tokio::time::timeout(std::time::Duration::from_secs(5), world.site.changed.notified()).await;
    assert!(waits.is_ok(), "the daemon was not told");
}

#[tokio::test]
async fn given_times_then_they_are_those_of_the_sites_zone() {
    let world = World::new().await;
    let line = "add grant user=ana role=observer from=2030-07-01 until=2030-12-01T12:00";
    let told = lines(world.run(ROOT, line).await);
    assert_eq!(
        told,
        ["add grant: user ana is observer on cluster from 2030-07-01 00:00 CEST until 2030-12-01 12:00 CET"]
    );
}

#[tokio::test]
async fn given_a_change_that_makes_no_sense_then_it_is_refused_before_anything_is_written() {
    let world = World::new().await;
    let before = world.site.store.contents().await.expect("contents");
    let mut text = String::new();
    for line in [
        "add grant role=observer",
        "add grant user=nobody-here role=observer",
        "add grant user=tom role=observer",
        "add grant user=ana role=compute-user",
        "add grant user=ana account=physics role=cluster-admin",
        "add grant user=ana account=nowhere role=compute-user",
        "add grant user=ana role=observer until=2020-01-01",
        "add grant user=olaf role=observer",
        "modify grant where id=G999 set until=never",
        "modify grant where user=ben set reason=none",
        "modify grant where group=physics set until=never",
        "delete grant where group=physics",
        "delete grant where user=dora",
        "delete grant where id=G6",
        "add account account=physics",
        "add account account=Physics",
        "add account account=new parent=nowhere",
        "modify account where account=physics set description=ours",
        "modify account where account=lab set parent=lab",
        "delete account where account=nowhere",
        "modify limit where origin=manual set queued-jobs=1",
        "modify limit where limit=queued-jobs set queued-jobs=1",
        "modify limit where user=ana set reason=none",
        "modify limit where default=all set queued-jobs=-1",
        "delete limit where account=lab",
        "delete limit where account=physics",
    ] {
        text.push_str(&format!("{line}\n    {}\n", message(world.run(ROOT, line).await)));
    }
    assert_eq!(world.site.store.contents().await.expect("contents"), before);
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn given_a_change_of_several_that_the_store_stops_then_it_says_how_far_it_came() {
    let world = World::new().await;
    // A parent below itself is found by the store only.
    world.run(ROOT, "add account account=one").await;
    world.run(ROOT, "add account account=two parent=one").await;
    let told = message(world.run(ROOT, "modify account where account=lab,one set parent=two description=x").await);
    assert_eq!(
        told,
        "account one would lie below itself; choose another parent; 1 of 2 changes had been made and stay"
    );
}

#[tokio::test]
async fn given_a_new_grant_then_show_has_it_before_the_daemon_has_read_the_store() {
    let world = World::new().await;
    world.run(ROOT, "add grant user=ana account=lab role=compute-user").await;
    let grants = world.table(ROOT, "show grant account=lab").await;
    assert_eq!(grants.rows.len(), 1);
    let ids = world.site.store.contents().await.expect("contents").grants;
    let newest = ids.iter().map(|grant| grant.id).max().unwrap_or(GrantId(0));
    assert_eq!(cell(&grants, "user", "ana", "id"), &Cell::Text(newest.to_string()));
}

#[tokio::test]
async fn given_an_emergency_then_its_grant_is_short_accounted_for_and_shown() {
    let world = World::new().await;
    let ask = "add grant user=ana account=chemistry role=compute-user";
    for (line, text) in [
        (format!("{ask} emergency=yes reason=beam~time"), "has to end; add until=, at most 24 hours later"),
        (format!("{ask} emergency=yes until=now+25hours reason=beam~time"), "lasts at most 24 hours"),
        (format!("{ask} emergency=yes until=now+4hours"), "needs reason="),
        (format!("{ask} lifts=limits until=now+4hours reason=beam~time"), "add emergency=yes"),
        ("add grant user=ana role=observer emergency=yes until=now+1hour reason=x".to_owned(), "submits no jobs"),
    ] {
        let told = message(world.run(ROOT, &line).await);
        assert!(told.contains(text), "{line}: {told}");
    }
    world.run(ADA, &format!("{ask} until=never")).await;
    let told = lines(world.run(ADA, &format!("{ask} emergency=yes until=now+4hours reason=beam~time")).await);
    assert!(told[0].ends_with(", an emergency that lifts windows"), "{told:?}");
    let both = format!("{ask} emergency=yes lifts=limits,windows until=now+4hours reason=beam~time");
    assert!(message(world.run(ADA, &both).await).contains("already gives"));
    let shown = world.table(ADA, "show grant emergency=yes format=user,lifts,reason").await;
    assert_eq!(shown.rows.len(), 1);
    assert_eq!(cell(&shown, "user", "ana", "lifts"), &Cell::Text("windows".to_owned()));
    let told = message(world.run(ADA, "modify grant where emergency=yes set until=now+2days").await);
    assert!(told.contains("lasts at most 24 hours"), "{told}");
    assert_eq!(lines(world.run(ADA, "modify grant where emergency=yes set until=now+5hours").await).len(), 1);
    let record = world.site.store.audit(None, 2).await.expect("audit").remove(1);
    assert_eq!(
        (record.action.as_str(), record.actor.as_str(), record.reason.as_str()),
        ("grant.add", "ada", "beam time")
    );
}
