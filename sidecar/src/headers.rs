//! The names of the headers that Leeward reads and writes.

use http::HeaderName;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: HeaderName = HeaderName::from_static($text);)*
    };
}

names! {
    /// Request: which account. Answer: which account it was.
    ACCOUNT = "leeward-account";
    /// Request: which provider, where a host does not decide. Answer: which it was.
    PROVIDER = "leeward-provider";
    /// Request: the egress listener's token.
    TOKEN = "leeward-token";
    /// Request: a shorter total timeout, such as `2s`.
    TIMEOUT = "leeward-timeout";
    /// Request: `true` adds the start of a vendor's answer to a problem.
    DEBUG = "leeward-debug";
    /// Answer: `live`, `cache` or `sync`.
    SOURCE = "leeward-source";
    /// Answer: the request's id, also in the log.
    REQUEST_ID = "leeward-request-id";
    /// Answer: how often the call was begun towards the vendor.
    ATTEMPTS = "leeward-attempts";
    /// Answer: the version of the provider's configuration that made it.
    CONFIG = "leeward-config";
    /// Answer of Leeward's own making: its code.
    ERROR = "leeward-error";
}
