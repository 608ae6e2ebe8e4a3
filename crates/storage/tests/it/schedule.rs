//! What the schedule asks: which accounts are due, and when the next will be.

use std::time::Duration;

use leeward_auth_refresh::{AccountId, CredentialStore, Due, Outcome, Record, Status};
use leeward_storage::{Origin, Store};

use crate::place::{LONGEST, Place, Secret, at, lease, record};

type Dyn = dyn CredentialStore<Secret>;

const REAUTH: Duration = Duration::from_secs(1000);

async fn asked(store: &Store, now: i64, limit: usize) -> Vec<String> {
    let due = Due {
        now: at(now),
        longest_lease: LONGEST,
        longest_backoff: Duration::from_secs(100),
        longest_reauth: REAUTH,
        limit,
    };
    let due = Dyn::due(store, &due).await.unwrap();
    due.iter().map(AccountId::to_string).collect()
}

async fn insert(store: &Store, id: &str, change: impl FnOnce(&mut Record<Secret>)) -> AccountId {
    let mut account = record(id);
    change(&mut account);
    store.insert(&account, Origin::Api).await.unwrap().unwrap();
    id.into()
}

/// Gives a fresh account a retry time, through a lease as a failed flight does.
async fn fail(store: &Store, account: &AccountId, now: i64, retry: i64, status: Option<Status>) {
    let held = lease(store, account, 1, "me", now).await;
    let outcome = Outcome {
        status: status.map(|status| (status, "gone".to_owned())),
        refresh_at: None,
        retry_at: Some(at(retry)),
        failures: 1,
        sent_at: None,
        at: at(now),
    };
    Dyn::give_back(store, &held, outcome)
        .await
        .unwrap()
        .unwrap();
}

pub(crate) async fn due(place: Place) {
    let store = place.open().await;
    insert(&store, "later", |_| {}).await;
    insert(&store, "second", |account| {
        account.refresh_at = Some(at(20))
    })
    .await;
    insert(&store, "first", |account| account.refresh_at = Some(at(10))).await;
    insert(&store, "fixed", |account| {
        account.renewable = false;
        account.refresh_at = Some(at(0));
    })
    .await;
    insert(&store, "on-demand", |account| account.refresh_at = None).await;
    let off = insert(&store, "off", |account| account.refresh_at = Some(at(0))).await;
    store.disable(&off, None, at(1)).await.unwrap();
    assert_eq!(asked(&store, 9, 10).await, [""; 0]);
    assert_eq!(asked(&store, 10, 10).await, ["first"]);
    assert_eq!(asked(&store, 50, 10).await, ["first", "second"]);
    assert_eq!(asked(&store, 50, 1).await, ["first"]);

    // One that is leased is nobody else's; a lease from a clock that has jumped is none.
    lease(&store, &"first".into(), 1, "me", 50).await;
    assert_eq!(asked(&store, 60, 10).await, ["second"]);
    assert_eq!(asked(&store, 110, 10).await, ["first", "second"]);
    assert_eq!(asked(&store, 49, 10).await, ["first", "second"]);

    // After a failure not before its time, unless that lies further off than any backoff.
    fail(&store, &"second".into(), 120, 150, None).await;
    assert_eq!(asked(&store, 149, 10).await, ["first"]);
    assert_eq!(asked(&store, 150, 10).await, ["first", "second"]);
    assert_eq!(asked(&store, 49, 10).await, ["first", "second"]);

    // A refused grant is tried again at its own pace.
    let refused = insert(&store, "refused", |account| {
        account.refresh_at = Some(at(0))
    })
    .await;
    fail(&store, &refused, 200, 900, Some(Status::NeedsReauth)).await;
    assert_eq!(asked(&store, 899, 10).await, ["first", "second"]);
    assert_eq!(asked(&store, 900, 10).await, ["first", "second", "refused"]);
    assert_eq!(
        asked(&store, -101, 10).await,
        ["refused"],
        "its clock has jumped"
    );
    assert_eq!(asked(&store, -100, 10).await, [""; 0]);
}

pub(crate) async fn soonest(place: Place) {
    let store = place.open().await;
    let soonest = || async { Dyn::soonest(&store).await.unwrap() };
    assert_eq!(soonest().await, None);
    insert(&store, "on-demand", |account| account.refresh_at = None).await;
    assert_eq!(soonest().await, None);
    insert(&store, "later", |_| {}).await;
    assert_eq!(soonest().await, Some(at(3500)));
    let first = insert(&store, "first", |account| account.refresh_at = Some(at(10))).await;
    assert_eq!(soonest().await, Some(at(10)));
    // While it is leased, its turn comes when the lease ends.
    let held = lease(&store, &first, 1, "me", 20).await;
    assert_eq!(soonest().await, Some(at(80)));
    assert!(Dyn::renew(&store, &held, at(5000)).await.unwrap());
    assert_eq!(soonest().await, Some(at(3500)));
    fail(&store, &first, 5000, 5100, None).await;
    assert_eq!(soonest().await, Some(at(3500)));
    store.disable(&"later".into(), None, at(0)).await.unwrap();
    assert_eq!(soonest().await, Some(at(5100)));
}
