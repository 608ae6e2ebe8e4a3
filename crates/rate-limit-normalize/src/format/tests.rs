use proptest::prelude::*;

use super::{Moment, SECOND, read, readable};
use crate::spec::Format;

/// 2026-01-01T00:00:00Z.
const NOW: i128 = 1_767_225_600 * NANOS;
const NANOS: i128 = 1_000_000_000;

const ALL: [Format; 11] = [
    Format::Seconds,
    Format::Millis,
    Format::Minutes,
    Format::EpochS,
    Format::EpochMs,
    Format::Http,
    Format::Iso8601,
    Format::Duration,
    Format::Words,
    Format::Timespan,
    Format::Auto,
];

/// The wait in seconds.
fn wait(format: Format, text: &str) -> Option<f64> {
    let text = readable(text.as_bytes())?;
    let nanos = read(format, text, NOW)?.wait_from(NOW)?;
    Some(super::duration(nanos).as_secs_f64())
}

#[test]
fn each_format_reads_its_own() {
    let table: &[(Format, &str, Option<f64>)] = &[
        (Format::Seconds, "30", Some(30.0)),
        (Format::Seconds, "2.0", Some(2.0)),
        (Format::Seconds, "0.25", Some(0.25)),
        (Format::Seconds, "0", None),
        (Format::Seconds, "0.0", None),
        (Format::Seconds, "-5", None),
        (Format::Seconds, "+5", None),
        (Format::Seconds, "1e3", None),
        (Format::Seconds, "1e308", None),
        (Format::Seconds, "inf", None),
        (Format::Seconds, "NaN", None),
        (Format::Seconds, "5.", None),
        (Format::Seconds, ".5", None),
        (Format::Seconds, "1.2.3", None),
        (Format::Seconds, "30s", None),
        (Format::Seconds, "\"30\"", None),
        (Format::Seconds, "5, 120", None),
        (Format::Millis, "1500", Some(1.5)),
        (Format::Minutes, "1.5", Some(90.0)),
        (Format::EpochS, "1767225660", Some(60.0)),
        (Format::EpochS, "1767225660.5", Some(60.5)),
        (Format::EpochS, "1767225599", None),
        (Format::EpochS, "60", None),
        (Format::EpochMs, "1767225600824", Some(0.824)),
        (Format::Http, "120", Some(120.0)),
        (Format::Http, "1767225660", Some(60.0)),
        (Format::Http, "1767225660000", Some(60.0)),
        (Format::Http, "1767225500", None),
        (Format::Http, "Thu, 01 Jan 2026 00:01:00 GMT", Some(60.0)),
        (Format::Http, "Thursday, 01-Jan-26 00:01:00 GMT", Some(60.0)),
        (Format::Http, "Thu Jan  1 00:01:00 2026", Some(60.0)),
        (Format::Http, "Wed, 21 Oct 2015 07:28:00 GMT", None),
        (Format::Http, "2026-01-01T00:02:00Z", None),
        (Format::Iso8601, "2026-01-01T00:01Z", Some(60.0)),
        (Format::Iso8601, "2026-01-01T00:01:00Z", Some(60.0)),
        (Format::Iso8601, "2026-01-01T01:01:00+01:00", Some(60.0)),
        (
            Format::Iso8601,
            "2026-01-01T00:00:00.123456789Z",
            Some(0.123_456_789),
        ),
        (Format::Iso8601, "2026-01-01T00:00:00.1234567891Z", None),
        (Format::Iso8601, "2026-01-01T00:01:00", None),
        (Format::Iso8601, "2026-01-02", None),
        (Format::Iso8601, "2026-02-30T00:00:00Z", None),
        (Format::Iso8601, "2026-01-01T00:01:00Z[Europe/Paris]", None),
        (Format::Iso8601, "2026-01-01 00:01:00Z", None),
        (Format::Duration, "6m0s", Some(360.0)),
        (Format::Duration, "20ms", Some(0.02)),
        (Format::Duration, "2.463586755s", Some(2.463_586_755)),
        (Format::Duration, "1h2m3.5s", Some(3723.5)),
        (Format::Duration, "53", None),
        (Format::Duration, "-5s", None),
        (Format::Duration, "s", None),
        (Format::Duration, "6m 0s", None),
        (Format::Words, "9 minutes", Some(540.0)),
        (Format::Words, "37 seconds", Some(37.0)),
        (Format::Words, "1 hour and 5 minutes", Some(3900.0)),
        (Format::Words, "1 Minute, 30 Seconds", Some(90.0)),
        (Format::Words, "a few minutes", None),
        (Format::Words, "5 minutes and ", None),
        (Format::Words, "5 parsecs", None),
        (Format::Timespan, "1.03:23:11", Some(98_591.0)),
        (Format::Timespan, "00:00:10.5", Some(10.5)),
        (Format::Timespan, "03:23", Some(12_180.0)),
        (Format::Timespan, "24:00:00", None),
        (Format::Timespan, "00:60:00", None),
        (Format::Timespan, "00:00:60", None),
        (Format::Timespan, "1:2:3:4", None),
        (Format::Timespan, "10", None),
        (Format::Auto, "2", Some(2.0)),
        (Format::Auto, "1767225642", Some(42.0)),
        (Format::Auto, "1767225642000", Some(42.0)),
        (Format::Auto, "999999999", Some(999_999_999.0)),
        // More than 366 days from now: no epoch, so a delta (which the rule's `max` clamps).
        (Format::Auto, "1500000000", Some(1_500_000_000.0)),
        (Format::Auto, "2026-01-01T00:01Z", Some(60.0)),
        (Format::Auto, "Thu, 01 Jan 2026 00:01:00 GMT", Some(60.0)),
        (Format::Auto, "soon", None),
    ];
    for (format, text, expected) in table {
        assert_eq!(wait(*format, text), *expected, "{format:?} of {text:?}");
    }
}

#[test]
fn what_is_long_or_foreign_is_not_read() {
    assert_eq!(readable(&[b'1'; 129]), None);
    assert_eq!(readable("30\u{a0}s".as_bytes()), None);
    assert_eq!(readable(b"  "), None);
    assert_eq!(readable(b" 30\t"), Some("30"));
}

#[test]
fn the_largest_number_saturates() {
    let most = "9".repeat(128);
    for format in [
        Format::Seconds,
        Format::Minutes,
        Format::EpochS,
        Format::Auto,
    ] {
        let nanos = read(format, &most, NOW).and_then(|moment| moment.wait_from(NOW));
        assert!(
            nanos.is_some_and(|n| n > u128::from(u64::MAX)),
            "{format:?}"
        );
    }
    assert_eq!(super::duration(u128::MAX), std::time::Duration::MAX);
}

fn date() -> impl Strategy<Value = u64> {
    0_u64..=253_402_300_799
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics(text in "\\PC{0,140}", now in any::<i64>()) {
        for format in ALL {
            if let Some(text) = readable(text.as_bytes()) {
                let _ = read(format, text, i128::from(now)).map(|m| m.wait_from(i128::from(now)));
            }
        }
    }

    #[test]
    fn no_likely_text_panics(text in "[-+0-9.:eETZWshmd ,GMTJan]{0,40}") {
        for format in ALL {
            if let Some(text) = readable(text.as_bytes()) {
                let _ = read(format, text, NOW).map(|m| m.wait_from(NOW));
            }
        }
    }

    #[test]
    fn seconds_come_back_exactly(whole in 0_u64..1_000_000_000, nanos in 0_u32..1_000_000_000) {
        let text = format!("{whole}.{nanos:09}");
        let expected = u128::from(whole) * SECOND + u128::from(nanos);
        prop_assert_eq!(read(Format::Seconds, &text, NOW), Some(Moment::After(expected)));
        prop_assert_eq!(
            read(Format::Iso8601, &jiff_text(expected), NOW),
            Some(Moment::At(i128::try_from(expected).unwrap()))
        );
    }

    #[test]
    fn http_dates_come_back(second in date()) {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
        let moment = Moment::At(i128::from(second) * NANOS);
        prop_assert_eq!(read(Format::Http, &httpdate::fmt_http_date(time), NOW), Some(moment));
        prop_assert_eq!(read(Format::Auto, &httpdate::fmt_http_date(time), NOW), Some(moment));
    }

    #[test]
    fn an_epoch_near_now_is_never_a_delta(gap in -31_000_000_i128..31_000_000) {
        let second = NOW / NANOS + gap;
        let expected = Some(Moment::At(second * NANOS));
        for format in [Format::Http, Format::Auto] {
            prop_assert_eq!(read(format, &second.to_string(), NOW), expected);
            prop_assert_eq!(read(format, &(second * 1_000).to_string(), NOW), expected);
        }
    }

    #[test]
    fn durations_add_up(hours in 0_u32..100, minutes in 0_u32..100, millis in 0_u32..5_000) {
        let expected = Moment::After(
            (u128::from(hours) * 3_600 + u128::from(minutes) * 60) * SECOND
                + u128::from(millis) * (SECOND / 1_000),
        );
        let text = format!("{hours}h{minutes}m{millis}ms");
        prop_assert_eq!(read(Format::Duration, &text, NOW), Some(expected));
        let text = format!("{hours} hours, {minutes} minutes and {millis} milliseconds");
        prop_assert_eq!(read(Format::Words, &text, NOW), Some(expected));
    }

    #[test]
    fn timespans_add_up(days in 0_u32..1_000, hours in 0_u32..24, minutes in 0_u32..60, seconds in 0_u32..60) {
        let expected = (u128::from(days) * 86_400
            + u128::from(hours) * 3_600
            + u128::from(minutes) * 60
            + u128::from(seconds)) * SECOND;
        let text = format!("{days}.{hours:02}:{minutes:02}:{seconds:02}");
        prop_assert_eq!(read(Format::Timespan, &text, NOW), Some(Moment::After(expected)));
    }
}

fn jiff_text(nanos: u128) -> String {
    jiff::Timestamp::from_nanosecond(i128::try_from(nanos).unwrap())
        .unwrap()
        .to_string()
}
