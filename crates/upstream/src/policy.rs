//! Which hosts a client may connect to.

use std::net::IpAddr;

use leeward_wire::{HostPatterns, Match, is_private};

use crate::error::{Error, Kind};

/// Whether a host that only a wildcard allows may be, or resolve to, a private address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PrivateHosts {
    /// It may not.
    #[default]
    Deny,
    /// It may.
    Allow,
}

/// Which hosts a client may connect to: looked at when a connection is made, on the addresses that
/// are then connected to.
///
/// A host that a pattern names in full may have any address. One that only a wildcard allows is
/// refused if any of its addresses is private ([`is_private`]), unless `private` allows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPolicy {
    /// The hosts that are allowed.
    pub patterns: HostPatterns,
    /// What holds for those that only a wildcard allows.
    pub private: PrivateHosts,
}

impl HostPolicy {
    /// Every host at every address: for a client whose URLs nobody else can choose.
    pub fn unrestricted() -> Self {
        Self {
            patterns: HostPatterns::any(),
            private: PrivateHosts::Allow,
        }
    }

    /// Whether the host may be connected to at all, and if so, at which addresses.
    pub(crate) fn judge(&self, host: &str) -> Result<Allowed, Error> {
        match (self.patterns.matches(host), self.private) {
            (Match::No, _) => Err(Error::new(
                Kind::HostDenied,
                format!("{host} is not among the allowed hosts"),
            )),
            (Match::ByWildcard, PrivateHosts::Deny) => Ok(Allowed::Public),
            (Match::InFull, _) | (Match::ByWildcard, PrivateHosts::Allow) => Ok(Allowed::Any),
        }
    }
}

/// The addresses at which a host may be connected to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    Any,
    Public,
}

impl Allowed {
    /// One private address is enough to refuse a name: else a mix of both would be a lottery.
    pub(crate) fn check(self, host: &str, addresses: &[IpAddr]) -> Result<(), Error> {
        if self == Self::Public && addresses.iter().copied().any(is_private) {
            return Err(Error::new(
                Kind::HostDenied,
                format!("{host} is allowed by a wildcard only and has a private address"),
            ));
        }
        Ok(())
    }
}
