//! Lease semantics over records in memory: the reference of what a store must do, without async.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::clock::wall_after;
use crate::schedule::in_force;
use crate::{AccountId, Acquired, Due, Lease, Outcome, Record, Renewed, Status};

pub(crate) struct Shelf<C> {
    records: HashMap<AccountId, Record<C>>,
    /// The fence of the latest lease of any account.
    fence: u64,
}

impl<C> Default for Shelf<C> {
    fn default() -> Self {
        Self {
            records: HashMap::new(),
            fence: 0,
        }
    }
}

impl<C: Clone> Shelf<C> {
    /// Puts a record in place of what is there, from outside: every holder is fenced.
    pub(crate) fn put(&mut self, mut record: Record<C>) -> Record<C> {
        if let Some(before) = self.records.get(&record.account) {
            record.version = record.version.max(before.version + 1);
        }
        record.lease = None;
        record.sent_at = None;
        record.retry_at = None;
        record.failures = 0;
        self.records.insert(record.account.clone(), record.clone());
        record
    }

    pub(crate) fn remove(&mut self, account: &AccountId) -> Option<Record<C>> {
        self.records.remove(account)
    }

    pub(crate) fn load(&self, account: &AccountId) -> Option<Record<C>> {
        self.records.get(account).cloned()
    }

    pub(crate) fn accounts(&self) -> Vec<AccountId> {
        self.records.keys().cloned().collect()
    }

    pub(crate) fn acquire(
        &mut self,
        account: &AccountId,
        version: u64,
        owner: &str,
        now: SystemTime,
        until: SystemTime,
        longest: Duration,
    ) -> Acquired<C> {
        let Some(record) = self.records.get_mut(account) else {
            return Acquired::Gone;
        };
        if record.version != version {
            return Acquired::Moved(record.clone());
        }
        if let Some(lease) = &record.lease
            && in_force(lease.until, now, longest)
        {
            return Acquired::Held { until: lease.until };
        }
        self.fence += 1;
        let lease = Lease {
            account: account.clone(),
            owner: owner.into(),
            until,
            fence: self.fence,
        };
        record.lease = Some(lease.clone());
        Acquired::Leased(lease, record.clone())
    }

    fn held(&mut self, lease: &Lease) -> Option<&mut Record<C>> {
        let record = self.records.get_mut(&lease.account)?;
        let held = record
            .lease
            .as_ref()
            .is_some_and(|l| l.fence == lease.fence && l.owner == lease.owner);
        held.then_some(record)
    }

    pub(crate) fn mark_sent(&mut self, lease: &Lease, at: SystemTime) -> bool {
        self.held(lease)
            .map(|record| record.sent_at = Some(at))
            .is_some()
    }

    pub(crate) fn renew(&mut self, lease: &Lease, until: SystemTime) -> bool {
        let held = self.held(lease).and_then(|record| record.lease.as_mut());
        held.map(|lease| lease.until = until).is_some()
    }

    pub(crate) fn commit(&mut self, lease: &Lease, renewed: Renewed<C>) -> Option<Record<C>> {
        let record = self.held(lease)?;
        record.version += 1;
        record.credential = renewed.credential;
        record.expires_at = renewed.expires_at;
        record.refresh_at = renewed.refresh_at;
        record.refresh_expires_at = renewed.refresh_expires_at;
        record.refreshed_at = Some(renewed.refreshed_at);
        record.retry_at = None;
        record.failures = 0;
        record.sent_at = None;
        record.lease = None;
        if record.status == Status::NeedsReauth {
            record.status = Status::Active;
            record.since = renewed.refreshed_at;
            record.reason = None;
        }
        Some(record.clone())
    }

    pub(crate) fn give_back(&mut self, lease: &Lease, outcome: Outcome) -> Option<Record<C>> {
        let record = self.held(lease)?;
        record.lease = None;
        record.retry_at = outcome.retry_at;
        record.failures = outcome.failures;
        record.sent_at = outcome.sent_at;
        if outcome.refresh_at.is_some() {
            record.refresh_at = outcome.refresh_at;
        }
        if let Some((status, reason)) = outcome.status
            && record.status != Status::Disabled
        {
            if record.status != status {
                record.since = outcome.at;
            }
            record.status = status;
            record.reason = Some(reason);
        }
        Some(record.clone())
    }

    pub(crate) fn set_status(
        &mut self,
        account: &AccountId,
        version: Option<u64>,
        status: Status,
        reason: Option<String>,
        now: SystemTime,
    ) -> Option<Record<C>> {
        let record = self.records.get_mut(account)?;
        if version.is_some_and(|version| version != record.version) {
            return None;
        }
        if record.status != status {
            record.since = now;
        }
        record.status = status;
        record.reason = reason;
        Some(record.clone())
    }

    pub(crate) fn due(&self, due: &Due) -> Vec<AccountId> {
        let mut found: Vec<(SystemTime, AccountId)> = self
            .records
            .values()
            .filter_map(|record| due_since(record, due).map(|at| (at, record.account.clone())))
            .collect();
        found.sort();
        found.truncate(due.limit);
        found.into_iter().map(|(_, account)| account).collect()
    }

    pub(crate) fn soonest(&self) -> Option<SystemTime> {
        self.records.values().filter_map(next_time).min()
    }
}

fn due_since<C>(record: &Record<C>, due: &Due) -> Option<SystemTime> {
    let leased = record
        .lease
        .as_ref()
        .is_some_and(|lease| in_force(lease.until, due.now, due.longest_lease));
    if !record.renewable || leased {
        return None;
    }
    match record.status {
        Status::Disabled => None,
        Status::Active => {
            let held_off = record
                .retry_at
                .is_some_and(|at| in_force(at, due.now, due.longest_backoff));
            record.refresh_at.filter(|at| *at <= due.now && !held_off)
        }
        Status::NeedsReauth => record
            .retry_at
            .filter(|at| *at <= due.now || *at > wall_after(due.now, due.longest_reauth)),
    }
}

fn next_time<C>(record: &Record<C>) -> Option<SystemTime> {
    if !record.renewable {
        return None;
    }
    let due = match record.status {
        Status::Disabled => None,
        Status::Active => record
            .refresh_at
            .map(|at| record.retry_at.map_or(at, |r| at.max(r))),
        Status::NeedsReauth => record.retry_at,
    }?;
    Some(
        record
            .lease
            .as_ref()
            .map_or(due, |lease| due.max(lease.until)),
    )
}

#[cfg(test)]
mod tests;
