//! The schema, step by step.
//!
//! A step is a file of plain SQL for each database, run in one transaction together with its row in
//! `leeward_schema_version`. The row is unique and written first: of several processes that start at once
//! one does the work, the others wait for its end at that row (SQLite: at the write lock), find it taken,
//! and go on. There is no advisory lock, which a transaction pooler would leave with the wrong session.
//!
//! A file that was released is never changed; a new step is a new file, added to both lists.

use tracing::info;

use crate::backend::{Backend, Dialect};
use crate::error::{OpenError, StorageError};

struct Step {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const SQLITE: &[Step] = &[Step {
    version: 1,
    name: "accounts",
    sql: include_str!("sqlite/0001_accounts.sql"),
}];

const POSTGRES: &[Step] = &[Step {
    version: 1,
    name: "accounts",
    sql: include_str!("postgres/0001_accounts.sql"),
}];

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS leeward_schema_version (\
    version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)";

/// How often a step that another process took at the same time is looked at again.
const ATTEMPTS: u32 = 20;

/// Brings the schema up to date.
pub(crate) async fn run(backend: &Backend) -> Result<(), OpenError> {
    let steps = match backend.dialect() {
        Dialect::Sqlite => SQLITE,
        Dialect::Postgres => POSTGRES,
    };
    let known = steps.last().map_or(0, |step| step.version);
    let found = match found(backend).await {
        Ok(version) => version,
        Err(source) => return Err(OpenError::Migration { version: 1, source }),
    };
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for step in steps.iter().filter(|step| step.version > found) {
        let taken = take(backend, step).await;
        let taken = taken.map_err(|source| OpenError::Migration {
            version: step.version,
            source,
        })?;
        if taken {
            info!(
                version = step.version,
                name = step.name,
                "the store's schema was extended"
            );
        }
    }
    Ok(())
}

/// The newest version that is there; 0 for an empty database.
async fn found(backend: &Backend) -> Result<i64, StorageError> {
    // In most starts the table is there, and nothing is written (a standby can be asked, too).
    if let Ok(version) = newest(backend).await {
        return Ok(version);
    }
    let mut left = ATTEMPTS;
    loop {
        match create_versions(backend).await {
            Err(error) if error.is_made_twice() && left > 0 => left -= 1,
            result => break result?,
        }
    }
    newest(backend).await
}

async fn create_versions(backend: &Backend) -> Result<(), StorageError> {
    let mut transaction = backend.write().await?;
    transaction.script(VERSIONS).await?;
    transaction.commit().await
}

async fn newest(backend: &Backend) -> Result<i64, StorageError> {
    let mut transaction = backend.read().await?;
    let row = transaction
        .row(
            "SELECT COALESCE(MAX(version), 0) AS version FROM leeward_schema_version",
            &[],
        )
        .await?;
    transaction.commit().await?;
    Ok(row.map(|row| row.get("version")).transpose()?.unwrap_or(0))
}

/// `false`: another process took it.
async fn take(backend: &Backend, step: &Step) -> Result<bool, StorageError> {
    let mut left = ATTEMPTS;
    loop {
        match try_step(backend, step).await {
            // Perhaps the other process has undone its step since: look again.
            Err(error) if error.is_made_twice() && left > 0 => left -= 1,
            result => return result,
        }
    }
}

async fn try_step(backend: &Backend, step: &Step) -> Result<bool, StorageError> {
    let mut transaction = backend.write().await?;
    let ours = transaction
        .execute(
            "INSERT INTO leeward_schema_version (version, name) VALUES ($1, $2) \
             ON CONFLICT (version) DO NOTHING",
            &[step.version.into(), step.name.into()],
        )
        .await?;
    if ours == 0 {
        transaction.rollback().await?;
        return Ok(false);
    }
    transaction.script(step.sql).await?;
    transaction.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_take_the_same_steps_in_order() {
        let steps = |list: &[Step]| {
            list.iter()
                .map(|step| (step.version, step.name))
                .collect::<Vec<_>>()
        };
        assert_eq!(steps(SQLITE), steps(POSTGRES));
        assert!(
            (1..)
                .zip(SQLITE)
                .all(|(version, step)| step.version == version)
        );
    }
}
