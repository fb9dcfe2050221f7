//! Job descriptions of any content, submitted and changed one after the other, judged by the plugin itself.
//!
//! Whatever comes: no panic, no answer that makes a client try again, no hold-up, nobody in who may not be, and every
//! refusal in two or three clean lines.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use bursar_fuzz::script::{self, Script, Step};
use bursar_fuzz::world::{NOW, Published, SUBMITTERS};
use bursar_fuzz::{seeds, world};
use bursar_policy::Timestamp;
use job_submit_bursar::fuzzing::{Description, NUMBERS, RETRIED, SLURM_UID, Subject, TEXTS, Told};
use libfuzzer_sys::fuzz_target;
use nix::time::{ClockId, clock_gettime};

/// As many calls are made of one input: bookings of the first meet the last.
const MOST_CALLS: usize = 16;
/// Of the processor's time, with coverage and all checks on, for the largest texts that there can be.
const MOST_TIME: Duration = Duration::from_millis(100);
const MOST_TEXT: usize = 1_000;

fuzz_target!(
    init: seeds::write("job_description", &first()),
    |bytes: &[u8]| {
        static PUBLISHED: OnceLock<(PathBuf, u32)> = OnceLock::new();
        let (path, owner) = PUBLISHED.get_or_init(|| {
            let Published { controller, owner } = Published::new();
            (controller, owner)
        });
        // slurmctld has been running for a while, or has just been started.
        let started_at = if bytes.first() == Some(&0) { NOW } else { 0 };
        play(&Subject::new(path.clone(), *owner, Timestamp(started_at)), bytes);
    }
);

fn play(subject: &Subject, bytes: &[u8]) {
    let (mut now, mut calls) = (NOW, 0);
    let (mut description, mut owner) = begun();
    subject.refresh(Timestamp(now));
    for step in script::read(bytes) {
        match step {
            Step::Number(field, value) => {
                let field = usize::from(field) % NUMBERS.len();
                description.set_number(field, value);
                if NUMBERS[field] == "user_id" {
                    owner = value as u32;
                }
            }
            Step::Text(field, text) => description.set_text(usize::from(field) % TEXTS.len(), text.as_deref()),
            Step::Submit => {
                let told = timed(|| subject.submit(&mut description, Timestamp(now)));
                check(&told);
                let may = SUBMITTERS.contains(&owner) || [0, SLURM_UID].contains(&owner);
                assert!(told.rc != 0 || may, "uid {owner} was let in");
                calls += 1;
            }
            Step::Modify(editor) => {
                check(&timed(|| subject.modify(&mut description, editor, Timestamp(now))));
                calls += 1;
            }
            Step::Wait(seconds) => now = now.saturating_add(seconds).min(1 << 41),
            Step::Begin => {
                subject.refresh(Timestamp(now));
                (description, owner) = begun();
            }
        }
        if calls == MOST_CALLS {
            return;
        }
    }
}

/// A bare job of somebody who may have one.
fn begun() -> (Description, u32) {
    let mut description = Description::default();
    let [owner, ..] = SUBMITTERS;
    for (field, name) in NUMBERS.iter().enumerate() {
        match *name {
            "user_id" => description.set_number(field, owner.into()),
            "min_cpus" => description.set_number(field, 1),
            _ => {}
        }
    }
    (description, owner)
}

/// The time of the processor counts, since a busy machine may keep any call waiting.
fn timed(call: impl FnOnce() -> Told) -> Told {
    let clock = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default();
    let start = clock();
    let told = call();
    let took = clock().saturating_sub(start);
    assert!(took < MOST_TIME, "one call took {took:?}");
    told
}

fn check(told: &Told) {
    assert!(!RETRIED.contains(&told.rc.into()), "a client that is told {} tries again", told.rc);
    let text = told.text.as_deref().unwrap_or_default();
    assert!(text.len() <= MOST_TEXT && text.lines().count() <= 3, "{} bytes: {text:?}", text.len());
    assert!(!text.lines().any(|line| line.is_empty() || line.chars().any(char::is_control)), "{text:?}");
    if told.rc != 0 {
        assert!(!told.is_written, "a refused job was changed");
        let last = text.lines().last().unwrap_or_default();
        assert!(text.lines().count() >= 2 && last.starts_with("BSR-"), "{} without a reason: {text:?}", told.rc);
    }
}

/// Jobs as people submit and change them.
fn first() -> Vec<Vec<u8>> {
    let number = |name| NUMBERS.iter().position(|field| *field == name).expect("a number of that name");
    let text = |name| TEXTS.iter().position(|field| *field == name).expect("a text of that name");
    let job = |uid: u32| Script::default().number(number("user_id"), uid.into()).number(number("min_cpus"), 1);
    let update = |id: &str| Script::default().text(text("job_id_str"), id);
    let mut all: Vec<Script> = [70_001, 70_002, 70_003, 70_004, 70_005, 70_006, 0, SLURM_UID, 5]
        .map(|uid| job(uid).number(number("time_limit"), 60).submit().submit())
        .into();
    all.extend([
        job(70_001).text(text("account"), "physics").text(text("partition"), "gpu,main").submit(),
        job(70_001).text(text("array_inx"), "1-1000:2%5").number(number("time_limit"), 1).submit().wait(60).submit(),
        job(70_002).text(text("tres_per_node"), "gres:gpu:a100:2").text(text("partition"), "gpu").submit(),
        job(70_002).text(text("tres_per_task"), "gres/gpu=1,cpu=3").number(number("num_tasks"), 4).submit(),
        job(70_002).text(text("tres_per_job"), "gres:gpu:8").text(text("cpus_per_tres"), "gres:gpu:4").submit(),
        job(70_002).text(text("mem_per_tres"), "gres:gpu:4096").text(text("tres_per_socket"), "gres:gpu").submit(),
        job(70_001).text(text("qos"), "high,low").text(text("wckey"), "cc-2").number(number("time_limit"), 5).submit(),
        job(70_006).text(text("partition"), "fast").number(number("begin_time"), (NOW + world::DAY) as u64).submit(),
        job(70_001).text(text("dependency"), "expand:1").submit(),
        job(70_001).text(text("req_nodes"), "n[1-4],x[00-99]").text(text("features"), "a*2&b").submit(),
        job(70_001).number(number("pn_min_memory"), 1 << 63 | 1_000).number(number("shared"), 0).submit(),
        job(70_003)
            .text(text("prefer"), "a*4")
            .number(number("ntasks_per_core"), 1)
            .number(number("reboot"), 1)
            .submit(),
        update("1").number(number("time_limit"), 2_880).modify(70_001),
        update("9_[1-5]").number(number("min_cpus"), 4).modify(70_001).modify(0),
        update("5").number(number("priority"), 0xffff_ffff).text(text("partition"), "gpu").modify(70_002),
        update("6").text(text("tres_per_node"), "gres:gpu:4").modify(70_003),
        update("7").text(text("qos"), "high").text(text("account"), "science").modify(70_001),
        Script::default().number(number("job_id"), 1).number(number("begin_time"), NOW as u64).modify(70_001),
    ]);
    all.into_iter().map(Script::bytes).collect()
}
