//! The state machine of one circuit. Pure: no clock but the time passed in, no chance but the lot
//! passed in.

use std::time::Duration;

use tokio::time::Instant;

use crate::window::{Tally, Window};
use crate::{Settings, Verdict};

/// Stands for a time that `Instant` cannot hold.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

fn later(from: Instant, by: Duration) -> Instant {
    from.checked_add(by).unwrap_or_else(|| from + FAR)
}

/// The state of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Everything passes.
    Closed,
    /// Probes pass.
    HalfOpen,
    /// Nothing passes.
    Open,
}

/// A change of state.
pub(crate) type Change = (State, State);

/// What an admitted call carries: its cycle, and its lease if it is a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permit {
    pub(crate) cycle: u64,
    pub(crate) lease: Option<u64>,
}

/// What a success leaves behind while its body flows, so that it can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    cycle: u64,
    /// Which success of the machine's it was.
    success: u64,
    /// The failures in a row that it ended.
    row: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Lease {
    id: u64,
    ends: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { leases: Vec<Lease>, successes: u32 },
}

/// One circuit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Machine {
    settings: Settings,
    phase: Phase,
    cycle: u64,
    next_lease: u64,
    /// Failures in a row, no success among them.
    row: u32,
    successes: u64,
    window: Window,
    /// How often it opened without having been closed between.
    reopened: u32,
    /// What it had against the peer when it opened, and the failed probes since.
    charges: u32,
}

impl Machine {
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        Self {
            settings,
            phase: Phase::Closed,
            cycle: 0,
            next_lease: 0,
            row: 0,
            successes: 0,
            window: Window::new(now, settings.sampling_duration),
            reopened: 0,
            charges: 0,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes new settings; the state and, unless the window's length changed, the counts stay.
    pub(crate) fn set_settings(&mut self, settings: Settings, now: Instant) {
        if settings.sampling_duration != self.settings.sampling_duration {
            self.window = Window::new(now, settings.sampling_duration);
        }
        self.settings = settings;
    }

    pub(crate) fn state(&self) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    pub(crate) fn cycle(&self) -> u64 {
        self.cycle
    }

    /// Failures that count at `now`, or that opened the circuit and kept it so.
    pub(crate) fn failures(&mut self, now: Instant) -> u32 {
        match self.phase {
            Phase::Closed => self.window.total(now).failures.max(self.row),
            _ => self.charges,
        }
    }

    /// Whether the circuit is in no other shape than a new one.
    pub(crate) fn is_blank(&mut self, now: Instant) -> bool {
        self.has_no_row() && self.window.total(now) == Tally::default()
    }

    /// Whether the circuit is closed and its last call, if any, went well.
    pub(crate) fn has_no_row(&self) -> bool {
        self.phase == Phase::Closed && self.row == 0
    }

    /// How long a call at `now` would have to wait; `None`: [`admit`](Self::admit) would let it in.
    pub(crate) fn refusal(&self, now: Instant) -> Option<Duration> {
        let until = match &self.phase {
            Phase::Closed => return None,
            Phase::Open { until } => *until,
            Phase::HalfOpen { leases, .. } => {
                let living = leases.iter().filter(|lease| lease.ends > now);
                if living.clone().count() < self.slots() {
                    return None;
                }
                living.map(|lease| lease.ends).min()?
            }
        };
        (until > now).then(|| until - now)
    }

    /// Lets a call in, as a probe unless the circuit is closed; or tells how long it has to wait.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(Permit, Option<Change>), Duration> {
        if let Some(wait) = self.refusal(now) {
            return Err(wait);
        }
        let change = matches!(self.phase, Phase::Open { .. }).then(|| {
            self.enter(Phase::HalfOpen {
                leases: Vec::new(),
                successes: 0,
            })
        });
        let mut lease = None;
        if let Phase::HalfOpen { leases, .. } = &mut self.phase {
            leases.retain(|lease| lease.ends > now);
            let (id, ends) = (self.next_lease, later(now, self.settings.lease));
            self.next_lease += 1;
            leases.push(Lease { id, ends });
            lease = Some(id);
        }
        let cycle = self.cycle;
        Ok((Permit { cycle, lease }, change))
    }

    /// A neutral end: the slot is free again, nothing is decided.
    pub(crate) fn give_back(&mut self, permit: Permit) {
        if let Phase::HalfOpen { leases, .. } = &mut self.phase {
            leases.retain(|lease| Some(lease.id) != permit.lease);
        }
    }

    /// The head of an answer, or what came in its place.
    pub(crate) fn settle(
        &mut self,
        permit: Permit,
        verdict: Verdict,
        slow: bool,
        now: Instant,
        lot: fn() -> f64,
    ) -> (Option<Change>, Option<Mark>) {
        self.give_back(permit);
        if verdict == Verdict::Ignored || permit.cycle != self.cycle {
            return (None, None);
        }
        let success = verdict == Verdict::Success;
        let mark = success.then(|| {
            self.successes += 1;
            Mark {
                cycle: permit.cycle,
                success: self.successes,
                row: self.row,
            }
        });
        let change = match self.phase {
            Phase::Open { .. } => None,
            Phase::Closed => {
                let seen = Tally {
                    calls: 1,
                    failures: u32::from(!success),
                    slow: u32::from(slow),
                };
                self.window.add(now, seen);
                self.row = if success {
                    0
                } else {
                    self.row.saturating_add(1)
                };
                self.trip_if_due(now, lot)
            }
            Phase::HalfOpen {
                ref mut successes, ..
            } => {
                if success && !slow {
                    *successes += 1;
                    let enough = *successes >= self.settings.success_threshold;
                    enough.then(|| self.close())
                } else {
                    Some(self.reopen(now, lot))
                }
            }
        };
        (change, mark)
    }

    /// The body died whose head was a success.
    pub(crate) fn torn(&mut self, mark: Mark, now: Instant, lot: fn() -> f64) -> Option<Change> {
        match self.phase {
            Phase::HalfOpen { .. } if mark.cycle == self.cycle => Some(self.reopen(now, lot)),
            // A success of this cycle, or the one of the half-open cycle that led into it.
            Phase::Closed if mark.cycle == self.cycle || mark.cycle + 1 == self.cycle => {
                let was_counted = mark.cycle == self.cycle;
                let seen = Tally {
                    calls: u32::from(!was_counted),
                    failures: 1,
                    slow: 0,
                };
                self.window.add(now, seen);
                // Where no other success came since, the row goes on as if this had been none.
                let row = if was_counted && mark.success == self.successes {
                    mark.row
                } else {
                    0
                };
                self.row = self.row.saturating_add(row).saturating_add(1);
                // A second tear must not count the old row again.
                self.successes += 1;
                self.trip_if_due(now, lot)
            }
            _ => None,
        }
    }

    /// Closes the circuit and forgets what was against it; nothing on its way counts any more.
    pub(crate) fn reset(&mut self) -> Option<Change> {
        let from = self.state();
        self.close();
        // Two cycles on, so that no probe's body takes this one for its own.
        self.cycle += 1;
        (from != State::Closed).then_some((from, State::Closed))
    }

    /// When an open circuit lets its next probe through, or a full half-open one has a slot again.
    pub(crate) fn retry_at(&self, now: Instant) -> Option<Instant> {
        match self.phase {
            Phase::Open { until } => Some(until),
            _ => self.refusal(now).map(|wait| later(now, wait)),
        }
    }

    fn slots(&self) -> usize {
        usize::try_from(self.settings.half_open_requests.max(1)).unwrap_or(usize::MAX)
    }

    fn trip_if_due(&mut self, now: Instant, lot: fn() -> f64) -> Option<Change> {
        let Settings {
            consecutive_failures,
            failure_ratio,
            slow_call,
            minimum_calls,
            ..
        } = self.settings;
        let seen = self.window.total(now);
        // A slice that went away may have held the call whose body is counted as torn now.
        let calls = seen.calls.max(seen.failures);
        let warm = calls >= minimum_calls;
        let row = consecutive_failures.is_some_and(|most| self.row >= most.get());
        let failing = warm && failure_ratio.is_some_and(|r| r.reached(seen.failures, calls));
        let slow = warm && slow_call.is_some_and(|s| s.ratio.reached(seen.slow, calls));
        if !(row || failing || slow) {
            return None;
        }
        self.charges = seen.failures.max(self.row);
        Some(self.open(now, lot))
    }

    fn reopen(&mut self, now: Instant, lot: fn() -> f64) -> Change {
        self.reopened = self.reopened.saturating_add(1);
        self.charges = self.charges.saturating_add(1);
        self.open(now, lot)
    }

    fn open(&mut self, now: Instant, lot: fn() -> f64) -> Change {
        let until = later(now, self.open_span(lot()));
        self.enter(Phase::Open { until })
    }

    fn close(&mut self) -> Change {
        self.row = 0;
        self.charges = 0;
        self.reopened = 0;
        self.window.clear();
        self.enter(Phase::Closed)
    }

    fn enter(&mut self, phase: Phase) -> Change {
        let from = self.state();
        self.phase = phase;
        self.cycle += 1;
        (from, self.state())
    }

    /// Doubled with each reopening, then up to a tenth by lot, within `open_for` and
    /// `max_open_for`; at the upper end the lot takes away, so that it still spreads.
    fn open_span(&self, lot: f64) -> Duration {
        let shortest = self.settings.open_for;
        let longest = self.settings.max_open_for.max(shortest);
        let doubled = 1u32.checked_shl(self.reopened).unwrap_or(u32::MAX);
        let base = shortest.saturating_mul(doubled).min(longest);
        let most = base.saturating_add(base / 10).min(longest);
        let least = base.min((most / 11).saturating_mul(10)).max(shortest);
        least.saturating_add(most.saturating_sub(least).mul_f64(lot.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
