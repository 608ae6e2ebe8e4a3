//! What keepers, driver and flights share.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use foldhash::fast::RandomState;
use tokio::time::Instant;

use crate::clock::Moment;
use crate::entry::{Entry, Job};
use crate::jitter::Jitter;
use crate::setback::Setback;
use crate::{
    AccountId, CredentialError, CredentialStore, Current, Record, Settings, Status, StoreError,
    TokenProtocol,
};

pub(crate) struct State<C> {
    pub(crate) store: Arc<dyn CredentialStore<C>>,
    pub(crate) protocol: Arc<dyn TokenProtocol<C>>,
    pub(crate) settings: Settings,
    pub(crate) jitter: Jitter,
    entries: DashMap<AccountId, Arc<Entry<C>>, RandomState>,
    closing: AtomicBool,
}

/// What a keeper asks of the driver.
pub(crate) enum Command<C> {
    Fly(Job<C>),
    /// Somebody waits for a flight that may still be queued.
    Promote {
        provider: Arc<str>,
        account: AccountId,
    },
    /// This process renews that account then, by its own timetable.
    Plan {
        account: AccountId,
        at: Option<Instant>,
    },
    Mark(Mark<C>),
    Nudge,
    Close,
}

/// A status that is to be written.
pub(crate) struct Mark<C> {
    pub(crate) entry: Arc<Entry<C>>,
    pub(crate) version: u64,
    pub(crate) from: Status,
    pub(crate) to: Status,
    pub(crate) reason: Option<String>,
}

impl<C: Clone + Send + Sync + 'static> State<C> {
    pub(crate) fn new(
        store: Arc<dyn CredentialStore<C>>,
        protocol: Arc<dyn TokenProtocol<C>>,
        settings: Settings,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            protocol,
            settings,
            jitter: Jitter::random(),
            entries: DashMap::with_hasher(RandomState::default()),
            closing: AtomicBool::new(false),
        })
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::read(&*self.settings.clock)
    }

    pub(crate) fn closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// What is known of an account, without asking the store.
    pub(crate) fn entry(&self, account: &AccountId) -> Option<Arc<Entry<C>>> {
        self.entries
            .get(account)
            .map(|entry| Arc::clone(entry.value()))
    }

    pub(crate) fn current(&self, account: &AccountId) -> Option<Arc<Current<C>>> {
        self.entries.get(account)?.current.load_full()
    }

    /// What is known of an account, after asking the store if nothing is.
    pub(crate) async fn entry_or_load(
        &self,
        account: &AccountId,
    ) -> Result<Arc<Entry<C>>, CredentialError> {
        if let Some(entry) = self.entry(account)
            && entry.current.load().is_some()
        {
            return Ok(entry);
        }
        match self.bounded(self.store.load(account)).await? {
            Some(record) => Ok(self.install_loaded(record)),
            None => Err(CredentialError::UnknownAccount(account.clone())),
        }
    }

    /// Takes a record in that was only read: what is known already stays, unless it is older.
    pub(crate) fn install_loaded(&self, record: Record<C>) -> Arc<Entry<C>> {
        let now = self.now();
        let entry = self.entry_of(&record.account);
        let known = entry.current.load().as_ref().map(|known| known.version);
        if known.is_none_or(|version| version < record.version) {
            let setback = Setback::recorded(&record, now);
            entry.install(record, None, now);
            entry.board().setback = setback;
        }
        entry
    }

    pub(crate) fn entry_of(&self, account: &AccountId) -> Arc<Entry<C>> {
        let entry = self
            .entries
            .entry(account.clone())
            .or_insert_with(|| Entry::new(account.clone()));
        Arc::clone(entry.value())
    }

    pub(crate) fn remove(&self, account: &AccountId) {
        self.entries.remove(account);
    }

    /// Gives a call to the store its time limit.
    pub(crate) async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let limit = self.settings.store_timeout;
        match tokio::time::timeout(limit, call).await {
            Ok(result) => result,
            Err(_) => Err(late(limit)),
        }
    }
}

fn late(limit: Duration) -> StoreError {
    StoreError::new(format!("no answer within {} ms", limit.as_millis()))
}
