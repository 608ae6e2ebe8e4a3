//! An HTTP client with its names, TLS identities, pools and host policy.
//!
//! [`Client`] is a tower service over HTTP/1.1 and HTTP/2 (by ALPN) that pools connections. What it
//! adds to the client it is made of:
//!
//! - Its [`Error`] says whether a request may have reached the server: [`Error::never_sent`]
//!   decides whether a POST can be repeated. A connection that was refused, a certificate that is
//!   not trusted, a kept connection found dead, a stream that the server refused, all were never
//!   sent; a connection that broke before the answer ([`Kind::Reset`]) is told from an answer that
//!   is not HTTP ([`Kind::Invalid`]).
//! - One limit stands around name, TCP, TLS and the HTTP/2 preface.
//! - A [`HostPolicy`] is enforced where the connection is made, on the very addresses that are
//!   then connected to, so that no name can lead to a private address by resolving to it.
//! - A [`TlsIdentity`] per client: the system's roots, a private CA beside them, mutual TLS.
//! - Idle connections and read buffers are bounded.
//!
//! ```no_run
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, Empty};
//! use leeward_upstream::{Client, HostPolicy, PrivateHosts, Settings, TlsIdentity};
//! use leeward_wire::HostPatterns;
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = HostPolicy {
//!     patterns: HostPatterns::new(["*.example.com"])?,
//!     private: PrivateHosts::Deny,
//! };
//! let client = Client::<Empty<Bytes>>::new(Settings::default(), &TlsIdentity::default(), policy)?;
//!
//! let request = http::Request::get("https://api.example.com/").body(Empty::new())?;
//! match client.oneshot(request).await {
//!     Ok(response) => println!("{} bytes", response.into_body().collect().await?.to_bytes().len()),
//!     Err(error) if error.never_sent() => println!("can be sent again: {error}"),
//!     Err(error) => println!("may have been done: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! No state of the process is touched: the cryptography is `aws-lc-rs`, given explicitly, whatever
//! default another part of the process installed.

mod classify;
mod client;
mod connector;
mod error;
mod observe;
mod policy;
mod resolve;
mod settings;
mod stream;
mod tls;

pub use client::{Client, ResponseFuture};
pub use error::{Error, Kind};
pub use observe::Observe;
pub use policy::{HostPolicy, PrivateHosts};
pub use resolve::{BoxFuture, Resolve, SystemResolver};
pub use settings::Settings;
pub use tls::{TlsError, TlsIdentity};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
