//! What is served when the live call fails, and to whom.

use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use leeward_fallback::{Served, Settings};
use leeward_probe::{Answer, ProbeBody};

use crate::support::{House, answer, get, ok, request};

#[tokio::test]
async fn the_last_good_answer_takes_the_place_of_an_error_and_of_a_5xx() {
    let house = House::default();
    house.answer(get(&[]), ok("first", &[])).await;
    house
        .answer(get(&[]), ok("second", &[("etag", "\"2\"")]))
        .await;
    for failure in [Answer::Error, Answer::status(500)] {
        house.probe.then(failure);
        let response = house.call(get(&[])).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["etag"], "\"2\"");
        assert_eq!(response.headers()["age"], "0");
        assert!(response.extensions().get::<Served>().is_some());
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "second"
        );
    }
    assert_eq!(house.served.seen(), [0, 0]);
}

#[tokio::test]
async fn without_one_the_failure_goes_out_as_it_is() {
    let house = House::default();
    house.probe.then(answer(503, ProbeBody::full("sorry"), &[]));
    let response = house.call(get(&[])).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "sorry"
    );
    assert!(house.served.seen().is_empty());
}

#[tokio::test]
async fn what_did_not_fail_is_never_replaced() {
    let house = House::default();
    house.answer(get(&[]), ok("kept", &[])).await;
    house.probe.then(answer(429, ProbeBody::empty(), &[]));
    assert_eq!(house.call(get(&[])).await.unwrap().status().as_u16(), 429);
    assert_eq!(house.away(get(&[])).await.as_deref(), Some("kept"));
}

#[tokio::test]
async fn each_caller_is_served_its_own() {
    let asks: [&[(&str, &str)]; 7] = [
        &[],
        &[("x-account", "a")],
        &[("x-account", "b")],
        &[("accept", "text/csv")],
        &[("authorization", "Bearer a")],
        &[("authorization", "Bearer b")],
        &[("cookie", "a=b")],
    ];
    let house = House::default();
    for (n, ask) in asks.iter().enumerate() {
        assert_eq!(house.away(get(ask)).await, None, "{ask:?}");
        house.answer(get(ask), ok(&n.to_string(), &[])).await;
    }
    for (n, ask) in asks.iter().enumerate() {
        assert_eq!(house.away(get(ask)).await, Some(n.to_string()));
    }
    assert_eq!(
        house.away(request(Method::GET, "/contacts?a", &[])).await,
        None
    );
}

#[tokio::test]
async fn head_and_get_are_kept_apart() {
    let house = House::default();
    let head = || request(Method::HEAD, "/contacts", &[]);
    let answered = answer(200, ProbeBody::empty(), &[("content-length", "5")]);
    house.answer(head(), answered).await;
    assert_eq!(house.away(get(&[])).await, None);
    let response = house.call(head()).await.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
}

#[tokio::test]
async fn an_answer_is_served_only_to_whom_its_own_vary_selects() {
    let house = House::default();
    let ask = [("accept-encoding", "gzip"), ("x-one", "1")];
    let vary = [("vary", "Accept-Encoding"), ("vary", "X-One,, X-Two")];
    house.answer(get(&ask), ok("packed", &vary)).await;
    assert_eq!(house.away(get(&ask)).await.as_deref(), Some("packed"));
    for other in [
        &[("accept-encoding", "gzip")][..],
        &[("accept-encoding", "br"), ("x-one", "1")],
        &[("accept-encoding", "gzip"), ("x-one", "1"), ("x-two", "")],
        &[],
    ] {
        assert_eq!(house.away(get(other)).await, None, "{other:?}");
    }
}

#[tokio::test]
async fn rfc9111_5_1_age_is_the_vendors_own_and_the_time_since() {
    let house = House::default();
    house.answer(get(&[]), ok("kept", &[("age", "100")])).await;
    let response = house.advance(7).call(get(&[])).await.unwrap();
    assert_eq!(response.headers().get_all("age").iter().count(), 1);
    assert_eq!(response.headers()["age"], "107");
    let served = response.extensions().get::<Served>().unwrap();
    assert_eq!(served.age, Duration::from_secs(107));
    assert_eq!(house.served.seen(), [107]);
}

/// For how long an answer with these fields is served to a request with these.
async fn served_for(
    settings: Settings,
    ask: &[(&'static str, &str)],
    fields: &[(&'static str, &str)],
) -> u64 {
    let house = House::new(settings);
    house.answer(get(&[]), ok("kept", fields)).await;
    let mut seconds = 0;
    while house.away(get(ask)).await.is_some() {
        house.advance(1);
        seconds += 1;
        assert!(seconds < 4000);
    }
    // The last second in which it was served: an answer of exactly the longest age still is.
    seconds - 1
}

#[tokio::test]
async fn nothing_older_than_any_limit_is_served() {
    let short = Settings {
        fallback_for: Duration::from_secs(90),
        ..Settings::default()
    };
    for (ask, fields, seconds) in [
        (vec![], vec![], 90),
        (vec![], vec![("age", "30")], 60),
        // RFC 5861 4: so long beyond the freshness.
        (
            vec![],
            vec![("cache-control", "max-age=10, stale-if-error=20")],
            30,
        ),
        (vec![], vec![("cache-control", "stale-if-error=20")], 20),
        (vec![], vec![("cache-control", "stale-if-error=600")], 90),
        // RFC 9111 4.2.4: only while it is fresh.
        (
            vec![],
            vec![("cache-control", "max-age=10, must-revalidate")],
            10,
        ),
        (
            vec![],
            vec![(
                "cache-control",
                "max-age=10, must-revalidate, stale-if-error=60",
            )],
            10,
        ),
        // What the caller will have.
        (vec![("cache-control", "max-age=15")], vec![], 15),
        (
            vec![("cache-control", "max-age=15, max-stale=5")],
            vec![],
            20,
        ),
        (vec![("cache-control", "max-age=15, max-stale")], vec![], 90),
        (
            vec![("cache-control", "stale-if-error=5")],
            vec![("cache-control", "max-age=10")],
            15,
        ),
    ] {
        assert_eq!(
            served_for(short, &ask, &fields).await,
            seconds,
            "{ask:?} {fields:?}"
        );
    }
    let despite = Settings {
        stale_despite_revalidate: true,
        ..short
    };
    for fields in ["max-age=0, private, must-revalidate", "no-cache"] {
        assert_eq!(
            served_for(despite, &[], &[("cache-control", fields)]).await,
            90
        );
    }
    let fields = [("cache-control", "no-cache, stale-if-error=20")];
    assert_eq!(served_for(despite, &[], &fields).await, 20);
}

#[tokio::test]
async fn a_caller_that_asks_for_a_live_answer_gets_what_came_of_it() {
    let house = House::default();
    house.answer(get(&[]), ok("kept", &[])).await;
    for field in [("cache-control", "no-cache"), ("pragma", "no-cache")] {
        assert_eq!(house.away(get(&[field])).await, None);
    }
    assert!(house.away(get(&[])).await.is_some());
}

#[tokio::test]
async fn a_conditional_request_gets_the_whole_answer_or_a_304() {
    let house = House::default();
    let fields = [
        ("etag", "\"1\""),
        ("content-type", "application/json"),
        ("cache-control", "max-age=60"),
        ("vary", "Accept"),
    ];
    house.answer(get(&[]), ok("kept", &fields)).await;
    let other = house
        .call(get(&[("if-none-match", "\"2\"")]))
        .await
        .unwrap();
    assert_eq!(other.status(), StatusCode::OK);
    assert_eq!(
        other.into_body().collect().await.unwrap().to_bytes(),
        "kept"
    );

    let same = house
        .call(get(&[("if-none-match", "W/\"1\"")]))
        .await
        .unwrap();
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(
        (
            same.headers()["etag"].as_bytes(),
            same.headers()["age"].as_bytes()
        ),
        (&b"\"1\""[..], &b"0"[..])
    );
    assert!(same.headers().contains_key("cache-control") && same.headers().contains_key("vary"));
    assert!(!same.headers().contains_key("content-type"));
    assert!(same.extensions().get::<Served>().is_some());
    assert_eq!(same.into_body().collect().await.unwrap().to_bytes(), "");
}

#[tokio::test]
async fn rfc9111_3_1_what_belongs_to_a_connection_is_not_served() {
    let house = House::default();
    let fields = [
        ("connection", "close, X-Hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("x-kept", "1"),
        ("x-kept", "2"),
    ];
    house.answer(get(&[]), ok("kept", &fields)).await;
    let response = house.call(get(&[])).await.unwrap();
    let names: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["x-kept", "x-kept", "age"]);
    assert_eq!(response.headers()["x-kept"], "1");
}

#[tokio::test]
async fn a_length_that_is_not_the_bodys_is_not_served() {
    let house = House::default();
    house
        .answer(get(&[]), ok("kept", &[("content-length", "9")]))
        .await;
    let response = house.call(get(&[])).await.unwrap();
    assert!(!response.headers().contains_key("content-length"));
    house
        .answer(get(&[]), ok("kept", &[("content-length", "4")]))
        .await;
    let response = house.call(get(&[])).await.unwrap();
    assert_eq!(response.headers()["content-length"], "4");
}

#[tokio::test]
async fn an_answer_that_is_gone_or_was_changed_is_not_served() {
    for status in [401, 403, 404, 410] {
        let house = House::default();
        house.answer(get(&[]), ok("kept", &[])).await;
        house
            .answer(get(&[]), answer(status, ProbeBody::empty(), &[]))
            .await;
        assert_eq!(house.away(get(&[])).await, None, "{status}");
    }

    let house = House::default();
    let read = |account| {
        request(
            Method::GET,
            "/contacts/1?fields=a",
            &[("x-account", account)],
        )
    };
    let write = |target| request(Method::DELETE, target, &[("x-account", "a")]);
    for account in ["a", "b"] {
        house.answer(read(account), ok("kept", &[])).await;
    }
    house.advance(1);
    // One that failed changed nothing, nor one elsewhere.
    house
        .answer(write("/contacts/1"), answer(409, ProbeBody::empty(), &[]))
        .await;
    house.call(write("/contacts/1")).await.unwrap();
    house
        .answer(write("/contacts/2"), answer(204, ProbeBody::empty(), &[]))
        .await;
    assert!(house.away(read("a")).await.is_some());
    house
        .answer(write("/contacts/1"), answer(204, ProbeBody::empty(), &[]))
        .await;
    assert_eq!(house.away(read("a")).await, None);
    assert!(house.away(read("b")).await.is_some());
    // What is read after the write is served again.
    house.advance(1).answer(read("a"), ok("new", &[])).await;
    assert_eq!(house.away(read("a")).await.as_deref(), Some("new"));
}
