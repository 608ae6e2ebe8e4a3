//! Which waiting flight goes next: bounded for each provider and in all, those that somebody waits
//! for first, providers in turn.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::AccountId;

pub(crate) struct Queue<J> {
    lanes: HashMap<Arc<str>, Lane<J>>,
    /// Every provider that has a lane, in the order of their turns.
    turns: VecDeque<Arc<str>>,
    running: usize,
    waiting: usize,
    per_provider: usize,
    total: usize,
}

struct Lane<J> {
    running: usize,
    jobs: HashMap<AccountId, J>,
    urgent: VecDeque<AccountId>,
    calm: VecDeque<AccountId>,
}

impl<J> Default for Lane<J> {
    fn default() -> Self {
        Self {
            running: 0,
            jobs: HashMap::new(),
            urgent: VecDeque::new(),
            calm: VecDeque::new(),
        }
    }
}

impl<J> Lane<J> {
    fn take(&mut self, urgent: bool) -> Option<J> {
        let line = if urgent {
            &mut self.urgent
        } else {
            &mut self.calm
        };
        // A job that was promoted stands in both lines, and is gone from the second.
        while let Some(account) = line.pop_front() {
            if let Some(job) = self.jobs.remove(&account) {
                return Some(job);
            }
        }
        None
    }
}

impl<J> Queue<J> {
    pub(crate) fn new(per_provider: usize, total: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            running: 0,
            waiting: 0,
            per_provider: per_provider.max(1),
            total: total.max(1),
        }
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Adds a job; each account has at most one.
    pub(crate) fn push(&mut self, provider: &Arc<str>, account: AccountId, job: J, urgent: bool) {
        let lane = self.lanes.entry(Arc::clone(provider)).or_insert_with(|| {
            self.turns.push_back(Arc::clone(provider));
            Lane::default()
        });
        if urgent {
            lane.urgent.push_back(account.clone());
        } else {
            lane.calm.push_back(account.clone());
        }
        if lane.jobs.insert(account, job).is_none() {
            self.waiting += 1;
        }
    }

    /// Somebody waits for this account's job now.
    pub(crate) fn promote(&mut self, provider: &str, account: &AccountId) {
        if let Some(lane) = self.lanes.get_mut(provider)
            && lane.jobs.contains_key(account)
        {
            lane.urgent.push_back(account.clone());
        }
    }

    /// Takes the next job that may run; [`done`](Self::done) must follow.
    pub(crate) fn pop(&mut self) -> Option<J> {
        if self.waiting == 0 || self.running >= self.total {
            return None;
        }
        [true, false]
            .into_iter()
            .find_map(|urgent| self.pop_line(urgent))
    }

    fn pop_line(&mut self, urgent: bool) -> Option<J> {
        for _ in 0..self.turns.len() {
            let provider = self.turns.pop_front()?;
            let found = self
                .lanes
                .get_mut(&provider)
                .filter(|lane| lane.running < self.per_provider)
                .and_then(|lane| {
                    let job = lane.take(urgent)?;
                    lane.running += 1;
                    Some(job)
                });
            self.turns.push_back(provider);
            if found.is_some() {
                self.running += 1;
                self.waiting -= 1;
                return found;
            }
        }
        None
    }

    /// A job of this provider no longer counts.
    pub(crate) fn done(&mut self, provider: &str) {
        if let Some(lane) = self.lanes.get_mut(provider) {
            lane.running = lane.running.saturating_sub(1);
            self.running = self.running.saturating_sub(1);
            if lane.running == 0 && lane.jobs.is_empty() {
                self.lanes.remove(provider);
                self.turns.retain(|turn| **turn != *provider);
            }
        }
    }

    /// Drops every job that waits.
    pub(crate) fn clear(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.jobs.clear();
            lane.urgent.clear();
            lane.calm.clear();
        }
        self.waiting = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(jobs: &[(&str, &str)]) -> Queue<String> {
        let mut queue = Queue::new(2, 3);
        for (provider, account) in jobs {
            queue.push(
                &Arc::from(*provider),
                AccountId::from(*account),
                (*account).to_owned(),
                false,
            );
        }
        queue
    }

    fn drain(queue: &mut Queue<String>) -> Vec<String> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn a_provider_takes_no_more_than_its_share() {
        let mut queue = queue(&[("a", "1"), ("a", "2"), ("a", "3"), ("b", "4"), ("b", "5")]);
        assert_eq!(drain(&mut queue), ["1", "4", "2"]);
        queue.done("b");
        assert_eq!(drain(&mut queue), ["5"]);
        queue.done("a");
        assert_eq!(drain(&mut queue), ["3"]);
        assert_eq!(queue.waiting(), 0);
        for provider in ["a", "a", "b"] {
            queue.done(provider);
        }
        assert!(queue.lanes.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn who_is_waited_for_goes_first() {
        let mut queue = queue(&[("a", "1"), ("a", "2"), ("b", "3")]);
        queue.promote("a", &AccountId::from("2"));
        queue.promote("a", &AccountId::from("unknown"));
        assert_eq!(queue.pop().as_deref(), Some("2"));
        assert_eq!(drain(&mut queue), ["3", "1"]);
    }

    #[test]
    fn cleared_jobs_are_gone_and_running_ones_still_count() {
        let mut queue = queue(&[("a", "1"), ("a", "2"), ("a", "3")]);
        assert_eq!(drain(&mut queue), ["1", "2"]);
        queue.clear();
        queue.done("a");
        queue.done("a");
        assert!(queue.pop().is_none() && queue.lanes.is_empty());
    }
}
