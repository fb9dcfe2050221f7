//! Requests made to keep slurmctld busy or to take its memory.

use std::ffi::c_char;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use bursar_policy::snapshot::{Account, Contents, Grant, Header, Kind, Partition, Person, encode};
use bursar_policy::{PersonState, Role, SubjectKind};

use super::*;
use crate::ffi::memory::allocated_by;
use crate::ffi::sample::Sample;

const NOW: Timestamp = Timestamp(1_800_000_000);
const UID: u32 = 70_001;
/// What one answer may take, whatever is asked.
const MOST_BYTES: usize = 64 * 1024;

/// One person with a grant for one account.
fn published() -> Vec<u8> {
    let mut contents = Contents::empty(Header {
        kind: Kind::Controller,
        generation: 1,
        made_at: NOW,
        as_of: NOW,
        hard_limit: 86_400,
        last_known: true,
        notice: 0,
        cluster: "demo".into(),
        contact: "Ask hpc@example.org.".into(),
        currency: "EUR".into(),
    });
    contents.partitions = vec![Partition {
        name: "main".into(),
        default: true,
        max_minutes: Some(60),
        max_nodes: 4,
        cpus_per_node: 8,
        ..Partition::default()
    }];
    contents.accounts = vec![Account::new("physics", None)];
    contents.people = vec![Person {
        uid: UID,
        gid: UID,
        name: "ana".into(),
        state: PersonState::Active,
        kind: SubjectKind::Member,
        default_account: Some(0),
        lines: Vec::new(),
        associations: Vec::new(),
        storage: Vec::new(),
        grants: vec![Grant {
            id: 1,
            role: Role::ComputeUser,
            account: Some(0),
            from: Timestamp(0),
            until: Timestamp::NEVER,
            revoked: false,
            until_text: String::new(),
            lifts: None,
            lines: Vec::new(),
        }],
        home: None,
    }];
    encode(&contents).unwrap()
}

/// A plugin that has read [`published`].
fn plugin() -> Plugin<Gate> {
    let own = (std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(format!("bursar-hostile-{own:?}.snap"));
    fs::write(&path, published()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let publisher_uid = Some(fs::metadata(&path).unwrap().uid());
    let conf = NodeConf { publisher_uid, controller_snapshot: path.clone(), ..NodeConf::default() };
    let plugin = Plugin::new(Ok(conf), 64_030, Timestamp(0));
    plugin.refresh(NOW);
    fs::remove_file(path).unwrap();
    plugin
}

type Field = fn(&mut sys::job_desc_msg_t) -> &mut *mut c_char;

/// The texts that are read.
const FIELDS: [(&str, Field); 15] = [
    ("array", |raw| &mut raw.array_inx),
    ("account", |raw| &mut raw.account),
    ("partition", |raw| &mut raw.partition),
    ("dependency", |raw| &mut raw.dependency),
    ("nodes", |raw| &mut raw.req_nodes),
    ("features", |raw| &mut raw.features),
    ("prefer", |raw| &mut raw.prefer),
    ("gpus", |raw| &mut raw.tres_per_job),
    ("gpus per node", |raw| &mut raw.tres_per_node),
    ("gpus per socket", |raw| &mut raw.tres_per_socket),
    ("gpus per task", |raw| &mut raw.tres_per_task),
    ("cpus per gpu", |raw| &mut raw.cpus_per_tres),
    ("memory per gpu", |raw| &mut raw.mem_per_tres),
    ("qos", |raw| &mut raw.qos),
    ("cost centre", |raw| &mut raw.wckey),
];
/// What they are made of.
const PATTERNS: [&str; 7] = ["1,", "0-18446744073709551615,", "9", "x", "[", "e*9", "\u{e9}"];
const SIZES: [usize; 7] = [1 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
const ARRAYS: [&str; 3] = ["0-100000000", "0-18446744073709551615", "1-4294967295:1%1"];

#[test]
fn given_a_megabyte_or_a_huge_array_then_the_answer_takes_little_memory() {
    let plugin = plugin();
    let (bare, bytes) = allocated_by(|| plugin.submit(&Sample::sbatch(UID).desc(), NOW));
    assert!(bare.rc == 0 && bytes < MOST_BYTES, "{bare:?} took {bytes} bytes");
    for size in SIZES {
        for pattern in PATTERNS {
            let text = pattern.repeat(size / pattern.len());
            // The room for bookings grows by doubling, which has nothing to do with what is asked.
            let plugin = self::plugin();
            for (what, field) in FIELDS {
                let sample = Sample::sbatch(UID).text(field, text.as_str());
                let (_, bytes) = allocated_by(|| plugin.submit(&sample.desc(), NOW));
                assert!(bytes < MOST_BYTES, "{size} bytes of {pattern:?} as {what} took {bytes} bytes");
            }
        }
    }
    for text in ARRAYS {
        let sample = Sample::sbatch(UID).text(|raw| &mut raw.array_inx, text);
        let (_, bytes) = allocated_by(|| plugin.submit(&sample.desc(), NOW));
        assert!(bytes < MOST_BYTES, "{text} took {bytes} bytes");
    }
}

#[test]
fn given_more_names_than_are_counted_then_the_job_may_come_to_every_node_and_is_not_refused() {
    let plugin = plugin();
    for field in [(|raw| &mut raw.req_nodes) as Field, |raw| &mut raw.features, |raw| &mut raw.prefer] {
        let sample = Sample::sbatch(UID).text(field, "n1,".repeat(5_000).as_str());
        assert_eq!(plugin.submit(&sample.desc(), NOW).rc, 0);
        let shape = crate::convert::request(&sample.desc()).unwrap().shape;
        assert_eq!(shape.min_nodes, Some(u32::MAX));
    }
}

/// Nanoseconds of one answer to what `sample` makes: the middle of many.
fn span_of(sample: &Sample) -> u64 {
    let plugin = plugin();
    let mut spans: Vec<u64> = (0..200)
        .map(|_| {
            let start = std::time::Instant::now();
            let answer = plugin.submit(&sample.desc(), NOW);
            let span = start.elapsed();
            drop(answer);
            u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
        })
        .collect();
    spans.sort_unstable();
    spans[spans.len() / 2]
}

#[test]
#[ignore = "a measurement, by `make bench`"]
fn how_long_a_megabyte_or_a_huge_array_takes() {
    println!("microseconds of an answer, the middle of 200; the bar is 50");
    let show =
        |what: &str, nanoseconds: u64| println!("{what:50} {}.{:02}", nanoseconds / 1_000, nanoseconds % 1_000 / 10);
    show("a bare job", span_of(&Sample::sbatch(UID)));
    for text in ARRAYS {
        show(&format!("--array={text}"), span_of(&Sample::sbatch(UID).text(|raw| &mut raw.array_inx, text)));
    }
    for (what, field) in FIELDS {
        let all = SIZES.into_iter().flat_map(|size| PATTERNS.map(|pattern| (size, pattern)));
        let worst = all.map(|(size, pattern)| {
            let text = pattern.repeat(size / pattern.len());
            (span_of(&Sample::sbatch(UID).text(field, text.as_str())), size, pattern)
        });
        let (span, size, pattern) = worst.max().unwrap();
        show(&format!("{what}, worst: {} KiB of {pattern:?}", size >> 10), span);
    }
}
