//! How a request waits for a credential.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::clock::mono_after;
use crate::entry::{Entry, Landed, Ticket};
use crate::flight::Cause;
use crate::setback::reauth_reason;
use crate::{AccountId, CredentialError, Current, Keeper, Status};

/// Between two flights that ended without a result.
const BREATH: Duration = Duration::from_millis(20);

/// How long one caller waits, and what it is told then.
struct Limit<'a> {
    account: &'a AccountId,
    began: Instant,
    until: Instant,
    /// The caller's own deadline comes before the token call's limit.
    own: bool,
}

impl<'a> Limit<'a> {
    fn new(
        account: &'a AccountId,
        began: Instant,
        deadline: Option<Instant>,
        longest: Duration,
    ) -> Self {
        let longest = mono_after(began, longest);
        let own = deadline.is_some_and(|deadline| deadline < longest);
        Self {
            account,
            began,
            until: deadline.map_or(longest, |deadline| deadline.min(longest)),
            own,
        }
    }

    fn left(&self, now: Instant) -> Duration {
        self.until.saturating_duration_since(now)
    }

    fn passed(&self, stalled: bool) -> CredentialError {
        let account = self.account.clone();
        let after = self.until.saturating_duration_since(self.began);
        if self.own {
            return CredentialError::Timeout { account, after };
        }
        let reason = if stalled {
            "a new token was bought, and the store does not take it yet".to_owned()
        } else {
            format!("no token came within {} ms", after.as_millis())
        };
        CredentialError::Unavailable {
            account,
            reason,
            retry_after: None,
            source: None,
        }
    }
}

impl<C: Clone + Send + Sync + 'static> Keeper<C> {
    /// Waits for a credential that is not over, and not of the version `rejected`.
    pub(crate) async fn wait_for(
        &self,
        account: &AccountId,
        rejected: Option<u64>,
        deadline: Option<Instant>,
    ) -> Result<Arc<Current<C>>, CredentialError> {
        let began = self.state.now().mono;
        let loading = self.state.entry_or_load(account);
        let entry = match deadline {
            None => loading.await?,
            Some(at) => {
                let left = at.saturating_duration_since(began);
                timeout(left, loading)
                    .await
                    .map_err(|_| CredentialError::Timeout {
                        account: account.clone(),
                        after: left,
                    })??
            }
        };
        let Some(current) = entry.current.load_full() else {
            return Err(CredentialError::UnknownAccount(account.clone()));
        };
        let policy = self.state.protocol.policy(&current.provider, account);
        let limit = Limit::new(account, began, deadline, policy.timeout);
        let found = self.wait_within(&entry, rejected, &limit).await;
        let waited = self.state.now().mono.saturating_duration_since(began);
        if !waited.is_zero() {
            self.state
                .settings
                .observe
                .waited(&current.provider, waited);
        }
        found
    }

    async fn wait_within(
        &self,
        entry: &Arc<Entry<C>>,
        rejected: Option<u64>,
        limit: &Limit<'_>,
    ) -> Result<Arc<Current<C>>, CredentialError> {
        let account = limit.account;
        loop {
            let Some(current) = entry.current.load_full() else {
                return Err(CredentialError::UnknownAccount(account.clone()));
            };
            let now = self.state.now();
            let refused = rejected == Some(current.version);
            if current.status == Status::Disabled {
                return Err(CredentialError::Disabled(account.clone()));
            }
            if !refused && !current.is_over(now) {
                return Ok(current);
            }
            if !current.renewable {
                return Err(self.no_way_on(entry, &current, refused));
            }
            let setback = entry.board().setback.clone();
            if let Some(setback) = setback.filter(|setback| now.mono < setback.until) {
                let pause = setback.until.saturating_duration_since(now.mono);
                let patience = self.state.settings.patience.min(limit.left(now.mono));
                if !setback.passing || pause > patience {
                    return Err(setback.error(now.mono));
                }
                tokio::time::sleep(pause).await;
                continue;
            }
            let cause = match rejected {
                Some(version) if refused => Cause::Rejected { version },
                _ => Cause::Wanted,
            };
            let ticket = self.fly(entry, &current, cause, true);
            match self.landing(&ticket, limit).await? {
                // What was bought just now is used even if it is over by its own account: there
                // is none better.
                Landed::Renewed(new) if rejected != Some(new.version) => {
                    if new.status == Status::Disabled {
                        return Err(CredentialError::Disabled(account.clone()));
                    }
                    return Ok(new);
                }
                Landed::Renewed(_) | Landed::Elsewhere => tokio::time::sleep(BREATH).await,
                Landed::Failed(setback) if setback.passing => {}
                Landed::Failed(setback) => return Err(setback.error(self.state.now().mono)),
                Landed::Ended(error) => return Err(error),
            }
        }
    }

    /// What cannot be used cannot be renewed, either.
    fn no_way_on(
        &self,
        entry: &Arc<Entry<C>>,
        current: &Current<C>,
        refused: bool,
    ) -> CredentialError {
        let account = entry.account.clone();
        if refused {
            return CredentialError::NotRenewable(account);
        }
        let over = "the token is over, and nothing is there to renew it with";
        if current.status == Status::Active {
            self.mark(entry, current, Status::NeedsReauth, Some(over.to_owned()));
        }
        CredentialError::NeedsReauth {
            account,
            reason: reauth_reason(current.reason.as_deref().or(Some(over))),
        }
    }

    async fn landing(
        &self,
        ticket: &Ticket<C>,
        limit: &Limit<'_>,
    ) -> Result<Landed<C>, CredentialError> {
        let mut landing = ticket.subscribe();
        let left = limit.left(self.state.now().mono);
        match timeout(left, landing.wait_for(Option::is_some)).await {
            Ok(Ok(landed)) => Ok(landed.clone().unwrap_or(Landed::Elsewhere)),
            Ok(Err(_)) => Ok(Landed::Elsewhere),
            Err(_) => Err(limit.passed(ticket.stalled.load(Ordering::Relaxed))),
        }
    }

    /// Waits for the end of a flight that was joined or begun by hand.
    pub(crate) async fn wait_by_hand(&self, account: &AccountId) -> Result<(), CredentialError> {
        let entry = self.state.entry_or_load(account).await?;
        let Some(current) = entry.current.load_full() else {
            return Err(CredentialError::UnknownAccount(account.clone()));
        };
        let policy = self.state.protocol.policy(&current.provider, account);
        let limit = Limit::new(account, self.state.now().mono, None, policy.timeout);
        loop {
            let Some(current) = entry.current.load_full() else {
                return Err(CredentialError::UnknownAccount(account.clone()));
            };
            if current.status == Status::Disabled {
                return Err(CredentialError::Disabled(account.clone()));
            }
            let ticket = self.fly(&entry, &current, Cause::Hand, true);
            match self.landing(&ticket, &limit).await? {
                Landed::Renewed(_) => return Ok(()),
                Landed::Elsewhere => tokio::time::sleep(BREATH).await,
                Landed::Failed(setback) => return Err(setback.error(self.state.now().mono)),
                Landed::Ended(error) => return Err(error),
            }
        }
    }
}
