//! Pure functions over HTTP heads: targets, hop-by-hop headers, locations.
//!
//! What stands between an application and somebody else's API has to move a request's head from
//! one connection to another without changing what it means. This crate has the rules for that as
//! functions without I/O: where a raw request target lands under a base URL and why some must
//! not, which header fields end at a hop, how a `Location` is turned back, which hosts a
//! configuration allows and which addresses are private.
//!
//! ```
//! use leeward_wire::{BaseUrl, HostPatterns, Match, ProxyTarget};
//!
//! let target = ProxyTarget::parse("/proxy/crm:upload/files/a%2Fb?name=a+b")?;
//! assert_eq!((target.provider, target.base), ("crm", Some("upload")));
//!
//! // Path and query go on byte for byte, beneath the base URL's own path.
//! let base = BaseUrl::parse("https://upload.example.com/v2/")?;
//! let uri = base.join(target.tail)?;
//! assert_eq!(uri, "https://upload.example.com/v2/files/a%2Fb?name=a+b");
//!
//! // What would leave that path is refused, in whatever spelling.
//! assert!(base.join("/files/%2e%2E%2fadmin").is_err());
//!
//! // A redirect to the vendor leads back the way the request came in.
//! let location = leeward_wire::rewrite_location("/v2/files/7", &base, &uri, target.mount);
//! assert_eq!(location.as_deref(), Some("/proxy/crm:upload/files/7"));
//!
//! let hosts = HostPatterns::new(["*.example.com", "10.1.2.3"])?;
//! assert_eq!(hosts.matches("upload.EXAMPLE.com"), Match::ByWildcard);
//! assert_eq!(hosts.matches("10.1.2.3"), Match::InFull);
//! assert!(leeward_wire::is_private("::ffff:127.0.0.1".parse()?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! All input is taken for hostile: nothing here panics, and work and memory grow at most linearly
//! with the input. No error repeats what it was given.

mod base_url;
mod cookies;
mod hop_by_hop;
mod hosts;
mod location;
mod private;
mod query;
mod target;

pub use base_url::{BaseUrl, BaseUrlError};
pub use cookies::join_cookies;
pub use hop_by_hop::{Stripped, strip_request_headers, strip_response_headers};
pub use hosts::{HostPatternError, HostPatterns, Match};
pub use location::rewrite_location;
pub use private::is_private;
pub use query::{add_query_unless_set, append_query, append_query_all, query_has};
pub use target::{MAX_TARGET, ProxyTarget, TargetError, check_path};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
