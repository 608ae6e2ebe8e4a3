//! `leeward run`.

use std::collections::BTreeSet;

use super::{ConfigDir, Failure};
use crate::run::{Options, start};
use crate::signals::Signals;

/// Runs the sidecar until SIGTERM.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigDir,
    /// What this process does (default: all that is configured)
    #[arg(long, value_delimiter = ',', value_parser = ["egress", "refresh", "webhooks", "sync", "probes"])]
    role: Vec<String>,
    /// Switch a layer off (used by the demo)
    #[arg(long, hide = true)]
    without: Vec<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let options = Options {
        dir: arguments.config.dir,
        overrides: arguments.config.overrides,
        roles: arguments.role.into_iter().collect::<BTreeSet<_>>(),
        without: arguments.without.into_iter().collect(),
        clock: crate::clock::Clock::system(),
    };
    runtime()?.block_on(async {
        // Before the start: whoever reads the addresses may already tell it to end.
        let mut signals = Signals::listen().map_err(Failure::internal)?;
        let running = tokio::select! {
            started = start(options) => started.map_err(Failure::input)?,
            () = signals.end() => return Ok(()),
        };
        running.until_told(signals).await;
        Ok(())
    })
}

/// One worker for each core that this process may use; where that is one, no pool at all.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder = if cores == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(cores);
        builder
    };
    builder.enable_all().build().map_err(Failure::internal)
}
