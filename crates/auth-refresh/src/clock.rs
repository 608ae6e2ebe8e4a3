//! Wall and monotonic time.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Where the keeper reads the time. A token's life is told by both clocks, and is over if either
/// says so: the monotonic one stands still while a machine sleeps, the wall clock jumps.
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn wall(&self) -> SystemTime;
    /// Time that never goes back.
    fn monotonic(&self) -> Instant;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) wall: SystemTime,
    pub(crate) mono: Instant,
}

impl Moment {
    pub(crate) fn read(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.wall(),
            mono: clock.monotonic(),
        }
    }

    /// How long until a wall time; nothing if it has passed.
    pub(crate) fn until(self, wall: SystemTime) -> Duration {
        wall.duration_since(self.wall).unwrap_or_default()
    }

    /// The monotonic time at which the wall clock, if it goes on evenly, will show `wall`.
    pub(crate) fn mono_at(self, wall: SystemTime) -> Instant {
        mono_after(self.mono, self.until(wall))
    }
}

/// The latest time that is reckoned with: a longer distance is cut.
const FAR: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// `time + distance` without overflow.
pub(crate) fn wall_after(time: SystemTime, distance: Duration) -> SystemTime {
    time.checked_add(distance.min(FAR)).unwrap_or(time)
}

/// `time + distance` without overflow.
pub(crate) fn mono_after(time: Instant, distance: Duration) -> Instant {
    time.checked_add(distance.min(FAR)).unwrap_or(time)
}
