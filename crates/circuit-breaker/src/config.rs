//! What a breaker is told.

use std::num::NonZeroU32;
use std::time::Duration;

/// When a circuit opens, for how long, and how it closes again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Failures in a row that open a closed circuit (5). `None`: a row alone never does.
    pub consecutive_failures: Option<NonZeroU32>,
    /// The share of failed calls that opens it (50%). `None`: a share never does.
    pub failure_ratio: Option<Ratio>,
    /// How far back the shares look (30 s).
    pub sampling_duration: Duration,
    /// How many calls the window must hold before a share says anything (20).
    pub minimum_calls: u32,
    /// When slowness counts (`None`).
    pub slow_call: Option<SlowCall>,
    /// How long a circuit stays open the first time (30 s).
    pub open_for: Duration,
    /// The most that `open_for` is doubled to (5 min); less than `open_for` stands for that.
    pub max_open_for: Duration,
    /// Probes on their way at once while half-open (1); 0 stands for 1.
    pub half_open_requests: u32,
    /// Successful probes that close the circuit (1); 0 stands for 1.
    pub success_threshold: u32,
    /// After this a probe's slot is free again whatever became of it (30 s): the timeout to the
    /// head of one attempt.
    pub lease: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            consecutive_failures: NonZeroU32::new(5),
            failure_ratio: Ratio::new(0.5),
            sampling_duration: Duration::from_secs(30),
            minimum_calls: 20,
            slow_call: None,
            open_for: Duration::from_secs(30),
            max_open_for: Duration::from_secs(300),
            half_open_requests: 1,
            success_threshold: 1,
            lease: Duration::from_secs(30),
        }
    }
}

/// When a call is slow, and how many of them open the circuit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowCall {
    /// From the call at the wire to the head of its answer.
    pub threshold: Duration,
    /// The share of slow calls in the window.
    pub ratio: Ratio,
}

/// A share: more than 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Ratio(f64);

impl Ratio {
    /// `None` unless 0 < `share` ≤ 1.
    pub fn new(share: f64) -> Option<Self> {
        (share > 0.0 && share <= 1.0).then_some(Self(share))
    }

    /// The share as a fraction.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Whether `part` out of `whole` reaches the share.
    pub(crate) fn reached(self, part: u32, whole: u32) -> bool {
        whole > 0 && f64::from(part) >= self.0 * f64::from(whole)
    }
}
