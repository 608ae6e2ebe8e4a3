//! The providers in force: an immutable snapshot, swapped whole; and their state, which stays.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use foldhash::fast::RandomState;
use leeward_auth_schemes::ProviderAuth;
use leeward_config::Source;

use crate::accounts::{Auths, Directory};
use crate::metrics::Metrics;
use crate::provider::{Provider, ProviderState, Shared, compile};
use crate::stack::{Stack, stack};

/// A provider and the stack that was compiled of it.
pub struct Entry {
    provider: Arc<Provider>,
    stack: Arc<dyn Stack>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entry").field(&self.provider.name()).finish()
    }
}

impl Entry {
    /// The provider.
    pub fn provider(&self) -> &Arc<Provider> {
        &self.provider
    }

    /// Its stack.
    pub fn stack(&self) -> &dyn Stack {
        &*self.stack
    }
}

/// How one provider's file fares.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The provider's name.
    pub name: String,
    /// The version in force; none if there never was a good one.
    pub version: Option<String>,
    /// What is wrong with the newest file.
    pub faults: Vec<String>,
}

/// All providers. Shared by every listener.
pub struct Registry {
    snapshot: ArcSwap<HashMap<String, Arc<Entry>, RandomState>>,
    standings: ArcSwap<Vec<Standing>>,
    states: DashMap<String, Arc<ProviderState>>,
    // The name that was last read in each file: a file whose YAML is broken tells none.
    names: Mutex<HashMap<PathBuf, String>>,
    directory: Directory,
    metrics: Metrics,
    // Set once, when the keeper stands: it needs this registry to know how tokens are bought.
    shared: OnceLock<Shared>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Registry {
    /// Without a provider.
    pub fn new(metrics: Metrics, directory: Directory) -> Self {
        Self {
            snapshot: ArcSwap::default(),
            standings: ArcSwap::default(),
            states: DashMap::new(),
            names: Mutex::default(),
            directory,
            metrics,
            shared: OnceLock::new(),
        }
    }

    /// Gives it what providers are compiled with.
    pub fn share(&self, shared: Shared) {
        let _ = self.shared.set(shared);
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// A provider by its name.
    pub fn entry(&self, name: &str) -> Option<Arc<Entry>> {
        self.snapshot.load().get(name).cloned()
    }

    /// All providers in force.
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.snapshot.load().values().cloned().collect()
    }

    /// The provider of an account.
    pub fn provider_of(&self, account: &str) -> Option<Arc<str>> {
        Some(self.directory.find(account)?.1)
    }

    /// How each file fares.
    pub fn standings(&self) -> Arc<Vec<Standing>> {
        self.standings.load_full()
    }

    /// Puts files in force: a changed one in the place of its predecessor, which stays where the
    /// new one is at fault; one that is gone is taken out. The names of those at fault.
    pub fn install(&self, sources: &[Source<leeward_config::Provider>]) -> Vec<Standing> {
        let Some(shared) = self.shared.get() else {
            return Vec::new();
        };
        let before = self.snapshot.load_full();
        let mut next = HashMap::with_capacity_and_hasher(sources.len(), RandomState::default());
        let mut standings = Vec::with_capacity(sources.len());
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for source in sources {
            let name = match &source.result {
                Err(_) if !before.contains_key(&source.name) => {
                    names.get(&source.path).unwrap_or(&source.name).clone()
                }
                _ => source.name.clone(),
            };
            let known = before.get(&name);
            let made = match &source.result {
                Ok(file) => self.make(file, &source.version, known, shared),
                Err(faults) => Err(faults.iter().map(ToString::to_string).collect()),
            };
            let (entry, faults) = match made {
                Ok(entry) => (Some(entry), Vec::new()),
                Err(faults) => (known.cloned(), faults),
            };
            let good = faults.is_empty();
            standings.push(Standing {
                name: name.clone(),
                version: entry
                    .as_ref()
                    .map(|entry| entry.provider.version().to_owned()),
                faults,
            });
            let Some(entry) = entry else { continue };
            if good {
                names.insert(source.path.clone(), name.clone());
                next.insert(name, entry);
            } else {
                // A second file of the same name may be the good one.
                next.entry(name).or_insert(entry);
            }
        }
        names.retain(|path, _| sources.iter().any(|source| source.path == *path));
        drop(names);
        for gone in before.keys().filter(|name| !next.contains_key(*name)) {
            self.metrics.forget_breakers(gone);
        }
        self.snapshot.store(Arc::new(next));
        self.standings.store(Arc::new(standings.clone()));
        standings.retain(|standing| !standing.faults.is_empty());
        standings
    }

    fn make(
        &self,
        file: &Arc<leeward_config::Provider>,
        version: &str,
        known: Option<&Arc<Entry>>,
        shared: &Shared,
    ) -> Result<Arc<Entry>, Vec<String>> {
        if let Some(known) = known
            && known.provider.version() == version
        {
            return Ok(Arc::clone(known));
        }
        let name = file.provider.0.as_str();
        let state = self
            .states
            .entry(name.to_owned())
            .or_insert_with(|| {
                Arc::new(ProviderState::new(
                    &name.into(),
                    &self.metrics,
                    &shared.clock,
                ))
            })
            .clone();
        let provider =
            compile(file, version, state, shared).map_err(|fault| vec![fault.to_string()])?;
        Ok(Arc::new(Entry {
            stack: stack(&provider),
            provider,
        }))
    }

    /// Sets the gauges that are read off the providers' state.
    pub fn count_breakers(&self) {
        use leeward_circuit_breaker::State;
        for entry in self.entries() {
            let provider = entry.provider();
            let circuits = provider.state().breakers.snapshot();
            for state in [State::Closed, State::HalfOpen, State::Open] {
                let count = circuits
                    .iter()
                    .filter(|circuit| circuit.state == state)
                    .count();
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                provider.metrics().set_breakers(state, count);
            }
        }
    }
}

impl Auths for Registry {
    fn auth_of(&self, provider: &str) -> Option<Arc<ProviderAuth>> {
        Some(Arc::clone(self.entry(provider)?.provider().auth()))
    }
}
