//! Every metric of the product, registered once; a provider's handles are resolved when its
//! configuration is compiled, so that a request touches no map and no lock.

mod provider;

pub use provider::{Outcome, PROXY, ProviderMetrics, Source, Waited, state_name};

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{
    Encoder, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Seconds, from a fast answer to the longest deadline.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];
/// Seconds, for what should cost microseconds.
const SHORT: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1.0,
];
/// Seconds that a vendor asks one to wait.
const WAITS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 86400.0,
];

/// The registry and its families. Names and labels are SPEC section 10's.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    duration: HistogramVec,
    upstream_duration: HistogramVec,
    overhead: HistogramVec,
    upstream_responses: IntCounterVec,
    in_flight: IntGaugeVec,
    wait: HistogramVec,
    retries: IntCounterVec,
    connects: IntCounterVec,
    rate_limited: IntCounterVec,
    retry_after: HistogramVec,
    breakers: IntGaugeVec,
    breaker_transitions: IntCounterVec,
    token_refreshes: IntCounterVec,
    accounts: IntGaugeVec,
    token_expiry: GaugeVec,
    listener_refused: IntCounterVec,
    /// 1 while the store answers.
    pub store_up: IntGauge,
    /// How often a changed configuration was refused.
    pub reload_failures: IntCounter,
    /// How many configurations have been in force since the start.
    pub generation: IntGauge,
    /// Panics inside a request that ended as a 500.
    pub panics: IntCounter,
}

impl Metrics {
    /// Registers every family. Fails only if two had one name, which a test would see.
    pub fn new() -> Result<Self, prometheus::Error> {
        let r = Registry::new();
        let metrics = Self {
            requests: counters(
                &r,
                "leeward_requests_total",
                "Requests answered, by provider, operation, outcome and source of the answer.",
                &["provider", "operation", "outcome", "source"],
            )?,
            duration: histograms(
                &r,
                "leeward_request_duration_seconds",
                "From a request's head to its answer's head.",
                &["provider", "source", "outcome"],
                SECONDS,
            )?,
            upstream_duration: histograms(
                &r,
                "leeward_upstream_duration_seconds",
                "From a call at the wire to its answer's head, or its failure.",
                &["provider"],
                SECONDS,
            )?,
            overhead: histograms(
                &r,
                "leeward_overhead_seconds",
                "What Leeward added to the vendor's own time: waits and work.",
                &["provider"],
                SHORT,
            )?,
            upstream_responses: counters(
                &r,
                "leeward_upstream_responses_total",
                "Answers of the vendor by status.",
                &["provider", "status"],
            )?,
            in_flight: gauges(
                &r,
                "leeward_in_flight",
                "Requests under way.",
                &["provider"],
            )?,
            wait: histograms(
                &r,
                "leeward_wait_seconds",
                "What a request waited for inside Leeward.",
                &["provider", "for"],
                SECONDS,
            )?,
            retries: counters(
                &r,
                "leeward_retries_total",
                "Attempts beyond the first.",
                &["provider", "reason"],
            )?,
            connects: counters(
                &r,
                "leeward_connects_total",
                "Connections made to the vendor.",
                &["provider", "result"],
            )?,
            rate_limited: counters(
                &r,
                "leeward_rate_limited_total",
                "Requests limited, by whom.",
                &["provider", "scope", "by"],
            )?,
            retry_after: histograms(
                &r,
                "leeward_retry_after_seconds",
                "Waits that limits asked for.",
                &["provider"],
                WAITS,
            )?,
            breakers: gauges(
                &r,
                "leeward_breakers",
                "Circuits of the provider in each state.",
                &["provider", "state"],
            )?,
            breaker_transitions: counters(
                &r,
                "leeward_breaker_transitions_total",
                "Changes of a circuit's state.",
                &["provider", "to"],
            )?,
            token_refreshes: counters(
                &r,
                "leeward_token_refreshes_total",
                "Refresh flights by result.",
                &["provider", "result"],
            )?,
            accounts: gauges(
                &r,
                "leeward_accounts",
                "Accounts in the store by status.",
                &["provider", "status"],
            )?,
            token_expiry: register(
                &r,
                GaugeVec::new(
                    Opts::new(
                        "leeward_token_expiry_seconds",
                        "Seconds until the soonest expiry of a token.",
                    ),
                    &["provider"],
                )?,
            )?,
            listener_refused: counters(
                &r,
                "leeward_listener_refused_total",
                "Connections and messages refused before they were requests.",
                &["listener", "reason"],
            )?,
            store_up: register(
                &r,
                IntGauge::new("leeward_store_up", "1 while the store answers.")?,
            )?,
            reload_failures: register(
                &r,
                IntCounter::new(
                    "leeward_config_reload_failures_total",
                    "Changed configurations that were refused.",
                )?,
            )?,
            generation: register(
                &r,
                IntGauge::new(
                    "leeward_config_generation",
                    "Configurations that have been in force since the start.",
                )?,
            )?,
            panics: register(
                &r,
                IntCounter::new(
                    "leeward_panics_total",
                    "Panics inside a request that ended as a 500.",
                )?,
            )?,
            registry: r.clone(),
        };
        let built = register(
            &r,
            GaugeVec::new(
                Opts::new("leeward_build_info", "Always 1; the labels say what runs."),
                &["version", "commit"],
            )?,
        )?;
        let info: Gauge = built.with_label_values(&[crate::VERSION, crate::COMMIT]);
        info.set(1.0);
        Ok(metrics)
    }

    /// A refused connection or message on one of our listeners.
    pub fn listener_refused(&self, listener: &str, reason: &str) {
        self.listener_refused
            .with_label_values(&[listener, reason])
            .inc();
    }

    /// Sets how many accounts there are by provider and status; what is not among them is forgotten.
    pub fn set_accounts(&self, counts: &[(&str, &str, i64)]) {
        for (provider, status, count) in counts {
            self.accounts
                .with_label_values(&[provider, status])
                .set(*count);
        }
        retain(&self.accounts, |labels| {
            counts
                .iter()
                .any(|(provider, status, _)| labels == [*provider, *status])
        });
    }

    /// Sets the seconds until the soonest expiry by provider; what is not among them is forgotten.
    pub fn set_token_expiries(&self, soonest: &[(&str, f64)]) {
        for (provider, seconds) in soonest {
            self.token_expiry
                .with_label_values(&[provider])
                .set(*seconds);
        }
        retain(&self.token_expiry, |labels| {
            soonest.iter().any(|(provider, _)| labels == [*provider])
        });
    }

    /// Forgets the circuits of a provider that is gone: a gauge must not tell of them for ever.
    pub fn forget_breakers(&self, provider: &str) {
        for state in ["closed", "half_open", "open"] {
            // One that was never set is not there to be removed.
            let _ = self.breakers.remove_label_values(&[provider, state]);
        }
    }

    /// Counts a refresh flight.
    pub fn token_refreshed(&self, provider: &str, result: &str) {
        self.token_refreshes
            .with_label_values(&[provider, result])
            .inc();
    }

    /// The page in Prometheus' text format.
    pub fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut page = Vec::with_capacity(16 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut page)?;
        Ok(page)
    }
}

fn register<C: Collector + Clone + 'static>(r: &Registry, c: C) -> Result<C, prometheus::Error> {
    r.register(Box::new(c.clone()))?;
    Ok(c)
}

/// Takes out the series whose labels, in the order of their names, are not to be kept.
fn retain<B: MetricVecBuilder>(family: &MetricVec<B>, keep: impl Fn(&[&str]) -> bool)
where
    MetricVec<B>: Collector,
{
    for series in family
        .collect()
        .iter()
        .flat_map(|family| family.get_metric())
    {
        let labels: Vec<&str> = series
            .get_label()
            .iter()
            .map(|label| label.value())
            .collect();
        if !keep(&labels) {
            // Another thread may have been faster.
            let _ = family.remove_label_values(&labels);
        }
    }
}

fn counters(
    r: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    register(r, IntCounterVec::new(Opts::new(name, help), labels)?)
}

fn gauges(
    r: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntGaugeVec, prometheus::Error> {
    register(r, IntGaugeVec::new(Opts::new(name, help), labels)?)
}

fn histograms(
    r: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> Result<HistogramVec, prometheus::Error> {
    let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    register(r, HistogramVec::new(opts, labels)?)
}
