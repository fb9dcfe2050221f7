//! The checks that run on this machine without the daemon: a configuration before it is used, a plugin before
//! slurmctld loads it.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::ExitStatus;

/// What can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The configuration files.
    Config,
    /// The built plugin against the installed slurmctld.
    Plugin,
}

/// Carries out `bursar check …`: findings to `out`, problems to `err`.
///
/// `files` are those named on the command line; without any, `config` and what it names, or the installed plugin.
pub fn check(what: Check, files: &[PathBuf], config: &Path, out: &mut dyn Write, err: &mut dyn Write) -> ExitStatus {
    // The one place to connect `crate::config` and `crate::slurm` to; until then it must not look like a success.
    let _ = (files, config, out);
    let what = match what {
        Check::Config => "config",
        Check::Plugin => "plugin",
    };
    let _ = writeln!(err, "error: this build cannot check {what}");
    ExitStatus::Usage
}
