//! Job descriptions for tests, filled as Slurm's clients fill them.

use std::ffi::{CString, c_char};

use super::desc::Desc;
use super::sys::job_desc_msg_t;

/// A description and the strings it points to.
pub(crate) struct Sample {
    /// The numbers, free to change.
    pub(crate) raw: job_desc_msg_t,
    texts: Vec<CString>,
}

impl Sample {
    /// What `slurm_init_job_desc_msg` leaves: sentinels everywhere.
    pub(crate) fn untouched() -> Self {
        // SAFETY: the description is plain numbers and pointers, for which all zeroes is a value.
        let mut raw: job_desc_msg_t = unsafe { std::mem::zeroed() };
        for field in [
            &mut raw.min_cpus,
            &mut raw.max_cpus,
            &mut raw.min_nodes,
            &mut raw.max_nodes,
            &mut raw.num_tasks,
            &mut raw.time_limit,
            &mut raw.time_min,
            &mut raw.user_id,
            &mut raw.priority,
        ] {
            *field = 0xffff_fffe;
        }
        #[cfg(not(slurm_step_id))]
        {
            raw.job_id = 0xffff_fffe;
        }
        #[cfg(slurm_step_id)]
        {
            raw.step_id.job_id = 0xffff_fffe;
        }
        for field in [
            &mut raw.cpus_per_task,
            &mut raw.pn_min_cpus,
            &mut raw.ntasks_per_node,
            &mut raw.ntasks_per_socket,
            &mut raw.ntasks_per_core,
            &mut raw.ntasks_per_board,
            &mut raw.ntasks_per_tres,
            &mut raw.boards_per_node,
            &mut raw.sockets_per_board,
            &mut raw.sockets_per_node,
            &mut raw.cores_per_socket,
            &mut raw.threads_per_core,
            &mut raw.core_spec,
            &mut raw.shared,
            &mut raw.reboot,
        ] {
            *field = 0xfffe;
        }
        raw.pn_min_memory = 0xffff_ffff_ffff_fffe;
        raw.overcommit = 0xfe;
        Self { raw, texts: Vec::new() }
    }

    /// What a bare `sbatch` of `uid` sends.
    pub(crate) fn sbatch(uid: u32) -> Self {
        let mut sample = Self::untouched();
        sample.raw.user_id = uid;
        sample.raw.min_cpus = 1;
        sample
    }

    /// Points a field at `text`.
    pub(crate) fn text(
        mut self,
        field: impl FnOnce(&mut job_desc_msg_t) -> &mut *mut c_char,
        text: impl Into<Vec<u8>>,
    ) -> Self {
        let text = CString::new(text).unwrap();
        *field(&mut self.raw) = text.as_ptr().cast_mut();
        self.texts.push(text);
        self
    }

    /// Changes numbers.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut job_desc_msg_t)) -> Self {
        change(&mut self.raw);
        self
    }

    /// The description as the exports would borrow it.
    pub(crate) fn desc(&self) -> Desc<'_> {
        // SAFETY: the strings live in `self`, which stays borrowed for as long as the description is.
        unsafe { Desc::borrow(&self.raw) }.unwrap()
    }
}

#[test]
fn given_a_known_slurm_then_the_description_is_laid_out_as_its_slurmctld_has_it() {
    // (size, offset of the time limit): they change from series to series, but within none.
    let known = match super::sys::SLURM_VERSION_NUMBER >> 8 {
        0x16_05 => (880, 620),
        0x18_0b => (912, 660),
        0x1a_05 => (952, 700),
        _ => return,
    };
    assert_eq!((size_of::<job_desc_msg_t>(), std::mem::offset_of!(job_desc_msg_t, time_limit)), known);
}
