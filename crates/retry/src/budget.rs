//! How many repeats a provider is asked to bear.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// One repeat, in the unit in which the tokens are counted.
const REPEAT: i64 = 1000;
/// The floor: a quiet provider has this many repeats in hand and gains one each second while it
/// has fewer.
const FLOOR: i64 = 10 * REPEAT;
/// What a busy provider can save up: enough for every connection of a pool to die at once.
const FULL: i64 = 100 * REPEAT;

/// The repeats that a provider's requests have earned. Clones are one budget.
///
/// Each request pays in its share (`0.2`: every fifth request earns one repeat), each repeat takes
/// one out. Up to 100 repeats are saved, so that a pool of connections may die at once; beneath 10
/// one is added each second, so that a quiet provider may repeat, too. So in any span repeats are
/// at most `share × requests + seconds + 100`.
///
/// It takes the place of `tower::retry::budget::TpsBudget`, which takes a mutex and reads the
/// clock for every request (here: two atomic operations), walks through every second of a quiet
/// night under that mutex when the morning's first request comes, rounds the share to a whole
/// number of requests (30 % becomes 33 %), panics on settings out of range, and cannot be given
/// another share while it runs.
#[derive(Clone)]
pub struct RetryBudget(Arc<Tokens>);

struct Tokens {
    share: AtomicI64,
    left: AtomicI64,
    /// When the floor was last looked at; only repeats touch it.
    seen: Mutex<Option<Instant>>,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(0.2)
    }
}

impl RetryBudget {
    /// A budget to which each request adds `share` of a repeat (`0.2` is 20 %).
    pub fn new(share: f64) -> Self {
        Self(Arc::new(Tokens {
            share: AtomicI64::new(thousandths(share)),
            left: AtomicI64::new(FLOOR),
            seen: Mutex::new(None),
        }))
    }

    /// Changes the share from now on; what was saved stays.
    pub fn set_share(&self, share: f64) {
        self.0.share.store(thousandths(share), Ordering::Relaxed);
    }

    /// A request was made.
    pub fn deposit(&self) {
        // A full budget, the common state, is only read: no cache line changes hands. A few
        // deposits that race past `FULL` do no harm.
        if self.0.left.load(Ordering::Relaxed) < FULL {
            let share = self.0.share.load(Ordering::Relaxed);
            self.0.left.fetch_add(share, Ordering::Relaxed);
        }
    }

    /// Takes one repeat out; false: none is left, or the share is 0.
    pub fn withdraw(&self, now: Instant) -> bool {
        if self.0.share.load(Ordering::Relaxed) == 0 {
            return false;
        }
        // Withdrawals stand in line here, so that none of them can overdraw.
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = seen.map_or(0, |at| now.saturating_duration_since(at).as_millis());
        *seen = Some(now);
        let left = self.0.left.load(Ordering::Relaxed);
        if left < FLOOR {
            // One repeat a second is one of its thousandths a millisecond.
            let gained = i64::try_from(elapsed).unwrap_or(FLOOR).min(FLOOR - left);
            self.0.left.fetch_add(gained, Ordering::Relaxed);
        }
        let enough = self.0.left.load(Ordering::Relaxed) >= REPEAT;
        if enough {
            self.0.left.fetch_sub(REPEAT, Ordering::Relaxed);
        }
        enough
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget")
            .field("share_thousandths", &self.0.share.load(Ordering::Relaxed))
            .field("left_thousandths", &self.0.left.load(Ordering::Relaxed))
            .finish()
    }
}

fn thousandths(share: f64) -> i64 {
    // Above 10 repeats for a request no share means anything; what is not a number means none.
    let share = if share.is_nan() { 0.0 } else { share };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "within 0..=10,000 after the clamp"
    )]
    let thousandths = (share.clamp(0.0, 10.0) * 1000.0).round() as i64;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn spend(budget: &RetryBudget, now: Instant) -> usize {
        (0..1000).take_while(|_| budget.withdraw(now)).count()
    }

    #[test]
    fn a_quiet_provider_has_a_floor_that_comes_back() {
        let (budget, start) = (RetryBudget::default(), Instant::now());
        assert_eq!(spend(&budget, start), 10);
        assert_eq!(spend(&budget, start + Duration::from_secs(3)), 3);
        assert_eq!(spend(&budget, start + Duration::from_secs(3000)), 10);
    }

    #[test]
    fn requests_earn_their_share_up_to_the_full_budget() {
        let (budget, now) = (RetryBudget::default(), Instant::now());
        spend(&budget, now);
        (0..50).for_each(|_| budget.deposit());
        assert_eq!(spend(&budget, now), 10);
        (0..5000).for_each(|_| budget.deposit());
        assert_eq!(spend(&budget, now), 100);
    }

    #[test]
    fn a_share_of_nothing_repeats_nothing_and_can_be_changed_live() {
        let (budget, now) = (RetryBudget::new(0.0), Instant::now());
        assert!(!budget.withdraw(now));
        budget.clone().set_share(0.2);
        assert_eq!(spend(&budget, now), 10);
    }

    proptest! {
        #[test]
        fn repeats_never_exceed_what_was_earned(
            share in 0.0f64..2.0, steps in proptest::collection::vec((0usize..20, 0usize..20, 0u64..3000), 0..60)
        ) {
            let (budget, start) = (RetryBudget::new(share), Instant::now());
            let (mut requests, mut repeats, mut now) = (0usize, 0usize, start);
            for (deposits, tries, millis) in steps {
                (0..deposits).for_each(|_| budget.deposit());
                requests += deposits;
                now += Duration::from_millis(millis);
                repeats += (0..tries).filter(|_| budget.withdraw(now)).count();
                let earned = 10.0 + (share + 0.0005) * requests as f64 + (now - start).as_secs_f64();
                prop_assert!(repeats as f64 <= earned + 0.001, "{repeats} > {earned}");
            }
        }

        #[test]
        fn no_share_panics(share in any::<f64>()) {
            let budget = RetryBudget::new(share);
            budget.deposit();
            budget.withdraw(Instant::now());
        }
    }
}
