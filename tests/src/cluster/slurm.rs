//! Slurm's own commands, run by whom the test says, and the states that tests wait for.

use std::time::Duration;

use crate::{Cluster, Error, Output, Result};

impl Cluster {
    /// Runs a command of Slurm as `user`.
    pub fn slurm_as(&self, user: &str, command: &str, args: &[&str]) -> Result<Output> {
        let mut all = vec![command];
        all.extend(args);
        if user == "root" { self.host().run(&all) } else { self.host().run_as(user, &all) }
    }

    /// `sbatch` as `user`, with the arguments as they are.
    pub fn sbatch(&self, user: &str, args: &[&str]) -> Result<Output> {
        self.slurm_as(user, "sbatch", args)
    }

    /// `squeue` as `user`.
    pub fn squeue(&self, user: &str, args: &[&str]) -> Result<Output> {
        self.slurm_as(user, "squeue", args)
    }

    /// `sacct` as `user`.
    pub fn sacct(&self, user: &str, args: &[&str]) -> Result<Output> {
        self.slurm_as(user, "sacct", args)
    }

    /// `sacctmgr --immediate` as root.
    pub fn sacctmgr(&self, args: &[&str]) -> Result<Output> {
        let mut all = vec!["--immediate"];
        all.extend(args);
        self.slurm_as("root", "sacctmgr", &all)
    }

    /// `scontrol` as `user`.
    pub fn scontrol(&self, user: &str, args: &[&str]) -> Result<Output> {
        self.slurm_as(user, "scontrol", args)
    }

    /// Submits a job that must be accepted, and answers its number.
    pub fn submit(&self, user: &str, args: &[&str]) -> Result<u32> {
        let mut all = vec!["--parsable", "--output=/dev/null"];
        all.extend(args);
        let text = self.sbatch(user, &all)?.ok()?;
        let number = text.trim().split(';').next().and_then(|number| number.parse().ok());
        number.ok_or_else(|| Error::Machine(format!("sbatch answered {text:?} instead of a job number")))
    }

    /// The state of a job (or `JOB_TASK`) as slurmctld knows it, or slurmdbd when slurmctld has forgotten it.
    pub fn job_state(&self, job: &str) -> Result<String> {
        let shown = self.scontrol("root", &["show", "job", "--oneliner", job])?;
        if let Some(state) = shown.stdout.split_whitespace().find_map(|word| word.strip_prefix("JobState=")) {
            return Ok(state.to_owned());
        }
        self.accounted_state(job)
    }

    /// The state of a job as slurmdbd knows it; empty when it does not.
    pub fn accounted_state(&self, job: &str) -> Result<String> {
        let args = ["--allocations", "--noheader", "--parsable2", "--format=State", "--jobs", job];
        let text = self.sacct("root", &args)?.ok()?;
        // "CANCELLED by 1000" is CANCELLED.
        Ok(text.split_whitespace().next().unwrap_or_default().to_owned())
    }

    /// Waits until slurmctld says that the job is in `state`, such as `RUNNING`.
    pub fn wait_for_job_state(&self, job: u32, state: &str, timeout: Duration) -> Result<()> {
        self.wait_for_state(job, state, timeout, Self::job_state)
    }

    /// Waits until slurmdbd says that the job is in `state`, such as `COMPLETED`.
    pub fn wait_for_accounted_state(&self, job: u32, state: &str, timeout: Duration) -> Result<()> {
        self.wait_for_state(job, state, timeout, Self::accounted_state)
    }

    fn wait_for_state(
        &self,
        job: u32,
        state: &str,
        timeout: Duration,
        look: impl Fn(&Self, &str) -> Result<String>,
    ) -> Result<()> {
        self.host().wait_for(&format!("job {job} to be {state}"), timeout, || {
            let seen = look(self, &job.to_string()).map_err(|error| error.to_string())?;
            if seen == state { Ok(()) } else { Err(seen) }
        })
    }

    /// The log of slurmctld so far.
    pub fn slurmctld_log(&self) -> Result<String> {
        self.host().read_file("/var/log/slurm/slurmctld.log")
    }
}
