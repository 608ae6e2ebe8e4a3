//! A real HTTP server in front of a behaviour.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{Books, Entry, record, record_id};

/// The largest request body that a vendor reads.
const MOST: usize = 1024 * 1024;

/// A request as a behaviour sees it.
#[derive(Debug)]
pub struct Call {
    /// Method, target and headers.
    pub head: http::request::Parts,
    /// The whole body.
    pub body: Bytes,
}

impl Call {
    /// The bearer token, if one was sent.
    pub fn bearer(&self) -> Option<&str> {
        let value = self.head.headers.get(http::header::AUTHORIZATION)?;
        value.to_str().ok()?.strip_prefix("Bearer ")
    }

    /// A parameter of the query.
    pub fn query(&self, name: &str) -> Option<String> {
        pair(self.head.uri.query().unwrap_or_default(), name)
    }

    /// A field of a urlencoded body.
    pub fn form(&self, name: &str) -> Option<String> {
        pair(std::str::from_utf8(&self.body).ok()?, name)
    }

    /// What a well-behaved vendor answers: the record that is asked for, or the one created.
    pub fn served(&self, books: &Books) -> Reply {
        let path = self.head.uri.path();
        if self.head.method == Method::POST && path == "/records" {
            books.note(Entry::Created);
            let sent = serde_json::from_slice::<Value>(&self.body).unwrap_or(Value::Null);
            return Reply::json(201, &serde_json::json!({ "created": sent }));
        }
        match record_id(path) {
            Some(number) => Reply::json(200, &record(number)),
            None => Reply::json(404, &serde_json::json!({ "error": "no such record" })),
        }
    }
}

fn pair(text: &str, name: &str) -> Option<String> {
    text.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| {
            percent_encoding::percent_decode_str(&value.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        })
    })
}

/// What a vendor does with a request.
#[derive(Debug)]
pub enum Reply {
    /// Answers.
    Answer(Response<Bytes>),
    /// Announces the whole answer, sends so many bytes of it, and closes the connection.
    Torn(Response<Bytes>, usize),
    /// Closes the connection without a byte.
    Close,
    /// Waits, then does something else.
    After(Duration, Box<Reply>),
    /// Never answers.
    Hang,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
        Self::Answer(response)
    }

    /// Adds a header to an answer.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<http::HeaderValue>) -> Self {
        if let Self::Answer(response) = &mut self {
            response.headers_mut().insert(name, value.into());
        }
        self
    }
}

/// What makes a vendor different from the next.
pub trait Behaviour: Send + Sync + 'static {
    /// Decides on one request. `books` are the vendor's own.
    fn reply(&self, call: &Call, books: &Books) -> Reply;

    /// A request has ended, answered or not.
    fn ended(&self) {}
}

impl<F> Behaviour for F
where
    F: Fn(&Call) -> Reply + Send + Sync + 'static,
{
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::Requests);
        self(call)
    }
}

/// A vendor that listens. Dropped, it is gone.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    books: Arc<Books>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a vendor on a free port of 127.0.0.1.
    pub async fn start(behaviour: impl Behaviour) -> std::io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let books = Arc::new(Books::default());
        let task = tokio::spawn(accept(listener, Arc::new(behaviour), Arc::clone(&books)));
        Ok(Self {
            address,
            books,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it saw.
    pub fn books(&self) -> &Books {
        &self.books
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, behaviour: Arc<impl Behaviour>, books: Arc<Books>) {
    // Connections end with the vendor.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let (behaviour, books) = (Arc::clone(&behaviour), Arc::clone(&books));
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        answer(Arc::clone(&behaviour), Arc::clone(&books), request)
                    });
                    // A torn answer ends here as an error, which is what it is for.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

struct Ended<B: Behaviour>(Arc<B>);

impl<B: Behaviour> Drop for Ended<B> {
    fn drop(&mut self) {
        self.0.ended();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the vendor closed the connection")]
struct Closed;

async fn answer<B: Behaviour>(
    behaviour: Arc<B>,
    books: Arc<Books>,
    request: Request<Incoming>,
) -> Result<Response<TornBody>, Closed> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MOST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Err(Closed),
    };
    let call = Call { head, body };
    let mut reply = behaviour.reply(&call, &books);
    let _ended = Ended(behaviour);
    loop {
        match reply {
            Reply::Answer(response) => return Ok(response.map(TornBody::whole)),
            Reply::Torn(response, bytes) => {
                books.note(Entry::Torn);
                return Ok(response.map(|body| TornBody::torn(body, bytes)));
            }
            Reply::Close => return Err(Closed),
            Reply::After(wait, next) => {
                tokio::time::sleep(wait).await;
                reply = *next;
            }
            Reply::Hang => match std::future::pending::<Infallible>().await {},
        }
    }
}

/// A body that may break off: its length is announced whole.
#[derive(Debug)]
struct TornBody {
    data: Option<Bytes>,
    length: u64,
    torn: bool,
    yielded: bool,
}

impl TornBody {
    fn whole(data: Bytes) -> Self {
        Self {
            length: data.len() as u64,
            data: (!data.is_empty()).then_some(data),
            torn: false,
            yielded: false,
        }
    }

    fn torn(data: Bytes, bytes: usize) -> Self {
        Self {
            length: data.len() as u64,
            data: Some(data.slice(..bytes.min(data.len()))),
            torn: true,
            yielded: false,
        }
    }
}

impl Body for TornBody {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if !self.torn {
            return Poll::Ready(None);
        }
        if !std::mem::replace(&mut self.yielded, true) {
            // Lets what was written reach the socket before the connection breaks.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Closed)))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && !self.torn
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
