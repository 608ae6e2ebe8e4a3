//! One circuit as threads share it: the machine behind a short lock, and one word before it that
//! answers for a closed circuit.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::state::{Change, Machine, Mark, Permit, State};
use crate::{CircuitOpen, Observe, Settings, Verdict};

type Monotonic = Arc<dyn Fn() -> Instant + Send + Sync>;
type Wall = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What all circuits of one set have in common.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) clock: Option<Monotonic>,
    pub(crate) wall: Option<Wall>,
    pub(crate) observer: Option<Arc<dyn Observe>>,
    /// How many circuits are not closed: while it is 0, nobody needs to be looked up.
    pub(crate) troubled: AtomicUsize,
}

impl Hub {
    pub(crate) fn now(&self) -> Instant {
        self.clock
            .as_ref()
            .map_or_else(Instant::now, |clock| clock())
    }

    pub(crate) fn wall(&self) -> SystemTime {
        self.wall
            .as_ref()
            .map_or_else(SystemTime::now, |wall| wall())
    }
}

/// The lowest bit of the word: the circuit is closed.
const CLOSED: u64 = 1;
/// The next bit: calls are timed, for slow ones count.
const TIMED: u64 = 2;
/// The rest is the cycle.
const CYCLE: u32 = 2;

pub(crate) struct Breaker {
    key: Arc<str>,
    hub: Arc<Hub>,
    word: AtomicU64,
    inside: Mutex<Inside>,
}

struct Inside {
    machine: Machine,
    since: SystemTime,
    /// Taken out of the set: it ends with the calls that still hold it, and is told of to nobody.
    detached: bool,
}

/// What `GET /breakers` and the like show of one circuit.
pub(crate) struct Look {
    pub(crate) state: State,
    pub(crate) since: SystemTime,
    pub(crate) failures: u32,
    pub(crate) retry_in: Option<Duration>,
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Breaker");
        shown.field("key", &self.key).finish_non_exhaustive()
    }
}

impl Breaker {
    pub(crate) fn new(key: Arc<str>, hub: Arc<Hub>, settings: Settings, detached: bool) -> Self {
        let machine = Machine::new(settings, hub.now());
        let word = AtomicU64::new(word(&machine));
        let since = hub.wall();
        Self {
            key,
            hub,
            word,
            inside: Mutex::new(Inside {
                machine,
                since,
                detached,
            }),
        }
    }

    /// Whether a call would be let in; takes nothing.
    pub(crate) fn check(&self) -> Result<(), CircuitOpen> {
        if self.word.load(Ordering::Acquire) & CLOSED != 0 {
            return Ok(());
        }
        let now = self.hub.now();
        let refusal = self.lock().machine.refusal(now);
        refusal.map_or(Ok(()), |wait| Err(self.open(wait)))
    }

    /// Lets a call in, and takes the lease if it is a probe.
    pub(crate) fn admit(self: Arc<Self>) -> Result<Ticket, CircuitOpen> {
        let word = self.word.load(Ordering::Acquire);
        let began = (word & TIMED != 0).then(|| self.hub.now());
        if word & CLOSED != 0 {
            let (cycle, lease) = (word >> CYCLE, None);
            return Ok(Ticket::new(self, Permit { cycle, lease }, began));
        }
        let now = began.unwrap_or_else(|| self.hub.now());
        match self.with(|inside| match inside.machine.admit(now) {
            Ok((permit, change)) => (change, Ok(permit)),
            Err(wait) => (None, Err(wait)),
        }) {
            Ok(permit) => Ok(Ticket::new(self, permit, began)),
            Err(wait) => Err(self.open(wait)),
        }
    }

    pub(crate) fn reset(&self) {
        self.with(|inside| (inside.machine.reset(), ()));
    }

    pub(crate) fn set_settings(&self, settings: Settings) {
        let now = self.hub.now();
        self.with(|inside| (None, inside.machine.set_settings(settings, now)));
    }

    pub(crate) fn look(&self) -> Look {
        let now = self.hub.now();
        let mut inside = self.lock();
        let retry_at = inside.machine.retry_at(now);
        Look {
            state: inside.machine.state(),
            since: inside.since,
            failures: inside.machine.failures(now),
            retry_in: retry_at.map(|at| at.saturating_duration_since(now)),
        }
    }

    /// Takes the circuit out of service if nothing that matters is lost with it: its counts are
    /// empty, or, if `eager`, its last call went well.
    pub(crate) fn retire(&self, now: Instant, eager: bool) -> bool {
        let mut inside = self.lock();
        let idle = inside.machine.is_blank(now) || (eager && inside.machine.has_no_row());
        inside.detached |= idle;
        idle
    }

    fn open(&self, retry_after: Duration) -> CircuitOpen {
        CircuitOpen {
            key: Arc::clone(&self.key),
            retry_after,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // The machine has no half-done steps that a panic could leave behind.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one step of the machine, brings the word up to date, and tells of the change once the
    /// lock is gone.
    fn with<T>(&self, step: impl FnOnce(&mut Inside) -> (Option<Change>, T)) -> T {
        let mut inside = self.lock();
        let (change, result) = step(&mut inside);
        let told = change.filter(|_| !inside.detached);
        if change.is_some() {
            inside.since = self.hub.wall();
        }
        if let Some((from, to)) = told {
            if from == State::Closed {
                self.hub.troubled.fetch_add(1, Ordering::AcqRel);
            } else if to == State::Closed {
                self.hub.troubled.fetch_sub(1, Ordering::AcqRel);
            }
        }
        self.word.store(word(&inside.machine), Ordering::Release);
        drop(inside);
        if let (Some((from, to)), Some(observer)) = (told, &self.hub.observer) {
            observer.transition(&self.key, from, to);
        }
        result
    }
}

fn word(machine: &Machine) -> u64 {
    let closed = u64::from(machine.state() == State::Closed) * CLOSED;
    let timed = u64::from(machine.settings().slow_call.is_some()) * TIMED;
    machine.cycle() << CYCLE | timed | closed
}

/// An admitted call. Dropped unsettled, it gives a probe's slot back.
#[derive(Debug)]
pub(crate) struct Ticket {
    breaker: Arc<Breaker>,
    permit: Permit,
    began: Option<Instant>,
    settled: bool,
}

impl Ticket {
    fn new(breaker: Arc<Breaker>, permit: Permit, began: Option<Instant>) -> Self {
        Self {
            breaker,
            permit,
            began,
            settled: false,
        }
    }

    /// Records the verdict. A success leaves a watch over the body that follows.
    pub(crate) fn settle(mut self, verdict: Verdict) -> Option<Watch> {
        if verdict == Verdict::Ignored {
            return None;
        }
        self.settled = true;
        let (permit, began) = (self.permit, self.began);
        let now = self.breaker.hub.now();
        let mark = self.breaker.with(|inside| {
            let machine = &mut inside.machine;
            let slow = machine.settings().slow_call.zip(began);
            let slow = slow.is_some_and(|(slow, began)| {
                now.saturating_duration_since(began) >= slow.threshold
            });
            machine.settle(permit, verdict, slow, now, fastrand::f64)
        });
        let breaker = Arc::clone(&self.breaker);
        mark.map(|mark| Watch { breaker, mark })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.settled && self.permit.lease.is_some() {
            let permit = self.permit;
            self.breaker
                .with(|inside| (None, inside.machine.give_back(permit)));
        }
    }
}

/// Waits for the end of a body whose head was a success.
#[derive(Debug)]
pub(crate) struct Watch {
    breaker: Arc<Breaker>,
    mark: Mark,
}

impl Watch {
    /// The body died.
    pub(crate) fn torn(self) {
        let now = self.breaker.hub.now();
        self.breaker.with(|inside| {
            let change = inside.machine.torn(self.mark, now, fastrand::f64);
            (change, ())
        });
    }
}
