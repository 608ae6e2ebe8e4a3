//! The slots as threads share them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::state::{Granted, Name, Room, Ticket};
use crate::{Observe, Overloaded, Reason, Settings};

/// The slots and the waiting room of one peer or provider. A clone is the same one.
#[derive(Clone)]
pub struct Bulkhead {
    shared: Arc<Shared>,
}

struct Shared {
    room: Mutex<Room<oneshot::Sender<Permit>>>,
    observer: Option<Arc<dyn Observe>>,
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let room = self.shared.lock();
        f.debug_struct("Bulkhead")
            .field("in_flight", &room.in_flight())
            .field("waiting", &room.waiting())
            .field("settings", room.limits())
            .finish_non_exhaustive()
    }
}

impl Bulkhead {
    /// An empty one.
    pub fn new(settings: Settings) -> Self {
        Self::made(settings, None)
    }

    fn made(settings: Settings, observer: Option<Arc<dyn Observe>>) -> Self {
        let room = Mutex::new(Room::new(settings));
        Self {
            shared: Arc::new(Shared { room, observer }),
        }
    }

    /// Tells `observer` of waits and refusals. For a new one, before layers are made of it: it
    /// begins with all slots free.
    #[must_use]
    pub fn observe(self, observer: Arc<dyn Observe>) -> Self {
        Self::made(self.settings(), Some(observer))
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        *self.shared.lock().limits()
    }

    /// Other settings from now on. More slots are given to those who wait at once; fewer take
    /// effect as calls end. A wait that has begun keeps its length.
    pub fn set_settings(&self, settings: Settings) {
        let granted = self.shared.lock().resize(settings);
        self.hand_out(granted);
    }

    /// How many calls are on their way.
    pub fn in_flight(&self) -> usize {
        self.shared.lock().in_flight()
    }

    /// How many calls wait.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting()
    }

    pub(crate) fn observer(&self) -> Option<&dyn Observe> {
        self.shared.observer.as_deref()
    }

    /// A slot, a place in the waiting room with the time that may be spent there, or neither.
    pub(crate) fn enter(
        &self,
        name: Name,
        remaining: impl FnOnce() -> Option<Duration>,
    ) -> Result<Entered, Overloaded> {
        let mut room = self.shared.lock();
        if room.run(&name) {
            drop(room);
            let bulkhead = self.clone();
            return Ok(Entered::Running(Permit { bulkhead, name }));
        }
        let max_wait = room.limits().max_wait;
        let allowed = remaining().map_or(max_wait, |left| left.min(max_wait));
        if allowed.is_zero() {
            let reason = Reason::Waited(Duration::ZERO);
            return Err(overloaded(reason, max_wait));
        }
        let (sender, receiver) = oneshot::channel();
        let waiting = room.wait(&name, sender);
        drop(room);
        let Some((ticket, displaced)) = waiting else {
            return Err(overloaded(Reason::Full, max_wait));
        };
        // Whose place it was wakes by the end of its channel, outside of the lock.
        drop(displaced);
        Ok(Entered::Waiting {
            place: Place {
                bulkhead: self.clone(),
                name,
                ticket,
                receiver,
            },
            allowed,
            max_wait,
        })
    }

    fn hand_out(&self, granted: Granted<oneshot::Sender<Permit>>) {
        for (sender, name) in granted {
            let bulkhead = self.clone();
            // One that is gone meanwhile gives the permit back by dropping it.
            let _ = sender.send(Permit { bulkhead, name });
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Room<oneshot::Sender<Permit>>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn overloaded(reason: Reason, max_wait: Duration) -> Overloaded {
    Overloaded {
        reason,
        retry_after: max_wait.max(Duration::from_secs(1)),
    }
}

pub(crate) enum Entered {
    Running(Permit),
    Waiting {
        place: Place,
        allowed: Duration,
        max_wait: Duration,
    },
}

/// A slot; free again when this is dropped.
pub(crate) struct Permit {
    bulkhead: Bulkhead,
    name: Name,
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let granted = self.bulkhead.shared.lock().release(&self.name);
        self.bulkhead.hand_out(granted);
    }
}

/// A place in the waiting room; left when this is dropped.
pub(crate) struct Place {
    bulkhead: Bulkhead,
    name: Name,
    ticket: Ticket,
    pub(crate) receiver: oneshot::Receiver<Permit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // A permit that was sent and not taken is dropped with the receiver, and passed on.
        let left = self.bulkhead.shared.lock().leave(&self.name, self.ticket);
        drop(left);
    }
}
