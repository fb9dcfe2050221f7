//! What each GPU of a waiting job brings: CPUs (`--cpus-per-gpu`) and memory (`--mem-per-gpu`).
//!
//! squeue prints both as the client wrote them, so they are text of the user, newlines and separators included. They
//! are therefore asked for by themselves, believed only in the one form that sbatch gives them, and not at all of a job
//! that two lines speak of: whoever forges a line for another job leaves that job with two.

use std::collections::HashMap;

use super::command::{CommandError, SlurmCommands, Tool, words};

/// What squeue tells of one job's GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PerGpu {
    /// Nothing that can be believed: a GPU may bring anything.
    #[default]
    Untold,
    /// What was asked for.
    Told {
        /// CPUs for each GPU.
        cpus: Option<u32>,
        /// MB for each GPU.
        memory_mb: Option<u64>,
    },
}

/// Reads what the GPUs of waiting jobs bring, by job number; a job that is not there is [`PerGpu::Untold`].
pub async fn read(commands: &SlurmCommands) -> Result<HashMap<u32, PerGpu>, CommandError> {
    let args = words(&["-a", "-h", "-t", "PENDING", "-O", "JobID:|,cpus-per-tres:|,mem-per-tres:|"]);
    let mut jobs = HashMap::new();
    commands
        .read_lines(Tool::Squeue, &args, commands.read_timeout, |line| take(&mut jobs, &String::from_utf8_lossy(line)))
        .await?;
    Ok(jobs)
}

/// Takes one line in.
fn take(jobs: &mut HashMap<u32, PerGpu>, line: &str) {
    let fields: Vec<&str> = line.split('|').map(str::trim).collect();
    let Some(job) = fields.first().and_then(|number| number.parse().ok()) else { return };
    let told = match fields.as_slice() {
        [_, cpus, memory, ""] => each(cpus).zip(each(memory)),
        _ => None,
    };
    let per_gpu = told.map_or(PerGpu::Untold, |(cpus, memory_mb)| PerGpu::Told {
        cpus: cpus.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
        memory_mb,
    });
    jobs.entry(job).and_modify(|known| *known = PerGpu::Untold).or_insert(per_gpu);
}

/// The number in `gres:gpu:4` or `gres/gpu:4`; the outer nothing is a text in any other form.
fn each(text: &str) -> Option<Option<u64>> {
    if matches!(text, "N/A" | "" | "(null)") {
        return Some(None);
    }
    let rest = text.strip_prefix("gres").and_then(|rest| rest.strip_prefix([':', '/'])).unwrap_or(text);
    let digits = rest.strip_prefix("gpu")?.strip_prefix([':', '='])?;
    let sound = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| digits.parse().ok()).flatten().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> HashMap<u32, PerGpu> {
        let mut jobs = HashMap::new();
        lines.iter().for_each(|line| take(&mut jobs, line));
        jobs
    }

    #[test]
    fn given_sbatchs_own_form_then_it_is_believed_in_both_spellings() {
        let jobs = told(&["1|N/A|N/A|", "2|gres:gpu:4|N/A|", "3|gres/gpu:4|gres/gpu:2048|", "4|gpu:1||"]);
        let of = |cpus, memory_mb| PerGpu::Told { cpus, memory_mb };
        assert_eq!(
            [jobs[&1], jobs[&2], jobs[&3], jobs[&4]],
            [of(None, None), of(Some(4), None), of(Some(4), Some(2_048)), of(Some(1), None)]
        );
    }

    #[test]
    fn given_text_that_was_made_up_then_nothing_is_believed_of_the_jobs_it_names() {
        for line in ["5|gres:gpu:a100:4|N/A|", "5|gres:gpu:4k|N/A|", "5|gres:fpga:4|N/A|", "5|a|b|c|", "5|gres:gpu:1"] {
            assert_eq!(told(&[line])[&5], PerGpu::Untold, "{line}");
        }
        // Job 6 asks for `gres:gpu:1|N/A|` and a new line that speaks of job 7.
        let jobs = told(&["7|gres:gpu:9|N/A|", "6|gres:gpu:1|N/A|", "7|gres:gpu:1|N/A|", "junk"]);
        assert_eq!(jobs[&7], PerGpu::Untold);
    }
}
