//! The checks that run on this machine without the daemon: a configuration before it is used, a plugin before
//! slurmctld loads it.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::ExitStatus;
use super::table::printable;
use crate::config::{self, ConfigPaths};
use crate::daemon::site::chain;
use crate::slurm::plugin_check::{self, Finding, PluginPaths};
use crate::slurm::{conf_check, conf_file};

/// What can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The configuration files.
    Config,
    /// The built plugin against the installed slurmctld.
    Plugin,
    /// Only what of the plugin would keep slurmctld from starting; its unit runs this.
    Start,
    /// slurm.conf against what the policy asks of Slurm.
    Slurm,
}

/// Carries out `bursar check …`: findings to `out`, problems to `err`.
///
/// `files` are those named on the command line: `bursar.toml` and `policy.toml`, or the plugin, or slurm.conf. Without
/// any, `config` and the `policy.toml` beside it, or the installed plugin, or the installed slurm.conf.
pub fn check(what: Check, files: &[PathBuf], config: &Path, out: &mut dyn Write, err: &mut dyn Write) -> ExitStatus {
    let outcome = match what {
        Check::Config => check_config(files, config),
        Check::Plugin | Check::Start => check_plugin(what, files),
        Check::Slurm => check_slurm(files, config),
    };
    // When both ends are closed nobody is left to complain to, so the results of writing are dropped.
    match outcome {
        Ok(findings) => {
            for finding in findings {
                let _ = writeln!(out, "{}", printable(&finding, false));
            }
            ExitStatus::Done
        }
        Err(problems) => {
            for problem in problems {
                let _ = writeln!(err, "error: {}", printable(&problem, false));
            }
            ExitStatus::Usage
        }
    }
}

/// Every problem of both files, or what was found to be sound.
fn check_config(files: &[PathBuf], config: &Path) -> Result<Vec<String>, Vec<String>> {
    let beside = |machine: &Path| machine.with_file_name("policy.toml");
    let paths = match files {
        [] => ConfigPaths { machine: config.to_owned(), policy: beside(config) },
        [machine] => ConfigPaths { machine: machine.clone(), policy: beside(machine) },
        [machine, policy] => ConfigPaths { machine: machine.clone(), policy: policy.clone() },
        _ => return Err(vec!["check config takes bursar.toml and policy.toml, in this order".to_owned()]),
    };
    match config::load(&paths) {
        Ok(_) => {
            let rates = paths.rates();
            let files = [&paths.machine, &paths.policy].into_iter().chain(rates.as_ref());
            Ok(files.map(|path| format!("{}: sound", path.display())).collect())
        }
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

/// What was found of the plugin; anything that would keep slurmctld from starting makes all of it problems, and in the
/// whole check anything that would let it run without the plugin.
fn check_plugin(what: Check, files: &[PathBuf]) -> Result<Vec<String>, Vec<String>> {
    let default = PluginPaths::default();
    let paths = match files {
        [] => default,
        [plugin] => PluginPaths { plugin: plugin.clone(), ..default },
        _ => return Err(vec!["check plugin and check start take one file, the plugin".to_owned()]),
    };
    // slurmctld is asked for its version, which is the only thing here that is waited for.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| vec![format!("cannot wait for slurmctld -V: {error}")])?;
    let (findings, fatal): (_, fn(&Finding) -> bool) = match what {
        Check::Start => (runtime.block_on(plugin_check::check_start(&paths)), Finding::ends_slurmctld),
        _ => (runtime.block_on(plugin_check::check(&paths)), Finding::is_fatal),
    };
    let findings = findings.map_err(|error| vec![chain(&error)])?;
    let fatal = findings.iter().any(fatal);
    let lines = findings.iter().map(ToString::to_string).collect();
    if fatal { Err(lines) } else { Ok(lines) }
}

/// The lines that slurm.conf lacks for the policy beside `config`.
fn check_slurm(files: &[PathBuf], config: &Path) -> Result<Vec<String>, Vec<String>> {
    let conf = match files {
        [] => std::env::var_os("SLURM_CONF").map_or_else(|| PluginPaths::default().slurm_conf, PathBuf::from),
        [conf] => conf.clone(),
        _ => return Err(vec!["check slurm takes one file, slurm.conf".to_owned()]),
    };
    let paths = ConfigPaths { machine: config.to_owned(), policy: config.with_file_name("policy.toml") };
    let policy = config::load(&paths).map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>())?.policy;
    let text = conf_file::read(&conf).map_err(|error| vec![chain(&error)])?;
    let missing = conf_check::judge(&config::slurm_conf_needs(&policy), |key| conf_file::value(&text, key));
    match missing.as_slice() {
        [] => Ok(vec![format!("{}: has all that policy.toml asks of Slurm", conf.display())]),
        missing => Err(missing.iter().map(|line| format!("{}: {line}", conf.display())).collect()),
    }
}
