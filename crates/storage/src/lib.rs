//! SQLite and PostgreSQL behind the credential store's trait, tokens sealed.
//!
//! ```
//! use std::time::SystemTime;
//!
//! use leeward_auth_refresh::{AccountId, CredentialStore as _, Record};
//! use leeward_storage::{Filter, Keys, Origin, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let store = Store::open("sqlite::memory:", Keys::generate()?).await?;
//!
//! // Whatever serde can write is a credential.
//! let record = Record::new("acme", "crm", "token-1".to_owned(), SystemTime::now());
//! store.insert(&record, Origin::Api).await?;
//!
//! let account = AccountId::from("acme");
//! let found: Option<Record<String>> = store.load(&account).await?;
//! assert_eq!(found.map(|record| record.credential).as_deref(), Some("token-1"));
//!
//! let page = store.list_rows(&Filter::default(), None, 100).await?;
//! assert_eq!(page.accounts.len(), 1);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # What lies where
//!
//! One table holds the accounts. Beside the sealed credential stands in clear what decides when it is renewed
//! and by whom (status, times, lease) and what it is called; nothing that opens a door. The envelope is AES-256-GCM
//! with the table and the account's id as associated data and a key of its own for each row, derived from
//! the first of [`Keys`]; all keys of the list open. A store that was sealed with a key that is not in the list
//! does not open at all ([`OpenError::WrongKey`]); [`Store::reseal`] ends a rotation.
//!
//! # What is promised
//!
//! A method that has answered has made its change durable: SQLite runs with `synchronous=FULL`; for
//! PostgreSQL it is what its `synchronous_commit` says (a warning is logged if that is `off`). A method that failed at its very
//! end may have made its change all the same. Several processes may share a store, an SQLite file those of
//! one machine; PostgreSQL may stand behind a pooler in transaction mode. While the
//! server is away calls fail within about two seconds, and work again when it is back.
//!
//! Processes notice each other's changes by polling [`Store::changes_since`].

mod account;
mod accounts;
mod backend;
mod changes;
mod credentials;
mod envelope;
mod error;
mod key_file;
mod keys;
mod lifecycle;
mod listing;
mod migrations;
mod millis;
mod proof;
mod rotation;
mod settings;
mod statements;
mod store;

pub use account::{Account, Origin};
pub use accounts::Replaced;
pub use changes::{Change, Changes};
pub use error::{OpenError, StorageError};
pub use key_file::{KeyFileError, LoadedKeys};
pub use keys::{KeyId, Keys, KeysError};
pub use listing::{Filter, Page, StatusCount};
pub use rotation::Resealed;
pub use settings::Settings;
pub use store::Store;
