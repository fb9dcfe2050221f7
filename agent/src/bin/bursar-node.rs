//! The root program: takes a new snapshot over and brings this host's accounts in step with it.

use std::path::Path;
use std::process::ExitCode;

use bursar_agent::daemon::site::chain;
use bursar_agent::node::{self, TakenOver};
use bursar_agent::posix::{self, Root};
use bursar_policy::snapshot::file::Stamp;
use bursar_policy::{NodeConf, SystemClock, node_conf};

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).without_time().with_ansi(false).init();
    if std::env::args().len() > 1 {
        tracing::error!("bursar-node takes no arguments; its places are in {}", node_conf::PATH);
        return ExitCode::from(2);
    }
    let conf = match NodeConf::read(Path::new(node_conf::PATH)) {
        Ok(conf) => conf,
        Err(error) => {
            tracing::error!("{error}");
            return ExitCode::from(2);
        }
    };
    // systemd may not notice a snapshot that is published while we work on the one before, so we look ourselves.
    let mut followed = None;
    loop {
        let stamp = Stamp::of(&node::published_path(&conf));
        if followed == Some(stamp) {
            return ExitCode::SUCCESS;
        }
        match node::take_over(&conf, &Root::host(), &SystemClock) {
            Ok(taken) => {
                tell(&taken);
                end_sessions(&taken);
            }
            Err(error) => {
                tracing::error!("{}", chain(&error));
                return ExitCode::FAILURE;
            }
        }
        followed = Some(stamp);
    }
}

fn tell(taken: &TakenOver) {
    let outcome = &taken.outcome;
    if !outcome.wrote_nothing() {
        tracing::info!(
            generation = taken.generation,
            accounts_added = outcome.accounts_added,
            lines_changed = outcome.lines_changed,
            homes_made = outcome.homes_made,
            keys_written = outcome.keys_written,
            keys_removed = outcome.keys_removed,
            "brought this host in step"
        );
    }
    for refusal in &outcome.refusals {
        tracing::warn!("{refusal}");
    }
    for line in &taken.unreadable {
        tracing::warn!("{line}");
    }
}

/// A grant that ended ends the sessions it opened.
fn end_sessions(taken: &TakenOver) {
    if taken.outcome.shut.is_empty() {
        return;
    }
    match posix::end_sessions(&taken.outcome.shut) {
        Ok(ended) => tracing::info!(ended, "ended the sessions of people whose access ended"),
        Err(error) => tracing::error!("{}", chain(&error)),
    }
}
