//! The two faces around a probe.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use leeward_circuit_breaker::{
    AdmitBody, AdmitLayer, Breakers, CircuitOpen, Observe, RefuseLayer, ServerErrors, Settings,
    Single, State,
};
use leeward_probe::{Answer, Probe, ProbeBody};
use tower::{Service, ServiceExt};
use tower_layer::Layer;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Answered = Result<Response<AdmitBody<ProbeBody>>, BoxError>;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// How long a circuit stays open at most the first time, the lot included.
pub(crate) const OPEN: Duration = Duration::from_secs(33);

pub(crate) fn request() -> Request<ProbeBody> {
    Request::new(ProbeBody::empty())
}

/// A service of ours over the probe, whose calls may be spawned.
pub(crate) trait Client:
    Service<
        Request<ProbeBody>,
        Response = Response<AdmitBody<ProbeBody>>,
        Error = BoxError,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
}

impl<T> Client for T where
    T: Service<
            Request<ProbeBody>,
            Response = Response<AdmitBody<ProbeBody>>,
            Error = BoxError,
            Future: Send + 'static,
        > + Clone
        + Send
        + 'static
{
}

pub(crate) fn both(probe: &Probe, breakers: &Breakers) -> impl Client + use<> {
    RefuseLayer::new(breakers.clone(), Single::new("peer")).layer(admit(probe, breakers))
}

pub(crate) fn admit(probe: &Probe, breakers: &Breakers) -> impl Client + use<> {
    AdmitLayer::new(breakers.clone(), Single::new("peer"), ServerErrors).layer(probe.service())
}

pub(crate) async fn call(client: &impl Client) -> Answered {
    client.clone().oneshot(request()).await
}

pub(crate) fn refused(answer: &Answered) -> Option<CircuitOpen> {
    answer.as_ref().err()?.downcast_ref().cloned()
}

/// Opens the circuit of a client over a probe.
pub(crate) async fn open(probe: &Probe, client: &impl Client) {
    for _ in 0..5 {
        probe.then(Answer::status(500));
        call(client).await.unwrap();
    }
    assert!(refused(&call(client).await).is_some());
}

pub(crate) fn state(breakers: &Breakers) -> State {
    breakers.snapshot().first().unwrap().state
}

pub(crate) fn breakers() -> Breakers {
    Breakers::new(Settings::default())
}

/// Writes down what it hears.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<(String, State, State)>>>);

impl Diary {
    pub(crate) fn take(&self) -> Vec<(String, State, State)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observe for Diary {
    fn transition(&self, key: &str, from: State, to: State) {
        self.0.lock().unwrap().push((key.to_owned(), from, to));
    }
}
