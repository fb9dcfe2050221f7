//! Job descriptions for the fuzzer: any number in any field, any bytes in any text.
//!
//! Its strings come from the allocator in miniature of [`super::text`], as slurmctld's come from its own, so that
//! what the plugin writes into a description is given back exactly once.

use std::ffi::{CStr, CString, c_char};

use super::desc::{self, Desc, Written};
use super::sample::Sample;
use super::sys::job_desc_msg_t;
use super::text::{self, host};

/// A description that owns its texts.
pub struct Description {
    raw: job_desc_msg_t,
}

macro_rules! numbers {
    ($($name:literal = $field:ident;)*) => {
        /// The numbers that the plugin reads, by position.
        pub const NUMBERS: &[&str] = &[$($name,)* "job_id"];

        impl Description {
            /// Puts as much of `value` as fits into the number at position `which` of [`NUMBERS`].
            pub fn set_number(&mut self, which: usize, value: u64) {
                match NUMBERS.get(which).copied() {
                    $(Some($name) => self.raw.$field = value as _,)*
                    #[cfg(not(slurm_step_id))]
                    Some("job_id") => self.raw.job_id = value as _,
                    #[cfg(slurm_step_id)]
                    Some("job_id") => self.raw.step_id.job_id = value as _,
                    _ => {}
                }
            }
        }
    };
}

macro_rules! texts {
    ($($name:literal = $field:ident;)*) => {
        /// The texts that the plugin reads, by position.
        pub const TEXTS: &[&str] = &[$($name,)*];

        impl Description {
            fn slots(&mut self) -> [&mut *mut c_char; TEXTS.len()] {
                [$(&mut self.raw.$field,)*]
            }
        }
    };
}

numbers! {
    "user_id" = user_id;
    "time_limit" = time_limit;
    "begin_time" = begin_time;
    "min_cpus" = min_cpus;
    "max_cpus" = max_cpus;
    "min_nodes" = min_nodes;
    "max_nodes" = max_nodes;
    "num_tasks" = num_tasks;
    "cpus_per_task" = cpus_per_task;
    "pn_min_cpus" = pn_min_cpus;
    "pn_min_memory" = pn_min_memory;
    "ntasks_per_node" = ntasks_per_node;
    "ntasks_per_socket" = ntasks_per_socket;
    "ntasks_per_core" = ntasks_per_core;
    "ntasks_per_board" = ntasks_per_board;
    "ntasks_per_tres" = ntasks_per_tres;
    "boards_per_node" = boards_per_node;
    "sockets_per_board" = sockets_per_board;
    "sockets_per_node" = sockets_per_node;
    "cores_per_socket" = cores_per_socket;
    "threads_per_core" = threads_per_core;
    "core_spec" = core_spec;
    "shared" = shared;
    "reboot" = reboot;
    "priority" = priority;
}

texts! {
    "account" = account;
    "partition" = partition;
    "array_inx" = array_inx;
    "dependency" = dependency;
    "req_nodes" = req_nodes;
    "features" = features;
    "prefer" = prefer;
    "tres_per_job" = tres_per_job;
    "tres_per_node" = tres_per_node;
    "tres_per_socket" = tres_per_socket;
    "tres_per_task" = tres_per_task;
    "cpus_per_tres" = cpus_per_tres;
    "mem_per_tres" = mem_per_tres;
    "qos" = qos;
    "wckey" = wckey;
    "job_id_str" = job_id_str;
}

impl Default for Description {
    /// Sentinels everywhere, as Slurm's clients begin.
    fn default() -> Self {
        Self { raw: Sample::untouched().raw }
    }
}

impl Description {
    /// Puts the bytes up to the first NUL into the text at position `which` of [`TEXTS`]; `None` is null.
    pub fn set_text(&mut self, which: usize, bytes: Option<&[u8]>) {
        if let Some(slot) = self.slots().into_iter().nth(which) {
            give_back(slot);
            if let Some(bytes) = bytes {
                let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
                let text = CString::new(text).unwrap_or_default();
                // SAFETY: a NUL-terminated string, which is copied.
                *slot = unsafe { host::slurm_xstrdup(text.as_ptr()) };
            }
        }
    }

    /// The description as the exports would borrow it.
    pub(crate) fn lent(&self) -> Desc<'_> {
        // SAFETY: the strings live in `self`, which stays borrowed for as long as the description is.
        let lent = unsafe { Desc::borrow(&raw const self.raw) };
        lent.unwrap_or_else(|| unreachable!("it is not null"))
    }

    /// Writes into the description as the exports would.
    pub(crate) fn write(&mut self, written: &Written) {
        // SAFETY: the description is ours alone, and all of its strings come from the allocator in miniature.
        unsafe { desc::write(&raw mut self.raw, written) };
    }

    /// The text at position `which` of [`TEXTS`], if it is not null and UTF-8.
    pub fn text(&mut self, which: usize) -> Option<String> {
        let slot = self.slots().into_iter().nth(which)?;
        if slot.is_null() {
            return None;
        }
        // SAFETY: not null, so a NUL-terminated string of the allocator in miniature.
        unsafe { CStr::from_ptr(*slot) }.to_str().ok().map(str::to_owned)
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        self.slots().into_iter().for_each(give_back);
    }
}

/// What the user reads of `text`, after it has gone through Slurm's hands; another plugin has said `earlier`.
pub(crate) fn told(earlier: Option<&str>, text: &str) -> String {
    let mut slot = std::ptr::null_mut();
    for text in earlier.into_iter().chain([text]) {
        // SAFETY: the slot is null or holds a string of the allocator in miniature.
        unsafe { text::tell(&raw mut slot, text) };
    }
    // SAFETY: `tell` has filled the slot with a NUL-terminated string.
    let words = unsafe { CStr::from_ptr(slot) }.to_string_lossy().into_owned();
    give_back(&mut slot);
    words
}

fn give_back(slot: &mut *mut c_char) {
    let mut block = std::mem::replace(slot, std::ptr::null_mut()).cast();
    if !std::ptr::eq(block, std::ptr::null_mut()) {
        // SAFETY: every slot is filled by the allocator in miniature, and was just taken out of its only place.
        unsafe { host::slurm_xfree(&raw mut block) };
    }
}
