//! Who runs and who waits. Pure: no async, no clock.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::Settings;

/// An account, or all calls without one.
pub(crate) type Name = Option<Arc<str>>;

/// A place in the waiting room; a smaller one came earlier.
pub(crate) type Ticket = u64;

/// The slots and the waiting room. `W` is what a waiting call leaves to be called by.
///
/// After each method this holds: whoever could run does run. So a newcomer that finds a slot takes
/// it from nobody.
#[derive(Debug)]
pub(crate) struct Room<W> {
    limits: Settings,
    in_flight: usize,
    waiting: usize,
    /// Only those with a call in flight or waiting.
    accounts: HashMap<Name, Account<W>, RandomState>,
    /// The oldest waiting call of each account below its own limit.
    heads: BTreeMap<Ticket, Name>,
    next: Ticket,
}

#[derive(Debug)]
struct Account<W> {
    in_flight: usize,
    waiting: BTreeMap<Ticket, W>,
    /// Its entry in [`Room::heads`].
    head: Option<Ticket>,
}

impl<W> Default for Account<W> {
    fn default() -> Self {
        Self {
            in_flight: 0,
            waiting: BTreeMap::new(),
            head: None,
        }
    }
}

/// Calls that got a slot: what each left, and whose it is.
pub(crate) type Granted<W> = Vec<(W, Name)>;

impl<W> Room<W> {
    pub(crate) fn new(limits: Settings) -> Self {
        Self {
            limits,
            in_flight: 0,
            waiting: 0,
            accounts: HashMap::default(),
            heads: BTreeMap::new(),
            next: 0,
        }
    }

    pub(crate) fn limits(&self) -> &Settings {
        &self.limits
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes a slot if there is one.
    pub(crate) fn run(&mut self, name: &Name) -> bool {
        if self.in_flight >= self.limits.max_in_flight.max(1) {
            return false;
        }
        let limit = self.limit_of(name);
        if let Some(account) = self.accounts.get_mut(name) {
            if account.in_flight >= limit {
                return false;
            }
            account.in_flight += 1;
        } else {
            let account = Account {
                in_flight: 1,
                ..Account::default()
            };
            self.accounts.insert(name.clone(), account);
        }
        self.in_flight += 1;
        true
    }

    /// Takes a place in the waiting room, if need be that of the newest call of the account that
    /// has most; `None`: there is none. To be called only when [`run`](Self::run) found no slot.
    pub(crate) fn wait(&mut self, name: &Name, call: W) -> Option<(Ticket, Option<W>)> {
        let displaced = match self.waiting.cmp(&self.limits.max_waiting) {
            Ordering::Less => None,
            Ordering::Equal => Some(self.displace(name)?),
            // The limit was lowered: nobody comes in until enough have left.
            Ordering::Greater => return None,
        };
        let ticket = self.next;
        self.next += 1;
        self.waiting += 1;
        let account = self.accounts.entry(name.clone()).or_default();
        account.waiting.insert(ticket, call);
        self.refresh(name);
        Some((ticket, displaced))
    }

    /// Leaves the waiting room. `None`: the call is no longer there.
    pub(crate) fn leave(&mut self, name: &Name, ticket: Ticket) -> Option<W> {
        let call = self.accounts.get_mut(name)?.waiting.remove(&ticket)?;
        self.waiting -= 1;
        self.refresh(name);
        Some(call)
    }

    /// Gives a slot back.
    pub(crate) fn release(&mut self, name: &Name) -> Granted<W> {
        if let Some(account) = self.accounts.get_mut(name) {
            account.in_flight -= 1;
            self.in_flight -= 1;
            self.refresh(name);
        }
        self.grant()
    }

    /// Takes new limits. What is in flight or waiting stays, even if it is more than they allow.
    pub(crate) fn resize(&mut self, limits: Settings) -> Granted<W> {
        self.limits = limits;
        let names: Vec<_> = self.accounts.keys().cloned().collect();
        for name in &names {
            self.refresh(name);
        }
        self.grant()
    }

    fn limit_of(&self, name: &Name) -> usize {
        match name {
            Some(_) => self.limits.per_account.max(1),
            None => usize::MAX,
        }
    }

    fn grant(&mut self) -> Granted<W> {
        let mut granted = Vec::new();
        while self.in_flight < self.limits.max_in_flight.max(1)
            && let Some((ticket, name)) = self.heads.pop_first()
        {
            if let Some(account) = self.accounts.get_mut(&name) {
                account.head = None;
                if let Some(call) = account.waiting.remove(&ticket) {
                    account.in_flight += 1;
                    self.in_flight += 1;
                    self.waiting -= 1;
                    granted.push((call, name.clone()));
                }
                self.refresh(&name);
            }
        }
        granted
    }

    /// Makes room for a call of an account that would not then have more in it than any other.
    fn displace(&mut self, newcomer: &Name) -> Option<W> {
        let own = self.accounts.get(newcomer).map_or(0, |a| a.waiting.len());
        let (name, most) = self
            .accounts
            .iter()
            .map(|(name, account)| (name, &account.waiting))
            .max_by_key(|(_, waiting)| {
                (waiting.len(), waiting.last_key_value().map(|(k, _)| *k))
            })?;
        if most.len() <= own + 1 {
            return None;
        }
        let name = name.clone();
        let (_, call) = self.accounts.get_mut(&name)?.waiting.pop_last()?;
        self.waiting -= 1;
        self.refresh(&name);
        Some(call)
    }

    /// Brings an account's entry in `heads` up to date, and drops the account if nothing is left.
    fn refresh(&mut self, name: &Name) {
        let limit = self.limit_of(name);
        let Some(account) = self.accounts.get_mut(name) else {
            return;
        };
        if account.in_flight == 0 && account.waiting.is_empty() {
            if let Some(head) = account.head {
                self.heads.remove(&head);
            }
            self.accounts.remove(name);
            return;
        }
        let oldest = account.waiting.first_key_value().map(|(ticket, _)| *ticket);
        let head = oldest.filter(|_| account.in_flight < limit);
        let before = std::mem::replace(&mut account.head, head);
        if head != before {
            if let Some(before) = before {
                self.heads.remove(&before);
            }
            if let Some(head) = head {
                self.heads.insert(head, name.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
