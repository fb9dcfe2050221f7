//! However usage is cut and ordered, its parts add up to the whole.

use bursar_agent::accounting::flight::{LiveJob, Stage};
use bursar_agent::accounting::measure::{Measure, Measures, Stint};
use bursar_agent::report::usage::{By, Line, Used, in_tree, lines, so_far};
use bursar_agent::store::runs::Run;
use bursar_policy::{Period, Timestamp};
use proptest::prelude::*;

use super::world;

const NOW: Timestamp = Timestamp(100_000);
const ACCOUNTS: [&str; 5] = ["science", "physics", "laser", "chemistry", "foreign"];
const PEOPLE: [&str; 3] = ["ana", "ben", "olaf"];

/// laser below physics below science; chemistry below science; foreign is not known.
fn parent(account: &str) -> Option<&'static str> {
    match account {
        "laser" => Some("physics"),
        "physics" | "chemistry" => Some("science"),
        _ => None,
    }
}

prop_compose! {
    fn a_run()(
        jobid in 1..40_u32,
        who in 0..PEOPLE.len(),
        account in 0..ACCOUNTS.len(),
        start in -60_000..0_i64,
        length in 0..40_000_i64,
        suspended in 0..20_000_u64,
        cpus in 1..9_u64,
    ) -> Run {
        let end = (start + length).min(0);
        Run {
            suspended_s: suspended,
            alloc_cpus: cpus,
            ..world::run(NOW, jobid, PEOPLE[who], ACCOUNTS[account], start, Some(end))
        }
    }
}

prop_compose! {
    fn a_job()(job_id in 30..60_u32, account in 0..ACCOUNTS.len(), since in 0..60_000_i64, waits: bool) -> LiveJob {
        let job = world::live(NOW, job_id, world::ANA, ACCOUNTS[account], Some(since));
        if waits { LiveJob { stage: Stage::Waiting, held: Vec::new(), ..job } } else { job }
    }
}

/// What a person's runs and jobs on an account used of the period.
fn used(account: &str, user: &str, measures: Measures, provisional: bool) -> Used {
    Used {
        stretch: 0,
        cluster: "lab".to_owned(),
        account: account.to_owned(),
        cost_centre: String::new(),
        user: user.to_owned(),
        partition: "main".to_owned(),
        qos: "normal".to_owned(),
        measures,
        provisional,
    }
}

fn flat(runs: &[Run], jobs: &[LiveJob], period: &Period) -> Vec<Line> {
    let settled =
        runs.iter().filter_map(|run| Some(used(&run.account, &run.user_name, Stint::of(run)?.within(period), false)));
    let live = jobs.iter().filter_map(|job| Some(used(&job.account, "ana", so_far(job, NOW)?.within(period), true)));
    lines(&settled.chain(live).collect::<Vec<_>>(), &[By::Account, By::User])
}

fn sum<'a>(lines: impl IntoIterator<Item = &'a Line>) -> (u64, u64, u64) {
    lines.into_iter().fold((0, 0, 0), |(runs, all, open), line| {
        (runs + line.measures.count(Measure::Runs), all + line.measures.count(Measure::Cpu), open + line.in_flight)
    })
}

proptest! {
    #[test]
    fn given_any_runs_then_the_lines_add_up_to_the_runs_and_the_tree_to_the_lines(
        runs in prop::collection::vec(a_run(), 0..20),
        jobs in prop::collection::vec(a_job(), 0..10),
    ) {
        let period = Period { start: Timestamp(NOW.0 - 30_000), end: NOW };
        let flat = flat(&runs, &jobs, &period);
        let settled: u64 = runs.iter().map(|run| run.cpu_seconds(&period, NOW)).sum();
        let (_, all, open) = sum(&flat);
        prop_assert_eq!(all - open, settled);
        let tree = in_tree(&flat, parent);
        let people: Vec<&Line> = tree.iter().filter(|line| line.user.is_some()).collect();
        prop_assert_eq!(people.len(), flat.len());
        prop_assert_eq!(sum(people.iter().copied()), sum(&flat));
        let name = |line: &Line| line.account.as_deref().map(|name| *ACCOUNTS.iter().find(|known| **known == name).unwrap());
        let tops = tree.iter().filter(|line| line.user.is_none() && line.depth == 0);
        prop_assert_eq!(sum(tops), sum(&flat));
        for account in tree.iter().filter(|line| line.user.is_none()) {
            let own = people.iter().filter(|line| line.account == account.account).copied();
            let below = tree.iter().filter(|l| l.user.is_none() && name(l).and_then(parent) == name(account));
            prop_assert_eq!(sum([account]), sum(own.chain(below)), "{:?}", account.account);
        }
    }

    #[test]
    fn given_any_cut_then_the_two_parts_add_up_to_the_whole(
        runs in prop::collection::vec(a_run(), 0..20),
        jobs in prop::collection::vec(a_job(), 0..10),
        cut in -50_000..0_i64,
    ) {
        let (start, cut) = (Timestamp(NOW.0 - 50_000), Timestamp(NOW.0 + cut));
        let part = |start, end| sum(&flat(&runs, &jobs, &Period { start, end }));
        let (first, second, whole) = (part(start, cut), part(cut, NOW), part(start, NOW));
        prop_assert_eq!((first.1 + second.1, first.2 + second.2), (whole.1, whole.2));
    }
}
