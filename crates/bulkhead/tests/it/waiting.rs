//! Slots, accounts and the waiting room.

use std::sync::Arc;
use std::time::Duration;

use leeward_bulkhead::{Bulkhead, Reason, Settings};
use leeward_deadline::Deadline;
use leeward_probe::{Answer, Probe};
use tokio::time::{Instant, advance};
use tower::{Service, ServiceExt};

use crate::support::{Diary, SECOND, begin, client, limits, poll, refused, request};

fn hanging(calls: usize) -> Probe {
    let probe = Probe::answering(200);
    (0..calls).for_each(|_| {
        probe.then(Answer::Hang);
    });
    probe
}

#[tokio::test(start_paused = true)]
async fn one_account_never_takes_all_of_it() {
    let probe = hanging(8);
    let bulkhead = Bulkhead::new(limits(4, 2, 8));
    let client = client(&probe, &bulkhead);
    let _flood: Vec<_> = (0..5).map(|_| begin(&client, request("flood"))).collect();
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (2, 3));
    let _calm = begin(&client, request("calm"));
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (3, 3));
    let _unnamed: Vec<_> = (0..2).map(|_| begin(&client, request(""))).collect();
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn calls_are_let_out_in_the_order_in_which_they_came() {
    let probe = hanging(3);
    let bulkhead = Bulkhead::new(limits(2, 1, 8));
    let client = client(&probe, &bulkhead);
    let (a, b) = (begin(&client, request("a")), begin(&client, request("b")));
    let mut a2 = begin(&client, request("a"));
    let mut c = begin(&client, request("c"));
    let mut d = begin(&client, request("d"));
    // a is at its limit and holds up nobody; of the others the older goes.
    drop(b);
    assert!(poll(&mut a2).is_pending());
    assert!(poll(&mut d).is_pending());
    assert_eq!(probe.counts().calls, 2);
    assert!(poll(&mut c).is_pending(), "it hangs, for it was called");
    assert_eq!(probe.counts().calls, 3);
    // Once a may run, it is the oldest.
    drop(a);
    assert!(poll(&mut d).is_pending());
    assert!(poll(&mut a2).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_after_its_time() {
    let probe = hanging(1);
    let diary = Diary::default();
    let bulkhead = Bulkhead::new(limits(1, 1, 8)).observe(Arc::new(diary.clone()));
    let client = client(&probe, &bulkhead);
    let _running = begin(&client, request("a"));
    let began = Instant::now();
    let error = refused(&begin(&client, request("b")).await).unwrap();
    assert_eq!(error.reason, Reason::Waited(SECOND));
    assert_eq!(began.elapsed(), SECOND);
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 0));
    assert_eq!(diary.take(), (vec![SECOND], 1));
    let said = "too many calls at once: none became free within 1s";
    assert_eq!(error.to_string(), said);
}

#[tokio::test(start_paused = true)]
async fn a_wait_never_goes_past_the_deadline() {
    let probe = hanging(1);
    let bulkhead = Bulkhead::new(limits(1, 1, 8));
    let client = client(&probe, &bulkhead);
    let _running = begin(&client, request("a"));
    let began = Instant::now();
    let mut hasty = request("b");
    let deadline = Deadline::after(began, Duration::from_millis(300));
    hasty.extensions_mut().insert(deadline);
    assert!(refused(&begin(&client, hasty).await).is_some());
    assert_eq!(began.elapsed(), Duration::from_millis(300));

    let mut late = request("b");
    late.extensions_mut().insert(deadline);
    let error = refused(&begin(&client, late).await).unwrap();
    assert_eq!(error.reason, Reason::Waited(Duration::ZERO));
    assert_eq!(began.elapsed(), Duration::from_millis(300));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_refuses_no_free_slot() {
    let probe = Probe::answering(200);
    let bulkhead = Bulkhead::new(limits(1, 1, 8));
    let mut late = request("a");
    let deadline = Deadline::after(Instant::now(), Duration::ZERO);
    late.extensions_mut().insert(deadline);
    begin(&client(&probe, &bulkhead), late).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_room_refuses_at_once() {
    let probe = hanging(1);
    let diary = Diary::default();
    let bulkhead = Bulkhead::new(limits(1, 1, 2)).observe(Arc::new(diary.clone()));
    let client = client(&probe, &bulkhead);
    let _running = begin(&client, request("a"));
    let _waiting = [begin(&client, request("a")), begin(&client, request("b"))];
    let began = Instant::now();
    let error = refused(&begin(&client, request("c")).await).unwrap();
    assert_eq!((error.reason, error.retry_after), (Reason::Full, SECOND));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(diary.take(), (vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_fills_the_room_for_all_others() {
    let probe = hanging(1);
    let bulkhead = Bulkhead::new(limits(1, 1, 3));
    let client = client(&probe, &bulkhead);
    let running = begin(&client, request("flood"));
    let mut flood: Vec<_> = (0..3).map(|_| begin(&client, request("flood"))).collect();
    assert!(refused(&begin(&client, request("flood")).await).is_some());
    let calm = begin(&client, request("calm"));
    let newest = refused(&flood.pop().unwrap().await).unwrap();
    assert_eq!(newest.reason, Reason::Displaced);
    assert_eq!(bulkhead.waiting(), 3);
    // Once all have the same, nobody gives way.
    let _third = begin(&client, request("third"));
    let next = refused(&flood.pop().unwrap().await).unwrap();
    assert_eq!(next.reason, Reason::Displaced);
    let fourth = refused(&begin(&client, request("fourth")).await);
    assert_eq!(fourth.unwrap().reason, Reason::Full);
    drop(running);
    drop(flood);
    calm.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_becomes_free_is_taken_at_once() {
    let probe = Probe::answering(200);
    let answer = probe.then_when();
    let diary = Diary::default();
    let bulkhead = Bulkhead::new(limits(1, 1, 8)).observe(Arc::new(diary.clone()));
    let client = client(&probe, &bulkhead);
    let running = tokio::spawn(client.clone().oneshot(request("a")));
    tokio::task::yield_now().await;
    let waiting = tokio::spawn(client.clone().oneshot(request("b")));
    tokio::task::yield_now().await;
    advance(Duration::from_millis(400)).await;
    answer.send(Answer::status(204)).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    assert_eq!(diary.take(), (vec![Duration::from_millis(400)], 0));
}

#[tokio::test(start_paused = true)]
async fn limits_change_while_calls_run() {
    let probe = hanging(10);
    let bulkhead = Bulkhead::new(limits(1, 1, 8));
    let client = client(&probe, &bulkhead);
    let mut calls: Vec<_> = (0..5).map(|_| begin(&client, request("a"))).collect();
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 4));
    bulkhead.set_settings(limits(4, 3, 8));
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (3, 2));
    bulkhead.set_settings(limits(1, 1, 0));
    assert_eq!(bulkhead.settings(), limits(1, 1, 0));
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (3, 2));
    assert!(refused(&begin(&client, request("b")).await).is_some());
    // Fewer slots take effect as calls end.
    calls.drain(..2);
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn no_limit_at_all_is_one_at_a_time() {
    let probe = hanging(2);
    let bulkhead = Bulkhead::new(Settings {
        max_in_flight: 0,
        per_account: 0,
        max_waiting: 0,
        max_wait: Duration::ZERO,
    });
    let client = client(&probe, &bulkhead);
    let _running = begin(&client, request("a"));
    let error = refused(&begin(&client, request("a")).await).unwrap();
    assert_eq!(error.retry_after, SECOND, "at least a second");
    assert_eq!(bulkhead.in_flight(), 1);
}

/// An inner service whose readiness is scarce itself: what a refused or waiting call leaves
/// behind must not be what another one waits for.
#[tokio::test(start_paused = true)]
async fn readiness_goes_with_the_call_that_asked_for_it() {
    let probe = Probe::answering(200);
    let bulkhead = Bulkhead::new(limits(1, 1, 4));
    probe.then(Answer::Hang);
    let mut service = client(&probe, &bulkhead);
    std::future::poll_fn(|cx| service.poll_ready(cx))
        .await
        .unwrap();
    let running = service.call(request("a"));
    std::future::poll_fn(|cx| service.poll_ready(cx))
        .await
        .unwrap();
    let ready = probe.counts().ready;
    let waiting = service.call(request("a"));
    drop(running);
    probe.never_ready();
    waiting.await.err();
    assert_eq!(probe.counts().ready, ready, "it was ready before it waited");
}

#[test]
fn many_threads_never_exceed_the_limits_and_leave_nothing() {
    let bulkhead = Bulkhead::new(Settings {
        max_wait: 60 * SECOND,
        ..limits(3, 2, 64)
    });
    let probe = Probe::answering(200);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (probe, bulkhead) = (probe.clone(), bulkhead.clone());
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .unwrap();
                let client = client(&probe, &bulkhead);
                let names = ["a", "b", "c"];
                runtime.block_on(async {
                    let mut calls = tokio::task::JoinSet::new();
                    for n in 0..500 {
                        let answer = probe.then_when();
                        calls.spawn(client.clone().oneshot(request(names[(n + thread) % 3])));
                        calls.spawn(async move {
                            tokio::task::yield_now().await;
                            let _ = answer.send(Answer::status(200));
                            std::future::pending().await
                        });
                        tokio::task::yield_now().await;
                        if n % 5 == 0 {
                            calls.abort_all();
                        }
                    }
                    calls.abort_all();
                });
            });
        }
    });
    assert!(probe.counts().most_in_flight <= 3);
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (0, 0));
}
