use super::*;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

const LONGEST: Duration = Duration::from_secs(60);

fn acme() -> AccountId {
    AccountId::from("acme")
}

fn shelf() -> Shelf<&'static str> {
    let mut shelf = Shelf::default();
    shelf.put(Record {
        renewable: true,
        refresh_at: Some(at(100)),
        ..Record::new("acme", "vendor", "first", at(0))
    });
    shelf
}

fn lease(shelf: &mut Shelf<&'static str>, version: u64, now: u64) -> Lease {
    match shelf.acquire(&acme(), version, "me", at(now), at(now + 30), LONGEST) {
        Acquired::Leased(lease, record) => {
            assert_eq!(record.lease.as_ref(), Some(&lease));
            lease
        }
        other => panic!("{other:?}"),
    }
}

fn renewed(credential: &'static str) -> Renewed<&'static str> {
    Renewed {
        credential,
        expires_at: Some(at(3600)),
        refresh_at: Some(at(3500)),
        refresh_expires_at: None,
        refreshed_at: at(1),
    }
}

fn outcome() -> Outcome {
    Outcome {
        status: None,
        refresh_at: None,
        retry_at: Some(at(500)),
        failures: 1,
        sent_at: None,
        at: at(2),
    }
}

#[test]
fn a_lease_keeps_others_out_until_its_time() {
    let mut shelf = shelf();
    lease(&mut shelf, 1, 0);
    let held = shelf.acquire(&acme(), 1, "other", at(29), at(59), LONGEST);
    assert!(matches!(held, Acquired::Held { until } if until == at(30)));
    let own = shelf.acquire(&acme(), 1, "me", at(29), at(59), LONGEST);
    assert!(matches!(own, Acquired::Held { .. }));
    let over = shelf.acquire(&acme(), 1, "other", at(30), at(60), LONGEST);
    assert!(matches!(over, Acquired::Leased(..)));
}

#[test]
fn a_lease_of_a_clock_that_jumped_counts_as_over() {
    let mut shelf = shelf();
    lease(&mut shelf, 1, 100_000);
    assert!(matches!(
        shelf.acquire(&acme(), 1, "other", at(0), at(30), LONGEST),
        Acquired::Leased(..)
    ));
}

#[test]
fn a_version_that_moved_is_told_before_a_lease() {
    let mut shelf = shelf();
    let first = lease(&mut shelf, 1, 0);
    shelf.commit(&first, renewed("second")).unwrap();
    lease(&mut shelf, 2, 1);
    let moved = shelf.acquire(&acme(), 1, "other", at(2), at(32), LONGEST);
    assert!(matches!(moved, Acquired::Moved(record) if record.version == 2));
}

#[test]
fn a_late_holder_commits_only_if_nobody_took_over() {
    let mut shelf = shelf();
    let late = lease(&mut shelf, 1, 0);
    let taken = lease(&mut shelf, 1, 40);
    assert!(!shelf.mark_sent(&late, at(41)));
    assert!(!shelf.renew(&late, at(99)));
    assert!(shelf.commit(&late, renewed("late")).is_none());
    assert!(shelf.give_back(&late, outcome()).is_none());
    assert_eq!(shelf.load(&acme()).unwrap().credential, "first");

    assert!(shelf.give_back(&taken, outcome()).is_some());
    let late = lease(&mut shelf, 1, 100);
    let record = shelf.commit(&late, renewed("second")).unwrap();
    assert_eq!((record.version, record.lease), (2, None));
    // A second commit of the same lease is no longer held: nothing is written twice.
    assert!(shelf.commit(&late, renewed("third")).is_none());
}

#[test]
fn who_replaces_a_record_fences_the_holder() {
    let mut shelf = shelf();
    let holder = lease(&mut shelf, 1, 0);
    assert!(shelf.mark_sent(&holder, at(1)));
    let put = shelf.put(Record::new("acme", "vendor", "put", at(2)));
    assert_eq!((put.version, put.sent_at), (2, None));
    assert!(shelf.commit(&holder, renewed("late")).is_none());
    assert_eq!(shelf.load(&acme()).unwrap().credential, "put");
}

#[test]
fn what_was_sent_survives_the_lease() {
    let mut shelf = shelf();
    let dead = lease(&mut shelf, 1, 0);
    assert!(shelf.mark_sent(&dead, at(1)));
    match shelf.acquire(&acme(), 1, "other", at(40), at(70), LONGEST) {
        Acquired::Leased(_, record) => assert_eq!(record.sent_at, Some(at(1))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_makes_active_again_and_leaves_a_disabled_account_alone() {
    let mut shelf = shelf();
    for (status, then) in [
        (Status::NeedsReauth, Status::Active),
        (Status::Disabled, Status::Disabled),
    ] {
        let version = shelf.load(&acme()).unwrap().version;
        shelf.set_status(&acme(), None, status, Some("why".into()), at(3));
        let holder = lease(&mut shelf, version, 200);
        let record = shelf.commit(&holder, renewed("next")).unwrap();
        assert_eq!(record.status, then);
    }
}

#[test]
fn due_is_what_the_schedule_should_renew() {
    let mut shelf = shelf();
    let ask = |now: u64| Due {
        now: at(now),
        longest_lease: LONGEST,
        longest_backoff: Duration::from_secs(900),
        longest_reauth: Duration::from_secs(90_000),
        limit: 10,
    };
    assert!(shelf.due(&ask(99)).is_empty());
    assert_eq!(shelf.soonest(), Some(at(100)));
    assert_eq!(shelf.due(&ask(100)), [acme()]);

    let holder = lease(&mut shelf, 1, 100);
    assert!(shelf.due(&ask(101)).is_empty());
    assert_eq!(shelf.soonest(), Some(at(130)));
    shelf.give_back(&holder, outcome()).unwrap();
    assert!(shelf.due(&ask(499)).is_empty());
    assert_eq!(shelf.soonest(), Some(at(500)));
    assert_eq!(shelf.due(&ask(500)), [acme()]);

    let holder = lease(&mut shelf, 1, 500);
    let refused = Outcome {
        status: Some((Status::NeedsReauth, "gone".into())),
        retry_at: Some(at(1400)),
        ..outcome()
    };
    let record = shelf.give_back(&holder, refused).unwrap();
    assert_eq!((record.status, record.since), (Status::NeedsReauth, at(2)));
    assert!(shelf.due(&ask(1399)).is_empty());
    assert_eq!(shelf.due(&ask(1400)), [acme()]);

    shelf.set_status(&acme(), Some(1), Status::Disabled, None, at(3));
    assert!(shelf.due(&ask(1400)).is_empty());
    assert_eq!(shelf.soonest(), None);
    assert!(
        shelf
            .set_status(&acme(), Some(7), Status::Active, None, at(3))
            .is_none()
    );
}
