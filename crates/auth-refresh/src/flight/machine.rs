//! The transitions.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::outcome::{held_off, is_over, unchanged};
use super::{Call, Cause, End, Event, Fault, Sight, Step, Terms};
use crate::clock::wall_after;
use crate::schedule::{LONGEST_BACKOFF, in_force};
use crate::{Acquired, Failure, Lease, OnLostAnswer, Outcome, Record, Renewed, Status, StoreError};

/// How often a flight that finds ever newer records, each over already, starts anew.
const MOST_MOVES: u32 = 5;
/// How often a failure is written before that is left to the lease's end.
const MOST_RETURNS: u32 = 5;
/// The longest step of waiting for another's commit.
const LONGEST_STEP: Duration = Duration::from_millis(250);
/// The longest pause before a commit is tried again.
const LONGEST_COMMIT_PAUSE: Duration = Duration::from_secs(2);

enum Stage<C> {
    /// Looks whether there is anything to do.
    Look,
    /// Another process holds the lease, or has taken it from us.
    Await { polls: u32 },
    /// A token call is under way.
    Call,
    /// A credential was granted and is not durable yet.
    Keep(Kept<C>),
    /// Something is written with the lease, and then the flight ends.
    Return {
        outcome: Outcome,
        then: Then,
        tries: u32,
    },
}

struct Kept<C> {
    renewed: Renewed<C>,
    tries: u32,
    /// The lease was lost: it must be taken anew before the commit.
    fenced: bool,
}

/// The end after a lease was given back.
#[derive(Clone)]
enum Then {
    Failed(Failure),
    NotYet(SystemTime),
    Fresh,
    Disabled,
    NotRenewable,
}

pub(crate) struct Flight<C> {
    cause: Cause,
    pub(super) terms: Terms,
    /// The version that is to be replaced.
    version: u64,
    moves: u32,
    stage: Stage<C>,
    hold: Option<(Lease, Arc<Record<C>>)>,
}

impl<C: Clone> Flight<C> {
    /// A flight, and its first step. `version`: the one that this process has in hand.
    pub(crate) fn begin(cause: Cause, version: u64, terms: Terms, sight: Sight) -> (Self, Step<C>) {
        let mut flight = Self {
            cause,
            terms,
            version,
            moves: 0,
            stage: Stage::Look,
            hold: None,
        };
        let step = match cause {
            // By hand a real call is wanted, whatever this process knew.
            Cause::Hand => Step::Load,
            _ => flight.acquire(sight),
        };
        (flight, step)
    }

    /// The lease and the record that it was taken on.
    pub(crate) fn hold(&self) -> Option<(Lease, Arc<Record<C>>)> {
        self.hold.clone()
    }

    /// A credential is in hand that could not be written yet.
    pub(crate) fn keeps(&self) -> bool {
        matches!(&self.stage, Stage::Keep(kept) if kept.tries > 0)
    }

    /// Takes the answer to the last step, and says what comes next.
    pub(crate) fn next(&mut self, event: Event<C>, sight: Sight) -> Step<C> {
        match event {
            Event::Loaded(Ok(Some(record))) => self.loaded(record, sight),
            Event::Loaded(Ok(None)) | Event::Acquired(Ok(Acquired::Gone)) => Step::End(End::Gone),
            Event::Loaded(Err(error)) | Event::Acquired(Err(error)) => {
                self.store_failed(error, sight)
            }
            Event::Acquired(Ok(Acquired::Leased(lease, record))) => {
                self.leased(lease, record, sight)
            }
            Event::Acquired(Ok(Acquired::Held { until })) => self.wait(until, sight),
            Event::Acquired(Ok(Acquired::Moved(record))) => self.moved(record, sight),
            Event::Paused => self.paused(),
            Event::Called(call) => self.called(call, sight),
            Event::Committed(result) => self.committed(result),
            Event::GivenBack(result) => self.given_back(result, sight),
        }
    }

    fn acquire(&mut self, sight: Sight) -> Step<C> {
        if sight.closing && !matches!(self.stage, Stage::Keep(_)) {
            return Step::End(End::Held { until: sight.now });
        }
        Step::Acquire {
            version: self.version,
            until: wall_after(sight.now, self.terms.lease),
        }
    }

    fn loaded(&mut self, record: Record<C>, sight: Sight) -> Step<C> {
        let by_hand_at_first = matches!(self.stage, Stage::Look) && self.cause == Cause::Hand;
        if record.version != self.version && !by_hand_at_first {
            return self.moved(record, sight);
        }
        self.version = record.version;
        if let Some(lease) = &record.lease
            && in_force(lease.until, sight.now, self.terms.longest_lease)
            && !by_hand_at_first
        {
            return self.wait(lease.until, sight);
        }
        if matches!(self.stage, Stage::Keep(_)) {
            return self.acquire(sight);
        }
        // The flight of another process that was waited for has failed: by hand, too, that is the
        // answer, for it was joined.
        if matches!(self.stage, Stage::Await { .. })
            && let Some(until) = held_off(&record, sight.now)
        {
            return Step::End(End::NotYet { record, until });
        }
        match self.obstacle(&record, sight) {
            Some(then) => Step::End(then.end(record)),
            None => self.acquire(sight),
        }
    }

    /// The record is no longer of the version that was to be replaced.
    fn moved(&mut self, record: Record<C>, sight: Sight) -> Step<C> {
        self.stage = Stage::Look;
        self.version = record.version;
        self.moves += 1;
        if record.status == Status::Disabled {
            return Step::End(End::Disabled(record));
        }
        if !self.over(&record, sight.now) {
            return Step::End(End::Renewed {
                record,
                bought: false,
            });
        }
        if let Some(then) = self.obstacle(&record, sight) {
            return Step::End(then.end(record));
        }
        if self.moves > MOST_MOVES {
            let reason = "the record moves faster than it can be renewed".into();
            return Step::End(End::Failed {
                record: Some(record),
                fault: Fault::Call(Failure::Transient {
                    reason,
                    retry_after: None,
                }),
            });
        }
        self.acquire(sight)
    }

    fn leased(&mut self, lease: Lease, record: Record<C>, sight: Sight) -> Step<C> {
        let record = Arc::new(record);
        self.hold = Some((lease, Arc::clone(&record)));
        if let Stage::Keep(kept) = &mut self.stage {
            kept.fenced = false;
            return Step::Commit(kept.renewed.clone());
        }
        let Some(then) = self.obstacle(&record, sight) else {
            self.stage = Stage::Call;
            return Step::Call;
        };
        let mut outcome = unchanged(&record, sight.now);
        if let Then::NotYet(until) = &then
            && held_off(&record, sight.now).is_none()
        {
            outcome.refresh_at = Some(*until);
        }
        self.give_back(outcome, then)
    }

    /// Waits for another's commit, if anybody here waits for it.
    fn wait(&mut self, until: SystemTime, sight: Sight) -> Step<C> {
        let polls = match &mut self.stage {
            Stage::Keep(kept) => {
                kept.fenced = true;
                return Step::Pause(LONGEST_STEP);
            }
            Stage::Await { polls } => *polls + 1,
            _ => 0,
        };
        self.stage = Stage::Await { polls };
        if sight.closing || !(sight.waited || self.cause == Cause::Hand) {
            return Step::End(End::Held { until });
        }
        Step::Pause(
            doubling(polls)
                .min(LONGEST_STEP)
                .mul_f64(0.5 + sight.random / 2.0),
        )
    }

    fn store_failed(&mut self, error: StoreError, sight: Sight) -> Step<C> {
        match &mut self.stage {
            Stage::Keep(kept) => {
                kept.tries += 1;
                Step::Pause(doubling(kept.tries).min(LONGEST_COMMIT_PAUSE))
            }
            Stage::Await { polls } if sight.waited && !sight.closing => {
                *polls += 1;
                Step::Pause(LONGEST_STEP)
            }
            _ => Step::End(End::Failed {
                record: None,
                fault: Fault::Store(error),
            }),
        }
    }

    fn paused(&mut self) -> Step<C> {
        match &self.stage {
            Stage::Keep(kept) if !kept.fenced => Step::Commit(kept.renewed.clone()),
            Stage::Return { outcome, .. } => Step::GiveBack(outcome.clone()),
            _ => Step::Load,
        }
    }

    fn called(&mut self, call: Call<C>, sight: Sight) -> Step<C> {
        let Some((_, record)) = self.hold() else {
            return Step::Load;
        };
        match call.result {
            Ok(granted) => {
                let renewed = self.renewed(&record, granted, call.from);
                self.stage = Stage::Keep(Kept {
                    renewed: renewed.clone(),
                    tries: 0,
                    fenced: false,
                });
                Step::Commit(renewed)
            }
            Err(_) if call.fenced => {
                self.stage = Stage::Await { polls: 0 };
                Step::Load
            }
            Err(failure) => {
                let outcome = self.outcome(&record, &failure, call.sent_at, sight);
                self.give_back(outcome, Then::Failed(failure))
            }
        }
    }

    fn committed(&mut self, result: Result<Option<Record<C>>, StoreError>) -> Step<C> {
        match (result, &mut self.stage) {
            (Ok(Some(record)), _) => Step::End(End::Renewed {
                record,
                bought: true,
            }),
            // Fenced, or an earlier try was written and only its answer lost: look.
            (Ok(None), Stage::Keep(kept)) => {
                kept.fenced = true;
                Step::Load
            }
            (Err(_), Stage::Keep(kept)) => {
                kept.tries += 1;
                Step::Pause(doubling(kept.tries).min(LONGEST_COMMIT_PAUSE))
            }
            (_, _) => Step::Load,
        }
    }

    fn give_back(&mut self, outcome: Outcome, then: Then) -> Step<C> {
        self.stage = Stage::Return {
            outcome: outcome.clone(),
            then,
            tries: 0,
        };
        Step::GiveBack(outcome)
    }

    fn given_back(
        &mut self,
        result: Result<Option<Record<C>>, StoreError>,
        sight: Sight,
    ) -> Step<C> {
        let Stage::Return { then, tries, .. } = &mut self.stage else {
            return Step::Load;
        };
        match result {
            Ok(Some(record)) => Step::End(then.clone().end(record)),
            // The lease was lost, so that what failed may be explained by another's success: a
            // refusal, too, since the fence and the version are checked in one transaction.
            Ok(None) => {
                self.stage = Stage::Await { polls: 0 };
                Step::Load
            }
            Err(_) if *tries < MOST_RETURNS && !sight.closing => {
                *tries += 1;
                Step::Pause(doubling(*tries))
            }
            // It could not be written: the lease runs out by itself.
            Err(error) => Step::End(match then.clone() {
                Then::Failed(failure) => End::Failed {
                    record: None,
                    fault: Fault::Call(failure),
                },
                _ => End::Failed {
                    record: None,
                    fault: Fault::Store(error),
                },
            }),
        }
    }

    /// Why this record must not be renewed now.
    fn obstacle(&self, record: &Record<C>, sight: Sight) -> Option<Then> {
        if record.status == Status::Disabled {
            return Some(Then::Disabled);
        }
        if !record.renewable {
            return Some(Then::NotRenewable);
        }
        // A call was sent, nobody knows how it ended, and its repetition may revoke the grant: not
        // while there is a token to live on, not even by hand.
        if self.terms.policy.on_lost_answer == OnLostAnswer::Defer
            && record.sent_at.is_some()
            && !self.over(record, sight.now)
        {
            let latest = wall_after(sight.now, LONGEST_BACKOFF);
            return Some(Then::NotYet(record.expires_at.unwrap_or(latest)));
        }
        if self.cause == Cause::Hand {
            return None;
        }
        let due = record.refresh_at.is_some_and(|at| at <= sight.now);
        if self.cause == Cause::Listed && record.status == Status::Active && !due {
            return Some(Then::Fresh);
        }
        held_off(record, sight.now).map(Then::NotYet)
    }

    /// What was bought with this record cannot be used any more.
    pub(super) fn over(&self, record: &Record<C>, now: SystemTime) -> bool {
        let rejected = match self.cause {
            Cause::Rejected { version } => version == record.version,
            _ => false,
        };
        rejected || is_over(record, now)
    }
}

impl Then {
    fn end<C>(self, record: Record<C>) -> End<C> {
        match self {
            Self::Failed(failure) => End::Failed {
                record: Some(record),
                fault: Fault::Call(failure),
            },
            Self::NotYet(until) => End::NotYet { record, until },
            Self::Fresh => End::Fresh(record),
            Self::Disabled => End::Disabled(record),
            Self::NotRenewable => End::NotRenewable(record),
        }
    }
}

/// 50 ms, doubling.
fn doubling(tries: u32) -> Duration {
    Duration::from_millis(50).saturating_mul(2_u32.saturating_pow(tries.min(16)))
}
