//! One vendor that misbehaves on demand, for the tour of the README.
//!
//! ```sh
//! cargo run -p leeward-vendors --example vendor             # calls itself, shows what it does, and ends
//! cargo run -p leeward-vendors --example vendor -- --serve  # serves 127.0.0.1:4199 until it is killed
//! ```
//!
//! | request | what comes of it |
//! | --- | --- |
//! | `POST /log-in` | a person agrees: an access token that lives for 4 s, and a refresh token that works once |
//! | `POST /token` | `grant_type=refresh_token`; a refresh token that comes a second time revokes the grant |
//! | `GET /v3/contacts`, `/v3/contacts/{id}` | bearer alone; contacts page by cursor, nested |
//! | `GET /v3/contacts/13` | every other answer breaks off in the middle |
//! | `GET /v3/export` | once in 5 s; else a 403 whose body says `TOO_FAST` |
//! | `GET /api/people`, `/api/people/{id}` | `X-Api-Key` alone; the same contacts, flat, by offset; failures come as a 200 |
//! | `POST /outage`, `POST /recovery` | from now on every connection of the data paths is closed; no longer |

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use leeward_vendors::{
    Behaviour, Books, Call, CursorContacts, Grants, OffsetContacts, Reply, Server,
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Where the tour expects it.
const PORT: u16 = 4199;
/// The key of `deploy/local/accounts/people.yaml`.
const API_KEY: &str = "local-people-key";
/// How long an access token lives.
const LIFETIME: Duration = Duration::from_secs(4);
/// Between two exports.
const EXPORT_EVERY: Duration = Duration::from_secs(5);
/// Contacts that it keeps.
const CONTACTS: usize = 25;

/// See the table above.
struct Crm {
    grants: Grants,
    contacts: CursorContacts,
    people: OffsetContacts,
    away: AtomicBool,
    asked_for_13: AtomicU64,
    exported: Mutex<Option<Instant>>,
}

impl Crm {
    fn new() -> Self {
        let seed = u64::from(std::process::id());
        Self {
            grants: Grants::new(seed, LIFETIME, Duration::from_millis(100)),
            contacts: CursorContacts::new(CONTACTS),
            people: OffsetContacts::new(CONTACTS),
            away: AtomicBool::new(false),
            asked_for_13: AtomicU64::new(0),
            exported: Mutex::new(None),
        }
    }

    fn log_in(&self) -> Reply {
        let grant = self.grants.log_in();
        let pair = json!({
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "expires_in": LIFETIME.as_secs(),
        });
        Reply::json(200, &pair)
    }

    fn set_away(&self, away: bool) -> Reply {
        self.away.store(away, Ordering::SeqCst);
        Reply::json(200, &json!({ "away": away }))
    }

    fn export(&self) -> Reply {
        let mut exported = self.exported.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match *exported {
            Some(last) if now.duration_since(last) < EXPORT_EVERY => {
                let left = EXPORT_EVERY.saturating_sub(now.duration_since(last));
                let slow_down = json!({
                    "code": "TOO_FAST",
                    "message": "one export in 5 seconds",
                    "retry_after": left.as_secs() + 1,
                });
                Reply::json(403, &slow_down)
            }
            _ => {
                *exported = Some(now);
                Reply::json(200, &json!({ "exported": CONTACTS }))
            }
        }
    }

    fn contact(&self, call: &Call, books: &Books) -> Reply {
        let unlucky = call.head.uri.path() == "/v3/contacts/13"
            && self
                .asked_for_13
                .fetch_add(1, Ordering::SeqCst)
                .is_multiple_of(2);
        match self.contacts.reply(call, books) {
            Reply::Answer(answer) if unlucky => Reply::Torn(answer, 20),
            reply => reply,
        }
    }
}

impl Behaviour for Crm {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        let path = call.head.uri.path();
        match (call.head.method.as_str(), path) {
            ("POST", "/log-in") => return self.log_in(),
            ("POST", "/token") => return self.grants.token_call(call, books),
            ("POST", "/outage") => return self.set_away(true),
            ("POST", "/recovery") => return self.set_away(false),
            _ => {}
        }
        if self.away.load(Ordering::SeqCst) {
            return Reply::Close;
        }
        let key = call.head.headers.get("x-api-key");
        if path.starts_with("/api/") && key.is_some_and(|key| key.as_bytes() == API_KEY.as_bytes())
        {
            return self.people.reply(call, books);
        }
        if path.starts_with("/v3/") && call.bearer().is_some_and(|token| self.grants.admits(token))
        {
            return if path == "/v3/export" {
                self.export()
            } else {
                self.contact(call, books)
            };
        }
        Reply::json(
            401,
            &json!({ "message": "no credential, or one that is over" }),
        )
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let vendor = Server::start(Crm::new()).await?;
    match std::env::args().nth(1).as_deref() {
        Some("--serve") => serve(vendor.address()).await,
        None => show(&vendor.url()).await,
        Some(other) => Err(format!("unknown argument {other:?}; there is --serve").into()),
    }
}

/// Passes bytes from the fixed port to the vendor, which has one of its own.
async fn serve(vendor: SocketAddr) -> Result<(), BoxError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).await?;
    println!("a vendor that misbehaves on demand: http://127.0.0.1:{PORT}");
    loop {
        let (mut caller, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Ok(mut vendor) = TcpStream::connect(vendor).await {
                // Either side may break off, which is what this vendor is for.
                let _ = tokio::io::copy_bidirectional(&mut caller, &mut vendor).await;
            }
        });
    }
}

/// What a client meets that calls it without shelter.
async fn show(url: &str) -> Result<(), BoxError> {
    let call = |method: Method, path: &str, token: &str, body: &str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("{url}{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(Full::new(Bytes::from(body.to_owned())));
        async move { exchange(request?).await }
    };
    let (_, grant) = call(Method::POST, "/log-in", "", "").await?;
    let (access, refresh) = (text(&grant, "access_token"), text(&grant, "refresh_token"));
    let renew = format!("grant_type=refresh_token&refresh_token={refresh}");

    for (method, path, token, body) in [
        (Method::GET, "/v3/contacts/7", access, ""),
        (Method::GET, "/v3/contacts/7", "of last week", ""),
        (Method::GET, "/v3/contacts/13", access, ""),
        (Method::GET, "/v3/export", access, ""),
        (Method::GET, "/v3/export", access, ""),
        (Method::POST, "/token", "", renew.as_str()),
        (Method::POST, "/token", "", renew.as_str()),
        (Method::POST, "/outage", "", ""),
        (Method::GET, "/v3/contacts/7", access, ""),
    ] {
        match call(method.clone(), path, token, body).await {
            Ok((status, body)) => println!("{method} {path}: {status} {body}"),
            Err(error) => println!("{method} {path}: {error}"),
        }
    }
    Ok(())
}

async fn exchange(request: Request<Full<Bytes>>) -> Result<(u16, Value), BoxError> {
    // A new connection for each call: what the last one did to its own is its own affair.
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response: Response<_> = client
        .request(request)
        .await
        .map_err(|_| "the connection was closed")?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await;
    let body = body
        .map_err(|_| "the answer broke off in the middle")?
        .to_bytes();
    Ok((status, serde_json::from_slice(&body)?))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
