//! Lines for slurmctld's log, through slurmctld's own functions.

use std::ffi::CString;

use bursar_policy::job::Severity;

use super::text::printable;

#[cfg(not(test))]
use host::{write, write_debug};
#[cfg(test)]
use tests::{write, write_debug};

#[cfg(not(any(test, fuzzing)))]
mod host {
    use std::ffi::{CStr, c_char};

    unsafe extern "C" {
        fn slurm_info(format: *const c_char, ...);
        fn slurm_debug(format: *const c_char, ...);
        fn slurm_error(format: *const c_char, ...) -> i32;
    }

    const FORMAT: *const c_char = c"%s".as_ptr();

    pub(super) fn write(error: bool, line: &CStr) {
        if error {
            // SAFETY: slurm_error reads a printf format and one NUL-terminated string for its one `%s`.
            unsafe { slurm_error(FORMAT, line.as_ptr()) };
        } else {
            // SAFETY: as slurm_error.
            unsafe { slurm_info(FORMAT, line.as_ptr()) };
        }
    }

    pub(super) fn write_debug(line: &CStr) {
        // SAFETY: as slurm_error.
        unsafe { slurm_debug(FORMAT, line.as_ptr()) };
    }
}

/// Where there is no slurmctld: what it would have been given must be one line.
#[cfg(all(fuzzing, not(test)))]
mod host {
    pub(super) fn write(_: bool, line: &std::ffi::CStr) {
        assert!(line.to_str().is_ok_and(|line| !line.chars().any(char::is_control)), "{line:?}");
    }

    pub(super) fn write_debug(line: &std::ffi::CStr) {
        write(false, line);
    }
}

/// Writes one line; control characters are left out, so a name cannot forge a second line.
pub(crate) fn line(severity: Severity, text: &str) {
    let kind = if severity == Severity::Warning { "warning: " } else { "" };
    let text = format!("job_submit/bursar: {kind}{}", printable(text).replace('\n', " | "));
    write(severity == Severity::Error, &CString::new(text).unwrap_or_default());
}

/// Writes one line of slurmctld's level "debug".
pub(crate) fn debug(text: &str) {
    write_debug(&CString::new(format!("job_submit/bursar: {}", printable(text))).unwrap_or_default());
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::RefCell;
    use std::ffi::CStr;

    use super::*;

    thread_local! {
        static LINES: RefCell<Vec<(bool, String)>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn write(error: bool, line: &CStr) {
        LINES.with_borrow_mut(|lines| lines.push((error, line.to_str().unwrap().to_owned())));
    }

    /// Below the level that these tests look at.
    pub(super) fn write_debug(_: &CStr) {}

    /// What this thread has logged since the last call: (is an error, line).
    pub(crate) fn taken() -> Vec<(bool, String)> {
        LINES.take()
    }

    #[test]
    fn given_a_hostile_text_then_the_log_gets_one_line() {
        drop(taken());
        line(Severity::Warning, "job of 'a\nslurmctld: error: \x1b[31mforged'");
        assert_eq!(
            taken(),
            [(false, "job_submit/bursar: warning: job of 'a | slurmctld: error: [31mforged'".to_owned())]
        );
    }
}
