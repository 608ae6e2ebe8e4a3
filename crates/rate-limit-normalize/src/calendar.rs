//! The next boundary of a calendar in a time zone.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What may stand between two boundaries: a day, or whole seconds that divide one.
pub(crate) fn allowed(every: Duration) -> bool {
    let seconds = every.as_secs();
    every.subsec_nanos() == 0 && seconds > 0 && DAY.as_secs().is_multiple_of(seconds)
}

/// The time from `now` (nanoseconds since 1970) to the next boundary there, never zero. Days end
/// where the zone says, so they last 23 or 25 hours where its clocks change.
pub(crate) fn until_next(now: i128, every: Duration, zone: &TimeZone) -> Option<Duration> {
    let now = Timestamp::from_nanosecond(now).ok()?;
    let here = now.to_zoned(zone.clone());
    let next = if every >= DAY {
        here.tomorrow().ok()?.start_of_day().ok()?
    } else {
        let midnight = here.date().to_datetime(Time::midnight());
        let gone = here.datetime().duration_since(midnight);
        let gone = u64::try_from(gone.as_secs()).ok()?;
        let boundary = (gone / every.as_secs() + 1) * every.as_secs();
        let ahead = SignedDuration::from_secs(i64::try_from(boundary).ok()?);
        let civil = midnight.checked_add(ahead).ok()?;
        // Where the clock is set back, the boundary comes twice; where it skips one, the gap ends.
        let next = civil.to_zoned(zone.clone()).ok()?;
        let elapsed = ahead.checked_sub(here.datetime().duration_since(midnight))?;
        let plain = here.checked_add(elapsed).ok()?;
        if plain < next && every <= Duration::from_secs(60 * 60) {
            plain
        } else {
            next
        }
    };
    let wait = next.timestamp().as_nanosecond() - now.as_nanosecond();
    let nanos = u64::try_from(wait).ok().filter(|nanos| *nanos > 0)?;
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::until_next;

    fn wait(now: &str, every: u64, zone: &str) -> u64 {
        let now: jiff::Timestamp = now.parse().unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let wait = until_next(now.as_nanosecond(), Duration::from_secs(every), &zone).unwrap();
        assert_eq!(wait.subsec_nanos(), 0);
        wait.as_secs()
    }

    #[test]
    fn days_end_at_midnight_there() {
        assert_eq!(
            wait("2026-01-01T12:00:00Z", 86_400, "America/Los_Angeles"),
            72_000
        );
        assert_eq!(
            wait("2026-07-01T12:00:00Z", 86_400, "America/Los_Angeles"),
            68_400
        );
        // The clocks change: 23 and 25 hours.
        assert_eq!(
            wait("2026-03-08T08:00:00Z", 86_400, "America/Los_Angeles"),
            23 * 3_600
        );
        assert_eq!(
            wait("2026-11-01T07:00:00Z", 86_400, "America/Los_Angeles"),
            25 * 3_600
        );
        // At a boundary the next one counts.
        assert_eq!(wait("2026-01-01T00:00:00Z", 86_400, "UTC"), 86_400);
    }

    #[test]
    fn shorter_boundaries_follow_the_local_clock() {
        assert_eq!(wait("2026-01-01T12:07:00Z", 900, "UTC"), 480);
        assert_eq!(wait("2026-01-01T12:07:00Z", 3_600, "Asia/Kolkata"), 23 * 60);
        // 01:30 of the first pass, before the clock goes from 02:00 back to 01:00.
        assert_eq!(
            wait("2026-11-01T08:30:00Z", 3_600, "America/Los_Angeles"),
            1_800
        );
        assert_eq!(
            wait("2026-03-08T09:30:00Z", 3_600, "America/Los_Angeles"),
            1_800
        );
    }

    proptest! {
        #[test]
        fn a_boundary_is_near_and_ahead(
            second in -60_000_000_000_i64..200_000_000_000,
            every in prop::sample::select(vec![900_u64, 3_600, 21_600, 86_400]),
            zone in prop::sample::select(vec!["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
        ) {
            let now = i128::from(second) * 1_000_000_000;
            let zone = TimeZone::get(zone).unwrap();
            let wait = until_next(now, Duration::from_secs(every), &zone).unwrap();
            prop_assert!(wait > Duration::ZERO);
            prop_assert!(wait <= Duration::from_secs(every + 3 * 3_600));
        }
    }
}
