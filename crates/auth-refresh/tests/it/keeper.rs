//! What a request gets from the keeper.

use std::sync::atomic::Ordering;

use leeward_auth_refresh::{
    CredentialError, Failure, OnLostAnswer, Record, RefreshPolicy, Refreshed, Status,
};
use tokio::time::Instant;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn fifty_requests_at_expiry_make_one_token_call() {
    let world = World::with_token(seconds(10));
    let process = world.process_without_schedule();
    process.keeper.credential(&acme(), None).await.unwrap();
    pass(seconds(11)).await;
    let requests = (0..50).map(|_| {
        let keeper = process.keeper.clone();
        tokio::spawn(async move { keeper.credential(&acme(), None).await })
    });
    for request in requests.collect::<Vec<_>>() {
        let current = request.await.unwrap().unwrap();
        assert_eq!((&current.credential, current.version), (&Token(2), 2));
    }
    assert_eq!(world.vendor.calls(), 1);
    assert_eq!(process.notes.refreshed(), [Refreshed::Ok]);
    assert_eq!(process.notes.waits.load(Ordering::Relaxed), 50);
}

#[tokio::test(start_paused = true)]
async fn the_reading_path_asks_no_store() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    process.keeper.credential(&acme(), None).await.unwrap();
    world.store.away(true);
    let asked = world.store.asked.load(Ordering::Relaxed);
    for _ in 0..100 {
        process.keeper.credential(&acme(), None).await.unwrap();
    }
    assert_eq!(world.store.asked.load(Ordering::Relaxed), asked);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_does_not_end_the_flight() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Slow(seconds(5)));
    let process = world.process_without_schedule();
    let account = acme();
    let request = process.keeper.credential(&account, None);
    assert!(tokio::time::timeout(seconds(1), request).await.is_err());
    assert!(process.keeper.refreshing(&acme()));
    pass(seconds(5)).await;
    assert!(!process.keeper.refreshing(&acme()));
    assert_eq!(world.record().credential, Token(2));
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.credential, Token(2));
    assert_eq!(world.vendor.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_in_the_window_goes_on_with_the_old_token() {
    let world = World::with_token(seconds(400));
    let process = world.process();
    pass(seconds(1)).await;
    world.vendor.always(Some(unavailable()));
    pass(seconds(350)).await;
    let began = Instant::now();
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.credential, Token(1));
    assert_eq!(began.elapsed(), seconds(0));
    // Failures for the moment change nothing but the distance of the next try.
    assert!(world.vendor.calls() > 1);
    assert_eq!(world.record().status, Status::Active);
    world.vendor.always(None);
    pass(seconds(120)).await;
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.credential, Token(2));
}

#[tokio::test(start_paused = true)]
async fn a_hiccup_of_the_token_endpoint_is_waited_out() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Fail(unavailable()));
    let process = world.process_without_schedule();
    let began = Instant::now();
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.credential, Token(2));
    assert!(began.elapsed() < seconds(2));
    assert_eq!(world.vendor.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_soon_and_says_when_to_come_again() {
    let world = World::with_token(seconds(0));
    let later = Failure::Transient {
        reason: "come back later".into(),
        retry_after: Some(seconds(40)),
    };
    world.vendor.always(Some(later));
    let process = world.process_without_schedule();
    for _ in 0..3 {
        let began = Instant::now();
        let error = process.keeper.credential(&acme(), None).await.unwrap_err();
        assert!(began.elapsed() < seconds(1));
        match error {
            CredentialError::Unavailable {
                retry_after: Some(after),
                reason,
                source: Some(_),
                ..
            } => {
                assert!(after > seconds(39) && after <= seconds(40), "{after:?}");
                assert!(reason.contains("come back later"), "{reason}");
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(world.vendor.calls(), 1);
    world.vendor.always(None);
    pass(seconds(41)).await;
    process.keeper.credential(&acme(), None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_leaves_the_account_as_it_is() {
    let world = World::with_token(seconds(0));
    world.vendor.always(Some(Failure::ClientRefused {
        reason: "invalid_client".into(),
    }));
    let process = world.process_without_schedule();
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(
        matches!(&error, CredentialError::Unavailable { reason, .. } if reason.contains("invalid_client")),
        "{error}"
    );
    assert_eq!(world.record().status, Status::Active);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_lacks_something_says_what() {
    let world = World::with_token(seconds(0));
    world.vendor.always(Some(Failure::Incomplete {
        missing: "account.vars.region".into(),
    }));
    let process = world.process_without_schedule();
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(
        matches!(error, CredentialError::Incomplete { missing, .. } if missing == "account.vars.region")
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_grant_is_used_while_its_token_lives_and_told_after() {
    let world = World::with_token(seconds(400));
    world.vendor.always(Some(refused()));
    let process = world.process();
    pass(seconds(370)).await;
    assert_eq!(world.record().status, Status::NeedsReauth);
    assert_eq!(world.vendor.calls(), 1);
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.credential, Token(1));
    assert_eq!(current.status, Status::NeedsReauth);

    pass(seconds(31)).await;
    let began = Instant::now();
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(
        matches!(error, CredentialError::NeedsReauth { reason, .. } if reason == "invalid_grant")
    );
    assert_eq!(began.elapsed(), seconds(0));
    assert_eq!(world.vendor.calls(), 1);

    // Vendors restore grants: tried again after 15 min, then at doubling distances.
    pass(seconds(16 * 60)).await;
    assert_eq!(world.vendor.calls(), 2);
    pass(seconds(20 * 60)).await;
    assert_eq!(world.vendor.calls(), 2);
    world.vendor.always(None);
    pass(seconds(15 * 60)).await;
    assert_eq!(world.vendor.calls(), 3);
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(
        (current.status, &current.credential),
        (Status::Active, &Token(2))
    );
    let changes = [
        (Status::Active, Status::NeedsReauth),
        (Status::NeedsReauth, Status::Active),
    ];
    assert_eq!(process.notes.statuses(), changes);
    let results = [Refreshed::Revoked, Refreshed::Revoked, Refreshed::Ok];
    assert_eq!(process.notes.refreshed(), results);
}

#[tokio::test(start_paused = true)]
async fn by_hand_no_backoff_holds_and_the_problem_is_told() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    world.vendor.always(Some(unavailable()));
    for call in 1..4 {
        let error = process.keeper.refresh(&acme()).await.unwrap_err();
        assert!(matches!(error, CredentialError::Unavailable { .. }));
        assert_eq!(world.vendor.calls(), call);
    }
    world.vendor.always(Some(refused()));
    let error = process.keeper.refresh(&acme()).await.unwrap_err();
    assert!(matches!(error, CredentialError::NeedsReauth { .. }));
    world.vendor.always(None);
    let record = process.keeper.refresh(&acme()).await.unwrap();
    assert_eq!((record.status, record.version), (Status::Active, 2));
    assert_eq!(process.keeper.peek(&acme()).unwrap().version, 2);
}

#[tokio::test(start_paused = true)]
async fn by_hand_joins_the_flight_that_is_under_way() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Slow(seconds(3)));
    let process = world.process_without_schedule();
    let keeper = process.keeper.clone();
    let request = tokio::spawn(async move { keeper.credential(&acme(), None).await });
    pass(seconds(1)).await;
    assert_eq!(process.keeper.refresh(&acme()).await.unwrap().version, 2);
    request.await.unwrap().unwrap();
    assert_eq!(world.vendor.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_account_gets_nothing_not_even_by_hand() {
    let world = World::with_token(LIFE);
    let process = world.process();
    process.keeper.credential(&acme(), None).await.unwrap();
    let now = leeward_auth_refresh::Clock::wall(&*world.clock);
    let disabled = Record {
        status: Status::Disabled,
        since: now,
        ..world.record()
    };
    process.keeper.put(world.store.records.put(disabled));
    for error in [
        process.keeper.credential(&acme(), None).await.unwrap_err(),
        process.keeper.refresh(&acme()).await.unwrap_err(),
    ] {
        assert!(matches!(error, CredentialError::Disabled(_)), "{error}");
    }
    pass(LIFE * 2).await;
    assert_eq!(world.vendor.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_unknown_and_leaves_no_trace() {
    let world = World::new();
    let process = world.process();
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(matches!(error, CredentialError::UnknownAccount(_)));
    assert!(process.keeper.peek(&acme()).is_none());
    let error = process.keeper.refresh(&acme()).await.unwrap_err();
    assert!(matches!(error, CredentialError::UnknownAccount(_)));
    // Put later, it is found.
    world.put("acme", LIFE);
    process.keeper.credential(&acme(), None).await.unwrap();
    world.store.records.remove(&acme());
    process.keeper.forget(&acme());
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(matches!(error, CredentialError::UnknownAccount(_)));
}

#[tokio::test(start_paused = true)]
async fn an_account_deleted_elsewhere_is_noticed_when_it_is_renewed() {
    let world = World::with_token(seconds(10));
    let process = world.process_without_schedule();
    process.keeper.credential(&acme(), None).await.unwrap();
    world.store.records.remove(&acme());
    pass(seconds(11)).await;
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(matches!(error, CredentialError::UnknownAccount(_)));
    assert!(process.keeper.peek(&acme()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_waiting_and_not_the_flight() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Slow(seconds(100)));
    let process = world.process_without_schedule();
    let deadline = Some(Instant::now() + seconds(2));
    let error = process
        .keeper
        .credential(&acme(), deadline)
        .await
        .unwrap_err();
    assert!(
        matches!(error, CredentialError::Timeout { after, .. } if after == seconds(2)),
        "{error}"
    );
    // Without a deadline it is the policy's timeout, and the vendor's fault.
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(matches!(error, CredentialError::Unavailable { .. }));
    pass(seconds(70)).await;
    // The lease was renewed while the answer was read.
    assert_eq!(world.record().credential, Token(2));
    assert_eq!(world.vendor.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_ends_counts_as_unanswered() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Slow(LIFE));
    let process = world.process_without_schedule();
    let _ = process.keeper.credential(&acme(), None).await;
    pass(seconds(5 * 60)).await;
    assert!(!process.keeper.refreshing(&acme()));
    assert!(world.record().sent_at.is_some());
    process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(world.record().sent_at, None);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_written_is_not_used_and_not_lost() {
    let world = World::with_token(seconds(100));
    let process = world.process_without_schedule();
    process.keeper.credential(&acme(), None).await.unwrap();
    world.store.commits_fail(true);
    let hand = tokio::spawn({
        let keeper = process.keeper.clone();
        async move { keeper.refresh(&acme()).await }
    });
    pass(seconds(10)).await;
    assert_eq!(world.vendor.calls(), 1);
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.credential, Token(1));
    // Longer than any lease: nobody took it, so the late commit is still good.
    pass(seconds(120)).await;
    let error = hand.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("does not take it"), "{error}");
    let waiting = tokio::spawn({
        let keeper = process.keeper.clone();
        async move { keeper.credential(&acme(), None).await }
    });
    pass(seconds(5)).await;
    assert!(!waiting.is_finished());
    world.store.commits_fail(false);
    let current = waiting.await.unwrap().unwrap();
    assert_eq!(current.credential, Token(2));
    assert_eq!(world.record().credential, Token(2));
    assert_eq!(world.vendor.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_store_the_old_token_goes_on_and_then_the_store_is_named() {
    let world = World::with_token(seconds(100));
    let process = world.process();
    process.keeper.credential(&acme(), None).await.unwrap();
    world.store.away(true);
    pass(seconds(90)).await;
    process.keeper.credential(&acme(), None).await.unwrap();
    pass(seconds(20)).await;
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(matches!(error, CredentialError::Store(_)), "{error}");
    assert_eq!(world.vendor.calls(), 0);
    world.store.away(false);
    process.keeper.credential(&acme(), None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_protocol_that_panics_costs_one_flight() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Panic);
    let process = world.process_without_schedule();
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(matches!(error, CredentialError::Unavailable { .. }));
    pass(seconds(21)).await;
    process.keeper.credential(&acme(), None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_driver_a_request_is_told_at_once() {
    let world = World::with_token(seconds(0));
    let process = world.process_without_schedule();
    process.driver.abort();
    pass(seconds(1)).await;
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(matches!(error, CredentialError::Unavailable { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_what_was_sent() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Slow(seconds(20)));
    let process = world.process();
    let request = tokio::spawn({
        let keeper = process.keeper.clone();
        async move { keeper.credential(&acme(), None).await }
    });
    pass(seconds(1)).await;
    process.keeper.shutdown();
    pass(seconds(1)).await;
    assert!(!process.driver.is_finished());
    process.driver.await.unwrap();
    assert_eq!(world.record().credential, Token(2));
    request.await.unwrap().unwrap();
    // What is in hand can still be used; nothing new is begun.
    process.keeper.credential(&acme(), None).await.unwrap();
    pass(LIFE).await;
    process.keeper.credential(&acme(), None).await.unwrap_err();
    assert_eq!(world.vendor.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_over_by_either_clock() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    process.keeper.credential(&acme(), None).await.unwrap();
    // The wall clock goes back an hour: the monotonic one knows.
    world.clock.jump(-3600);
    pass(LIFE).await;
    process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(world.vendor.calls(), 1);
    // The machine sleeps two hours: the wall clock knows.
    world.clock.jump(7200);
    process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(world.vendor.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_deferred_where_a_reuse_would_revoke() {
    let world = World::with_token(seconds(1000));
    world.vendor.policy_is(RefreshPolicy {
        on_lost_answer: OnLostAnswer::Defer,
        ..RefreshPolicy::default()
    });
    let process = world.process();
    world.vendor.then(Reply::Fail(Failure::unanswered("cut")));
    process.keeper.refresh(&acme()).await.unwrap_err();
    assert_eq!(world.vendor.calls(), 1);
    pass(seconds(100)).await;
    let error = process.keeper.refresh(&acme()).await.unwrap_err();
    assert!(
        matches!(error, CredentialError::Unavailable { .. }),
        "{error}"
    );
    pass(seconds(890)).await;
    process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(world.vendor.calls(), 1);
    pass(seconds(12)).await;
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.credential, Token(2));
    assert_eq!(world.vendor.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn other_credentials_that_are_put_end_every_setback() {
    let world = World::with_token(seconds(0));
    world.vendor.always(Some(refused()));
    let process = world.process();
    process.keeper.credential(&acme(), None).await.unwrap_err();
    let put = world.put("acme", LIFE);
    process.keeper.put(put);
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.status, Status::Active);
    // A record that is older than what is known changes nothing.
    let stale = Record {
        version: 1,
        credential: Token(99),
        ..world.record()
    };
    process.keeper.put(stale);
    let current = process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(current.credential, Token(1));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_over_and_cannot_be_renewed_needs_reauth() {
    let world = World::new();
    let now = leeward_auth_refresh::Clock::wall(&*world.clock);
    world.store.records.put(Record {
        expires_at: Some(now + seconds(10)),
        ..Record::new("acme", "vendor", Token(1), now)
    });
    let process = world.process();
    process.keeper.credential(&acme(), None).await.unwrap();
    pass(seconds(11)).await;
    let error = process.keeper.credential(&acme(), None).await.unwrap_err();
    assert!(matches!(error, CredentialError::NeedsReauth { .. }));
    pass(seconds(1)).await;
    assert_eq!(world.record().status, Status::NeedsReauth);
    let error = process.keeper.refresh(&acme()).await.unwrap_err();
    assert!(matches!(error, CredentialError::NotRenewable(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn tokens_without_an_end_are_bought_once() {
    let world = World::with_token(seconds(0));
    world.vendor.life_is(None);
    let process = world.process();
    process.keeper.credential(&acme(), None).await.unwrap();
    pass(LIFE * 1000).await;
    process.keeper.credential(&acme(), None).await.unwrap();
    assert_eq!(world.vendor.calls(), 1);
}
