//! Logs to stderr: JSON lines by default, no account, path or secret in them.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use leeward_config::types::{LogFormat, Telemetry};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What was logged while the process starts: its first line is the one with the addresses, for
/// whoever waits for them.
static HELD: Mutex<Option<Vec<u8>>> = Mutex::new(None);
/// More than this is not held.
const MOST: usize = 1024 * 1024;

/// While it lives, lines are held; dropped, they are written.
#[derive(Debug)]
#[must_use = "dropped, it lets the lines go"]
pub struct Held(());

impl Drop for Held {
    fn drop(&mut self) {
        let lines = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Whoever closed stderr does not want them.
        let _ = io::stderr().write_all(&lines.unwrap_or_default());
    }
}

/// Stderr, once it is its turn.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *held {
            Some(lines) if lines.len() < MOST => {
                lines.extend_from_slice(line);
                Ok(line.len())
            }
            _ => io::stderr().write(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Starts the log, and holds its lines until the guard is dropped. A second call starts no other.
pub fn start(telemetry: &Telemetry) -> Held {
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    // A level and nothing more: other crates' narration may hold what they are given, so that ours
    // alone is listened to, whatever the environment asks for.
    let asked = std::env::var("LEEWARD_LOG").ok();
    let level = asked
        .and_then(|level| level.parse::<LevelFilter>().ok())
        .map_or_else(
            || telemetry.log.as_str().to_owned(),
            |level| level.to_string(),
        );
    let filter = EnvFilter::new(format!("off,leeward={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Lines)
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
    Held(())
}
