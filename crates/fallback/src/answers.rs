//! The last good answers of one provider.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use tokio::time::Instant;

use crate::entry::Entry;
use crate::{Key, Settings};

/// Slots for the times of writes. Two places that share one only make an answer count as changed
/// that was not.
const PLACES: usize = 4096;

/// The last good answers of one provider, by [`Key`], up to a weight in bytes. Clones are one
/// store; it outlives the layers that use it.
#[derive(Clone)]
pub struct Answers {
    shared: Arc<Shared>,
    clock: Option<Arc<dyn Fn() -> Instant + Send + Sync>>,
}

struct Shared {
    settings: RwLock<Settings>,
    cache: Cache<Key, Arc<Entry>, Weight, RandomState>,
    /// Bytes of answers that still flow past.
    collecting: AtomicUsize,
    /// Counts what was forgotten, so that an answer that was under way then is not kept.
    epoch: RwLock<u64>,
    start: Instant,
    hasher: RandomState,
    changed: OnceLock<Box<[AtomicU64]>>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Arc<Entry>> for Weight {
    fn weight(&self, key: &Key, entry: &Arc<Entry>) -> u64 {
        (key.len() + entry.weight()) as u64
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Answers {
    /// An empty store.
    pub fn new(settings: Settings) -> Self {
        // One shard: with several each would have only its part of `max_bytes`, and an answer
        // larger than that part could never be kept.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(1024)
            .weight_capacity(settings.max_bytes as u64)
            .build();
        let cache = match options {
            Ok(options) => Cache::with_options(
                options,
                Weight,
                RandomState::new(),
                DefaultLifecycle::default(),
            ),
            // Both capacities are given; were they not enough, this makes the same store with
            // shards as the library likes them.
            Err(_) => Cache::with(
                1024,
                settings.max_bytes as u64,
                Weight,
                RandomState::new(),
                DefaultLifecycle::default(),
            ),
        };
        Self {
            shared: Arc::new(Shared {
                settings: RwLock::new(settings),
                cache,
                collecting: AtomicUsize::new(0),
                epoch: RwLock::new(0),
                start: Instant::now(),
                hasher: RandomState::new(),
                changed: OnceLock::new(),
            }),
            clock: None,
        }
    }

    /// Another clock than [`Instant::now`], for this handle and its clones.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(now));
        self
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        *self
            .shared
            .settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the settings. What was kept stays, as far as it fits.
    pub fn set_settings(&self, settings: Settings) {
        let mut current = self
            .shared
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let resized = current.max_bytes != settings.max_bytes;
        *current = settings;
        drop(current);
        if resized {
            self.shared.cache.set_capacity(settings.max_bytes as u64);
        }
    }

    /// How many answers are kept.
    pub fn len(&self) -> usize {
        self.shared.cache.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.shared.cache.is_empty()
    }

    /// What the kept answers take, in bytes.
    pub fn bytes(&self) -> u64 {
        self.shared.cache.weight()
    }

    /// Forgets every answer of an account, those included that are under way now: its credentials
    /// were replaced, or it was deleted. Walks through the whole store.
    pub fn forget(&self, account: &str) {
        let mut epoch = self.next_epoch();
        let cache = &self.shared.cache;
        cache.retain(|key, _| key.account() != account.as_bytes());
        *epoch += 1;
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut epoch = self.next_epoch();
        self.shared.cache.clear();
        *epoch += 1;
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.as_ref().map_or_else(Instant::now, |now| now())
    }

    pub(crate) fn epoch(&self) -> u64 {
        *self.this_epoch()
    }

    /// While it is held, nothing is forgotten.
    fn this_epoch(&self) -> RwLockReadGuard<'_, u64> {
        let epoch = &self.shared.epoch;
        epoch.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_epoch(&self) -> RwLockWriteGuard<'_, u64> {
        let epoch = &self.shared.epoch;
        epoch.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        let entry = self.shared.cache.get(key)?;
        (!self.changed_since(key, entry.received())).then_some(entry)
    }

    pub(crate) fn put(&self, key: Key, entry: Entry, epoch: u64) {
        let now = self.this_epoch();
        if *now == epoch {
            self.shared.cache.insert(key, Arc::new(entry));
        }
    }

    pub(crate) fn remove(&self, key: &Key) {
        self.shared.cache.remove(key);
    }

    /// Notes a write that succeeded.
    pub(crate) fn changed(&self, key: &Key) {
        let slots = self
            .shared
            .changed
            .get_or_init(|| (0..PLACES).map(|_| AtomicU64::new(0)).collect());
        if let Some(slot) = slots.get(self.slot(key)) {
            slot.fetch_max(self.millis(self.now()), Ordering::Relaxed);
        }
    }

    fn changed_since(&self, key: &Key, received: Instant) -> bool {
        let slots = self.shared.changed.get();
        let slot = slots.and_then(|slots| slots.get(self.slot(key)));
        slot.is_some_and(|slot| slot.load(Ordering::Relaxed) >= self.millis(received))
    }

    fn slot(&self, key: &Key) -> usize {
        let hash = self.shared.hasher.hash_one(key.place());
        usize::try_from(hash % PLACES as u64).unwrap_or_default()
    }

    /// Milliseconds since the store was made, and one, so that 0 means never.
    fn millis(&self, at: Instant) -> u64 {
        let millis = at.saturating_duration_since(self.shared.start).as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Sets room aside for a piece of an answer that flows past; false: all that flow past
    /// together would take more than the store itself may.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        let before = self.shared.collecting.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.settings().max_bytes;
        if !fits {
            self.release(bytes);
        }
        fits
    }

    pub(crate) fn release(&self, bytes: usize) {
        self.shared.collecting.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers")
            .field("settings", &self.settings())
            .field("len", &self.len())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}
