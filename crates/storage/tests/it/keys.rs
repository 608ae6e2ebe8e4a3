//! What is secret, and under which key.

use std::path::Path;
use std::process::Command;

use leeward_storage::{Filter, Keys, OpenError, Origin, Replaced, Store};

use crate::place::{KEY, NEW_KEY, Place, Secret, load, put, record};

pub(crate) async fn a_wrong_key_is_said_at_open(place: Place) {
    place.open().await.close().await;
    for _ in 0..2 {
        let fault = Store::open(&place.url, Keys::parse([NEW_KEY]).unwrap())
            .await
            .unwrap_err();
        let text = fault.to_string();
        assert!(matches!(fault, OpenError::WrongKey { .. }), "{text}");
        assert!(!fault.is_transient());
        assert!(
            text.contains("630dcd2966c43366") && !text.contains('\n'),
            "{text}"
        );
    }
    // The attempt left nothing behind.
    place.open().await;
}

pub(crate) async fn rotation(place: Place) {
    let old = place.open_with(&[KEY]).await;
    let account = put(&old, "acme").await;

    // New at the end: what is written still opens for processes that know the old one alone.
    let both = place.open_with(&[KEY, NEW_KEY]).await;
    put(&both, "second").await;
    assert_eq!(
        load(&old, &"second".into()).await.credential,
        Secret::numbered(0)
    );
    place.open_with(&[KEY]).await;

    // New at the front: it seals, the old one still opens.
    let new = place.open_with(&[NEW_KEY, KEY]).await;
    put(&new, "third").await;
    for id in ["acme", "second", "third"] {
        assert_eq!(
            load(&both, &id.into()).await.credential,
            Secret::numbered(0)
        );
    }
    // The old key cannot go yet, and the start says so.
    let early = Store::open(&place.url, Keys::parse([NEW_KEY]).unwrap()).await;
    assert!(matches!(early, Err(OpenError::WrongKey { .. })));

    let position = new.position().await.unwrap();
    let done = new.reseal().await.unwrap();
    assert_eq!((done.moved, done.left), (2, 0));
    assert_eq!(new.reseal().await.unwrap().moved, 0);
    assert_eq!(new.position().await.unwrap(), position);
    let alone = place.open_with(&[NEW_KEY]).await;
    for id in ["acme", "second", "third"] {
        let found = load(&alone, &id.into()).await;
        assert_eq!((found.version, found.credential), (1, Secret::numbered(0)));
    }
    let mut other = record("acme");
    other.credential = Secret::numbered(2);
    assert!(matches!(
        alone.replace(&other, Origin::Api, 1).await.unwrap(),
        Replaced::Done(_)
    ));
    assert_eq!(load(&alone, &account).await.credential, Secret::numbered(2));
    let back = Store::open(&place.url, Keys::parse([KEY]).unwrap()).await;
    assert!(matches!(back, Err(OpenError::WrongKey { .. })));
}

pub(crate) async fn moved_ciphertext_does_not_open(place: Place) {
    let store = place.open().await;
    let (a, b) = (put(&store, "a").await, put(&store, "b").await);
    place
        .sql("UPDATE leeward_accounts SET sealed = (SELECT sealed FROM leeward_accounts WHERE id = 'a')")
        .await;
    assert_eq!(load(&store, &a).await.credential, Secret::numbered(0));
    let fault = store.get::<Secret>(&b).await.unwrap_err().to_string();
    assert!(fault.contains("belong to another row"), "{fault}");
    // Nor under another name.
    place
        .sql("UPDATE leeward_accounts SET id = 'c' WHERE id = 'a'")
        .await;
    assert!(store.get::<Secret>(&"c".into()).await.is_err());
    // What cannot be read cannot be leased: nobody would be helped.
    let until = crate::place::at(60);
    let leased = leeward_auth_refresh::CredentialStore::<Secret>::acquire(
        &store,
        &b,
        1,
        "me",
        crate::place::at(0),
        until,
        crate::place::LONGEST,
    );
    leased.await.unwrap_err();
    assert_eq!(store.get_row(&b).await.unwrap().unwrap().record.lease, None);
    // A resealing leaves what it cannot open, and its key's proof with it.
    let new = place.open_with(&[NEW_KEY, KEY]).await;
    assert_eq!(new.reseal().await.unwrap().left, 2);
    place.open_with(&[NEW_KEY, KEY]).await;
}

/// Looks through every byte on the disk.
pub(crate) async fn no_secret_in_clear(place: Place) {
    let store = place.open().await;
    let mut account = record("visible-account-name");
    account.credential = Secret {
        access: "needle-access-7f3a".to_owned(),
        refresh: "needle-refresh-7f3a".to_owned(),
    };
    store.insert(&account, Origin::Api).await.unwrap().unwrap();
    store.replace(&account, Origin::Api, 1).await.unwrap();
    assert_eq!(
        store
            .list_rows(&Filter::default(), None, 9)
            .await
            .unwrap()
            .accounts
            .len(),
        1
    );
    if !place.url.starts_with("sqlite") {
        place.sql("CHECKPOINT").await;
    }
    assert!(
        holds(&place.files, "visible-account-name"),
        "the search looks in the wrong place"
    );
    assert!(!holds(&place.files, "needle-"), "a secret lies in clear");
    assert!(!holds(&place.files, KEY));
    store.close().await;
    assert!(!holds(&place.files, "needle-"));
}

/// By grep, which is quick where a debug build is not.
fn holds(path: &Path, needle: &str) -> bool {
    let found = Command::new("grep")
        .args(["-r", "-q", "-a", "-F", "-s", needle])
        .arg(path)
        .status();
    // Files of a running server come and go: 2 means that one was not there, and none held it.
    match found.unwrap().code() {
        Some(0) => true,
        Some(1 | 2) => false,
        other => panic!("grep: {other:?}"),
    }
}
