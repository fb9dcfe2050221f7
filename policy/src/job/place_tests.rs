//! Queues, cost centres and storage, through the judge.

use super::*;
use crate::fixture::{NOW, contents, live_job, request, snapshot};
use crate::limit::{Line, Measure};
use crate::reason::{Code, Counted};
use crate::role::Role;
use crate::snapshot::{Contents, CostCenter, CostCenterRule, LiveJob, OverStorage, Queue};
use crate::tres::{Prices, Resource};

fn queue(name: &str, roles: &[Role], accounts: &[u32], factor: u64) -> Queue {
    Queue {
        name: name.into(),
        qos: name.into(),
        default: name == "normal",
        roles: roles.to_vec(),
        accounts: accounts.to_vec(),
        factor,
        max_minutes: None,
        caps: Vec::new(),
    }
}

/// Queues `high` for administrators, `finance` for that account, `express` for short jobs, and `normal`.
fn queued() -> Contents {
    let mut contents = contents();
    let mut express = queue("express", &[], &[], 3_000_000);
    express.max_minutes = Some(30);
    express.caps = vec![Line::unused(Measure::AtOnce(Resource::Cpu), 2)];
    contents.queues = vec![
        queue("high", &[Role::ClusterAdmin], &[], 2_000_000),
        queue("finance", &[], &[2], 1_000_000),
        express,
        queue("normal", &[], &[], 1_000_000),
    ];
    contents.partitions[0].prices = Prices { cpu: 1_000_000, ..Prices::default() };
    contents
}

fn verdict(contents: &Contents, request: &Request<'_>) -> Result<(Option<String>, Option<String>, u64), Code> {
    let world = snapshot(contents);
    let text = |text: Option<&str>| text.map(str::to_owned);
    match judge(&world, &Ledger::default(), request, NOW) {
        Verdict::Admit(terms) => {
            let price = terms.asked.cost.tres.get(Resource::Money);
            Ok((text(terms.qos), text(terms.cost_center), price))
        }
        Verdict::Refuse(reason) => Err(reason.code()),
    }
}

fn into_queue(qos: &str) -> Request<'_> {
    Request { qos: Some(qos), ..request(30) }
}

#[test]
fn given_a_queue_that_is_not_yours_then_those_that_are_stand_in_the_refusal() {
    let contents = queued();
    for (qos, code) in [
        ("high", Some(Code::QueueNotGranted)),
        ("HIGH", Some(Code::QueueNotGranted)),
        ("finance", Some(Code::QueueNotGranted)),
        ("normal,high", Some(Code::QueueNotGranted)),
        ("normal", None),
        ("express", None),
        ("not-a-queue", None),
    ] {
        assert_eq!(verdict(&contents, &into_queue(qos)).err(), code, "{qos}");
    }
    let world = snapshot(&contents);
    let Verdict::Refuse(reason) = judge(&world, &Ledger::default(), &into_queue("high"), NOW) else { panic!("let in") };
    assert_eq!(reason.to_string(), "queue high is not yours to use; you may use: express, normal");
}

#[test]
fn given_no_queue_then_the_default_is_written_and_charged() {
    let mut contents = queued();
    assert_eq!(verdict(&contents, &request(30)), Ok((Some("normal".into()), None, 1_000_000)));
    contents.queues[3].roles = vec![Role::ClusterAdmin];
    assert_eq!(
        verdict(&contents, &request(30)),
        Ok((Some("express".into()), None, 3_000_000)),
        "the next that is open"
    );
    contents.queues.clear();
    assert_eq!(verdict(&contents, &request(30)), Ok((None, None, 1_000_000)));
}

#[test]
fn given_a_list_of_queues_then_the_dearest_is_charged() {
    assert_eq!(verdict(&queued(), &into_queue("normal,express")), Ok((None, None, 3_000_000)));
}

#[test]
fn given_a_job_too_long_or_too_large_for_a_queue_then_it_is_refused() {
    let contents = queued();
    let long = Request { qos: Some("express"), ..request(31) };
    assert_eq!(verdict(&contents, &long), Err(Code::QueueTime));
    let wide = Shape { tasks: Some(3), min_cpus: 3, ..Shape::default() };
    assert_eq!(verdict(&contents, &Request { shape: wide, ..into_queue("express") }), Err(Code::AtOnce(Counted::Cpu)));
}

#[test]
fn given_each_rule_on_cost_centres_then_jobs_carry_what_it_says() {
    let mut contents = contents();
    contents.cost_centers = vec![
        CostCenter { name: "cc-all".into(), accounts: Vec::new() },
        CostCenter { name: "cc-fin".into(), accounts: vec![2] },
    ];
    let with = |contents: &Contents, name| {
        verdict(contents, &Request { cost_center: name, ..request(1) }).map(|(_, center, _)| center)
    };
    use CostCenterRule::{Any, Known, Required};
    for (rule, own, named, expected) in [
        (Any, "", Some("whatever"), Ok(None)),
        (Any, "cc-own", None, Ok(None)),
        (Known, "", Some("whatever"), Err(Code::CostCenterUnknown)),
        (Known, "", Some("cc-fin"), Err(Code::CostCenterUnknown)),
        (Known, "", Some("CC-All"), Ok(None)),
        (Known, "cc-own", Some("CC-OWN"), Ok(None)),
        (Known, "", None, Ok(None)),
        (Known, "cc-own", None, Ok(Some("cc-own".to_owned()))),
        (Required, "", None, Err(Code::CostCenterMissing)),
        (Required, "cc-own", None, Ok(Some("cc-own".to_owned()))),
        (Required, "", Some("cc-all"), Ok(None)),
    ] {
        contents.facts.cost_centers = rule;
        // The account above physics: what it has is inherited.
        contents.accounts[0].cost_center = own.into();
        assert_eq!(with(&contents, named), expected, "{rule:?}, the account has {own:?}, the job {named:?}");
    }
}

#[test]
fn given_too_much_stored_then_jobs_are_refused_or_their_owner_warned() {
    let mut contents = contents();
    let over = |refuses| OverStorage { place: "/scratch".into(), used: 3 << 40, limit: 1 << 40, refuses };
    contents.accounts[0].storage = vec![over(true)];
    assert_eq!(verdict(&contents, &request(1)), Err(Code::Storage));
    contents.accounts[0].storage = vec![over(false)];
    let world = snapshot(&contents);
    let Verdict::Admit(terms) = judge(&world, &Ledger::default(), &request(1), NOW) else { panic!("refused") };
    assert_eq!(terms.storage.map(|over| over.place), Some("/scratch"));
    contents.people[0].storage = vec![over(true)];
    let world = snapshot(&contents);
    let Verdict::Refuse(reason) = judge(&world, &Ledger::default(), &request(1), NOW) else { panic!("let in") };
    assert_eq!(
        reason.to_string(),
        "you may store 1.00 TiB on /scratch, and 3.00 TiB are stored; remove some before submitting"
    );
}

#[test]
fn given_edits_of_queue_and_cost_centre_then_they_are_judged_as_at_submission() {
    let mut contents = queued();
    contents.facts.cost_centers = CostCenterRule::Known;
    contents.cost_centers = vec![CostCenter { name: "cc-1".into(), accounts: Vec::new() }];
    contents.people[0].grants[0].account = None;
    contents.jobs = vec![LiveJob { qos: "normal".into(), minutes: Some(30), ..live_job() }];
    let world = snapshot(&contents);
    let jobs: Vec<_> = world.live_jobs(12).collect();
    let code = |edit: Edit<'static>| {
        judge_edit(&world, &Ledger::default(), &jobs, &edit, &[], NOW).err().map(|reason| reason.code())
    };
    let qos = |name| Edit { qos: Some(name), ..Edit::default() };
    assert_eq!(
        [code(qos("high")), code(qos("express")), code(qos("Normal"))],
        [Some(Code::QueueNotGranted), None, None]
    );
    assert_eq!(code(Edit { account: Some("finance"), qos: Some("finance"), ..Edit::default() }), None);
    assert_eq!(code(qos("finance")), Some(Code::QueueNotGranted));
    let center = |name| Edit { cost_center: Some(name), ..Edit::default() };
    assert_eq!([code(center("cc-1")), code(center("cc-9"))], [None, Some(Code::CostCenterUnknown)]);
    let longer = Edit { qos: Some("express"), time_limit: Some(TimeLimit::Minutes(31)), ..Edit::default() };
    assert_eq!(code(longer), Some(Code::QueueTime));
}

#[test]
fn given_a_hold_taken_off_after_the_grant_has_ended_then_it_is_refused() {
    let mut contents = contents();
    contents.people[0].grants[0].until = NOW;
    contents.jobs = vec![LiveJob { minutes: Some(30), ..live_job() }];
    let world = snapshot(&contents);
    let jobs: Vec<_> = world.live_jobs(12).collect();
    let release = Edit { releases: true, ..Edit::default() };
    assert!(release.may_raise() && release.only_releases());
    let code = judge_edit(&world, &Ledger::default(), &jobs, &release, &[], NOW).err().map(|reason| reason.code());
    assert_eq!(code, Some(Code::GrantExpired));
}

#[test]
fn given_a_site_that_tells_costs_then_a_job_that_enters_is_told_its_own() {
    let mut contents = queued();
    contents.facts.tells_cost = true;
    let world = snapshot(&contents);
    let tell = |request: &Request<'_>| match judge(&world, &Ledger::default(), request, NOW) {
        Verdict::Admit(terms) => notice::of(&terms, &world).unwrap(),
        Verdict::Refuse(reason) => panic!("{reason}"),
    };
    assert_eq!(
        tell(&request(90)),
        "this job may cost 1.50 EUR and use 1.50 CPU-hours at most, charged to account physics"
    );
    assert!(tell(&Request { array: Some("1-3"), ..request(60) }).starts_with("these 3 jobs may cost 3.00 EUR"));
}
