//! Where a check runs: a database of its own, empty at first.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use leeward_auth_refresh::{AccountId, Acquired, CredentialStore, Lease, Record};
use leeward_storage::{Keys, Origin, Store};
use serde::{Deserialize, Serialize};

/// A credential of the tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Secret {
    pub(crate) fn numbered(number: u64) -> Self {
        Self {
            access: format!("access-{number}"),
            refresh: format!("refresh-{number}"),
        }
    }
}

pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const NEW_KEY: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) url: String,
    /// What the database wrote to the disk lies somewhere beneath.
    pub(crate) files: PathBuf,
}

impl Place {
    pub(crate) async fn open(&self) -> Store {
        self.open_with(&[KEY]).await
    }

    pub(crate) async fn open_with(&self, keys: &[&str]) -> Store {
        Store::open(&self.url, Keys::parse(keys).unwrap())
            .await
            .unwrap()
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn sql(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        if self.url.starts_with("sqlite") {
            let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&self.url)
                .await
                .unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            sqlx::Connection::close(connection).await.unwrap();
        } else {
            let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&self.url)
                .await
                .unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            sqlx::Connection::close(connection).await.unwrap();
        }
    }
}

/// The time of the tests, in seconds from a fixed moment.
pub(crate) fn at(seconds: i64) -> SystemTime {
    let base = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    if seconds < 0 {
        base - Duration::from_secs(seconds.unsigned_abs())
    } else {
        base + Duration::from_secs(seconds.unsigned_abs())
    }
}

pub(crate) const LONGEST: Duration = Duration::from_secs(60);

/// A renewable account, put at 0 with a token that is over at 3600 and renewed at 3500.
pub(crate) fn record(id: &str) -> Record<Secret> {
    let mut record = Record::new(id, "crm", Secret::numbered(0), at(0));
    record.renewable = true;
    record.expires_at = Some(at(3600));
    record.refresh_at = Some(at(3500));
    record
}

pub(crate) async fn put(store: &Store, id: &str) -> AccountId {
    store
        .insert(&record(id), Origin::Api)
        .await
        .unwrap()
        .unwrap();
    id.into()
}

pub(crate) async fn load(store: &Store, account: &AccountId) -> Record<Secret> {
    CredentialStore::<Secret>::load(store, account)
        .await
        .unwrap()
        .unwrap()
}

pub(crate) async fn acquire(
    store: &Store,
    account: &AccountId,
    version: u64,
    owner: &str,
    now: i64,
) -> Acquired<Secret> {
    store
        .acquire(account, version, owner, at(now), at(now + 60), LONGEST)
        .await
        .unwrap()
}

pub(crate) async fn lease(
    store: &Store,
    account: &AccountId,
    version: u64,
    owner: &str,
    now: i64,
) -> Lease {
    match acquire(store, account, version, owner, now).await {
        Acquired::Leased(lease, record) => {
            assert_eq!(record.lease.as_ref(), Some(&lease));
            lease
        }
        other => panic!("{other:?}"),
    }
}
