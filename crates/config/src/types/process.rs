//! `leeward.yaml`: the process.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{OneOrMany, Secret};
use crate::redact::Redacted;
use crate::units::{Period, Size};

/// The process: where it listens, what it keeps, how it ends.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Process {
    /// Where it listens.
    pub listen: Listen,
    /// Where accounts, leases and queues are kept: `sqlite:///path` (embedded), or `postgres://…`,
    /// which shares them between sidecars.
    #[schemars(extend("format" = "store-url", "default" = "sqlite:///var/lib/leeward/leeward.db"))]
    pub store: Secret,
    /// 32 bytes in base64 that seal what the store keeps; of a list the first encrypts and all
    /// decrypt. Left out: with SQLite made at the first start beside the database, with
    /// PostgreSQL an error.
    pub encryption_key: Option<OneOrMany<Secret>>,
    /// Bearer token of the admin listener. Without one, changes are taken only on a Unix socket.
    pub admin_token: Option<Secret>,
    /// If set, asked for in `Leeward-Token` on the egress listener.
    pub egress_token: Option<Secret>,
    /// Limits of each listener.
    pub limits: Limits,
    /// Logs and traces.
    pub telemetry: Telemetry,
    /// The forward proxy's own certificates.
    #[schemars(extend("x-planned" = true))]
    pub intercept: Intercept,
    /// After SIGTERM it ends at the latest after this.
    pub drain_timeout: Period,
    /// After SIGTERM it ends once nothing is in flight and nothing came for this long.
    pub drain_quiet: Period,
    /// What may be shown of the file.
    #[serde(skip)]
    pub redacted: Redacted,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            store: Secret::new("sqlite:///var/lib/leeward/leeward.db".to_owned()),
            encryption_key: None,
            admin_token: None,
            egress_token: None,
            limits: Limits::default(),
            telemetry: Telemetry::default(),
            intercept: Intercept::default(),
            drain_timeout: Period::secs(25),
            drain_quiet: Period::secs(1),
            redacted: Redacted::default(),
        }
    }
}

/// Where the process listens: each an address, `unix:/path`, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// The application talks to this.
    pub egress: OneOrMany<Address>,
    /// Operators and the application's back office.
    pub admin: OneOrMany<Address>,
    /// `/metrics`, `/livez`, `/readyz`, `/status`: read-only.
    pub telemetry: OneOrMany<Address>,
    /// Vendors' webhooks; only if a provider has a webhook section.
    #[schemars(extend("x-planned" = true))]
    pub webhooks: OneOrMany<Address>,
}

impl Default for Listen {
    fn default() -> Self {
        let tcp = |ip: Ipv4Addr, port| OneOrMany(vec![Address::Tcp(SocketAddr::from((ip, port)))]);
        Self {
            egress: tcp(Ipv4Addr::LOCALHOST, 4100),
            admin: tcp(Ipv4Addr::LOCALHOST, 4101),
            telemetry: tcp(Ipv4Addr::UNSPECIFIED, 4102),
            webhooks: tcp(Ipv4Addr::UNSPECIFIED, 4103),
        }
    }
}

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and a port; port 0 takes any that is free.
    Tcp(SocketAddr),
    /// `unix:` and the absolute path of a socket.
    Unix(PathBuf),
}

/// Why a text is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(pub String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let shown: String = text.chars().take(60).collect();
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Self::Unix(path))
            } else {
                Err(AddressError(format!(
                    "`{shown}`: the path of a Unix socket must be absolute"
                )))
            };
        }
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => Cow::Owned(format!("127.0.0.1:{port}")),
            None => Cow::Borrowed(text),
        };
        numeric.parse().map(Self::Tcp).map_err(|_| {
            AddressError(format!("`{shown}` is no address: write an IP address and a port as `127.0.0.1:4100`, or `unix:/path`"))
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for Address {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "listen-address"})
    }
}

/// Limits of each listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most connections at once.
    #[schemars(range(min = 1))]
    pub max_connections: usize,
    /// How long a request's head may take, its first byte included.
    #[schemars(extend("x-minimum" = "1ms"))]
    pub header_timeout: Period,
    /// How long a connection may be idle: longer than applications' pools keep theirs.
    #[schemars(extend("x-minimum" = "1s"))]
    pub idle_timeout: Period,
    /// The largest head of a request.
    #[schemars(extend("x-minimum" = "8KiB", "x-maximum" = "1MiB"))]
    pub header_size: Size,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 8192,
            header_timeout: Period::secs(10),
            idle_timeout: Period::secs(15 * 60),
            header_size: Size::kib(64),
        }
    }
}

/// Logs and traces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Where traces go by OTLP over HTTP.
    #[schemars(extend("format" = "url", "x-planned" = true))]
    pub otlp_endpoint: Option<String>,
    /// What is logged.
    pub log: LogLevel,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Whether each request is logged.
    pub access_log: bool,
}

/// The least that is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// What may go wrong.
    Warn,
    /// What an operator wants to know.
    #[default]
    Info,
    /// What a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level as `tracing` and its filters call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// The forward proxy and the transparent mode.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Intercept {
    /// The local CA's certificate, PEM.
    pub ca_cert: Option<String>,
    /// The local CA's key, PEM.
    pub ca_key: Option<Secret>,
    /// What becomes of hosts that no provider intercepts.
    pub egress_policy: EgressPolicy,
}

/// What becomes of hosts that no provider intercepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EgressPolicy {
    /// They are tunnelled untouched.
    #[default]
    Tunnel,
    /// They are refused.
    Deny,
}
