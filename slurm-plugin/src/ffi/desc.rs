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
/// Node lists, features and array expressions can be long; 256 KiB scan in well under a millisecond.
const MOST_LIST: usize = 256 * 1024;

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
        array = array_inx, "array expression", MOST_LIST;
        /// `-d`.
        dependency = dependency, "dependency", MOST_LIST;
        /// `-w`.
        nodes = req_nodes, "node list", MOST_LIST;
        /// `-C`.
        features = features, "feature list", MOST_LIST;
        /// `--prefer`.
        prefer = prefer, "list of preferred features", MOST_LIST;
        /// `--gpus` and the like.
        gres_per_job = tres_per_job, "list of generic resources", MOST_NAME;
        /// The job's id as an update names it.
        job = job_id_str, "job id", MOST_NAME;
    }

    /// The job's id as a number; [`super::sys::NO_VAL`] when an update names it by text.
    pub(crate) fn job_number(&self) -> u32 {
        #[cfg(not(slurm_step_id))]
        let number = self.raw.job_id;
        #[cfg(slurm_step_id)]
        let number = self.raw.step_id.job_id;
        number
    }

    /// Whether GPUs or other generic resources are asked for per job, socket or task, or bring CPUs or memory of their own.
    pub(crate) fn gres_decides_cpus(&self) -> bool {
        let raw = self.raw;
        [raw.cpus_per_tres, raw.mem_per_tres, raw.tres_per_job, raw.tres_per_socket, raw.tres_per_task]
            .into_iter()
            .any(|text| self.is_given(text))
    }

    /// Whether generic resources are asked for per node (`--gres`).
    pub(crate) fn gres_per_node(&self) -> bool {
        self.is_given(self.raw.tres_per_node)
    }

    fn is_given(&self, start: *const c_char) -> bool {
        // One byte is enough to tell "" from something; text that is too long or no text at all is something too.
        !matches!(self.text(start, "", 0), Ok(None | Some("")))
    }
}

/// Writes `account` into the description.
///
/// # Safety
/// `raw` is null or a job description that is this call's alone, its account null or from Slurm's allocator.
pub(crate) unsafe fn write_account(raw: *mut job_desc_msg_t, account: &str) {
    // SAFETY: null or valid and unshared by this function's contract.
    let Some(raw) = (unsafe { raw.as_mut() }) else { return };
    // SAFETY: the account is null or Slurm's and unshared by this function's contract.
    unsafe { text::replace(&mut raw.account, account) };
}
