//! Who may ask what: every role against every kind of request, as one readable table.

use std::collections::BTreeMap;
use std::fmt::Write;

use bursar_agent::wire::{Change, Request, Response};

use super::world::*;

const ROLES: [(&str, u32); 9] = [
    ("root", ROOT),
    ("ada", ADA),
    ("olaf", OLAF),
    ("pia", PIA),
    ("ana", ANA),
    ("ben", BEN),
    ("dora", DORA),
    ("tom", TOM),
    ("nobody", STRANGER),
];

const REQUESTS: [&str; 62] = [
    "show user",
    "show user user=ana",
    "show user account=physics",
    "show group",
    "show group group=physics",
    "show account",
    "show account account=chemistry",
    "show grant",
    "show grant user=ben",
    "show grant state=active,revoked",
    "show limit",
    "show limit user=ana",
    "show limit account=physics",
    "show storage",
    "show storage user=ana",
    "show storage account=physics",
    "show run start=now-1day",
    "show run start=now-1day user=ana",
    "show login",
    "show login user=dora",
    "show association",
    "show audit",
    "show refusal",
    "show reading",
    "show set-aside",
    "show alarm",
    "balance",
    "balance user=ana",
    "balance account=physics",
    "balance account=chemistry",
    "report usage start=now-30days",
    "report usage start=now-30days user=ana",
    "report usage start=now-30days account=physics",
    "report cost-centres start=now-30days",
    "report cost-centres start=now-30days account=physics",
    "report waits start=now-30days by=user",
    "report waits start=now-30days by=user user=ana",
    "report waits start=now-30days by=user account=physics",
    "report waits start=now-30days by=user cluster=all",
    "report completion start=now-30days by=user",
    "report completion start=now-30days user=ana",
    "report completion start=now-30days account=physics",
    "report completion start=now-30days cluster=all",
    "report peaks start=now-30days by=user",
    "report peaks start=now-30days by=user user=ana",
    "report peaks start=now-30days by=user account=physics",
    "report peaks start=now-30days cluster=all",
    "report corrections end=now+1day",
    "report corrections end=now+1day user=ana",
    "report corrections end=now+1day account=physics",
    "report corrections end=now+1day cluster=all",
    "explain job",
    "explain job user=ana",
    "explain login user=ana",
    // Whoever may verify is told that this is no whole hour.
    "verify start=2026-03-19T18:30",
    "sync --dry-run",
    "sync",
    "status",
    "add grant user=ben role=observer",
    "modify limit where user=ana set queued-jobs=9",
    "add account account=new parent=science",
    "delete grant where user=ben",
];

/// A pass that finds one thing to do, so that `sync` is answered.
fn answer_passes(world: &mut World) {
    let (_, closed) = tokio::sync::mpsc::channel(1);
    let mut requests = std::mem::replace(&mut world.requests, closed);
    tokio::spawn(async move {
        while let Some(request) = requests.recv().await {
            let step = bursar_agent::daemon::site::Step {
                part: "store",
                action: "add".into(),
                object: "user zoe".into(),
                detail: String::new(),
            };
            let _ = request.reply.send(bursar_agent::daemon::site::SyncOutcome { steps: vec![step], fault: None });
        }
    });
}

#[tokio::test]
async fn given_every_role_and_request_then_rights_are_as_in_the_table() {
    let mut world = World::with(
        |now| vec![run(now, 1, "ana", "physics", -900, Some(-300)), run(now, 2, "ben", "chemistry", -900, Some(-300))],
        |now| vec![live(now, 3, ANA, "physics", Some(60)), live(now, 4, BEN, "physics", None)],
    )
    .await;
    let (ana, ben) = (
        |to| run(world.now, 5, "ana", "physics", -900, Some(to)),
        |to| run(world.now, 6, "ben", "chemistry", -900, Some(to)),
    );
    keep_runs(&world.site.store, &[ana(-900), ben(-900)], world.now).await;
    keep_runs(&world.site.store, &[ana(-899), ben(-899)], world.now).await;
    answer_passes(&mut world);
    let mut text = format!("{:46}", "rows, or lines of a change");
    for (role, _) in ROLES {
        write!(text, "{role:>8}").expect("text");
    }
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    for line in REQUESTS {
        write!(text, "\n{line:46}").expect("text");
        for (_, uid) in ROLES {
            let request = match parse(line) {
                // Nothing may change while the table is made.
                Request::Change { change, .. } => Request::Change { change, dry_run: true },
                other => other,
            };
            let answer = match world.ask(uid, request).await {
                Response::Table { table, .. } | Response::Judged { table, .. } => table.rows.len().to_string(),
                Response::Done { changed, .. } => changed.to_string(),
                Response::Imported(_) => unreachable!("nothing is imported"),
                Response::Refused { message, .. } => {
                    *refusals.entry(message).or_default() += 1;
                    "no".to_owned()
                }
                Response::Usage { .. } => "usage".to_owned(),
                Response::Unavailable { message } => panic!("{line}: {message}"),
            };
            write!(text, "{answer:>8}").expect("text");
        }
    }
    text.push_str("\n\nrefusals:\n");
    for (message, count) in refusals {
        writeln!(text, "{count:>4} {message}").expect("text");
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn given_whoever_may_not_change_then_no_change_of_any_kind_is_made() {
    let world = World::new().await;
    let before = world.site.store.contents().await.expect("contents");
    for uid in [OLAF, PIA, ANA, BEN, DORA, TOM, STRANGER] {
        for line in [
            "add grant user=ben role=observer",
            "add account account=new",
            "modify account where account=lab set description=theirs",
            "delete account where account=lab",
            "modify grant where user=ben set until=never",
            "delete grant where user=ben",
            "modify limit where default=all set queued-jobs=unlimited",
            "delete limit where user=ana",
        ] {
            assert!(matches!(world.run(uid, line).await, Response::Refused { .. }), "{line} as {uid}");
        }
    }
    assert_eq!(world.site.store.contents().await.expect("contents"), before);
}

#[tokio::test]
async fn given_an_administrator_whose_grant_ends_then_the_next_change_is_refused() {
    let world = World::new().await;
    let request = "add grant user=ana role=cluster-admin reason=deputy";
    assert!(matches!(world.run(ROOT, request).await, Response::Done { changed: 1, .. }));
    assert!(matches!(world.run(ANA, "delete limit where user=ana").await, Response::Done { changed: 2, .. }));
    let revoked = world.run(ROOT, "delete grant where user=ana role=cluster-admin").await;
    assert!(matches!(revoked, Response::Done { changed: 1, .. }), "{revoked:?}");
    let refused = world.run(ANA, "add grant user=ana role=cluster-admin").await;
    assert!(matches!(refused, Response::Refused { .. }), "{refused:?}");
    let Request::Change { change: Change::Add { .. }, .. } = parse(request) else { panic!("no addition") };
}
