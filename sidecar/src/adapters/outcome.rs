//! How a call to the vendor ended: made once from its result, and read by the breaker, the retry
//! and the fallback. Beside `normalize`, this is the only place that reads a status code.

use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use leeward_circuit_breaker::Verdict;
use leeward_upstream::Kind as ErrorKind;

use super::DisguisedFailure;
use crate::code::Code;
use crate::error::{Error, Kind};

/// How a call to the vendor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The vendor answered; a failure inside a 200 has the status that the operation's `error`
    /// gives it.
    Answered(StatusCode),
    /// No byte of the request reached the vendor.
    NeverSent,
    /// It broke after it was sent, before an answer began.
    Reset,
    /// What came was no HTTP.
    Invalid,
    /// No head came in time.
    TimedOut,
    /// The answer was taken whole and broke off.
    Torn,
    /// The vendor was not asked, or said "slow down": this tells nothing of its health.
    Ours(Code),
}

impl Outcome {
    /// Reads a result.
    pub fn of<RB>(result: Result<&Response<RB>, &Error>) -> Self {
        match result {
            Ok(response) => {
                let disguised = response.extensions().get::<DisguisedFailure>();
                Self::Answered(disguised.map_or(response.status(), |failure| failure.status))
            }
            Err(error) => match error.kind() {
                Kind::Upstream(upstream) => match upstream.kind() {
                    ErrorKind::HostDenied | ErrorKind::Body | ErrorKind::Request => {
                        Self::Ours(error.code())
                    }
                    ErrorKind::Invalid => Self::Invalid,
                    _ if upstream.never_sent() => Self::NeverSent,
                    _ => Self::Reset,
                },
                Kind::Elapsed(_) => Self::TimedOut,
                Kind::Torn(_) => Self::Torn,
                _ => Self::Ours(error.code()),
            },
        }
    }

    /// The vendor answered, and well.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Answered(status) if status.is_success())
    }

    /// What it says about the vendor's health.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Answered(status) if status.is_server_error() => Verdict::Failure,
            Self::Answered(status) if status.is_client_error() => Verdict::Ignored,
            Self::Answered(_) => Verdict::Success,
            Self::NeverSent | Self::Reset | Self::Invalid | Self::TimedOut | Self::Torn => {
                Verdict::Failure
            }
            Self::Ours(_) => Verdict::Ignored,
        }
    }

    /// Its name in `retry.after`, where it has one.
    pub fn retry_reason(self) -> Option<&'static str> {
        match self {
            Self::NeverSent => Some("connect"),
            Self::Reset => Some("reset"),
            Self::TimedOut => Some("timeout"),
            Self::Answered(status) if status.is_server_error() => Some(match status.as_u16() {
                500 => "500",
                501 => "501",
                502 => "502",
                503 => "503",
                504 => "504",
                _ => "5xx",
            }),
            _ => None,
        }
    }
}

/// The vendor's own `Retry-After` on an answer, from now.
pub fn retry_after<RB>(response: &Response<RB>) -> Option<std::time::Duration> {
    wait_of(response.headers().get(RETRY_AFTER)?.to_str().ok()?)
}

/// What a `Retry-After` says, from now.
pub fn wait_of(text: &str) -> Option<std::time::Duration> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(std::time::Duration::from_secs(seconds.into()));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    until.duration_since(std::time::SystemTime::now()).ok()
}
