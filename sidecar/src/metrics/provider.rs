//! One provider's handles.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;
use leeward_circuit_breaker::State;
use prometheus::{Histogram, IntCounter, IntGauge};

use super::Metrics;
use crate::code::Code;

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The vendor, now; or Leeward itself.
    Live,
    /// An earlier answer.
    Cache,
}

impl Source {
    /// The value of `Leeward-Source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Cache => "cache",
        }
    }
}

/// How a request ended, as the metrics tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An answer below 400.
    Ok,
    /// A 4xx of the vendor's own.
    ClientError,
    /// The application hung up.
    ClientAborted,
    /// Leeward's own answer.
    Code(Code),
}

impl Outcome {
    /// Of an answer that came from the vendor.
    pub fn of_status(status: StatusCode) -> Self {
        if status.is_client_error() {
            Self::ClientError
        } else if status.is_server_error() {
            Self::Code(Code::UpstreamError)
        } else {
            Self::Ok
        }
    }

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientError => "client_error",
            Self::ClientAborted => "client_aborted",
            Self::Code(code) => code.as_str(),
        }
    }
}

/// What a request waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// A token call.
    Token,
    /// A gate.
    Gate,
    /// A slot of the bulkhead.
    Bulkhead,
}

/// The handles of one provider, resolved when they are first used and kept.
#[derive(Debug)]
pub struct ProviderMetrics {
    provider: Arc<str>,
    families: Metrics,
    /// Requests under way.
    pub in_flight: IntGauge,
    upstream_duration: Histogram,
    overhead: Histogram,
    retry_after: Histogram,
    waits: [OnceLock<Histogram>; 3],
    proxied_ok: OnceLock<(IntCounter, Histogram)>,
    // By the status, less 100.
    statuses: Box<[OnceLock<IntCounter>; 500]>,
}

impl ProviderMetrics {
    /// Handles for this provider, `-` where none is known.
    pub fn new(families: &Metrics, provider: &str) -> Self {
        Self {
            in_flight: families.in_flight.with_label_values(&[provider]),
            upstream_duration: families.upstream_duration.with_label_values(&[provider]),
            overhead: families.overhead.with_label_values(&[provider]),
            retry_after: families.retry_after.with_label_values(&[provider]),
            waits: Default::default(),
            proxied_ok: OnceLock::new(),
            statuses: Box::new([const { OnceLock::new() }; 500]),
            provider: provider.into(),
            families: families.clone(),
        }
    }

    /// A request that was answered, or given up.
    pub fn request(&self, operation: &str, outcome: Outcome, source: Source, took: Duration) {
        let resolve = || {
            let (provider, source) = (&*self.provider, source.as_str());
            let labels = [provider, operation, outcome.as_str(), source];
            (
                self.families.requests.with_label_values(&labels),
                self.families
                    .duration
                    .with_label_values(&[provider, source, outcome.as_str()]),
            )
        };
        let usual = outcome == Outcome::Ok && source == Source::Live && operation == PROXY;
        if usual {
            let (count, duration) = self.proxied_ok.get_or_init(resolve);
            count.inc();
            duration.observe(took.as_secs_f64());
        } else {
            let (count, duration) = resolve();
            count.inc();
            duration.observe(took.as_secs_f64());
        }
    }

    /// A call at the wire that was answered (with this status) or failed (`None`).
    pub fn upstream(&self, status: Option<StatusCode>, took: Duration) {
        self.upstream_duration.observe(took.as_secs_f64());
        let Some(status) = status else { return };
        let resolve = || {
            let labels = [&*self.provider, status.as_str()];
            self.families.upstream_responses.with_label_values(&labels)
        };
        match self.statuses.get(usize::from(status.as_u16() - 100)) {
            Some(kept) => kept.get_or_init(resolve).inc(),
            // A status beyond 599 is no status of HTTP's.
            None => resolve().inc(),
        }
    }

    /// What Leeward added to a request.
    pub fn overhead(&self, took: Duration) {
        self.overhead.observe(took.as_secs_f64());
    }

    /// A wait inside Leeward.
    pub fn waited(&self, what: Waited, took: Duration) {
        let (slot, label) = match what {
            Waited::Token => (&self.waits[0], "token"),
            Waited::Gate => (&self.waits[1], "gate"),
            Waited::Bulkhead => (&self.waits[2], "bulkhead"),
        };
        slot.get_or_init(|| {
            let labels = [&*self.provider, label];
            self.families.wait.with_label_values(&labels)
        })
        .observe(took.as_secs_f64());
    }

    /// An attempt beyond the first.
    pub fn retry(&self, reason: &str) {
        let labels = [&*self.provider, reason];
        self.families.retries.with_label_values(&labels).inc();
    }

    /// A connection that was tried.
    pub fn connected(&self, result: &str) {
        let labels = [&*self.provider, result];
        self.families.connects.with_label_values(&labels).inc();
    }

    /// A limited request.
    pub fn rate_limited(&self, scope: &str, by: &str, wait: Duration) {
        let labels = [&*self.provider, scope, by];
        self.families.rate_limited.with_label_values(&labels).inc();
        self.retry_after.observe(wait.as_secs_f64());
    }

    /// A circuit that changed its state.
    pub fn breaker_transition(&self, to: State) {
        let labels = [&*self.provider, state_name(to)];
        self.families
            .breaker_transitions
            .with_label_values(&labels)
            .inc();
    }

    /// How many circuits are in a state.
    pub fn set_breakers(&self, state: State, count: i64) {
        let labels = [&*self.provider, state_name(state)];
        self.families.breakers.with_label_values(&labels).set(count);
    }
}

/// The label `operation` of what is passed through.
pub const PROXY: &str = "proxy";

/// A circuit's state as the labels and the admin API name it.
pub fn state_name(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::HalfOpen => "half_open",
        State::Open => "open",
    }
}
