//! The store: its bounds, its settings, and what it forgets.

use std::time::Duration;

use http::Method;
use leeward_fallback::Settings;
use leeward_probe::ProbeBody;
use tokio::sync::oneshot;

use crate::support::{House, answer, get, ok, request};

fn read(n: usize) -> http::Request<ProbeBody> {
    request(Method::GET, &format!("/contacts/{n}"), &[])
}

#[tokio::test]
async fn the_store_never_outgrows_its_bytes() {
    let settings = Settings {
        max_bytes: 64 * 1024,
        max_entry: 16 * 1024,
        ..Settings::default()
    };
    let house = House::new(settings);
    for n in 0..200 {
        let body = "x".repeat(n * 97 % 20_000);
        house.answer(read(n), ok(&body, &[("x-head", "y")])).await;
        assert!(
            house.answers.bytes() <= 64 * 1024,
            "{}",
            house.answers.bytes()
        );
    }
    assert!(house.answers.len() >= 3);
    // Thousands of empty answers are bounded by what their keys and heads take.
    for n in 0..2000 {
        house.answer(read(n), ok("", &[])).await;
    }
    assert!(house.answers.bytes() <= 64 * 1024 && house.answers.len() < 128);
}

#[tokio::test]
async fn settings_change_live() {
    let house = House::default();
    for n in 0..10 {
        house.answer(read(n), ok(&"x".repeat(10_000), &[])).await;
    }
    assert_eq!(house.answers.len(), 10);
    let settings = Settings {
        max_bytes: 50_000,
        fallback_for: Duration::from_secs(5),
        ..Settings::default()
    };
    house.answers.set_settings(settings);
    assert_eq!(house.answers.settings(), settings);
    assert!(house.answers.bytes() <= 50_000 && !house.answers.is_empty());
    house.answer(get(&[]), ok("kept", &[])).await;
    house.advance(6);
    assert_eq!(house.away(get(&[])).await, None);
}

#[tokio::test]
async fn an_account_is_forgotten_with_what_is_under_way() {
    let house = House::default();
    let of = |account: &'static str| get(&[("x-account", account)]);
    for account in ["a", "b", "ab", ""] {
        house.answer(of(account), ok(account, &[])).await;
    }
    let (sender, receiver) = oneshot::channel();
    house.probe.then(leeward_probe::Answer::When(receiver));
    let under_way = tokio::spawn({
        use tower::ServiceExt as _;
        house.service().oneshot(of("a"))
    });
    tokio::task::yield_now().await;
    house.answers.forget("a");
    sender.send(ok("late", &[])).unwrap();
    let response = under_way.await.unwrap().unwrap();
    let _ = http_body_util::BodyExt::collect(response.into_body()).await;

    assert_eq!(house.away(of("a")).await, None);
    for account in ["b", "ab", ""] {
        assert_eq!(house.away(of(account)).await.as_deref(), Some(account));
    }
    house.answers.clear();
    assert!(house.answers.is_empty());
}

#[tokio::test]
async fn what_flows_past_at_once_is_bounded_too() {
    use http_body_util::BodyExt as _;
    let house = House::new(Settings {
        max_bytes: 10_000,
        max_entry: 8_000,
        ..Settings::default()
    });
    let mut under_way = Vec::new();
    for n in 0..4 {
        let body = ProbeBody::full("x".repeat(4_000)).frame("y");
        house.probe.then(answer(200, body, &[]));
        let mut response = house.call(read(n)).await.unwrap();
        response.body_mut().frame().await.unwrap().unwrap();
        under_way.push(response);
    }
    for response in under_way {
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "y"
        );
    }
    // Two fitted; the room they took has come back.
    assert_eq!(house.answers.len(), 2);
    for n in 10..12 {
        house.answer(read(n), ok(&"x".repeat(4_000), &[])).await;
        assert!(house.away(read(n)).await.is_some());
    }
}
