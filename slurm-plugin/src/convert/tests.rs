use super::*;
use crate::ffi::sample::Sample;
use crate::ffi::sys;

fn shape_of(sample: &Sample) -> Shape {
    request(&sample.desc()).unwrap().shape
}

fn changed(change: impl FnOnce(&mut job_desc_msg_t)) -> Shape {
    shape_of(&Sample::sbatch(70_001).with(change))
}

#[test]
fn given_the_installed_headers_then_the_sentinels_are_the_ones_used_here() {
    assert_eq!(sys::NO_VAL, NO_VAL);
    assert_eq!(sys::INFINITE, INFINITE);
    assert_eq!(sys::NO_VAL16, u32::from(NO_VAL16));
    assert_eq!(sys::INFINITE16, u32::from(INFINITE16));
}

#[test]
fn given_a_bare_sbatch_then_nothing_is_asked_for_but_one_cpu() {
    let sample = Sample::sbatch(70_001);
    assert_eq!(request(&sample.desc()), Ok(Request { uid: 70_001, ..Request::default() }));
}

#[test]
fn given_each_spelling_of_a_time_limit_then_none_of_them_is_a_number_by_accident() {
    for (minutes, expected) in [
        (0xffff_fffe, TimeLimit::Unset),
        (0xffff_ffff, TimeLimit::Unlimited),
        (0, TimeLimit::Unlimited),
        (1, TimeLimit::Minutes(1)),
        (0xffff_fffd, TimeLimit::Minutes(0xffff_fffd)),
    ] {
        let sample = Sample::sbatch(70_001).with(|raw| raw.time_limit = minutes);
        assert_eq!(request(&sample.desc()).unwrap().time_limit, expected, "{minutes:#x}");
    }
}

#[test]
fn given_each_spelling_of_memory_then_the_bit_per_cpu_is_told_from_the_sentinels() {
    for (mib, expected) in [
        (0xffff_ffff_ffff_fffe, Memory::Unset),
        (u64::MAX, Memory::Unset),
        (0, Memory::PerNode(0)),
        (0x8000_0000_0000_0000, Memory::PerNode(0)),
        (4_096, Memory::PerNode(4_096)),
        (0x8000_0000_0000_0000 | 1_200, Memory::PerCpu(1_200)),
    ] {
        assert_eq!(changed(|raw| raw.pn_min_memory = mib).memory, expected, "{mib:#x}");
    }
}

#[test]
fn given_each_value_of_shared_then_only_true_sharing_leaves_the_rest_of_the_node_uncounted() {
    for (shared, whole, open) in [
        (0xfffe, false, false),
        (0, true, false),
        (1, false, false),
        (2, false, false),
        (3, false, false),
        (4, true, true),
        (9, true, true),
    ] {
        let shape = changed(|raw| raw.shared = shared);
        assert_eq!((shape.whole_nodes, shape.open_ended), (whole, open), "{shared}");
    }
    assert!(changed(|raw| raw.core_spec = 0).whole_nodes);
    assert!(changed(|raw| raw.reboot = 1).whole_nodes);
    assert!(!changed(|raw| raw.reboot = 0).whole_nodes);
}

#[test]
fn given_counts_then_each_reaches_its_own_word() {
    let shape = changed(|raw| {
        (raw.min_cpus, raw.max_cpus) = (3, 9);
        (raw.min_nodes, raw.max_nodes) = (2, 4);
        (raw.num_tasks, raw.cpus_per_task) = (5, 6);
        (raw.ntasks_per_node, raw.pn_min_cpus) = (7, 8);
    });
    assert_eq!(
        shape,
        Shape {
            min_cpus: 9,
            min_nodes: Some(2),
            max_nodes: Some(4),
            tasks: Some(5),
            cpus_per_task: Some(6),
            tasks_per_node: Some(7),
            cpus_per_node: Some(8),
            ..Shape::default()
        }
    );
}

#[test]
fn given_tasks_per_node_and_nodes_alone_then_the_tasks_are_multiplied_as_slurmctld_will() {
    let shape = changed(|raw| (raw.ntasks_per_node, raw.min_nodes) = (8, 4));
    assert_eq!(shape.tasks, Some(32));
    let shape = changed(|raw| (raw.ntasks_per_node, raw.min_nodes) = (0xfffd, 0xffff_fff0));
    assert_eq!(shape.tasks, Some(u32::MAX));
}

#[test]
fn given_one_thread_or_task_per_core_then_a_cpu_counts_as_a_core() {
    assert!(changed(|raw| raw.threads_per_core = 1).one_per_core);
    assert!(changed(|raw| raw.threads_per_core = 2).one_per_core);
    assert!(changed(|raw| raw.ntasks_per_core = 1).one_per_core);
    assert!(!changed(|raw| raw.ntasks_per_core = 2).one_per_core);
    assert!(!changed(|raw| (raw.ntasks_per_core, raw.threads_per_core) = (0xffff, 0xffff)).one_per_core);
}

#[test]
fn given_anything_that_hides_cpus_then_the_request_is_open_ended() {
    type Field = fn(&mut job_desc_msg_t) -> &mut *mut std::ffi::c_char;
    let fields: [(&str, Field, &str); 3] = [
        ("cpus_per_tres", |raw| &mut raw.cpus_per_tres, "gres:fpga:2"),
        ("mem_per_tres", |raw| &mut raw.mem_per_tres, "gres:fpga:2"),
        ("tres_per_task", |raw| &mut raw.tres_per_task, "gres:gpu:2"),
    ];
    for (name, field, text) in fields {
        assert!(shape_of(&Sample::sbatch(70_001).text(field, text)).open_ended, "{name}");
        assert!(!shape_of(&Sample::sbatch(70_001).text(field, "")).open_ended, "{name} empty");
    }
    assert!(changed(|raw| raw.ntasks_per_tres = 2).open_ended);
    assert!(changed(|raw| raw.cores_per_socket = 4).open_ended);
    assert!(changed(|raw| raw.ntasks_per_socket = 4).open_ended);
    assert!(!changed(|raw| (raw.ntasks_per_socket, raw.num_tasks) = (4, 8)).open_ended);
}

#[test]
fn given_gpus_then_they_are_asked_for_where_they_were_and_say_what_they_bring() {
    let sample = Sample::sbatch(70_001)
        .text(|raw| &mut raw.tres_per_node, "gres:gpu:1")
        .text(|raw| &mut raw.tres_per_job, "gres/gpu:a100:2")
        .text(|raw| &mut raw.cpus_per_tres, "gres:gpu:8");
    let request = request(&sample.desc()).unwrap();
    assert!(!request.shape.open_ended);
    let ask = GpuAsk {
        per_job: Some("gres/gpu:a100:2"),
        per_node: Some("gres:gpu:1"),
        cpus_per_gpu: Some("gres:gpu:8"),
        ..GpuAsk::default()
    };
    assert_eq!(request.gpus, ask);
    let tasks = Sample::sbatch(70_001).text(|raw| &mut raw.tres_per_task, "gres:gpu:1").with(|raw| raw.num_tasks = 2);
    assert!(!shape_of(&tasks).open_ended, "as many GPUs as tasks");
}

#[test]
fn given_named_nodes_counts_or_spread_gpus_then_the_node_count_rises_with_them() {
    let named = |list: &str| Sample::sbatch(70_001).text(|raw| &mut raw.req_nodes, list);
    assert_eq!(shape_of(&named("n[1-6],login")).min_nodes, Some(7));
    assert_eq!(shape_of(&named("n[1-6]").with(|raw| (raw.min_nodes, raw.max_nodes) = (9, 9))).min_nodes, Some(9));
    assert_eq!(shape_of(&named("n[1-6]").with(|raw| raw.max_nodes = 2)).max_nodes, Some(6));
    assert_eq!(shape_of(&named("n[1")).min_nodes, Some(u32::MAX));
    let features = Sample::sbatch(70_001).text(|raw| &mut raw.features, "[a*4&b*4]");
    assert_eq!(shape_of(&features).min_nodes, Some(8));
    let gpus = Sample::sbatch(70_001).text(|raw| &mut raw.tres_per_job, "gres:gpu:8");
    assert_eq!(shape_of(&gpus).min_nodes, Some(8));
    assert_eq!(shape_of(&gpus.with(|raw| raw.max_nodes = 1)).min_nodes, None);
}

#[test]
fn given_texts_then_they_arrive_unchanged_or_not_at_all() {
    let sample = Sample::sbatch(70_001)
        .text(|raw| &mut raw.account, "Physics")
        .text(|raw| &mut raw.partition, "short,long")
        .text(|raw| &mut raw.array_inx, "1-9%2")
        .with(|raw| raw.begin_time = 1_800_000_000);
    let asked = request(&sample.desc()).unwrap();
    assert_eq!((asked.account, asked.partition, asked.array), (Some("Physics"), Some("short,long"), Some("1-9%2")));
    assert_eq!(asked.begin_at, Some(Timestamp(1_800_000_000)));

    let sample = Sample::sbatch(70_001).text(|raw| &mut raw.account, *b"phys\xff");
    assert_eq!(request(&sample.desc()), Err(Unjudged::Text(BadText::NotUtf8("account"))));
    let sample = Sample::sbatch(70_001).text(|raw| &mut raw.partition, vec![b'p'; 5_000]);
    assert_eq!(request(&sample.desc()), Err(Unjudged::Text(BadText::TooLong("partition list", 4_096))));
}

#[test]
fn given_a_job_that_would_expand_another_then_it_cannot_be_judged() {
    for dependency in ["expand:17", "afterok:3,Expand:17"] {
        let sample = Sample::sbatch(70_001).text(|raw| &mut raw.dependency, dependency);
        assert_eq!(request(&sample.desc()), Err(Unjudged::Expands));
    }
    let sample = Sample::sbatch(70_001).text(|raw| &mut raw.dependency, "afterok:17");
    assert!(request(&sample.desc()).is_ok());
}

fn update() -> Sample {
    Sample::untouched().text(|raw| &mut raw.job_id_str, "12_[2-3]")
}

#[test]
fn given_an_update_of_nothing_that_counts_then_the_edit_raises_nothing() {
    for sample in [
        update(),
        update().with(|raw| raw.priority = 0),
        update().with(|raw| raw.shared = 1),
        update().text(|raw| &mut raw.comment, "x"),
    ] {
        let mut number = String::new();
        let edit = edit(&sample.desc(), &mut number).unwrap();
        assert!(!edit.may_raise(), "{edit:?}");
        assert_eq!(edit.job, "12_[2-3]");
    }
}

#[test]
fn given_a_release_then_it_is_told_from_every_other_priority() {
    let released = |priority| {
        let mut number = String::new();
        let sample = update().with(|raw| raw.priority = priority);
        edit(&sample.desc(), &mut number).map(|edit| (edit.releases, edit.only_releases()))
    };
    assert_eq!(released(0xffff_ffff), Ok((true, true)));
    assert_eq!([released(0), released(7), released(0xffff_fffe)], [const { Ok((false, false)) }; 3]);
}

#[test]
fn given_an_update_of_anything_that_counts_then_the_edit_may_raise() {
    type Change = fn(&mut job_desc_msg_t);
    let changes: [(&str, Change); 22] = [
        ("time_limit", |raw| raw.time_limit = 20),
        ("begin_time", |raw| raw.begin_time = 5),
        ("min_cpus", |raw| raw.min_cpus = 8),
        ("max_cpus", |raw| raw.max_cpus = 8),
        ("min_nodes", |raw| raw.min_nodes = 4),
        ("max_nodes", |raw| raw.max_nodes = 4),
        ("num_tasks", |raw| raw.num_tasks = 4),
        ("cpus_per_task", |raw| raw.cpus_per_task = 4),
        ("pn_min_cpus", |raw| raw.pn_min_cpus = 4),
        ("pn_min_memory", |raw| raw.pn_min_memory = 0),
        ("shared", |raw| raw.shared = 0),
        ("core_spec", |raw| raw.core_spec = 1),
        ("reboot", |raw| raw.reboot = 1),
        ("threads_per_core", |raw| raw.threads_per_core = 1),
        ("ntasks_per_core", |raw| raw.ntasks_per_core = 1),
        ("ntasks_per_node", |raw| raw.ntasks_per_node = 4),
        ("ntasks_per_socket", |raw| raw.ntasks_per_socket = 4),
        ("ntasks_per_board", |raw| raw.ntasks_per_board = 4),
        ("ntasks_per_tres", |raw| raw.ntasks_per_tres = 4),
        ("sockets_per_node", |raw| raw.sockets_per_node = 4),
        ("cores_per_socket", |raw| raw.cores_per_socket = 4),
        ("boards_per_node", |raw| raw.boards_per_node = 4),
    ];
    for (name, change) in changes {
        let mut number = String::new();
        assert!(edit(&update().with(change).desc(), &mut number).unwrap().may_raise(), "{name}");
    }
    type Field = fn(&mut job_desc_msg_t) -> &mut *mut std::ffi::c_char;
    let fields: [(&str, Field, &str); 10] = [
        ("qos", |raw| &mut raw.qos, "high"),
        ("wckey", |raw| &mut raw.wckey, "cc-2"),
        ("account", |raw| &mut raw.account, "other"),
        ("partition", |raw| &mut raw.partition, "long"),
        ("req_nodes", |raw| &mut raw.req_nodes, "n[1-4]"),
        ("features", |raw| &mut raw.features, "a*4"),
        ("tres_per_job", |raw| &mut raw.tres_per_job, "gres:gpu:4"),
        ("tres_per_node", |raw| &mut raw.tres_per_node, "gres:gpu:4"),
        ("tres_per_task", |raw| &mut raw.tres_per_task, "gres:gpu:4"),
        ("cpus_per_tres", |raw| &mut raw.cpus_per_tres, "gres:gpu:4"),
    ];
    for (name, field, text) in fields {
        let mut number = String::new();
        assert!(edit(&update().text(field, text).desc(), &mut number).unwrap().may_raise(), "{name}");
    }
}

#[test]
fn given_an_update_by_number_then_the_edit_names_the_job_in_text() {
    let mut number = String::new();
    let sample = Sample::untouched();
    assert_eq!(edit(&sample.desc(), &mut number), Err(Unjudged::NoJob));
    #[cfg(not(slurm_step_id))]
    let sample = sample.with(|raw| raw.job_id = 4_711);
    #[cfg(slurm_step_id)]
    let sample = sample.with(|raw| raw.step_id.job_id = 4_711);
    let mut number = String::new();
    assert_eq!(edit(&sample.desc(), &mut number).unwrap().job, "4711");
}

#[test]
fn given_cpus_per_task_as_newer_clients_write_them_then_they_are_a_number_and_nothing_is_open_ended() {
    // `-c 3`, `--tres-per-task=cpu:4`, and `-c2 --gpus-per-task=1`, as 24.11.5 and 26.05.5 write them.
    let read = |text: &str, given: u16| {
        let sample = Sample::sbatch(70_001).text(|raw| &mut raw.tres_per_task, text).with(|raw| {
            raw.num_tasks = 2;
            raw.cpus_per_task = given;
        });
        let request = request(&sample.desc()).unwrap();
        (request.shape.cpus_per_task, request.gpus.per_task.map(str::to_owned), request.shape.open_ended)
    };
    assert_eq!(read("cpu=3", 3), (Some(3), None, false));
    assert_eq!(read("cpu:4", NO_VAL16), (Some(4), None, false));
    let both = "cpu=2,gres/gpu=1";
    assert_eq!(read(both, 2), (Some(2), Some(both.to_owned()), false));
    assert_eq!(read("cpu=many", 1).0, Some(u32::MAX));

    let alone = Sample::sbatch(70_001).text(|raw| &mut raw.tres_per_task, "cpu=3").with(|raw| raw.cpus_per_task = 3);
    let shape = request(&alone.desc()).unwrap().shape;
    assert_eq!((shape.cpus_per_task, shape.tasks, shape.open_ended), (Some(3), None, false));
}

#[test]
fn given_flags_that_a_client_forges_then_nothing_of_the_job_is_overlooked() {
    // Among them is the one that slurmctld puts on jobs of scrontab.
    let (plain, flagged) = (Sample::sbatch(70_001), Sample::sbatch(70_001).with(|raw| raw.bitflags = u64::MAX));
    let (plain, flagged) = (plain.desc(), flagged.desc());
    assert_eq!(request(&flagged), request(&plain));
}
