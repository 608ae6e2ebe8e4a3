//! What can go wrong on the way to an answer's head.

use std::error::Error as StdError;
use std::fmt;

type BoxError = Box<dyn StdError + Send + Sync>;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The host's name has no address, or the resolver failed.
    Name,
    /// No TCP connection: refused, unreachable; or no HTTP/2 connection over it.
    Connect,
    /// TLS failed: a certificate that is not trusted, no common version, one of ours refused.
    Tls,
    /// The limit around name, TCP, TLS and preface passed.
    ConnectTimeout,
    /// The host policy forbids the host or its address.
    HostDenied,
    /// The connection was found closed before the request was begun, or the server refused it
    /// unprocessed (HTTP/2 `REFUSED_STREAM` and `GOAWAY`, RFC 9113, section 8.7).
    Closed,
    /// The connection broke after the request was begun and before the first byte of an answer.
    Reset,
    /// What came is not HTTP, ended or broke inside its head, or its head is over a limit.
    Invalid,
    /// The request's own body broke off.
    Body,
    /// The request cannot be sent: no absolute `http` or `https` URL, or a `CONNECT`.
    Request,
    /// The runtime is going down.
    Canceled,
}

impl Kind {
    /// A short label, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::ConnectTimeout => "timeout",
            Self::HostDenied => "denied",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Invalid => "invalid",
            Self::Body => "body",
            Self::Request => "request",
            Self::Canceled => "canceled",
        }
    }

    /// Whether an error of this kind means by itself that nothing was sent.
    fn before_sending(self) -> bool {
        match self {
            Self::Name
            | Self::Connect
            | Self::Tls
            | Self::ConnectTimeout
            | Self::HostDenied
            | Self::Closed
            | Self::Request => true,
            Self::Reset | Self::Invalid | Self::Body | Self::Canceled => false,
        }
    }
}

/// Why there is no answer. It says in words what happened, naming the host; what the system and
/// the libraries said is in its [`source`](StdError::source) chain.
pub struct Error {
    kind: Kind,
    sent: bool,
    detail: Box<str>,
    source: Option<BoxError>,
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is certain that the server has not begun to process the request, so that it can
    /// be sent again whatever its method. `false` means that it may have been.
    pub fn never_sent(&self) -> bool {
        !self.sent
    }

    pub(crate) fn new(kind: Kind, detail: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            sent: !kind.before_sending(),
            detail: detail.into(),
            source: None,
        }
    }

    /// Whatever the kind, the request may have been sent.
    pub(crate) fn after_sending(mut self) -> Self {
        self.sent = true;
        self
    }

    /// Whatever the kind, nothing was sent.
    pub(crate) fn before_sending(mut self) -> Self {
        self.sent = false;
        self
    }

    pub(crate) fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same, without its source: for an error that is found inside another's chain.
    pub(crate) fn outline(&self) -> Self {
        Self {
            kind: self.kind,
            sent: self.sent,
            detail: self.detail.clone(),
            source: None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("never_sent", &!self.sent)
            .field("detail", &self.detail)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
