//! The machine under any sequence of events. `PROPTEST_CASES=1000000` runs a million of them.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use tokio::time::Instant;

use super::{Change, Machine, Mark, Permit, State};
use crate::{Ratio, Settings, SlowCall, Verdict};

#[derive(Debug, Clone)]
enum Event {
    Wait(u64),
    Admit,
    Settle(Index, Verdict, bool),
    GiveBack(Index),
    Torn(Index),
    Reset,
    Set(Settings),
}

fn settings() -> impl Strategy<Value = Settings> {
    let share = || prop::option::of((1u32..=100).prop_map(|p| f64::from(p) / 100.0));
    let span = |most: u64| (0..=most).prop_map(Duration::from_millis);
    let trips = (
        prop::option::of(1u32..6),
        share(),
        share(),
        0u32..12,
        span(8_000),
    );
    let heals = (span(3_000), span(20_000), 0u32..4, 0u32..4, span(3_000));
    (trips, heals).prop_map(
        |((row, failing, slow, calls, sampling), (open, most, slots, enough, lease))| Settings {
            consecutive_failures: row.and_then(NonZeroU32::new),
            failure_ratio: failing.and_then(Ratio::new),
            sampling_duration: sampling,
            minimum_calls: calls,
            slow_call: slow.and_then(Ratio::new).map(|ratio| SlowCall {
                threshold: Duration::from_secs(1),
                ratio,
            }),
            open_for: open,
            max_open_for: most,
            half_open_requests: slots,
            success_threshold: enough,
            lease,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let verdict = prop_oneof![
        2 => Just(Verdict::Success),
        4 => Just(Verdict::Failure),
        1 => Just(Verdict::Ignored),
    ];
    prop_oneof![
        4 => (0u64..4_000).prop_map(Event::Wait),
        12 => Just(Event::Admit),
        10 => (any::<Index>(), verdict, any::<bool>())
            .prop_map(|(which, verdict, slow)| Event::Settle(which, verdict, slow)),
        2 => any::<Index>().prop_map(Event::GiveBack),
        3 => any::<Index>().prop_map(Event::Torn),
        1 => Just(Event::Reset),
        1 => settings().prop_map(Event::Set),
    ]
}

fn legal(from: State, to: State) -> bool {
    matches!(
        (from, to),
        (State::Closed, State::Open)
            | (State::Open, State::HalfOpen | State::Closed)
            | (State::HalfOpen, State::Open | State::Closed)
    )
}

/// The machine, and what is on its way around it.
struct World {
    machine: Machine,
    now: Instant,
    /// Admitted calls, and when the lease of each ends.
    calls: Vec<(Permit, Instant)>,
    bodies: Vec<Mark>,
}

impl World {
    fn step(&mut self, event: &Event, lot: fn() -> f64) -> Result<(), TestCaseError> {
        let before = self.machine.clone();
        let now = self.now;
        let change = match event {
            Event::Wait(millis) => {
                self.now += Duration::from_millis(*millis);
                None
            }
            Event::Admit => self.admit()?,
            Event::Settle(which, verdict, slow) => {
                let Some((permit, _)) = take(&mut self.calls, which) else {
                    return Ok(());
                };
                let (change, mark) = self.machine.settle(permit, *verdict, *slow, now, lot);
                self.bodies.extend(mark);
                if permit.cycle != before.cycle {
                    prop_assert_eq!(&self.machine, &before, "an older cycle changed something");
                }
                change
            }
            Event::GiveBack(which) => {
                if let Some((permit, _)) = take(&mut self.calls, which) {
                    self.machine.give_back(permit);
                }
                None
            }
            Event::Torn(which) => {
                take(&mut self.bodies, which).and_then(|mark| self.machine.torn(mark, now, lot))
            }
            Event::Reset => self.machine.reset(),
            Event::Set(settings) => {
                self.machine.set_settings(*settings, now);
                None
            }
        };
        let (from, to) = (before.state(), self.machine.state());
        prop_assert_eq!(
            change,
            (from != to).then_some((from, to)),
            "a change is told"
        );
        prop_assert!(from == to || legal(from, to), "{from:?} to {to:?}");
        prop_assert!(self.machine.cycle() >= before.cycle());
        if from != to {
            prop_assert!(self.machine.cycle() > before.cycle());
        }
        if let Some((_, State::Open)) = change {
            let settings = self.machine.settings;
            let span = self.machine.refusal(now).unwrap_or_default();
            let longest = settings.max_open_for.max(settings.open_for);
            prop_assert!(settings.open_for <= span && span <= longest, "{span:?}");
        }
        self.faces_agree()
    }

    fn admit(&mut self) -> Result<Option<Change>, TestCaseError> {
        let Ok((permit, change)) = self.machine.admit(self.now) else {
            return Ok(None);
        };
        let is_probe = permit.lease.is_some();
        prop_assert_eq!(is_probe, self.machine.state() == State::HalfOpen);
        if is_probe {
            let probes = self.calls.iter().filter(|(held, ends)| {
                held.lease.is_some() && held.cycle == permit.cycle && *ends > self.now
            });
            prop_assert!(probes.count() < self.machine.slots());
        }
        let ends = self.now + self.machine.settings.lease;
        self.calls.push((permit, ends));
        Ok(change)
    }

    /// What the early refusal says is what the admission does, and the time it gives is true.
    fn faces_agree(&self) -> Result<(), TestCaseError> {
        let refusal = self.machine.refusal(self.now);
        let admission = self.machine.clone().admit(self.now);
        prop_assert_eq!(refusal, admission.err());
        let mut at = self.now;
        // More than once only where settings took slots away from leases that are still out.
        for _ in 0..4 {
            if let Some(wait) = self.machine.refusal(at) {
                prop_assert!(!wait.is_zero());
                at += wait;
            }
        }
        prop_assert_eq!(self.machine.refusal(at), None);
        Ok(())
    }
}

fn take<T>(from: &mut Vec<T>, which: &Index) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(which.index(from.len())))
}

proptest! {
    #[test]
    fn holds_under_any_sequence_of_events(
        first in settings(),
        events in prop::collection::vec(event(), 1..120),
    ) {
        let now = Instant::now();
        let mut world = World {
            machine: Machine::new(first, now),
            now,
            calls: Vec::new(),
            bodies: Vec::new(),
        };
        for event in &events {
            world.step(event, || 0.7)?;
        }
        // However it stands, a peer that is well again is let in, and closes it.
        for _ in 0..16 {
            world.now += world.machine.refusal(world.now).unwrap_or_default();
            let now = world.now;
            if world.machine.state() != State::Closed
                && let Ok((permit, _)) = world.machine.admit(now)
            {
                world.machine.settle(permit, Verdict::Success, false, now, || 0.7);
            }
        }
        prop_assert_eq!(world.machine.state(), State::Closed);
    }

    /// The row alone, against the plainest model of it.
    #[test]
    fn a_row_opens_it_exactly_when_it_is_full(
        limit in 1u32..8,
        verdicts in prop::collection::vec(0u8..3, 1..80),
    ) {
        let now = Instant::now();
        let settings = Settings {
            consecutive_failures: NonZeroU32::new(limit),
            failure_ratio: None,
            ..Settings::default()
        };
        let mut machine = Machine::new(settings, now);
        let mut row = 0;
        for verdict in verdicts {
            let verdict = [Verdict::Success, Verdict::Failure, Verdict::Ignored][usize::from(verdict)];
            row = match verdict {
                Verdict::Success => 0,
                Verdict::Failure => row + 1,
                Verdict::Ignored => row,
            };
            let (permit, _) = machine.admit(now).unwrap();
            machine.settle(permit, verdict, false, now, || 0.0);
            prop_assert_eq!(machine.state() == State::Open, row == limit);
            if row == limit {
                break;
            }
        }
    }
}
