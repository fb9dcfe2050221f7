//! Median, 99 % and the slowest of tens of thousands of decisions, also while snapshots arrive and after bursard
//! has stopped, at 10,000 people, 1,000 accounts and 100,000 jobs in flight.
//!
//! Run by `make bench` as a plain program. On a busy machine a thread waits for a processor for milliseconds at a time;
//! the slowest call is told with and without such waiting, and a loop that decides nothing stands beside.

#[allow(dead_code, reason = "shared with the other benchmark")]
mod large;

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use bursar_policy::job::{Answer, Gate, Request};
use bursar_policy::snapshot::{Kind, RecentJob};
use bursar_policy::{NodeConf, Timestamp};
use large::{FIRST_UID, Folder, NOW, PEOPLE, contents, owner, request};

/// Submissions of a run.
const CALLS: u32 = 20_000;
/// Submissions between two snapshots; they come a thousand to the second by the clock that the gate is told.
const BATCH: u32 = 2_000;
/// Between two submissions of all: slurmctld takes longer for what it does with a job.
const PACE: Duration = Duration::from_millis(1);
/// The pause of the plugin's loader.
const PAUSE: Duration = Duration::from_millis(20);

/// A call of more nanoseconds than this is looked at more closely.
const SLOW: u64 = 50_000;

/// The calls of a run.
#[derive(Default)]
struct Calls {
    /// Nanoseconds by the clock.
    spans: Vec<u64>,
    /// Of the slow ones, nanoseconds without those in which the thread could run and no processor was free.
    slow: Vec<u64>,
    /// Nanoseconds that the thread had waited for a processor until the last slow call.
    waited: u64,
}

/// Nanoseconds that this thread could have run and no processor was free.
fn waited() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|field| field.parse().ok()).unwrap_or_default()
}

impl Calls {
    fn timed(&mut self, call: impl FnOnce()) {
        let begun = Instant::now();
        call();
        let span = begun.elapsed().as_nanos() as u64;
        if span > SLOW {
            let waited = waited();
            self.slow.push(span.saturating_sub(waited - self.waited));
            self.waited = waited;
        }
        self.spans.push(span);
    }

    fn print(mut self, what: &str) {
        self.spans.sort_unstable();
        let at = |thousandths: usize| {
            self.spans.get((self.spans.len() * thousandths / 1_000).min(self.spans.len() - 1)).copied().unwrap_or(0)
        };
        let micros = |nanoseconds: u64| format!("{}.{:02}", nanoseconds / 1_000, nanoseconds % 1_000 / 10);
        println!(
            "{what:44} {:>8} {:>8} {:>8} {:>10} {:>10} {:>6}",
            micros(at(500)),
            micros(at(990)),
            micros(at(999)),
            micros(at(1_000)),
            self.slow.iter().max().map_or_else(|| micros(at(1_000)), |span| micros(*span)),
            self.slow.len()
        );
    }
}

/// What is going on.
#[derive(Clone, Copy)]
struct Load {
    submitters: u32,
    /// Whether snapshots come that show what was booked; else bursard has stopped.
    agent: bool,
    /// Whether there is no pause between submissions.
    in_a_row: bool,
}

/// Runs submitters and a loader on one gate, and perhaps an agent.
fn run(what: &str, load: Load) {
    let folder = Folder::new();
    let first = contents(Kind::Controller, 100_000);
    let path: PathBuf = folder.publish(&first);
    let conf = NodeConf { publisher_uid: Some(owner(&path)), controller_snapshot: path, ..NodeConf::default() };
    let gate = Gate::new(conf, Timestamp(0)).refreshed_by_others();
    gate.refresh(NOW, &mut |_, _| ());
    let ends = AtomicBool::new(false);
    let clock = AtomicI64::new(NOW.0);
    let (submitted, listed) = mpsc::channel::<(Timestamp, Vec<RecentJob>)>();
    let calls = thread::scope(|scope| {
        let (gate, ends, clock, folder) = (&gate, &ends, &clock, &folder);
        scope.spawn(move || {
            while !ends.load(Ordering::Acquire) {
                gate.refresh(Timestamp(clock.load(Ordering::Acquire)), &mut |_, line| panic!("{line}"));
                thread::sleep(PAUSE);
            }
        });
        scope.spawn(move || {
            let mut next = first;
            let mut id = 1_000_000;
            for (now, jobs) in listed {
                next.header.generation += 1;
                next.header.as_of = now;
                next.recent = jobs;
                for job in &mut next.recent {
                    id += 1;
                    job.job_id = id;
                }
                folder.publish(&next);
            }
        });
        let running: Vec<_> = (0..load.submitters)
            .map(|own| {
                let submitted = submitted.clone();
                scope.spawn(move || submit(gate, own, load, clock, &submitted))
            })
            .collect();
        drop(submitted);
        let ended: Vec<_> = running.into_iter().map(|thread| thread.join()).collect();
        ends.store(true, Ordering::Release);
        let mut all = Calls::default();
        for calls in ended.into_iter().map(|calls| calls.expect("a submitter ends")) {
            all.spans.extend(calls.spans);
            all.slow.extend(calls.slow);
        }
        all
    });
    calls.print(what);
}

fn submit(
    gate: &Gate,
    own: u32,
    load: Load,
    clock: &AtomicI64,
    submitted: &Sender<(Timestamp, Vec<RecentJob>)>,
) -> Calls {
    let mut calls = Calls { waited: waited(), ..Calls::default() };
    let mut jobs = Vec::new();
    for n in 0..CALLS / load.submitters {
        let person = (n * 7 + own) % PEOPLE;
        let request = Request { uid: FIRST_UID + person, account: None, ..request(60, "") };
        let now = NOW.plus(u64::from(n * load.submitters / 1_000));
        clock.fetch_max(now.0, Ordering::AcqRel);
        if !load.in_a_row {
            thread::sleep(PACE * load.submitters);
        }
        let mut admitted = false;
        calls.timed(|| {
            let answer = gate.submit(black_box(&request), now, &mut |_, line| panic!("{line}"));
            admitted = matches!(answer, Answer::Admit { .. });
        });
        assert!(admitted, "submission {n} was refused");
        jobs.push(RecentJob { job_id: 0, uid: request.uid, account: Some(100 + person % 900), submitted: now });
        if jobs.len() as u32 * load.submitters == BATCH {
            let jobs = std::mem::take(&mut jobs);
            if load.agent {
                submitted.send((now, jobs)).expect("somebody publishes");
            }
        }
    }
    calls
}

fn main() {
    println!(
        "{:44} {:>8} {:>8} {:>8} {:>10} {:>10} {:>6}",
        "microseconds", "median", "99 %", "99.9 %", "slowest", "on a CPU", "> 50"
    );
    let control = || {
        let mut calls = Calls { waited: waited(), ..Calls::default() };
        (0..CALLS).for_each(|n| calls.timed(|| (0..500_u32).map(|m| black_box(n ^ m)).fold((), |(), _| ())));
        calls.print("a loop that decides nothing");
    };
    control();
    for submitters in [1, 8] {
        for (agent, words) in [(false, "bursard stopped"), (true, "snapshots arrive")] {
            let what = format!("{submitters} at once, 1,000/s, {words}");
            run(&what, Load { submitters, agent, in_a_row: false });
        }
    }
    run("1 submitter without a pause, bursard stopped", Load { submitters: 1, agent: false, in_a_row: true });
    control();
}
