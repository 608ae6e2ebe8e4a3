//! Times in the database: whole milliseconds since the Unix epoch, negative before it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Rounded down; what lies beyond 292 million years is the last that fits.
pub(crate) fn from_time(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => from_duration(after),
        Err(before) => {
            let before = before.duration();
            let partly = i64::from(before.subsec_nanos() % 1_000_000 != 0);
            from_duration(before)
                .saturating_neg()
                .saturating_sub(partly)
        }
    }
}

pub(crate) fn from_duration(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What this system cannot tell is the epoch: a time long ago.
pub(crate) fn to_time(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn there_and_back(millis in -1_000_000_000_000_000_i64..1_000_000_000_000_000) {
            prop_assert_eq!(from_time(to_time(millis)), millis);
        }

        #[test]
        fn any_number_is_a_time(millis: i64) {
            let _ = to_time(millis);
        }
    }

    #[test]
    fn rounds_down_on_both_sides_of_the_epoch() {
        assert_eq!(from_time(UNIX_EPOCH + Duration::from_nanos(1_999_999)), 1);
        assert_eq!(from_time(UNIX_EPOCH - Duration::from_nanos(1)), -1);
        assert_eq!(from_time(UNIX_EPOCH), 0);
        assert_eq!(from_duration(Duration::MAX), i64::MAX);
    }
}
