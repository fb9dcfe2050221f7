//! Submissions and updates in a real slurmctld are judged before Slurm sees them, whatever their shape and number.

mod without_bursard;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bursar_tests::{CONTROLLER_SNAPSHOT, Citizen, Cluster, Governed, Output, Result, directory};

const POLICY: &str = "\
time-zone = \"Europe/Berlin\"
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[limits.default]
queued-jobs = 1000

[limits.person.ana]
cpu-hours-per-day = 10
[limits.person.queen]
queued-jobs = 3
[limits.person.array]
cpu-hours-per-day = 2
[limits.person.hetty]
cpu-hours-per-day = 2
[limits.person.tess]
cpu-hours-per-day = 2
[limits.person.quinn]
cpu-hours-per-day = 2
[limits.person.uma]
cpu-hours-per-day = 4
[limits.person.newt]
cpu-hours-per-day = 2
[limits.person.shawn]
cpu-hours-per-day = 1
[limits.person.liv]
cpu-hours-per-day = 3

[[account]]
name = \"science\"
description = \"Science\"
cost-center = \"CC-1\"

[[account]]
name = \"physics\"
parent = \"science\"
description = \"Physics\"
cost-center = \"CC-2\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"

[[mapping]]
group = \"g-brief\"
role = \"compute-user\"
account = \"physics\"
until = 2030-06-30

[[mapping]]
group = \"g-audit\"
role = \"observer\"
scope = \"cluster\"
";

/// The last one is waited for, so that everybody is there before a test begins.
const PHYSICISTS: &[&str] =
    &["ana", "ben", "queen", "array", "hetty", "tess", "quinn", "uma", "newt", "shawn", "liv", "milo", "dora", "zoe"];

fn people() -> Vec<Citizen> {
    let others = [("brie", "g-brief"), ("eva", "g-audit"), ("tom", "g-temp")];
    let others = others.iter().map(|(name, group)| Citizen::new(name, group));
    PHYSICISTS.iter().map(|name| Citizen::new(name, "g-physics")).chain(others).collect()
}

/// One cluster for the whole file, and one test at a time on it.
fn governed() -> (&'static Governed, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static GOVERNED: OnceLock<Result<Governed>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let governed = GOVERNED.get_or_init(|| {
        let cluster = Cluster::builder()
            .slurm_conf("PartitionName=open Nodes=n[1-2] MaxTime=UNLIMITED DefMemPerCPU=100 State=UP")
            .slurm_conf("PartitionName=lean Nodes=n[1-2] DefaultTime=10 MaxMemPerCPU=1000 DefMemPerCPU=100 State=UP");
        let governed = Governed::up(cluster, POLICY, &directory(&people()), "zoe")?;
        // Somebody of the host's own, with an association made by hand, is nobody to bursar.
        governed.cluster().add_user("nora")?.ok()?;
        governed.cluster().sacctmgr(&["add", "user", "nora", "account=root"])?.ok()?;
        Ok(governed)
    });
    (governed.as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

const SLEEPER: [&str; 3] = ["--output=/dev/null", "--wrap", "sleep 3000"];

/// Submits a job of so many minutes with more arguments.
fn sbatch(site: &Governed, user: &str, minutes: u32, more: &[&str]) -> Result<Output> {
    let time = format!("--time={minutes}");
    site.cluster().sbatch(user, &[&["--parsable", time.as_str()], more, &SLEEPER].concat())
}

/// A refusal is final and tells the person two lines: why, and the code with whom to ask.
fn assert_refused(output: &Output, took: Duration, code: &str, sentence: &str) {
    let text = &output.stderr;
    assert_ne!(output.status, 0, "{} was let through: {}", output.command, output.stdout);
    assert!(text.contains(sentence), "{}: {sentence:?} is not in {text}", output.command);
    assert!(text.contains(&format!("{code}: Ask the HPC team.")), "{}: {text}", output.command);
    assert!(took < Duration::from_secs(5), "{} took {took:?}: the client tried again", output.command);
}

/// slurmctld 22.05 has no way to carry a plugin's words on an update; the number's own sentence is all there is.
fn assert_update_refused(output: &Output, took: Duration) {
    let text = &output.stderr;
    assert!(!output.success() && text.contains("Job violates accounting/QOS policy"), "{}: {text}", output.command);
    assert!(took < Duration::from_secs(5), "{} took {took:?}: the client tried again", output.command);
}

fn assert_sbatch_refused(site: &Governed, user: &str, args: &[&str], code: &str, sentence: &str) -> Result<()> {
    let start = Instant::now();
    let output = site.cluster().sbatch(user, &[args, &SLEEPER].concat())?;
    assert_eq!(output.status, 1);
    assert_refused(&output, start.elapsed(), code, sentence);
    Ok(())
}

fn cancel_all(site: &Governed, user: &str) -> Result<()> {
    site.cluster().slurm_as("root", "scancel", &["--user", user])?.ok().map(drop)
}

/// Seconds since the epoch by the host's clock.
fn host_now(site: &Governed) -> Result<i64> {
    Ok(site.cluster().host().run(&["date", "+%s"])?.ok()?.trim().parse().unwrap())
}

/// Waits for a list of jobs that slurmctld gave after `at`.
fn wait_for_list_after(site: &Governed, at: i64) -> Result<()> {
    site.wait_for("a later list of jobs with the plugin", 75, || {
        let as_of = site.snapshot(CONTROLLER_SNAPSHOT)?.as_of().0;
        Ok(if as_of > at { Ok(()) } else { Err(format!("as of {as_of}, wanted {at}")) })
    })
}

#[test]
fn given_500_submissions_at_once_against_room_for_10_then_exactly_10_enter_and_no_more_later() -> Result<()> {
    let (site, _alone) = governed();
    let began = host_now(site)?;
    let burst = "seq 500 | xargs -P 500 -I{} sbatch --parsable --time=60 --output=/dev/null --wrap 'sleep 3000'";
    let start = Instant::now();
    let output = site.cluster().host().run_as("ana", &["bash", "-c", burst])?;
    println!("500 submissions took {:?}", start.elapsed());
    let accepted = output.stdout.lines().filter(|line| line.parse::<u32>().is_ok()).count();
    let refused = output.stderr.lines().filter(|line| line.contains("BSR-150: ")).count();
    assert_eq!((accepted, refused), (10, 490), "{}", output.stderr.lines().take(20).collect::<Vec<_>>().join("\n"));

    // While the list is taken in, and beyond the time in which a booking may go without its job.
    let mut tried = 0;
    site.wait_for("a list of a minute later", 90, || {
        let output = sbatch(site, "ana", 60, &[])?;
        assert!(output.stderr.contains("10.00 CPU-hours today"), "{} {}", output.stdout, output.stderr);
        tried += 1;
        let as_of = site.snapshot(CONTROLLER_SNAPSHOT)?.as_of().0;
        Ok(if as_of > began + 60 { Ok(()) } else { Err(format!("as of {as_of}")) })
    })?;
    println!("{tried} more were refused one by one");
    let output = site.cluster().host().run_as("ana", &["bash", "-c", &burst.replace("seq 500", "seq 50")])?;
    assert_eq!(output.stdout, "");
    let mine = site.cluster().squeue("ana", &["--me", "--noheader", "--array", "--format=%A"])?.ok()?;
    assert_eq!(mine.lines().count(), 10);
    cancel_all(site, "ana")
}

#[test]
fn given_somebody_without_a_usable_grant_then_every_submission_says_why_not() -> Result<()> {
    let (site, _alone) = governed();
    assert_sbatch_refused(site, "nora", &["--time=1"], "BSR-110", "you hold no grant on this cluster")?;
    assert_sbatch_refused(site, "eva", &["--time=1"], "BSR-120", "you are an observer here")?;
    let other = "you hold no grant for account science, but you do for physics";
    assert_sbatch_refused(site, "ben", &["--time=1", "--account=science"], "BSR-121", other)?;
    assert_sbatch_refused(site, "ben", &["--time=1", "--account=nosuch"], "BSR-121", "account nosuch")?;
    let late = ["--time=1", "--begin=2030-07-02"];
    assert_sbatch_refused(site, "brie", &late, "BSR-123", "begin after your access ends, 2030-07-01 00:00")?;
    let open = ["--partition=open"];
    assert_sbatch_refused(site, "ben", &open, "BSR-130", "name a time limit with -t: partition open has none")?;

    // srun and salloc are told the same.
    for (command, args) in [("srun", ["--time=1", "true"]), ("salloc", ["--time=1", "true"])] {
        let start = Instant::now();
        let output = site.cluster().slurm_as("nora", command, &args)?;
        assert_refused(&output, start.elapsed(), "BSR-110", "you hold no grant on this cluster");
    }
    Ok(())
}

#[test]
fn given_a_grant_that_ends_or_a_person_who_is_disabled_then_the_next_submission_is_refused() -> Result<()> {
    let (site, _alone) = governed();
    let until = site.cluster().host().run(&["date", "--utc", "--date=+8 seconds", "+%FT%TZ"])?.ok()?;
    let temporary =
        format!("\n[[mapping]]\ngroup = \"g-temp\"\nrole = \"compute-user\"\naccount = \"physics\"\nuntil = {until}");
    site.write_policy(&format!("{POLICY}{temporary}"))?;
    let mut was_let_in = false;
    site.wait_for("the end of tom's grant", 40, || {
        let output = sbatch(site, "tom", 1, &["--hold"])?;
        was_let_in |= output.success();
        Ok(if output.stderr.contains("BSR-112: ") { Ok(()) } else { Err(output.stderr) })
    })?;
    println!("tom was let in before: {was_let_in}");
    assert_sbatch_refused(site, "tom", &["--time=1"], "BSR-112", "your access ended 20")?;
    cancel_all(site, "tom")?;

    let mut people = people();
    people.iter_mut().filter(|person| person.name == "dora").for_each(|person| person.enabled = false);
    assert!(sbatch(site, "dora", 1, &["--hold"])?.success());
    site.write_directory(&directory(&people))?;
    site.wait_for("dora to be disabled", 20, || {
        let output = sbatch(site, "dora", 1, &["--hold"])?;
        Ok(if output.stderr.contains("BSR-114: ") { Ok(()) } else { Err(output.stderr) })
    })?;
    assert_sbatch_refused(site, "dora", &["--time=1"], "BSR-114", "disabled in the directory")?;
    cancel_all(site, "dora")
}

#[test]
fn given_a_queued_job_limit_then_jobs_beyond_it_are_refused_with_its_numbers() -> Result<()> {
    let (site, _alone) = governed();
    for _ in 0..3 {
        sbatch(site, "queen", 1, &["--hold"])?.ok()?;
    }
    let sentence = "you may have 3 jobs waiting: 3 wait already, and this asks for 1 more";
    assert_sbatch_refused(site, "queen", &["--time=1", "--hold"], "BSR-141", sentence)?;
    wait_for_list_after(site, host_now(site)?)?;
    assert_sbatch_refused(site, "queen", &["--time=1", "--hold"], "BSR-141", sentence)?;
    cancel_all(site, "queen")
}

#[test]
fn given_each_way_to_submit_then_it_enters_and_is_counted_whole() -> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    cluster.slurm_as("ben", "srun", &["--time=1", "true"])?.ok()?;
    cluster.slurm_as("ben", "salloc", &["--time=1", "true"])?.ok()?;
    sbatch(site, "ben", 1, &["--account=PHYSICS", "--hold"])?.ok()?;
    cancel_all(site, "ben")?;

    // Two hours a day: an array of three one-hour tasks is too much, one of two fills the day.
    let asks_three = "this job may use 3.00";
    assert_sbatch_refused(site, "array", &["--time=60", "--array=1-3%1"], "BSR-150", asks_three)?;
    sbatch(site, "array", 60, &["--hold", "--array=1-2"])?.ok()?;
    assert_sbatch_refused(site, "array", &["--time=1"], "BSR-150", "2.00 are in flight")?;
    wait_for_list_after(site, host_now(site)?)?;
    assert_sbatch_refused(site, "array", &["--time=1"], "BSR-150", "2.00 are in flight")?;
    cancel_all(site, "array")?;

    let script = "#!/bin/sh\n#SBATCH --time=60 --output=/dev/null --hold\n#SBATCH hetjob\n#SBATCH --time=MORE\ntrue\n";
    let submit = |minutes: &str| {
        let script = script.replace("MORE", minutes);
        cluster.host().run_as_with("hetty", &["sbatch", "--parsable"], script.as_bytes())
    };
    let start = Instant::now();
    assert_refused(&submit("61")?, start.elapsed(), "BSR-150", "2.00 CPU-hours today");
    // The component of the refused job that was let in holds its room until it is clear that it never came.
    wait_for_list_after(site, host_now(site)? + 31)?;
    submit("60")?.ok()?;
    assert_sbatch_refused(site, "hetty", &["--time=1"], "BSR-150", "2.00 are in flight")?;
    cancel_all(site, "hetty")
}

#[test]
fn given_trials_and_jobs_that_slurm_itself_refuses_then_no_lasting_booking_is_left() -> Result<()> {
    let (site, _alone) = governed();
    let trials = "seq 200 | xargs -P 20 -I{} sbatch --test-only --time=60 --wrap true";
    site.cluster().host().run_as("tess", &["bash", "-c", trials])?;
    // Two hours a day are two bookings that have no job.
    for refused in ["--qos=nosuch", "--constraint=nosuch"] {
        let output = sbatch(site, "quinn", 60, &["--hold", refused])?;
        assert!(!output.success() && !output.stderr.contains("BSR-"), "{refused}: {}", output.stderr);
    }
    assert_sbatch_refused(site, "quinn", &["--time=1"], "BSR-150", "2.00 are in flight")?;
    let start = Instant::now();
    for user in ["tess", "quinn"] {
        site.wait_for(&format!("all of the room for {user}"), 50, || {
            let output = sbatch(site, user, 120, &["--hold"])?;
            Ok(output.ok().map(drop).map_err(|error| error.to_string()))
        })?;
        cancel_all(site, user)?;
    }
    println!("the bookings were gone after {:?}", start.elapsed());
    Ok(())
}

#[test]
fn given_an_update_of_a_waiting_job_then_only_what_enlarges_it_beyond_the_quota_is_refused() -> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let job = sbatch(site, "uma", 60, &["--hold"])?.ok()?.trim().to_owned();
    let update = |user: &str, change: &str| cluster.scontrol(user, &["update", &format!("jobid={job}"), change]);
    for change in ["comment=x", "nice=10", "name=other"] {
        update("uma", change)?.ok()?;
    }
    cluster.scontrol("uma", &["release", &job])?.ok()?;
    cluster.scontrol("uma", &["hold", &job])?.ok()?;
    wait_for_list_after(site, host_now(site)?)?;

    for change in ["timelimit=300", "numcpus=8"] {
        let start = Instant::now();
        assert_update_refused(&update("uma", change)?, start.elapsed());
    }
    update("uma", "timelimit=30")?.ok()?;
    update("root", "timelimit=600")?.ok()?;
    let shown = cluster.scontrol("uma", &["show", "job", "--oneliner", &job])?.ok()?;
    assert!(shown.contains("TimeLimit=10:00:00"), "{shown}");
    cancel_all(site, "uma")
}

#[test]
fn given_an_update_in_a_jobs_first_second_then_it_waits_for_the_list_instead_of_passing() -> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let job = sbatch(site, "newt", 60, &["--hold"])?.ok()?.trim().to_owned();
    let update =
        |minutes: u32| cluster.scontrol("newt", &["update", &format!("jobid={job}"), &format!("timelimit={minutes}")]);
    let start = Instant::now();
    assert_update_refused(&update(600)?, start.elapsed());
    wait_for_list_after(site, host_now(site)?)?;
    let start = Instant::now();
    assert_update_refused(&update(600)?, start.elapsed());
    update(90)?.ok()?;
    cancel_all(site, "newt")
}

#[test]
fn given_root_and_slurms_own_user_then_they_are_not_judged() -> Result<()> {
    let (site, _alone) = governed();
    site.cluster().sacctmgr(&["add", "user", "slurm", "account=root"])?.ok()?;
    for user in ["root", "slurm"] {
        site.wait_for(&format!("{user} to submit"), 10, || {
            let output = sbatch(site, user, 60, &["--hold"])?;
            assert!(!output.stderr.contains("BSR-"), "{}", output.stderr);
            Ok(output.ok().map(drop).map_err(|error| error.to_string()))
        })?;
        cancel_all(site, user)?;
    }
    Ok(())
}

/// Requests that come to more than one CPU in ways that `-n` does not tell.
const SHAPES: &[&[&str]] = &[
    &["--ntasks=2"],
    &["--cpus-per-task=3"],
    &["--nodes=2"],
    &["--nodes=1-2", "--ntasks=2"],
    &["--nodes=1-2", "--cpus-per-task=2"],
    &["--nodes=1-2", "--exclusive"],
    &["--exclusive"],
    &["--exclusive=user", "--nodes=2"],
    &["--mincpus=4"],
    &["--ntasks-per-node=4"],
    &["--nodes=2", "--ntasks-per-node=2"],
    &["--nodelist=n1,n2"],
    &["--partition=lean", "--mem=4000"],
    &["--partition=lean", "--mem-per-cpu=4000"],
    &["--partition=lean", "--mem=0"],
    &["--threads-per-core=1", "--ntasks=2"],
    &["--extra-node-info=1:2:1"],
    &["--ntasks-per-core=1", "--ntasks=2"],
    &["--core-spec=1"],
];

#[test]
fn given_a_shape_that_gets_more_than_one_cpu_then_room_for_one_is_not_enough() -> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let mut larger = 0;
    cluster.slurm_as("root", "scancel", &["--state=RUNNING"])?;
    for shape in SHAPES {
        // What Slurm really gives to somebody without a limit.
        let output = sbatch(site, "ben", 60, shape)?;
        if !output.success() {
            println!("{shape:?}: Slurm refuses: {}", output.stderr.trim());
            continue;
        }
        let job = output.stdout.trim().to_owned();
        let cpus = cluster.host().wait_for(&format!("{shape:?} to run"), Duration::from_secs(20), || {
            let shown = cluster.scontrol("root", &["show", "job", "--oneliner", &job]).map_err(|e| e.to_string())?;
            let word = |key: &str| shown.stdout.split_whitespace().find_map(|word| word.strip_prefix(key));
            if word("JobState=") != Some("RUNNING") {
                return Err(shown.stdout);
            }
            word("NumCPUs=").and_then(|cpus| cpus.parse::<u32>().ok()).ok_or(shown.stdout.clone())
        })?;
        cancel_all(site, "ben")?;
        println!("{shape:?}: {cpus} CPUs");
        if cpus > 1 {
            larger += 1;
            let args = [&["--time=60"], *shape].concat();
            assert_sbatch_refused(site, "shawn", &args, "BSR-150", "you may use 1.00 CPU-hours today")?;
        }
    }
    assert!(larger > 12, "only {larger} shapes came to more than one CPU");
    sbatch(site, "shawn", 60, &["--hold"])?.ok()?;
    cancel_all(site, "shawn")
}

#[test]
fn given_a_restart_of_slurmctld_with_live_jobs_then_the_limit_still_holds() -> Result<()> {
    let (site, _alone) = governed();
    sbatch(site, "liv", 60, &["--hold"])?.ok()?;
    sbatch(site, "liv", 60, &[])?.ok()?;
    wait_for_list_after(site, host_now(site)?)?;
    // This one is in no list yet when slurmctld, and the plugin's bookings with it, go down.
    sbatch(site, "liv", 60, &["--hold"])?.ok()?;
    site.cluster().restart("slurmctld")?;
    let output = sbatch(site, "liv", 60, &["--hold"])?;
    assert!(!output.success(), "a fourth hour was let in right after the restart");
    site.wait_for("the count after the restart", 25, || {
        let output = sbatch(site, "milo", 1, &["--hold"])?;
        let known = output.success() || output.stderr.contains("BSR-101: Ask the HPC team.");
        assert!(known, "{}", output.stderr);
        Ok(output.ok().map(drop).map_err(|error| error.to_string()))
    })?;
    cancel_all(site, "milo")?;
    wait_for_list_after(site, host_now(site)?)?;
    assert_sbatch_refused(site, "liv", &["--time=60"], "BSR-150", "3.00 are in flight")?;
    cancel_all(site, "liv")
}
