//! A tower layer that puts a fresh credential on each request.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime};
//!
//! use http::{HeaderValue, Request, Response};
//! use leeward_auth_refresh::{
//!     AccountId, AuthLayer, Authenticate, BoxFuture, Current, Failure, Granted, Incomplete, Keeper,
//!     MemoryStore, Record, RefreshPolicy, Sending, Settings, TokenProtocol,
//! };
//! use tower::{BoxError, Layer, ServiceExt};
//!
//! /// How a new token is bought: a real one makes an HTTP call here.
//! struct Buy;
//!
//! impl TokenProtocol<String> for Buy {
//!     fn obtain<'a>(
//!         &'a self,
//!         record: &'a Record<String>,
//!         now: SystemTime,
//!         sending: &'a Sending<'a>,
//!     ) -> BoxFuture<'a, Result<Granted<String>, Failure>> {
//!         Box::pin(async move {
//!             sending().await?;
//!             Ok(Granted {
//!                 credential: format!("token-{}", record.version + 1),
//!                 expires_at: Some(now + Duration::from_secs(3600)),
//!                 refresh_expires_at: None,
//!             })
//!         })
//!     }
//!
//!     fn policy(&self, _provider: &str, _account: &AccountId) -> RefreshPolicy {
//!         RefreshPolicy::default()
//!     }
//! }
//!
//! /// Whose credential a request needs, and where it goes.
//! #[derive(Clone)]
//! struct Bearer;
//!
//! impl Authenticate<String> for Bearer {
//!     type Credential = String;
//!
//!     fn account(&self, _: &Request<String>) -> Option<AccountId> {
//!         Some(AccountId::from("acme"))
//!     }
//!
//!     fn apply(&self, current: &Current<String>, request: &mut Request<String>) -> Result<(), Incomplete> {
//!         let value = format!("Bearer {}", current.credential);
//!         let value = HeaderValue::try_from(value).map_err(|_| Incomplete { missing: "token".into() })?;
//!         request.headers_mut().insert("authorization", value);
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let store = MemoryStore::new();
//! let now = SystemTime::now();
//! store.put(Record {
//!     renewable: true,
//!     expires_at: Some(now), // it is over: the first request buys
//!     ..Record::new("acme", "vendor", "token-1".to_owned(), now)
//! });
//!
//! let (keeper, driver) = Keeper::new(Arc::new(store), Arc::new(Buy), Settings::default());
//! tokio::spawn(driver);
//!
//! let api = tower::service_fn(|request: Request<String>| async move {
//!     Ok::<_, BoxError>(Response::new(request.headers()["authorization"].clone()))
//! });
//! let service = AuthLayer::new(keeper, Bearer).layer(api);
//! let answer = service.oneshot(Request::new(String::new())).await?;
//! assert_eq!(answer.body(), "Bearer token-2");
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! The unit is an account's [`Record`] in a [`CredentialStore`] that several processes may share. A
//! [`Keeper`] reads it once and then answers from memory; while the token is outside its window,
//! a request costs a look-up and two clock readings. The [`Driver`] renews each account at its own
//! point of the window, whoever calls or does not, and flies the *flights*: one at a time for each
//! account, in all processes together.
//!
//! A flight takes the lease in the store with a compare-and-set on the record's version, marks the
//! record as sent, makes the token call while it renews the lease, and commits; only what is
//! durable is published. It belongs to the driver: a request that hangs up does not end it, and
//! what was granted is kept until the store takes it. What is lost is the answer of a call whose
//! process died; whoever takes over finds the mark, and goes by [`OnLostAnswer`].
//!
//! | the token call | the account | a request |
//! | --- | --- | --- |
//! | granted | active | goes on with the new token |
//! | failed for the moment, or never sent | as it was; tried again with backoff | old token while it lives, then a short wait, then [`Unavailable`](CredentialError::Unavailable) |
//! | the client refused | as it was | old token, then `Unavailable` |
//! | the grant refused, and nobody else renewed it | needs_reauth; tried again after 15 min, doubling to 24 h | old token, then [`NeedsReauth`](CredentialError::NeedsReauth) |
//! | the account lacks something | as it was | old token, then [`Incomplete`](CredentialError::Incomplete) |
//!
//! An answer that says the token is dead ([`Authenticate::rejected`]) makes the [`AuthService`]
//! renew once and repeat once, if the request can be copied. Where the repeat is rejected, too, it
//! passes, and no renewal is forced for 10 s, doubling to 10 min while that goes on: the rejection
//! means something else then.
//!
//! # What it does not do
//!
//! It knows no OAuth, no HTTP client, no database: those come through [`TokenProtocol`] and
//! [`CredentialStore`]; [`MemoryStore`] is there for programs that need no other. It notices a
//! record that was written from outside when it is told ([`Keeper::put`]), when the token is over
//! or rejected, or when the store's schedule names it. It spawns nothing: the driver is yours to
//! run.

mod authenticate;
mod clock;
mod conclude;
mod current;
mod driver;
mod entry;
mod error;
mod flight;
mod fly;
mod future;
mod jitter;
mod keeper;
mod layer;
mod memory;
mod observe;
mod protocol;
mod queue;
mod record;
mod repeat;
mod schedule;
mod service;
mod setback;
mod settings;
mod shelf;
mod state;
mod store;
mod wait;

pub use authenticate::Authenticate;
pub use clock::{Clock, SystemClock};
pub use current::Current;
pub use driver::Driver;
pub use error::{CredentialError, Fenced, Incomplete, StoreError};
pub use future::AuthFuture;
pub use keeper::Keeper;
pub use layer::AuthLayer;
pub use memory::MemoryStore;
pub use observe::{Observe, Refreshed};
pub use protocol::{
    Backoff, Failure, Granted, OnLostAnswer, RefreshBefore, RefreshPolicy, Sending, TokenProtocol,
};
pub use record::{AccountId, Lease, Record, Status};
pub use schedule::refresh_at;
pub use service::AuthService;
pub use settings::Settings;
pub use store::{Acquired, BoxFuture, CredentialStore, Due, Outcome, Renewed};
