//! The agent: syncs people, publishes snapshots, answers commands.

use std::process::ExitCode;

use bursar_agent::config::ConfigPaths;
use bursar_agent::daemon::run::{Error, run};
use bursar_agent::daemon::site::chain;
use clap::Parser;
use tracing_subscriber::EnvFilter;

/// bursar's agent: syncs people into accounts and associations, publishes snapshots, answers `bursar`.
#[derive(Debug, Parser)]
#[command(name = "bursard", version)]
struct Arguments {
    /// The configuration; policy.toml lies beside it.
    #[arg(long, default_value = "/etc/bursar/bursar.toml")]
    config: std::path::PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("BURSAR_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // The journal has its own clock.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_ansi(false)
        .init();
    let paths = ConfigPaths { policy: arguments.config.with_file_name("policy.toml"), machine: arguments.config };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("cannot start: {error}");
            return ExitCode::from(3);
        }
    };
    match runtime.block_on(run(paths)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Error::Config(problems) = &error {
                for problem in problems {
                    tracing::error!("{problem}");
                }
            }
            tracing::error!("{}", chain(&error));
            match error {
                Error::Config(_) => ExitCode::from(2),
                _ => ExitCode::from(3),
            }
        }
    }
}
