//! What bursar costs a real cluster with 10,000 people: the first pass, idleness, and every `sbatch`.
//!
//! Run by `make bench` as a plain program; the table at its end also has the medians that the benchmark of the judges
//! left. Nothing fails here for being slow: the machine may be small and busy.

mod institute;
mod judged;
mod submissions;
mod summary;
mod sync;
mod throughput;

use bursar_tests::{BuildDir, Cluster, Result, install_bursar, target_dir};

use crate::institute::Institute;
use crate::summary::Summary;

/// Rounds of submissions, if the command line does not say.
const ROUNDS: usize = 6;

fn main() -> Result<()> {
    // `-- submissions ROUNDS` measures these alone.
    let arguments: Vec<String> = std::env::args().collect();
    let alone = arguments.iter().any(|argument| argument == "submissions");
    let rounds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let institute = Institute { people: 10_000, accounts: 200 };
    let mut summary = Summary::default();
    if !alone {
        judged::add_to(&mut summary, &target_dir().join("criterion"));
        sync::baseline(&institute, &mut summary)?;
    }

    let build = BuildDir::at(&target_dir().join("release"))?;
    let builder = Cluster::builder().with_bursar_plugin().max_job_count(300_000).min_job_age(10);
    // As sites run it; the tests' clusters log more.
    let cluster = builder.slurm_conf("SlurmctldDebug=info").up_with(|host| {
        install_bursar(host, &build, &institute.files())?;
        // Started by hand, so that the first pass can be timed.
        let units = ["bursard.service", "bursar-node.path", "bursar-node.service"];
        host.run(&[&["systemctl", "--quiet", "disable"], &units[..]].concat())?.ok().map(drop)
    })?;
    cluster.authorise_bursar()?;
    sync::first_pass(&institute, &cluster, &mut summary)?;
    if !alone {
        sync::without_changes(&cluster, &mut summary)?;
        sync::idle(&cluster, &mut summary)?;
        throughput::measure(&institute, &cluster, &mut summary)?;
    }
    submissions::measure(&institute, &cluster, rounds, &mut summary)?;
    summary.print();
    Ok(())
}
