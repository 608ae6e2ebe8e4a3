//! The layer around a probe.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use leeward_probe::{Answer, Probe, ProbeBody};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

use super::tests::{SECOND, close};
use super::{Gate, GateLayer, OnLimit};
use crate::{By, Limited, Observe, OneAccount, RateLimited, Settings};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Reply = Result<Response<ProbeBody>, BoxError>;

#[derive(Default)]
struct Seen {
    limited: Mutex<Vec<(String, By)>>,
    waited: Mutex<Vec<Duration>>,
}

impl Observe for Seen {
    fn limited(&self, scope: &str, by: By, _: Duration) {
        self.limited.lock().unwrap().push((scope.to_owned(), by));
    }

    fn waited(&self, waited: Duration) {
        self.waited.lock().unwrap().push(waited);
    }
}

fn copy(request: &Request<ProbeBody>) -> Option<Request<ProbeBody>> {
    Some(
        Request::builder()
            .uri(request.uri())
            .body(ProbeBody::empty())
            .unwrap(),
    )
}

fn get() -> Request<ProbeBody> {
    Request::builder()
        .uri("/x")
        .body(ProbeBody::empty())
        .unwrap()
}

fn refused(reply: Reply) -> RateLimited {
    let error = reply.expect_err("it was to be refused");
    error.limited().expect("by a limit").clone()
}

/// The first call of the service inside meets a limit, as a normalizing layer would say it.
fn limited_once(
    gate: &Gate,
    probe: &Probe,
    delay: Duration,
) -> impl Service<Request<ProbeBody>, Response = Response<ProbeBody>, Error = BoxError, Future: Send>
+ Clone
+ Send
+ 'static {
    let (gate, inner) = (gate.clone(), probe.service());
    let once = Arc::new(Mutex::new(Some(delay)));
    tower::service_fn(move |request: Request<ProbeBody>| {
        let (gate, inner) = (gate.clone(), inner.clone());
        let met = once.lock().unwrap().take();
        async move {
            let Some(delay) = met else {
                return inner.oneshot(request).await;
            };
            close(&gate, "", "s", Some(delay));
            Err(BoxError::from(RateLimited {
                scope: "s".into(),
                retry_after: delay,
                by: By::Vendor,
                upstream_status: None,
                upstream_body: None,
                retryable: true,
                rule: None,
            }))
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_refuses_with_the_time_that_is_left() {
    let (probe, seen) = (Probe::answering(200), Arc::new(Seen::default()));
    let gate = Gate::new(Settings::default()).observe(seen.clone());
    let service = GateLayer::reject(gate.clone(), OneAccount::default()).layer(probe.service());
    assert!(service.clone().oneshot(get()).await.is_ok());
    close(&gate, "", "daily", Some(10 * SECOND));
    tokio::time::advance(3 * SECOND).await;
    let refusal = refused(service.clone().oneshot(get()).await);
    assert_eq!(
        (&*refusal.scope, refusal.retry_after),
        ("daily", 7 * SECOND)
    );
    assert_eq!(refusal.by, By::Gate);
    assert_eq!(probe.counts().calls, 1);
    assert_eq!(
        *seen.limited.lock().unwrap(),
        [("daily".to_owned(), By::Gate)]
    );
    tokio::time::advance(7 * SECOND).await;
    assert!(service.oneshot(get()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fits_is_held() {
    let (probe, seen) = (Probe::answering(200), Arc::new(Seen::default()));
    let gate = Gate::new(Settings::default()).observe(seen.clone());
    let layer = GateLayer::new(
        gate.clone(),
        OneAccount::default(),
        OnLimit::Wait(5 * SECOND),
        copy,
    );
    let service = layer.layer(probe.service());
    close(&gate, "", "s", Some(3 * SECOND));
    let began = Instant::now();
    assert!(service.clone().oneshot(get()).await.is_ok());
    let took = began.elapsed();
    assert!(
        took >= 3 * SECOND && took <= 4 * SECOND + SECOND / 10,
        "{took:?}"
    );
    assert_eq!(*seen.waited.lock().unwrap(), [took]);
    close(&gate, "", "s", Some(6 * SECOND));
    let began = Instant::now();
    let refusal = refused(service.oneshot(get()).await);
    assert_eq!(
        (refusal.retry_after, began.elapsed()),
        (6 * SECOND, Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn the_request_that_met_the_limit_is_repeated_if_it_can_be() {
    for delay in [2 * SECOND, Duration::ZERO] {
        let (gate, probe) = (Gate::new(Settings::default()), Probe::answering(200));
        let wait = OnLimit::Wait(5 * SECOND);
        let layer = GateLayer::new(gate.clone(), OneAccount::default(), wait, copy);
        let service = layer.layer(limited_once(&gate, &probe, delay));
        let began = Instant::now();
        assert!(service.oneshot(get()).await.is_ok());
        assert!(began.elapsed() >= delay);
        assert_eq!(probe.counts().calls, 1);
    }
    let (gate, probe) = (Gate::new(Settings::default()), Probe::answering(200));
    let wait = OnLimit::Wait(5 * SECOND);
    let layer = GateLayer::new(gate.clone(), OneAccount::default(), wait, |_| None);
    let refusal = refused(
        layer
            .layer(limited_once(&gate, &probe, SECOND))
            .oneshot(get())
            .await,
    );
    assert_eq!(refusal.by, By::Vendor);
    assert_eq!(probe.counts().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_does_not_fit_goes_out_as_the_vendor_said_it() {
    let (gate, probe) = (Gate::new(Settings::default()), Probe::answering(200));
    let wait = OnLimit::Wait(5 * SECOND);
    let layer = GateLayer::new(gate.clone(), OneAccount::default(), wait, copy);
    let began = Instant::now();
    let service = layer.layer(limited_once(&gate, &probe, 9 * SECOND));
    let refusal = refused(service.oneshot(get()).await);
    assert_eq!((refusal.by, refusal.retry_after), (By::Vendor, 9 * SECOND));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_held_beyond_the_deadline() {
    #[derive(Clone)]
    struct Hasty;
    impl crate::Caller<ProbeBody> for Hasty {
        fn account(&self, _: &Request<ProbeBody>) -> Arc<str> {
            "".into()
        }
        fn deadline(&self, _: &Request<ProbeBody>) -> Option<Instant> {
            Some(Instant::now() + SECOND)
        }
    }
    let (gate, probe) = (Gate::new(Settings::default()), Probe::answering(200));
    let layer = GateLayer::new(gate.clone(), Hasty, OnLimit::Wait(5 * SECOND), copy);
    close(&gate, "", "s", Some(2 * SECOND));
    let refusal = refused(layer.layer(probe.service()).oneshot(get()).await);
    assert_eq!(refusal.by, By::Gate);
}

mod contract {
    use super::*;

    #[tokio::test]
    async fn contract_polled_clone_is_called() {
        let probe = Probe::answering(200);
        let gate = Gate::new(Settings::default());
        for on_limit in [OnLimit::Reject, OnLimit::Wait(SECOND)] {
            let layer = GateLayer::new(gate.clone(), OneAccount::default(), on_limit, copy);
            assert!(layer.layer(probe.service()).oneshot(get()).await.is_ok());
        }
        // Not ready when it is polled: made ready in the future.
        probe.never_ready();
        let gate = Gate::new(Settings::default());
        let service = GateLayer::reject(gate, OneAccount::default()).layer(probe.service());
        let (reply, ()) = tokio::join!(service.oneshot(get()), async {
            probe.ready_again();
        });
        assert!(reply.is_ok());
        assert_eq!(probe.counts().calls, 3);
        assert_eq!(probe.counts().calls_without_readiness, 0);
    }

    #[tokio::test]
    async fn contract_nothing_waits_in_poll_ready() {
        let probe = Probe::answering(200);
        let gate = Gate::new(Settings::default());
        close(&gate, "", "s", Some(SECOND));
        let layer = GateLayer::new(gate, OneAccount::default(), OnLimit::Wait(SECOND), copy);
        let mut service = layer.layer(probe.service());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(service.poll_ready(&mut cx).is_ready());
    }

    #[tokio::test]
    async fn contract_refusal_needs_no_ready_inner() {
        let probe = Probe::answering(200);
        probe.never_ready();
        let gate = Gate::new(Settings::default());
        close(&gate, "", "s", Some(SECOND));
        let service = GateLayer::reject(gate, OneAccount::default()).layer(probe.service());
        assert_eq!(refused(service.oneshot(get()).await).by, By::Gate);
    }

    #[tokio::test]
    async fn contract_clone_doubles_no_limit() {
        let probe = Probe::answering(200);
        let gate = Gate::new(Settings::default());
        let one = GateLayer::reject(gate.clone(), OneAccount::default()).layer(probe.service());
        let other = one.clone();
        close(&gate, "", "s", Some(SECOND));
        assert_eq!(refused(one.oneshot(get()).await).by, By::Gate);
        assert_eq!(refused(other.oneshot(get()).await).by, By::Gate);
    }

    #[tokio::test]
    async fn contract_errors_keep_their_source() {
        let probe = Probe::answering(200);
        probe.then(Answer::Error).then(Answer::Error);
        let gate = Gate::new(Settings::default());
        for on_limit in [OnLimit::Reject, OnLimit::Wait(SECOND)] {
            let layer = GateLayer::new(gate.clone(), OneAccount::default(), on_limit, copy);
            let error = layer
                .layer(probe.service())
                .oneshot(get())
                .await
                .expect_err("fails");
            assert!(error.is::<leeward_probe::ProbeError>());
        }
    }

    #[tokio::test]
    async fn contract_drop_gives_back() {
        let probe = Probe::answering(200);
        probe.then(Answer::Hang);
        let gate = Gate::new(Settings::default());
        let layer = GateLayer::new(gate, OneAccount::default(), OnLimit::Wait(SECOND), copy);
        let mut call = Box::pin(layer.layer(probe.service()).oneshot(get()));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(std::future::Future::poll(call.as_mut(), &mut cx).is_pending());
        drop(call);
        assert_eq!((probe.counts().cancelled, probe.counts().in_flight), (1, 0));
    }
}
