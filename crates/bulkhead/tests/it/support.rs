//! A bulkhead around a probe.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use leeward_bulkhead::{
    Bulkhead, BulkheadLayer, BulkheadService, Observe, Overloaded, PermitBody, Settings,
};
use leeward_probe::{Probe, ProbeBody, ProbeService};
use tower::ServiceExt;
use tower_layer::Layer;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Answered = Result<Response<PermitBody<ProbeBody>>, BoxError>;
pub(crate) type AccountOf = fn(&Request<ProbeBody>) -> Option<Arc<str>>;
pub(crate) type Client = BulkheadService<ProbeService, AccountOf>;
pub(crate) type Call = Pin<Box<dyn Future<Output = Answered> + Send>>;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Name(Arc<str>);

fn account(request: &Request<ProbeBody>) -> Option<Arc<str>> {
    let name = request.extensions().get::<Name>()?;
    Some(Arc::clone(&name.0))
}

pub(crate) fn limits(max_in_flight: usize, per_account: usize, max_waiting: usize) -> Settings {
    Settings {
        max_in_flight,
        per_account,
        max_waiting,
        max_wait: SECOND,
    }
}

pub(crate) fn client(probe: &Probe, bulkhead: &Bulkhead) -> Client {
    BulkheadLayer::new(bulkhead.clone(), account as AccountOf).layer(probe.service())
}

/// A request of this account; of none, if it is "".
pub(crate) fn request(name: &str) -> Request<ProbeBody> {
    let mut request = Request::new(ProbeBody::empty());
    if !name.is_empty() {
        request.extensions_mut().insert(Name(Arc::from(name)));
    }
    request
}

/// A call that has begun: it is in flight, waiting, or over.
pub(crate) fn begin(client: &Client, request: Request<ProbeBody>) -> Call {
    let mut call: Call = Box::pin(client.clone().oneshot(request));
    if let Poll::Ready(answer) = poll(&mut call) {
        return Box::pin(std::future::ready(answer));
    }
    call
}

pub(crate) fn poll(call: &mut Call) -> Poll<Answered> {
    call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn refused(answer: &Answered) -> Option<Overloaded> {
    answer.as_ref().err()?.downcast_ref().copied()
}

/// Writes down what it hears.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<(Vec<Duration>, usize)>>);

impl Diary {
    pub(crate) fn take(&self) -> (Vec<Duration>, usize) {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observe for Diary {
    fn waited(&self, span: Duration) {
        self.0.lock().unwrap().0.push(span);
    }

    fn refused(&self) {
        self.0.lock().unwrap().1 += 1;
    }
}
