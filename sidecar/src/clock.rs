//! The two clocks, and the one place where a test moves them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Wall and monotonic time. Clones of a moved clock move together.
#[derive(Clone, Default)]
pub struct Clock {
    // Both absent in production: the system's clocks are read and nothing else.
    moved: Option<Arc<Moved>>,
    told: Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock")
            .field("moved", &self.moved)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Moved {
    wall_ms: AtomicU64,
    monotonic_ms: AtomicU64,
}

impl Clock {
    /// The system's clocks.
    pub fn system() -> Self {
        Self::default()
    }

    /// The system's clocks, which a test may push forward.
    pub fn movable() -> Self {
        Self {
            moved: Some(Arc::default()),
            told: None,
        }
    }

    /// Tells the wall time itself, whatever the system's clock says.
    #[must_use]
    pub fn telling(mut self, wall: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.told = Some(Arc::new(wall));
        self
    }

    /// Pushes both clocks forward, as if time had passed.
    pub fn advance(&self, by: Duration) {
        self.advance_wall(by);
        if let Some(moved) = &self.moved {
            moved.monotonic_ms.fetch_add(millis(by), Ordering::SeqCst);
        }
    }

    /// Pushes the wall clock alone, as a machine does that slept or was set.
    pub fn advance_wall(&self, by: Duration) {
        if let Some(moved) = &self.moved {
            moved.wall_ms.fetch_add(millis(by), Ordering::SeqCst);
        }
    }

    /// The wall time.
    pub fn wall(&self) -> SystemTime {
        let now = self
            .told
            .as_ref()
            .map_or_else(SystemTime::now, |told| told());
        match &self.moved {
            None => now,
            Some(m) => now + Duration::from_millis(m.wall_ms.load(Ordering::SeqCst)),
        }
    }

    /// The monotonic time.
    pub fn monotonic(&self) -> Instant {
        let now = Instant::now();
        match &self.moved {
            None => now,
            Some(m) => now + Duration::from_millis(m.monotonic_ms.load(Ordering::SeqCst)),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl leeward_auth_refresh::Clock for Clock {
    fn wall(&self) -> SystemTime {
        Self::wall(self)
    }

    fn monotonic(&self) -> Instant {
        Self::monotonic(self)
    }
}
