//! What a store of credentials must do.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use crate::{AccountId, Lease, Record, Status, StoreError};

/// A boxed future, as the object-safe traits here return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The answer to [`CredentialStore::acquire`].
#[derive(Debug)]
pub enum Acquired<C> {
    /// The lease is ours. The record was read in the same transaction, and holds this lease;
    /// `sent_at` is what the holder before left there.
    Leased(Lease, Record<C>),
    /// Another lease is in force until then.
    Held {
        /// When it ends, unless it is renewed.
        until: SystemTime,
    },
    /// The credential is no longer of the version asked for: here is the newer.
    Moved(Record<C>),
    /// There is no such account.
    Gone,
}

/// A new credential, to be written by [`CredentialStore::commit`].
///
/// `Debug` leaves the credential out.
#[derive(Clone)]
pub struct Renewed<C> {
    /// The secret itself.
    pub credential: C,
    /// When what is sent to the API is over.
    pub expires_at: Option<SystemTime>,
    /// When the schedule renews it.
    pub refresh_at: Option<SystemTime>,
    /// When the grant dies unless it is used before.
    pub refresh_expires_at: Option<SystemTime>,
    /// When it was bought.
    pub refreshed_at: SystemTime,
}

impl<C> std::fmt::Debug for Renewed<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewed")
            .field("expires_at", &self.expires_at)
            .field("refresh_at", &self.refresh_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .field("refreshed_at", &self.refreshed_at)
            .finish_non_exhaustive()
    }
}

/// How a flight ended that bought nothing: what the record shall say afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// A new status with its reason; `since` becomes [`at`](Self::at) if the status differs from
    /// the one before. `None`: status and reason stay.
    pub status: Option<(Status, String)>,
    /// A new `refresh_at`. `None`: it stays.
    pub refresh_at: Option<SystemTime>,
    /// `retry_at` as it shall be.
    pub retry_at: Option<SystemTime>,
    /// `failures` as it shall be.
    pub failures: u32,
    /// `sent_at` as it shall be: kept only if the end of what was sent is still unknown.
    pub sent_at: Option<SystemTime>,
    /// Now, by the clock of the holder.
    pub at: SystemTime,
}

/// What [`CredentialStore::due`] looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Now, by the clock of who asks.
    pub now: SystemTime,
    /// A lease that ends later than this from now counts as over.
    pub longest_lease: Duration,
    /// A `retry_at` of an active account that lies further off than this counts as over.
    pub longest_backoff: Duration,
    /// A `retry_at` of an account that needs reauthorisation that lies further off counts as over.
    pub longest_reauth: Duration,
    /// At most so many.
    pub limit: usize,
}

/// A store of credentials that several processes may share.
///
/// Every method is one short transaction. What a method has answered is durable. Times are those
/// of the caller's wall clock. Dropping a future may leave its write done or undone, never half.
///
/// A lease is *in force* at `now` if its `until` lies in `(now, now + longest]`: one that is
/// further off was written by a clock that has jumped since. A lease is *held* by a [`Lease`] value
/// if it was not cleared and its fence is still that value's `fence`, whether or not its time has
/// passed: a late holder may still commit as long as nobody took over. No fence is used twice for
/// an account, not even after the account was deleted and made again (one counter for the whole
/// store serves); whoever replaces a record from outside clears lease, `sent_at`, `retry_at` and
/// `failures`, so that a holder of before is fenced, and makes the version grow.
pub trait CredentialStore<C>: Send + Sync + 'static {
    /// Reads one record.
    fn load<'a>(
        &'a self,
        account: &'a AccountId,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>>;

    /// Takes the lease, if the record is of this `version` and no lease is in force (its own
    /// owner's neither). Looks at the version first: a record that moved is [`Acquired::Moved`]
    /// even while somebody holds a lease on it. Does not look at status or `retry_at`; leaves
    /// `sent_at` alone.
    fn acquire<'a>(
        &'a self,
        account: &'a AccountId,
        version: u64,
        owner: &'a str,
        now: SystemTime,
        until: SystemTime,
        longest: Duration,
    ) -> BoxFuture<'a, Result<Acquired<C>, StoreError>>;

    /// Writes `sent_at`. `false`: the lease is no longer held, nothing was written.
    fn mark_sent<'a>(
        &'a self,
        lease: &'a Lease,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Moves the end of the lease; the fence stays. `false`: the lease is no longer held.
    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        until: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Writes the new credential and clears the lease, if it is still held: version + 1, failures
    /// 0, no `retry_at`, no `sent_at`; a status of needs_reauth becomes active (`since` is
    /// `refreshed_at` then, the reason goes), a disabled one stays. Answers the record as it is
    /// now. `None`: the lease was no longer held, nothing was written.
    fn commit<'a>(
        &'a self,
        lease: &'a Lease,
        renewed: Renewed<C>,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>>;

    /// Clears the lease and writes the outcome, if the lease is still held; a disabled account's
    /// status stays. Answers the record as it is now. `None`: it was no longer held.
    fn give_back<'a>(
        &'a self,
        lease: &'a Lease,
        outcome: Outcome,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>>;

    /// Writes status and reason, if the record is of this version (`None`: of whatever version);
    /// `since` becomes `now` if the status changed. Touches neither version nor lease. Answers the
    /// record as it is now. `None`: no such record, or of another version.
    fn set_status<'a>(
        &'a self,
        account: &'a AccountId,
        version: Option<u64>,
        status: Status,
        reason: Option<String>,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>>;

    /// Which accounts the schedule should renew now, longest due first: renewable, not disabled, no
    /// lease in force, and
    ///
    /// - active: `refresh_at <= now` and `retry_at` absent, passed, or beyond `longest_backoff`;
    /// - needs_reauth: `retry_at <= now`, or beyond `longest_reauth`.
    fn due<'a>(&'a self, due: &'a Due) -> BoxFuture<'a, Result<Vec<AccountId>, StoreError>>;

    /// The earliest time at which [`due`](Self::due) will have something: the least over all
    /// renewable records that are not disabled of the latest of `refresh_at` (if active),
    /// `retry_at` and the lease's `until`. It may lie in the past, and may be too early (who asks
    /// looks again at least every 30 s in any case), but should not be too late.
    fn soonest<'a>(&'a self) -> BoxFuture<'a, Result<Option<SystemTime>, StoreError>>;
}
