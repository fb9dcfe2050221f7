//! Snapshots with anything altered in them and a right checksum: what passes the checks can be judged by.
#![no_main]

use std::sync::OnceLock;

use bursar_fuzz::seeds;
use bursar_fuzz::world::{DAY, NOW, SUBMITTERS, institute};
use bursar_policy::job::{GpuAsk, Ledger, Request, Shape, TimeLimit, Verdict, judge};
use bursar_policy::login::{self, LoginRequest};
use bursar_policy::snapshot::{Kind, encode};
use bursar_policy::{Snapshot, Timestamp};
use libfuzzer_sys::fuzz_target;

/// Where the checksum stands, and what it covers begins; see the layout in `bursar_policy`.
const CHECKSUM: std::ops::Range<usize> = 12..16;
/// Bytes of one alteration: which snapshot and where, and what is put there.
const ALTERATION: usize = 8;

fuzz_target!(
    init: seeds::write("snapshot", &first()),
    |bytes: &[u8]| {
        if let Ok(snapshot) = Snapshot::decode(bytes.to_vec()) {
            use_it(&snapshot);
        }
        if let Ok(snapshot) = Snapshot::decode(altered(bytes)) {
            use_it(&snapshot);
        }
    }
);

/// One of the institute's own snapshots with as many alterations as `bytes` has room for.
fn altered(bytes: &[u8]) -> Vec<u8> {
    static WHOLE: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let whole = WHOLE.get_or_init(|| [Kind::Controller, Kind::Jobs].map(laid_out));
    let which = usize::from(bytes.first().is_some_and(|first| first % 2 == 1));
    let mut snapshot = whole[which].clone();
    for change in bytes.get(1..).unwrap_or_default().chunks_exact(ALTERATION) {
        // Three bytes of place, one that says how many of the other four are put there.
        let at = (u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize) % snapshot.len();
        let count = usize::from(change[3] % 5);
        for (slot, byte) in snapshot[at..].iter_mut().zip(&change[4..4 + count]) {
            *slot = *byte;
        }
    }
    let sum = crc32fast::hash(&snapshot[CHECKSUM.end..]);
    snapshot[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
    snapshot
}

fn laid_out(kind: Kind) -> Vec<u8> {
    encode(&institute(kind)).expect("an institute that fits together")
}

fn use_it(snapshot: &Snapshot) {
    let mut ledger = Ledger::default();
    for now in [NOW, NOW + DAY, NOW + 80 * DAY].map(Timestamp) {
        ledger.reconcile(snapshot, now);
        for uid in SUBMITTERS {
            let gpus = GpuAsk { per_node: Some("gres:gpu:a100:1"), ..GpuAsk::default() };
            for (partition, qos, gpus) in [(None, None, GpuAsk::default()), (Some("gpu,fast"), Some("high"), gpus)] {
                let request = Request {
                    uid,
                    partition,
                    qos,
                    gpus,
                    time_limit: TimeLimit::Minutes(60),
                    array: Some("1-9"),
                    shape: Shape { tasks: Some(4), ..Shape::default() },
                    ..Request::default()
                };
                match judge(snapshot, &ledger, &request, now) {
                    Verdict::Admit(terms) => ledger.book(snapshot, &terms, now),
                    Verdict::Refuse(reason) => drop(reason.text(snapshot.contact())),
                }
            }
        }
        for person in snapshot.people() {
            let request = LoginRequest { uid: person.uid(), name: person.name(), service: "sshd" };
            let _ = login::judge(snapshot, &request, now);
        }
        for id in 0..12 {
            snapshot.live_jobs(id).for_each(drop);
        }
        snapshot.groups().for_each(drop);
        snapshot.partitions().for_each(drop);
        ledger.roll_over(snapshot, now);
    }
}

/// Nothing altered; and one byte in each kind of place.
fn first() -> Vec<Vec<u8>> {
    let changes = (0_u32..40).map(|n| {
        let [a, b, c, _] = (n * 700).to_le_bytes();
        vec![(n % 2) as u8, a, b, c, 1 + (n % 4) as u8, 0xff, 0, 0xff, 1]
    });
    [vec![0], vec![1], laid_out(Kind::Jobs)].into_iter().chain(changes).collect()
}
