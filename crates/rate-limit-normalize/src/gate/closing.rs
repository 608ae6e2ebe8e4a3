//! What closes, and what is closed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::error::By;
use crate::judgement::PathScope;

/// When a request began, in closings: [`Gate::ticket`](crate::Gate::ticket).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub(super) u64);

/// A limit that was met.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// The account that met it.
    pub account: &'a Arc<str>,
    /// Its scope.
    pub scope: &'a Arc<str>,
    /// The requests it is about; `None`: all of the account.
    pub path: Option<&'a PathScope>,
    /// How long it lasts; `None`: backoff decides.
    pub delay: Option<Duration>,
    /// When the request that met it began.
    pub ticket: Ticket,
}

/// A closed scope, as a request meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shut {
    /// Its scope.
    pub scope: Arc<str>,
    /// When it opens.
    pub until: Instant,
    /// How long that is from now.
    pub left: Duration,
}

/// A closed scope in a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The account.
    pub account: Arc<str>,
    /// The scope.
    pub scope: Arc<str>,
    /// When it opens.
    pub until: SystemTime,
    /// Who closed it.
    pub by: By,
}
