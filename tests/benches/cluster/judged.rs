//! The medians that the benchmark of the judges left under `target/criterion`.

use std::fs;
use std::path::Path;

use crate::summary::Summary;

/// Folder, and what is wanted of it.
const BARS: &[(&str, &str)] = &[
    ("job/judge, accept, 100000 in flight", "<= 5 µs"),
    ("job/gate, accept and book, 100000 in flight", "<= 5 µs"),
    ("job/gate, refuse, 100000 in flight", "<= 5 µs"),
    ("snapshot/gate, submission that finds a new snapshot", "<= 1 ms"),
    ("snapshot/reconcile 1000 bookings with 1000 recent jobs", "<= 1 ms"),
    ("array/1 MB of single tasks", "<= 50 µs"),
];

/// Adds every median there is, in the order of their names.
pub(crate) fn add_to(summary: &mut Summary, criterion: &Path) {
    let mut found = Vec::new();
    for group in folders(criterion) {
        for bench in folders(&group) {
            found.extend(median(&bench));
        }
    }
    found.sort();
    for (name, nanoseconds) in found {
        let bar = BARS.iter().find(|(known, _)| *known == name).map_or("", |(_, bar)| bar);
        summary.add(name, in_words(nanoseconds), bar);
    }
}

fn folders(path: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn median(bench: &Path) -> Option<(String, u64)> {
    let json = |name: &str| -> Option<serde_json::Value> {
        serde_json::from_str(&fs::read_to_string(bench.join("new").join(name)).ok()?).ok()
    };
    let name = json("benchmark.json")?.get("full_id")?.as_str()?.to_owned();
    let median = json("estimates.json")?.get("median")?.get("point_estimate")?.as_f64()?;
    Some((name, median as u64))
}

fn in_words(nanoseconds: u64) -> String {
    let (whole, part, unit) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (nanoseconds / 1_000, nanoseconds % 1_000 / 10, "µs"),
        _ => (nanoseconds / 1_000_000, nanoseconds % 1_000_000 / 10_000, "ms"),
    };
    format!("{whole}.{part:02} {unit}")
}
