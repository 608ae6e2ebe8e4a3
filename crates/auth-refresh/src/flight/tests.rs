use std::time::{Duration, SystemTime};

use super::*;
use crate::{Lease, OnLostAnswer, Status};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn sight(now: u64) -> Sight {
    Sight {
        now: at(now),
        waited: true,
        closing: false,
        random: 0.5,
    }
}

fn record() -> Record<&'static str> {
    Record {
        renewable: true,
        expires_at: Some(at(3600)),
        refresh_at: Some(at(3500)),
        refreshed_at: Some(at(0)),
        ..Record::new("acme", "vendor", "first", at(0))
    }
}

fn begin(
    cause: Cause,
    lost: OnLostAnswer,
    sight: Sight,
) -> (Flight<&'static str>, Step<&'static str>) {
    let policy = RefreshPolicy {
        on_lost_answer: lost,
        ..RefreshPolicy::default()
    };
    let terms = Terms {
        policy,
        lease: Duration::from_secs(20),
        longest_lease: Duration::from_secs(60),
    };
    Flight::begin(cause, 1, terms, sight)
}

fn leased(record: Record<&'static str>, now: u64) -> Event<&'static str> {
    let lease = Lease {
        account: record.account.clone(),
        owner: "me".into(),
        until: at(now + 20),
        fence: 1,
    };
    Event::Acquired(Ok(Acquired::Leased(lease, record)))
}

fn failed(failure: Failure, now: u64) -> Event<&'static str> {
    Event::Called(Call {
        result: Err(failure),
        from: at(now),
        sent_at: Some(at(now)),
        fenced: false,
    })
}

/// Flies up to the token call.
fn calling(lost: OnLostAnswer, record: Record<&'static str>, now: u64) -> Flight<&'static str> {
    let (mut flight, step) = begin(Cause::Schedule, lost, sight(now));
    assert!(matches!(step, Step::Acquire { version: 1, .. }));
    let step = flight.next(leased(record, now), sight(now));
    assert!(matches!(step, Step::Call), "{step:?}");
    flight
}

fn outcome(step: Step<&'static str>) -> Outcome {
    match step {
        Step::GiveBack(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_that_fails_is_tried_until_the_store_is_back() {
    let mut flight = calling(OnLostAnswer::Retry, record(), 3500);
    let granted = Granted {
        credential: "second",
        expires_at: Some(at(7100)),
        refresh_expires_at: None,
    };
    let mut step = flight.next(
        Event::Called(Call {
            result: Ok(granted),
            from: at(3500),
            sent_at: Some(at(3500)),
            fenced: false,
        }),
        sight(3501),
    );
    for second in 0..1_000 {
        assert!(matches!(&step, Step::Commit(new) if new.credential == "second"));
        let away = Event::Committed(Err(StoreError::new("away")));
        step = flight.next(away, sight(3501 + second));
        assert!(matches!(step, Step::Pause(_)) && flight.keeps());
        step = flight.next(Event::Paused, sight(3502 + second));
    }
    let stored = Record {
        version: 2,
        credential: "second",
        ..record()
    };
    let step = flight.next(Event::Committed(Ok(Some(stored))), sight(5000));
    assert!(matches!(step, Step::End(End::Renewed { bought: true, .. })));
}

#[test]
fn a_lease_lost_with_a_token_in_hand_is_taken_anew() {
    let mut flight = calling(OnLostAnswer::Retry, record(), 3500);
    let granted = Granted {
        credential: "second",
        expires_at: None,
        refresh_expires_at: None,
    };
    flight.next(
        Event::Called(Call {
            result: Ok(granted),
            from: at(3500),
            sent_at: Some(at(3500)),
            fenced: false,
        }),
        sight(3600),
    );
    assert!(matches!(
        flight.next(Event::Committed(Ok(None)), sight(3600)),
        Step::Load
    ));
    // Who took over was refused, for the token was rotated: what is in hand mends that.
    let refused = Record {
        status: Status::NeedsReauth,
        retry_at: Some(at(4500)),
        ..record()
    };
    let step = flight.next(Event::Loaded(Ok(Some(refused.clone()))), sight(3601));
    assert!(matches!(step, Step::Acquire { version: 1, .. }));
    let step = flight.next(leased(refused, 3601), sight(3601));
    assert!(matches!(step, Step::Commit(new) if new.credential == "second"));
}

#[test]
fn a_refusal_is_believed_only_if_the_lease_was_still_held() {
    let refused = || Failure::Refused {
        reason: "invalid_grant".into(),
    };
    let mut flight = calling(OnLostAnswer::Retry, record(), 3500);
    let written = outcome(flight.next(failed(refused(), 3500), sight(3501)));
    assert_eq!(written.status.unwrap().0, Status::NeedsReauth);
    assert!(written.retry_at >= Some(at(3501 + 900)));
    assert_eq!(written.sent_at, None);

    let step = flight.next(Event::GivenBack(Ok(None)), sight(3502));
    assert!(matches!(step, Step::Load));
    let newer = Record {
        version: 2,
        credential: "second",
        expires_at: Some(at(7100)),
        ..record()
    };
    let step = flight.next(Event::Loaded(Ok(Some(newer))), sight(3502));
    assert!(
        matches!(step, Step::End(End::Renewed { record, bought: false }) if record.version == 2)
    );
}

#[test]
fn failures_say_what_is_known_of_the_call() {
    let unanswered = Failure::unanswered("cut");
    let mut flight = calling(OnLostAnswer::Retry, record(), 3500);
    let written = outcome(flight.next(failed(unanswered.clone(), 3500), sight(3501)));
    assert_eq!(written.sent_at, Some(at(3500)));
    assert_eq!((written.status, written.failures), (None, 1));
    assert_eq!(written.refresh_at, None);

    let mut flight = calling(OnLostAnswer::Defer, record(), 3500);
    let written = outcome(flight.next(failed(unanswered, 3500), sight(3501)));
    assert_eq!(written.refresh_at, Some(at(3600)));

    let mut flight = calling(OnLostAnswer::Retry, record(), 3500);
    let refused_connection = Failure::not_sent("connection refused");
    let written = outcome(flight.next(failed(refused_connection, 3500), sight(3501)));
    assert_eq!(written.sent_at, None);

    for failure in [
        Failure::ClientRefused {
            reason: "invalid_client".into(),
        },
        Failure::Transient {
            reason: "503".into(),
            retry_after: Some(Duration::from_secs(7)),
        },
    ] {
        let mut flight = calling(OnLostAnswer::Retry, record(), 3500);
        let written = outcome(flight.next(failed(failure, 3500), sight(3501)));
        assert_eq!(written.status, None);
        assert!(written.retry_at > Some(at(3501)));
    }
}

#[test]
fn what_a_dead_holder_may_have_sent_is_deferred_also_by_hand() {
    let sent = Record {
        sent_at: Some(at(3400)),
        ..record()
    };
    for cause in [Cause::Schedule, Cause::Hand] {
        let (mut flight, step) = begin(cause, OnLostAnswer::Defer, sight(3500));
        if matches!(step, Step::Load) {
            let step = flight.next(Event::Loaded(Ok(Some(sent.clone()))), sight(3500));
            assert!(matches!(step, Step::End(End::NotYet { until, .. }) if until == at(3600)));
            continue;
        }
        let written = outcome(flight.next(leased(sent.clone(), 3500), sight(3500)));
        assert_eq!(written.refresh_at, Some(at(3600)));
        assert_eq!(written.sent_at, Some(at(3400)));
    }
    // Once the token is over, it is tried.
    calling(OnLostAnswer::Defer, sent.clone(), 3600);
    calling(OnLostAnswer::Retry, sent, 3500);
}

#[test]
fn another_holder_is_waited_for_only_if_somebody_waits_here() {
    let held = || Event::Acquired(Ok(Acquired::Held { until: at(3520) }));
    let (mut flight, _) = begin(Cause::Wanted, OnLostAnswer::Retry, sight(3500));
    assert!(matches!(
        flight.next(held(), sight(3500)),
        Step::Pause(pause) if pause <= Duration::from_millis(250)
    ));
    let (mut flight, _) = begin(Cause::Schedule, OnLostAnswer::Retry, sight(3500));
    let unwaited = Sight {
        waited: false,
        ..sight(3500)
    };
    assert!(matches!(
        flight.next(held(), unwaited),
        Step::End(End::Held { .. })
    ));
}

#[test]
fn a_backoff_holds_all_but_a_hand_and_not_for_ever() {
    let backing_off = |until| Record {
        retry_at: Some(at(until)),
        failures: 3,
        ..record()
    };
    let (mut flight, _) = begin(Cause::Wanted, OnLostAnswer::Retry, sight(3500));
    let written = outcome(flight.next(leased(backing_off(3530), 3500), sight(3500)));
    assert_eq!(written.retry_at, Some(at(3530)));
    assert_eq!((written.failures, written.refresh_at), (3, None));

    let (mut flight, _) = begin(Cause::Hand, OnLostAnswer::Retry, sight(3500));
    let step = flight.next(Event::Loaded(Ok(Some(backing_off(3530)))), sight(3500));
    assert!(matches!(step, Step::Acquire { .. }));

    // One that only a clock which has jumped since can have written.
    calling(OnLostAnswer::Retry, backing_off(3500 + 7200), 3500);
}

#[test]
fn a_disabled_account_is_left_alone() {
    let disabled = Record {
        status: Status::Disabled,
        ..record()
    };
    let (mut flight, _) = begin(Cause::Hand, OnLostAnswer::Retry, sight(0));
    let step = flight.next(Event::Loaded(Ok(Some(disabled.clone()))), sight(0));
    assert!(matches!(step, Step::End(End::Disabled(_))));
    let (mut flight, _) = begin(Cause::Schedule, OnLostAnswer::Retry, sight(0));
    outcome(flight.next(leased(disabled.clone(), 0), sight(0)));
    let step = flight.next(Event::GivenBack(Ok(Some(disabled))), sight(0));
    assert!(matches!(step, Step::End(End::Disabled(_))));
}

#[test]
fn a_closing_process_begins_nothing() {
    let closing = Sight {
        closing: true,
        ..sight(0)
    };
    let (_, step) = begin(Cause::Schedule, OnLostAnswer::Retry, closing);
    assert!(matches!(step, Step::End(End::Held { .. })));
}

#[test]
fn tokens_that_are_over_at_once_are_not_bought_in_a_loop() {
    let mut flight = calling(OnLostAnswer::Retry, record(), 3500);
    let granted = Granted {
        credential: "second",
        expires_at: Some(at(3500)),
        refresh_expires_at: None,
    };
    let step = flight.next(
        Event::Called(Call {
            result: Ok(granted),
            from: at(3500),
            sent_at: None,
            fenced: false,
        }),
        sight(3500),
    );
    assert!(matches!(step, Step::Commit(new) if new.refresh_at == Some(at(3560))));
}
