//! PostgreSQL, and what speaks its protocol.
//!
//! It works behind a pooler in transaction mode, where two messages outside a transaction may reach two
//! servers: every statement stands between `BEGIN` and `COMMIT` (also one that reads: its `Parse` and its
//! `Bind` are sent apart), none is prepared by name, settings are `SET LOCAL`, and nothing is asked of the start-up packet that
//! a pooler refuses. There is no advisory lock and no `LISTEN`.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;
use tracing::warn;

use crate::error::OpenError;
use crate::settings::Settings;

/// One round trip. The limits are the server's side of [`Settings::transaction`], for a client that is
/// gone without a word.
pub(super) const READ: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; \
    SET LOCAL statement_timeout = 10000; \
    SET LOCAL idle_in_transaction_session_timeout = 15000";
pub(super) const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
    SET LOCAL statement_timeout = 10000; \
    SET LOCAL lock_timeout = 5000; \
    SET LOCAL idle_in_transaction_session_timeout = 15000";

/// A connection that nobody used for so long goes.
const IDLE: Duration = Duration::from_secs(5 * 60);

pub(super) async fn open(
    options: PgConnectOptions,
    settings: &Settings,
) -> Result<PgPool, OpenError> {
    let options = options
        .statement_cache_capacity(0)
        .extra_float_digits(None)
        .disable_statement_logging();
    let server = name(&options);
    probe(&options, &server, settings).await?;
    Ok(PgPoolOptions::new()
        .max_connections(settings.connections)
        .acquire_timeout(settings.acquire)
        // Never reached: that the store is away is said by whoever asked it.
        .acquire_slow_threshold(settings.acquire.saturating_mul(2))
        .idle_timeout(IDLE)
        .connect_lazy_with(options))
}

/// One connection outside the pool, whose errors would only say that it took too long.
async fn probe(
    options: &PgConnectOptions,
    server: &str,
    settings: &Settings,
) -> Result<(), OpenError> {
    let away = |source| OpenError::Server {
        server: server.to_owned(),
        source,
    };
    let slow = |_| OpenError::ServerSilent {
        server: server.to_owned(),
        after: settings.acquire,
    };
    let mut connection = timeout(settings.acquire, options.connect())
        .await
        .map_err(slow)?
        .map_err(away)?;
    let asked = sqlx::raw_sql("SHOW synchronous_commit").fetch_one(&mut connection);
    let row = timeout(settings.acquire, asked)
        .await
        .map_err(slow)?
        .map_err(away)?;
    if sqlx::Row::try_get::<String, _>(&row, 0).is_ok_and(|value| value == "off") {
        warn!(
            server,
            "synchronous_commit is off: a crash of the database may lose a rotated token, and with it an account"
        );
    }
    // Its end is the server's business.
    let _ = timeout(settings.acquire, connection.close()).await;
    Ok(())
}

/// Host, port and database; never the user's name or password.
fn name(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(
        || options.get_host().to_owned(),
        |socket| socket.display().to_string(),
    );
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{host}:{}/{database}", options.get_port())
}
