//! The handle through which credentials are had.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::entry::{Entry, Fruitless, Ticket};
use crate::flight::Cause;
use crate::state::{Command, Mark, State};
use crate::{
    AccountId, CredentialError, CredentialStore, Current, Driver, Record, Settings, Status,
    TokenProtocol,
};

/// `rejected` answers in a row after which a credential that cannot be renewed is shown as refused.
const MOST_REJECTIONS: u32 = 3;

/// Keeps the credentials of many accounts fresh. Clones are handles of the same keeper.
///
/// What it reads is a cache of durable records; while a token is outside its window, neither the
/// store nor the driver is asked. Flights are flown by the [`Driver`], which must be running.
pub struct Keeper<C> {
    pub(crate) state: Arc<State<C>>,
    pub(crate) commands: mpsc::UnboundedSender<Command<C>>,
}

impl<C> Clone for Keeper<C> {
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            commands: self.commands.clone(),
        }
    }
}

impl<C> fmt::Debug for Keeper<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

impl<C: Clone + Send + Sync + 'static> Keeper<C> {
    /// A keeper over this store and protocol, and the driver that must be run beside it.
    pub fn new(
        store: Arc<dyn CredentialStore<C>>,
        protocol: Arc<dyn TokenProtocol<C>>,
        settings: Settings,
    ) -> (Self, Driver<C>) {
        let state = State::new(store, protocol, settings);
        let (commands, received) = mpsc::unbounded_channel();
        let driver = Driver::new(Arc::clone(&state), received);
        (Self { state, commands }, driver)
    }

    /// A credential that is not over: at once if there is one, else when it has been bought.
    ///
    /// Waits until `deadline`, and for one token call no longer than the policy's `timeout`. A
    /// caller that stops waiting does not end the flight.
    ///
    /// # Errors
    /// Why there is none; see [`CredentialError`].
    pub async fn credential(
        &self,
        account: &AccountId,
        deadline: Option<Instant>,
    ) -> Result<Arc<Current<C>>, CredentialError> {
        match self.ready(account)? {
            Some(current) => Ok(current),
            None => self.wait_for(account, None, deadline).await,
        }
    }

    /// What this process has in hand, whether or not it is over. Never asks the store.
    pub fn peek(&self, account: &AccountId) -> Option<Arc<Current<C>>> {
        self.state.current(account)
    }

    /// Renews by hand: joins the flight that is under way, else begins one in spite of any backoff.
    ///
    /// # Errors
    /// Why nothing new could be had, also where the old token still lives.
    pub async fn refresh(&self, account: &AccountId) -> Result<Record<C>, CredentialError> {
        self.wait_by_hand(account).await?;
        let loaded = self.state.bounded(self.state.store.load(account)).await?;
        loaded.ok_or_else(|| CredentialError::UnknownAccount(account.clone()))
    }

    /// A credential other than the version that the API has just rejected: the newer one, if it has
    /// been replaced meanwhile, else one that is bought now.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn renew_rejected(
        &self,
        account: &AccountId,
        version: u64,
        deadline: Option<Instant>,
    ) -> Result<Arc<Current<C>>, CredentialError> {
        self.wait_for(account, Some(version), deadline).await
    }

    /// Whether a forced renewal promises anything: not for a while after one whose repeat was
    /// rejected all the same, for then the rejection means something else (a missing scope).
    pub(crate) fn worth_renewing(&self, account: &AccountId, version: u64) -> bool {
        let Some(entry) = self.state.entry(account) else {
            return false;
        };
        let Some(current) = entry.current.load_full() else {
            return false;
        };
        if current.version != version {
            return true;
        }
        let fruitless = entry.board().fruitless;
        current.renewable && !fruitless.is_some_and(|f| f.in_force(self.state.now().mono))
    }

    /// Begins a forced renewal without waiting for it, for the requests that come after.
    pub(crate) fn renew_for_others(&self, account: &AccountId, version: u64) {
        if let Some(entry) = self.state.entry(account)
            && let Some(current) = entry.current.load_full()
            && current.version == version
            && current.renewable
            && current.status != Status::Disabled
        {
            let now = self.state.now().mono;
            let held_off = entry
                .board()
                .setback
                .as_ref()
                .is_some_and(|setback| now < setback.until);
            if !held_off {
                let _ = self.fly(&entry, &current, Cause::Rejected { version }, false);
            }
        }
    }

    /// The repeat with a renewed token was rejected, too (`fruitful: false`), or was not.
    pub(crate) fn note_repeat(&self, account: &AccountId, fruitful: bool) {
        if let Some(entry) = self.state.entry(account) {
            let mut board = entry.board();
            board.fruitless = if fruitful {
                None
            } else {
                Some(Fruitless::after(board.fruitless, self.state.now().mono))
            };
        }
    }

    /// The API rejected this version. Counts for credentials that cannot be renewed: at three in a
    /// row the account is shown as one that needs reauthorisation, while its calls go on.
    pub fn note_rejected(&self, account: &AccountId, version: u64) {
        let Some(entry) = self.state.entry(account) else {
            return;
        };
        let Some(current) = entry.current.load_full() else {
            return;
        };
        if current.version != version || current.renewable || current.status != Status::Active {
            return;
        }
        if entry.count_rejection() == MOST_REJECTIONS {
            let reason = "the API rejected the credential three times in a row".to_owned();
            self.mark(&entry, &current, Status::NeedsReauth, Some(reason));
        }
    }

    /// A call with this version succeeded: ends a row of rejections, and makes an account active
    /// again if what succeeded disproves the refusal: a credential that cannot be renewed, or one
    /// newer than the one that was refused.
    pub fn note_accepted(&self, account: &AccountId, version: u64) {
        let Some(entry) = self.state.entry(account) else {
            return;
        };
        let Some(current) = entry.current.load_full() else {
            return;
        };
        entry.rejections.store(0, Ordering::Relaxed);
        let disproves = version > current.version
            || (version == current.version && !current.renewable && !current.expires());
        if current.status == Status::NeedsReauth && disproves {
            self.mark(&entry, &current, Status::Active, None);
        }
    }

    /// The store was written from outside (an account was put, switched off or on): takes the new
    /// record in, forgets earlier failures and plans anew.
    pub fn put(&self, record: Record<C>) {
        let now = self.state.now();
        let entry = self.state.entry_of(&record.account);
        let known = entry.current.load().as_ref().map(|known| known.version);
        let replaced = known.is_some_and(|version| version > record.version);
        let current = entry.install(record, None, now);
        if replaced {
            return;
        }
        entry.rejections.store(0, Ordering::Relaxed);
        {
            let mut board = entry.board();
            board.setback = None;
            board.calm_until = None;
            board.fruitless = None;
        }
        let plan = Command::Plan {
            account: current.account.clone(),
            at: current.due_at(),
        };
        let _ = self.commands.send(plan);
    }

    /// The account was deleted.
    pub fn forget(&self, account: &AccountId) {
        self.state.remove(account);
        let _ = self.commands.send(Command::Plan {
            account: account.clone(),
            at: None,
        });
    }

    /// Whether this process is renewing the account now.
    pub fn refreshing(&self, account: &AccountId) -> bool {
        self.state
            .entry(account)
            .is_some_and(|entry| entry.flying())
    }

    /// Makes the driver look at the store's schedule now.
    pub fn nudge(&self) {
        let _ = self.commands.send(Command::Nudge);
    }

    /// Ends the driver: nothing new is begun, token calls that were sent are read and written
    /// first. What the cache holds can still be used.
    pub fn shutdown(&self) {
        self.state.close();
        let _ = self.commands.send(Command::Close);
    }

    /// The reading path: a credential that can be used now. Begins a flight without waiting if its
    /// time has come. `None`: somebody must wait.
    pub(crate) fn ready(
        &self,
        account: &AccountId,
    ) -> Result<Option<Arc<Current<C>>>, CredentialError> {
        let Some(current) = self.state.current(account) else {
            return Ok(None);
        };
        if current.status == Status::Disabled {
            return Err(CredentialError::Disabled(account.clone()));
        }
        if !current.expires() && !current.renewable {
            return Ok(Some(current));
        }
        let now = self.state.now();
        if current.is_over(now) {
            return Ok(None);
        }
        if self.state.settings.schedule
            && current.is_due(now)
            && let Some(entry) = self.state.entry(account)
        {
            let calm = {
                let board = entry.board();
                let held_off = board.setback.as_ref().is_some_and(|s| now.mono < s.until);
                held_off || board.calm_until.is_some_and(|until| now.mono < until)
            };
            if !calm {
                let _ = self.fly(&entry, &current, Cause::Schedule, false);
            }
        }
        Ok(Some(current))
    }

    /// Joins the account's flight, or begins one.
    pub(crate) fn fly(
        &self,
        entry: &Arc<Entry<C>>,
        current: &Current<C>,
        cause: Cause,
        urgent: bool,
    ) -> Arc<Ticket<C>> {
        let (ticket, job) = entry.join_or_begin(current, cause, urgent);
        if let Some(job) = job {
            // Without a driver the job comes back, is dropped, and tells who waits.
            let _ = self.commands.send(Command::Fly(job));
        } else if urgent && !ticket.urgent.swap(true, Ordering::Relaxed) {
            let _ = self.commands.send(Command::Promote {
                provider: Arc::clone(&current.provider),
                account: entry.account.clone(),
            });
        }
        ticket
    }

    pub(crate) fn mark(
        &self,
        entry: &Arc<Entry<C>>,
        current: &Current<C>,
        to: Status,
        reason: Option<String>,
    ) {
        let _ = self.commands.send(Command::Mark(Mark {
            entry: Arc::clone(entry),
            version: current.version,
            from: current.status,
            to,
            reason,
        }));
    }
}
