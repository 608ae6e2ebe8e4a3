//! Several keepers over one store, as several processes are.

use leeward_auth_refresh::{Refreshed, Status};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn two_processes_make_one_call() {
    let world = World::with_token(seconds(0));
    let processes = [
        world.process_without_schedule(),
        world.process_without_schedule(),
    ];
    let requests: Vec<_> = processes
        .iter()
        .flat_map(|process| (0..50).map(|_| process.keeper.clone()))
        .map(|keeper| tokio::spawn(async move { keeper.credential(&acme(), None).await }))
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().credential, Token(2));
    }
    assert_eq!(world.vendor.calls(), 1);
    let mut results = processes.map(|process| process.notes.refreshed().pop().unwrap());
    results.sort_by_key(|result| result.as_str());
    assert_eq!(results, [Refreshed::Joined, Refreshed::Ok]);
}

#[tokio::test(start_paused = true)]
async fn eight_schedules_make_one_call_for_each_renewal() {
    let world = World::with_token(LIFE);
    let processes: Vec<_> = (0..8).map(|_| world.process()).collect();
    for process in &processes {
        process.keeper.credential(&acme(), None).await.unwrap();
    }
    pass(seconds(3550)).await;
    assert_eq!(world.vendor.calls(), 1);
    // Each finds the new token in time, though only one bought it.
    pass(seconds(200)).await;
    for process in &processes {
        let current = process.keeper.credential(&acme(), None).await.unwrap();
        assert_eq!(current.credential, Token(2));
    }
    assert_eq!(world.vendor.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_moved_explains_a_refusal() {
    let world = World::with_token(seconds(0));
    // This process is refused, since another has rotated the token meanwhile: its lease had run
    // out, for the store did not answer it for a while.
    world.vendor.then(Reply::Fail(refused()));
    let slow = world.process_without_schedule();
    let request = tokio::spawn({
        let keeper = slow.keeper.clone();
        async move { keeper.credential(&acme(), None).await }
    });
    pass(std::time::Duration::from_millis(5)).await;
    let rotated = world.put("acme", LIFE);
    let current = request.await.unwrap().unwrap();
    assert_eq!(current.version, rotated.version);
    assert_eq!(world.record().status, Status::Active);
    assert_eq!(slow.notes.refreshed(), [Refreshed::Joined]);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_died_is_taken_over_within_a_minute() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Slow(LIFE));
    let dead = world.process();
    pass(seconds(5)).await;
    assert_eq!(world.vendor.calls(), 1);
    dead.driver.abort();
    let heir = world.process();
    pass(seconds(55)).await;
    assert_eq!(world.vendor.calls(), 2);
    assert_eq!(world.record().credential, Token(2));
    drop(heir);
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_a_dead_holders_lease_and_then_buys() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Slow(LIFE));
    let dead = world.process();
    pass(seconds(2)).await;
    dead.driver.abort();
    let heir = world.process_without_schedule();
    let began = tokio::time::Instant::now();
    let current = heir.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.credential, Token(2));
    assert!(began.elapsed() < seconds(21), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_another_process_is_backed_off_from_here_too() {
    let world = World::with_token(seconds(0));
    let later = leeward_auth_refresh::Failure::Transient {
        reason: "503".into(),
        retry_after: Some(seconds(60)),
    };
    world.vendor.always(Some(later));
    let one = world.process_without_schedule();
    let other = world.process_without_schedule();
    one.keeper.credential(&acme(), None).await.unwrap_err();
    other.keeper.credential(&acme(), None).await.unwrap_err();
    assert_eq!(world.vendor.calls(), 1);
}
