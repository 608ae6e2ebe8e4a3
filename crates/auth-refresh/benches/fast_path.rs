//! What the layer adds to a request whose token is in hand, in ns per call, beside the bare service
//! in the same run. Rounds of all candidates are interleaved, and the median round of each counts.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderValue, Request, Response};
use leeward_auth_refresh::{
    AccountId, AuthLayer, Authenticate, BoxFuture, CredentialError, Current, Failure, Granted,
    Incomplete, Keeper, MemoryStore, Record, RefreshPolicy, Sending, Settings, TokenProtocol,
};
use tower::{Layer, Service};

const CALLS: u32 = 20_000;
const ROUNDS: usize = 41;

/// Answers at once.
#[derive(Clone)]
struct Bare;

#[derive(Debug)]
struct Refused;

impl From<CredentialError> for Refused {
    fn from(_: CredentialError) -> Self {
        Self
    }
}

impl Service<Request<()>> for Bare {
    type Response = Response<usize>;
    type Error = Refused;
    type Future = Ready<Result<Response<usize>, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        ready(Ok(Response::new(request.headers().len())))
    }
}

/// The same with the header put on by hand: the least that any layer must do.
#[derive(Clone)]
struct ByHand(HeaderValue);

impl Service<Request<()>> for ByHand {
    type Response = Response<usize>;
    type Error = Refused;
    type Future = Ready<Result<Response<usize>, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<()>) -> Self::Future {
        let headers = request.headers_mut();
        headers.insert(http::header::AUTHORIZATION, self.0.clone());
        Bare.call(request)
    }
}

#[derive(Clone)]
struct Bearer {
    account: AccountId,
    copies: bool,
}

impl Authenticate<()> for Bearer {
    type Credential = HeaderValue;

    fn account(&self, _: &Request<()>) -> Option<AccountId> {
        Some(self.account.clone())
    }

    fn apply(
        &self,
        current: &Current<HeaderValue>,
        request: &mut Request<()>,
    ) -> Result<(), Incomplete> {
        let value = current.credential.clone();
        request
            .headers_mut()
            .insert(http::header::AUTHORIZATION, value);
        Ok(())
    }

    fn copy(&self, request: &Request<()>) -> Option<Request<()>> {
        self.copies.then(|| request.clone())
    }
}

struct NeverAsked;

impl TokenProtocol<HeaderValue> for NeverAsked {
    fn obtain<'a>(
        &'a self,
        _: &'a Record<HeaderValue>,
        _: SystemTime,
        _: &'a Sending<'a>,
    ) -> BoxFuture<'a, Result<Granted<HeaderValue>, Failure>> {
        Box::pin(async { Err(Failure::not_sent("a benchmark buys nothing")) })
    }

    fn policy(&self, _: &str, _: &AccountId) -> RefreshPolicy {
        RefreshPolicy::default()
    }
}

fn request() -> Request<()> {
    let mut request = Request::new(());
    let headers = request.headers_mut();
    headers.insert("accept", HeaderValue::from_static("application/json"));
    request
}

/// ns per call of one round.
async fn round<S>(service: &mut S) -> f64
where
    S: Service<Request<()>, Response = Response<usize>, Error = Refused>,
{
    let began = Instant::now();
    for _ in 0..CALLS {
        std::future::poll_fn(|cx| service.poll_ready(cx))
            .await
            .unwrap();
        black_box(service.call(black_box(request())).await.unwrap());
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn median(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let store = MemoryStore::new();
    let now = SystemTime::now();
    let value = HeaderValue::from_static("Bearer an-access-token-of-some-length");
    for n in 0..1000 {
        store.put(Record {
            renewable: true,
            expires_at: Some(now + Duration::from_secs(3600)),
            refresh_at: Some(now + Duration::from_secs(3500)),
            ..Record::new(format!("token-{n}"), "vendor", value.clone(), now)
        });
    }
    store.put(Record::new("key", "vendor", value.clone(), now));
    let accounts = store.accounts();
    let (keeper, driver) = Keeper::new(Arc::new(store), Arc::new(NeverAsked), Settings::default());
    tokio::spawn(driver);
    for account in &accounts {
        keeper.credential(account, None).await.unwrap();
    }
    let layered = |account: &str, copies: bool| {
        let account = AccountId::from(account);
        AuthLayer::new(keeper.clone(), Bearer { account, copies }).layer(Bare)
    };

    let (mut bare, mut by_hand) = (Bare, ByHand(value));
    let mut key = layered("key", false);
    let mut token = layered("token-500", false);
    let mut copied = layered("token-500", true);
    let mut rounds: [Vec<f64>; 5] = Default::default();
    for n in 0..=ROUNDS {
        let measured = [
            round(&mut bare).await,
            round(&mut by_hand).await,
            round(&mut key).await,
            round(&mut token).await,
            round(&mut copied).await,
        ];
        // The first warms up.
        if n > 0 {
            for (rounds, measured) in rounds.iter_mut().zip(measured) {
                rounds.push(measured);
            }
        }
    }

    let names = [
        "bare service",
        "header put on by hand",
        "layer, a given key",
        "layer, a token that expires",
        "layer, the same with a copy kept for a repeat",
    ];
    let medians = rounds.each_mut().map(|rounds| median(rounds));
    println!(
        "{CALLS} calls a round, median of {ROUNDS} interleaved rounds, 1,001 accounts in hand"
    );
    for (name, ns) in names.iter().zip(medians) {
        let (over, ratio) = (ns - medians[0], ns / medians[0]);
        println!("{name:<48} {ns:>7.1} ns   +{over:>6.1} ns   {ratio:>5.2}x bare");
    }
}
