use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

use super::{Machine, Mark, Permit, State};
use crate::{Ratio, Settings, SlowCall, Verdict};

const SECOND: Duration = Duration::from_secs(1);
const OPENED: Option<(State, State)> = Some((State::Closed, State::Open));
const REOPENED: Option<(State, State)> = Some((State::HalfOpen, State::Open));
const CLOSED: Option<(State, State)> = Some((State::HalfOpen, State::Closed));

/// A machine, a time, and no luck.
struct Bench {
    machine: Machine,
    now: Instant,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let now = Instant::now();
        let machine = Machine::new(settings, now);
        Self { machine, now }
    }

    fn admit(&mut self) -> Permit {
        self.machine.admit(self.now).unwrap().0
    }

    fn settle(&mut self, permit: Permit, verdict: Verdict) -> Option<(State, State)> {
        let settled = self
            .machine
            .settle(permit, verdict, false, self.now, || 0.0);
        settled.0
    }

    fn call(&mut self, verdict: Verdict) -> Option<(State, State)> {
        let permit = self.admit();
        self.settle(permit, verdict)
    }

    /// A call whose head is a success and whose body flows on.
    fn head(&mut self) -> Mark {
        let permit = self.admit();
        let settled = self
            .machine
            .settle(permit, Verdict::Success, false, self.now, || 0.0);
        settled.1.unwrap()
    }

    fn torn(&mut self, mark: Mark) -> Option<(State, State)> {
        self.machine.torn(mark, self.now, || 0.0)
    }

    fn slow(&mut self) -> Option<(State, State)> {
        let permit = self.admit();
        let settled = self
            .machine
            .settle(permit, Verdict::Success, true, self.now, || 0.0);
        settled.0
    }

    fn fail(&mut self, times: u32) -> Option<(State, State)> {
        (0..times).fold(None, |_, _| self.call(Verdict::Failure))
    }

    fn opened(settings: Settings) -> Self {
        let mut bench = Self::new(settings);
        let row = settings.consecutive_failures.map_or(1, NonZeroU32::get);
        assert_eq!(bench.fail(row), OPENED);
        bench
    }

    fn half_open(settings: Settings) -> (Self, Permit) {
        let mut bench = Self::opened(settings);
        bench.now += settings.open_for;
        let probe = bench.admit();
        assert_eq!(bench.machine.state(), State::HalfOpen);
        (bench, probe)
    }
}

#[test]
fn a_row_of_failures_opens_it() {
    let mut bench = Bench::new(Settings::default());
    assert_eq!(bench.fail(4), None);
    assert_eq!(bench.call(Verdict::Success), None);
    assert_eq!(bench.fail(4), None);
    assert_eq!(bench.fail(1), OPENED);
    assert_eq!(bench.machine.refusal(bench.now), Some(30 * SECOND));
}

#[test]
fn what_is_ignored_neither_breaks_a_row_nor_adds_to_it() {
    let mut bench = Bench::new(Settings::default());
    bench.fail(4);
    for _ in 0..100 {
        assert_eq!(bench.call(Verdict::Ignored), None);
    }
    assert_eq!(bench.fail(1), OPENED);
}

#[test]
fn a_share_of_failures_opens_it_once_there_were_enough_calls() {
    let mut bench = Bench::new(Settings {
        consecutive_failures: None,
        ..Settings::default()
    });
    for _ in 0..9 {
        assert_eq!(bench.call(Verdict::Failure), None, "cold");
        assert_eq!(bench.call(Verdict::Success), None, "cold");
    }
    assert_eq!(bench.call(Verdict::Success), None);
    assert_eq!(bench.call(Verdict::Failure), OPENED, "10 of 20");
    assert_eq!(bench.machine.failures(bench.now), 10);
}

#[test]
fn a_share_looks_back_no_further_than_its_window() {
    let mut bench = Bench::new(Settings {
        consecutive_failures: None,
        ..Settings::default()
    });
    assert_eq!(bench.fail(19), None);
    bench.now += 31 * SECOND;
    assert_eq!(bench.fail(19), None);
    assert_eq!(bench.fail(1), OPENED);
}

#[test]
fn slow_calls_open_it_and_a_slow_probe_opens_it_again() {
    let settings = Settings {
        consecutive_failures: None,
        failure_ratio: None,
        slow_call: Ratio::new(0.8).map(|ratio| SlowCall {
            threshold: SECOND,
            ratio,
        }),
        ..Settings::default()
    };
    let mut bench = Bench::new(settings);
    for _ in 0..4 {
        bench.call(Verdict::Success);
    }
    let changes: Vec<_> = (0..16).map(|_| bench.slow()).collect();
    assert_eq!(changes[14], None);
    assert_eq!(changes[15], OPENED, "16 of 20");
    bench.now += 30 * SECOND;
    assert_eq!(bench.slow(), REOPENED);
    bench.now += 60 * SECOND;
    assert_eq!(bench.call(Verdict::Success), CLOSED);
}

#[test]
fn a_probe_that_succeeds_closes_it_and_it_begins_empty() {
    let (mut bench, probe) = Bench::half_open(Settings::default());
    assert_eq!(bench.settle(probe, Verdict::Success), CLOSED);
    assert!(bench.machine.is_blank(bench.now));
    assert_eq!(bench.fail(4), None);
}

#[test]
fn a_probe_that_fails_opens_it_for_twice_as_long() {
    let (mut bench, mut probe) = Bench::half_open(Settings::default());
    for expected in [60, 120, 240, 300, 300] {
        assert_eq!(bench.settle(probe, Verdict::Failure), REOPENED);
        let wait = bench.machine.refusal(bench.now).unwrap();
        // At the upper end the lot takes away, up to an eleventh.
        assert!(wait <= expected * SECOND && wait >= expected * SECOND * 9 / 10);
        bench.now += wait;
        probe = bench.admit();
    }
    // Once closed, it begins at the first step again.
    assert_eq!(bench.settle(probe, Verdict::Success), CLOSED);
    assert_eq!(bench.fail(5), OPENED);
    assert_eq!(bench.machine.refusal(bench.now), Some(30 * SECOND));
}

#[test]
fn the_lot_adds_up_to_a_tenth_and_never_leaves_the_bounds() {
    let settings = Settings::default();
    for (lot, expected) in [(0.0, 30_000), (0.5, 31_500), (1.0, 33_000)] {
        let machine = Machine::new(settings, Instant::now());
        assert_eq!(machine.open_span(lot), Duration::from_millis(expected));
    }
    let fixed = Settings {
        max_open_for: settings.open_for,
        ..settings
    };
    let machine = Machine::new(fixed, Instant::now());
    assert_eq!(machine.open_span(1.0), settings.open_for);
}

#[test]
fn one_probe_at_a_time_and_the_others_hear_how_long() {
    let (mut bench, probe) = Bench::half_open(Settings::default());
    bench.now += 10 * SECOND;
    assert_eq!(bench.machine.admit(bench.now), Err(20 * SECOND));
    assert_eq!(bench.settle(probe, Verdict::Ignored), None);
    assert_eq!(bench.machine.state(), State::HalfOpen);
    bench.admit();
}

#[test]
fn several_probes_if_told_so_and_as_many_successes_as_told() {
    let (mut bench, first) = Bench::half_open(Settings {
        half_open_requests: 2,
        success_threshold: 3,
        ..Settings::default()
    });
    let second = bench.admit();
    assert!(bench.machine.admit(bench.now).is_err());
    assert_eq!(bench.settle(first, Verdict::Success), None);
    assert_eq!(bench.settle(second, Verdict::Success), None);
    assert_eq!(bench.call(Verdict::Success), CLOSED);
}

#[test]
fn a_probe_that_nobody_hears_of_holds_its_slot_no_longer_than_its_lease() {
    let (mut bench, lost) = Bench::half_open(Settings::default());
    bench.now += 29 * SECOND;
    assert_eq!(bench.machine.admit(bench.now), Err(SECOND));
    bench.now += SECOND;
    let next = bench.admit();
    // The lost one comes back within the same cycle: it still knows something of the peer, and
    // takes nobody's slot with it.
    bench.machine.give_back(lost);
    assert!(bench.machine.admit(bench.now).is_err());
    assert_eq!(bench.settle(lost, Verdict::Failure), REOPENED);
    assert_eq!(bench.settle(next, Verdict::Success), None, "an older cycle");
    assert_eq!(bench.machine.state(), State::Open);
}

#[test]
fn what_was_sent_before_the_outage_neither_closes_nor_opens_it() {
    let mut bench = Bench::new(Settings::default());
    let before: Vec<_> = (0..10).map(|_| bench.admit()).collect();
    assert_eq!(bench.fail(5), OPENED);
    assert_eq!(bench.settle(before[0], Verdict::Success), None);
    bench.now += 30 * SECOND;
    let probe = bench.admit();
    assert_eq!(bench.settle(before[1], Verdict::Success), None);
    assert_eq!(bench.settle(before[2], Verdict::Failure), None);
    assert_eq!(bench.machine.state(), State::HalfOpen);
    assert_eq!(bench.settle(probe, Verdict::Success), CLOSED);
    for late in &before[3..] {
        assert_eq!(bench.settle(*late, Verdict::Failure), None);
    }
    assert!(bench.machine.is_blank(bench.now));
}

#[test]
fn a_body_that_dies_after_its_probe_closed_the_circuit_counts_against_the_closed_one() {
    let (mut bench, probe) = Bench::half_open(Settings {
        consecutive_failures: NonZeroU32::new(2),
        ..Settings::default()
    });
    let settled = bench
        .machine
        .settle(probe, Verdict::Success, false, bench.now, || 0.0);
    assert_eq!(settled.0, CLOSED);
    bench.now += 600 * SECOND;
    assert_eq!(bench.torn(settled.1.unwrap()), None);
    assert_eq!(bench.machine.failures(bench.now), 1);
    assert_eq!(bench.call(Verdict::Failure), OPENED);
}

#[test]
fn a_body_that_dies_while_still_half_open_is_a_failed_probe() {
    let (mut bench, probe) = Bench::half_open(Settings {
        success_threshold: 2,
        ..Settings::default()
    });
    let settled = bench
        .machine
        .settle(probe, Verdict::Success, false, bench.now, || 0.0);
    assert_eq!(settled.0, None);
    assert_eq!(bench.torn(settled.1.unwrap()), REOPENED);
}

#[test]
fn a_body_of_an_older_cycle_counts_nowhere() {
    let mut bench = Bench::new(Settings::default());
    let mark = bench.head();
    bench.fail(5);
    assert_eq!(bench.torn(mark), None, "open");
    bench.now += 30 * SECOND;
    let probe = bench.admit();
    assert_eq!(bench.torn(mark), None, "half-open");
    bench.settle(probe, Verdict::Success);
    assert_eq!(bench.torn(mark), None, "closed since");
    assert!(bench.machine.is_blank(bench.now));
}

#[test]
fn bodies_that_always_die_open_it_although_every_head_is_fine() {
    let mut bench = Bench::new(Settings::default());
    for _ in 0..4 {
        let mark = bench.head();
        assert_eq!(bench.torn(mark), None);
    }
    let mark = bench.head();
    assert_eq!(bench.torn(mark), OPENED);
}

#[test]
fn a_whole_answer_between_two_torn_ones_ends_the_row() {
    let mut bench = Bench::new(Settings::default());
    for _ in 0..4 {
        let mark = bench.head();
        bench.torn(mark);
    }
    let mark = bench.head();
    bench.call(Verdict::Success);
    assert_eq!(bench.torn(mark), None);
}

#[test]
fn a_reset_closes_it_and_what_is_on_its_way_counts_no_more() {
    let (mut bench, probe) = Bench::half_open(Settings {
        success_threshold: 2,
        ..Settings::default()
    });
    let settled = bench
        .machine
        .settle(probe, Verdict::Success, false, bench.now, || 0.0);
    let second = bench.admit();
    assert_eq!(bench.machine.reset(), CLOSED);
    assert_eq!(bench.machine.reset(), None);
    assert_eq!(bench.settle(second, Verdict::Failure), None);
    assert_eq!(bench.torn(settled.1.unwrap()), None);
    assert!(bench.machine.is_blank(bench.now));
}

#[test]
fn settings_change_and_the_state_stays() {
    let mut bench = Bench::new(Settings::default());
    bench.fail(3);
    let stricter = Settings {
        consecutive_failures: NonZeroU32::new(4),
        open_for: SECOND,
        ..Settings::default()
    };
    bench.machine.set_settings(stricter, bench.now);
    assert_eq!(bench.fail(1), OPENED);
    bench.machine.set_settings(Settings::default(), bench.now);
    assert_eq!(bench.machine.refusal(bench.now), Some(SECOND));
}

#[test]
fn settings_without_end_overflow_nothing() {
    let mut bench = Bench::opened(Settings {
        sampling_duration: Duration::MAX,
        open_for: Duration::MAX,
        max_open_for: Duration::MAX,
        lease: Duration::MAX,
        ..Settings::default()
    });
    assert!(bench.machine.refusal(bench.now) > Some(SECOND));
    bench.now += Duration::from_secs(60 * 60 * 24 * 365 * 31);
    let probe = bench.admit();
    assert_eq!(bench.settle(probe, Verdict::Failure), REOPENED);
}
