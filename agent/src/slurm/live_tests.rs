//! Recorded squeue 22.05.8 lines of every shape that was tried.

use super::*;

const RUNNING: &str = "2|2|N/A|N/A|N/A|1001|lasers|main|normal|RUNNING|1795321627|1795321627|1795321627|1795323427|\
    30:00|0:26|4|1|3|1|1|3|500M|OK|N/A|0|*|cpu=4,mem=2000M,node=1,billing=4|0|1|";
const REST: &str = "28|28|1-1000:3|N/A|N/A|1002|lasers|main|normal|PENDING|1795321803|N/A|N/A|N/A|UNLIMITED|0:00|1|1|\
    1|1|1|1|500M|USER|N/A|0|*|cpu=1,mem=500M,node=1,billing=1|0|1|";
const TASK: &str = "17|3|1|N/A|N/A|1001|chem|main|normal|RUNNING|1795321627|1795321627|1795321627|1795321927|5:00|\
    0:26|2|1|1|1|1|1|500M|OK|N/A|0|*|cpu=2,mem=1000M,node=1,billing=2|0|1|";
const HET: &str = "12|12|N/A|11|1|1002|lasers|main|normal|RUNNING|1795321627|1795321627|1795321627|1795321747|2:00|\
    0:26|2|2|1|1|1|1|500M|OK|N/A|0|*|cpu=2,mem=1000M,node=1,billing=2|0|1|";
const RANGE: &str = "5|5|N/A|N/A|N/A|1002|lasers|main|normal|PENDING|1795321627|N/A|N/A|N/A|UNLIMITED|0:00|1|2|1|2|3|1|\
    500M|OK|N/A|0|*|cpu=1,mem=500M,node=2,billing=1|0|1|";
const GUESSED: &str = "15|15|N/A|N/A|N/A|1002|lasers|excl|normal|PENDING|1795321627|1795321627|1826857627|1826944027|\
    1-00:00:00|0:00|1|1|1|1|1|1|1000M|NO|N/A|0|*|cpu=1,mem=1000M,node=1,billing=1|0|1|";
const MANY: &str = "7|7|N/A|N/A|N/A|1002|lasers|short,main|normal|PENDING|1795321627|N/A|N/A|N/A|UNLIMITED|0:00|9|3|3|2|\
    2|3|700M|OK|N/A|0|1|cpu=9,mem=6300M,node=1,billing=9|0|1|";
const UNLIMITED: &str = "1|1|N/A|N/A|N/A|1001|lasers|main|normal|RUNNING|1795321627|1795321627|1795321627|NONE|\
    UNLIMITED|0:26|2|1|1|1|1|1|500M|OK|N/A|0|*|cpu=2,mem=1000M,node=1,billing=2|0|1|";
const GPUS: &str = "10|10|N/A|N/A|N/A|1002|lasers|main|normal|PENDING|1795321627|N/A|N/A|N/A|UNLIMITED|0:00|2|2|1|1|1|5|\
    0|OK|1|2|*|cpu=2,mem=16000M,node=1,billing=2,gres/gpu=2,gres/gpu:a100=2|0|0|";

/// Reads a line of a squeue before 26.05.
fn parse(line: &str) -> Result<LiveJob, &'static str> {
    super::parse(line, SharingColumn::OverSubscribe)
}

#[test]
fn given_recorded_lines_then_phase_times_and_shape_are_read() {
    let job = parse(RUNNING).unwrap();
    assert_eq!(
        (job.phase, job.start, job.end),
        (Phase::Holding, Some(Timestamp(1_795_321_627)), Some(Timestamp(1_795_323_427)))
    );
    assert_eq!((job.time_limit, job.used, job.cpus, job.cpus_per_task), (TimeLimit::Seconds(1_800), 26, 4, 3));
    let job = parse(RANGE).unwrap();
    assert_eq!((job.phase, job.nodes, job.max_nodes, job.cpus), (Phase::Waiting, 2, 3, 1));
    let job = parse(GUESSED).unwrap();
    assert_eq!((job.start, job.end, job.sharing), (None, None, Sharing::WholeNodes));
    let job = parse(UNLIMITED).unwrap();
    assert_eq!((job.end, job.time_limit), (None, TimeLimit::Unlimited));
    let job = parse(MANY).unwrap();
    assert_eq!(
        (job.partitions.as_slice(), job.threads_per_core),
        (&["short".to_owned(), "main".to_owned()][..], Some(1))
    );
    let job = parse(GPUS).unwrap();
    assert_eq!(
        (job.tres["gres/gpu"], job.tasks_per_node, job.tasks_per_core, job.requeue),
        (2, Some(2), Some(1), false)
    );
    assert_eq!(parse(&RUNNING.replace("RUNNING", "SUSPENDED")).unwrap().phase, Phase::Suspended);
    assert_eq!(parse(HET).unwrap().het, Some((11, 1)));
}

#[test]
fn given_arrays_then_the_rest_is_counted_and_a_task_is_one() {
    let rest = parse(REST).unwrap();
    assert_eq!(rest.array, ArrayPart::Rest { job: 28, tasks: "1-1000:3".into(), count: 334 });
    assert_eq!((rest.run_count(), rest.sharing), (334, Sharing::OwnersNodes));
    assert_eq!(parse(TASK).unwrap().array, ArrayPart::Task { job: 3, task: 1 });
    assert_eq!(parse(&REST.replace("1-1000:3", "7")).unwrap().run_count(), 1);
    for (text, count) in
        [("5", 1), ("1-50%7", 50), ("5,7,9-11%2", 5), ("0-10:3,99", 5), ("0-4294967294", 4_294_967_295)]
    {
        assert_eq!(array_task_count(text), Some(count), "{text}");
    }
    for text in ["", "1-", "5-3", "1-9:0", "5,7,...", "0-4294967295,7", "a"] {
        assert_eq!(array_task_count(text), None, "{text}");
    }
}

#[test]
fn given_a_bad_line_then_the_field_is_named() {
    for (line, field) in [
        (RUNNING.replace("RUNNING", "DANCING"), "State"),
        (RUNNING.replacen("1795321627", "N/A", 1), "SubmitTime"),
        (RUNNING.replace("30:00", "soon"), "TimeLimit"),
        (RUNNING.replace("OK", "PERHAPS"), "OverSubscribe"),
        (REST.replace("1-1000:3", "1,3,5,..."), "ArrayTaskID"),
        (format!("{RUNNING}x|"), "field count"),
        ("d".to_owned(), "field count"),
    ] {
        assert_eq!(parse(&line), Err(field), "{line}");
    }
}

proptest::proptest! {
    #[test]
    fn given_any_line_then_reading_it_does_not_panic(line in "[0-9a-zA-Z|=,:%_/ -]{0,300}") {
        let _ = parse(&line);
    }
}

/// Lines of 24.11.5 and 26.05.5 for the same request: its words, the lines, and what is to be read.
const NEWER: &[(&str, &str, &str, Sharing)] = &[
    (
        "-p main",
        "1|1|N/A|N/A|N/A|0|root|main|normal|RUNNING|1795530944|1795530947|1795530947|1795531547|10:00|0:00|1|1|1|\
         1|1|1|100M|OK|N/A|0|*|cpu=1,mem=100M,node=1,billing=1|0|1|",
        "1|1|N/A|N/A|N/A|0|root|main|normal|RUNNING|1795530812|1795530815|1795530815|1795531415|10:00|0:00|1|1|1|\
         1|1|1|100M|NO|N/A|0|*|cpu=1,mem=100M,node=1,billing=1|0|1|",
        Sharing::Normal,
    ),
    (
        "--exclusive, waiting",
        "2|2|N/A|N/A|N/A|0|root|main|normal|PENDING|1795530947|N/A|N/A|N/A|10:00|0:00|1|1|1|1|1|1|100M|NO|N/A|0|\
         *|cpu=1,mem=100M,node=1,billing=1|0|1|",
        "2|2|N/A|N/A|N/A|0|root|main|normal|PENDING|1795530815|N/A|N/A|N/A|10:00|0:00|1|1|1|1|1|1|100M|NODE|N/A|\
         0|*|cpu=1,mem=100M,node=1,billing=1|0|1|",
        Sharing::WholeNodes,
    ),
    (
        "--exclusive, running",
        "2|2|N/A|N/A|N/A|0|root|main|normal|RUNNING|1795530947|1795530947|1795530947|1795531547|10:00|0:00|8|1|1|\
         1|1|1|100M|NO|N/A|0|*|cpu=8,mem=800M,node=1,billing=8|0|1|",
        "2|2|N/A|N/A|N/A|0|root|main|normal|RUNNING|1795530815|1795530815|1795530815|1795531415|10:00|0:00|8|1|1|\
         1|1|1|100M|NODE|N/A|0|*|cpu=8,mem=800M,node=1,billing=8|0|1|",
        Sharing::WholeNodes,
    ),
    (
        "--exclusive=topo, waiting",
        "4|4|N/A|N/A|N/A|0|root|main|normal|PENDING|1795530947|N/A|N/A|N/A|10:00|0:00|1|1|1|1|1|1|100M|TOPO|N/A|\
         0|*|cpu=1,mem=100M,node=1,billing=1|0|1|",
        "4|4|N/A|N/A|N/A|0|root|main|normal|PENDING|1795530815|N/A|N/A|N/A|10:00|0:00|1|1|1|1|1|1|100M|TOPO|N/A|\
         0|*|cpu=1,mem=100M,node=1,billing=1|0|1|",
        Sharing::WholeNodes,
    ),
    (
        "-p xuser, which has ExclusiveUser=YES",
        "6|6|N/A|N/A|N/A|0|root|xuser|normal|RUNNING|1795530947|1795530947|1795530947|NONE|UNLIMITED|0:00|1|1|1|\
         1|1|1|0|USER|N/A|0|*|cpu=1,mem=250G,node=1,billing=1|0|1|",
        "6|6|N/A|N/A|N/A|0|root|xuser|normal|RUNNING|1795530815|1795530815|1795530815|NONE|UNLIMITED|0:01|1|1|1|\
         1|1|1|0|USER|N/A|0|*|cpu=1,mem=250G,node=1,billing=1|0|1|",
        Sharing::OwnersNodes,
    ),
];

#[test]
fn given_the_same_requests_on_24_11_and_26_05_then_whole_nodes_are_told_by_the_field_that_has_them() {
    for (request, older, newer, sharing) in NEWER {
        let older = super::parse(older, SharingColumn::of_version("slurm-wlm 24.11.5\n")).unwrap();
        let newer = super::parse(newer, SharingColumn::of_version("slurm-wlm 26.05.5\n")).unwrap();
        assert_eq!((older.sharing, newer.sharing), (*sharing, *sharing), "{request}");
        let shape = |job: &LiveJob| (job.phase, job.cpus, job.nodes, job.time_limit, job.tres.clone());
        assert_eq!(shape(&older), shape(&newer), "{request}");
    }
    assert_eq!(SharingColumn::of_version("slurm 25.11.7"), SharingColumn::OverSubscribe);
    assert_eq!(SharingColumn::of_version("slurm devel"), SharingColumn::OverSubscribe);
    // What one field says must never be read as the other's.
    assert_eq!(SharingColumn::Exclusive.sharing("OK"), None);
    assert_eq!(SharingColumn::OverSubscribe.sharing("NODE"), None);
}
