//! A connection that knows whether an answer has begun.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::client::TlsStream;

/// What has passed over a connection, seen from above TLS. It is reached from an error by what the
/// pool knows of the connection that the error came from.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    read: AtomicBool,
    answering: AtomicBool,
}

impl Traffic {
    /// Whether anything at all was read.
    pub(crate) fn read_anything(&self) -> bool {
        self.read.load(Ordering::Relaxed)
    }

    /// Whether anything was read since the last bytes were written: on HTTP/1, whether the answer
    /// to what was written has begun. (An answer that begins before its request has ended, and
    /// breaks in its head, is taken for none.)
    pub(crate) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed)
    }

    fn has_read(&self) {
        self.read.store(true, Ordering::Relaxed);
        self.answering.store(true, Ordering::Relaxed);
    }

    fn has_written(&self) {
        self.answering.store(false, Ordering::Relaxed);
    }
}

/// The bytes under HTTP.
pub(crate) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection as the client uses it.
pub(crate) struct Stream {
    transport: Transport,
    traffic: Arc<Traffic>,
    /// Until when an HTTP/2 server must have sent its preface; ends with the first byte. The client
    /// does not wait for it (RFC 9113, section 3.4), so that a server which never sends it would
    /// otherwise hold every request that is put on the connection.
    preface: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(crate) fn plain(tcp: TcpStream) -> Self {
        Self {
            transport: Transport::Plain(tcp),
            traffic: Arc::default(),
            preface: None,
        }
    }

    /// `preface_limit` is kept only if HTTP/2 was agreed upon.
    pub(crate) fn tls(tls: TlsStream<TcpStream>, preface_limit: Sleep) -> Self {
        let is_h2 = is_h2(&tls);
        Self {
            transport: Transport::Tls(Box::new(tls)),
            traffic: Arc::default(),
            preface: is_h2.then(|| Box::pin(preface_limit)),
        }
    }

    fn check_preface(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(limit) = &mut self.preface else {
            return Poll::Pending;
        };
        if limit.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.preface = None;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

fn is_h2(tls: &TlsStream<TcpStream>) -> bool {
    tls.get_ref().1.alpn_protocol() == Some(b"h2")
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(Arc::clone(&self.traffic));
        match &self.transport {
            Transport::Tls(tls) if is_h2(tls) => connected.negotiated_h2(),
            _ => connected,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = match &mut this.transport {
            Transport::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Transport::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        };
        if buf.filled().len() > before {
            this.preface = None;
            this.traffic.has_read();
        }
        match polled {
            Poll::Pending => this.check_preface(cx),
            ready => ready,
        }
    }
}

impl Stream {
    fn wrote(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.traffic.has_written();
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = match &mut this.transport {
            Transport::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Transport::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        };
        this.wrote(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = match &mut this.transport {
            Transport::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Transport::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        };
        this.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(tcp) => tcp.is_write_vectored(),
            Transport::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Transport::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Transport::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
