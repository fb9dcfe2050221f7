//! The plugin in a slurmctld of which valgrind watches every access to memory; `make valgrind` runs it, `make test` does not.

use std::time::Duration;

use bursar_tests::memcheck::Report;
use bursar_tests::scenario::{self, cancel_all};
use bursar_tests::{Governed, Result};

const PLUGIN: &str = "job_submit_bursar.so";

/// So many of each kind of call, beside the scenarios.
const CALLS: u32 = 100;

/// Submissions that are let in, refused and cannot be read, and updates; each writes into slurmctld's own structures.
fn calls(site: &Governed) -> Result<()> {
    let run = |user: &str, command: &str| {
        let all = format!("seq {CALLS} | xargs -P 4 -I{{}} {command} 2>&1 | sort | uniq -c | sort -rn | head -3");
        site.cluster().host().run_as(user, &["bash", "-c", &all])?.ok().map(|text| println!("{command}:\n{text}"))
    };
    run("ben", "sbatch --hold --time=1 --output=/dev/null --wrap true")?;
    run("nora", "sbatch --time=1 --wrap true")?;
    run("eva", "sbatch --time=1 --account=physics --wrap true")?;
    run("ben", r"sbatch --time=1 --account=$'\xff' --wrap true")?;
    run("ben", "sh -c 'scontrol update jobid=$(squeue --me --noheader --format=%A | shuf -n 1) timelimit=2'")?;
    cancel_all(site, "ben")
}

/// One life of a slurmctld under valgrind, in which everything is done `times` times.
fn life(site: &Governed, times: u32) -> Result<Report> {
    site.cluster().restart_under_valgrind()?;
    // What slurmctld had before is being counted.
    site.cluster().host().wait_for("bursar to let milo submit", Duration::from_secs(120), || {
        let tried = scenario::sbatch(site, "milo", 1, &["--hold"]).map_err(|error| error.to_string())?;
        if tried.success() { Ok(()) } else { Err(tried.stderr) }
    })?;
    cancel_all(site, "milo")?;
    for _ in 0..times {
        scenario::everybody_without_a_usable_grant_is_told_why(site)?;
        scenario::each_way_to_submit_is_counted_whole(site)?;
        scenario::only_edits_that_enlarge_are_refused(site)?;
        scenario::an_edit_in_a_jobs_first_second_waits_for_the_list(site)?;
        scenario::holds_and_releases_pass(site)?;
        calls(site)?;
    }
    site.cluster().end_under_valgrind()
}

/// Blocks that are lost for good, by the plugin's doing.
fn lost(report: &Report) -> u64 {
    report.findings_in(PLUGIN).iter().filter_map(|found| found.leaked).map(|(_, blocks)| blocks).sum()
}

#[test]
#[ignore = "it takes a quarter of an hour: make valgrind"]
fn given_slurmctld_under_valgrind_then_the_plugin_makes_no_error_and_no_leak_that_grows() -> Result<()> {
    let site = scenario::govern(scenario::cluster())?;
    let (once, twice) = (life(&site, 1)?, life(&site, 2)?);
    for (name, report) in [("once", &once), ("twice", &twice)] {
        let (all, ours) = (report.findings(), report.findings_in(PLUGIN));
        println!("{name}: {} findings in slurmctld, {} of them with the plugin in their stack", all.len(), ours.len());
        ours.iter().for_each(|found| println!("{found}"));
        let errors: Vec<String> = ours.iter().filter(|found| found.leaked.is_none()).map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{name}: {}", errors.join("\n"));
    }
    let (before, after) = (lost(&once), lost(&twice));
    println!("blocks lost by the plugin: {before} with everything done once, {after} with everything done twice");
    assert!(after <= before, "what is lost grows from {before} blocks to {after} with the number of calls");
    Ok(())
}
