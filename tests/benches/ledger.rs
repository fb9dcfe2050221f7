//! The ledger with a million runs: an import from a dump, a month's reports, a poll, and the memory for each.
//!
//! A release bursard without a cluster in a folder of its own, asked by the release `bursar`. Run by `make bench`; nothing
//! fails here for being slow. `-- RUNS` takes another number of runs.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bursar_agent::accounting::{Calendar, listed};
use bursar_agent::store::Store;
use bursar_agent::store::ledger::{Told, ToldBy};
use bursar_agent::store::runs::Run;
use bursar_policy::Timestamp;
use bursar_tests::target_dir;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const RUNS: u64 = 1_000_000;
/// 1 November 2026 in Berlin, and the seconds of that month.
const MONTH: (i64, i64) = (1_793_487_600, 30 * 86_400);
const POLICY: &str = "time-zone = \"Europe/Berlin\"\nweek-start = \"monday\"\ncontact = \"Nobody.\"\n";
const RATES: &str = r#"
[[currency]]
code = "EUR"
[[version]]
from = 2026-01-01
combine = ["cpu", "memory"]
refund = { NODE_FAIL = "100" }
[version.rates]
cpu-hour = "0.01"
memory-gb-hour = { rate = "0.01", per = "4GB" }
gpu-hour = "0.5"
[[version.window]]
name = "night"
open = "daily 20:00-06:00"
[[version.rule]]
during = "night"
factor = "0.75"
"#;

fn main() -> Result<()> {
    let runs = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(RUNS);
    let folder = target_dir().join("bench-ledger");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("publish"))?;
    let bytes = write_dump(&folder.join("dump"), runs)?;
    println!("{runs} runs of 1,000 people on 200 accounts, a dump of {} MB", bytes / 1_000_000);
    let site = Site::start(folder.clone())?;
    let dump = folder.join("dump").display().to_string();
    site.timed("import usage", &["import", "usage", &dump])?;
    site.timed("import usage once more", &["import", "usage", &dump])?;
    let month = ["report", "usage", "start=2026-11-01", "end=2026-12-01"];
    site.timed("report usage of the month, from day sums", &month)?;
    site.timed("the same by day and account", &[&month[..], &["by=day,account"]].concat())?;
    let exact =
        ["report", "usage", "start=2026-11-01T00:30", "end=2026-12-01", "by=day,account", "time-zone=Asia/Kathmandu"];
    site.timed("the same in a zone of other days, from postings", &exact)?;
    site.timed("report charges of the month", &["report", "charges", "period=2026-11"])?;
    site.timed("report charges once more", &["report", "charges", "period=2026-11", "by=user"])?;
    drop(site);
    poll(&folder.join("store.db"), runs)?;
    Ok(fs::remove_dir_all(&folder)?)
}

/// A thousand runs that slurmdbd tells anew, beside all the others.
fn poll(store: &Path, runs: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let zone = TimeZone::get("Europe/Berlin")?;
    let calendar = Calendar { zone, week_start: Weekday::Monday, year_start: 1 };
    runtime.block_on(async {
        let store = Store::open(store).await?;
        let new: Vec<Run> = (0..1_000).map(|number| listed::hashed(new_run(runs + number))).collect();
        for what in ["a poll with 1,000 new runs, without sacct", "the same poll once more"] {
            let begun = Instant::now();
            let window = (Timestamp(MONTH.0), Timestamp(MONTH.0 + MONTH.1));
            let by = ToldBy::Slurmdbd { window, watermark: None };
            let told = Told { cluster: "lab", by, runs: &new, set_aside: &[], rows: 1_000 };
            store.keep(&told, &calendar, Timestamp(MONTH.0 + MONTH.1)).await?;
            println!("{what:52} {:8.3} s", begun.elapsed().as_secs_f64());
        }
        store.close().await;
        Ok(())
    })
}

fn new_run(number: u64) -> Run {
    let start = Timestamp(MONTH.0 + 86_400 * 20);
    Run {
        cluster: "lab".to_owned(),
        jobid: u32::try_from(number + 1).unwrap_or(u32::MAX),
        submitted_at: start,
        dbindex: String::new(),
        user_name: format!("user{:04}", number % 1_000),
        uid: 70_000 + u32::try_from(number % 1_000).unwrap_or(0),
        account: format!("acc{:03}", number % 200),
        partition: "main".to_owned(),
        qos: "normal".to_owned(),
        wckey: String::new(),
        state: "COMPLETED".to_owned(),
        eligible_at: Some(start),
        started_at: Some(start),
        ended_at: Some(start.plus(3_600)),
        elapsed_s: 3_600,
        suspended_s: 0,
        alloc_cpus: 4,
        tres: "billing=4,cpu=4,mem=16000,node=1".to_owned(),
        timelimit_s: Some(7_200),
        nodes: 1,
        node_list: "n0001".to_owned(),
        reservation: String::new(),
        priority: Some(1),
        row_hash: String::new(),
    }
}

/// A dump as `sacct -P` writes it, the same for the same number of runs; gives its bytes.
fn write_dump(path: &Path, runs: u64) -> Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(
        out,
        "JobIDRaw|DBIndex|Cluster|User|UID|Account|Partition|QOS|State|Submit|Eligible|Start|End|ElapsedRaw|Suspended|\
         TimelimitRaw|NNodes|AllocTRES|NodeList|Priority"
    )?;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut any = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for number in 0..runs {
        // A few people have most of the runs.
        let bound = 1 + any(1_000);
        let person = any(bound);
        let submit = MONTH.0 + i64::try_from(number * MONTH.1.unsigned_abs() / runs)?;
        let start = submit + i64::try_from(any(1_200))?;
        let length = any(10_000);
        let end = start + i64::try_from(length)?;
        let cpus = 1 << any(7);
        let (partition, gpus) = match any(5) {
            0 => ("gpu", ",gres/gpu=2,gres/gpu:a100=2"),
            1 => ("big", ""),
            _ => ("main", ""),
        };
        let state = ["COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "TIMEOUT"]
            .get(usize::try_from(any(6))?)
            .unwrap_or(&"COMPLETED");
        writeln!(
            out,
            "{}|{number}|lab|user{person:04}|{}|acc{:03}|{partition}|normal|{state}|{submit}|{submit}|{start}|{end}|\
             {length}|00:00:00|600|1|billing={cpus},cpu={cpus}{gpus},mem={}M,node=1|n{:04}|{}",
            number + 1,
            70_000 + person,
            person % 200,
            cpus * 4_000,
            any(500),
            any(1_000_000)
        )?;
    }
    out.flush()?;
    Ok(fs::metadata(path)?.len())
}

/// A bursard with nothing around it.
struct Site {
    folder: PathBuf,
    daemon: Child,
}

impl Site {
    fn start(folder: PathBuf) -> Result<Self> {
        let at = folder.display();
        let machine = format!(
            "cluster = \"lab\"\nroles = [\"controller\"]\n[paths]\nstore = \"{at}/store.db\"\nrun = \"{at}\"\n\
             publish = \"{at}/publish\"\n[[source]]\nname = \"directory\"\nkind = \"directory\"\n\
             path = \"{at}/directory.toml\"\n"
        );
        for (name, text) in
            [("bursar.toml", machine.as_str()), ("policy.toml", POLICY), ("rates.toml", RATES), ("directory.toml", "")]
        {
            fs::write(folder.join(name), text)?;
        }
        let daemon = Command::new(target_dir().join("release/bursard"))
            .arg("--config")
            .arg(folder.join("bursar.toml"))
            .env("BURSAR_LOG", "off")
            .stderr(Stdio::null())
            .spawn()?;
        let site = Self { folder, daemon };
        let until = Instant::now() + Duration::from_secs(20);
        while !site.bursar(&["-n", "show", "user"])?.status.success() {
            if Instant::now() > until {
                return Err("bursard does not answer; is the release build there?".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(site)
    }

    fn bursar(&self, arguments: &[&str]) -> Result<std::process::Output> {
        let socket = self.folder.join("bursard.sock");
        Ok(Command::new(target_dir().join("release/bursar")).arg("--socket").arg(socket).args(arguments).output()?)
    }

    /// Runs a command and prints how long it took, and the most memory that the daemon has had until then.
    fn timed(&self, what: &str, arguments: &[&str]) -> Result<()> {
        let begun = Instant::now();
        let output = self.bursar(arguments)?;
        let took = begun.elapsed();
        if !output.status.success() {
            return Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let status = fs::read_to_string(format!("/proc/{}/status", self.daemon.id()))?;
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("").trim();
        println!("{what:52} {:8.3} s, bursard at most {most}", took.as_secs_f64());
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
