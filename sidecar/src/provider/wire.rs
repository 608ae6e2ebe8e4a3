//! The client at the bottom of the stack: its connections belong to one TLS identity.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use leeward_auth_refresh::Incomplete;
use leeward_deadline::MovingBody;
use leeward_expression::{Place, Scope, Template};
use leeward_retry::ReplayBody;
use leeward_upstream::{
    Client, Error, HostPolicy, ResponseFuture, Settings, SystemResolver, TlsError, TlsIdentity,
};
use tower_service::Service;

use crate::adapters::Observer;
use crate::body::AppBody;

/// The body that goes to the vendor.
pub type WireBody = ReplayBody<leeward_mapping::MappedBody<MovingBody<AppBody>>>;

/// The clients of one provider, by who they appear as. Kept while nothing about them changes.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<Vec<(Key, Arc<Pair>)>>);

#[derive(Debug, Clone, PartialEq)]
struct Key {
    identity: TlsIdentity,
    settings: Settings,
    policy: HostPolicy,
}

/// One identity's connections: for requests, and for token calls.
#[derive(Debug)]
struct Pair {
    requests: Client<WireBody>,
    tokens: Client<Full<Bytes>>,
}

/// At most so many identities keep their connections; the oldest goes first.
const MOST_IDENTITIES: usize = 256;

/// The innermost service.
#[derive(Debug, Clone)]
pub struct Wire {
    // One pointer: the stack is cloned for each request, and this with it.
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    default: Arc<Pair>,
    key: Key,
    // Where certificate and key are templates over credentials.
    templated: Option<(Template, Template)>,
    state: Arc<super::ProviderState>,
}

impl Wire {
    pub(super) fn new(
        state: &Arc<super::ProviderState>,
        settings: Settings,
        identity: TlsIdentity,
        templated: Option<(Template, Template)>,
        policy: HostPolicy,
    ) -> Result<Self, TlsError> {
        let key = Key {
            identity,
            settings,
            policy,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                default: state.clients.get(&key, &state.observer)?,
                key,
                templated,
                state: Arc::clone(state),
            }),
        })
    }

    /// As whom an account appears, where that is its own.
    pub(super) fn identity_of(&self, scope: &Scope<'_>) -> Result<Option<TlsIdentity>, Incomplete> {
        let Some((certificate, key)) = &self.shared.templated else {
            return Ok(None);
        };
        let text = |template: &Template, what: &str| {
            template
                .render(scope, Place::Raw)
                .ok()
                .and_then(leeward_expression::Rendered::into_text)
                .ok_or_else(|| Incomplete {
                    missing: what.to_owned(),
                })
        };
        let client = (
            text(certificate, "tls.client_certificate")?,
            text(key, "tls.client_key")?,
        );
        let identity = TlsIdentity {
            ca: self.shared.key.identity.ca.clone(),
            client: Some(client),
        };
        // A certificate that cannot be used is the account's fault, and never a call as nobody.
        self.clients_of(&identity).map_err(|error| Incomplete {
            missing: format!("a usable tls.client_certificate: {error}"),
        })?;
        Ok(Some(identity))
    }

    fn clients_of(&self, identity: &TlsIdentity) -> Result<Arc<Pair>, TlsError> {
        let key = Key {
            identity: identity.clone(),
            ..self.shared.key.clone()
        };
        let state = &self.shared.state;
        state.clients.get(&key, &state.observer)
    }

    fn pair(&self, identity: &TlsIdentity) -> Arc<Pair> {
        // It was usable when it was made ready.
        self.clients_of(identity)
            .unwrap_or_else(|_| Arc::clone(&self.shared.default))
    }

    /// The client for token calls, as this identity.
    pub fn tokens(&self, identity: Option<&TlsIdentity>) -> Client<Full<Bytes>> {
        match identity {
            None => self.shared.default.tokens.clone(),
            Some(identity) => self.pair(identity).tokens.clone(),
        }
    }
}

impl Clients {
    fn get(&self, key: &Key, observer: &Arc<Observer>) -> Result<Arc<Pair>, TlsError> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pair)) = clients.iter().find(|(known, _)| known == key) {
            return Ok(Arc::clone(pair));
        }
        let pair = Arc::new(Pair {
            requests: client(key, observer)?,
            tokens: client(key, observer)?,
        });
        if clients.len() >= MOST_IDENTITIES {
            clients.remove(0);
        }
        clients.push((key.clone(), Arc::clone(&pair)));
        Ok(pair)
    }
}

fn client<B>(key: &Key, observer: &Arc<Observer>) -> Result<Client<B>, TlsError>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<crate::error::BoxError>,
{
    Client::with(
        key.settings.clone(),
        &key.identity,
        key.policy.clone(),
        Arc::new(SystemResolver),
        Arc::clone(observer) as _,
    )
}

impl Service<Request<WireBody>> for Wire {
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Clients are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<WireBody>) -> ResponseFuture {
        let identity = if self.shared.templated.is_some() {
            request.extensions().get::<TlsIdentity>().cloned()
        } else {
            None
        };
        match identity {
            None => self.shared.default.requests.send(request),
            Some(identity) => self.pair(&identity).requests.send(request),
        }
    }
}
