//! What slurmctld's list leaves open of a waiting job: the bound covers every job that would be listed the same.

use super::*;
use crate::fixture::{NOW, contents, live_job, snapshot};
use crate::limit::{Line, Measure};
use crate::reason::{Code, Counted, Within};
use crate::snapshot::{Contents, LiveJob, Partition};
use crate::time::PeriodKind;
use crate::tres::{Gpus, Resource, Tres};

/// Four nodes of four GPUs in `main`, and `big`, where a job that names no memory has all of the node.
fn world() -> Contents {
    let mut contents = contents();
    contents.gpu_types = vec!["a100".into()];
    contents.partitions[0].gpus_per_node = Gpus { all: 4, typed: [4, 0, 0, 0, 0, 0, 0, 0] };
    let big = Partition {
        name: "big".into(),
        default: false,
        default_memory: Memory::Unset,
        ..contents.partitions[0].clone()
    };
    contents.partitions.push(big);
    contents
}

fn gpus(all: u32) -> Gpus {
    Gpus { all, typed: [all, 0, 0, 0, 0, 0, 0, 0] }
}

fn bound_of(shape: Shape, partition: &str) -> Tres {
    let request = Request {
        uid: 70_001,
        partition: Some(partition),
        time_limit: TimeLimit::Minutes(60),
        shape,
        ..Request::default()
    };
    match bound_listed(&snapshot(&world()), &request) {
        Bound::Cost(cost) => cost.tres,
        Bound::Timeless(partition) => panic!("timeless in {partition:?}"),
    }
}

#[test]
fn given_a_live_job_with_its_first_partitions_default_memory_then_it_may_have_that_of_any() {
    let default = Shape { memory: Memory::PerCpu(100), ..Shape::default() };
    assert_eq!(bound_of(default, "main").get(Resource::Memory), 100);
    assert_eq!(bound_of(default, "main,big").get(Resource::Memory), 4_096);
    let own = Shape { memory: Memory::PerCpu(150), ..Shape::default() };
    assert_eq!(bound_of(own, "main,big").get(Resource::Memory), 150, "which is nobody's default");
}

#[test]
fn given_a_live_job_with_gpus_on_a_range_of_nodes_then_each_node_may_have_as_many() {
    let range = Shape { min_nodes: Some(1), max_nodes: Some(3), gpus: gpus(2), ..Shape::default() };
    let most = bound_of(range, "main");
    assert_eq!((most.get(Resource::Gpu), most.get(Resource::GpuType(0)), most.get(Resource::Node)), (6, 6, 3));
    let tasks = Shape { min_nodes: Some(1), min_cpus: 4, tasks: Some(4), gpus: gpus(2), ..Shape::default() };
    assert_eq!(bound_of(tasks, "main").get(Resource::Gpu), 8, "two on the node of each task");
}

#[test]
fn given_a_live_job_with_gpus_and_no_range_of_nodes_then_each_gpu_may_lie_on_a_node_of_its_own() {
    let job = Shape { min_nodes: Some(1), gpus: gpus(3), ..Shape::default() };
    let most = bound_of(job, "main");
    assert_eq!((most.get(Resource::Gpu), most.get(Resource::Node)), (3, 3));
    // What slurmctld 26.05 lists of a job that named tasks and no nodes.
    let tasks = Shape { max_nodes: Some(2), tasks: Some(2), min_cpus: 2, ..job };
    assert_eq!(bound_of(tasks, "main").get(Resource::Node), 3);
}

fn edit_of(shape: Shape, edit: &Edit<'static>, resource: Resource, limit: u64) -> Option<Code> {
    edit_under(shape, edit, Line::unused(Measure::Within(PeriodKind::Month, resource), limit))
}

/// The edit of a job of an hour, under one limit of its owner's.
fn edit_under(shape: Shape, edit: &Edit<'static>, line: Line) -> Option<Code> {
    edit_after(&[], shape, edit, line)
}

/// The same after others that the list does not show yet.
fn edit_after(earlier: &[Earlier<'_>], shape: Shape, edit: &Edit<'static>, line: Line) -> Option<Code> {
    let mut contents = world();
    contents.people[0].lines = vec![line];
    contents.jobs = vec![LiveJob { shape, ..live_job() }];
    let world = snapshot(&contents);
    let jobs: Vec<_> = world.live_jobs(12).collect();
    judge_edit(&world, &Ledger::default(), &jobs, edit, earlier, NOW).err().map(|reason| reason.code())
}

#[test]
fn given_an_edit_of_the_partition_then_the_new_ones_default_memory_is_asked_for() {
    let shape = Shape { memory: Memory::PerCpu(100), ..Shape::default() };
    let edit = Edit { partition: Some("big"), ..Edit::default() };
    let (kept, more) = (100 * 3_600, (4_096 - 100) * 3_600);
    let refused = Some(Code::Consumed(Counted::Memory, Within::Period(PeriodKind::Month)));
    assert_eq!(edit_of(shape, &edit, Resource::Memory, more - 1), refused);
    assert_eq!(edit_of(shape, &edit, Resource::Memory, more), None, "what it had is held already");
    let longer = Edit { time_limit: Some(TimeLimit::Minutes(60)), ..edit };
    assert_eq!(edit_of(shape, &longer, Resource::Memory, more - 1), refused, "and with a time limit as well");
    let fewer = Edit { memory: Some(Memory::PerCpu(100)), ..edit };
    assert_eq!(edit_of(shape, &fewer, Resource::Memory, kept), None, "unless memory is named");
}

#[test]
fn given_an_edit_of_the_nodes_then_gpus_of_each_node_grow_with_them() {
    let shape = Shape { min_nodes: Some(1), max_nodes: Some(1), gpus: gpus(2), ..Shape::default() };
    let edit = Edit { min_nodes: Some(3), max_nodes: Some(3), ..Edit::default() };
    let refused = Some(Code::Consumed(Counted::Gpu, Within::Period(PeriodKind::Month)));
    assert_eq!(edit_of(shape, &edit, Resource::Gpu, 4 * 3_600 - 1), refused);
    assert_eq!(edit_of(shape, &edit, Resource::Gpu, 4 * 3_600), None);
}

#[test]
fn given_a_live_job_with_all_memory_of_its_nodes_then_an_edit_of_its_time_raises_no_cpus() {
    let shape = Shape { memory: Memory::PerNode(0), ..Shape::default() };
    let shorter = Edit { time_limit: Some(TimeLimit::Minutes(30)), ..Edit::default() };
    assert_eq!(edit_of(shape, &shorter, Resource::Cpu, 0), None);
}

#[test]
fn given_a_job_that_means_less_than_it_is_held_for_then_an_edit_within_that_is_asked_for_room() {
    // Listed alike are 100 MiB of the node and of each of its CPUs, of which it may be given two; held is the latter.
    let shape = Shape { memory: Memory::PerCpu(100), either_memory: true, cpus_per_task: Some(2), ..Shape::default() };
    let held = 200 * 3_600;
    let named = |memory| Edit { memory: Some(memory), ..Edit::default() };
    let over = |edit| memory_edit(shape, &edit, held, held - 1);
    let refused = Some(Code::Consumed(Counted::Memory, Within::Period(PeriodKind::Month)));
    assert_eq!(over(named(Memory::PerNode(150))), refused, "more than 100, though no more than 200");
    assert_eq!(over(named(Memory::PerCpu(100))), refused);
    assert_eq!(over(named(Memory::PerNode(100))), None, "raises nothing, whatever it meant");
    assert_eq!(over(Edit { time_limit: Some(TimeLimit::Minutes(30)), ..Edit::default() }), None);
    assert_eq!(over(Edit { tasks: Some(1), ..Edit::default() }), None);
    assert_eq!(memory_edit(shape, &named(Memory::PerNode(150)), held, held), None, "and where there is room it may");
    let told = Shape { either_memory: false, ..shape };
    assert_eq!(
        memory_edit(told, &named(Memory::PerNode(150)), held, held - 1),
        None,
        "where the list tells, it had more"
    );
}

/// The edit of a job of which so much memory is held, of what a month allows.
fn memory_edit(shape: Shape, edit: &Edit<'static>, held: u64, limit: u64) -> Option<Code> {
    let line = Line { in_flight: held, ..Line::unused(Measure::Within(PeriodKind::Month, Resource::Memory), limit) };
    edit_under(shape, edit, line)
}

#[test]
fn given_gpus_that_bring_cpus_and_memory_then_every_gpu_that_it_may_be_given_brings_them() {
    let each = Shape {
        min_nodes: Some(1),
        gpus: gpus(1),
        cpus_per_gpu: Some(2),
        memory_per_gpu: Some(500),
        ..Shape::default()
    };
    let one = bound_of(Shape { max_nodes: Some(1), ..each }, "main");
    assert_eq!((one.get(Resource::Gpu), one.cpus(), one.get(Resource::Memory)), (1, 2, 500));
    let range = bound_of(Shape { max_nodes: Some(3), ..each }, "main");
    assert_eq!((range.get(Resource::Gpu), range.cpus(), range.get(Resource::Memory)), (3, 6, 1_500));
    let more = Edit { gpus: GpuAsk { per_job: Some("gres:gpu:3"), ..GpuAsk::default() }, ..Edit::default() };
    let refused = Some(Code::Consumed(Counted::Cpu, Within::Period(PeriodKind::Month)));
    let shape = Shape { max_nodes: Some(1), ..each };
    assert_eq!(edit_of(shape, &more, Resource::Cpu, 4 * 3_600 - 1), refused, "from two CPUs to six");
    assert_eq!(edit_of(shape, &more, Resource::Cpu, 4 * 3_600), None);
}

#[test]
fn given_an_edit_that_the_list_does_not_show_yet_then_the_next_one_starts_from_before_and_after_it() {
    let minutes = |minutes| Edit { time_limit: Some(TimeLimit::Minutes(minutes)), ..Edit::default() };
    let account = |name| Edit { account: Some(name), ..Edit::default() };
    let month = |resource| Measure::Within(PeriodKind::Month, resource);
    // The listed hour and the hour that the earlier edit booked.
    let held = |limit| Line { in_flight: 7_200, ..Line::unused(month(Resource::Cpu), limit) };
    let refused = Some(Code::Consumed(Counted::Cpu, Within::Period(PeriodKind::Month)));
    let after = |earlier: &[Edit<'_>], edit, limit| {
        let earlier: Vec<_> = earlier.iter().map(|edit| Earlier { edit: *edit, booked: true }).collect();
        edit_after(&earlier, Shape::default(), &edit, held(limit))
    };
    assert_eq!(after(&[minutes(120)], minutes(180), 10_799), refused, "a third hour beside both");
    assert_eq!(after(&[minutes(120)], minutes(180), 10_800), None);
    assert_eq!(after(&[minutes(120)], minutes(60), 0), None, "what raises neither is never refused");
    assert_eq!(after(&[minutes(1)], minutes(60), 7_199), refused, "from a minute it is raised again");
    assert_eq!(after(&[minutes(1)], minutes(60), 7_200), None);
    assert_eq!(after(&[account("optics")], minutes(120), 1 << 40), Some(Code::NotYetSeen), "who pays is not known");
    assert_eq!(after(&[account("optics")], minutes(30), 0), None);
}
