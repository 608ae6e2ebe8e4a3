//! All circuits of one peer or provider.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::fast::RandomState;
use tokio::time::Instant;

use crate::breaker::{Breaker, Hub, Ticket};
use crate::state::State;
use crate::{CircuitOpen, Observe, Settings};

/// The most circuits that one set keeps.
const CAPACITY: usize = 10_000;
/// How long a set that is full of failing circuits waits before it looks for idle ones again.
const PAUSE: Duration = Duration::from_secs(1);

/// A set of circuits that share settings, each under its own key.
///
/// A clone is the same set. It holds at most 10,000 circuits: when that many are there, idle ones
/// are forgotten; if all are failing, a new key's calls pass uncounted.
#[derive(Clone)]
pub struct Breakers {
    shared: Arc<Shared>,
}

struct Shared {
    circuits: DashMap<Arc<str>, Arc<Breaker>, RandomState>,
    settings: RwLock<Settings>,
    hub: Arc<Hub>,
    capacity: usize,
    /// Before this it is of no use to look for idle circuits.
    full_until: Mutex<Option<Instant>>,
}

/// One circuit as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitSnapshot {
    /// Its key.
    pub key: Arc<str>,
    /// Its state.
    pub state: State,
    /// When it came into that state.
    pub since: SystemTime,
    /// Closed: the failures in the window, or in a row if that is more. Else those that opened it
    /// and the failed probes since.
    pub failures: u32,
    /// When the next probe may go out, while none may.
    pub retry_at: Option<SystemTime>,
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breakers")
            .field("circuits", &self.shared.circuits.len())
            .field("settings", &self.settings())
            .finish_non_exhaustive()
    }
}

impl Breakers {
    /// An empty set.
    pub fn new(settings: Settings) -> Self {
        Self::made(settings, Hub::default(), CAPACITY)
    }

    fn made(settings: Settings, hub: Hub, capacity: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                circuits: DashMap::with_hasher(RandomState::default()),
                settings: RwLock::new(settings),
                hub: Arc::new(hub),
                capacity,
                full_until: Mutex::new(None),
            }),
        }
    }

    /// The same settings and listeners, changed, over an empty set.
    fn anew(self, change: impl FnOnce(&mut Hub, &mut usize)) -> Self {
        let old = &self.shared.hub;
        let mut hub = Hub {
            clock: old.clock.clone(),
            wall: old.wall.clone(),
            observer: old.observer.clone(),
            ..Hub::default()
        };
        let mut capacity = self.shared.capacity;
        change(&mut hub, &mut capacity);
        Self::made(self.settings(), hub, capacity)
    }

    /// Tells `observer` of every change. For a new set, before layers are made of it: the circuits
    /// so far are left behind.
    #[must_use]
    pub fn observe(self, observer: Arc<dyn Observe>) -> Self {
        self.anew(|hub, _| hub.observer = Some(observer))
    }

    /// Takes the monotonic time from here in place of `Instant::now`. For a new set, as
    /// [`observe`](Self::observe).
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.anew(|hub, _| hub.clock = Some(Arc::new(clock)))
    }

    /// Takes the wall time of snapshots from here in place of `SystemTime::now`. For a new set, as
    /// [`observe`](Self::observe).
    #[must_use]
    pub fn wall_clock(self, wall: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.anew(|hub, _| hub.wall = Some(Arc::new(wall)))
    }

    /// Keeps at most this many circuits in place of 10,000. For a new set, as
    /// [`observe`](Self::observe).
    #[must_use]
    pub fn capacity(self, circuits: usize) -> Self {
        self.anew(|_, capacity| *capacity = circuits.max(1))
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        *self
            .shared
            .settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Other settings from now on. States, leases and times already given out stay as they are.
    pub fn set_settings(&self, settings: Settings) {
        // Held to the end, so that no circuit is made of the old ones meanwhile.
        let mut current = self
            .shared
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = settings;
        for breaker in &self.shared.circuits {
            breaker.set_settings(settings);
        }
    }

    /// All circuits, by key.
    pub fn snapshot(&self) -> Vec<CircuitSnapshot> {
        let wall = self.shared.hub.wall();
        let mut circuits: Vec<_> = self
            .shared
            .circuits
            .iter()
            .map(|circuit| {
                let look = circuit.look();
                CircuitSnapshot {
                    key: Arc::clone(circuit.key()),
                    state: look.state,
                    since: look.since,
                    failures: look.failures,
                    retry_at: look.retry_in.and_then(|wait| wall.checked_add(wait)),
                }
            })
            .collect();
        circuits.sort_by(|a, b| a.key.cmp(&b.key));
        circuits
    }

    /// Closes a circuit by hand and forgets what was against it. `false`: there is none of that
    /// key.
    pub fn reset(&self, key: &str) -> bool {
        let found = self.find(key);
        found.inspect(|breaker| breaker.reset()).is_some()
    }

    /// Whether a call under this key would be let in now. Takes nothing, changes nothing.
    ///
    /// # Errors
    ///
    /// [`CircuitOpen`] if not.
    pub fn check(&self, key: &str) -> Result<(), CircuitOpen> {
        match self.find(key) {
            Some(breaker) => breaker.check(),
            None => Ok(()),
        }
    }

    /// Whether any circuit is not closed.
    pub(crate) fn any_trouble(&self) -> bool {
        self.shared.hub.troubled.load(Ordering::Acquire) != 0
    }

    pub(crate) fn admit(&self, key: Arc<str>) -> Result<Ticket, CircuitOpen> {
        self.find(&key).unwrap_or_else(|| self.make(key)).admit()
    }

    fn find(&self, key: &str) -> Option<Arc<Breaker>> {
        let found = self.shared.circuits.get(key)?;
        Some(Arc::clone(found.value()))
    }

    fn make(&self, key: Arc<str>) -> Arc<Breaker> {
        let shared = &self.shared;
        let full = !self.has_room();
        let settings = shared
            .settings
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let new = |key| Arc::new(Breaker::new(key, Arc::clone(&shared.hub), *settings, full));
        if full {
            return new(key);
        }
        match shared.circuits.entry(key) {
            Entry::Occupied(made) => Arc::clone(made.get()),
            Entry::Vacant(free) => {
                let breaker = new(Arc::clone(free.key()));
                free.insert(Arc::clone(&breaker));
                breaker
            }
        }
    }

    /// Makes room if need be: an eighth at once, so that the search is paid for by many.
    fn has_room(&self) -> bool {
        let shared = &self.shared;
        if shared.circuits.len() < shared.capacity {
            return true;
        }
        let now = shared.hub.now();
        let mut full_until = shared
            .full_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if full_until.is_some_and(|until| now < until) {
            return false;
        }
        let mut surplus = 1 + shared.capacity / 8;
        for eager in [false, true] {
            shared.circuits.retain(|_, breaker| {
                let goes = surplus > 0 && breaker.retire(now, eager);
                surplus -= usize::from(goes);
                !goes
            });
        }
        let room = shared.circuits.len() < shared.capacity;
        *full_until = (!room).then(|| now + PAUSE);
        room
    }
}
