use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{Granted, Name, Room};
use crate::Settings;

#[derive(Debug, Clone)]
enum Event {
    Arrive(Option<u8>),
    Finish(Index),
    Leave(Index),
    Resize(Settings),
}

fn limits() -> impl Strategy<Value = Settings> {
    (0usize..6, 0usize..4, 0usize..8).prop_map(|(all, each, waiting)| Settings {
        max_in_flight: all,
        per_account: each,
        max_waiting: waiting,
        max_wait: Duration::from_secs(1),
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        10 => prop::option::weighted(0.9, 0u8..4).prop_map(Event::Arrive),
        8 => any::<Index>().prop_map(Event::Finish),
        3 => any::<Index>().prop_map(Event::Leave),
        1 => limits().prop_map(Event::Resize),
    ]
}

fn name(account: Option<u8>) -> Name {
    account.map(|n| Arc::from(n.to_string()))
}

/// The plainest model: two lists.
#[derive(Debug)]
struct Model {
    limits: Settings,
    /// Account and number of each call, in the order in which they got their slots.
    running: Vec<(Name, u64)>,
    /// In the order in which they came.
    waiting: Vec<(Name, u64)>,
}

impl Model {
    fn may_run(&self, name: &Name) -> bool {
        let own = self.running.iter().filter(|(n, _)| n == name).count();
        self.running.len() < self.limits.max_in_flight.max(1)
            && (name.is_none() || own < self.limits.per_account.max(1))
    }

    fn waits_of(&self, name: &Name) -> usize {
        self.waiting.iter().filter(|(n, _)| n == name).count()
    }

    /// Lets out whoever may run, oldest first.
    fn settle(&mut self) -> Vec<u64> {
        let mut granted = Vec::new();
        while let Some(at) = self.waiting.iter().position(|(n, _)| self.may_run(n)) {
            let call = self.waiting.remove(at);
            granted.push(call.1);
            self.running.push(call);
        }
        granted
    }
}

fn numbers(granted: &Granted<u64>) -> Vec<u64> {
    granted.iter().map(|(call, _)| *call).collect()
}

fn step(
    room: &mut Room<u64>,
    model: &mut Model,
    tickets: &mut Vec<(u64, u64)>,
    number: u64,
    event: &Event,
) -> Result<(), TestCaseError> {
    match event {
        Event::Arrive(account) => {
            let name = name(*account);
            let runs = room.run(&name);
            prop_assert_eq!(runs, model.may_run(&name));
            if runs {
                model.running.push((name, number));
                return Ok(());
            }
            let full = model.waiting.len() >= model.limits.max_waiting;
            let before = room.waiting();
            let Some((ticket, displaced)) = room.wait(&name, number) else {
                prop_assert!(full);
                // Nobody had two more in the room than this account.
                let own = model.waits_of(&name);
                let even = model
                    .waiting
                    .iter()
                    .all(|(n, _)| model.waits_of(n) <= own + 1);
                prop_assert!(even || before > model.limits.max_waiting);
                prop_assert_eq!(room.waiting(), before);
                return Ok(());
            };
            prop_assert_eq!(displaced.is_some(), full);
            if let Some(gone) = displaced {
                let at = model.waiting.iter().position(|(_, n)| *n == gone).unwrap();
                let (victim, _) = model.waiting[at].clone();
                prop_assert!(model.waits_of(&victim) > model.waits_of(&name) + 1);
                let most = model.waiting.iter().map(|(n, _)| model.waits_of(n)).max();
                prop_assert_eq!(most, Some(model.waits_of(&victim)));
                let newer = model.waiting[at + 1..].iter().any(|(n, _)| *n == victim);
                prop_assert!(!newer, "it is the newest of its account");
                model.waiting.remove(at);
            }
            tickets.push((number, ticket));
            model.waiting.push((name, number));
        }
        Event::Finish(which) => {
            if model.running.is_empty() {
                return Ok(());
            }
            let (name, _) = model.running.remove(which.index(model.running.len()));
            let granted = room.release(&name);
            prop_assert_eq!(numbers(&granted), model.settle());
        }
        Event::Leave(which) => {
            if model.waiting.is_empty() {
                return Ok(());
            }
            let (name, number) = model.waiting.remove(which.index(model.waiting.len()));
            let ticket = tickets.iter().find(|(n, _)| *n == number).unwrap().1;
            prop_assert_eq!(room.leave(&name, ticket), Some(number));
            prop_assert_eq!(room.leave(&name, ticket), None, "once");
        }
        Event::Resize(limits) => {
            model.limits = *limits;
            let granted = room.resize(*limits);
            prop_assert_eq!(numbers(&granted), model.settle());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn does_what_two_plain_lists_do(
        first in limits(),
        events in prop::collection::vec(event(), 1..150),
    ) {
        let mut room = Room::new(first);
        let mut model = Model { limits: first, running: Vec::new(), waiting: Vec::new() };
        let mut tickets = Vec::new();
        for (number, event) in (0u64..).zip(&events) {
            step(&mut room, &mut model, &mut tickets, number, event)?;
            prop_assert_eq!(room.in_flight(), model.running.len());
            prop_assert_eq!(room.waiting(), model.waiting.len());
            prop_assert!(room.accounts.len() <= model.running.len() + model.waiting.len());
            prop_assert!(model.settle().is_empty(), "whoever could run does");
        }
        // All go home: nothing is left of them.
        while !model.running.is_empty() {
            step(&mut room, &mut model, &mut tickets, 0, &Event::Finish(index_of_first()))?;
        }
        prop_assert!(room.accounts.is_empty() && room.heads.is_empty());
        prop_assert_eq!((room.in_flight(), room.waiting()), (0, 0));
    }
}

fn index_of_first() -> Index {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    any::<Index>().new_tree(&mut runner).unwrap().current()
}

#[test]
fn an_account_at_its_limit_holds_up_nobody_behind_it() {
    let mut room = Room::new(Settings {
        max_in_flight: 2,
        per_account: 1,
        ..Settings::default()
    });
    let (a, b, c) = (name(Some(0)), name(Some(1)), name(Some(2)));
    assert!(room.run(&a));
    assert!(room.run(&b));
    assert!(!room.run(&a));
    room.wait(&a, "second of a").unwrap();
    assert!(!room.run(&c));
    room.wait(&c, "first of c").unwrap();
    assert_eq!(room.release(&b), [("first of c", c)]);
    assert_eq!(room.release(&a), [("second of a", a)]);
}
