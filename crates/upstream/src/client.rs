//! The client: a pool of connections behind a tower service.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::classify;
use crate::connector::{Connector, Place};
use crate::error::{Error, Kind};
use crate::observe::{Nobody, Observe};
use crate::policy::HostPolicy;
use crate::resolve::{Resolve, SystemResolver};
use crate::settings::Settings;
use crate::tls::{self, TlsError, TlsIdentity};

/// The smallest read buffer that hyper takes.
const LEAST_READ_BUFFER: usize = 8 * 1024;

/// How much of one request's body is held on its way into HTTP/2 frames, in bytes.
const SEND_BUFFER: usize = 256 * 1024;

/// An HTTP client with its own connections, TLS identity and host policy.
///
/// Clones share the connections. It is always ready: what limits how much is under way stands
/// outside. Requests have absolute `http` or `https` URLs; `Host` or `:authority`, and the length
/// of a body of known size, are written from the request. Dropping the future or the answer's body
/// ends the request at the server: HTTP/1 closes the connection, HTTP/2 resets the stream.
///
/// A request that finds a kept connection closed before it was begun is sent over another.
pub struct Client<B> {
    inner: legacy::Client<Connector, B>,
}

impl<B> Client<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    /// A client with the system's resolver. The first one in a process reads the system's roots
    /// from their files, which blocks.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if the identity is unusable.
    pub fn new(
        settings: Settings,
        identity: &TlsIdentity,
        policy: HostPolicy,
    ) -> Result<Self, TlsError> {
        let (resolver, observer) = (Arc::new(SystemResolver), Arc::new(Nobody));
        Self::with(settings, identity, policy, resolver, observer)
    }

    /// A client with another resolver, and somebody to tell.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if the identity is unusable.
    pub fn with(
        settings: Settings,
        identity: &TlsIdentity,
        policy: HostPolicy,
        resolver: Arc<dyn Resolve>,
        observer: Arc<dyn Observe>,
    ) -> Result<Self, TlsError> {
        let config = tls::client_config(identity)?;
        let connector = Connector::new(settings.connect, config, policy, resolver, observer);
        let inner = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            // Without it, nothing is ever too old.
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.pool_idle)
            .pool_max_idle_per_host(settings.max_idle_per_host)
            .http1_max_buf_size(settings.read_buffer.max(LEAST_READ_BUFFER))
            .http2_max_header_list_size(settings.max_header_list)
            .http2_initial_stream_window_size(settings.stream_window)
            .http2_initial_connection_window_size(settings.connection_window)
            .http2_max_send_buf_size(SEND_BUFFER)
            .http2_keep_alive_interval(settings.ping)
            .http2_keep_alive_timeout(settings.ping)
            .build(connector);
        Ok(Self { inner })
    }
}

impl<B> Clone for Client<B> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<B> fmt::Debug for Client<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for Client<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        self.send(request)
    }
}

impl<B> Client<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    /// Sends a request; the same as calling the service, for whoever shares a client.
    pub fn send(&self, mut request: Request<B>) -> ResponseFuture {
        if let Some(refusal) = unsendable(&request) {
            return ResponseFuture {
                state: State::Refused {
                    refusal: Some(refusal),
                },
            };
        }
        // Which version is spoken is agreed upon with the server, not with whom it came from.
        *request.version_mut() = Version::HTTP_11;
        ResponseFuture {
            state: State::Sent {
                // Enough to say where it went: what is cloned of a URL's path is paid for.
                authority: request.uri().authority().cloned(),
                https: request.uri().scheme() == Some(&Scheme::HTTPS),
                response: self.inner.request(request),
            },
        }
    }
}

fn unsendable<B>(request: &Request<B>) -> Option<Error> {
    let uri = request.uri();
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    if request.method() == Method::CONNECT {
        Some(Error::new(Kind::Request, "CONNECT is not sent"))
    } else if !is_http || uri.host().is_none_or(str::is_empty) {
        Some(Error::new(
            Kind::Request,
            "the URL is not an absolute http or https URL",
        ))
    } else {
        None
    }
}

pin_project! {
    /// What a [`Client`] returns: the head of the answer, its body flowing, or the [`Error`].
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State {
        Refused { refusal: Option<Error> },
        Sent {
            authority: Option<Authority>,
            https: bool,
            #[pin]
            response: legacy::ResponseFuture,
        },
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Incoming>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Refused { refusal } => match refusal.take() {
                Some(refusal) => Poll::Ready(Err(refusal)),
                None => Poll::Pending,
            },
            StateProjection::Sent {
                authority,
                https,
                response,
            } => {
                let answered = ready!(response.poll(cx));
                let place = || Place::at(authority.as_ref(), *https);
                Poll::Ready(match answered {
                    Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
                        Err(classify::switched(place()))
                    }
                    answered => answered.map_err(|error| classify::exchange(place(), error)),
                })
            }
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
