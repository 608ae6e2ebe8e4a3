//! The client: one strategy, the same on both sides.
//!
//! It waits as a 429's or a 503's `Retry-After` says, up to 10 s in all, and does nothing else.
//! Where it holds a token itself (directly), it renews it as a naive client does: when a 401 comes,
//! every caller for itself, and repeats the request once. A grant that the vendor has revoked costs
//! a log-in by a person, which takes [`LOG_IN`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use leeward_vendors::{Grant, Grants, record};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::tally::{Ended, Kind};

/// The most that one request waits, all its waits together.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the client waits for one answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long it takes until a person has logged in again.
const LOG_IN: Duration = Duration::from_secs(5);

/// Where a client's requests go.
#[derive(Debug, Clone)]
pub struct Target {
    /// What stands before `/records/…`.
    pub url: String,
    /// The token that the client holds itself.
    pub session: Option<Arc<Session>>,
}

/// A token in the hands of a naive client.
#[derive(Debug)]
pub struct Session {
    grants: Arc<Grants>,
    token_url: String,
    held: Mutex<(Grant, Option<Instant>)>,
}

impl Session {
    /// A session that begins with a log-in.
    pub fn new(grants: Arc<Grants>, token_url: String) -> Self {
        let grant = grants.log_in();
        Self {
            grants,
            token_url,
            held: Mutex::new((grant, None)),
        }
    }

    fn grant(&self) -> Grant {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.1.is_some_and(|ready| ready <= Instant::now()) {
            *held = (self.grants.log_in(), None);
        }
        held.0.clone()
    }

    fn renewed(&self, grant: Grant) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 = grant;
    }

    fn lost(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.1.get_or_insert(Instant::now() + LOG_IN);
    }
}

/// Sends requests and judges what comes back.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    target: Target,
}

/// An answer, whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Client {
    /// A client with a pool of its own.
    pub fn new(target: Target) -> Self {
        let http = Http::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build_http();
        Self { http, target }
    }

    /// Reads or writes a record, with every wait that the strategy allows.
    pub async fn call(&self, kind: Kind, number: u64) -> Ended {
        let began = Instant::now();
        let mut ended = Ended::default();
        let mut waited = Duration::ZERO;
        let mut renewed = false;
        loop {
            let grant = self.target.session.as_ref().map(|session| session.grant());
            let Some(answer) = self.send(kind, number, grant.as_ref()).await else {
                ended.unknown = true;
                break;
            };
            note(&mut ended, &answer);
            if answer.status == StatusCode::UNAUTHORIZED
                && !renewed
                && let (Some(session), Some(grant)) = (&self.target.session, grant)
            {
                renewed = true;
                if self.renew(session, &grant).await {
                    continue;
                }
            }
            if let Some(wait) = asked_to_wait(&answer)
                && waited + wait <= PATIENCE
            {
                waited += wait;
                tokio::time::sleep(wait).await;
                continue;
            }
            ended.ok = right(kind, number, &answer);
            ended.cached = said(&answer, "leeward-source", "cache");
            ended.unknown = said(&answer, "leeward-error", "upstream_invalid")
                || said(&answer, "leeward-error", "upstream_timeout");
            break;
        }
        ended.took = began.elapsed();
        ended
    }

    async fn send(&self, kind: Kind, number: u64, grant: Option<&Grant>) -> Option<Answer> {
        let builder = match kind {
            Kind::Read => Request::builder()
                .method(Method::GET)
                .uri(format!("{}/records/{number}", self.target.url)),
            Kind::Write => Request::builder()
                .method(Method::POST)
                .uri(format!("{}/records", self.target.url))
                .header(CONTENT_TYPE, "application/json"),
        };
        let builder = match grant {
            Some(grant) => builder.header(AUTHORIZATION, format!("Bearer {}", grant.access_token)),
            None => builder,
        };
        let body = match kind {
            Kind::Read => Bytes::new(),
            Kind::Write => record(number).to_string().into(),
        };
        self.exchange(builder.body(Full::new(body)).ok()?).await
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Option<Answer> {
        let whole = async {
            let (head, body) = self.http.request(request).await.ok()?.into_parts();
            Some(Answer {
                status: head.status,
                headers: head.headers,
                body: body.collect().await.ok()?.to_bytes(),
            })
        };
        tokio::time::timeout(ANSWER, whole).await.ok()?
    }

    async fn renew(&self, session: &Session, grant: &Grant) -> bool {
        let form = format!(
            "grant_type=refresh_token&refresh_token={}",
            grant.refresh_token
        );
        let request = Request::post(&session.token_url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(form.into()));
        let Ok(request) = request else { return false };
        let Some(answer) = self.exchange(request).await else {
            return false;
        };
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match (
            body["access_token"].as_str(),
            body["refresh_token"].as_str(),
        ) {
            (Some(access), Some(refresh)) if answer.status.is_success() => {
                session.renewed(Grant {
                    access_token: access.to_owned(),
                    refresh_token: refresh.to_owned(),
                });
                true
            }
            _ => {
                session.lost();
                false
            }
        }
    }
}

fn note(ended: &mut Ended, answer: &Answer) {
    ended.unauthorized += u64::from(answer.status == StatusCode::UNAUTHORIZED);
    let limited = answer.status != StatusCode::TOO_MANY_REQUESTS
        && serde_json::from_slice::<Value>(&answer.body)
            .is_ok_and(|body| body["code"] == "TOO_FAST");
    ended.odd_limits += u64::from(limited);
}

fn asked_to_wait(answer: &Answer) -> Option<Duration> {
    let may = answer.status == StatusCode::TOO_MANY_REQUESTS
        || answer.status == StatusCode::SERVICE_UNAVAILABLE;
    let seconds = answer.headers.get(RETRY_AFTER)?.to_str().ok()?;
    may.then_some(Duration::from_secs(seconds.parse().ok()?))
}

fn said(answer: &Answer, header: &str, value: &str) -> bool {
    answer.headers.get(header).is_some_and(|said| said == value)
}

fn right(kind: Kind, number: u64, answer: &Answer) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return false;
    };
    match kind {
        Kind::Read => answer.status == StatusCode::OK && body == record(number),
        Kind::Write => {
            answer.status == StatusCode::CREATED && body == json!({ "created": record(number) })
        }
    }
}
