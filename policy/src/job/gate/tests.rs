//! Snapshots that come, go bad and fall behind, and answers from several threads, through the gate.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::fixture::{NOW, contents, cpu_hours_a_day, live_job, request};
use crate::job::TimeLimit;
use crate::reason::{Counted, Within};
use crate::snapshot::encode;
use crate::time::PeriodKind;

const HOUR: u64 = 3_600;

fn conf(directory: &std::path::Path) -> NodeConf {
    NodeConf {
        controller_snapshot: directory.join("controller.snap"),
        publisher_uid: Some(std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(directory).unwrap())),
        ..NodeConf::default()
    }
}

/// A gate on a directory of its own, and a way to publish into it.
struct Post {
    directory: std::path::PathBuf,
    gate: Gate,
}

impl Post {
    fn conf(&self) -> NodeConf {
        conf(&self.directory)
    }

    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("bursar-gate-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let gate = Gate::new(conf(&directory), Timestamp(NOW.0 - 3_600));
        Self { directory, gate }
    }

    fn publish(&self, bytes: &[u8]) {
        let path = self.directory.join("new");
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::fs::rename(path, self.directory.join("controller.snap")).unwrap();
    }

    fn submit(&self, log: &mut Vec<String>) -> Option<Code> {
        match self.gate.submit(&request(60), NOW, &mut |_, line| log.push(line.to_owned())) {
            Answer::Admit { .. } => None,
            Answer::Refuse { code, .. } => Some(code),
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn given_a_start_after_the_last_list_then_jobs_wait_for_a_later_one_but_not_for_ever() {
    let mut post = Post::new("starting");
    let mut log = Vec::new();
    post.publish(&encode(&contents()).unwrap());
    assert_eq!(post.submit(&mut log), None);
    let conf = post.conf();
    post.gate = Gate::new(conf.clone(), NOW);
    assert_eq!(post.submit(&mut log), Some(Code::Starting));
    post.gate = Gate::new(conf.clone(), Timestamp(NOW.0 - 30));
    assert_eq!(post.submit(&mut log), None, "an agent that is gone");
    post.gate = Gate::new(conf, NOW);
    let mut later = contents();
    later.header.as_of = NOW.plus(1);
    later.header.generation += 1;
    post.publish(&encode(&later).unwrap());
    assert_eq!(post.submit(&mut log), None);
}

#[test]
fn given_a_bad_snapshot_then_it_is_logged_once_and_the_last_good_one_stays_in_force() {
    let post = Post::new("bad");
    let mut log = Vec::new();
    assert_eq!(post.submit(&mut log), Some(Code::Unavailable));
    assert_eq!(post.submit(&mut log), Some(Code::Unavailable));
    assert_eq!(log.len(), 1, "{log:?}");
    let mut world = contents();
    world.header.generation = 5;
    let good = encode(&world).unwrap();
    post.publish(&good);
    assert_eq!(post.submit(&mut log), None);
    for bad in [&good[..good.len() - 1], b"garbage", b""] {
        post.publish(bad);
        let before = log.len();
        assert_eq!(post.submit(&mut log), None);
        assert_eq!(post.submit(&mut log), None);
        assert_eq!(log.len(), before + 1, "{log:?}");
    }
    world.header.generation = 4;
    post.publish(&encode(&world).unwrap());
    assert_eq!(post.submit(&mut log), None);
    assert!(log.last().unwrap().contains("older than 5"), "{log:?}");
}

#[test]
fn given_a_snapshot_others_may_write_then_it_is_refused() {
    let post = Post::new("mode");
    post.publish(&encode(&contents()).unwrap());
    let path = post.directory.join("controller.snap");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let mut log = Vec::new();
    assert_eq!(post.submit(&mut log), Some(Code::Unavailable));
    assert!(log[0].contains("others may write"), "{log:?}");
}

#[test]
fn given_eight_threads_then_no_more_are_admitted_than_fit() {
    let post = Post::new("race");
    let mut world = contents();
    world.people[0].lines = vec![cpu_hours_a_day(10)];
    post.publish(&encode(&world).unwrap());
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..64).filter(|_| post.submit(&mut Vec::new()).is_none()).count()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 10);
}

#[test]
fn given_edits_that_no_list_shows_yet_then_further_ones_start_from_them_and_at_last_wait_for_a_list() {
    let post = Post::new("edits");
    let mut world = contents();
    world.people[0].lines = vec![cpu_hours_a_day(1)];
    world.people[0].lines[0].in_flight = HOUR;
    post.publish(&encode(&world).unwrap());
    world.header.kind = Kind::Jobs;
    world.jobs = vec![live_job()];
    let path = post.directory.join("jobs.snap");
    std::fs::write(&path, encode(&world).unwrap()).unwrap();
    let code = |minutes| {
        let edit = Edit { job: "12", time_limit: Some(TimeLimit::Minutes(minutes)), ..Edit::default() };
        match post.gate.modify(&edit, 70_001, NOW, &mut |_, _| ()) {
            Answer::Admit { .. } => None,
            Answer::Refuse { code, .. } => Some(code),
        }
    };
    assert_eq!(code(61), Some(Code::Consumed(Counted::Cpu, Within::Period(PeriodKind::Day))));
    assert_eq!(code(5), None, "shorter");
    assert_eq!(code(60), None, "and longer again, for which there is room");
    assert_eq!(
        code(60),
        Some(Code::Consumed(Counted::Cpu, Within::Period(PeriodKind::Day))),
        "but not for a second booking"
    );
    assert!((0..6).all(|_| code(4).is_none()));
    assert_eq!(code(4), Some(Code::NotYetSeen), "the ninth");
    // A later list of the same jobs, which is not published anew.
    world.header.kind = Kind::Controller;
    world.jobs.clear();
    world.header.generation += 1;
    world.header.as_of = NOW.plus(1);
    post.publish(&encode(&world).unwrap());
    assert_eq!(code(4), None);
}

#[test]
fn given_an_operators_edit_then_it_is_let_through_and_recorded() {
    let post = Post::new("operator");
    let mut world = contents();
    world.people[0].lines = vec![cpu_hours_a_day(1)];
    post.publish(&encode(&world).unwrap());
    world.header.kind = Kind::Jobs;
    world.jobs = vec![live_job()];
    std::fs::write(post.directory.join("jobs.snap"), encode(&world).unwrap()).unwrap();
    let edit = Edit { job: "12", time_limit: Some(TimeLimit::Minutes(600)), ..Edit::default() };
    let mut log = Vec::new();
    let mut by = |uid| {
        matches!(post.gate.modify(&edit, uid, NOW, &mut |_, line| log.push(line.to_owned())), Answer::Admit { .. })
    };
    assert!(by(0));
    assert!(!by(70_001));
    assert!(log.iter().any(|line| line.contains("uid 0 edits job 12")), "{log:?}");
}
