//! Submissions through slurmctld's own protocol: without a plugin, with Slurm's lua plugin and a script that accepts
//! everything, and with bursar, side by side.
//!
//! `sbatch` takes milliseconds to start, which hides all that a plugin costs; `submitter.c` stays connected to
//! libslurm. Kinds take turns within a round, each on a slurmctld just started, so that a busy minute hits all of them;
//! a kind is compared with the round's own figures without a plugin.

use std::process::Command;
use std::time::Duration;

use bursar_tests::{Cluster, Error, Result, target_dir};

use crate::institute::Institute;
use crate::summary::Summary;

/// Submitters at once, and what each submits in a turn: seconds each, because a slurmctld of two cores has moments of its
/// own in which it does other things.
const LEVELS: [(usize, usize); 3] = [(1, 3_000), (8, 500), (64, 50)];
/// The same before a turn, of which nothing is counted.
const WARMING: (usize, usize) = (8, 50);
/// Jobs that wait in slurmctld's list.
const QUEUES: [usize; 2] = [0, 10_000];
/// Arrays of [`TASKS`] that wait throughout: the jobs in flight that the snapshot counts.
const ARRAYS: usize = 100;
const TASKS: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Lua,
    Bursar,
    Watched,
}

const KINDS: [Kind; 4] = [Kind::None, Kind::Lua, Kind::Bursar, Kind::Watched];

const SCRIPT: &str = "\
function slurm_job_submit(job_desc, part_list, submit_uid)
    return slurm.SUCCESS
end
function slurm_job_modify(job_desc, job_rec, part_list, modify_uid)
    return slurm.SUCCESS
end
return slurm.SUCCESS
";

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::None => "no plugin",
            Self::Lua => "lua, accepting",
            Self::Bursar => "bursar",
            Self::Watched => "bursar, and bursard at work",
        }
    }

    fn plugin(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Lua => "lua",
            Self::Bursar | Self::Watched => "bursar",
        }
    }

    /// Brings the cluster into this state: a slurmctld just started, whose jobs are in the snapshot, and a bursard that
    /// then stands still, unless it is to be measured too.
    fn set(self, cluster: &Cluster, somebody: &str) -> Result<()> {
        let host = cluster.host();
        signal(cluster, "CONT")?;
        let edit = format!("s/^#*JobSubmitPlugins=.*/JobSubmitPlugins={}/;s/^JobSubmitPlugins=$/#&/", self.plugin());
        host.run(&["sed", "-i", &edit, "/etc/slurm/slurm.conf"])?.ok()?;
        cluster.restart("slurmctld")?;
        let trial = ["sbatch", "--test-only", "--quiet", "--time=5", "--wrap=true"];
        host.wait_for("a job that may enter", Duration::from_secs(60), || {
            let tried = host.run_as(somebody, &trial).map_err(|error| error.to_string())?;
            if tried.success() { Ok(()) } else { Err(tried.stderr) }
        })?;
        if self == Self::Watched { Ok(()) } else { signal(cluster, "STOP") }
    }
}

/// Holds bursard, or lets it go on.
fn signal(cluster: &Cluster, signal: &str) -> Result<()> {
    let kill = format!("--signal={signal}");
    cluster.host().run(&["systemctl", "kill", "--kill-whom=main", &kill, "bursard"])?.ok().map(drop)
}

/// What one level of one turn gave.
#[derive(Debug, Clone, Copy)]
struct Burst {
    queue: usize,
    submitters: usize,
    kind: Kind,
    round: usize,
    /// Submissions in a thousand seconds.
    rate: u64,
    /// Nanoseconds: median, 99 %, slowest.
    answers: [u64; 3],
}

/// What slurmctld's threads, the plugin's among them, spent of the processors in a turn.
#[derive(Debug, Clone, Copy)]
struct Server {
    queue: usize,
    kind: Kind,
    /// Microseconds for each submission.
    micros: u64,
}

/// Measures every kind at every level, `rounds` times.
pub(crate) fn measure(institute: &Institute, cluster: &Cluster, rounds: usize, summary: &mut Summary) -> Result<()> {
    let host = cluster.host();
    prepare(cluster)?;
    let somebody = Institute::person(1);
    let people: Vec<String> = (0..64).map(|n| Institute::person(n * institute.people / 64 + 2)).collect();
    let names: Vec<&str> = people.iter().map(String::as_str).collect();
    let uids = host.run(&[&["id", "-u"], &names[..]].concat())?.ok()?;
    let uids: Vec<String> = uids.split_whitespace().map(str::to_owned).collect();
    Kind::None.set(cluster, &somebody)?;
    in_flight(cluster)?;
    let mut bursts = Vec::new();
    let mut server: Vec<Server> = Vec::new();
    let mut told: Vec<(String, String)> = Vec::new();
    for queue in QUEUES {
        if queue > 0 {
            Kind::None.set(cluster, &somebody)?;
            submit(cluster, "queue", queue.div_ceil(64), &uids)?;
        }
        for round in 0..rounds {
            for turn in 0..KINDS.len() {
                let kind = KINDS[(turn + round) % KINDS.len()];
                kind.set(cluster, &somebody)?;
                submit(cluster, "burst", WARMING.1, &uids[..WARMING.0])?;
                let (mut count, mut spent) = (0, 0);
                for (submitters, each) in LEVELS {
                    clear(cluster)?;
                    let before = ticks(cluster)?;
                    let [nanoseconds, accepted, refused, answers @ ..] =
                        submit(cluster, "burst", each, &uids[..submitters])?;
                    assert_eq!(refused, 0, "{kind:?} with {submitters} submitters");
                    let rate = accepted * 1_000_000_000_000 / nanoseconds.max(1);
                    bursts.push(Burst { queue, submitters, kind, round, rate, answers });
                    if kind.plugin() == "bursar" {
                        told.push((
                            format!("{queue} queued, {submitters} submitters, {}", kind.words()),
                            figures(cluster)?,
                        ));
                    }
                    count += accepted;
                    spent += ticks(cluster)? - before;
                }
                server.push(Server { queue, kind, micros: spent * 10_000 / count.max(1) });
                clear(cluster)?;
                eprintln!(
                    "{queue} queued, round {round}, {}: {:?}",
                    kind.words(),
                    &bursts[bursts.len() - LEVELS.len()..]
                );
            }
        }
    }
    signal(cluster, "CONT")?;
    report(&bursts, &server, &told, summary);
    Ok(())
}

/// Puts the programme, the script and the rhythm of the plugin's figures into the host.
fn prepare(cluster: &Cluster) -> Result<()> {
    let host = cluster.host();
    let built = target_dir().join("submitter");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/cluster/submitter.c");
    let compiled = Command::new("gcc").args(["-O2", "-o"]).arg(&built).args([source, "-lslurm"]).status();
    if !compiled.is_ok_and(|status| status.success()) {
        return Err(Error::Machine("gcc could not build submitter.c".into()));
    }
    host.copy_in(&built, "/usr/local/bin/submitter", 0o755)?;
    host.write_file("/etc/slurm/job_submit.lua", SCRIPT, 0o644)?;
    let figures = "[Service]\nEnvironment=BURSAR_REPORT_CALLS=500\n";
    host.write_file("/etc/systemd/system/slurmctld.service.d/figures.conf", figures, 0o644)?;
    host.run(&["systemctl", "daemon-reload"])?.ok().map(drop)
}

/// Submits the arrays of people of their own.
fn in_flight(cluster: &Cluster) -> Result<()> {
    let array = format!("--array=0-{}", TASKS - 1);
    for n in 0..ARRAYS {
        let sbatch = ["sbatch", "--quiet", "--hold", "--time=5", "--job-name=queue", &array, "--wrap=true"];
        cluster.host().run_as(&Institute::person(n * 50 + 7), &sbatch)?.ok()?;
    }
    Ok(())
}

/// Runs the programme; see it for the numbers.
fn submit(cluster: &Cluster, name: &str, each: usize, uids: &[String]) -> Result<[u64; 6]> {
    let each = each.to_string();
    let mut command = vec!["/usr/local/bin/submitter", name, &each];
    command.extend(uids.iter().map(String::as_str));
    let text = cluster.host().run(&command)?.ok()?;
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    numbers.try_into().map_err(|_| Error::Machine(format!("submitter printed {text:?}")))
}

/// Hundredths of a second that slurmctld has spent of the processors since its start.
fn ticks(cluster: &Cluster) -> Result<u64> {
    let text = cluster.host().sh("cat /proc/$(systemctl show --value --property=MainPID slurmctld)/stat")?.ok()?;
    let fields: Vec<u64> = text.split_whitespace().skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    match fields[..] {
        [user, system] => Ok(user + system),
        _ => Err(Error::Machine(format!("slurmctld's stat is {text:?}"))),
    }
}

/// The plugin's own figures of all calls since slurmctld's start.
fn figures(cluster: &Cluster) -> Result<String> {
    let log = cluster.host().sh("grep 'submissions since start' /var/log/slurm/slurmctld.log | tail -n 1")?.ok()?;
    Ok(log.split_once("start: ").map_or_else(String::new, |(_, line)| line.trim().into()))
}

/// Ends the jobs of the turn.
fn clear(cluster: &Cluster) -> Result<()> {
    let host = cluster.host();
    host.run(&["scancel", "--quiet", "--name=burst", "--state=PENDING"])?.ok()?;
    host.wait_for("an end of the turn's jobs", Duration::from_secs(60), || {
        let left = host.run(&["squeue", "--noheader", "--name=burst"]).map_err(|error| error.to_string())?;
        if left.success() && left.stdout.trim().is_empty() { Ok(()) } else { Err(left.stdout) }
    })
}

fn median(mut numbers: Vec<i64>) -> i64 {
    numbers.sort_unstable();
    match numbers.len() {
        0 => 0,
        len => (numbers[(len - 1) / 2] + numbers[len / 2]) / 2,
    }
}

fn tenths(number: i64) -> String {
    format!("{}{}.{}", if number < 0 { "-" } else { "" }, number.abs() / 10, number.abs() % 10)
}

fn report(bursts: &[Burst], server: &[Server], told: &[(String, String)], summary: &mut Summary) {
    for queue in QUEUES {
        for (submitters, _) in LEVELS {
            let of =
                |kind| move |burst: &&Burst| (burst.queue, burst.submitters, burst.kind) == (queue, submitters, kind);
            let bare = |round| bursts.iter().filter(of(Kind::None)).find(|burst| burst.round == round);
            for kind in KINDS {
                let own = || bursts.iter().filter(of(kind));
                let rate = median(own().map(|burst| burst.rate as i64 / 100).collect());
                let answer = |at: usize| median(own().map(|burst| burst.answers[at] as i64 / 100_000).collect());
                let mut value = format!(
                    "{}/s, answers {} {} {} ms",
                    tenths(rate),
                    tenths(answer(0)),
                    tenths(answer(1)),
                    tenths(answer(2))
                );
                // In thousandths of the round's rate without a plugin.
                let mut beside: Vec<i64> = own()
                    .filter_map(|burst| {
                        Some((burst.rate as i64 * 1_000).checked_div(bare(burst.round)?.rate as i64)? - 1_000)
                    })
                    .collect();
                beside.sort_unstable();
                if kind != Kind::None {
                    let all = beside.iter().map(|part| tenths(*part)).collect::<Vec<_>>().join(" ");
                    value += &format!(", {} % beside no plugin ({all})", tenths(median(beside)));
                }
                let what = format!("{queue} queued, {submitters} submitters, {}", kind.words());
                summary.add(what, value, if kind == Kind::Bursar { "within 2 % of none" } else { "" });
            }
        }
        for kind in KINDS {
            let own = || server.iter().filter(|turn| (turn.queue, turn.kind) == (queue, kind)).map(|turn| turn.micros);
            let each = own().map(|micros| micros.to_string()).collect::<Vec<_>>().join(" ");
            let value = format!("{} us ({each})", median(own().map(|micros| micros as i64).collect()));
            summary.add(format!("{queue} queued, processor time of a submission, {}", kind.words()), value, "");
        }
    }
    for (what, line) in told {
        summary.add(format!("the plugin's own figures up to {what}"), line, "");
    }
}
