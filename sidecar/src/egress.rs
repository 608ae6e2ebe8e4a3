//! The egress listener: from a request to the provider whose stack takes it.

use std::sync::Arc;

use http::header::PROXY_AUTHORIZATION;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Uri};
use hyper::body::Incoming;
use leeward_wire::ProxyTarget;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::body::AppBody;
use crate::call::{Call, Mount, RequestId, Way};
use crate::code::Code;
use crate::error::Error;
use crate::headers;
use crate::metrics::{Outcome, PROXY, ProviderMetrics, Source};
use crate::problem;
use crate::registry::{Entry, Registry};
use crate::stack::Served;
use crate::unified::{self, UnifiedCall};

/// What the egress listener serves from.
#[derive(Debug)]
pub struct Egress {
    registry: Arc<Registry>,
    token: Option<SecretString>,
    // For what never reaches a provider.
    metrics: ProviderMetrics,
}

/// A request that found its provider.
struct Routed {
    entry: Arc<Entry>,
    way: Way,
    // What the vendor gets of the path and query.
    target: Uri,
}

impl Egress {
    /// Serves the providers of the registry; `token` is asked for in `Leeward-Token`, if given.
    pub fn new(registry: Arc<Registry>, token: Option<SecretString>) -> Self {
        let metrics = ProviderMetrics::new(registry.metrics(), "-");
        Self {
            registry,
            token,
            metrics,
        }
    }

    /// Answers one request. What comes back is the stack's own future: nothing is wrapped around it.
    pub fn handle(&self, request: Request<Incoming>) -> Served {
        let began = Instant::now();
        match self.route(&request) {
            Ok(routed) => {
                let mut call = Call::new(routed.way, began);
                call.read_headers(request.headers(), routed.entry.provider());
                let mut request = request.map(AppBody::Incoming);
                *request.uri_mut() = routed.target;
                request.extensions_mut().insert(Arc::new(call));
                routed.entry.stack().serve(request)
            }
            Err(error) => {
                let id = RequestId::random();
                let place = problem::Place {
                    request_id: id.as_str(),
                    ..problem::Place::default()
                };
                let mut response = problem::respond(&error, place);
                let headers = response.headers_mut();
                headers.insert(headers::REQUEST_ID, id.header());
                let live = HeaderValue::from_static(Source::Live.as_str());
                headers.insert(headers::SOURCE, live);
                headers.insert(headers::ATTEMPTS, 0.into());
                let outcome = Outcome::Code(error.code());
                // Of a unified path it is not known whether it names an operation at all.
                let operation = match request.uri().path().starts_with("/proxy/") {
                    true => PROXY,
                    false => "-",
                };
                self.metrics
                    .request(operation, outcome, Source::Live, began.elapsed());
                Box::pin(std::future::ready(response))
            }
        }
    }

    fn route(&self, request: &Request<Incoming>) -> Result<Routed, Error> {
        self.authorize(request.headers())?;
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        if path.starts_with("/proxy/") {
            self.route_proxy(path, request)
        } else if let Some(rest) = path.strip_prefix("/unified/") {
            self.route_unified(rest, request)
        } else {
            Err(Error::refused(
                Code::UnknownResource,
                "no way in begins like this: use /proxy/{provider}/… or /unified/{model}/{resource}",
            ))
        }
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Error> {
        let Some(token) = &self.token else {
            return Ok(());
        };
        let given = headers.get(headers::TOKEN).map(http::HeaderValue::as_bytes);
        let right =
            given.is_some_and(|given| crate::secret::same(given, token.expose_secret().as_bytes()));
        right.then_some(()).ok_or_else(|| {
            Error::refused(
                Code::Unauthorized,
                "the header Leeward-Token is missing or wrong (egress_token is set)",
            )
        })
    }

    fn route_proxy(&self, path: &str, request: &Request<Incoming>) -> Result<Routed, Error> {
        let target = ProxyTarget::parse(path).map_err(invalid)?;
        let entry = self.registry.entry(target.provider).ok_or_else(|| {
            Error::refused(
                Code::UnknownProvider,
                format!("no provider is called {:?}", target.provider),
            )
        })?;
        if let Some(base) = target.base
            && !entry.provider().has_base(base)
        {
            let detail = format!("provider {:?} has no base {base:?}", target.provider);
            return Err(Error::refused(Code::UnknownProvider, detail));
        }
        let uri = target_of(target.tail)?;
        Ok(Routed {
            way: Way::Proxy {
                mount: Mount::new(request.uri(), target.mount.len()),
                base: target.base.map(str::to_owned),
            },
            target: uri,
            entry,
        })
    }

    fn route_unified(&self, rest: &str, request: &Request<Incoming>) -> Result<Routed, Error> {
        let mut call = UnifiedCall::parse(rest, request.method()).map_err(invalid)?;
        let named = request
            .headers()
            .get(headers::PROVIDER)
            .and_then(|name| name.to_str().ok());
        let account = account_named(request.headers());
        let entry = unified::provider_for(&self.registry, &call, named, account.as_deref())?;
        call.settle(&entry)?;
        Ok(Routed {
            entry,
            way: Way::Unified(call),
            target: Uri::from_static("/"),
        })
    }
}

/// Stands for no path at all, which a `Uri` cannot be: `/proxy/name` leads to the base itself,
/// `/proxy/name/` to the `/` beneath it. No tail of a path is an asterisk.
const NO_PATH: &str = "*";

/// What follows the provider's name, as a request carries it through the stack.
fn target_of(tail: &str) -> Result<Uri, Error> {
    if tail.is_empty() {
        return Ok(Uri::from_static(NO_PATH));
    }
    PathAndQuery::try_from(tail)
        .map(Uri::from)
        .map_err(|_| Error::refused(Code::InvalidRequest, "the path holds what no URI may hold"))
}

/// What follows the provider's name, as it came.
pub fn tail_of(target: &Uri) -> &str {
    match target.path_and_query().map_or("/", PathAndQuery::as_str) {
        NO_PATH => "",
        tail => tail,
    }
}

/// The account that a request names: `Leeward-Account`, or the user of `Proxy-Authorization`.
pub fn account_named(headers: &HeaderMap) -> Option<String> {
    if let Some(value) = headers.get(headers::ACCOUNT) {
        return Some(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    use base64::Engine as _;
    let value = headers.get(PROXY_AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(encoded.trim())
        .ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, _) = text.split_once(':')?;
    (!user.is_empty()).then(|| user.to_owned())
}

/// A malformed request, in the words of whoever found it.
fn invalid(error: impl std::fmt::Display) -> Error {
    Error::refused(Code::InvalidRequest, error.to_string())
}
