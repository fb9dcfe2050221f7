//! A job description of slurmctld's, lent for one call.

use std::ffi::c_char;

use super::sys::job_desc_msg_t;
use super::text::{self, BadText};

/// A description that can be read; its strings live as long as the call.
pub(crate) struct Desc<'a> {
    raw: &'a job_desc_msg_t,
}

/// Names of accounts, partitions and jobs are short; this leaves room for long lists of them.
const MOST_NAME: usize = 4 * 1024;
/// So many QOS that each is looked up in microseconds; a cluster has tens of them.
const MOST_QOS: usize = 1024;
/// A longer `--array` list is not counted by anybody.
const MOST_ARRAY: usize = 16 * 1024;
/// Longer lists of nodes and features are not counted: they may come to every node.
const MOST_COUNTED: usize = 8 * 1024;
/// Thousands of jobs can be depended on; one word is looked for in them.
const MOST_JOBS: usize = 256 * 1024;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $field:ident, $word:literal, $most:expr;)*) => {
        $(
            $(#[$doc])*
            pub(crate) fn $name(&self) -> Result<Option<&'a str>, BadText> {
                self.text(self.raw.$field, $word, $most)
            }
        )*
    };
}

impl<'a> Desc<'a> {
    /// Borrows what slurmctld passed; `None` for null.
    ///
    /// # Safety
    /// `raw` is null or a job description whose strings nobody changes or frees while `'a` lasts.
    pub(crate) unsafe fn borrow(raw: *const job_desc_msg_t) -> Option<Self> {
        // SAFETY: null or valid for `'a` by this function's contract.
        unsafe { raw.as_ref() }.map(|raw| Self { raw })
    }

    /// The plain numbers; the strings are reached through the methods.
    pub(crate) fn numbers(&self) -> &'a job_desc_msg_t {
        self.raw
    }

    fn text(&self, start: *const c_char, field: &'static str, most: usize) -> Result<Option<&'a str>, BadText> {
        // SAFETY: `start` is a field of the description, so by the contract of `borrow` null or a string for `'a`.
        unsafe { text::borrow(start, field, most) }
    }

    texts! {
        /// `-A`.
        account = account, "account", MOST_NAME;
        /// `-p`.
        partition = partition, "partition list", MOST_NAME;
        /// `--array`.
        array = array_inx, "array expression", MOST_ARRAY;
        /// `-w`.
        nodes = req_nodes, "node list", MOST_COUNTED;
        /// `-C`.
        features = features, "feature list", MOST_COUNTED;
        /// `--prefer`.
        prefer = prefer, "list of preferred features", MOST_COUNTED;
        /// `--gpus`.
        gres_per_job = tres_per_job, "list of generic resources", MOST_NAME;
        /// `--gres`, `--gpus-per-node`.
        gres_per_node = tres_per_node, "list of generic resources", MOST_NAME;
        /// `--gpus-per-socket`.
        gres_per_socket = tres_per_socket, "list of generic resources", MOST_NAME;
        /// `--gpus-per-task`.
        gres_per_task = tres_per_task, "list of generic resources", MOST_NAME;
        /// `--cpus-per-gpu`.
        cpus_per_gres = cpus_per_tres, "CPUs per generic resource", MOST_NAME;
        /// `--mem-per-gpu`.
        memory_per_gres = mem_per_tres, "memory per generic resource", MOST_NAME;
        /// `-q`.
        qos = qos, "QOS", MOST_QOS;
        /// `--wckey`.
        cost_center = wckey, "cost centre", MOST_NAME;
        /// The job's id as an update names it.
        job = job_id_str, "job id", MOST_NAME;
    }

    /// `-d`.
    pub(crate) fn dependency(&self) -> Result<Option<&'a [u8]>, BadText> {
        // SAFETY: a field of the description, so by the contract of `borrow` null or a string for `'a`.
        unsafe { text::borrow_bytes(self.raw.dependency, "dependency", MOST_JOBS) }
    }

    /// The job's id as a number; [`super::sys::NO_VAL`] when an update names it by text.
    pub(crate) fn job_number(&self) -> u32 {
        #[cfg(not(slurm_step_id))]
        let number = self.raw.job_id;
        #[cfg(slurm_step_id)]
        let number = self.raw.step_id.job_id;
        number
    }
}

/// What is written into a description: texts only where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Written {
    /// The account.
    pub(crate) account: Option<String>,
    /// The QOS.
    pub(crate) qos: Option<String>,
    /// The wckey.
    pub(crate) cost_center: Option<String>,
    /// The earliest begin, in seconds of UTC; it replaces what the description says.
    pub(crate) begin_at: Option<i64>,
}

/// Writes `written` into the description.
///
/// # Safety
/// `raw` is null or a job description that is this call's alone, its texts null or from Slurm's allocator.
pub(crate) unsafe fn write(raw: *mut job_desc_msg_t, written: &Written) {
    // SAFETY: null or valid and unshared by this function's contract.
    let Some(raw) = (unsafe { raw.as_mut() }) else { return };
    let Written { account, qos, cost_center, begin_at } = written;
    if let Some(begin_at) = *begin_at {
        raw.begin_time = begin_at;
    }
    let slots = [(&mut raw.account, account), (&mut raw.qos, qos), (&mut raw.wckey, cost_center)];
    for (slot, text) in slots {
        if let Some(text) = text {
            // SAFETY: the slot is null or Slurm's and unshared by this function's contract.
            unsafe { text::replace(slot, text) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::sample::Sample;

    #[test]
    fn given_a_begin_then_it_replaces_what_the_description_says_and_nothing_else_is_touched() {
        let mut sample = Sample::sbatch(70_001).with(|raw| raw.begin_time = 5);
        for (begin_at, written) in [(None, 5), (Some(77), 77)] {
            // SAFETY: the description is the sample's, and nothing borrows from it.
            unsafe { write(&raw mut sample.raw, &Written { begin_at, ..Written::default() }) };
            assert_eq!(sample.raw.begin_time, written);
        }
        assert!(sample.raw.account.is_null() && sample.raw.qos.is_null() && sample.raw.wckey.is_null());
    }
}
