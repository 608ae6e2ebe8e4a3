//! The sidecar: flags, listeners, one stack per provider, the adapters between layers, metrics.
//!
//! Begin at [`stack::stack`], which is the path of a request from top to bottom, and at
//! [`run::start`], which is the life of the process.

pub mod accounts;
pub mod adapters;
pub mod admin;
pub mod body;
pub mod call;
pub mod cli;
pub mod clock;
pub mod code;
#[cfg(feature = "demo")]
pub mod demo;
pub mod drain;
pub mod egress;
pub mod error;
pub mod headers;
pub mod listener;
pub mod logging;
pub mod metrics;
pub mod problem;
pub mod provider;
pub mod registry;
pub mod reload;
pub mod run;
pub mod secret;
pub mod signals;
pub mod stack;
pub mod telemetry;
pub mod tokens;
pub mod unified;

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit of this build, `unknown` outside a checkout.
pub const COMMIT: &str = env!("LEEWARD_COMMIT");
/// What this build runs on.
pub const TARGET: &str = env!("LEEWARD_TARGET");

/// Reads a folder of configuration with this process' environment.
pub fn load(dir: &std::path::Path, overrides: &[(String, String)]) -> leeward_config::Loaded {
    leeward_config::load(dir, overrides, &|name| std::env::var(name).ok())
}
