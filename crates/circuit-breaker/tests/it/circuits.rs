//! The set of circuits.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use http::Request;
use leeward_circuit_breaker::{
    AdmitLayer, Breakers, CircuitSnapshot, RefuseLayer, ServerErrors, Settings, State,
};
use leeward_probe::{Answer, Probe, ProbeBody};
use tokio::time::Instant;
use tower::ServiceExt;
use tower_layer::Layer;

use crate::support::{Client, Diary, SECOND, both, breakers, call, open, refused, state};

fn to(host: &str) -> Request<ProbeBody> {
    let uri = format!("http://{host}/");
    Request::get(uri).body(ProbeBody::empty()).unwrap()
}

fn by_host(request: &Request<ProbeBody>) -> Arc<str> {
    Arc::from(request.uri().host().unwrap_or_default())
}

fn per_host(probe: &Probe, breakers: &Breakers) -> impl Client + use<> {
    let admit = AdmitLayer::new(breakers.clone(), by_host, ServerErrors);
    RefuseLayer::new(breakers.clone(), by_host).layer(admit.layer(probe.service()))
}

fn at_once() -> Settings {
    Settings {
        consecutive_failures: NonZeroU32::new(1),
        ..Settings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_circuit_of_its_own() {
    let probe = Probe::answering(200);
    let breakers = Breakers::new(at_once());
    let client = per_host(&probe, &breakers);
    probe.then(Answer::status(500));
    client.clone().oneshot(to("ill.test")).await.unwrap();
    let ill = client.clone().oneshot(to("ill.test")).await;
    assert!(refused(&ill).is_some());
    client.clone().oneshot(to("well.test")).await.unwrap();
    let states: Vec<_> = breakers
        .snapshot()
        .into_iter()
        .map(|circuit| (circuit.key.to_string(), circuit.state))
        .collect();
    let expected = [
        ("ill.test".to_owned(), State::Open),
        ("well.test".to_owned(), State::Closed),
    ];
    assert_eq!(states, expected);
    assert!(breakers.check("ill.test").is_err());
    assert!(breakers.check("well.test").is_ok());
    assert!(breakers.check("unheard.test").is_ok());
}

#[tokio::test]
async fn a_snapshot_tells_since_when_and_until_when() {
    let millis = Arc::new(AtomicU64::new(0));
    let (began, epoch) = (Instant::now(), SystemTime::UNIX_EPOCH);
    let passed = |millis: &Arc<AtomicU64>| {
        let millis = Arc::clone(millis);
        move || Duration::from_millis(millis.load(Ordering::Relaxed))
    };
    let (mono, wall) = (passed(&millis), passed(&millis));
    let breakers = Breakers::new(Settings {
        max_open_for: 30 * SECOND,
        ..at_once()
    })
    .clock(move || began + mono())
    .wall_clock(move || epoch + wall());
    let probe = Probe::answering(200);
    probe.then(Answer::status(500));
    let client = both(&probe, &breakers);
    millis.store(5_000, Ordering::Relaxed);
    call(&client).await.unwrap();
    millis.store(7_000, Ordering::Relaxed);
    let expected = CircuitSnapshot {
        key: Arc::from("peer"),
        state: State::Open,
        since: epoch + 5 * SECOND,
        failures: 1,
        retry_at: Some(epoch + 35 * SECOND),
    };
    assert_eq!(breakers.snapshot(), [expected]);
    millis.store(40_000, Ordering::Relaxed);
    call(&client).await.unwrap();
    let closed = &breakers.snapshot()[0];
    assert_eq!((closed.state, closed.failures), (State::Closed, 0));
    assert_eq!((closed.since, closed.retry_at), (epoch + 40 * SECOND, None));
}

#[tokio::test(start_paused = true)]
async fn a_reset_by_hand_closes_it() {
    let probe = Probe::answering(200);
    let diary = Diary::default();
    let breakers = breakers().observe(Arc::new(diary.clone()));
    let client = both(&probe, &breakers);
    open(&probe, &client).await;
    assert!(!breakers.reset("other"));
    assert!(breakers.reset("peer"));
    assert_eq!(diary.take().len(), 2);
    assert_eq!(call(&client).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn settings_change_under_the_layers_and_the_state_stays() {
    let probe = Probe::answering(200);
    let breakers = breakers();
    let client = both(&probe, &breakers);
    open(&probe, &client).await;
    breakers.set_settings(at_once());
    assert_eq!(breakers.settings(), at_once());
    assert_eq!(state(&breakers), State::Open);
    breakers.reset("peer");
    probe.then(Answer::status(500));
    call(&client).await.unwrap();
    assert_eq!(state(&breakers), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_keys_grows_nothing_and_forgets_no_open_circuit() {
    let probe = Probe::answering(200);
    let breakers = Breakers::new(at_once()).capacity(64);
    let client = per_host(&probe, &breakers);
    probe.then(Answer::status(500));
    client.clone().oneshot(to("ill.test")).await.unwrap();
    for n in 0..2_000 {
        client
            .clone()
            .oneshot(to(&format!("h{n}.test")))
            .await
            .unwrap();
        assert!(breakers.snapshot().len() <= 64);
    }
    let ill = client.clone().oneshot(to("ill.test")).await;
    assert!(refused(&ill).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_set_full_of_failing_circuits_lets_others_pass_uncounted() {
    let probe = Probe::answering(500);
    let diary = Diary::default();
    let breakers = Breakers::new(at_once())
        .capacity(8)
        .observe(Arc::new(diary.clone()));
    let client = per_host(&probe, &breakers);
    for n in 0..8 {
        client
            .clone()
            .oneshot(to(&format!("h{n}.test")))
            .await
            .unwrap();
    }
    assert_eq!(diary.take().len(), 8);
    for _ in 0..3 {
        client.clone().oneshot(to("late.test")).await.unwrap();
    }
    assert_eq!(diary.take(), []);
    assert_eq!(breakers.snapshot().len(), 8);
    // Room again, once one of them is well and the search is due.
    breakers.reset("h0.test");
    tokio::time::advance(2 * SECOND).await;
    client.clone().oneshot(to("late.test")).await.unwrap();
    assert!(refused(&client.oneshot(to("late.test")).await).is_some());
}

#[test]
fn many_threads_lose_nothing_and_lock_nobody_out() {
    let breakers = Breakers::new(Settings {
        consecutive_failures: NonZeroU32::new(3),
        failure_ratio: None,
        open_for: Duration::ZERO,
        max_open_for: Duration::ZERO,
        ..Settings::default()
    });
    let diary = Diary::default();
    let breakers = breakers.observe(Arc::new(diary.clone()));
    std::thread::scope(|scope| {
        for seed in 0..4u64 {
            let breakers = breakers.clone();
            scope.spawn(move || {
                let probe = Probe::answering(200);
                let client = both(&probe, &breakers);
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                for n in 0..2_000u64 {
                    if (n * 7 + seed) % 3 != 0 {
                        probe.then(Answer::status(500));
                    }
                    let _ = runtime.block_on(call(&client));
                }
            });
        }
    });
    let told = diary.take();
    let count = |wanted: State| told.iter().filter(|(_, _, to)| *to == wanted).count();
    // Each way into a state has its way out: what was told adds up to where it stands now.
    let now = state(&breakers);
    assert_eq!(
        count(State::Open),
        told.iter()
            .filter(|(_, from, _)| *from == State::Open)
            .count()
            + usize::from(now == State::Open)
    );
    let probe = Probe::answering(200);
    let client = both(&probe, &breakers);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(call(&client)).unwrap();
    assert_eq!(state(&breakers), State::Closed);
}
