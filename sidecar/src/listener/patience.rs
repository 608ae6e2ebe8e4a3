//! How long a connection may be silent: short until a head is whole, long between requests.
//!
//! hyper has one timer for both, and none before the first byte; an idle connection must outlive
//! the application's pool, while a head that trickles must not.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::busy::Busy;

/// A connection's bytes, TCP or Unix.
pub(super) type Io = Pin<Box<dyn Duplex>>;

/// Reads and writes.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// A connection that ends when it is silent for too long.
pub(super) struct Patient {
    io: Io,
    // While a request is being answered, no timer runs here.
    busy: Busy,
    head: Duration,
    idle: Duration,
    // When the head that is being read began; none between requests.
    head_began: Option<Instant>,
    fresh: bool,
    // Until when the present silence may last; none while there is nothing to wait for.
    until: Option<Instant>,
    // One timer for the connection's life: a request must not pay for arming another. It may fire
    // too early, and is then set to what is due.
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
            until: None,
            timer: None,
        }
    }

    /// Whether the silence has lasted too long; else the task is woken when it has.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let until = match self.until {
            Some(until) => until,
            None => {
                let until = self.allowed_until(Instant::now());
                *self.until.insert(until)
            }
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= until {
                return true;
            }
            timer.as_mut().reset(until);
        }
        false
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
                this.until = None;
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
                this.until = None;
                this.fresh = false;
                Poll::Pending
            }
            Poll::Pending if this.is_over(cx) => {
                let kind = io::ErrorKind::TimedOut;
                Poll::Ready(Err(io::Error::new(kind, "the connection was silent")))
            }
            Poll::Pending => Poll::Pending,
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
        let flushed = self.io.as_mut().poll_flush(cx);
        if flushed.is_ready() {
            self.busy.flushed();
        }
        flushed
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
