use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::{Tally, Window};

fn one(failed: bool) -> Tally {
    Tally {
        calls: 1,
        failures: u32::from(failed),
        slow: 0,
    }
}

proptest! {
    /// The ring against a plain list: whatever is younger than nine slices is there, whatever is
    /// older than ten is gone, and the numbers always add up.
    #[test]
    fn holds_what_is_young_and_drops_what_is_old(
        steps in prop::collection::vec((0u64..4_000, any::<bool>()), 1..200),
    ) {
        let began = Instant::now();
        let mut window = Window::new(began, Duration::from_secs(10));
        let (mut at, mut seen) = (0, Vec::new());
        for (millis, failed) in steps {
            at += millis;
            seen.push((at, failed));
            let now = began + Duration::from_millis(at);
            window.add(now, one(failed));
            let total = window.total(now);

            let oldest_slice = (at / 1000).saturating_sub(9) * 1000;
            let expected = seen.iter().filter(|(when, _)| *when >= oldest_slice);
            let (calls, failures) = expected.fold((0, 0), |(c, f), (_, failed)| {
                (c + 1, f + u32::from(*failed))
            });
            prop_assert_eq!((total.calls, total.failures), (calls, failures));
        }
    }
}

#[test]
fn a_clock_that_goes_back_loses_nothing() {
    let began = Instant::now() + Duration::from_secs(100);
    let mut window = Window::new(began, Duration::from_secs(10));
    window.add(began + Duration::from_secs(5), one(true));
    window.add(began - Duration::from_secs(50), one(true));
    assert_eq!(window.total(began).failures, 2);
}

#[test]
fn a_window_without_length_is_one_of_a_moment() {
    let began = Instant::now();
    let mut window = Window::new(began, Duration::ZERO);
    window.add(began, one(true));
    assert_eq!(window.total(began).failures, 1);
    assert_eq!(window.total(began + Duration::from_secs(1)).failures, 0);
}
