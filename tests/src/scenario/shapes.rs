//! What a request comes to at least in Slurm's hands, against the room that bursar demands for it.

use std::time::Duration;

use super::{SLEEPER, assert_sbatch_refused, cancel_all, sbatch};
use crate::{Governed, Result};

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
    &["--ntasks=3", "--spread-job"],
    &["--nodes=1-2", "--ntasks=2", "--cpus-per-task=2"],
    // Known from 23.11 on.
    &["--tres-per-task=cpu:4"],
    &["--tres-per-task=cpu:2", "--ntasks=2"],
    &["--exclusive=topo", "--nodes=2"],
];

/// Every shape to which Slurm gives more than one CPU is refused where there is room for an hour of one CPU, for just so long
/// that all of its CPUs are needed to exceed it.
pub fn a_shape_of_more_than_one_cpu_needs_room_for_more_than_one(site: &Governed) -> Result<()> {
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
            // So many minutes that all of these CPUs come to more than an hour, and one less would not.
            let time = format!("--time={}", 60 / cpus + 1);
            let args = [&[time.as_str()], *shape].concat();
            assert_sbatch_refused(site, "shawn", &args, "BSR-150", "you may use 1.00 CPU-hours today")?;
        }
    }
    assert!(larger > 12, "only {larger} shapes came to more than one CPU");
    sbatch(site, "shawn", 60, &["--hold"])?.ok()?;
    cancel_all(site, "shawn")
}

/// Requests that come to an hour of one CPU, all told, as far as the plugin can know: without a number of tasks its
/// nodes are as many as there are.
const HOURS: &[&[&str]] = &[
    &["--time=60"],
    &["--time=20", "--cpus-per-task=3", "--ntasks=1"],
    &["--time=10", "--cpus-per-task=3"],
    &["--time=15", "--cpus-per-task=2", "--ntasks=2"],
    &["--time=30", "--ntasks=2"],
    &["--time=30", "--nodes=2"],
    &["--time=30", "--array=1-2"],
    &["--time=15", "--partition=lean", "--mem=4000"],
];

/// What fits into the room exactly is let in, however it is written.
pub fn a_shape_that_fits_exactly_is_let_in(site: &Governed) -> Result<()> {
    for shape in HOURS {
        // The room of the one before is given back with the next list.
        site.wait_for(&format!("{shape:?} to be let in"), 45, || {
            let output = site.cluster().sbatch("fitz", &[&["--hold"], *shape, &SLEEPER].concat())?;
            Ok(output.ok().map(drop).map_err(|error| error.to_string()))
        })?;
        cancel_all(site, "fitz")?;
    }
    Ok(())
}
