//! From a URL to a connection: policy, name, TCP, TLS.

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::classify;
use crate::error::{Error, Kind};
use crate::observe::Observe;
use crate::policy::HostPolicy;
use crate::resolve::{BoxFuture, Resolve};
use crate::stream::Stream;

/// Makes connections for the pool.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: Arc<Inner>,
}

struct Inner {
    limit: Duration,
    tls: TlsConnector,
    policy: HostPolicy,
    resolver: Arc<dyn Resolve>,
    observer: Arc<dyn Observe>,
}

impl Connector {
    pub(crate) fn new(
        limit: Duration,
        tls: Arc<ClientConfig>,
        policy: HostPolicy,
        resolver: Arc<dyn Resolve>,
        observer: Arc<dyn Observe>,
    ) -> Self {
        let tls = TlsConnector::from(tls);
        Self {
            inner: Arc::new(Inner {
                limit,
                tls,
                policy,
                resolver,
                observer,
            }),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, dst: Uri) -> Self::Future {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let dialled = inner.dial(&dst).await;
            inner.observer.connected(match &dialled {
                Ok(_) => "ok",
                Err(error) => error.kind().as_str(),
            });
            dialled.map(TokioIo::new)
        })
    }
}

impl Inner {
    async fn dial(&self, dst: &Uri) -> Result<Stream, Error> {
        let deadline = Instant::now() + self.limit;
        let step = Step::default();
        match timeout_at(deadline, self.steps(dst, deadline, &step)).await {
            Ok(result) => result,
            Err(elapsed) => {
                let (place, limit, step) = (Place::of(dst), self.limit, step.name());
                let detail =
                    format!("no connection to {place} within {limit:?}: {step} took longer");
                Err(Error::new(Kind::ConnectTimeout, detail).caused_by(elapsed))
            }
        }
    }

    async fn steps(&self, dst: &Uri, deadline: Instant, step: &Step) -> Result<Stream, Error> {
        let place = Place::of(dst);
        let server_name = match dst.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => None,
            Some(scheme) if *scheme == Scheme::HTTPS => Some(place.server_name()?),
            _ => return Err(Error::new(Kind::Request, "the URL is not http or https")),
        };
        let addresses = self.addresses(place.host).await?;
        step.enter(Step::TCP);
        let tcp = self.tcp(dst, addresses).await?;
        let Some(server_name) = server_name else {
            return Ok(Stream::plain(tcp));
        };
        step.enter(Step::TLS);
        match self.tls.connect(server_name, tcp).await {
            Ok(tls) => Ok(Stream::tls(tls, sleep_until(deadline))),
            Err(error) => Err(classify::handshake(place, error)),
        }
    }

    /// The addresses that may be connected to, and no others.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let allowed = self.policy.judge(host)?;
        let addresses = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => {
                let resolved = self.resolver.resolve(host).await;
                resolved.map_err(|error| {
                    Error::new(Kind::Name, format!("no address for {host}: {error}"))
                        .caused_by(error)
                })?
            }
        };
        if addresses.is_empty() {
            return Err(Error::new(Kind::Name, format!("no address for {host}")));
        }
        allowed.check(host, &addresses)?;
        Ok(addresses)
    }

    /// Connects to the addresses in turn, to both families in parallel (RFC 8305).
    async fn tcp(&self, dst: &Uri, addresses: Vec<IpAddr>) -> Result<TcpStream, Error> {
        let mut connector = HttpConnector::new_with_resolver(Checked(addresses));
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_keepalive(None);
        // Shared out among the addresses, so that a dead one leaves time for the next.
        connector.set_connect_timeout(Some(self.limit));
        let connected = match poll_fn(|cx| connector.poll_ready(cx)).await {
            Ok(()) => connector.call(dst.clone()).await,
            Err(error) => Err(error),
        };
        match connected {
            Ok(tcp) => Ok(tcp.into_inner()),
            Err(error) => Err(classify::tcp(Place::of(dst), error)),
        }
    }
}

/// The addresses that were checked, in the place of a resolver.
#[derive(Clone)]
struct Checked(Vec<IpAddr>);

impl Service<Name> for Checked {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        // Port 0: the connector puts the URL's.
        let addresses: Vec<_> = self.0.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
        ready(Ok(addresses.into_iter()))
    }
}

/// Which step of connecting is under way.
#[derive(Default)]
struct Step(AtomicU8);

impl Step {
    const TCP: u8 = 1;
    const TLS: u8 = 2;

    fn enter(&self, step: u8) {
        self.0.store(step, Ordering::Relaxed);
    }

    fn name(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed) {
            Self::TLS => "the TLS handshake",
            Self::TCP => "the TCP connection",
            _ => "looking the name up",
        }
    }
}

/// Where a connection leads, for people and for TLS.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Without brackets.
    pub(crate) host: &'a str,
    port: u16,
}

impl<'a> Place<'a> {
    pub(crate) fn of(dst: &'a Uri) -> Self {
        Self::at(dst.authority(), dst.scheme() == Some(&Scheme::HTTPS))
    }

    pub(crate) fn at(authority: Option<&'a Authority>, https: bool) -> Self {
        let host = authority.map(Authority::host).unwrap_or_default();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let habit = if https { 443 } else { 80 };
        Self {
            host: bare.unwrap_or(host),
            port: authority.and_then(Authority::port_u16).unwrap_or(habit),
        }
    }

    fn server_name(&self) -> Result<ServerName<'static>, Error> {
        // A trailing dot is the resolver's business, not the certificate's (RFC 6066, section 3).
        let name = self.host.strip_suffix('.').unwrap_or(self.host).to_owned();
        ServerName::try_from(name).map_err(|error| {
            let host = self.host;
            Error::new(Kind::Name, format!("{host} is no name for a certificate")).caused_by(error)
        })
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
