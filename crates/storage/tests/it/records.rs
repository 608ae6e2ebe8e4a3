//! Accounts as their administration puts and reads them.

use leeward_auth_refresh::{AccountId, CredentialStore, Record, Renewed, Status};
use leeward_storage::{Filter, Origin, Replaced, Store};

use crate::place::{KEY, Place, Secret, acquire, at, lease, load, put, record};

pub(crate) async fn comes_back_as_it_was_put(place: Place) {
    let store = place.open().await;
    let mut full = record("a:b@c.d-e_f");
    full.status = Status::NeedsReauth;
    full.reason = Some("the grant — gone".to_owned());
    full.refreshed_at = Some(at(-5));
    full.refresh_expires_at = Some(at(9_999_999));
    let row = store.insert(&full, Origin::File).await.unwrap().unwrap();
    assert_eq!((row.origin, row.record.version), (Origin::File, 1));

    let store = place.open().await;
    let found = store.get::<Secret>(&full.account).await.unwrap().unwrap();
    assert_eq!((found.origin, found.status_before), (Origin::File, None));
    assert_eq!(format!("{:?}", found.record), format!("{full:?}"));
    assert_eq!(found.record.credential, full.credential);
    let row = store.get_row(&full.account).await.unwrap().unwrap();
    assert_eq!(format!("{:?}", row.record), format!("{full:?}"));

    let bare = Record::new("bare", "crm", Secret::numbered(1), at(0));
    store.insert(&bare, Origin::Api).await.unwrap().unwrap();
    assert_eq!(
        format!("{:?}", load(&store, &"bare".into()).await),
        format!("{bare:?}")
    );

    let nobody = AccountId::from("nobody");
    assert!(
        CredentialStore::<Secret>::load(&store, &nobody)
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.get_row(&nobody).await.unwrap().is_none());
    store.ping().await.unwrap();
    store.close().await;
    assert!(store.ping().await.is_err());
}

pub(crate) async fn a_name_is_taken_once(place: Place) {
    let store = place.open().await;
    put(&store, "acme").await;
    let mut other = record("acme");
    other.credential = Secret::numbered(9);
    assert!(store.insert(&other, Origin::File).await.unwrap().is_none());
    assert_eq!(
        load(&store, &"acme".into()).await.credential,
        Secret::numbered(0)
    );
}

pub(crate) async fn replacing_needs_the_version_and_fences(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let held = lease(&store, &account, 1, "me", 0).await;
    assert!(
        CredentialStore::<Secret>::mark_sent(&store, &held, at(1))
            .await
            .unwrap()
    );

    let mut other = record("acme");
    other.credential = Secret::numbered(9);
    other.provider = "billing".into();
    other.since = at(100);
    match store.replace(&other, Origin::Api, 7).await.unwrap() {
        Replaced::Moved(row) => assert_eq!(row.record.version, 1),
        wrong => panic!("{wrong:?}"),
    }
    let Replaced::Done(row) = store.replace(&other, Origin::File, 1).await.unwrap() else {
        panic!("not replaced")
    };
    assert_eq!(
        (row.record.version, row.origin, &*row.record.provider),
        (2, Origin::File, "billing")
    );
    assert_eq!((row.record.lease, row.record.sent_at), (None, None));
    assert_eq!(
        row.record.since,
        at(0),
        "the status is the same, and since when"
    );

    // Whoever was renewing the old credential must not write over the new one.
    let renewed = renewed(5, 200);
    assert!(store.commit(&held, renewed).await.unwrap().is_none());
    assert_eq!(load(&store, &account).await.credential, Secret::numbered(9));

    other.account = "nobody".into();
    assert!(matches!(
        store.replace(&other, Origin::Api, 1).await.unwrap(),
        Replaced::Gone
    ));

    // Other credentials end a refusal, but do not switch on what was switched off.
    let refused = store.set_status(
        &account,
        None,
        Status::NeedsReauth,
        Some("gone".into()),
        at(300),
    );
    let refused: Option<Record<Secret>> = refused.await.unwrap();
    assert_eq!(refused.unwrap().since, at(300));
    store
        .disable(&account, None, at(400))
        .await
        .unwrap()
        .unwrap();
    other.account = account.clone();
    let Replaced::Done(row) = store.replace(&other, Origin::Api, 2).await.unwrap() else {
        panic!("not replaced")
    };
    assert_eq!(
        (row.record.status, row.status_before),
        (Status::Disabled, Some(Status::Active))
    );
    let row = store.enable(&account, at(500)).await.unwrap().unwrap();
    assert_eq!(
        (row.record.status, row.record.reason),
        (Status::Active, None)
    );
}

fn renewed(number: u64, now: i64) -> Renewed<Secret> {
    Renewed {
        credential: Secret::numbered(number),
        expires_at: Some(at(now + 3600)),
        refresh_at: Some(at(now + 3500)),
        refresh_expires_at: None,
        refreshed_at: at(now),
    }
}

pub(crate) async fn amending_respects_a_lease(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let held = lease(&store, &account, 1, "me", 0).await;
    let amended = Secret::numbered(3);
    let amend = |expected, now| store.amend(&account, &amended, Origin::Api, expected, at(now));
    match amend(1, 10).await.unwrap() {
        Replaced::Leased { until } => assert_eq!(until, at(60)),
        wrong => panic!("{wrong:?}"),
    }
    let found = store.commit(&held, renewed(1, 20)).await.unwrap().unwrap();
    assert_eq!(
        (found.version, &found.credential),
        (2, &Secret::numbered(1))
    );
    assert!(matches!(amend(1, 30).await.unwrap(), Replaced::Moved(_)));
    let Replaced::Done(row) = amend(2, 30).await.unwrap() else {
        panic!("not amended")
    };
    assert_eq!(
        (row.record.version, row.record.refreshed_at),
        (3, Some(at(20)))
    );
    assert_eq!(load(&store, &account).await.credential, amended);
    let nobody = "nobody".into();
    let gone = store
        .amend(&nobody, &amended, Origin::Api, 1, at(0))
        .await
        .unwrap();
    assert!(matches!(gone, Replaced::Gone));
}

pub(crate) async fn disabling_and_enabling(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let gone = Some("gone".to_owned());
    let set = store.set_status(&account, None, Status::NeedsReauth, gone.clone(), at(5));
    let _: Option<Record<Secret>> = set.await.unwrap();
    for _ in 0..2 {
        let row = store
            .disable(&account, Some("by hand"), at(10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.record.status, Status::Disabled);
        assert_eq!(row.record.reason.as_deref(), Some("by hand"));
        assert_eq!(row.record.since, at(10));
        assert_eq!(row.status_before, Some(Status::NeedsReauth));
    }
    for _ in 0..2 {
        let row = store.enable(&account, at(20)).await.unwrap().unwrap();
        assert_eq!(
            (row.record.status, &row.record.reason),
            (Status::NeedsReauth, &gone)
        );
        assert_eq!((row.record.since, row.status_before), (at(20), None));
    }
    assert!(
        store
            .enable(&"nobody".into(), at(0))
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .disable(&"nobody".into(), None, at(0))
            .await
            .unwrap()
            .is_none()
    );
}

pub(crate) async fn deleting_and_putting_again(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let held = lease(&store, &account, 1, "me", 0).await;
    assert!(
        !store
            .delete(&account, Some(Origin::File), at(1))
            .await
            .unwrap()
    );
    assert!(
        store
            .delete(&account, Some(Origin::Api), at(1))
            .await
            .unwrap()
    );
    assert!(!store.delete(&account, None, at(1)).await.unwrap());
    assert!(store.get_row(&account).await.unwrap().is_none());

    let row = store
        .insert(&record("acme"), Origin::Api)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        row.record.version, 2,
        "nobody may take the new credential for the old"
    );
    // The same owner leases the new account; its lease on the old one stays worthless.
    let fresh = lease(&store, &account, 2, "me", 2).await;
    assert!(fresh.fence > held.fence);
    assert!(store.commit(&held, renewed(1, 3)).await.unwrap().is_none());
    assert!(store.commit(&fresh, renewed(2, 3)).await.unwrap().is_some());
}

pub(crate) async fn pages_and_filters(place: Place) {
    let store = place.open().await;
    for number in 0..7 {
        let mut account = record(&format!("a{number}"));
        account.provider = if number % 2 == 0 { "even" } else { "odd" }.into();
        let origin = if number < 3 {
            Origin::File
        } else {
            Origin::Api
        };
        store.insert(&account, origin).await.unwrap().unwrap();
    }
    store.disable(&"a4".into(), None, at(0)).await.unwrap();
    let ids = |filter: Filter, limit| ids(&store, filter, limit);
    assert_eq!(
        ids(Filter::default(), 3).await,
        [["a0", "a1", "a2"].as_slice(), &["a3", "a4", "a5"], &["a6"]]
    );
    assert_eq!(ids(Filter::default(), 7).await.len(), 1);
    let even = Filter {
        provider: Some("even".into()),
        ..Filter::default()
    };
    assert_eq!(ids(even.clone(), 100).await, [["a0", "a2", "a4", "a6"]]);
    let disabled = Filter {
        status: Some(Status::Disabled),
        ..even
    };
    assert_eq!(ids(disabled, 100).await, [["a4"]]);
    let files = Filter {
        origin: Some(Origin::File),
        ..Filter::default()
    };
    assert_eq!(ids(files, 2).await, [["a0", "a1"].as_slice(), &["a2"]]);

    // One that does not open hides no other, and is still a row.
    place.sql("UPDATE leeward_accounts SET sealed = (SELECT sealed FROM leeward_accounts WHERE id = 'a0') WHERE id = 'a1'").await;
    let page = store
        .list::<Secret>(&Filter::default(), None, 100)
        .await
        .unwrap();
    let opened: Vec<bool> = page
        .accounts
        .iter()
        .map(|account| account.record.credential.is_ok())
        .collect();
    assert_eq!(opened, [true, false, true, true, true, true, true]);
    assert!(store.get_row(&"a1".into()).await.unwrap().is_some());
    assert!(store.get::<Secret>(&"a1".into()).await.is_err());
    assert!(!format!("{store:?}").contains(KEY));
}

async fn ids(store: &Store, filter: Filter, limit: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut after: Option<AccountId> = None;
    loop {
        let page = store
            .list_rows(&filter, after.as_ref(), limit)
            .await
            .unwrap();
        pages.push(
            page.accounts
                .iter()
                .map(|row| row.record.account.to_string())
                .collect(),
        );
        match page.next {
            Some(next) => after = Some(next),
            None => return pages,
        }
    }
}

pub(crate) async fn counts(place: Place) {
    let store = place.open().await;
    assert!(store.count_by_status().await.unwrap().is_empty());
    for (id, expires) in [("a", 50), ("b", 40), ("c", 30)] {
        let mut account = record(id);
        account.expires_at = Some(at(expires));
        store.insert(&account, Origin::Api).await.unwrap().unwrap();
    }
    let mut plain = Record::new("d", "api", Secret::numbered(0), at(0));
    plain.status = Status::NeedsReauth;
    store.insert(&plain, Origin::Api).await.unwrap().unwrap();
    store.disable(&"c".into(), None, at(0)).await.unwrap();
    let counts: Vec<_> = store
        .count_by_status()
        .await
        .unwrap()
        .into_iter()
        .map(|count| {
            (
                count.provider.to_string(),
                count.status,
                count.accounts,
                count.soonest_expiry,
            )
        })
        .collect();
    assert_eq!(
        counts,
        [
            ("api".to_owned(), Status::NeedsReauth, 1, None),
            ("crm".to_owned(), Status::Active, 2, Some(at(40))),
            ("crm".to_owned(), Status::Disabled, 1, Some(at(30))),
        ]
    );
    // A lease is no status.
    acquire(&store, &"a".into(), 1, "me", 0).await;
    assert_eq!(store.count_by_status().await.unwrap().len(), 3);
}
