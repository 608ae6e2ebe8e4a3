//! How a client connects and what it keeps.

use std::time::Duration;

/// Times and limits of a [`Client`](crate::Client).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The most that name, TCP, TLS and the server's HTTP/2 preface may take together.
    pub connect: Duration,
    /// How long a connection is kept without a request: shorter than the server keeps it, so that
    /// no request meets its closing.
    pub pool_idle: Duration,
    /// The most idle HTTP/1 connections kept per scheme, host and port.
    pub max_idle_per_host: usize,
    /// The most bytes of an HTTP/1 connection that are held unread, and so about the largest head
    /// of an answer; at least 8 KiB. The larger head is [`Kind::Invalid`](crate::Kind::Invalid).
    pub read_buffer: usize,
    /// The largest header list of an HTTP/2 answer in bytes, as RFC 9113 section 6.5.2 counts it.
    pub max_header_list: u32,
    /// HTTP/2 flow control: how many bytes of one answer may be under way unread.
    pub stream_window: u32,
    /// HTTP/2 flow control: how many bytes of all answers of a connection together.
    pub connection_window: u32,
    /// How long an HTTP/2 connection with requests on it may be silent before it is pinged, and
    /// how long the answer to the ping may take before the connection is given up.
    pub ping: Duration,
}

impl Default for Settings {
    /// 3 s to connect, 50 s idle, 64 idle connections per host, heads of 64 KiB (the buffer is
    /// 8 KiB larger), windows of 256 KiB and 1 MiB, pings after 15 s.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            pool_idle: Duration::from_secs(50),
            max_idle_per_host: 64,
            read_buffer: 72 * 1024,
            max_header_list: 64 * 1024,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            ping: Duration::from_secs(15),
        }
    }
}
