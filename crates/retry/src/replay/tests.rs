//! Any interleaving of frames, polls and copies gives the same bytes, or refuses.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use leeward_probe::ProbeBody;
use proptest::prelude::*;

use super::ReplayBody;
use crate::{BoxError, HoldError, ReplayError};

/// A body that is pending wherever its script says so.
#[derive(Debug, Clone, Default)]
struct Scripted {
    steps: VecDeque<Step>,
    hint: Option<u64>,
}

#[derive(Debug, Clone)]
enum Step {
    Pending,
    Data(Bytes),
    Trailers,
    Broken,
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(
        http::HeaderName::from_static("x-end"),
        http::HeaderValue::from_static("yes"),
    )])
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.steps.pop_front() {
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Trailers) => {
                self.steps.clear();
                Poll::Ready(Some(Ok(Frame::trailers(trailers()))))
            }
            Some(Step::Broken) => {
                self.steps.clear();
                Poll::Ready(Some(Err("broken".into())))
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.hint.map(SizeHint::with_exact).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Seen {
    bytes: Vec<u8>,
    trailers: bool,
    ended: bool,
    failed: Option<String>,
}

fn poll(body: &mut ReplayBody<Scripted>, seen: &mut Seen) {
    let mut cx = Context::from_waker(Waker::noop());
    if seen.ended || seen.failed.is_some() {
        return;
    }
    if body.is_end_stream() {
        seen.ended = true;
        return;
    }
    let before = body.size_hint();
    match Pin::new(body).poll_frame(&mut cx) {
        Poll::Pending => {}
        Poll::Ready(None) => seen.ended = true,
        Poll::Ready(Some(Err(error))) => seen.failed = Some(error.to_string()),
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(data) => {
                assert!(
                    before
                        .upper()
                        .is_none_or(|upper| data.len() as u64 <= upper)
                );
                seen.bytes.extend_from_slice(&data);
            }
            Err(_) => seen.trailers = true,
        },
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Pending),
        6 => proptest::collection::vec(any::<u8>(), 0..12).prop_map(|data| Step::Data(data.into())),
        1 => Just(Step::Trailers),
        1 => Just(Step::Broken),
    ]
}

fn scripted() -> impl Strategy<Value = (Scripted, Vec<u8>, bool, bool)> {
    (proptest::collection::vec(step(), 0..16), any::<bool>()).prop_map(|(mut steps, known)| {
        if let Some(end) = steps
            .iter()
            .position(|step| matches!(step, Step::Trailers | Step::Broken))
        {
            steps.truncate(end + 1);
        }
        let mut whole = Vec::new();
        for step in &steps {
            if let Step::Data(data) = step {
                whole.extend_from_slice(data);
            }
        }
        let broken = matches!(steps.last(), Some(Step::Broken));
        let trailed = matches!(steps.last(), Some(Step::Trailers));
        let hint = (known && !broken).then_some(whole.len() as u64);
        let steps = steps.into();
        (Scripted { steps, hint }, whole, trailed, broken)
    })
}

proptest! {
    #[test]
    fn any_interleaving_gives_the_same_bytes_or_refuses(
        (body, whole, trailed, broken) in scripted(),
        cap in 0usize..80,
        // 0 copies, 1 drops, anything else polls one of the copies.
        acts in proptest::collection::vec((0u8..8, any::<prop::sample::Index>()), 0..80),
    ) {
        let mut copies = vec![(ReplayBody::new(body, cap), Seen::default())];
        let mut over = Vec::new();
        for (act, which) in acts {
            if copies.is_empty() {
                break;
            }
            let at = which.index(copies.len());
            match act {
                0 => if let Some(copy) = copies[at].0.try_clone() {
                    copies.push((copy, Seen::default()));
                },
                1 => over.push(copies.swap_remove(at).1),
                _ => {
                    let (body, seen) = &mut copies[at];
                    poll(body, seen);
                }
            }
        }
        // The last one is read to its end.
        if let Some((mut body, mut seen)) = copies.pop() {
            while !seen.ended && seen.failed.is_none() {
                poll(&mut body, &mut seen);
            }
            over.push(seen);
        }
        over.extend(copies.into_iter().map(|(_, seen)| seen));
        for seen in over {
            prop_assert!(whole.starts_with(&seen.bytes), "{seen:?}");
            if seen.ended {
                prop_assert_eq!(&seen.bytes, &whole);
                prop_assert_eq!(seen.trailers, trailed);
                prop_assert!(!broken);
            }
        }
    }

    #[test]
    fn holding_gives_every_byte_or_refuses(
        (body, whole, trailed, broken) in scripted(), cap in 0usize..80, hold in 0usize..80, once in any::<bool>(),
    ) {
        let mut body = if once { ReplayBody::once(body) } else { ReplayBody::new(body, cap) };
        let copy = body.try_clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match runtime.block_on(body.hold(hold)) {
            Ok(bytes) => {
                prop_assert!(!broken);
                prop_assert_eq!(&bytes[..], &whole[..]);
                prop_assert!(bytes.len() <= hold);
                for body in [body.try_clone(), copy, Some(body)].into_iter().flatten() {
                    let collected = runtime.block_on(body.collect()).unwrap();
                    prop_assert_eq!(collected.trailers().is_some(), trailed);
                    prop_assert_eq!(&collected.to_bytes()[..], &whole[..]);
                }
            }
            Err(HoldError::TooLarge { .. }) => prop_assert!(whole.len() > hold || broken),
            Err(HoldError::Body(_)) => prop_assert!(broken),
            Err(HoldError::Begun) => prop_assert!(false, "it had not begun"),
        }
    }
}

#[tokio::test]
async fn an_empty_body_is_held_and_repeats_freely() {
    let body = ReplayBody::new(ProbeBody::empty(), 0);
    assert!(body.is_end_stream() && body.is_replayable());
    assert_eq!(body.held_bytes().unwrap(), "");
    assert_eq!(body.size_hint().exact(), Some(0));
}

#[tokio::test]
async fn one_known_to_be_too_large_is_never_copied() {
    let body = ReplayBody::new(ProbeBody::full("12345"), 4);
    assert!(!body.is_replayable() && body.try_clone().is_none());
    assert_eq!(body.collect().await.unwrap().to_bytes(), "12345");
}

#[tokio::test]
async fn over_the_cap_the_active_copy_flows_on_alone() {
    let scripted = Scripted {
        steps: ["123", "456", "789"]
            .map(|data| Step::Data(Bytes::from_static(data.as_bytes())))
            .into(),
        hint: None,
    };
    let mut body = ReplayBody::new(scripted, 5);
    let mut copy = body.try_clone().unwrap();
    body.frame().await.unwrap().unwrap();
    body.frame().await.unwrap().unwrap();
    assert!(!copy.is_replayable() && copy.try_clone().is_none());
    let refused = copy.frame().await.unwrap().unwrap_err();
    assert_eq!(refused.downcast_ref(), Some(&ReplayError::Capped));
    assert!(!copy.is_end_stream());
    assert_eq!(body.collect().await.unwrap().to_bytes(), "789");
}

#[tokio::test]
async fn a_later_copy_ends_the_earlier_one() {
    let mut first = ReplayBody::new(ProbeBody::full("123").frame("456"), 100);
    let mut second = first.try_clone().unwrap();
    first.frame().await.unwrap().unwrap();
    second.claim().unwrap();
    assert!(!first.is_end_stream());
    let refused = first.frame().await.unwrap().unwrap_err();
    assert_eq!(refused.downcast_ref(), Some(&ReplayError::Superseded));
    assert_eq!(second.size_hint().exact(), Some(6));
    assert_eq!(second.collect().await.unwrap().to_bytes(), "123456");
}

#[tokio::test]
async fn an_untouched_body_comes_back_and_a_touched_one_does_not() {
    let (body, unsent) = ReplayBody::returning(ProbeBody::full("123"));
    assert!(unsent.take().is_none());
    drop(body);
    let body = unsent.take().unwrap();
    drop(body);
    let mut body = unsent.take().unwrap();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert!(unsent.take().is_none());
}

#[tokio::test]
async fn a_body_that_is_pending_when_polled_is_still_untouched() {
    let (mut body, unsent) = ReplayBody::returning(ProbeBody::empty().hanging());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut body).poll_frame(&mut cx).is_pending());
    drop(body);
    assert!(unsent.take().is_some());
}

#[tokio::test]
async fn a_body_that_was_held_on_its_way_comes_back_whole() {
    let (mut body, unsent) = ReplayBody::returning(ProbeBody::full("12").frame("3"));
    assert_eq!(body.hold(10).await.unwrap(), "123");
    assert_eq!(body.collect().await.unwrap().to_bytes(), "123");
    for _ in 0..2 {
        let body = unsent.take().unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "123");
    }
}

#[tokio::test]
async fn holding_what_is_known_to_be_too_large_harms_nothing() {
    let mut body = ReplayBody::once(ProbeBody::full("12345"));
    assert!(matches!(
        body.hold(4).await,
        Err(HoldError::TooLarge { cap: 4 })
    ));
    assert_eq!(body.hold(5).await.unwrap(), "12345");
    assert!(matches!(
        body.hold(4).await,
        Err(HoldError::TooLarge { cap: 4 })
    ));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "12345");
}

#[tokio::test]
async fn a_body_that_has_begun_is_not_held() {
    for mut body in [
        ReplayBody::once(ProbeBody::full("1").frame("2")),
        ReplayBody::new(ProbeBody::full("1").frame("2"), 10),
    ] {
        body.frame().await.unwrap().unwrap();
        assert!(matches!(body.hold(10).await, Err(HoldError::Begun)));
    }
}

#[tokio::test]
async fn a_hold_that_was_cancelled_loses_nothing() {
    let steps = [
        Step::Data("12".into()),
        Step::Pending,
        Step::Data("3".into()),
    ];
    let mut body = ReplayBody::once(Scripted {
        steps: steps.into(),
        hint: None,
    });
    {
        let mut hold = std::pin::pin!(body.hold(10));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(hold.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(body.hold(10).await.unwrap(), "123");
}

#[test]
fn nothing_of_a_body_is_printed() {
    let held = ReplayBody::<ProbeBody>::held(Bytes::from_static(b"secret"));
    assert_eq!(format!("{held:?}"), "ReplayBody(held)");
}
