//! Settings, and how long to wait before a repeat.

use std::time::Duration;

/// How a [`RetryLayer`](crate::RetryLayer) repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How often a request is sent at most, the first time included. 0 and 1 mean: never repeated.
    pub max_attempts: u32,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// How many repeats the provider bears in the long run, as a share of its requests
    /// (`0.2` is 20 %). 0 switches repeats off. See [`RetryBudget`](crate::RetryBudget).
    pub budget: f64,
    /// An answer of a known length up to this many bytes, to a request that may be repeated, is
    /// taken whole before it is passed on. 0 holds none.
    pub hold: usize,
    /// The most bytes of a request body that are kept for a repeat.
    pub replay_cap: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_attempts: 2,
            backoff: Backoff::default(),
            budget: 0.2,
            hold: 64 * 1024,
            replay_cap: 64 * 1024,
        }
    }
}

/// Exponential backoff: `base`, doubled with each repeat, never above `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait before the first repeat.
    pub base: Duration,
    /// The longest wait before any repeat.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(50),
            max: Duration::from_secs(2),
        }
    }
}

impl Backoff {
    /// The wait before repeat number `repeat` (the first is 1): the upper half of the exponential
    /// step, spread by `roll` in `0.0..=1.0`. Half of the step is always waited, so that a repeat
    /// never meets the very moment that failed; the other half keeps callers that failed together
    /// from coming back together.
    pub fn wait(&self, repeat: u32, roll: f64) -> Duration {
        let doublings = repeat.saturating_sub(1).min(31);
        let step = self.base.saturating_mul(1 << doublings).min(self.max);
        let half = step / 2;
        // `mul_f64` panics on what is not a sane factor.
        let roll = if roll.is_finite() {
            roll.clamp(0.0, 1.0)
        } else {
            1.0
        };
        // So far out that a float could overflow when it is rounded, jitter no longer matters.
        if half > Duration::from_secs(u64::from(u32::MAX)) {
            return step;
        }
        half + half.mul_f64(roll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_steps_double_up_to_max() {
        let backoff = Backoff::default();
        let at_most = |repeat| backoff.wait(repeat, 1.0).as_millis();
        assert_eq!(
            [1, 2, 3, 6, 7, 40].map(at_most),
            [50, 100, 200, 1600, 2000, 2000]
        );
        assert_eq!(backoff.wait(1, 0.0), Duration::from_millis(25));
    }

    proptest! {
        #[test]
        fn a_wait_never_panics_and_stays_within_its_step(
            base in any::<Duration>(), max in any::<Duration>(), repeat in any::<u32>(), roll in any::<f64>()
        ) {
            let wait = Backoff { base, max }.wait(repeat, roll);
            prop_assert!(wait <= max);
        }
    }
}
