//! Renewal by the schedule, whoever calls or does not.

use std::collections::BTreeSet;

use leeward_auth_refresh::{AccountId, Refreshed};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn accounts_are_renewed_in_time_though_nobody_calls() {
    let world = World::with_token(LIFE);
    let process = world.process();
    for round in 1..6 {
        pass(LIFE).await;
        assert!(world.vendor.calls() >= round, "round {round}");
    }
    let record = world.record();
    let now = leeward_auth_refresh::Clock::wall(&*world.clock);
    assert!(record.expires_at.unwrap() > now + seconds(60));
    assert!(world.vendor.calls() <= 7);
    assert!(
        process
            .notes
            .refreshed()
            .iter()
            .all(|r| *r == Refreshed::Ok)
    );
}

#[tokio::test(start_paused = true)]
async fn ten_accounts_are_renewed_at_their_own_points_of_the_window() {
    let world = World::new();
    for n in 0..10 {
        world.put(&format!("account-{n}"), LIFE);
    }
    let began = tokio::time::Instant::now();
    let _process = world.process();
    pass(LIFE).await;
    let at: Vec<_> = world.vendor.called_at.lock().unwrap().clone();
    assert_eq!(at.len(), 10);
    let at: BTreeSet<u64> = at
        .iter()
        .map(|at| at.duration_since(began).as_secs())
        .collect();
    assert!(at.iter().all(|at| (3420..=3545).contains(at)), "{at:?}");
    assert!(at.last().unwrap() - at.first().unwrap() > 60, "{at:?}");
    assert!(at.len() > 6, "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn short_lives_are_renewed_between_half_and_four_fifths() {
    let world = World::with_token(seconds(20));
    world.vendor.life_is(Some(seconds(20)));
    let process = world.process();
    let start = tokio::time::Instant::now();
    while start.elapsed() < seconds(600) {
        pass(seconds(1)).await;
        let began = tokio::time::Instant::now();
        process.keeper.credential(&acme(), None).await.unwrap();
        assert_eq!(began.elapsed(), seconds(0), "no request waits");
    }
    let calls = world.vendor.calls();
    assert!((600 / 16..=600 / 10).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn without_the_schedule_a_token_is_bought_when_it_is_needed() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    process.keeper.credential(&acme(), None).await.unwrap();
    pass(LIFE - seconds(10)).await;
    process.keeper.credential(&acme(), None).await.unwrap();
    pass(seconds(1)).await;
    assert_eq!(world.vendor.calls(), 0);
    pass(LIFE).await;
    assert_eq!(world.vendor.calls(), 0);
    process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(world.vendor.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_store_is_looked_at_again_within_half_a_minute() {
    let world = World::new();
    let process = world.process();
    pass(seconds(100)).await;
    // Written by another process, due at once: nobody tells this one.
    world.put("acme", seconds(0));
    pass(seconds(31)).await;
    assert_eq!(world.vendor.calls(), 1);
    world.put("other", seconds(0));
    process.keeper.nudge();
    pass(seconds(1)).await;
    assert_eq!(world.vendor.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_leaves_no_account_behind() {
    let world = World::with_token(LIFE);
    let process = world.process();
    process.keeper.refresh(&acme()).await.unwrap();
    // Forward past every point: due at the next look.
    world.clock.jump(24 * 3600);
    pass(seconds(32)).await;
    assert_eq!(world.vendor.calls(), 2);
    // Back: the monotonic plan holds.
    world.clock.jump(-48 * 3600);
    pass(LIFE).await;
    assert_eq!(world.vendor.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn token_calls_of_one_provider_are_bounded_and_none_is_left_out() {
    let world = World::new();
    for n in 0..600 {
        world.put(&format!("account-{n}"), seconds(0));
    }
    let process = world.process();
    pass(seconds(60)).await;
    assert_eq!(world.vendor.calls(), 600);
    let most = world
        .vendor
        .most_under_way
        .load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(most, 16);
    assert_eq!(process.notes.refreshed().len(), 600);
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_before_the_schedule_and_past_calls_that_hang() {
    let world = World::new();
    for n in 0..100 {
        world.put(&format!("account-{n}"), seconds(0));
    }
    for _ in 0..16 {
        world.vendor.then(Reply::Slow(seconds(200)));
    }
    let process = world.process();
    pass(seconds(1)).await;
    world.put("wanted", seconds(0));
    // All sixteen places are taken by calls that hang; they are given up as places after 30 s.
    let wanted = AccountId::from("wanted");
    pass(seconds(10)).await;
    process.keeper.credential(&wanted, None).await.unwrap();
    assert_eq!(world.vendor.called_for.lock().unwrap()[16], wanted);
    pass(seconds(250)).await;
    assert_eq!(world.vendor.calls(), 101);
}
