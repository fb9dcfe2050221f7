//! Starts everything and ends it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_policy::snapshot::file;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::answer::Answers;
use super::backstop::Backstop;
use super::doors::Doors;
use super::logins;
use super::moves::Moves;
use super::people::People;
use super::site::{Site, View};
use super::storage::Storage;
use super::usage::Usage;
use crate::accounting::{Calendar, Flight, Standing};
use crate::config::{self, Config, ConfigPaths, Problem};
use crate::slurm::SlurmCommands;
use crate::snapshot::compile::Cluster;
use crate::storage::{Places, kept};
use crate::store::{self, Store};
use crate::wire;

/// Why the daemon does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration has problems.
    #[error("the configuration has {} problems; `bursar check config` lists them", .0.len())]
    Config(Vec<Problem>),
    /// The store cannot be used.
    #[error("cannot start without the store")]
    Store(#[from] store::Error),
    /// The command socket cannot be opened.
    #[error("cannot start without the command socket")]
    Socket(#[from] wire::server::BindError),
    /// The login socket cannot be opened.
    #[error("cannot open {}; check that its folder belongs to bursar's user", path.display())]
    LoginSocket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Signals cannot be waited for.
    #[error("cannot wait for signals")]
    Signals(#[source] std::io::Error),
    /// A task panicked; systemd starts the daemon anew.
    #[error("the task {0} ended")]
    Task(&'static str),
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(paths: ConfigPaths) -> Result<(), Error> {
    let config = config::load(&paths).map_err(Error::Config)?;
    let run = config.machine.paths.run.clone();
    let commands = SlurmCommands { bin_dir: Some(config.machine.paths.slurm_bin.clone()), ..SlurmCommands::default() };
    let store = Store::open(&config.machine.paths.store).await?;
    store.generations_after(newest_published(&config.machine.paths.publish)).await?;
    let view = first_view(config, &store).await?;
    let (site, requests) = Site::new(paths, store, view);
    let site = Arc::new(site);
    let listener = wire::server::bind(&run.join("bursard.sock"))?;
    let login_socket = run.join("logins.sock");
    let socket = logins::bind(&login_socket).map_err(|source| Error::LoginSocket { path: login_socket, source })?;
    let stop = Arc::new(Notify::new());
    let laid_out = Arc::new(Notify::new());
    let people = tokio::spawn(People::new(site.clone(), commands.clone(), laid_out.clone()).run(requests));
    let doors = tokio::spawn(Doors::new(site.clone(), commands.clone()).run());
    let moves = tokio::spawn(Moves::new(site.clone(), commands.clone()).run());
    let backstop = tokio::spawn(Backstop::new(site.clone(), commands.clone()).run());
    let usage = tokio::spawn(Usage::new(site.clone(), commands, laid_out.clone()).run());
    let storage = tokio::spawn(Storage::new(site.clone(), laid_out).run());
    let records = tokio::spawn(logins::run(site.clone(), socket));
    let answers = Arc::new(Answers::new(site.clone()));
    let stopped = {
        let stop = stop.clone();
        async move { stop.notified().await }
    };
    let served = tokio::spawn(wire::serve(listener, answers, wire::Limits::default(), stopped));
    tracing::info!(cluster = site.view().config.machine.cluster, "bursard runs");
    let ended = tokio::select! {
        signal = terminated()? => { tracing::info!(signal, "bursard ends"); Ok(()) }
        _ = people => Err(Error::Task("people")),
        _ = usage => Err(Error::Task("usage")),
        _ = doors => Err(Error::Task("doors")),
        _ = moves => Err(Error::Task("moves")),
        _ = storage => Err(Error::Task("storage")),
        _ = backstop => Err(Error::Task("backstop")),
        _ = records => Err(Error::Task("logins")),
        _ = served => Err(Error::Task("answers")),
    };
    stop.notify_waiters();
    ended
}

/// The highest generation among the snapshots that lie in the folder; 0 where none can be read.
fn newest_published(folder: &Path) -> u64 {
    let me = nix::unistd::Uid::effective().as_raw();
    let names = ["controller.snap", "jobs.snap", "node.snap"];
    let snapshots = names.iter().filter_map(|name| file::read(&folder.join(name), &[me]).ok());
    snapshots.map(|(snapshot, _)| snapshot.generation()).max().unwrap_or(0)
}

async fn first_view(config: Config, store: &Store) -> Result<View, Error> {
    let calendar = Calendar::of_policy(&config.policy);
    let storage = kept::load(&kept::path(&config.machine.paths.store)).unwrap_or_else(|error| {
        tracing::error!("readings of storage from before are lost, nobody is over until each place is read: {error}");
        Places::new()
    });
    Ok(View {
        config: Arc::new(config),
        calendar,
        stored: Arc::new(store.contents().await?),
        snapshot: None,
        flight: Arc::new(Flight::default()),
        standing: Arc::new(Standing::default()),
        cluster: Arc::new(Cluster::default()),
        associations: None,
        storage: Arc::new(storage),
    })
}

fn terminated() -> Result<impl Future<Output = &'static str>, Error> {
    let mut term = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut int = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => "SIGTERM",
            _ = int.recv() => "SIGINT",
        }
    })
}
