//! The load: a closed loop that saturates, and an open one that keeps a rate.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Error;
use crate::process::Proxy;

/// What a round of the closed loop gave.
#[derive(Debug, Clone, Copy)]
pub struct Saturated {
    /// CPU of the proxy per request, in microseconds.
    pub cpu: f64,
    /// Requests a second.
    pub rate: f64,
}

/// What a round of the open loop gave.
#[derive(Debug, Clone, Copy)]
pub struct Paced {
    /// CPU of the proxy per request, in microseconds.
    pub cpu: f64,
    /// Milliseconds from due to answered, median.
    pub p50: f64,
    /// The same, 99 of 100.
    pub p99: f64,
}

/// As many requests as the proxy bears over these connections.
#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
pub async fn closed(
    proxy: &Proxy,
    connections: usize,
    length: Duration,
) -> Result<Saturated, Error> {
    let end = Instant::now() + length;
    let before = proxy.cpu()?;
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection::open(proxy.address(), proxy.path()).await?;
        workers.spawn(async move {
            let mut answered = 0_u64;
            while Instant::now() < end {
                connection.exchange().await?;
                answered += 1;
            }
            Ok::<_, Error>(answered)
        });
    }
    let mut answered = 0;
    while let Some(worker) = workers.join_next().await {
        answered += worker??;
    }
    let cpu = proxy.cpu()? - before;
    Ok(Saturated {
        cpu: cpu.as_secs_f64() * 1e6 / answered as f64,
        rate: answered as f64 / length.as_secs_f64(),
    })
}

/// So many requests a second, whatever the proxy does.
#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
pub async fn open(
    proxy: &Proxy,
    connections: usize,
    rate: u32,
    length: Duration,
) -> Result<Paced, Error> {
    let before = proxy.cpu()?;
    let began = Instant::now() + Duration::from_millis(20);
    let step = Duration::from_secs(1) / rate;
    let total = (length.as_secs_f64() * f64::from(rate)).round();
    let mut workers = JoinSet::new();
    for worker in 0..connections {
        let mut connection = Connection::open(proxy.address(), proxy.path()).await?;
        workers.spawn(async move {
            let mut millis = Vec::new();
            let mut turn = worker;
            while (turn as f64) < total {
                let due = began + step.mul_f64(turn as f64);
                // The timer's own lateness (it has a grain of 1 ms) is not the proxy's; that of a
                // connection that was still busy is.
                let counted_from = if Instant::now() < due {
                    tokio::time::sleep_until(due).await;
                    Instant::now()
                } else {
                    due
                };
                connection.exchange().await?;
                millis.push(counted_from.elapsed().as_secs_f64() * 1000.0);
                turn += connections;
            }
            Ok::<_, Error>(millis)
        });
    }
    let mut millis = Vec::new();
    while let Some(worker) = workers.join_next().await {
        millis.extend(worker??);
    }
    let cpu = proxy.cpu()? - before;
    millis.sort_by(f64::total_cmp);
    let at = |part: usize| {
        millis
            .get(millis.len() * part / 100)
            .copied()
            .unwrap_or(0.0)
    };
    Ok(Paced {
        cpu: cpu.as_secs_f64() * 1e6 / millis.len() as f64,
        p50: at(50),
        p99: at(99),
    })
}

/// One kept-alive connection, spoken to in bytes so that the client costs little.
struct Connection {
    stream: TcpStream,
    request: String,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr, path: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: format!(
                "GET {path} HTTP/1.1\r\nhost: bench\r\naccept: application/json\r\nuser-agent: bench\r\n\r\n"
            ),
            buffer: vec![0; 8192],
        })
    }

    async fn exchange(&mut self) -> Result<(), Error> {
        self.stream.write_all(self.request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            let Some(room) = self.buffer.get_mut(filled..) else {
                return Err("the answer is too long".into());
            };
            let read = self.stream.read(room).await?;
            if read == 0 {
                return Err("the connection was closed".into());
            }
            filled += read;
            let Some(answer) = self.buffer.get(..filled) else {
                return Err("the answer is too long".into());
            };
            if whole(answer)? {
                return Ok(());
            }
        }
    }
}

fn whole(answer: &[u8]) -> Result<bool, Error> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(false);
    };
    let text = std::str::from_utf8(answer.get(..head).unwrap_or_default())?;
    if !text.starts_with("HTTP/1.1 200") {
        return Err(format!("not a 200: {text}").into());
    }
    let length = text
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        })
        .ok_or("no content-length")?;
    Ok(answer.len() >= head + 4 + length)
}
