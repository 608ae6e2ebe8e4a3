//! `leeward demo`.

use super::Failure;
use crate::demo::{LAYERS, Options};

/// Starts misbehaving vendors on loopback and calls them directly and through Leeward.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How long the load runs
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(5..=3600))]
    seconds: u64,
    /// What everything random comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Switch a layer of the sidecar off, to see what it is for (may be repeated)
    #[arg(long, value_name = "LAYER", value_parser = LAYERS)]
    without: Vec<String>,
    /// Print JSON in place of the live view and the table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let options = Options {
        seconds: arguments.seconds,
        seed: arguments.seed,
        without: arguments.without,
        json: arguments.json,
    };
    tokio::runtime::Runtime::new()
        .map_err(Failure::internal)?
        .block_on(crate::demo::run(options))
        .map_err(Failure::internal)
}
