//! What lives longer than a configuration: circuits, gates, slots, budgets, kept answers.

use std::sync::{Arc, Mutex, PoisonError};

use leeward_auth_refresh::Incomplete;
use leeward_bulkhead::Bulkhead;
use leeward_circuit_breaker::Breakers;
use leeward_fallback::Answers;
use leeward_rate_limit_normalize::Gate;
use leeward_retry::RetryBudget;

use super::Ready;
use super::wire::Clients;
use crate::adapters::Observer;
use crate::clock::Clock;
use crate::metrics::{Metrics, ProviderMetrics};

/// One provider's state. A reload changes its settings, never what it knows.
#[derive(Debug)]
pub struct ProviderState {
    /// The circuits.
    pub breakers: Breakers,
    /// The closed scopes.
    pub gate: Gate,
    /// The slots.
    pub bulkhead: Bulkhead,
    /// How many repeats the vendor still bears.
    pub budget: RetryBudget,
    /// The last good answers.
    pub answers: Answers,
    /// The connections, by TLS identity.
    pub(super) clients: Clients,
    /// The metrics.
    pub metrics: Arc<ProviderMetrics>,
    /// Listens to the layers.
    pub observer: Arc<Observer>,
    pub(super) plain: Plain,
}

impl ProviderState {
    /// A provider that nothing is known of yet.
    pub fn new(name: &Arc<str>, metrics: &Metrics, clock: &Clock) -> Self {
        let metrics = Arc::new(ProviderMetrics::new(metrics, name));
        let observer = Arc::new(Observer::new(Arc::clone(name), Arc::clone(&metrics)));
        let mono = || {
            let clock = clock.clone();
            move || clock.monotonic()
        };
        let wall = || {
            let clock = clock.clone();
            move || clock.wall()
        };
        Self {
            breakers: Breakers::new(leeward_circuit_breaker::Settings::default())
                .clock(mono())
                .wall_clock(wall())
                .observe(observer.clone()),
            gate: Gate::new(leeward_rate_limit_normalize::Settings::default())
                .clock(mono(), wall())
                .observe(observer.clone()),
            bulkhead: Bulkhead::new(leeward_bulkhead::Settings::default())
                .observe(observer.clone()),
            budget: RetryBudget::new(0.2),
            answers: Answers::new(leeward_fallback::Settings::default()).clock(mono()),
            clients: Clients::default(),
            metrics,
            observer,
            plain: Plain::default(),
        }
    }
}

/// What is ready for calls without an account, of the newest configuration that was asked for.
#[derive(Debug, Default)]
pub(super) struct Plain(Mutex<Option<(u64, Arc<Ready>)>>);

impl Plain {
    pub(super) fn get_or_make(
        &self,
        generation: u64,
        make: impl FnOnce() -> Result<Ready, Incomplete>,
    ) -> Result<Arc<Ready>, Incomplete> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, ready)) = &*kept
            && *of == generation
        {
            return Ok(Arc::clone(ready));
        }
        let ready = Arc::new(make()?);
        *kept = Some((generation, Arc::clone(&ready)));
        Ok(ready)
    }
}
