//! How one process notices what another did.

use leeward_auth_refresh::{CredentialStore, Record, Status};
use leeward_storage::Store;

use crate::place::{Place, Secret, at, lease, put, record};
use leeward_storage::Origin;

type Dyn = dyn CredentialStore<Secret>;

async fn told(store: &Store, position: &mut u64) -> Vec<(String, u64, bool)> {
    let changes = store.changes_since(*position, 100).await.unwrap();
    assert!(!changes.more && !changes.reset);
    assert!(changes.changes.is_sorted_by_key(|change| change.changed));
    *position = changes.upto;
    let told = changes.changes.into_iter();
    told.map(|change| (change.account.to_string(), change.version, change.deleted))
        .collect()
}

fn change(id: &str, version: u64, deleted: bool) -> (String, u64, bool) {
    (id.to_owned(), version, deleted)
}

pub(crate) async fn told_once_and_in_order(place: Place) {
    let (ours, theirs) = (place.open().await, place.open().await);
    let mut position = ours.position().await.unwrap();
    assert_eq!(told(&ours, &mut position).await, []);

    let a = put(&theirs, "a").await;
    let b = put(&theirs, "b").await;
    assert_eq!(
        told(&ours, &mut position).await,
        [change("a", 1, false), change("b", 1, false)]
    );
    assert_eq!(told(&ours, &mut position).await, []);

    // A lease and its renewal are nobody's business; what was bought is.
    let held = lease(&theirs, &a, 1, "them", 0).await;
    assert!(Dyn::renew(&theirs, &held, at(100)).await.unwrap());
    assert!(Dyn::mark_sent(&theirs, &held, at(1)).await.unwrap());
    assert_eq!(told(&ours, &mut position).await, []);
    let renewed = leeward_auth_refresh::Renewed {
        credential: Secret::numbered(1),
        expires_at: None,
        refresh_at: None,
        refresh_expires_at: None,
        refreshed_at: at(2),
    };
    theirs.commit(&held, renewed).await.unwrap().unwrap();
    let gone = theirs
        .set_status(&b, None, Status::NeedsReauth, None, at(3))
        .await;
    let _: Option<Record<Secret>> = gone.unwrap();
    assert_eq!(
        told(&ours, &mut position).await,
        [change("a", 2, false), change("b", 1, false)]
    );

    // Only the last change of each is told.
    theirs.disable(&b, None, at(4)).await.unwrap();
    theirs.enable(&b, at(5)).await.unwrap();
    theirs.delete(&a, None, at(6)).await.unwrap();
    assert_eq!(
        told(&ours, &mut position).await,
        [change("b", 1, false), change("a", 2, true)]
    );
    let before = position;
    theirs.delete(&b, None, at(7)).await.unwrap();
    put(&theirs, "a").await;
    assert_eq!(
        told(&ours, &mut position).await,
        [change("b", 1, true), change("a", 3, false)]
    );

    // A page at a time.
    let page = ours.changes_since(before, 1).await.unwrap();
    assert_eq!((page.changes.len(), page.more), (1, true));
    let rest = ours.changes_since(page.upto, 100).await.unwrap();
    assert_eq!(rest.changes[0].account.as_str(), "a");
    assert_eq!(rest.upto, position);

    // A position that the store never gave (it was restored from a backup).
    let reset = ours.changes_since(position + 1, 100).await.unwrap();
    assert!(reset.reset && reset.changes.is_empty());
    assert_eq!(reset.upto, position);
}

pub(crate) async fn old_deletions_are_forgotten(place: Place) {
    const DAY: i64 = 24 * 60 * 60;
    let store = place.open().await;
    let start = store.position().await.unwrap();
    let accounts = [put(&store, "a").await, put(&store, "b").await];
    store.delete(&accounts[0], None, at(0)).await.unwrap();
    let between = store.position().await.unwrap();
    store.delete(&accounts[1], None, at(DAY + 1)).await.unwrap();
    // Who was away for longer must read all accounts again.
    assert!(store.changes_since(start, 100).await.unwrap().reset);
    let mut position = between;
    assert_eq!(told(&store, &mut position).await, [change("b", 1, true)]);
}

/// Eight writers and one reader: every write is told, though writers end in another order than they began.
pub(crate) async fn none_is_missed_among_writers(place: Place) {
    const WRITES: u64 = 12;
    let reader = place.open().await;
    let mut position = reader.position().await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..8 {
        let place = place.clone();
        writers.spawn(async move {
            let store = place.open().await;
            let mut account = record(&format!("a{number}"));
            store.insert(&account, Origin::Api).await.unwrap().unwrap();
            for version in 1..WRITES {
                account.credential = Secret::numbered(version);
                store.replace(&account, Origin::Api, version).await.unwrap();
            }
        });
    }
    let mut last = std::collections::BTreeMap::new();
    let mut done = false;
    loop {
        for (id, version, _) in told(&reader, &mut position).await {
            assert!(
                last.insert(id, version)
                    .is_none_or(|before| before < version)
            );
        }
        if done {
            break;
        }
        done = match tokio::time::timeout(std::time::Duration::ZERO, writers.join_next()).await {
            Ok(None) => true,
            Ok(Some(written)) => {
                written.unwrap();
                false
            }
            Err(_) => false,
        };
    }
    assert_eq!(last.len(), 8);
    assert!(last.values().all(|version| *version == WRITES), "{last:?}");
}
