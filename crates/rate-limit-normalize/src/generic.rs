//! The rules that every provider has after its own: a 429, and what RFCs and habit say of it.

use crate::spec::{Format, RuleSpec, TestSpec, WaitSpec};

/// Names of the reset header, a delta in some places and an epoch in others.
const RESETS: [&str; 4] = [
    "X-RateLimit-Reset-After",
    "X-RateLimit-Reset",
    "X-Rate-Limit-Reset",
    "RateLimit-Reset",
];

/// `Retry-After` (RFC 9110 section 10.2.3), the `RateLimit` field, then the reset headers.
pub(crate) fn rules() -> Vec<RuleSpec> {
    let header = |name: &str, format| WaitSpec {
        header: Some(name.to_owned()),
        format: Some(format),
        ..WaitSpec::default()
    };
    let structured = WaitSpec {
        sf: Some("RateLimit".to_owned()),
        ..WaitSpec::default()
    };
    let mut wait = vec![header("Retry-After", Format::Http), structured];
    wait.extend(RESETS.map(|name| header(name, Format::Auto)));
    vec![RuleSpec {
        id: Some("generic".to_owned()),
        when: TestSpec {
            status: Some(429.into()),
            ..TestSpec::default()
        },
        wait,
        ..RuleSpec::default()
    }]
}
