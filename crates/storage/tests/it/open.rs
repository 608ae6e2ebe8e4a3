//! Several starts at once.

use leeward_storage::{Keys, OpenError, Store};

use crate::place::{KEY, NEW_KEY, Place, put};

pub(crate) async fn eight_at_once(place: Place) {
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let place = place.clone();
            tokio::spawn(async move { place.open().await })
        })
        .collect();
    let mut stores = Vec::new();
    for start in starts {
        stores.push(start.await.unwrap());
    }
    for (number, store) in stores.iter().enumerate() {
        put(store, &format!("a{number}")).await;
    }
    assert_eq!(
        stores[0].position().await.unwrap(),
        8,
        "the schema was made once"
    );
}

/// Two that begin a store with different keys: one has it, the other is told.
pub(crate) async fn different_keys_at_once(place: Place) {
    let starts: Vec<_> = (0..6)
        .map(|number| {
            let place = place.clone();
            let key = if number % 2 == 0 { KEY } else { NEW_KEY };
            tokio::spawn(async move {
                let opened = Store::open(&place.url, Keys::parse([key]).unwrap()).await;
                (key, opened.map(drop))
            })
        })
        .collect();
    let mut winners = Vec::new();
    for start in starts {
        match start.await.unwrap() {
            (key, Ok(())) => winners.push(key),
            (_, Err(OpenError::WrongKey { .. })) => {}
            (_, Err(other)) => panic!("{other}"),
        }
    }
    assert_eq!(winners.len(), 3, "one of the keys, wherever it was given");
    assert!(winners.iter().all(|key| *key == winners[0]));
}

pub(crate) async fn a_newer_schema(place: Place) {
    place.open().await.close().await;
    place
        .sql("INSERT INTO leeward_schema_version (version, name) VALUES (99, 'later')")
        .await;
    let fault = Store::open(&place.url, Keys::parse([KEY]).unwrap())
        .await
        .unwrap_err();
    assert!(
        matches!(
            fault,
            OpenError::Newer {
                found: 99,
                known: 1
            }
        ),
        "{fault}"
    );
}
