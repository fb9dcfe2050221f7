//! A Slurm job description in bursar's words.
//!
//! Slurm fills what was not asked for with sentinels (`NO_VAL`, `INFINITE`, 0, by width of the field), and decides some of what
//! a job gets only after the plugin has run. Both are settled here, always to the side of the larger job: a field
//! without a word of its own in [`Shape`] makes the request open-ended rather than being overlooked.

use std::fmt;

use bursar_policy::Timestamp;
use bursar_policy::job::{Edit, GpuAsk, Memory, Request, Shape, TimeLimit};

use crate::ffi::desc::Desc;
use crate::ffi::sys::job_desc_msg_t;
use crate::ffi::text::BadText;
use crate::hosts::{counted_gres, counted_nodes, most_nodes};

const NO_VAL16: u16 = 0xfffe;
const INFINITE16: u16 = 0xffff;
const NO_VAL: u32 = 0xffff_fffe;
const INFINITE: u32 = 0xffff_ffff;
const NO_VAL64: u64 = 0xffff_ffff_ffff_fffe;
const INFINITE64: u64 = 0xffff_ffff_ffff_ffff;
/// The bit of `pn_min_memory` that makes it memory per CPU.
const MEM_PER_CPU: u64 = 1 << 63;

/// Why a description cannot be judged at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unjudged {
    /// A field's text is unusable.
    Text(BadText),
    /// The job would lend its nodes to another one (`--dependency=expand`), which then uses them under its own name.
    Expands,
    /// The update names no job.
    NoJob,
}

impl fmt::Display for Unjudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(fault) => fault.fmt(f),
            Self::Expands => f.write_str("a job cannot expand another one here (--dependency=expand)"),
            Self::NoJob => f.write_str("the update names no job"),
        }
    }
}

impl From<BadText> for Unjudged {
    fn from(fault: BadText) -> Self {
        Self::Text(fault)
    }
}

/// The job that `desc` asks for.
pub(crate) fn request<'a>(desc: &Desc<'a>) -> Result<Request<'a>, Unjudged> {
    let raw = desc.numbers();
    refuse_expansion(desc)?;
    Ok(Request {
        uid: raw.user_id,
        account: filled(desc.account()?),
        partition: filled(desc.partition()?),
        time_limit: time_limit(raw.time_limit).unwrap_or(TimeLimit::Unset),
        begin_at: begin_at(raw),
        array: filled(desc.array()?),
        shape: shape(desc)?,
        gpus: gpus(desc)?,
        qos: filled(desc.qos()?),
        cost_center: filled(desc.cost_center()?),
    })
}

/// The GPUs that are asked for, and what they bring.
fn gpus<'a>(desc: &Desc<'a>) -> Result<GpuAsk<'a>, Unjudged> {
    Ok(GpuAsk {
        per_job: filled(desc.gres_per_job()?),
        per_node: filled(desc.gres_per_node()?),
        per_socket: filled(desc.gres_per_socket()?),
        per_task: per_task(desc)?.0,
        cpus_per_gpu: filled(desc.cpus_per_gres()?),
        memory_per_gpu: filled(desc.memory_per_gres()?),
    })
}

/// What each task gets of generic resources, and its CPUs: from 23.11 on clients write `-c` in there too, as `cpu=3`, beside
/// the number of its own, and `--tres-per-task` as it was typed, as `cpu:3`.
fn per_task<'a>(desc: &Desc<'a>) -> Result<(Option<&'a str>, Option<u32>), Unjudged> {
    let Some(text) = filled(desc.gres_per_task()?) else { return Ok((None, None)) };
    let cpus = |item: &str| item.trim().strip_prefix("cpu").and_then(|rest| rest.strip_prefix(['=', ':'])).map(number);
    let most = text.split([',', ';']).filter_map(cpus).max();
    let has_others = text.split([',', ';']).any(|item| cpus(item).is_none());
    Ok((Some(text).filter(|_| has_others), most))
}

/// A number as text; what cannot be read is too many to grant.
fn number(text: &str) -> u32 {
    text.trim().parse().unwrap_or(u32::MAX)
}

/// What the update `desc` would change. `job` is where a job named by number only gets its text.
pub(crate) fn edit<'a>(desc: &Desc<'a>, job: &'a mut String) -> Result<Edit<'a>, Unjudged> {
    let raw = desc.numbers();
    refuse_expansion(desc)?;
    let number = desc.job_number();
    let job = match filled(desc.job()?) {
        Some(text) => text,
        None if matches!(number, 0 | NO_VAL | INFINITE) => return Err(Unjudged::NoJob),
        None => {
            *job = number.to_string();
            job.as_str()
        }
    };
    let forced = forced_nodes(desc)?;
    // Naming nodes or counts raises the node count like NumNodes does; the larger of the two holds.
    let raised = |given: Option<u32>| if forced == 0 { given } else { Some(given.unwrap_or(0).max(forced)) };
    Ok(Edit {
        job,
        account: desc.account()?,
        partition: desc.partition()?,
        time_limit: time_limit(raw.time_limit),
        begin_at: begin_at(raw),
        min_cpus: larger(given32(raw.min_cpus), given32(raw.max_cpus)),
        min_nodes: raised(given32(raw.min_nodes)),
        max_nodes: given32(raw.max_nodes).map(|most| most.max(forced)),
        tasks: given32(raw.num_tasks),
        cpus_per_task: larger(given16(raw.cpus_per_task), per_task(desc)?.1),
        cpus_per_node: given16(raw.pn_min_cpus),
        memory: memory(raw.pn_min_memory),
        whole_nodes: whole_nodes(raw),
        gpus: gpus(desc)?,
        qos: filled(desc.qos()?),
        cost_center: filled(desc.cost_center()?),
        releases: raw.priority == INFINITE,
        open_ended: is_open_ended(desc)?
            || one_per_core(raw)
            || [raw.ntasks_per_node, raw.ntasks_per_socket, raw.ntasks_per_board]
                .into_iter()
                .any(|n| given16(n).is_some()),
    })
}

fn refuse_expansion(desc: &Desc<'_>) -> Result<(), Unjudged> {
    if desc.dependency()?.is_some_and(names_expand) { Err(Unjudged::Expands) } else { Ok(()) }
}

/// Whether a list of dependencies has an `expand`, in any case: no other kind has its first letters in it.
///
/// Everything is looked at without a branch, many bytes at a time, because the list can be long.
fn names_expand(list: &[u8]) -> bool {
    let later = |by: usize| list.get(by..).unwrap_or_default();
    let letters = list.iter().zip(later(1)).zip(later(2));
    let is = |byte: &u8, letter: u8| u8::from(byte | 0x20 == letter);
    letters.fold(0, |seen, ((e, x), p)| seen | (is(e, b'e') & is(x, b'x') & is(p, b'p'))) != 0
}

fn shape(desc: &Desc<'_>) -> Result<Shape, Unjudged> {
    let raw = desc.numbers();
    let forced = forced_nodes(desc)?;
    let min_nodes = larger(given32(raw.min_nodes), (forced > 0).then_some(forced));
    let tasks_per_node = given16(raw.ntasks_per_node);
    // slurmctld does this multiplication too when only the two factors are given.
    let tasks = given32(raw.num_tasks)
        .or_else(|| tasks_per_node.and_then(|tasks| min_nodes.map(|nodes| tasks.saturating_mul(nodes))));
    let cpus_per_task = larger(given16(raw.cpus_per_task), per_task(desc)?.1);
    // Tasks that only follow from the sockets they fill are counted nowhere.
    let hidden_tasks = tasks.is_none()
        && [raw.ntasks_per_socket, raw.ntasks_per_board].into_iter().any(|tasks| given16(tasks).is_some());
    Ok(Shape {
        min_cpus: larger(given32(raw.min_cpus), given32(raw.max_cpus)).unwrap_or(1),
        min_nodes,
        max_nodes: given32(raw.max_nodes).map(|most| most.max(forced)),
        tasks,
        cpus_per_task,
        tasks_per_node,
        cpus_per_node: given16(raw.pn_min_cpus),
        memory: memory(raw.pn_min_memory).unwrap_or(Memory::Unset),
        whole_nodes: whole_nodes(raw).unwrap_or(false),
        one_per_core: one_per_core(raw),
        open_ended: is_open_ended(desc)? || hidden_tasks || gpus(desc)?.per_task.is_some() && tasks.is_none(),
        ..Shape::default()
    })
}

/// The nodes that `-w`, counted features and counted GPUs can force upon the job; 0 when they force none.
fn forced_nodes(desc: &Desc<'_>) -> Result<u32, Unjudged> {
    let most = |list: Result<Option<&str>, BadText>, count: fn(&str) -> u64| match list {
        Err(BadText::TooLong(..)) => Ok(u64::MAX),
        list => list.map(|text| text.map_or(0, count)),
    };
    let named = most(desc.nodes(), |text| most_nodes(text).unwrap_or(u64::MAX))?;
    let counted = [most(desc.features(), counted_nodes)?, most(desc.prefer(), counted_nodes)?];
    // One GPU per node at worst. An explicit upper end of -N holds against that.
    let spread = match given32(desc.numbers().max_nodes) {
        Some(_) => 0,
        None => desc.gres_per_job()?.map_or(0, counted_gres),
    };
    let most = counted.into_iter().fold(named.max(spread), u64::max);
    // Beyond what a cluster has, the bound is the cluster's own size.
    Ok(u32::try_from(most).unwrap_or(u32::MAX))
}

/// `true` when whole nodes are taken, `false` when they are expressly not, `None` when nothing was said.
fn whole_nodes(raw: &job_desc_msg_t) -> Option<bool> {
    // Specialised cores (-S) and a reboot make slurmctld give the job the node for itself.
    if raw.core_spec != NO_VAL16 || !matches!(raw.reboot, 0 | NO_VAL16) {
        return Some(true);
    }
    match raw.shared {
        NO_VAL16 => None,
        // Shared with all (1), with the same user's jobs (2), within an MCS label (3): only what was asked for is
        // allocated, others are merely kept off the rest.
        1..=3 => Some(false),
        // Exclusive (0), a whole block of the topology (4), or a value that a later Slurm may give a meaning.
        _ => Some(true),
    }
}

fn one_per_core(raw: &job_desc_msg_t) -> bool {
    // Fewer threads per core than there are leave the others idle and charged; how many there are is not known here.
    given16(raw.threads_per_core).is_some() || given16(raw.ntasks_per_core) == Some(1)
}

/// Whether something can raise the CPU count that [`Shape`] has no word for.
fn is_open_ended(desc: &Desc<'_>) -> Result<bool, Unjudged> {
    let raw = desc.numbers();
    let layout = [raw.boards_per_node, raw.sockets_per_board, raw.sockets_per_node, raw.cores_per_socket];
    // Of resources other than GPUs it is not known how many there are, so not how many CPUs they bring either.
    let others = |text: Option<&str>| text.is_some_and(|text| text.split([',', ';']).any(|item| !item.contains("gpu")));
    let gpus = gpus(desc)?;
    Ok(others(gpus.cpus_per_gpu)
        || others(gpus.memory_per_gpu)
        || given16(raw.ntasks_per_tres).is_some()
        || layout.into_iter().any(|count| given16(count).is_some())
        || !matches!(raw.shared, 0..=3 | NO_VAL16))
}

fn time_limit(minutes: u32) -> Option<TimeLimit> {
    match minutes {
        NO_VAL => None,
        // sbatch turns `-t 0` into INFINITE itself; a client that does not must not fare better.
        0 | INFINITE => Some(TimeLimit::Unlimited),
        minutes => Some(TimeLimit::Minutes(minutes)),
    }
}

fn memory(mib: u64) -> Option<Memory> {
    match mib {
        NO_VAL64 | INFINITE64 => None,
        // --mem-per-cpu=0 is --mem=0: all of the node.
        MEM_PER_CPU => Some(Memory::PerNode(0)),
        mib if mib & MEM_PER_CPU != 0 => Some(Memory::PerCpu(mib & !MEM_PER_CPU)),
        mib => Some(Memory::PerNode(mib)),
    }
}

fn begin_at(raw: &job_desc_msg_t) -> Option<Timestamp> {
    (raw.begin_time > 0).then_some(Timestamp(raw.begin_time))
}

fn given32(count: u32) -> Option<u32> {
    // INFINITE is kept: as a count it is the largest there is.
    (!matches!(count, 0 | NO_VAL)).then_some(count)
}

fn given16(count: u16) -> Option<u32> {
    // In 16 bits INFINITE is a second spelling of "not given" (ntasks_per_core and its kin).
    (!matches!(count, 0 | NO_VAL16 | INFINITE16)).then_some(u32::from(count))
}

fn larger(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.max(other)
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
