//! `job_submit/bursar`: judges every job inside slurmctld.
//!
//! slurmctld loads this library by the seven names below and calls it under its locks, from several threads at once.
//! No call blocks, reads a file, talks to slurmctld or lets a panic out; what cannot be judged is refused.
//!
//! * [`entry`] is the story of a call, [`convert`] and [`hosts`] put Slurm's fields into bursar's words.
//! * [`loader`] is the one thread, which reads what is published; [`latency`] counts how long calls take.
//! * [`ffi`] is the border; outside of it only the exports below are unsafe.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod convert;
mod entry;
mod ffi;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod hosts;
mod latency;
mod loader;

use std::ffi::{c_char, c_int, c_void};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use bursar_policy::job::{Gate, Severity};
use bursar_policy::{Clock, NodeConf, SystemClock, node_conf};

use crate::entry::{Outcome, Plugin};
use crate::ffi::desc::{self, Desc};
use crate::ffi::sys::{ESLURM_ACCESS_DENIED, SLURM_VERSION_NUMBER, job_desc_msg_t};
use crate::ffi::{guard, host, log, text};
use crate::latency::{Calls, Report};
use crate::loader::Loader;

/// The name slurmctld prints; it uses the symbol itself as the string, so this must be an array.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static plugin_name: [u8; 38] = *b"bursar: access, quotas and chargeback\0";

/// Type and name, as `JobSubmitPlugins` finds them.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static plugin_type: [u8; 18] = *b"job_submit/bursar\0";

/// The Slurm this was built for; slurmctld refuses any other, to the micro version.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static plugin_version: u32 = SLURM_VERSION_NUMBER;

/// Names another node.conf, for tests. slurmctld's environment is root's, like the file.
const CONF_VARIABLE: &str = "BURSAR_NODE_CONF";

/// After how many calls their times are written to the log, for whoever measures.
const REPORT_VARIABLE: &str = "BURSAR_REPORT_CALLS";

static PLUGIN: OnceLock<Plugin<Gate>> = OnceLock::new();
static LOADER: Mutex<Option<Loader>> = Mutex::new(None);
static SUBMISSIONS: Calls = Calls::new();
static UPDATES: Calls = Calls::new();

/// Called once after loading, as SlurmUser, before slurmctld knows any job and after it became a daemon, so that the
/// loader stays with the process that serves. Never refuses: a controller without jobs is better than none.
#[unsafe(no_mangle)]
pub extern "C" fn init() -> c_int {
    guard::quiet();
    guard::guard(0, || {
        PLUGIN.get_or_init(|| {
            let path = std::env::var_os(CONF_VARIABLE);
            let path = path.as_deref().map_or(Path::new(node_conf::PATH), Path::new);
            Plugin::new(NodeConf::read(path), host::effective_uid(), SystemClock.now())
        });
        load();
        0
    })
}

/// Starts the loader, if there is none.
fn load() {
    let mut loader = LOADER.lock().unwrap_or_else(PoisonError::into_inner);
    if loader.is_some() {
        return;
    }
    let start = Instant::now();
    let asked = std::env::var(REPORT_VARIABLE).ok().and_then(|text| text.parse().ok());
    let mut reports = [("submissions", &SUBMISSIONS), ("updates", &UPDATES)].map(|(what, calls)| {
        if asked.is_some() {
            calls.measure();
        }
        Report::new(what, calls, asked.unwrap_or(latency::CALLS), start)
    });
    let started = Loader::start(move || {
        guard::guard((), || {
            if let Some(plugin) = PLUGIN.get() {
                plugin.refresh(SystemClock.now());
            }
            for line in reports.iter_mut().filter_map(|report| report.due(Instant::now())) {
                log::line(Severity::Info, &line);
            }
        });
    });
    match started {
        Ok(started) => *loader = Some(started),
        // Then submissions look at the files themselves, every few seconds.
        Err(fault) => log::line(Severity::Error, &format!("no thread can be started: {fault}")),
    }
}

/// Called before unloading, which slurmctld does on rare occasions only.
#[unsafe(no_mangle)]
pub extern "C" fn fini() {
    guard::guard((), || {
        let loader = LOADER.lock().unwrap_or_else(PoisonError::into_inner).take();
        loader.into_iter().for_each(Loader::end);
    });
}

/// Judges a job that wants to enter.
///
/// # Safety
/// As slurmctld calls it: `job_desc` is a job description that is this call's alone, with strings of Slurm's
/// allocator, and `err_msg` is null or points to null or to such a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn job_submit(
    job_desc: *mut job_desc_msg_t,
    _submit_uid: u32,
    err_msg: *mut *mut c_char,
) -> c_int {
    SUBMISSIONS.timed(|| {
        let outcome = judged(|plugin| {
            // SAFETY: slurmctld's description and its strings stay as they are until `write` below.
            let Some(desc) = (unsafe { Desc::borrow(job_desc) }) else { return Outcome::unavailable(plugin.contact()) };
            plugin.submit(&desc, SystemClock.now())
        });
        guard::guard(refusal(), || {
            // SAFETY: the description is this call's alone, and nothing borrows from it any more.
            unsafe { desc::write(job_desc, &outcome.written) };
            if let Some(words) = &outcome.text {
                // SAFETY: `err_msg` is slurmctld's, as this function's contract says.
                unsafe { text::tell(err_msg, words) };
            }
            outcome.rc
        })
    })
}

/// Judges a change of a job. Slurm 22.05 takes no text here: the user gets the error number's own words, the log
/// gets ours.
///
/// # Safety
/// As [`job_submit`]. `_job` is never looked at: its layout changes from one micro version to the next.
#[cfg(not(slurm_modify_text))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn job_modify(job_desc: *mut job_desc_msg_t, _job: *mut c_void, submit_uid: u32) -> c_int {
    // SAFETY: passed on as it came.
    let outcome = unsafe { modify(job_desc, submit_uid) };
    if let Some(words) = &outcome.text {
        let verdict = if outcome.rc == 0 { "let through" } else { "refused" };
        guard::guard((), || {
            let line = format!("update by uid {submit_uid} {verdict}: {words}");
            log::line(Severity::Info, &line);
        });
    }
    outcome.rc
}

/// Judges a change of a job.
///
/// # Safety
/// As [`job_submit`]. `_job` is never looked at: its layout changes from one micro version to the next.
#[cfg(slurm_modify_text)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn job_modify(
    job_desc: *mut job_desc_msg_t,
    _job: *mut c_void,
    submit_uid: u32,
    err_msg: *mut *mut c_char,
) -> c_int {
    // SAFETY: passed on as it came.
    let outcome = unsafe { modify(job_desc, submit_uid) };
    guard::guard(refusal(), || {
        if let Some(words) = &outcome.text {
            // SAFETY: `err_msg` is slurmctld's, as this function's contract says.
            unsafe { text::tell(err_msg, words) };
        }
        outcome.rc
    })
}

/// Judges a change and writes what follows from it; slurmctld passes one description for all records of an array.
///
/// # Safety
/// `job_desc` is null or a description that is this call's alone, with strings of Slurm's allocator.
unsafe fn modify(job_desc: *mut job_desc_msg_t, submit_uid: u32) -> Outcome {
    UPDATES.timed(|| {
        let outcome = judged(|plugin| {
            // SAFETY: by this function's contract; the strings stay as they are until `write` below.
            let Some(desc) = (unsafe { Desc::borrow(job_desc) }) else { return Outcome::unavailable(plugin.contact()) };
            plugin.modify(&desc, submit_uid, SystemClock.now())
        });
        guard::guard((), || {
            // SAFETY: the description is this call's alone, and nothing borrows from it any more.
            unsafe { desc::write(job_desc, &outcome.written) };
        });
        outcome
    })
}

/// The outcome of `judge`, and a refusal when it panics or when there is no plugin to ask.
fn judged(judge: impl FnOnce(&Plugin<Gate>) -> Outcome) -> Outcome {
    guard::guard(None, || PLUGIN.get().map(judge)).unwrap_or_else(|| Outcome {
        rc: refusal(),
        text: Some(String::from("the access service is unavailable, so nothing can be granted")),
        written: desc::Written::default(),
    })
}

/// The error number of a refusal without a verdict.
fn refusal() -> c_int {
    c_int::try_from(ESLURM_ACCESS_DENIED).unwrap_or(-1)
}
