//! Credentials as they are put.

use std::time::UNIX_EPOCH;

use leeward_auth_schemes::{Map, Scheme, Secrets};
use serde_json::{Value, json};

use crate::{endpoint, map, now, secs, template};

fn oauth2() -> Scheme {
    Scheme::OAuth2(Box::new(endpoint()))
}

fn adopt(scheme: &Scheme, credentials: Value) -> leeward_auth_schemes::Adopted {
    scheme.adopt(map(credentials), Map::new(), now()).unwrap()
}

#[test]
fn a_grant_is_taken_over_with_its_lifetime() {
    for (credentials, expires_at) in [
        (json!({"refresh_token": "r"}), Some(UNIX_EPOCH)),
        (
            json!({"refresh_token": "r", "access_token": "a"}),
            Some(now() + secs(3_600)),
        ),
        (
            json!({"refresh_token": "r", "access_token": "a", "expires_in": 60}),
            Some(now() + secs(60)),
        ),
        (
            json!({"refresh_token": "r", "access_token": "a", "expires_in": 0}),
            Some(now()),
        ),
        (
            json!({"refresh_token": "r", "access_token": "a", "expires_at": 1_767_225_700}),
            Some(now() + secs(100)),
        ),
        (
            json!({"refresh_token": "r", "access_token": "a", "expires_at": "2026-01-01T01:00:00Z"}),
            Some(now() + secs(3_600)),
        ),
        (
            json!({"refresh_token": "r", "access_token": "a", "expires_at": 0}),
            Some(UNIX_EPOCH),
        ),
    ] {
        let adopted = adopt(&oauth2(), credentials.clone());
        assert_eq!(adopted.expires_at, expires_at, "{credentials}");
        assert!(adopted.renewable);
        assert_eq!(adopted.secrets.refresh_token(), Some("r"));
    }
    // Without a refresh token it is used until the vendor says that it is over.
    let bare = adopt(&oauth2(), json!({"access_token": "a"}));
    assert_eq!((bare.expires_at, bare.renewable), (None, false));
    let ends = adopt(
        &oauth2(),
        json!({"refresh_token": "r", "refresh_token_expires_at": "2026-01-02T00:00:00Z"}),
    );
    assert_eq!(ends.refresh_expires_at, Some(now() + secs(86_400)));
}

#[test]
fn what_cannot_be_understood_is_named_and_not_told() {
    for (credentials, name) in [
        (json!({"access_token": 5}), "access_token"),
        (json!({"refresh_token": {"a": "hush"}}), "refresh_token"),
        (json!({"expires_at": "hush"}), "expires_at"),
        (json!({"expires_in": "hush"}), "expires_in"),
        (
            json!({"refresh_token_expires_at": true}),
            "refresh_token_expires_at",
        ),
    ] {
        let fault = oauth2()
            .adopt(map(credentials), Map::new(), now())
            .unwrap_err();
        assert_eq!(fault.name, name);
        assert!(!fault.to_string().contains("hush"));
    }
}

#[test]
fn other_types_have_nothing_to_buy_or_all_of_it() {
    let client = adopt(&Scheme::ClientCredentials(Box::new(endpoint())), json!({}));
    assert_eq!(
        (client.expires_at, client.renewable),
        (Some(UNIX_EPOCH), true)
    );
    let key = adopt(&Scheme::ApiKey, json!({"api_key": "k"}));
    assert_eq!((key.expires_at, key.renewable), (None, false));
    let mut bearer = leeward_auth_schemes::Bearer::default();
    assert_eq!(
        adopt(&Scheme::Bearer(bearer.clone()), json!({"token": "t"})).expires_at,
        None
    );
    bearer.token = template("{{$hmac('sha256', credentials.key, $string(now))}}");
    let computed = adopt(&Scheme::Bearer(bearer.clone()), json!({"key": "k"}));
    assert_eq!(
        (computed.expires_at, computed.renewable),
        (Some(UNIX_EPOCH), true)
    );
    bearer.token = template("{{$hmac('sha256', credentials.key, request.path)}}");
    let each_time = adopt(&Scheme::Bearer(bearer), json!({"key": "k"}));
    assert_eq!((each_time.expires_at, each_time.renewable), (None, false));
}

#[test]
fn credentials_are_known_again() {
    let first = map(json!({"refresh_token": "r1", "access_token": "a1", "expires_in": 60}));
    let mut secrets = oauth2()
        .adopt(first.clone(), Map::new(), now())
        .unwrap()
        .secrets;
    assert!(secrets.has_seen(&first));
    // In another order, at another time.
    assert!(secrets.has_seen(&map(
        json!({"expires_in": 3_600, "access_token": "a1", "refresh_token": "r1"})
    )));
    let second = map(json!({"refresh_token": "r2"}));
    assert!(!secrets.has_seen(&second));
    let mut replaced = oauth2()
        .adopt(second.clone(), Map::new(), now())
        .unwrap()
        .secrets;
    replaced.inherit_seen(&secrets);
    assert!(replaced.has_seen(&first) && replaced.has_seen(&second));
    for i in 0..1_000 {
        secrets.remember(&map(json!({ "refresh_token": i.to_string() })));
    }
    assert_eq!(secrets.seen.len(), 256);
    assert_ne!(
        Secrets::fingerprint(&map(json!({"a": "bc"}))),
        Secrets::fingerprint(&map(json!({"ab": "c"})))
    );
}

#[test]
fn token_variables_stand_over_given_ones() {
    let mut secrets = Secrets::given(Map::new(), map(json!({"host": "given", "a": 1})));
    secrets.set_token_vars(map(json!({"host": "bought"})));
    assert_eq!(secrets.vars, map(json!({"host": "bought", "a": 1})));
    secrets.set_given_vars(map(json!({"host": "given again", "b": 2})));
    assert_eq!(secrets.vars, map(json!({"host": "bought", "b": 2})));
}

#[test]
fn secrets_survive_a_store_and_never_show() {
    let secrets = oauth2()
        .adopt(
            map(json!({"refresh_token": "hush-1", "access_token": "hush-2"})),
            map(json!({"v": "hush-3"})),
            now(),
        )
        .unwrap()
        .secrets;
    let text = serde_json::to_string(&secrets).unwrap();
    assert_eq!(serde_json::from_str::<Secrets>(&text).unwrap(), secrets);
    assert_eq!(
        serde_json::from_str::<Secrets>("{}").unwrap(),
        Secrets::default()
    );
    assert!(!format!("{secrets:?} {:?}", secrets.token).contains("hush"));
}
