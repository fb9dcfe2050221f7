//! Says whether slurmctld will load bursar's plugin, before slurmctld refuses to start over it.
//!
//! slurmctld demands its own major.minor.micro version in the plugin and ends with "fatal: failed to initialize
//! job_submit plugin" otherwise, so a security update of slurmctld beside an older plugin takes the cluster down.
//! slurm.conf is read as text, because the check must work while slurmctld is down.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tokio::process::Command;

use super::conf_file::{self, ConfFileError, value};
use super::plugin_elf::{ElfError, ElfFacts};

/// Where the parts are.
#[derive(Debug, Clone)]
pub struct PluginPaths {
    /// The plugin that was built or installed.
    pub plugin: PathBuf,
    /// The slurmctld that shall load it.
    pub slurmctld: PathBuf,
    /// Its configuration.
    pub slurm_conf: PathBuf,
    /// Where shared libraries are looked for.
    pub library_dirs: Vec<PathBuf>,
}

impl Default for PluginPaths {
    fn default() -> Self {
        let dirs = ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"];
        Self {
            plugin: PathBuf::from("/usr/lib/bursar/slurm/job_submit_bursar.so"),
            slurmctld: PathBuf::from("/usr/sbin/slurmctld"),
            slurm_conf: PathBuf::from("/etc/slurm/slurm.conf"),
            library_dirs: dirs.iter().map(PathBuf::from).collect(),
        }
    }
}

/// What was found; a check without trouble is one [`Finding::Loads`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Everything that was looked at fits.
    Loads {
        /// slurmctld's version.
        version: SlurmVersion,
    },
    /// It is not a Slurm plugin of the right type.
    NotThePlugin {
        /// What it says of its type.
        plugin_type: Option<String>,
    },
    /// slurmctld will end at its start over this.
    VersionDiffers {
        /// The version the plugin was built for.
        plugin: SlurmVersion,
        /// slurmctld's.
        slurmctld: SlurmVersion,
    },
    /// A name that neither slurmctld nor a library defines; slurmctld would crash or refuse when it needs it.
    UndefinedSymbol(String),
    /// A function that slurmctld asks every job_submit plugin for.
    MissingSymbol(&'static str),
    /// A library that the plugin names was not found.
    LibraryMissing(String),
    /// slurm.conf's PluginDir has no directory with the plugin in it under the name slurmctld looks for.
    NotInPluginDir {
        /// The directories slurm.conf names; none is Slurm's own default.
        dirs: Vec<PathBuf>,
    },
    /// slurm.conf's PluginDir finds another file first.
    Shadowed {
        /// The file that would be loaded.
        by: PathBuf,
    },
    /// slurm.conf's JobSubmitPlugins does not list bursar.
    NotConfigured {
        /// What it lists.
        plugins: Vec<String>,
    },
    /// Another plugin may still change the job after bursar has judged it.
    NotLast {
        /// The plugins after it.
        after: Vec<String>,
    },
}

impl Finding {
    /// Whether slurmctld would not load the plugin, or would judge without it.
    pub const fn is_fatal(&self) -> bool {
        !matches!(self, Self::Loads { .. } | Self::NotLast { .. })
    }

    /// Whether slurmctld would end at its start over this, or be unsafe to start.
    pub const fn ends_slurmctld(&self) -> bool {
        self.is_fatal() && !matches!(self, Self::NotConfigured { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loads { version } => write!(f, "slurmctld {version} can load the plugin"),
            Self::NotThePlugin { plugin_type } => write!(
                f,
                "the file is {}, not job_submit/bursar: install bursar's plugin there",
                plugin_type.as_deref().unwrap_or("no Slurm plugin")
            ),
            Self::VersionDiffers { plugin, slurmctld } => write!(
                f,
                "the plugin is built for Slurm {plugin} and slurmctld is {slurmctld}: install the plugin for {slurmctld} \
                 before slurmctld is restarted, or it will not start"
            ),
            Self::UndefinedSymbol(name) => {
                write!(
                    f,
                    "the plugin needs {name}, which slurmctld does not have: build it with the headers of this Slurm"
                )
            }
            Self::MissingSymbol(name) => write!(f, "the plugin has no {name}: build it again"),
            Self::LibraryMissing(name) => write!(f, "the plugin needs the library {name}: install it"),
            Self::NotInPluginDir { dirs } if dirs.is_empty() => {
                f.write_str("slurm.conf has no PluginDir: add the plugin's directory before Slurm's own")
            }
            Self::NotInPluginDir { dirs } => {
                let dirs: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
                write!(f, "PluginDir={} does not hold the plugin: add its directory", dirs.join(":"))
            }
            Self::Shadowed { by } => write!(f, "slurmctld would load {} instead: remove it", by.display()),
            Self::NotConfigured { plugins } => {
                write!(f, "JobSubmitPlugins={} does not list bursar: add it as the last one", plugins.join(","))
            }
            Self::NotLast { after } => {
                write!(f, "{} may change jobs after bursar judged them: list bursar last", after.join(","))
            }
        }
    }
}

/// A version as the plugin loader compares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlurmVersion(pub u32);

impl SlurmVersion {
    /// Reads `slurmctld -V`: the last word, as in "slurm-wlm 22.05.8".
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split_whitespace().next_back()?.split(['.', '-']).map(str::parse::<u8>);
        let mut part = || parts.next()?.ok().map(u32::from);
        let (major, minor, micro) = (part()?, part()?, part()?);
        Some(Self(major << 16 | minor << 8 | micro))
    }
}

impl fmt::Display for SlurmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, major, minor, micro] = self.0.to_be_bytes();
        write!(f, "{major}.{minor:02}.{micro}")
    }
}

/// Why the check could not be made.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A file says nothing.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// slurm.conf cannot be read.
    #[error(transparent)]
    Conf(#[from] ConfFileError),
    /// slurmctld does not say its version.
    #[error("{path} -V prints no version: give the path of slurmctld")]
    Version {
        /// The daemon.
        path: PathBuf,
    },
}

const PLUGIN_FILE: &str = "job_submit_bursar.so";
const EXPORTS: [&str; 5] = ["plugin_name", "plugin_type", "plugin_version", "job_submit", "job_modify"];

/// Checks the plugin against the installed slurmctld and its configuration; nothing is loaded or changed.
pub async fn check(paths: &PluginPaths) -> Result<Vec<Finding>, CheckError> {
    let plugin = ElfFacts::read(&paths.plugin)?;
    let conf = conf_file::read(&paths.slurm_conf)?;
    let version = slurmctld_version(&paths.slurmctld).await?;
    let mut findings = judge_symbols(&plugin, version);
    findings.extend(judge_links(&plugin, paths)?);
    findings.extend(judge_conf(&conf, &paths.plugin));
    if !findings.iter().any(Finding::is_fatal) {
        findings.insert(0, Finding::Loads { version });
    }
    Ok(findings)
}

/// Checks only whether the plugin would keep slurmctld from starting.
///
/// One that slurm.conf does not name cannot, whatever is wrong with it: an administrator who takes bursar out to get
/// the cluster up again must not be held up by it.
pub async fn check_start(paths: &PluginPaths) -> Result<Vec<Finding>, CheckError> {
    let conf = conf_file::read(&paths.slurm_conf)?;
    let plugins = job_submit_plugins(&conf);
    if !plugins.iter().any(|name| name == "bursar") {
        return Ok(vec![Finding::NotConfigured { plugins }]);
    }
    check(paths).await
}

async fn slurmctld_version(path: &Path) -> Result<SlurmVersion, CheckError> {
    let no_version = || CheckError::Version { path: path.to_owned() };
    let run = Command::new(path).arg("-V").stdin(std::process::Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(10), run).await.map_err(|_| no_version())?;
    let output = output.map_err(|_| no_version())?;
    SlurmVersion::parse(&String::from_utf8_lossy(&output.stdout)).ok_or_else(no_version)
}

fn judge_symbols(plugin: &ElfFacts, slurmctld: SlurmVersion) -> Vec<Finding> {
    if plugin.plugin_type.as_deref() != Some("job_submit/bursar") {
        return vec![Finding::NotThePlugin { plugin_type: plugin.plugin_type.clone() }];
    }
    let mut findings: Vec<Finding> = EXPORTS
        .iter()
        .filter(|name| !plugin.defined.contains(**name))
        .map(|name| Finding::MissingSymbol(name))
        .collect();
    match plugin.plugin_version.map(SlurmVersion) {
        Some(plugin) if plugin != slurmctld => findings.push(Finding::VersionDiffers { plugin, slurmctld }),
        _ => {}
    }
    findings
}

/// Looks every undefined name up in slurmctld, Slurm's own library and the libraries the plugin names.
fn judge_links(plugin: &ElfFacts, paths: &PluginPaths) -> Result<Vec<Finding>, ElfError> {
    let slurmctld = ElfFacts::read(&paths.slurmctld)?;
    let find = |name: &str| {
        let slurm_own = paths.library_dirs.iter().flat_map(|dir| [dir.join("slurm-wlm"), dir.join("slurm")]);
        let dirs = paths.library_dirs.iter().cloned().chain(slurm_own);
        dirs.map(|dir| dir.join(name)).find(|path| path.exists())
    };
    let mut findings = Vec::new();
    let mut defined = slurmctld.defined;
    let libraries: BTreeSet<&String> = plugin.needed.iter().chain(&slurmctld.needed).collect();
    for name in libraries {
        match find(name) {
            Some(path) => defined.extend(ElfFacts::read(&path)?.defined),
            None if plugin.needed.contains(name) => findings.push(Finding::LibraryMissing(name.clone())),
            None => {}
        }
    }
    findings.extend(plugin.undefined.difference(&defined).cloned().map(Finding::UndefinedSymbol));
    Ok(findings)
}

/// Judges PluginDir and JobSubmitPlugins of a slurm.conf.
fn judge_conf(conf: &str, plugin: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let dirs: Vec<PathBuf> = value(conf, "PluginDir")
        .map(|dirs| dirs.split(':').filter(|dir| !dir.is_empty()).map(PathBuf::from).collect())
        .unwrap_or_default();
    let same = |path: &Path| match (path.canonicalize(), plugin.canonicalize()) {
        (Ok(there), Ok(here)) => there == here,
        _ => false,
    };
    match dirs.iter().map(|dir| dir.join(PLUGIN_FILE)).find(|path| path.exists()) {
        Some(first) if same(&first) => {}
        Some(first) => findings.push(Finding::Shadowed { by: first }),
        None => findings.push(Finding::NotInPluginDir { dirs }),
    }
    let plugins = job_submit_plugins(conf);
    match plugins.iter().position(|name| name == "bursar") {
        None => findings.push(Finding::NotConfigured { plugins }),
        Some(at) => {
            let after: Vec<String> = plugins.into_iter().skip(at.saturating_add(1)).collect();
            if !after.is_empty() {
                findings.push(Finding::NotLast { after });
            }
        }
    }
    findings
}

fn job_submit_plugins(conf: &str) -> Vec<String> {
    value(conf, "JobSubmitPlugins")
        .map(|list| list.split(',').map(|name| name.trim().trim_start_matches("job_submit/").to_owned()).collect())
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "plugin_check_tests.rs"]
mod tests;
