//! Evaluations of one page: each within its limits, all within the page's time, and never on a thread that serves others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use leeward_expression::{Bindings, Expression, Fault, Limits};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::error::code;

/// Why an expression gave nothing of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Failed {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// Of which part of the mapping it is.
    pub(crate) fn of(self, part: &str) -> Self {
        Self {
            message: format!("`{part}`: {}", self.message),
            ..self
        }
    }

    /// Whether the whole page is over, and not this evaluation alone.
    pub(crate) fn ends_page(&self) -> bool {
        self.code == code::PAGE_TIME
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self {
            code: fault.code,
            message: fault.message,
        }
    }
}

/// The evaluations of one phase of one call.
#[derive(Debug)]
pub(crate) struct Run {
    limits: Limits,
    until: Option<Instant>,
    stopped: Stop,
}

/// Told when nobody waits for the result any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Run {
    pub(crate) fn new(limits: Limits, page_time: Duration, stopped: Stop) -> Self {
        Self {
            limits,
            until: Instant::now().checked_add(page_time),
            stopped,
        }
    }

    /// Evaluates one expression.
    pub(crate) fn evaluate(
        &self,
        expression: &Expression,
        input: Option<&Value>,
        bindings: &Bindings,
    ) -> Result<Option<Value>, Failed> {
        let over = || {
            Failed::new(
                code::PAGE_TIME,
                "the evaluations of this page took too long",
            )
        };
        let mut limits = self.limits;
        if let Some(until) = self.until {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stopped.0.load(Ordering::Relaxed) {
                return Err(over());
            }
            limits.time = limits.time.min(left);
        }
        expression
            .evaluate(input, bindings, &limits)
            .map_err(|fault| match fault.code.as_str() {
                // Cut short by the page's time rather than by its own.
                "D1012" if limits.time < self.limits.time => over(),
                _ => fault.into(),
            })
    }
}

/// The threads' share that one provider's evaluations may take.
#[derive(Debug, Clone)]
pub(crate) struct Workers(Arc<Semaphore>);

impl Default for Workers {
    fn default() -> Self {
        // More at once than there are processors would only make each slower.
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(at_once)))
    }
}

impl Workers {
    /// Runs what needs the processor where it holds up no other request.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Stop) -> T + Send + 'static,
    ) -> Result<T, Failed> {
        let gone = || Failed::new(code::INTERNAL, "the evaluation ended without a result");
        let permit = Arc::clone(&self.0)
            .acquire_owned()
            .await
            .map_err(|_| gone())?;
        let stop = StopWhenDropped(Stop::default());
        let told = stop.0.clone();
        tokio::task::spawn_blocking(move || {
            // Given back when the work has ended, even if nobody waits for it.
            let _permit = permit;
            work(told)
        })
        .await
        .map_err(|_| gone())
    }
}

struct StopWhenDropped(Stop);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}
