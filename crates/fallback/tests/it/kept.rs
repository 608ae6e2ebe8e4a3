//! What is kept, and what never is.

use http::Method;
use http_body_util::BodyExt as _;
use leeward_fallback::Settings;
use leeward_probe::{Answer, ProbeBody};

use crate::support::{House, answer, get, ok, request};

/// Whether an answer to a request is kept.
async fn keeps(ask: &[(&'static str, &str)], answer: Answer) -> bool {
    let house = House::default();
    house.answer(get(ask), answer).await;
    !house.answers.is_empty()
}

#[tokio::test]
async fn whole_good_answers_are_kept_whatever_their_framing() {
    for body in [
        ProbeBody::full("a").frame("b"),
        ProbeBody::full("ab").claiming(2),
        ProbeBody::empty(),
    ] {
        assert!(keeps(&[], answer(200, body, &[])).await);
    }
    for fields in [
        [("cache-control", "private, max-age=60")],
        [("cache-control", "public, s-maxage=0, proxy-revalidate")],
        [("vary", "Accept-Encoding, X-Anything")],
    ] {
        assert!(keeps(&[], ok("a", &fields)).await, "{fields:?}");
    }
    assert!(keeps(&[("authorization", "Bearer a")], ok("a", &[])).await);
    assert!(keeps(&[("if-none-match", "\"a\"")], ok("a", &[])).await);
}

#[tokio::test]
async fn what_is_not_good_or_not_whole_is_not_kept() {
    for status in [206, 301, 304, 400, 404, 429] {
        assert!(
            !keeps(&[], answer(status, ProbeBody::full("a"), &[])).await,
            "{status}"
        );
    }
    for body in [
        ProbeBody::full("a").torn(),
        ProbeBody::full("a").torn().claiming(2),
        ProbeBody::full("a").claiming(2),
    ] {
        assert!(!keeps(&[], answer(200, body, &[])).await);
    }
}

#[tokio::test]
async fn what_the_vendor_forbids_is_not_kept() {
    for fields in [
        [("cache-control", "no-store")],
        [("cache-control", "max-age=60, No-Store")],
        [("cache-control", "no-cache")],
        [("cache-control", "max-age=0, private, must-revalidate")],
        [("cache-control", "stale-if-error=0")],
        [("set-cookie", "a=b")],
        [("content-range", "bytes 0-0/1")],
        [("vary", "*")],
        [("vary", "Accept, *")],
        [("vary", "no name")],
    ] {
        assert!(!keeps(&[], ok("a", &fields)).await, "{fields:?}");
    }
}

#[tokio::test]
async fn requests_for_a_part_or_a_state_are_left_alone() {
    for field in [
        ("range", "bytes=0-1"),
        ("if-range", "\"a\""),
        ("if-match", "\"a\""),
        ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("cache-control", "no-store"),
    ] {
        assert!(!keeps(&[field], ok("a", &[])).await, "{field:?}");
        let house = House::default();
        house.answer(get(&[]), ok("kept", &[])).await;
        assert_eq!(house.away(get(&[field])).await, None, "{field:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_read_to_its_end_is_not_kept() {
    let house = House::default();
    let body = ProbeBody::full("a").frame("b").hanging();
    house.probe.then(answer(200, body, &[]));
    let mut response = house.call(get(&[])).await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    assert!(house.answers.is_empty());
}

#[tokio::test]
async fn a_body_whose_end_is_known_is_kept_without_being_asked_for_it() {
    let house = House::default();
    house
        .probe
        .then(answer(200, ProbeBody::full("a").frame("b"), &[]));
    let mut response = house.call(get(&[])).await.unwrap();
    for _ in 0..2 {
        response.body_mut().frame().await.unwrap().unwrap();
    }
    assert_eq!(house.answers.len(), 1);
}

#[tokio::test]
async fn an_answer_over_the_largest_size_flows_and_is_not_kept() {
    let settings = Settings {
        max_entry: 4,
        ..Settings::default()
    };
    for body in [
        ProbeBody::full("abcde"),
        ProbeBody::full("abc").frame("de").claiming(3),
    ] {
        let house = House::new(settings);
        house.probe.then(answer(200, body, &[]));
        let response = house.call(get(&[])).await.unwrap();
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "abcde"
        );
        assert!(house.answers.len() <= 1);
        assert_ne!(house.away(get(&[])).await.as_deref(), Some("abcde"));
    }
}

#[tokio::test]
async fn writes_are_not_kept() {
    let house = House::default();
    for method in [Method::POST, Method::PUT, Method::OPTIONS] {
        house
            .answer(request(method, "/contacts", &[]), ok("a", &[]))
            .await;
    }
    assert!(house.answers.is_empty());
}

#[tokio::test]
async fn switched_off_nothing_is_kept() {
    let house = House::new(Settings {
        fallback_for: std::time::Duration::ZERO,
        ..Settings::default()
    });
    house.answer(get(&[]), ok("a", &[])).await;
    assert!(house.answers.is_empty());
}
