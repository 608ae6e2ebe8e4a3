//! How long a connection may be silent: short until a head is whole, long between requests.
//!
//! hyper has one timer for both, and none before the first byte; an idle connection must outlive
//! the application's pool, while a head that trickles must not.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// A connection's bytes, TCP or Unix.
pub(super) type Io = Pin<Box<dyn Duplex>>;

/// Reads and writes.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// Requests of one connection that are being answered: while there is one, no timer runs here.
#[derive(Debug, Clone, Default)]
pub(super) struct Busy(Arc<AtomicUsize>);

/// A request being answered.
#[derive(Debug)]
pub(super) struct BusyGuard(Busy);

impl Busy {
    pub(super) fn begin(&self) -> BusyGuard {
        self.0.fetch_add(1, Ordering::Relaxed);
        BusyGuard(self.clone())
    }

    fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that ends when it is silent for too long.
pub(super) struct Patient {
    io: Io,
    busy: Busy,
    head: Duration,
    idle: Duration,
    // When the head that is being read began; none between requests.
    head_began: Option<Instant>,
    fresh: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) fn new(io: Io, busy: Busy, head: Duration, idle: Duration) -> Self {
        Self {
            io,
            busy,
            head,
            idle,
            head_began: None,
            fresh: true,
            timer: None,
        }
    }

    /// The silence that is still allowed, measured from when the present wait began.
    fn allowed_until(&mut self, now: Instant) -> Instant {
        if self.fresh {
            // The first byte counts into the head's time.
            self.fresh = false;
            self.head_began = Some(now);
        }
        match self.head_began {
            Some(began) => began + self.head,
            None => now + self.idle,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        match this.io.as_mut().poll_read(cx, buf) {
            Poll::Ready(done) => {
                this.timer = None;
                if this.busy.is() {
                    this.head_began = None;
                    this.fresh = false;
                } else if buf.filled().len() > before && this.head_began.is_none() {
                    this.fresh = false;
                    this.head_began = Some(Instant::now());
                }
                Poll::Ready(done)
            }
            Poll::Pending if this.busy.is() => {
                // What is under way has the stack's own deadlines.
                this.head_began = None;
                this.timer = None;
                this.fresh = false;
                Poll::Pending
            }
            Poll::Pending => {
                if this.timer.is_none() {
                    let until = this.allowed_until(Instant::now());
                    this.timer = Some(Box::pin(tokio::time::sleep_until(until)));
                }
                match this.timer.as_mut().map(|timer| timer.as_mut().poll(cx)) {
                    Some(Poll::Ready(())) => {
                        let kind = io::ErrorKind::TimedOut;
                        Poll::Ready(Err(io::Error::new(kind, "the connection was silent")))
                    }
                    _ => Poll::Pending,
                }
            }
        }
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        // An answer goes out: the head that it answers is over.
        self.head_began = None;
        self.io.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.head_began = None;
        self.io.as_mut().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
