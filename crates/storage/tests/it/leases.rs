//! Leases: who may renew, and what a holder writes.

use std::time::Duration;

use leeward_auth_refresh::{
    AccountId, Acquired, CredentialStore, Lease, Outcome, Record, Renewed, Status,
};
use leeward_storage::Store;

use crate::place::{LONGEST, Place, Secret, acquire, at, lease, load, put};

type Dyn = dyn CredentialStore<Secret>;

fn renewed(number: u64, now: i64) -> Renewed<Secret> {
    Renewed {
        credential: Secret::numbered(number),
        expires_at: Some(at(now + 3600)),
        refresh_at: Some(at(now + 3500)),
        refresh_expires_at: Some(at(now + 99_999)),
        refreshed_at: at(now),
    }
}

fn outcome(now: i64) -> Outcome {
    Outcome {
        status: None,
        refresh_at: None,
        retry_at: Some(at(now + 7)),
        failures: 3,
        sent_at: None,
        at: at(now),
    }
}

pub(crate) async fn every_answer_of_acquire(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let first = lease(&store, &account, 1, "a", 0).await;
    assert_eq!(
        (&first.account, &*first.owner, first.until),
        (&account, "a", at(60))
    );

    // Nobody else gets it, nor the same owner again.
    for owner in ["a", "b"] {
        match acquire(&store, &account, 1, owner, 59).await {
            Acquired::Held { until } => assert_eq!(until, at(60)),
            other => panic!("{other:?}"),
        }
    }
    // It is over at its end, and what its holder had sent is known to the next.
    assert!(Dyn::mark_sent(&store, &first, at(5)).await.unwrap());
    let Acquired::Leased(second, record) = acquire(&store, &account, 1, "b", 60).await else {
        panic!("not leased")
    };
    assert_eq!(record.sent_at, Some(at(5)));
    assert_eq!(second.fence, first.fence + 1);

    // A lease that lies further off than the longest was written by a clock that has jumped since.
    match acquire(&store, &account, 1, "c", 59).await {
        Acquired::Leased(third, _) => assert!(third.fence > second.fence),
        other => panic!("{other:?}"),
    }

    // Another version is told even while a lease is on it.
    match acquire(&store, &account, 7, "d", 70).await {
        Acquired::Moved(record) => assert_eq!(record.credential, Secret::numbered(0)),
        other => panic!("{other:?}"),
    }
    match acquire(&store, &"nobody".into(), 1, "d", 70).await {
        Acquired::Gone => {}
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn one_of_eight_wins(place: Place) {
    let stores: Vec<Store> = {
        let mut stores = Vec::new();
        for _ in 0..8 {
            stores.push(place.open().await);
        }
        stores
    };
    for round in 0..5 {
        let account = put(&stores[0], &format!("acme-{round}")).await;
        let tasks: Vec<_> = stores
            .iter()
            .cloned()
            .enumerate()
            .map(|(number, store)| {
                let account = account.clone();
                tokio::spawn(async move {
                    let answer = acquire(&store, &account, 1, &format!("owner-{number}"), 0).await;
                    match answer {
                        Acquired::Leased(..) => 1,
                        Acquired::Held { .. } => 0,
                        other => panic!("{other:?}"),
                    }
                })
            })
            .collect();
        let mut winners = 0;
        for task in tasks {
            winners += task.await.unwrap();
        }
        assert_eq!(winners, 1);
    }
}

pub(crate) async fn a_late_holder_writes_nothing(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let late = lease(&store, &account, 1, "late", 0).await;
    let now = lease(&store, &account, 1, "now", 60).await;
    let before = format!("{:?}", load(&store, &account).await);
    nothing(&store, &late).await;
    // Not even under the name of the holder, nor with a fence of the future.
    nothing(
        &store,
        &Lease {
            owner: now.owner.clone(),
            ..late.clone()
        },
    )
    .await;
    nothing(
        &store,
        &Lease {
            fence: now.fence + 1,
            ..now.clone()
        },
    )
    .await;
    nothing(
        &store,
        &Lease {
            account: "nobody".into(),
            ..now.clone()
        },
    )
    .await;
    assert_eq!(format!("{:?}", load(&store, &account).await), before);
    assert!(
        Dyn::commit(&store, &now, renewed(1, 70))
            .await
            .unwrap()
            .is_some()
    );
    // And nobody writes twice.
    nothing(&store, &now).await;
}

async fn nothing(store: &Store, lease: &Lease) {
    let store: &Dyn = store;
    assert!(!store.mark_sent(lease, at(1)).await.unwrap());
    assert!(!store.renew(lease, at(1)).await.unwrap());
    assert!(store.commit(lease, renewed(66, 1)).await.unwrap().is_none());
    assert!(store.give_back(lease, outcome(1)).await.unwrap().is_none());
}

pub(crate) async fn a_late_holder_whom_nobody_replaced_commits(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let held = lease(&store, &account, 1, "me", 0).await;
    assert!(Dyn::renew(&store, &held, at(90)).await.unwrap());
    assert!(matches!(
        acquire(&store, &account, 1, "b", 80).await,
        Acquired::Held { .. }
    ));
    let record = Dyn::commit(&store, &held, renewed(1, 5000))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.version, 2);
}

pub(crate) async fn commit(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    refuse(&store, &account, 10).await;
    let held = lease(&store, &account, 1, "me", 20).await;
    assert!(Dyn::mark_sent(&store, &held, at(21)).await.unwrap());
    let written = Dyn::commit(&store, &held, renewed(1, 22))
        .await
        .unwrap()
        .unwrap();
    let found = load(&place.open().await, &account).await;
    for record in [&written, &found] {
        assert_eq!(
            (record.version, record.status, &record.reason),
            (2, Status::Active, &None)
        );
        assert_eq!((record.since, record.refreshed_at), (at(22), Some(at(22))));
        assert_eq!(
            (record.expires_at, record.refresh_at),
            (Some(at(3622)), Some(at(3522)))
        );
        assert_eq!(record.refresh_expires_at, Some(at(22 + 99_999)));
        assert_eq!(
            (record.failures, record.retry_at, record.sent_at),
            (0, None, None)
        );
        assert_eq!(
            (&record.lease, &record.credential),
            (&None, &Secret::numbered(1))
        );
    }

    // A reason of an active account is not the renewal's to take away.
    let note = Some("a note".to_owned());
    Dyn::set_status(&store, &account, None, Status::Active, note.clone(), at(25))
        .await
        .unwrap();
    let held = lease(&store, &account, 2, "me", 26).await;
    let record = Dyn::commit(&store, &held, renewed(1, 27))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((record.version, record.reason), (3, note));

    // Switched off in between: the rotated token is kept all the same, and the account stays off.
    let held = lease(&store, &account, 3, "me", 30).await;
    store
        .disable(&account, Some("by hand"), at(31))
        .await
        .unwrap()
        .unwrap();
    let record = Dyn::commit(&store, &held, renewed(2, 32))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((record.status, record.since), (Status::Disabled, at(31)));
    assert_eq!(record.reason.as_deref(), Some("by hand"));
    assert_eq!(load(&store, &account).await.credential, Secret::numbered(2));
    let row = store.enable(&account, at(40)).await.unwrap().unwrap();
    assert_eq!(
        (row.record.status, row.record.reason),
        (Status::Active, None)
    );
}

async fn refuse(store: &Store, account: &AccountId, now: i64) {
    let held = lease(store, account, 1, "me", now).await;
    let mut refused = outcome(now);
    refused.status = Some((Status::NeedsReauth, "invalid_grant".to_owned()));
    let record = Dyn::give_back(store, &held, refused)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (record.status, record.since),
        (Status::NeedsReauth, at(now))
    );
    assert_eq!(record.reason.as_deref(), Some("invalid_grant"));
}

pub(crate) async fn give_back(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let position = store.position().await.unwrap();
    let held = lease(&store, &account, 1, "me", 0).await;
    assert!(Dyn::mark_sent(&store, &held, at(1)).await.unwrap());
    let mut failed = outcome(2);
    failed.sent_at = Some(at(1));
    failed.refresh_at = Some(at(3550));
    let record = Dyn::give_back(&store, &held, failed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (record.version, record.status, record.since),
        (1, Status::Active, at(0))
    );
    assert_eq!((record.failures, record.retry_at), (3, Some(at(9))));
    assert_eq!(
        (record.sent_at, record.refresh_at),
        (Some(at(1)), Some(at(3550)))
    );
    assert_eq!(
        (&record.lease, &record.credential),
        (&None, &Secret::numbered(0))
    );
    assert_eq!(
        store.position().await.unwrap(),
        position,
        "a failed try is no change"
    );

    refuse(&store, &account, 10).await;
    let record = load(&store, &account).await;
    assert_eq!((record.sent_at, record.refresh_at), (None, Some(at(3550))));
    assert!(store.position().await.unwrap() > position);
    // Refused again: since when does not move.
    let held = lease(&store, &account, 1, "me", 20).await;
    let mut again = outcome(20);
    again.status = Some((Status::NeedsReauth, "still".to_owned()));
    let record = Dyn::give_back(&store, &held, again).await.unwrap().unwrap();
    assert_eq!(
        (record.since, record.reason.as_deref()),
        (at(10), Some("still"))
    );

    // A refusal of a disabled account is what enabling it returns to.
    let held = lease(&store, &account, 1, "me", 30).await;
    store
        .disable(&account, None, at(31))
        .await
        .unwrap()
        .unwrap();
    let mut refused = outcome(32);
    refused.status = Some((Status::NeedsReauth, "gone".to_owned()));
    let record = Dyn::give_back(&store, &held, refused)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((record.status, record.reason), (Status::Disabled, None));
    let row = store.enable(&account, at(40)).await.unwrap().unwrap();
    assert_eq!(
        (row.record.status, row.record.reason.as_deref()),
        (Status::NeedsReauth, Some("gone"))
    );
}

pub(crate) async fn set_status(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let held = lease(&store, &account, 1, "me", 0).await;
    let set = |version, status, reason: Option<&str>, now| {
        let (store, account, reason) = (&store, &account, reason.map(str::to_owned));
        async move {
            let written: Option<Record<Secret>> = store
                .set_status(account, version, status, reason, at(now))
                .await
                .unwrap();
            written.map(|record| (record.status, record.reason, record.since, record.version))
        }
    };
    assert_eq!(set(Some(2), Status::NeedsReauth, None, 5).await, None);
    assert_eq!(
        set(Some(1), Status::NeedsReauth, Some("x"), 5).await,
        Some((Status::NeedsReauth, Some("x".to_owned()), at(5), 1))
    );
    assert_eq!(
        set(None, Status::NeedsReauth, Some("y"), 6).await,
        Some((Status::NeedsReauth, Some("y".to_owned()), at(5), 1))
    );
    assert_eq!(
        set(None, Status::Active, None, 7).await,
        Some((Status::Active, None, at(7), 1))
    );
    assert_eq!(load(&store, &account).await.lease, Some(held));

    // What the renewal finds out about a disabled account does not switch it on.
    store
        .disable(&account, Some("by hand"), at(8))
        .await
        .unwrap();
    assert_eq!(
        set(None, Status::Active, None, 9).await,
        Some((Status::Disabled, Some("by hand".to_owned()), at(8), 1))
    );
    let nobody = "nobody".into();
    let none = Dyn::set_status(&store, &nobody, None, Status::Active, None, at(0)).await;
    assert!(none.unwrap().is_none());
    // A wait that cannot be reckoned is no panic.
    let forever = Duration::MAX;
    let held = Dyn::acquire(&store, &account, 1, "b", at(10), at(20), forever)
        .await
        .unwrap();
    assert!(matches!(held, Acquired::Held { .. }));
    assert!(LONGEST < forever);
}
