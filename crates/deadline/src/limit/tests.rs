use std::time::Duration;

use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use tokio::time::{Instant, advance};

use super::Limit;
use crate::{Deadline, MovingBody};

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

proptest! {
    /// No movement shortens a limit, and none puts it off by more than the quiet time allows.
    #[test]
    fn an_end_lies_between_the_limit_and_the_last_movement(
        allowed in millis(0..100_000),
        idle in millis(0..100_000),
        moves in millis(0..300_000),
        finishes in any::<bool>(),
        total in any::<bool>(),
    ) {
        paused().block_on(async move {
            let began = Instant::now();
            let (mut body, upload) = MovingBody::watched(Full::new(&b"a"[..]));
            let mut limit = if total {
                Limit::total(Deadline::after(began, allowed), idle, upload)
            } else {
                Limit::response(allowed, idle, upload)
            };
            let first = limit.end(began);
            prop_assert_eq!(first, began + allowed);

            advance(moves).await;
            if finishes {
                body.frame().await;
            }
            let moved = if finishes { moves } else { Duration::ZERO };
            let end = limit.end(Instant::now());
            let quiet = if finishes && !total { allowed } else { idle.min(allowed) };
            // The paused clock counts whole milliseconds, and so do these.
            prop_assert_eq!(end, (began + allowed).max(began + moved + quiet));
            Ok(())
        })?;
    }
}
