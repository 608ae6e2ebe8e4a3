//! How a keeper works.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::jitter::random_bits;
use crate::{Clock, Observe, SystemClock};

/// Settings of a [`Keeper`](crate::Keeper) and its [`Driver`](crate::Driver). What belongs to one
/// provider is in its [`RefreshPolicy`](crate::RefreshPolicy).
#[derive(Clone)]
pub struct Settings {
    /// The name under which leases are taken: must differ between processes, and between two
    /// starts of one process. Default: the process id with 64 random bits.
    pub owner: Arc<str>,
    /// How long a lease is taken for; it is renewed at a third of this while a token call is read.
    /// A holder that died is taken over after this, and one look at the schedule. The clocks of
    /// processes that share a store must agree within half of it; a lease that ends more than three
    /// times this from now was written by a clock that has jumped, and counts as over. Default 20 s.
    pub lease: Duration,
    /// How long a token call that was sent is read before it counts as unanswered. Default 5 min.
    pub call_limit: Duration,
    /// Whether this process renews by the schedule. Without it a token is bought only when a
    /// request finds none living. Default true.
    pub schedule: bool,
    /// The schedule is looked at again after this at the latest, whatever the clocks did. Default
    /// 30 s.
    pub look_again: Duration,
    /// Token calls under way at once for one provider; one that takes longer than its policy's
    /// `timeout` no longer counts. Default 16.
    pub flights_per_provider: usize,
    /// The same over all providers. Default 512.
    pub flights: usize,
    /// How long a request that needs a token waits for the next try after one that failed for the
    /// moment: a hiccup is waited out, an outage told at once. Default 2 s.
    pub patience: Duration,
    /// How long one call to the store may take. Default 10 s.
    pub store_timeout: Duration,
    /// Where the time is read.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub observe: Arc<dyn Observe>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            owner: format!("{}-{:016x}", std::process::id(), random_bits()).into(),
            lease: Duration::from_secs(20),
            call_limit: Duration::from_secs(5 * 60),
            schedule: true,
            look_again: Duration::from_secs(30),
            flights_per_provider: 16,
            flights: 512,
            patience: Duration::from_secs(2),
            store_timeout: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
            observe: Arc::new(()),
        }
    }
}

impl Settings {
    pub(crate) fn longest_lease(&self) -> Duration {
        self.lease.saturating_mul(3)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("owner", &self.owner)
            .field("lease", &self.lease)
            .field("call_limit", &self.call_limit)
            .field("schedule", &self.schedule)
            .field("look_again", &self.look_again)
            .field("flights_per_provider", &self.flights_per_provider)
            .field("flights", &self.flights)
            .field("patience", &self.patience)
            .field("store_timeout", &self.store_timeout)
            .finish_non_exhaustive()
    }
}
