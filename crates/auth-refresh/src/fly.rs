//! Carries out what a flight's state machine says.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock::wall_after;
use crate::conclude::conclude;
use crate::entry::Job;
use crate::flight::{Call, Event, Flight, Sight, Step, Terms};
use crate::state::State;
use crate::{BoxFuture, Failure, Fenced, Granted, Lease, Record};

/// A flight's place among those that count; given back when dropped.
pub(crate) struct Slot {
    provider: Arc<str>,
    freed: mpsc::UnboundedSender<Arc<str>>,
}

impl Slot {
    pub(crate) fn new(provider: Arc<str>, freed: mpsc::UnboundedSender<Arc<str>>) -> Self {
        Self { provider, freed }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let _ = self.freed.send(Arc::clone(&self.provider));
    }
}

/// Flies one flight to its end, and tells who waits. Answers when this process itself should look
/// at the account again.
pub(crate) async fn fly<C: Clone + Send + Sync + 'static>(
    state: Arc<State<C>>,
    job: Job<C>,
    slot: Slot,
) -> Option<Instant> {
    let mut slot = Some(slot);
    let settings = &state.settings;
    let account = &job.entry.account;
    let terms = Terms {
        policy: state.protocol.policy(&job.provider, account),
        lease: settings.lease,
        longest_lease: settings.longest_lease(),
    };
    let patience = terms.policy.timeout;
    let sight = || Sight {
        now: state.now().wall,
        waited: job.ticket.waited(),
        closing: state.closing(),
        random: state.jitter.next(),
    };
    let (mut flight, mut step) = Flight::begin(job.cause, job.version, terms, sight());
    loop {
        let event = match step {
            Step::Load => Event::Loaded(state.bounded(state.store.load(account)).await),
            Step::Acquire { version, until } => {
                let now = state.now().wall;
                let longest = settings.longest_lease();
                let taking =
                    state
                        .store
                        .acquire(account, version, &settings.owner, now, until, longest);
                Event::Acquired(state.bounded(taking).await)
            }
            Step::Pause(pause) => {
                job.ticket.stalled.store(flight.keeps(), Ordering::Relaxed);
                tokio::time::sleep(pause).await;
                Event::Paused
            }
            Step::Call => match flight.hold() {
                Some((lease, record)) => {
                    Event::Called(call(&state, &lease, &record, patience, &mut slot).await)
                }
                None => Event::Paused,
            },
            Step::Commit(renewed) => match flight.hold() {
                Some((lease, _)) => {
                    let writing = state.store.commit(&lease, renewed);
                    Event::Committed(state.bounded(writing).await)
                }
                None => Event::Paused,
            },
            Step::GiveBack(outcome) => match flight.hold() {
                Some((lease, _)) => {
                    let writing = state.store.give_back(&lease, outcome);
                    Event::GivenBack(state.bounded(writing).await)
                }
                None => Event::Paused,
            },
            Step::End(end) => {
                let before = flight.hold().map(|(_, record)| record.status);
                return conclude(&state, &job, before, end);
            }
        };
        step = flight.next(event, sight());
    }
}

#[derive(Clone, Copy, Default)]
struct Mark {
    sent_at: Option<SystemTime>,
    fenced: bool,
}

/// One token call: marked before it is sent, its lease renewed while it is read, and read to its
/// end, for its answer may hold the only living refresh token.
async fn call<C: Clone + Send + Sync + 'static>(
    state: &State<C>,
    lease: &Lease,
    record: &Record<C>,
    patience: Duration,
    slot: &mut Option<Slot>,
) -> Call<C> {
    let from = state.now().wall;
    let mark = Mutex::new(Mark::default());
    let set = |new: Mark| *mark.lock().unwrap_or_else(PoisonError::into_inner) = new;
    let sending = || -> BoxFuture<'_, Result<(), Fenced>> {
        Box::pin(async {
            let now = state.now().wall;
            let marking = state.bounded(state.store.mark_sent(lease, now)).await;
            let (new, result) = match marking {
                Ok(true) => (
                    Mark {
                        sent_at: Some(now),
                        fenced: false,
                    },
                    Ok(()),
                ),
                Ok(false) => (
                    Mark {
                        sent_at: None,
                        fenced: true,
                    },
                    Err(Fenced::lost()),
                ),
                Err(error) => (Mark::default(), Err(Fenced::unmarked(error))),
            };
            set(new);
            result
        })
    };
    let answer = state.protocol.obtain(record, from, &sending);
    let result = tokio::select! {
        biased;
        result = read(answer, patience, state.settings.call_limit, slot) => result,
        never = keep_lease(state, lease) => match never {},
    };
    let mark = *mark.lock().unwrap_or_else(PoisonError::into_inner);
    Call {
        result,
        from,
        sent_at: mark.sent_at,
        fenced: mark.fenced,
    }
}

/// Reads the answer to its end. A call that takes longer than requests wait for it no longer
/// counts among those under way, so that a server which hangs holds nothing up.
async fn read<C>(
    answer: impl Future<Output = Result<Granted<C>, Failure>>,
    patience: Duration,
    limit: Duration,
    slot: &mut Option<Slot>,
) -> Result<Granted<C>, Failure> {
    tokio::pin!(answer);
    if let Ok(result) = tokio::time::timeout(patience.min(limit), &mut answer).await {
        return result;
    }
    drop(slot.take());
    match tokio::time::timeout(limit.saturating_sub(patience), answer).await {
        Ok(result) => result,
        Err(_) => Err(Failure::unanswered(format!(
            "no answer within {} s",
            limit.as_secs()
        ))),
    }
}

/// Renews the lease until the call is over. One that is lost is not fought for: the commit's fence
/// decides.
async fn keep_lease<C: Clone + Send + Sync + 'static>(
    state: &State<C>,
    lease: &Lease,
) -> std::convert::Infallible {
    let third = state.settings.lease / 3;
    loop {
        tokio::time::sleep(third).await;
        let until = wall_after(state.now().wall, state.settings.lease);
        let renewing = state.store.renew(lease, until);
        if matches!(state.bounded(renewing).await, Ok(false)) {
            std::future::pending::<()>().await;
        }
    }
}
