//! The schemes behind the trait of `leeward-auth-refresh`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use leeward_auth_refresh::{
    AccountId, BoxFuture, Failure, Fenced, Granted, Record, RefreshPolicy, TokenProtocol,
};
use leeward_auth_schemes::{
    Bearer, ProviderAuth, Scheme, SchemeProtocol, Secrets, TokenCall, Transport, TransportError,
};
use leeward_expression::Expression;
use serde_json::json;

use crate::{endpoint, map, now, secs, template};

type Reply = Result<Response<Bytes>, TransportError>;

/// Answers once, and keeps what it was sent.
#[derive(Clone)]
struct Scripted {
    reply: Arc<Mutex<Option<Reply>>>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Transport for Scripted {
    fn send<'a>(&'a self, call: TokenCall<'a>, request: Request<Bytes>) -> BoxFuture<'a, Reply> {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        self.sent
            .lock()
            .unwrap()
            .push(format!("{} {} {body}", call.provider, call.account));
        let reply = self.reply.lock().unwrap().take().unwrap();
        Box::pin(async move { reply })
    }
}

fn reply(status: u16, body: &'static str) -> Reply {
    Ok(Response::builder()
        .status(status)
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap())
}

struct Tried {
    result: Result<Granted<Secrets>, Failure>,
    sent: Vec<String>,
    marked: usize,
}

async fn obtain(scheme: Scheme, record: &Record<Secrets>, answer: Reply, fenced: bool) -> Tried {
    let auth = Arc::new(ProviderAuth::new(scheme, Vec::new(), RefreshPolicy::default()).unwrap());
    let transport = Scripted {
        reply: Arc::new(Mutex::new(Some(answer))),
        sent: Arc::default(),
    };
    let sent = Arc::clone(&transport.sent);
    let providers =
        move |provider: &str, _: &AccountId| (provider == "crm").then(|| Arc::clone(&auth));
    let protocol = SchemeProtocol::new(providers, transport).clock(|| now() + secs(1));
    let marked = AtomicUsize::new(0);
    let sending = || -> BoxFuture<'_, Result<(), Fenced>> {
        marked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { if fenced { Err(Fenced::lost()) } else { Ok(()) } })
    };
    let result = protocol.obtain(record, now(), &sending).await;
    let sent = sent.lock().unwrap().clone();
    Tried {
        result,
        sent,
        marked: marked.load(Ordering::SeqCst),
    }
}

fn oauth2() -> Scheme {
    let mut endpoint = endpoint();
    endpoint.response.vars = [("host".to_owned(), Expression::compile("host").unwrap())]
        .into_iter()
        .collect();
    Scheme::OAuth2(Box::new(endpoint))
}

fn record(scheme: &Scheme) -> Record<Secrets> {
    let adopted = scheme
        .adopt(
            map(json!({"refresh_token": "refresh-1"})),
            map(json!({"host": "old", "a": 1})),
            now(),
        )
        .unwrap();
    let mut record = Record::new("acme", "crm", adopted.secrets, now());
    record.refresh_expires_at = Some(now() + secs(1_000_000));
    record
}

#[tokio::test]
async fn a_grant_is_bought_and_what_is_left_out_is_carried_over() {
    let record = record(&oauth2());
    let answer = reply(
        200,
        r#"{"access_token": "a2", "refresh_token": "r2", "expires_in": 60, "host": "new"}"#,
    );
    let tried = obtain(oauth2(), &record, answer, false).await;
    assert_eq!(
        tried.sent,
        [
            "crm acme grant_type=refresh_token&refresh_token=refresh-1&client_id=id&client_secret=s%2Fc"
        ]
    );
    assert_eq!(tried.marked, 1);
    let granted = tried.result.unwrap();
    assert_eq!(granted.credential.access_token(), Some("a2"));
    assert_eq!(granted.credential.refresh_token(), Some("r2"));
    assert_eq!(granted.credential.vars, map(json!({"host": "new", "a": 1})));
    assert_eq!(granted.expires_at, Some(now() + secs(60)));
    // The end of the old refresh token says nothing about the new one.
    assert_eq!(granted.refresh_expires_at, None);

    let mut record = record;
    record.credential = granted.credential.clone();
    let tried = obtain(
        oauth2(),
        &record,
        reply(200, r#"{"access_token": "a3"}"#),
        false,
    )
    .await;
    assert!(tried.sent[0].contains("refresh_token=r2"));
    let granted = tried.result.unwrap();
    assert_eq!(granted.credential.refresh_token(), Some("r2"));
    assert_eq!(granted.credential.vars, map(json!({"host": "new", "a": 1})));
    assert_eq!(granted.refresh_expires_at, Some(now() + secs(1_000_000)));
}

#[tokio::test]
async fn failures_are_told_apart() {
    let record = record(&oauth2());
    let failed = |answer: Reply| async {
        obtain(oauth2(), &record, answer, false)
            .await
            .result
            .unwrap_err()
    };
    assert!(matches!(
        failed(reply(400, r#"{"error": "invalid_grant"}"#)).await,
        Failure::Refused { .. }
    ));
    assert!(matches!(
        failed(reply(401, r#"{"error": "invalid_client"}"#)).await,
        Failure::ClientRefused { .. }
    ));
    for (status, body) in [
        (401, ""),
        (500, ""),
        (429, "{}"),
        (200, "{}"),
        (200, "<html>"),
    ] {
        assert!(
            matches!(failed(reply(status, body)).await, Failure::Transient { .. }),
            "{status}"
        );
    }
    let not_sent = TransportError::NotSent {
        reason: "connection refused".into(),
        source: None,
    };
    assert!(matches!(
        failed(Err(not_sent)).await,
        Failure::NotSent { .. }
    ));
    let lost = TransportError::Unanswered {
        reason: "reset".into(),
        source: None,
    };
    assert!(matches!(
        failed(Err(lost)).await,
        Failure::Unanswered { .. }
    ));
}

#[tokio::test]
async fn nothing_goes_out_without_the_mark() {
    let tried = obtain(oauth2(), &record(&oauth2()), reply(200, "{}"), true).await;
    assert!(matches!(tried.result.unwrap_err(), Failure::NotSent { .. }));
    assert!(tried.sent.is_empty());
}

#[tokio::test]
async fn what_lacks_something_is_not_even_marked() {
    let bare = Record::new("acme", "crm", Secrets::default(), now());
    let tried = obtain(oauth2(), &bare, reply(200, "{}"), false).await;
    let failure = tried.result.unwrap_err();
    assert!(
        matches!(&failure, Failure::Incomplete { missing } if missing == "credentials.refresh_token"),
        "{failure:?}"
    );
    assert_eq!((tried.marked, tried.sent.len()), (0, 0));
    let unknown = Record::new("acme", "gone", Secrets::default(), now());
    let tried = obtain(oauth2(), &unknown, reply(200, "{}"), false).await;
    assert!(matches!(tried.result.unwrap_err(), Failure::NotSent { .. }));
    let tried = obtain(Scheme::None, &bare, reply(200, "{}"), false).await;
    assert!(matches!(tried.result.unwrap_err(), Failure::NotSent { .. }));
}

#[tokio::test]
async fn a_client_buys_for_itself() {
    let scheme = Scheme::ClientCredentials(Box::new(endpoint()));
    let record = Record::new("-", "crm", Secrets::default(), now());
    let tried = obtain(
        scheme,
        &record,
        reply(200, r#"{"access_token": "a"}"#),
        false,
    )
    .await;
    assert_eq!(
        tried.sent,
        ["crm - grant_type=client_credentials&client_id=id&client_secret=s%2Fc"]
    );
    assert_eq!(tried.result.unwrap().credential.access_token(), Some("a"));
}

#[tokio::test]
async fn a_computed_bearer_is_made_and_kept() {
    let bearer = Bearer {
        token: template("{{$hmac('sha1', credentials.key, $string(now))}}"),
        assume_expires_in: secs(600),
    };
    let record = Record::new("acme", "crm", crate::given(json!({"key": "k"})), now());
    let tried = obtain(
        Scheme::Bearer(bearer.clone()),
        &record,
        reply(200, ""),
        false,
    )
    .await;
    assert_eq!((tried.marked, tried.sent.len()), (0, 0));
    let granted = tried.result.unwrap();
    assert_eq!(granted.expires_at, Some(now() + secs(600)));
    assert_eq!(granted.credential.access_token().unwrap().len(), 40);
    let bare = Record::new("acme", "crm", Secrets::default(), now());
    let tried = obtain(Scheme::Bearer(bearer), &bare, reply(200, ""), false).await;
    assert!(
        matches!(tried.result.unwrap_err(), Failure::Incomplete { missing } if missing == "credentials.key")
    );
}
