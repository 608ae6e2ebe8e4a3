//! A client whose tokens live two seconds, around a plain hyper-util client: `cargo run -p
//! leeward-auth-refresh --example refresh`.
//!
//! The server rotates the refresh token with each purchase, refuses one that was used before, and
//! once forgets every access token it gave out. The client sees none of it.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_auth_refresh::{
    AccountId, AuthLayer, Authenticate, BoxFuture, Current, Failure, Granted, Incomplete, Keeper,
    MemoryStore, Observe, Record, RefreshPolicy, Refreshed, Sending, Settings, TokenProtocol,
};
use tower::{BoxError, Layer, ServiceExt};

const LIFE: Duration = Duration::from_secs(2);

type Plain = Client<HttpConnector, Empty<Bytes>>;

/// What is kept for an account. Its `Debug` must show nothing; here it has none.
#[derive(Clone)]
struct Tokens {
    access: String,
    refresh: String,
}

/// Buys tokens at the server's `/token`.
struct Exchange {
    client: Plain,
    server: String,
}

impl Exchange {
    async fn call(
        &self,
        record: &Record<Tokens>,
        now: SystemTime,
        sending: &Sending<'_>,
    ) -> Result<Granted<Tokens>, Failure> {
        let target = format!("{}/token?{}", self.server, record.credential.refresh);
        let request = Request::post(target)
            .body(Empty::new())
            .map_err(|_| Failure::not_sent("no lawful address"))?;
        sending().await?;
        let response = self.client.request(request).await.map_err(|error| {
            // A connection that failed is told from a call whose end nobody knows.
            if error.is_connect() {
                Failure::not_sent(error.to_string())
            } else {
                Failure::unanswered(error.to_string())
            }
        })?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| Failure::unanswered(error.to_string()))?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        match (status, text.split_once(' ')) {
            (StatusCode::OK, Some((access, refresh))) => Ok(Granted {
                credential: Tokens {
                    access: access.to_owned(),
                    refresh: refresh.to_owned(),
                },
                expires_at: Some(now + LIFE),
                refresh_expires_at: None,
            }),
            (StatusCode::BAD_REQUEST, _) => Err(Failure::Refused { reason: text }),
            _ => Err(Failure::Transient {
                reason: status.to_string(),
                retry_after: None,
            }),
        }
    }
}

impl TokenProtocol<Tokens> for Exchange {
    fn obtain<'a>(
        &'a self,
        record: &'a Record<Tokens>,
        now: SystemTime,
        sending: &'a Sending<'a>,
    ) -> BoxFuture<'a, Result<Granted<Tokens>, Failure>> {
        Box::pin(self.call(record, now, sending))
    }

    fn policy(&self, _: &str, _: &AccountId) -> RefreshPolicy {
        RefreshPolicy::default()
    }
}

#[derive(Clone)]
struct Bearer;

impl Authenticate<Empty<Bytes>> for Bearer {
    type Credential = Tokens;

    fn account(&self, _: &Request<Empty<Bytes>>) -> Option<AccountId> {
        Some(AccountId::from("acme"))
    }

    fn apply(
        &self,
        current: &Current<Tokens>,
        request: &mut Request<Empty<Bytes>>,
    ) -> Result<(), Incomplete> {
        let value = format!("Bearer {}", current.credential.access);
        let value = HeaderValue::try_from(value).map_err(|_| Incomplete {
            missing: "a token that a header can hold".into(),
        })?;
        request.headers_mut().insert("authorization", value);
        Ok(())
    }

    fn copy(&self, request: &Request<Empty<Bytes>>) -> Option<Request<Empty<Bytes>>> {
        Some(request.clone())
    }
}

struct Print(Instant);

impl Observe for Print {
    fn refreshed(&self, _: &str, result: Refreshed) {
        let at = self.0.elapsed().as_millis();
        println!("{at:>5} ms  token call: {}", result.as_str());
    }
}

/// The server's side.
#[derive(Default)]
struct Issuer {
    latest: AtomicU32,
    living: Mutex<HashSet<String>>,
}

impl Issuer {
    fn living(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(self: &Arc<Self>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, text) = if request.uri().path() == "/token" {
            self.token(request.uri().query().unwrap_or_default())
        } else {
            let shown = request.headers().get("authorization");
            let shown = shown.and_then(|value| value.to_str().ok()).unwrap_or("");
            if self.living().contains(shown) {
                (StatusCode::OK, "here you are".to_owned())
            } else {
                (StatusCode::UNAUTHORIZED, "who are you?".to_owned())
            }
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response
    }

    fn token(self: &Arc<Self>, refresh: &str) -> (StatusCode, String) {
        let latest = self.latest.load(Ordering::Relaxed);
        if refresh != format!("refresh-{latest}") {
            return (StatusCode::BAD_REQUEST, "invalid_grant".to_owned());
        }
        self.latest.store(latest + 1, Ordering::Relaxed);
        let access = format!("access-{}", latest + 1);
        let shown = format!("Bearer {access}");
        self.living().insert(shown.clone());
        let issuer = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(LIFE).await;
            issuer.living().remove(&shown);
        });
        (StatusCode::OK, format!("{access} refresh-{}", latest + 1))
    }
}

async fn serve(issuer: Arc<Issuer>) -> Result<String, BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let issuer = Arc::clone(&issuer);
            let service = hyper::service::service_fn(move |request| {
                let answer = issuer.answer(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    Ok(address)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let issuer = Arc::new(Issuer::default());
    let server = serve(Arc::clone(&issuer)).await?;
    let plain: Plain = Client::builder(TokioExecutor::new()).build_http();

    let store = MemoryStore::new();
    let now = SystemTime::now();
    store.put(Record {
        renewable: true,
        expires_at: Some(now), // nothing to use yet: the first request buys
        ..Record::new(
            "acme",
            "vendor",
            Tokens {
                access: String::new(),
                refresh: "refresh-0".into(),
            },
            now,
        )
    });
    let protocol = Exchange {
        client: plain.clone(),
        server: server.clone(),
    };
    let began = Instant::now();
    let settings = Settings {
        observe: Arc::new(Print(began)),
        ..Settings::default()
    };
    let (keeper, driver) = Keeper::new(Arc::new(store), Arc::new(protocol), settings);
    let driver = tokio::spawn(driver);

    // The layer's refusals become the error of the whole: a box holds either.
    let client = AuthLayer::new(keeper.clone(), Bearer).layer(plain.map_err(BoxError::from));
    let (mut good, mut bad) = (0, 0);
    for n in 0..80 {
        if n == 60 {
            println!("{:>5} ms  the server forgets", began.elapsed().as_millis());
            issuer.living().clear();
        }
        let request = Request::get(format!("{server}/data")).body(Empty::new())?;
        match client.clone().oneshot(request).await {
            Ok(response) if response.status().is_success() => good += 1,
            Ok(response) => {
                bad += 1;
                println!("answered {}", response.status());
            }
            Err(error) => {
                bad += 1;
                println!("failed: {error}");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{good} requests good, {bad} bad, with tokens that live {LIFE:?}");
    keeper.shutdown();
    driver.await?;
    Ok(())
}
