//! Dumps of sacct through the command line and the daemon's socket into reports.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use bursar_agent::cli::confirm::Questioned;
use bursar_agent::cli::run::Ends;
use bursar_agent::cli::{self, ExitStatus};
use bursar_agent::wire::{self, Limits};
use tokio::sync::oneshot;

use super::world::World;

/// The site with its socket open.
pub(crate) struct Served {
    pub(crate) world: World,
    stop: Option<oneshot::Sender<()>>,
}

struct Nobody;

impl Questioned for Nobody {
    fn is_present(&self) -> bool {
        false
    }

    fn agrees(&self, _: &mut dyn Write) -> bool {
        false
    }
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Served {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let mut served = Self { world, stop: None };
        served.open();
        served
    }

    /// Opens the socket, as a daemon that starts.
    fn open(&mut self) {
        let listener = wire::bind(&self.world.dir.path().join("socket")).expect("a socket");
        let (stop, stopped) = oneshot::channel();
        let answers = Arc::clone(&self.world.answers);
        let stopped = async { stopped.await.unwrap_or_default() };
        tokio::spawn(wire::serve(listener, answers, Limits::default(), stopped));
        self.stop = Some(stop);
    }

    pub(crate) fn file(&self, name: &str, text: &[u8]) -> String {
        let path = self.world.dir.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// `bursar ARGUMENTS`.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let socket = self.world.dir.path().join("socket").display().to_string();
        let mut all = vec!["--socket".to_owned(), socket];
        all.extend(arguments.iter().map(|word| (*word).to_owned()));
        tokio::task::spawn_blocking(move || {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let status = cli::run(&all, &mut Ends { out: &mut out, err: &mut err, questioned: &Nobody });
            let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
            Output { status, out: text(out), err: text(err) }
        })
        .await
        .expect("the command")
    }

    /// The output of a command that succeeds.
    pub(crate) async fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert_eq!(output.status, ExitStatus::Done, "{output:?}");
        output.out
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

pub(crate) const HEADER: &str = "JobIDRaw|Cluster|User|UID|Account|State|Submit|Start|End|AllocTRES|NodeList|JobName\n";

fn row(id: u32, start: i64, end: i64, name: &str) -> String {
    format!("{id}|old|zoe|4711|chem|COMPLETED|{start}|{start}|{end}|cpu=2,node=1|n1|{name}\n")
}

/// The real dump lies beside the project, wherever that was cloned to; `BURSAR_PHILLIPS` names another place.
pub(crate) fn phillips() -> std::path::PathBuf {
    if let Some(named) = std::env::var_os("BURSAR_PHILLIPS") {
        return named.into();
    }
    let mut beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/data/phillips"));
    let known = beside.find(|folder| folder.join("sacct.log").exists());
    known.expect("shared/data/phillips in a folder above the project; BURSAR_PHILLIPS=FOLDER names another")
}

/// The columns of its dump.
pub(super) const FIELDS: &str = "fields=JobID,JobIDRaw,Cluster,Partition,QOS,Account,Group,GID,User,UID,Submit,Eligible,\
    Start,End,Elapsed,ExitCode,State,NNodes,NCPUS,ReqCPUS,ReqMem,ReqTRES,AllocTRES,Timelimit,NodeList,JobName";

/// Everything that another implementation computed from a real dump, to all four decimals.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_real_dump_then_the_figures_of_each_day_and_in_all_are_those_that_another_implementation_has() {
    let folder = phillips();
    let served = Served::new().await;
    let log = folder.join("sacct.log").display().to_string();
    let import = ["-nP", "import", "usage", &log, FIELDS, "time-zone=UTC", "format=rows,added,set-aside"];
    assert_eq!(served.told(&import).await, "4285|4285|0\n");
    // Once more: nothing is new, and nothing is counted twice.
    assert_eq!(served.told(&import).await, "0|0|0\n");
    let format = "format=period,cpu-hours,wall-hours,node-hours,gpu-hours,wait-hours,jobs-ended,jobs-started,\
        expansion-factor,people";
    let expected = std::fs::read_to_string(folder.join("expected-by-day.csv")).expect("the figures");
    let expected: Vec<String> = expected.lines().skip(1).map(|line| line.replace(',', "|")).collect();
    let (total, days) = expected.split_last().expect("a total");
    // In the zone of the figures, whose days are not the site's, and by the site's own clock once it is there.
    let period = ["start=2016-12-22", "end=2017-01-02", "time-zone=UTC"];
    let report = |by: &'static str| [&["-nP", "report", "usage", "cluster=phillips", by, format][..], &period].concat();
    let by_day = served.told(&report("by=day")).await;
    assert_eq!(by_day.lines().collect::<Vec<_>>(), days);
    let in_all = served.told(&report("by=cluster")).await;
    assert_eq!(format!("total{in_all}"), format!("{total}\n"));
    // From the day sums: months of the site, whose hours are the same as of exact instants.
    let both = |zone: &'static str| {
        [
            "-nP",
            "report",
            "usage",
            "cluster=all",
            "start=2016-12-01",
            "end=2017-02-01",
            zone,
            "by=month,partition",
            "format=period,partition,jobs,cpu-hours,gpu-hours,wait-hours,jobs-started,expansion-factor",
        ]
    };
    let by_sums = served.told(&both("time-zone=Europe/Berlin")).await;
    assert_eq!(
        by_sums,
        served.told(&both("time-zone=Africa/Tunis")).await,
        "the same hour in winter, read from postings"
    );
    assert!(by_sums.lines().count() > 5, "{by_sums}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_hostile_job_names_then_no_row_is_lost() {
    let served = Served::new().await;
    let mut text = HEADER.as_bytes().to_vec();
    for (id, name) in [(1, "a|b"), (2, "two\nlines|and a bar"), (3, "\u{1f}"), (4, "plain")] {
        text.extend(row(id, 1_000, 4_600, name).as_bytes());
    }
    text.extend(row(5, 1_000, 4_600, "cut").trim_end().as_bytes());
    text.extend(b"\xc3\xff\n");
    text.extend(b"6|old|zoe|4711|chem|EXPLODED|1|2|3|cpu=2,node=1|n1|x\n");
    let file = served.file("dump", &text);
    let output = served.run(&["-nP", "import", "usage", &file]).await;
    assert_eq!(output.out, "6|5|0|0|0|0|1\n", "{output:?}");
    assert!(output.err.contains("1 rows cannot be read and are kept aside"), "{output:?}");
    let aside = served.told(&["-nP", "show", "set-aside", "cluster=old", "format=cluster,why,row"]).await;
    assert_eq!(
        aside,
        "old|bad State|6\\x7cold\\x7czoe\\x7c4711\\x7cchem\\x7cEXPLODED\\x7c1\\x7c2\\x7c3\\x7ccpu=2,node=1\\x7cn1\\x7cx\n"
    );
    let reading = served
        .told(&["-nP", "show", "reading", "kind=import", "format=reading,cluster,kind,rows,added,set-aside"])
        .await;
    assert_eq!(reading, "2|old|import|6|5|1\n");
    let report = [
        "-nP",
        "report",
        "usage",
        "cluster=old",
        "start=uts0",
        "end=uts10000",
        "by=user,account",
        "format=user,jobs,cpu-hours",
    ];
    assert_eq!(served.told(&report).await, "zoe|5|10.0000\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_import_whose_daemon_goes_away_then_the_next_goes_on_where_it_stopped() {
    let mut served = Served::new().await;
    let rows = 20_000;
    let mut text = HEADER.to_owned();
    for id in 1..=rows {
        text.push_str(&row(id, i64::from(id), i64::from(id) + 100, "some name of some length"));
    }
    let file = served.file("dump", text.as_bytes());
    let import = ["-nP", "import", "usage", file.as_str(), "format=rows,added"];
    let (store, stop) = (served.world.site.store.clone(), served.stop.take().expect("a daemon"));
    let goes_away = async move {
        while store.readings(1).await.unwrap().first().is_none_or(|reading| reading.added == 0) {
            tokio::task::yield_now().await;
        }
        stop.send(()).expect("a daemon");
    };
    let (first, ()) = tokio::join!(served.run(&import), goes_away);
    assert_eq!(first.status, ExitStatus::Unavailable, "{first:?}");
    served.open();
    let second = served.run(&import).await;
    let (second_rows, added) = second.out.trim().split_once('|').expect("two fields");
    assert_eq!(second_rows, added, "nothing that is there comes again: {second:?}");
    assert!(second_rows.parse::<u32>().unwrap() < rows && second.err.contains("went on after the first"), "{second:?}");
    // A longer file is another one; what is known of it is left alone.
    text.push_str(&row(rows + 1, 5, 105, "one more"));
    let longer = served.file("longer", text.as_bytes());
    let again = served.run(&["-nP", "import", "usage", &longer, "format=rows,added,known"]).await;
    assert_eq!(again.out, format!("{}|1|{rows}\n", rows + 1));
    let period = ["start=uts0", "end=uts9999999"];
    let report = ["-nP", "-tSeconds", "report", "usage", "cluster=old", "by=cluster", "format=jobs,used"];
    let used = served.told(&[&report[..], &period].concat()).await;
    assert_eq!(used, format!("{}|{}\n", rows + 1, (rows + 1) * 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_dump_that_is_not_understood_then_the_command_says_what_to_name() {
    let served = Served::new().await;
    let bare = served.file("bare", row(1, 1, 2, "x").as_bytes());
    let output = served.run(&["import", "usage", &bare]).await;
    assert_eq!(output.status, ExitStatus::Usage);
    assert!(output.err.contains("has no header: name its columns"), "{output:?}");
    let output = served.run(&["import", "usage", &bare, "fields=JobIDRaw,Cluster"]).await;
    assert!(output.err.contains("has no column User"), "{output:?}");
    let output = served.run(&["import", "usage", "/nowhere/dump"]).await;
    assert!(output.err.contains("cannot read /nowhere/dump: No such file"), "{output:?}");
}
