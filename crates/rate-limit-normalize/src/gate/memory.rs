//! What the gate remembers, and forgets.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::closing::Closed;
use super::entry::Entry;
use super::state::Gate;

/// How often what is over is cleared away, at most.
const SWEEP: Duration = Duration::from_secs(10);

impl Gate {
    /// What is closed now, in no order.
    pub fn snapshot(&self) -> Vec<Closed> {
        let (now, wall) = (self.now(), self.wall());
        let mut closed = Vec::new();
        for account in &self.shared.accounts {
            let each = account.value().iter().filter(|entry| entry.until > now);
            closed.extend(each.map(|entry| Closed {
                account: Arc::clone(account.key()),
                scope: Arc::clone(&entry.scope),
                until: wall.checked_add(entry.until - now).unwrap_or(wall),
                by: entry.by,
            }));
        }
        closed
    }

    /// Clears away what is over, at most every [`SWEEP`].
    pub(super) fn sweep(&self, now: Instant) {
        let shared = &self.shared;
        let elapsed = now.saturating_duration_since(shared.origin).as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let last = shared.swept.load(Ordering::Relaxed);
        let due = u128::from(elapsed.saturating_sub(last)) >= SWEEP.as_millis();
        let mine = || {
            let swap =
                shared
                    .swept
                    .compare_exchange(last, elapsed, Ordering::Relaxed, Ordering::Relaxed);
            swap.is_ok()
        };
        if !due || !mine() {
            return;
        }
        let keep = self.settings().backoff.max;
        let mut gone = 0;
        shared.accounts.retain(|_, entries| {
            let before = entries.len();
            entries.retain(|entry| !entry.is_over(now, keep));
            gone += before - entries.len();
            !entries.is_empty()
        });
        shared.entries.fetch_sub(gone, Ordering::AcqRel);
    }

    pub(super) fn forget(&self, account: &str, mut which: impl FnMut(&Entry) -> bool) {
        let Some(mut entries) = self.shared.accounts.get_mut(account) else {
            return;
        };
        let before = entries.len();
        entries.retain(|entry| !which(entry));
        let gone = before - entries.len();
        let empty = entries.is_empty();
        drop(entries);
        self.shared.entries.fetch_sub(gone, Ordering::AcqRel);
        if empty {
            self.shared
                .accounts
                .remove_if(account, |_, entries| entries.is_empty());
        }
    }
}
