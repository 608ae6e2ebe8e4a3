//! Logs to stderr: JSON lines by default, no account, path or secret in them.

use leeward_config::types::{LogFormat, Telemetry};
use tracing_subscriber::EnvFilter;

/// Starts the log. A second call changes nothing.
pub fn start(telemetry: &Telemetry) {
    let level = std::env::var("LEEWARD_LOG").unwrap_or_else(|_| telemetry.log.as_str().to_owned());
    // Other crates' narration may hold what they are given; ours alone is listened to.
    let filter = EnvFilter::new(format!("off,leeward={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let started = match telemetry.log_format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(false).try_init(),
    };
    // It runs already, in a test with several of us.
    let _ = started;
    // A panic's message may hold what it was about; its place is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
}
