//! The border to slurmctld: everything unsafe is in here, and nothing else is.
//!
//! * [`sys`] is what bindgen read in the installed headers.
//! * [`desc`] lends the strings of a job description; [`text`] owns those that Slurm keeps.
//! * [`log`] writes to slurmctld's log; [`guard`] lets no panic out; [`host`] asks the process.
//! * `sample` makes descriptions for tests, `hostile` for the fuzzer.

pub(crate) mod desc;
pub(crate) mod guard;
pub(crate) mod host;
#[cfg(fuzzing)]
pub(crate) mod hostile;
pub(crate) mod log;
#[cfg(test)]
pub(crate) mod memory;
#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, allow(dead_code))]
pub(crate) mod sample;
pub(crate) mod text;

/// What bindgen read in the installed headers.
#[allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    dead_code,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::missing_safety_doc,
    clippy::multiple_unsafe_ops_per_block,
    clippy::indexing_slicing
)]
pub(crate) mod sys {
    include!(concat!(env!("OUT_DIR"), "/slurm.rs"));
}
