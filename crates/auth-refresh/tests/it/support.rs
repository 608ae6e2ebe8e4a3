//! A clock that follows tokio's, a store that can be away, a vendor that does as told.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use leeward_auth_refresh::{
    AccountId, Acquired, BoxFuture, Clock, CredentialStore, Due, Failure, Granted, Keeper, Lease,
    MemoryStore, Observe, Outcome, Record, RefreshPolicy, Refreshed, Renewed, Sending, Settings,
    Status, StoreError, TokenProtocol, refresh_at,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(crate) const LIFE: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token(pub(crate) u32);

pub(crate) struct TestClock {
    began: Instant,
    offset: AtomicU64,
}

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            offset: AtomicU64::new(1_700_000_000),
        })
    }

    /// Moves the wall clock alone.
    pub(crate) fn jump(&self, forward: i64) {
        let now = self.offset.load(Ordering::Relaxed);
        self.offset
            .store(now.saturating_add_signed(forward), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
            + Duration::from_secs(self.offset.load(Ordering::Relaxed))
            + self.began.elapsed()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// What the vendor does with one token call.
pub(crate) enum Reply {
    Grant,
    Slow(Duration),
    Fail(Failure),
    Panic,
}

pub(crate) struct Vendor {
    clock: Arc<TestClock>,
    script: Mutex<VecDeque<Reply>>,
    standing: Mutex<Option<Failure>>,
    policy: Mutex<RefreshPolicy>,
    life: Mutex<Option<Duration>>,
    pub(crate) calls: AtomicUsize,
    under_way: AtomicUsize,
    pub(crate) most_under_way: AtomicUsize,
    pub(crate) called_at: Mutex<Vec<Instant>>,
    pub(crate) called_for: Mutex<Vec<AccountId>>,
    latest: AtomicUsize,
}

impl Vendor {
    fn new(clock: Arc<TestClock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            script: Mutex::default(),
            standing: Mutex::default(),
            policy: Mutex::default(),
            life: Mutex::new(Some(LIFE)),
            calls: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            called_at: Mutex::default(),
            called_for: Mutex::default(),
            latest: AtomicUsize::new(1),
        })
    }

    pub(crate) fn then(&self, reply: Reply) -> &Self {
        self.script.lock().unwrap().push_back(reply);
        self
    }

    /// What it answers to every call that no `then` speaks for; `None`: a token.
    pub(crate) fn always(&self, failure: Option<Failure>) {
        *self.standing.lock().unwrap() = failure;
    }

    pub(crate) fn policy_is(&self, policy: RefreshPolicy) {
        *self.policy.lock().unwrap() = policy;
    }

    pub(crate) fn life_is(&self, life: Option<Duration>) {
        *self.life.lock().unwrap() = life;
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn grant(&self, now: SystemTime) -> Granted<Token> {
        let number = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        Granted {
            credential: Token(u32::try_from(number).unwrap()),
            expires_at: self.life.lock().unwrap().map(|life| now + life),
            refresh_expires_at: None,
        }
    }

    async fn answer(
        &self,
        now: SystemTime,
        sending: &Sending<'_>,
    ) -> Result<Granted<Token>, Failure> {
        let reply = self.script.lock().unwrap().pop_front();
        let standing = self.standing.lock().unwrap().clone();
        let reply = reply.unwrap_or(standing.map_or(Reply::Grant, Reply::Fail));
        if let Reply::Fail(failure @ (Failure::NotSent { .. } | Failure::Incomplete { .. })) = reply
        {
            return Err(failure);
        }
        sending().await?;
        // Every call takes a moment, so that others can meet it.
        tokio::time::sleep(Duration::from_millis(10)).await;
        match reply {
            Reply::Grant => Ok(self.grant(now)),
            Reply::Slow(time) => {
                tokio::time::sleep(time).await;
                Ok(self.grant(now))
            }
            Reply::Fail(failure) => Err(failure),
            Reply::Panic => panic!("the protocol was told to panic"),
        }
    }
}

struct UnderWay<'a>(&'a Vendor);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl TokenProtocol<Token> for Vendor {
    fn obtain<'a>(
        &'a self,
        record: &'a Record<Token>,
        now: SystemTime,
        sending: &'a Sending<'a>,
    ) -> BoxFuture<'a, Result<Granted<Token>, Failure>> {
        Box::pin(async move {
            assert!(record.lease.is_some(), "no call without a lease");
            assert_eq!(now, self.clock.wall());
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.called_at.lock().unwrap().push(Instant::now());
            self.called_for.lock().unwrap().push(record.account.clone());
            let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
            self.most_under_way.fetch_max(under_way, Ordering::Relaxed);
            let _guard = UnderWay(self);
            self.answer(now, sending).await
        })
    }

    fn policy(&self, _: &str, _: &AccountId) -> RefreshPolicy {
        self.policy.lock().unwrap().clone()
    }
}

/// A memory store that can be away, and counts what it is asked.
#[derive(Clone)]
pub(crate) struct TestStore {
    pub(crate) records: MemoryStore<Token>,
    away: Arc<AtomicBool>,
    commits_fail: Arc<AtomicBool>,
    pub(crate) asked: Arc<AtomicUsize>,
}

impl TestStore {
    fn new() -> Self {
        Self {
            records: MemoryStore::new(),
            away: Arc::default(),
            commits_fail: Arc::default(),
            asked: Arc::default(),
        }
    }

    pub(crate) fn away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    pub(crate) fn commits_fail(&self, fail: bool) {
        self.commits_fail.store(fail, Ordering::Relaxed);
    }

    fn ask<'a, T: Send + 'a>(
        &'a self,
        answer: impl Future<Output = Result<T, StoreError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.away.load(Ordering::Relaxed) {
                return Err(StoreError::new("the store is away"));
            }
            answer.await
        })
    }
}

impl CredentialStore<Token> for TestStore {
    fn load<'a>(
        &'a self,
        account: &'a AccountId,
    ) -> BoxFuture<'a, Result<Option<Record<Token>>, StoreError>> {
        self.ask(self.records.load(account))
    }

    fn acquire<'a>(
        &'a self,
        account: &'a AccountId,
        version: u64,
        owner: &'a str,
        now: SystemTime,
        until: SystemTime,
        longest: Duration,
    ) -> BoxFuture<'a, Result<Acquired<Token>, StoreError>> {
        self.ask(async move {
            self.records
                .acquire(account, version, owner, now, until, longest)
                .await
        })
    }

    fn mark_sent<'a>(
        &'a self,
        lease: &'a Lease,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.ask(async move { self.records.mark_sent(lease, at).await })
    }

    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        until: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.ask(async move { self.records.renew(lease, until).await })
    }

    fn commit<'a>(
        &'a self,
        lease: &'a Lease,
        renewed: Renewed<Token>,
    ) -> BoxFuture<'a, Result<Option<Record<Token>>, StoreError>> {
        if self.commits_fail.load(Ordering::Relaxed) {
            return Box::pin(async { Err(StoreError::new("the disk is full")) });
        }
        self.ask(async move { self.records.commit(lease, renewed).await })
    }

    fn give_back<'a>(
        &'a self,
        lease: &'a Lease,
        outcome: Outcome,
    ) -> BoxFuture<'a, Result<Option<Record<Token>>, StoreError>> {
        self.ask(async move { self.records.give_back(lease, outcome).await })
    }

    fn set_status<'a>(
        &'a self,
        account: &'a AccountId,
        version: Option<u64>,
        status: Status,
        reason: Option<String>,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<Record<Token>>, StoreError>> {
        self.ask(async move {
            self.records
                .set_status(account, version, status, reason, now)
                .await
        })
    }

    fn due<'a>(&'a self, due: &'a Due) -> BoxFuture<'a, Result<Vec<AccountId>, StoreError>> {
        self.ask(async move { self.records.due(due).await })
    }

    fn soonest<'a>(&'a self) -> BoxFuture<'a, Result<Option<SystemTime>, StoreError>> {
        self.ask(async move { self.records.soonest().await })
    }
}

/// Writes down what it is told.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) refreshed: Mutex<Vec<Refreshed>>,
    pub(crate) statuses: Mutex<Vec<(Status, Status)>>,
    pub(crate) waits: AtomicUsize,
}

impl Observe for Notes {
    fn refreshed(&self, _: &str, result: Refreshed) {
        self.refreshed.lock().unwrap().push(result);
    }

    fn status(&self, _: &AccountId, _: &str, from: Status, to: Status, _: Option<&str>) {
        self.statuses.lock().unwrap().push((from, to));
    }

    fn waited(&self, _: &str, _: Duration) {
        self.waits.fetch_add(1, Ordering::Relaxed);
    }
}

impl Notes {
    pub(crate) fn refreshed(&self) -> Vec<Refreshed> {
        self.refreshed.lock().unwrap().clone()
    }

    pub(crate) fn statuses(&self) -> Vec<(Status, Status)> {
        self.statuses.lock().unwrap().clone()
    }
}

/// One simulated world: a clock, a store, a vendor.
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) store: TestStore,
    pub(crate) vendor: Arc<Vendor>,
}

/// One process in it, its driver running.
pub(crate) struct Process {
    pub(crate) keeper: Keeper<Token>,
    pub(crate) notes: Arc<Notes>,
    pub(crate) driver: JoinHandle<()>,
}

pub(crate) fn acme() -> AccountId {
    AccountId::from("acme")
}

pub(crate) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = TestClock::new();
        Self {
            store: TestStore::new(),
            vendor: Vendor::new(Arc::clone(&clock)),
            clock,
        }
    }

    /// A world with one account whose token lives for so long from now.
    pub(crate) fn with_token(left: Duration) -> Self {
        let world = Self::new();
        world.put("acme", left);
        world
    }

    /// Writes an account into the store alone.
    pub(crate) fn put(&self, account: &str, left: Duration) -> Record<Token> {
        let now = self.clock.wall();
        let account = AccountId::from(account);
        let end = Some(now + left);
        let policy = self.vendor.policy("vendor", &account);
        self.store.records.put(Record {
            renewable: true,
            expires_at: end,
            refresh_at: refresh_at(&account, now, end, None, &policy),
            ..Record::new(account, "vendor", Token(1), now)
        })
    }

    /// An account with a given key that never expires.
    pub(crate) fn put_key(&self) {
        let now = self.clock.wall();
        self.store
            .records
            .put(Record::new("acme", "vendor", Token(1), now));
    }

    pub(crate) fn process(&self) -> Process {
        self.process_with(|_| {})
    }

    pub(crate) fn process_with(&self, change: impl FnOnce(&mut Settings)) -> Process {
        let notes = Arc::new(Notes::default());
        let mut settings = Settings {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            observe: Arc::clone(&notes) as Arc<dyn Observe>,
            ..Settings::default()
        };
        change(&mut settings);
        let store = Arc::new(self.store.clone());
        let vendor = Arc::clone(&self.vendor);
        let (keeper, driver) = Keeper::new(store, vendor, settings);
        Process {
            keeper,
            notes,
            driver: tokio::spawn(driver),
        }
    }

    /// A process that buys only what a request needs.
    pub(crate) fn process_without_schedule(&self) -> Process {
        self.process_with(|settings| settings.schedule = false)
    }

    pub(crate) fn record(&self) -> Record<Token> {
        self.store.records.get(&acme()).unwrap()
    }
}

/// Lets time pass.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

pub(crate) fn refused() -> Failure {
    Failure::Refused {
        reason: "invalid_grant".into(),
    }
}

pub(crate) fn unavailable() -> Failure {
    Failure::Transient {
        reason: "503".into(),
        retry_after: None,
    }
}
