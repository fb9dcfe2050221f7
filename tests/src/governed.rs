//! A cluster under bursar's rule with people of a test's own choosing, and looks into what bursar made of them.

use std::fmt::Write as _;
use std::time::Duration;

use bursar_policy::Snapshot;

use crate::error::io_error;
use crate::{BuildDir, Cluster, ClusterBuilder, Error, Files, Result, install_bursar};

/// The snapshot that the plugin reads.
pub const CONTROLLER_SNAPSHOT: &str = "/var/lib/bursar/publish/controller.snap";
/// Where the host's agent publishes the live jobs that edits are looked up in.
const JOBS_SNAPSHOT: &str = "/var/lib/bursar/publish/jobs.snap";
/// The snapshot that bursard publishes for hosts.
pub const NODE_SNAPSHOT: &str = "/var/lib/bursar/publish/node.snap";

const BURSAR: &str = "\
cluster = \"demo\"
roles = [\"controller\", \"database\", \"login\", \"compute\"]

[[source]]
name = \"directory\"
kind = \"directory\"
path = \"/etc/bursar/directory.toml\"

[intervals]
source-seconds = 1
jobs-seconds = 1
runs-seconds = 2
";

/// A person of a test's directory.
#[derive(Debug, Clone)]
pub struct Citizen {
    /// User name; the immutable id is `p-` and this.
    pub name: String,
    /// The one group's id; its name is the id without `g-`.
    pub group: String,
    /// Whether the directory has them enabled.
    pub enabled: bool,
    /// Public keys.
    pub keys: Vec<String>,
}

impl Citizen {
    /// An enabled member of `group` without keys.
    pub fn new(name: &str, group: &str) -> Self {
        Self { name: name.to_owned(), group: group.to_owned(), enabled: true, keys: Vec::new() }
    }
}

/// The text of `directory.toml` with these people and the groups they are in.
pub fn directory(people: &[Citizen]) -> String {
    let mut text = String::new();
    let groups: std::collections::BTreeSet<&str> = people.iter().map(|person| person.group.as_str()).collect();
    for id in groups {
        let _ = write!(text, "[[group]]\nid = \"{id}\"\nname = \"{}-people\"\n\n", id.trim_start_matches("g-"));
    }
    for Citizen { name, group, enabled, keys } in people {
        let keys: Vec<String> = keys.iter().map(|key| format!("\"{}\"", key.trim())).collect();
        let _ = write!(
            text,
            "[[person]]\nid = \"p-{name}\"\nuser-name = \"{name}\"\ndisplay-name = \"Person {name}\"\n\
             enabled = {enabled}\nssh-keys = [{}]\ngroups = [\"{group}\"]\n\n",
            keys.join(", ")
        );
    }
    text
}

/// A running cluster that bursard keeps in step with its files.
#[derive(Debug)]
pub struct Governed {
    cluster: Cluster,
}

impl Governed {
    /// Boots `cluster` with bursar and these files' text, and waits until `witness`, who must hold a grant, may submit.
    pub fn up(cluster: ClusterBuilder, policy: &str, directory: &str, witness: &str) -> Result<Self> {
        let build = BuildDir::debug()?;
        let files = Files {
            bursar: BURSAR.to_owned(),
            policy: policy.to_owned(),
            directory: directory.to_owned(),
            contact: "Ask the HPC team.".to_owned(),
        };
        let cluster = cluster.with_bursar_plugin().up_with(|host| install_bursar(host, &build, &files))?;
        cluster.authorise_bursar()?;
        let governed = Self { cluster };
        governed.wait_until_submitting(witness)?;
        Ok(governed)
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Waits until Slurm and bursar's plugin would let `user` submit.
    pub fn wait_until_submitting(&self, user: &str) -> Result<()> {
        let tried = self.cluster.host().wait_for(&format!("{user} to be let submit"), Duration::from_secs(45), || {
            let args = ["--test-only", "--time=1", "--wrap", "true"];
            let tried = self.cluster.sbatch(user, &args).map_err(|error| error.to_string())?;
            if tried.success() { Ok(()) } else { Err(tried.stderr) }
        });
        tried.map_err(|error| Error::Machine(format!("{error}\n{}", self.log().unwrap_or_default())))
    }

    /// What bursard and bursar-node said so far.
    pub fn log(&self) -> Result<String> {
        self.cluster.host().sh("journalctl --unit=bursard --unit=bursar-node --output=cat --no-pager")?.ok()
    }

    /// Replaces `policy.toml`.
    pub fn write_policy(&self, text: &str) -> Result<()> {
        self.cluster.host().write_file("/etc/bursar/policy.toml", text, 0o644)
    }

    /// Replaces `directory.toml`.
    pub fn write_directory(&self, text: &str) -> Result<()> {
        self.cluster.host().write_file_as("root:bursar", "/etc/bursar/directory.toml", text.as_bytes(), 0o640)
    }

    /// What the store answers to a query, one line a row, fields parted by `|`.
    pub fn store(&self, query: &str) -> Result<Vec<Vec<String>>> {
        let args = ["sqlite3", "-readonly", "-cmd", ".timeout 5000", "/var/lib/bursar/store.db", query];
        let output = self.cluster.host().run_as("bursar", &args)?;
        let rows = output.rows();
        output.ok().map(|_| rows)
    }

    /// A snapshot of the host, decoded.
    pub fn snapshot(&self, path: &str) -> Result<Snapshot> {
        let read = self.cluster.host().command(&["cat", path]).output();
        let read = read.map_err(io_error(|| format!("read {path} in the host")))?;
        Snapshot::decode(read.stdout).map_err(|error| Error::Machine(format!("{path} {error}")))
    }

    /// Waits until the plugin judges by a snapshot that `look` finds fit, and edits by a list of jobs no older.
    ///
    /// What lies in the folder is not yet what slurmctld knows: the plugin takes it up some milliseconds later, and says so
    /// in slurmctld's log.
    pub fn judges_by(
        &self,
        what: &str,
        seconds: u64,
        look: impl Fn(&Snapshot) -> std::result::Result<(), String>,
    ) -> Result<()> {
        self.wait_for(&format!("{what}, with the plugin"), seconds, || {
            // The list is published before the snapshot, and so is read after it here.
            let [rules, jobs] = [self.snapshot(CONTROLLER_SNAPSHOT)?, self.snapshot(JOBS_SNAPSHOT)?];
            if let Err(seen) = look(&rules) {
                return Ok(Err(seen));
            }
            let log = self.cluster.slurmctld_log()?;
            let in_force = |kind: &str| {
                let key = format!("job_submit/bursar: {kind} snapshot ");
                let last = log.rsplit_once(key.as_str()).and_then(|(_, rest)| rest.split_once(" is in force"));
                last.and_then(|(generation, _)| generation.parse::<u64>().ok()).unwrap_or(0)
            };
            let known = [in_force("controller"), in_force("jobs")];
            let there = [rules.generation(), jobs.generation()];
            let fits = known[0] >= there[0] && known[1] >= there[1];
            Ok(if fits { Ok(()) } else { Err(format!("generations {known:?} are in force, {there:?} are published")) })
        })
    }

    /// Looks until `look` answers Ok; at the end of its patience the error has bursard's last words too.
    pub fn wait_for<T>(
        &self,
        what: &str,
        seconds: u64,
        mut look: impl FnMut() -> Result<std::result::Result<T, String>>,
    ) -> Result<T> {
        let seen = self
            .cluster
            .host()
            .wait_for(what, Duration::from_secs(seconds), || look().unwrap_or_else(|error| Err(error.to_string())));
        seen.map_err(|error| {
            let log = self.log().unwrap_or_default();
            let skipped = log.lines().count().saturating_sub(15);
            let tail: Vec<&str> = log.lines().skip(skipped).collect();
            Error::Machine(format!("{error}\n{}", tail.join("\n")))
        })
    }
}
