//! Where runs keep their state on the machine, and how the remains of a killed run are found and removed.
//!
//! Everything lies under `target/hosts/RUN/`. A run is alive exactly while its guardian holds the lock file there.

use std::fs::{self, File, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::error::io_error;
use crate::{Error, Result, wait_for};

/// The build folder of the running program, or the workspace's own.
pub fn target_dir() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    let tagged = exe.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists());
    tagged.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), Path::to_path_buf)
}

/// `target/hosts`, made if it is missing.
pub fn hosts_dir() -> Result<PathBuf> {
    let dir = target_dir().join("hosts");
    fs::create_dir_all(&dir).map_err(io_error(|| format!("make {}", dir.display())))?;
    fs::canonicalize(&dir).map_err(io_error(|| format!("resolve {}", dir.display())))
}

fn open(path: &Path) -> Result<File> {
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    opened.map_err(io_error(|| format!("open {}", path.display())))
}

/// Takes the lock file `path`, waiting for whoever holds it; given back when the result is dropped.
pub(crate) fn lock_file(path: &Path) -> Result<File> {
    let file = open(path)?;
    file.lock().map_err(io_error(|| format!("lock {}", path.display())))?;
    Ok(file)
}

fn try_lock(file: &File) -> std::result::Result<(), String> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err("another run holds it".into()),
        Err(TryLockError::Error(error)) => Err(error.to_string()),
    }
}

/// Takes `target/cluster.lock`, because two clusters at a time are too much for a small machine.
///
/// Waits up to 30 minutes for a running test, but not at all for a demo that was left running.
pub fn lock_cluster() -> Result<File> {
    let path = target_dir().join("cluster.lock");
    let file = open(&path)?;
    if try_lock(&file).is_err() {
        eprintln!("waiting for another cluster to end ({})", path.display());
    }
    wait_for(&format!("the lock {}", path.display()), Duration::from_secs(1800), || {
        let taken = try_lock(&file);
        if taken.is_err() && demo_runs() { Ok(Err(demo_in_the_way())) } else { taken.map(Ok) }
    })??;
    Ok(file)
}

fn demo_in_the_way() -> Error {
    Error::Machine("the demo cluster is still running: end it with `make demo-stop` first".into())
}

fn demo_runs() -> bool {
    hosts_dir().is_ok_and(|dir| is_alive(&dir.join("demo")) && dir.join("demo/keep").exists())
}

/// Whether a guardian holds the run kept in `dir`.
pub(crate) fn is_alive(dir: &Path) -> bool {
    let path = dir.join("lock");
    path.exists() && File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Removes what killed runs left: their control groups and their directories. Their mounts, networks and processes
/// went with their namespaces. Returns the guard under which a new run may make its own directory.
pub(crate) fn sweep() -> Result<File> {
    let hosts = hosts_dir()?;
    let guard = lock_file(&hosts.join("sweep.lock"))?;
    let entries = fs::read_dir(&hosts).map_err(io_error(|| format!("list {}", hosts.display())))?;
    for dir in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        if !is_alive(&dir) {
            remove_dead(&dir)?;
        }
    }
    Ok(guard)
}

/// Removes what killed runs left, the prepared databases, and the root directories and plugins of other Slurms.
pub fn remove_remains() -> Result<()> {
    sweep().map(drop)?;
    let hosts = hosts_dir()?;
    // What a running host stands on stays.
    if fs::read_dir(&hosts).into_iter().flatten().flatten().any(|entry| is_alive(&entry.path())) {
        return Ok(());
    }
    let others = ["hosts-seed", "roots", "plugins"].map(|name| target_dir().join(name));
    for dir in [hosts].into_iter().chain(others).filter(|dir| dir.is_dir()) {
        fs::remove_dir_all(&dir).map_err(io_error(|| format!("remove {}", dir.display())))?;
    }
    Ok(())
}

fn remove_dead(dir: &Path) -> Result<()> {
    let mut groups = String::new();
    if let Ok(mut file) = File::open(dir.join("cgroups")) {
        file.read_to_string(&mut groups).map_err(io_error(|| format!("read {}/cgroups", dir.display())))?;
    }
    for group in groups.lines().map(Path::new) {
        // The kernel ends the processes of a dead guardian by itself, but not in an instant.
        wait_for(&format!("control group {} to be empty", group.display()), Duration::from_secs(20), || {
            let mut find = Command::new("find");
            find.arg(group).args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]).stderr(Stdio::null());
            find.status().map_err(|error| error.to_string())?;
            if group.exists() { Err("processes are left in it".into()) } else { Ok(()) }
        })?;
    }
    fs::remove_dir_all(dir).map_err(io_error(|| format!("remove {}", dir.display())))
}
