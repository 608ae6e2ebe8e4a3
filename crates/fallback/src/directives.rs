//! `Cache-Control` (RFC 9111 5.2), as far as it bears on an answer that takes a failure's place.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderName, PRAGMA};

/// Delta-seconds above this mean no more than it (RFC 9111 1.2.2).
const LONGEST: u64 = 1 << 31;

/// The directives of a request or of an answer that are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    pub(crate) no_store: bool,
    /// Also a request's `Pragma: no-cache` (RFC 9111 5.4).
    pub(crate) no_cache: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) max_age: Option<Duration>,
    /// With no value: any staleness.
    pub(crate) max_stale: Option<Duration>,
    /// RFC 5861 4.
    pub(crate) stale_if_error: Option<Duration>,
}

impl Directives {
    pub(crate) fn of_request(headers: &HeaderMap) -> Self {
        let mut directives = Self::of(headers);
        if !headers.contains_key(CACHE_CONTROL)
            && let Some(pragma) = headers.get(PRAGMA)
        {
            directives.no_cache = pragma.as_bytes().eq_ignore_ascii_case(b"no-cache");
        }
        directives
    }

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut directives = Self::default();
        for value in headers.get_all(CACHE_CONTROL) {
            directives.read(value.as_bytes());
        }
        directives
    }

    fn read(&mut self, mut text: &[u8]) {
        while !text.is_empty() {
            let (item, rest) = split(text);
            text = rest;
            let mut halves = item.splitn(2, |&byte| byte == b'=');
            let name = halves.next().unwrap_or_default().trim_ascii();
            let value = halves.next().map(|value| value.trim_ascii());
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            // Of a directive that comes twice the stricter counts. With field names
            // (`no-cache="X"`) it counts as without: that is the stricter reading, too.
            if is("no-store") {
                self.no_store = true;
            } else if is("no-cache") {
                self.no_cache = true;
            } else if is("must-revalidate") {
                self.must_revalidate = true;
            } else if is("max-age") {
                // One that cannot be read makes the answer stale at once (RFC 9111 4.2.1).
                let age = value.and_then(seconds).unwrap_or_default();
                self.max_age = stricter(self.max_age, age);
            } else if is("max-stale") {
                let stale = value.map_or(Some(Duration::MAX), seconds);
                self.max_stale = stricter(self.max_stale, stale.unwrap_or_default());
            } else if is("stale-if-error")
                && let Some(stale) = value.and_then(seconds)
            {
                self.stale_if_error = stricter(self.stale_if_error, stale);
            }
        }
    }
}

fn stricter(before: Option<Duration>, now: Duration) -> Option<Duration> {
    Some(before.map_or(now, |before| before.min(now)))
}

/// One item of a comma-separated list, and the rest; a comma in quotes does not count.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, &[])
}

fn seconds(value: &[u8]) -> Option<Duration> {
    let value = value
        .strip_prefix(b"\"")
        .map_or(value, |inner| inner.strip_suffix(b"\"").unwrap_or(inner));
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = value.iter().fold(0u64, |sum, digit| {
        (sum * 10 + u64::from(digit - b'0')).min(LONGEST)
    });
    Some(Duration::from_secs(seconds))
}

/// For how long the vendor calls an answer fresh (RFC 9111 4.2.1), as a cache reads it that keeps
/// each caller's answers apart: `s-maxage` is for shared ones.
pub(crate) fn freshness(directives: &Directives, headers: &HeaderMap) -> Duration {
    if let Some(max_age) = directives.max_age {
        return max_age;
    }
    match (date(headers, &EXPIRES), date(headers, &DATE)) {
        (Some(expires), Some(date)) => expires.duration_since(date).unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// How old the answer was when it came (RFC 9111 5.1): the first value that can be read.
pub(crate) fn age(headers: &HeaderMap) -> Duration {
    let mut ages = headers.get_all(AGE).iter();
    ages.find_map(|value| seconds(value.as_bytes().trim_ascii()))
        .unwrap_or_default()
}

pub(crate) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn read(values: &[&str]) -> Directives {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CACHE_CONTROL, HeaderValue::from_str(value).unwrap());
        }
        Directives::of(&headers)
    }

    fn secs(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn rfc9111_5_2_directives_are_read_in_any_case_over_several_lines() {
        let directives = read(&[
            "Private, MAX-AGE=60 ,",
            "stale-if-error=\"600\",must-revalidate",
        ]);
        assert_eq!(directives.max_age, secs(60));
        assert_eq!(directives.stale_if_error, secs(600));
        assert!(directives.must_revalidate && !directives.no_store && !directives.no_cache);
    }

    #[test]
    fn a_comma_in_quotes_separates_nothing() {
        assert!(!read(&[r#"ext="a, no-store, \" no-store""#]).no_store);
        assert!(read(&[r#"no-cache="Set-Cookie, X""#]).no_cache);
        assert!(read(&[r#"ext="open, no-store"#]) == Directives::default());
    }

    #[test]
    fn rfc9111_1_2_2_a_huge_delta_is_the_longest_and_a_broken_age_is_stale() {
        let huge = read(&["max-age=99999999999999999999999"]);
        assert_eq!(huge.max_age, secs(LONGEST));
        assert_eq!(read(&["max-age=1.5"]).max_age, secs(0));
        assert_eq!(read(&["stale-if-error=soon"]).stale_if_error, None);
        assert_eq!(read(&["max-age=60, max-age=5"]).max_age, secs(5));
        assert_eq!(read(&["max-stale"]).max_stale, Some(Duration::MAX));
    }

    #[test]
    fn rfc9111_4_2_1_freshness_is_max_age_or_expires_less_date() {
        let mut headers = HeaderMap::new();
        let at = |text| HeaderValue::from_static(text);
        headers.insert(DATE, at("Sun, 06 Nov 1994 08:49:37 GMT"));
        headers.insert(EXPIRES, at("Sun, 06 Nov 1994 08:50:37 GMT"));
        let minute = Duration::from_secs(60);
        assert_eq!(freshness(&Directives::default(), &headers), minute);
        assert_eq!(freshness(&read(&["max-age=5"]), &headers), secs(5).unwrap());
        headers.insert(EXPIRES, at("0"));
        assert_eq!(freshness(&Directives::default(), &headers), Duration::ZERO);
    }

    #[test]
    fn rfc9111_5_4_pragma_counts_where_there_is_no_cache_control() {
        let mut headers = HeaderMap::new();
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        assert!(Directives::of_request(&headers).no_cache);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=5"));
        assert!(!Directives::of_request(&headers).no_cache);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut directives = Directives::default();
            directives.read(&bytes);
            seconds(&bytes);
        }

        #[test]
        fn what_is_written_is_read(ages in proptest::collection::vec(any::<u32>(), 1..4), noise in "[a-z=, ]{0,20}") {
            let written = ages.iter().map(|age| format!("max-age={age}")).collect::<Vec<_>>().join(" , ");
            let least = ages.iter().copied().min().map(|age| u64::from(age).min(LONGEST));
            let noise = noise.replace("max-age", "");
            prop_assert_eq!(read(&[&noise, &written]).max_age, secs(least.unwrap()));
        }
    }
}
