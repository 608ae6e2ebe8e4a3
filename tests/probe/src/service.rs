//! The service itself.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http::{Request, Response, StatusCode};
use tokio::sync::oneshot;
use tower_service::Service;

use crate::{Counts, ProbeBody};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the probe does with a call.
#[derive(Debug)]
pub enum Answer {
    /// Answers at once.
    Response(Response<ProbeBody>),
    /// Fails at once, with [`ProbeError`].
    Error,
    /// Answers when the sender does; a sender that is dropped leaves the call pending for ever.
    When(oneshot::Receiver<Answer>),
    /// Never answers.
    Hang,
    /// Panics when the future is polled.
    Panic,
}

impl Answer {
    /// An empty answer with this status.
    pub fn status(status: u16) -> Self {
        Self::with_body(status, ProbeBody::empty())
    }

    /// An answer with this status and body.
    pub fn with_body(status: u16, body: ProbeBody) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::Response(response)
    }
}

/// The probe's failure, so that a test can find it again as a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeError;

impl std::fmt::Display for ProbeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the probe was told to fail")
    }
}

impl std::error::Error for ProbeError {}

/// The handle that a test keeps.
#[derive(Debug, Clone)]
pub struct Probe {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    counts: Arc<Mutex<Counts>>,
    state: Mutex<State>,
    standing: u16,
}

#[derive(Debug)]
struct State {
    script: VecDeque<Answer>,
    unready: bool,
    waiting: Vec<Waker>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Probe {
    /// Answers every call that no [`then`](Self::then) speaks for with this status.
    pub fn answering(status: u16) -> Self {
        Self {
            shared: Arc::new(Shared {
                counts: Arc::default(),
                state: Mutex::new(State {
                    script: VecDeque::new(),
                    unready: false,
                    waiting: Vec::new(),
                }),
                standing: status,
            }),
        }
    }

    /// Queues an answer; calls take them in order.
    pub fn then(&self, answer: Answer) -> &Self {
        lock(&self.shared.state).script.push_back(answer);
        self
    }

    /// Queues a call that answers when the returned sender does.
    pub fn then_when(&self) -> oneshot::Sender<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.then(Answer::When(receiver));
        sender
    }

    /// From now on `poll_ready` stays pending.
    pub fn never_ready(&self) -> &Self {
        lock(&self.shared.state).unready = true;
        self
    }

    /// From now on `poll_ready` answers ready; who waited is woken.
    pub fn ready_again(&self) -> &Self {
        let waiting = {
            let mut state = lock(&self.shared.state);
            state.unready = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
        self
    }

    /// A service that reports here.
    pub fn service(&self) -> ProbeService {
        ProbeService {
            shared: Arc::clone(&self.shared),
            polled_ready: false,
        }
    }

    /// What has been seen so far.
    pub fn counts(&self) -> Counts {
        *lock(&self.shared.counts)
    }
}

/// The service that counts. Its error is a [`BoxError`](Box) holding a [`ProbeError`].
#[derive(Debug)]
pub struct ProbeService {
    shared: Arc<Shared>,
    polled_ready: bool,
}

impl Clone for ProbeService {
    fn clone(&self) -> Self {
        lock(&self.shared.counts).clones += 1;
        // Readiness belongs to the instance that was polled: a clone starts without it.
        Self {
            shared: Arc::clone(&self.shared),
            polled_ready: false,
        }
    }
}

impl<B> Service<Request<B>> for ProbeService {
    type Response = Response<ProbeBody>;
    type Error = BoxError;
    type Future = ProbeFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        lock(&self.shared.counts).polls += 1;
        let mut state = lock(&self.shared.state);
        if state.unready {
            state.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        lock(&self.shared.counts).ready += 1;
        self.polled_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> ProbeFuture {
        let answer = lock(&self.shared.state)
            .script
            .pop_front()
            .unwrap_or_else(|| Answer::status(self.shared.standing));
        let mut counts = lock(&self.shared.counts);
        counts.calls += 1;
        counts.in_flight += 1;
        counts.most_in_flight = counts.most_in_flight.max(counts.in_flight);
        if !std::mem::take(&mut self.polled_ready) {
            counts.calls_without_readiness += 1;
        }
        drop(counts);
        ProbeFuture {
            answer: Some(answer),
            counts: Arc::clone(&self.shared.counts),
        }
    }
}

/// The future of a [`ProbeService`].
#[derive(Debug)]
pub struct ProbeFuture {
    answer: Option<Answer>,
    counts: Arc<Mutex<Counts>>,
}

impl ProbeFuture {
    fn answered(&self) {
        let mut counts = lock(&self.counts);
        counts.answered += 1;
        counts.in_flight -= 1;
    }
}

impl Future for ProbeFuture {
    type Output = Result<Response<ProbeBody>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.answer.take() {
                Some(Answer::Response(response)) => {
                    self.answered();
                    let counts = Arc::clone(&self.counts);
                    return Poll::Ready(Ok(response.map(|body| body.counted(counts))));
                }
                Some(Answer::Error) => {
                    self.answered();
                    return Poll::Ready(Err(Box::new(ProbeError)));
                }
                Some(Answer::When(mut receiver)) => match Pin::new(&mut receiver).poll(cx) {
                    Poll::Ready(Ok(answer)) => self.answer = Some(answer),
                    Poll::Ready(Err(_)) => self.answer = Some(Answer::Hang),
                    Poll::Pending => {
                        self.answer = Some(Answer::When(receiver));
                        return Poll::Pending;
                    }
                },
                #[expect(clippy::panic, reason = "a layer's guards are tried with a real panic")]
                Some(Answer::Panic) => {
                    self.answered();
                    panic!("the probe was told to panic")
                }
                answer @ (Some(Answer::Hang) | None) => {
                    self.answer = answer;
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Drop for ProbeFuture {
    fn drop(&mut self) {
        if self.answer.is_some() {
            let mut counts = lock(&self.counts);
            counts.cancelled += 1;
            counts.in_flight -= 1;
        }
    }
}
