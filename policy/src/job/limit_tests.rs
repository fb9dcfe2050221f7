//! Every kind of limit, for every owner, through the judge.

use super::*;
use crate::fixture::{NOW, contents, live_job, request, snapshot};
use crate::limit::{Line, Measure};
use crate::reason::{Code, Counted, MONEY, Owner, Reason, Within};
use crate::snapshot::{Association, Contents};
use crate::time::{PeriodKind, Timestamp};
use crate::tres::{Gpus, Prices, Resource};

const HOUR: u64 = 3_600;
const MONTH: Within = Within::Period(PeriodKind::Month);

/// A cluster whose nodes have 8 CPUs, 4 GiB, two a100 and two h100, where everything has a price.
fn priced() -> Contents {
    let mut contents = contents();
    contents.gpu_types = vec!["a100".into(), "h100".into()];
    let partition = &mut contents.partitions[0];
    partition.gpus_per_node = Gpus { all: 4, typed: [2, 2, 0, 0, 0, 0, 0, 0] };
    partition.prices = Prices { cpu: 10_000, gpu: 500_000, memory_gib: 1_000, node: 0, gpu_types: [None; 8] };
    partition.prices.gpu_types[1] = Some(2_000_000);
    contents
}

fn month(resource: Resource, limit: u64) -> Line {
    Line::unused(Measure::Within(PeriodKind::Month, resource), limit)
}

fn code_of(contents: &Contents, request: &Request<'_>) -> Option<Code> {
    match judge(&snapshot(contents), &Ledger::default(), request, NOW) {
        Verdict::Admit(_) => None,
        Verdict::Refuse(reason) => Some(reason.code()),
    }
}

fn with_gpus(text: &'static str) -> Request<'static> {
    Request { gpus: GpuAsk { per_node: Some(text), ..GpuAsk::default() }, ..request(60) }
}

#[test]
fn given_a_limit_on_each_resource_then_what_fits_enters_and_a_little_more_does_not() {
    let gpus = with_gpus("gres:gpu:h100:2");
    // An hour of one CPU with 100 MiB, and two GPUs.
    let price = 10_000 + 98 + 2 * 2_000_000;
    for (resource, limit, code) in [
        (Resource::Cpu, HOUR, Counted::Cpu),
        (Resource::Gpu, 2 * HOUR, Counted::Gpu),
        (Resource::GpuType(1), 2 * HOUR, Counted::Gpu),
        (Resource::Memory, 100 * HOUR, Counted::Memory),
        (Resource::Node, HOUR, Counted::Node),
        (Resource::Money, price * HOUR, Counted::Money),
    ] {
        let mut contents = priced();
        contents.people[0].lines = vec![month(resource, limit)];
        assert_eq!(code_of(&contents, &gpus), None, "{resource:?}");
        contents.people[0].lines = vec![month(resource, limit - 1)];
        assert_eq!(code_of(&contents, &gpus), Some(Code::Consumed(code, MONTH)), "{resource:?}");
    }
}

#[test]
fn given_gpus_of_no_type_then_a_limit_on_each_type_counts_them() {
    let mut contents = priced();
    contents.people[0].lines = vec![month(Resource::GpuType(0), HOUR)];
    assert_eq!(code_of(&contents, &with_gpus("gres:gpu:1")), None);
    assert_eq!(code_of(&contents, &with_gpus("gres:gpu:2")), Some(Code::Consumed(Counted::Gpu, MONTH)));
    assert_eq!(code_of(&contents, &with_gpus("gres/gpu:h100:2")), None);
    assert_eq!(code_of(&contents, &with_gpus("gres/gpu:A100:2")), Some(Code::Consumed(Counted::Gpu, MONTH)));
}

#[test]
fn given_a_whole_node_then_all_its_gpus_and_memory_count() {
    let mut contents = priced();
    let whole = Request { shape: Shape { whole_nodes: true, ..Shape::default() }, ..request(60) };
    contents.people[0].lines = vec![month(Resource::Gpu, 3 * HOUR)];
    assert_eq!(code_of(&contents, &whole), Some(Code::Consumed(Counted::Gpu, MONTH)));
    contents.people[0].lines = vec![month(Resource::Memory, 4_095 * HOUR)];
    assert_eq!(code_of(&contents, &whole), Some(Code::Consumed(Counted::Memory, MONTH)));
}

#[test]
fn given_cpus_per_gpu_then_gpus_bring_them() {
    let mut contents = priced();
    contents.people[0].lines = vec![month(Resource::Cpu, 4 * HOUR)];
    let mut asks = with_gpus("gres:gpu:2");
    assert_eq!(code_of(&contents, &asks), None);
    asks.gpus.cpus_per_gpu = Some("gres:gpu:2");
    assert_eq!(code_of(&contents, &asks), None);
    asks.gpus.cpus_per_gpu = Some("gres:gpu:3");
    assert_eq!(code_of(&contents, &asks), Some(Code::Consumed(Counted::Cpu, MONTH)));
    asks.gpus.cpus_per_gpu = None;
    contents.partitions[0].cpus_per_gpu = Some(3);
    assert_eq!(code_of(&contents, &asks), Some(Code::Consumed(Counted::Cpu, MONTH)), "the partition's default");
    asks.shape.cpus_per_task = Some(1);
    assert_eq!(code_of(&contents, &asks), None, "a job that names its CPUs has no default");
}

#[test]
fn given_a_limit_at_once_then_a_job_that_can_never_run_is_refused_and_others_wait() {
    let mut contents = priced();
    let four = Request { shape: Shape { tasks: Some(4), min_cpus: 4, ..Shape::default() }, ..request(60) };
    contents.people[0].lines = vec![Line { used: 4, in_flight: 40, ..Line::unused(Measure::AtOnce(Resource::Cpu), 4) }];
    assert_eq!(code_of(&contents, &four), None, "it waits until the others have ended");
    assert_eq!(code_of(&contents, &Request { array: Some("1-100"), ..four }), None, "tasks run one by one");
    contents.people[0].lines[0].limit = 3;
    assert_eq!(code_of(&contents, &four), Some(Code::AtOnce(Counted::Cpu)));
    contents.people[0].lines = vec![Line { used: 1, ..Line::unused(Measure::AtOnce(Resource::Node), 4) }];
    contents.facts.running_limit_refuses = true;
    assert_eq!(code_of(&contents, &four), Some(Code::AtOnce(Counted::Node)), "where the site says so");
}

#[test]
fn given_limits_in_an_account_then_they_bind_the_person_there_and_below_it() {
    let mut contents = priced();
    let owner_of = |contents: &Contents| match judge(&snapshot(contents), &Ledger::default(), &request(60), NOW) {
        Verdict::Refuse(Reason::Consumed { owner: Owner::YouIn(name), .. }) => Some(name.to_owned()),
        Verdict::Admit(_) => None,
        other => panic!("{other:?}"),
    };
    for (account, expected) in [(0, Some("science")), (1, Some("physics")), (2, None)] {
        let lines = vec![month(Resource::Cpu, HOUR - 1)];
        contents.people[0].associations = vec![Association { account, lines }];
        assert_eq!(owner_of(&contents).as_deref(), expected);
    }
}

#[test]
fn given_a_limit_over_a_grants_life_then_all_that_was_used_under_it_counts() {
    let mut contents = priced();
    let line = |used, in_flight| Line { used, in_flight, ..Line::unused(Measure::OfGrant(Resource::Cpu), 10 * HOUR) };
    contents.people[0].grants[0].lines = vec![line(5 * HOUR, 4 * HOUR)];
    assert_eq!(code_of(&contents, &request(60)), None);
    assert_eq!(code_of(&contents, &request(61)), Some(Code::Consumed(Counted::Cpu, Within::Grant)));
    // What was booked since counts too, wherever its time may fall.
    let world = snapshot(&contents);
    let mut ledger = Ledger::default();
    let Verdict::Admit(terms) = judge(&world, &ledger, &request(30), NOW) else { panic!("refused") };
    ledger.book(&world, &terms, NOW);
    assert!(matches!(judge(&world, &ledger, &request(30), NOW), Verdict::Admit(_)));
    assert!(matches!(judge(&world, &ledger, &request(31), NOW), Verdict::Refuse(_)));
}

#[test]
fn given_bookings_then_a_limit_in_an_account_counts_those_of_this_person_only() {
    let mut contents = priced();
    let mut ben = contents.people[0].clone();
    (ben.uid, ben.gid, ben.name) = (70_002, 70_002, "ben".into());
    let lines = vec![month(Resource::Cpu, 2 * HOUR)];
    contents.people[0].associations = vec![Association { account: 0, lines }];
    contents.people.push(ben);
    let world = snapshot(&contents);
    let mut ledger = Ledger::default();
    let mut enters = |uid| match judge(&world, &ledger, &Request { uid, ..request(60) }, NOW) {
        Verdict::Admit(terms) => {
            ledger.book(&world, &terms, NOW);
            true
        }
        Verdict::Refuse(_) => false,
    };
    assert_eq!(
        [70_002, 70_002, 70_001, 70_001, 70_001, 70_002].map(&mut enters),
        [true, true, true, true, false, true]
    );
}

#[test]
fn given_an_account_in_another_zone_then_its_day_ends_at_its_own_midnight() {
    let mut contents = contents();
    // Its midnight comes an hour from now, the site's sixteen hours from now.
    let mut other = contents.calendars[0].clone();
    other[0] = (0..5)
        .map(|n| crate::snapshot::Edge { at: Timestamp(NOW.0 + 3_600 + (n - 1) * 86_400), text: format!("there {n}") })
        .collect();
    contents.calendars.push(other);
    contents.accounts[1].calendar = 1;
    let day = |limit| vec![Line::unused(Measure::Within(PeriodKind::Day, Resource::Cpu), limit)];
    contents.accounts[1].lines = day(HOUR);
    let refused =
        |contents: &Contents, minutes| match judge(&snapshot(contents), &Ledger::default(), &request(minutes), NOW) {
            Verdict::Refuse(Reason::Consumed { next, ends, .. }) => Some((next, ends.to_owned())),
            Verdict::Admit(_) => None,
            other => panic!("{other:?}"),
        };
    assert_eq!(refused(&contents, 60), None);
    assert_eq!(refused(&contents, 120), Some((true, "there 1".into())), "an hour today and all of it tomorrow");
    contents.accounts[1].lines.clear();
    contents.accounts[0].lines = day(HOUR);
    assert_eq!(refused(&contents, 120), Some((false, "edge 1".into())), "the account above is the site's");
}

#[test]
fn given_a_budget_then_the_sentence_is_in_money() {
    let mut contents = priced();
    contents.accounts[0].lines = vec![Line { used: 4 * MONEY, ..month(Resource::Money, 5 * MONEY) }];
    let world = snapshot(&contents);
    let Verdict::Refuse(reason) = judge(&world, &Ledger::default(), &with_gpus("gres:gpu:h100:1"), NOW) else {
        panic!("let in")
    };
    assert_eq!(
        reason.to_string(),
        "account science may use 5.00 EUR this month, which ends edge 1: 4.00 are used, 0.00 are in flight, and this job \
         may use 2.01"
    );
}

#[test]
fn given_an_edit_then_more_gpus_or_memory_need_room_and_fewer_do_not() {
    let mut contents = priced();
    contents.jobs = vec![live_job()];
    contents.people[0].lines = vec![month(Resource::GpuType(1), 0), month(Resource::Memory, 200 * HOUR)];
    contents.people[0].lines[1].in_flight = 100 * HOUR;
    contents.people[0].lines[1].next = 100 * HOUR;
    let world = snapshot(&contents);
    let jobs: Vec<_> = world.live_jobs(12).collect();
    let code = |edit: Edit<'static>| {
        judge_edit(&world, &Ledger::default(), &jobs, &edit, &[], NOW).err().map(|reason| reason.code())
    };
    let gpus = |text| Edit { gpus: GpuAsk { per_node: Some(text), ..GpuAsk::default() }, ..Edit::default() };
    assert_eq!(code(gpus("gres:gpu:h100:1")), Some(Code::Consumed(Counted::Gpu, MONTH)));
    assert_eq!(code(gpus("gres:gpu:a100:1")), None);
    let memory = |mib| Edit { memory: Some(Memory::PerNode(mib)), ..Edit::default() };
    assert_eq!([code(memory(200)), code(memory(10))], [None, None]);
    assert_eq!(code(memory(201)), Some(Code::Consumed(Counted::Memory, MONTH)));
}

#[test]
fn given_types_that_come_and_go_then_what_is_booked_counts_as_any_of_them() {
    let mut contents = priced();
    let mut ledger = Ledger::default();
    let world = snapshot(&contents);
    let Verdict::Admit(terms) = judge(&world, &ledger, &with_gpus("gres:gpu:h100:2"), NOW) else { panic!("refused") };
    ledger.book(&world, &terms, NOW);
    assert_eq!(ledger.person(70_001).wanted.get(Resource::GpuType(0)), 0);
    contents.gpu_types = vec!["b200".into(), "h100".into()];
    ledger.reconcile(&snapshot(&contents), NOW);
    assert_eq!(ledger.person(70_001).wanted.get(Resource::GpuType(0)), 2);
}
