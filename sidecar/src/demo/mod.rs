//! `leeward demo`: the same load against misbehaving vendors, directly and through a Leeward.
//!
//! Every number in the table is counted by the client. The vendors are simulated, the sockets,
//! the sidecar (a child process of this very binary) and the client are not.

mod client;
mod live;
mod load;
mod scene;
mod sidecar;
mod table;
mod tally;

use std::time::Duration;

use scene::Scene;
use tally::Side;

/// The layers that a sceptic may switch off.
pub const LAYERS: [&str; 6] = [
    "auth",
    "rate-limit",
    "breaker",
    "fallback",
    "retry",
    "bulkhead",
];

/// What the command line asks for.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long the load runs.
    pub seconds: u64,
    /// What everything random comes from.
    pub seed: u64,
    /// Layers of the sidecar that are switched off.
    pub without: Vec<String>,
    /// Print JSON in place of the live view and the table.
    pub json: bool,
}

/// Why the demo could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A socket, a file or a process.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The sidecar did not start, with the end of its log.
    #[error("the sidecar did not start; its log ends:\n{0}")]
    Sidecar(String),
}

impl DemoError {
    fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

/// Runs the demo and prints what came of it.
pub async fn run(options: Options) -> Result<(), DemoError> {
    let length = Duration::from_secs(options.seconds);
    if !options.json {
        table::explain(&options);
    }
    // Each side has vendors of its own, with one seed and one timetable: neither disturbs the other.
    let direct = Scene::start(options.seed, length).await?;
    let through = Scene::start(options.seed, length).await?;
    let sidecar = sidecar::Sidecar::start(&through, &options.without).await?;
    let tallies = load::run(
        load::Plan {
            length,
            seed: options.seed,
            live: !options.json,
        },
        [
            (Side::Direct, direct.targets_direct()),
            (Side::Leeward, through.targets_through(&sidecar)),
        ],
    )
    .await;
    sidecar.stop().await;
    let [direct_tallies, through_tallies] = tallies;
    let rows = direct
        .vendors()
        .iter()
        .zip(through.vendors())
        .zip(direct_tallies.iter().zip(&through_tallies))
        .map(|((d, t), (direct, leeward))| table::Row {
            name: d.name,
            trouble: d.trouble,
            direct: direct.read().with_token_calls(d.token_calls()),
            leeward: leeward.read().with_token_calls(t.token_calls()),
        })
        .collect::<Vec<_>>();
    if options.json {
        table::print_json(&rows);
    } else {
        table::print(&rows);
    }
    Ok(())
}
