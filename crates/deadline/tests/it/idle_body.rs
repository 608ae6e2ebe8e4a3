//! Answers whose bodies stop.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use leeward_deadline::{Elapsed, IdleBody, Phase};
use leeward_probe::ProbeBody;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::support::{SECOND, elapsed};

/// A body fed by hand.
struct Fed(mpsc::Receiver<Bytes>);

impl Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|item| item.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn fed() -> (mpsc::Sender<Bytes>, Fed) {
    let (sender, receiver) = mpsc::channel(8);
    (sender, Fed(receiver))
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_fails() {
    let mut body = IdleBody::new(ProbeBody::full("head").hanging(), 3 * SECOND);
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "head");
    let began = Instant::now();
    let error = body.frame().await.unwrap().err().unwrap();
    let expected = Elapsed {
        phase: Phase::IdleBody,
        after: 3 * SECOND,
    };
    assert_eq!(elapsed(&error), Some(expected));
    assert_eq!(began.elapsed(), 3 * SECOND);
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_moves_may_take_for_ever() {
    let (sender, body) = fed();
    let mut body = IdleBody::new(body, 3 * SECOND);
    tokio::spawn(async move {
        for _ in 0..100 {
            sleep(2 * SECOND).await;
            sender.send(Bytes::from_static(b"tick")).await.unwrap();
        }
    });
    let mut frames = 0;
    while let Some(frame) = body.frame().await {
        frame.unwrap();
        frames += 1;
    }
    assert_eq!(frames, 100);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_the_senders_fault() {
    let (sender, body) = fed();
    let mut body = IdleBody::new(body, 3 * SECOND);
    // Asked once, and found waiting: the timer runs.
    let asked = tokio::time::timeout(SECOND, body.frame()).await;
    assert!(asked.is_err());
    sender.send(Bytes::from_static(b"late")).await.unwrap();
    // The reader is busy for far longer than the limit.
    sleep(60 * SECOND).await;
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "late");
    // And the next wait has the whole span again.
    let began = Instant::now();
    body.frame().await.unwrap().err().unwrap();
    assert_eq!(began.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn length_and_end_are_passed_on() {
    let body = IdleBody::new(ProbeBody::full("four"), SECOND);
    assert_eq!(body.size_hint().exact(), Some(4));
    assert!(!body.is_end_stream());
    assert!(IdleBody::new(ProbeBody::empty(), SECOND).is_end_stream());
}
