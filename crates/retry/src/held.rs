//! Answers that are taken whole before they are passed on.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::replay::Kept;
use crate::{BoxError, EndedShort};

/// The body of an answer that went through [`Retry`](crate::Retry): held whole, or flowing.
#[derive(Debug)]
pub struct HeldBody<RB> {
    /// What has come already, and is given first.
    before: Bytes,
    trailers: Option<Box<HeaderMap>>,
    /// What is still to come.
    rest: Option<RB>,
}

impl<RB> HeldBody<RB> {
    /// A body that goes on as it comes.
    pub fn flowing(body: RB) -> Self {
        Self {
            before: Bytes::new(),
            trailers: None,
            rest: Some(body),
        }
    }

    /// The whole body, if it was held and nothing of it was taken yet.
    pub fn held_bytes(&self) -> Option<&Bytes> {
        (self.rest.is_none() && self.trailers.is_none()).then_some(&self.before)
    }
}

impl<RB: Body<Data = Bytes> + Unpin> Body for HeldBody<RB> {
    type Data = Bytes;
    type Error = RB::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RB::Error>>> {
        if !self.before.is_empty() {
            let bytes = std::mem::take(&mut self.before);
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(trailers) = self.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(*trailers))));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.before.is_empty()
            && self.trailers.is_none()
            && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let before = self.before.len() as u64;
        let Some(rest) = &self.rest else {
            return SizeHint::with_exact(before);
        };
        let rest = rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(before));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(before));
        }
        hint
    }
}

/// Takes a short answer whole.
pub(crate) struct Collect<RB> {
    body: RB,
    kept: Kept,
    trailers: Option<Box<HeaderMap>>,
    expected: u64,
}

impl<RB> Collect<RB>
where
    RB: Body<Data = Bytes> + Unpin,
    RB::Error: Into<BoxError>,
{
    /// Whether the body is one to take: its length is known, and within `hold` bytes. One that is
    /// at its end already (the answer to a HEAD, whatever its `Content-Length` says) has nothing
    /// to take.
    pub(crate) fn wants(body: &RB, hold: usize) -> bool {
        hold > 0
            && body
                .size_hint()
                .exact()
                .is_some_and(|length| length <= hold as u64)
            && !body.is_end_stream()
    }

    pub(crate) fn new(body: RB) -> Self {
        let expected = body.size_hint().exact().unwrap_or(0);
        Self {
            body,
            kept: Kept::default(),
            trailers: None,
            expected,
        }
    }

    /// Ready when the body is whole, or is torn, or turns out longer than it said (then it goes on
    /// as it comes).
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        while !self.body.is_end_stream() && self.kept.len() as u64 <= self.expected {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.kept.push(&data),
                    Err(frame) => self.trailers = frame.into_trailers().ok().map(Box::new),
                },
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => break,
            }
        }
        let got = self.kept.len() as u64;
        if got < self.expected {
            let expected = self.expected;
            return Poll::Ready(Err(EndedShort { expected, got }.into()));
        }
        Poll::Ready(Ok(()))
    }

    /// What has come, and what is still to come.
    pub(crate) fn into_body(mut self) -> HeldBody<RB> {
        let whole = self.kept.len() as u64 == self.expected;
        HeldBody {
            before: self.kept.whole(),
            trailers: self.trailers,
            rest: (!whole).then_some(self.body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use leeward_probe::{ProbeBody, TornBody};

    fn take(body: ProbeBody) -> (Poll<Result<(), BoxError>>, HeldBody<ProbeBody>) {
        let mut collect = Collect::new(body);
        let poll = collect.poll(&mut Context::from_waker(std::task::Waker::noop()));
        (poll, collect.into_body())
    }

    #[tokio::test]
    async fn a_whole_answer_is_held() {
        let (poll, body) = take(ProbeBody::full("ab").frame("cd").frame("e"));
        assert!(matches!(poll, Poll::Ready(Ok(()))));
        assert_eq!(body.held_bytes().unwrap(), "abcde");
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abcde");
    }

    #[test]
    fn one_that_breaks_or_ends_short_is_torn() {
        let (poll, _) = take(ProbeBody::full("ab").torn().claiming(4));
        let Poll::Ready(Err(error)) = poll else {
            panic!("{poll:?}")
        };
        assert!(error.is::<TornBody>());
        let (poll, _) = take(ProbeBody::full("ab").claiming(4));
        let Poll::Ready(Err(error)) = poll else {
            panic!("{poll:?}")
        };
        assert_eq!(
            error.to_string(),
            "the answer's body ended after 2 of 4 bytes"
        );
    }

    #[tokio::test]
    async fn one_that_is_longer_than_it_said_flows_on_from_its_first_byte() {
        let (poll, body) = take(ProbeBody::full("abc").frame("def").frame("ghi").claiming(4));
        assert!(matches!(poll, Poll::Ready(Ok(()))));
        assert_eq!(body.held_bytes(), None);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abcdefghi");
    }

    #[test]
    fn only_short_answers_of_known_length_are_wanted() {
        assert!(Collect::wants(&ProbeBody::full("abc"), 3));
        assert!(!Collect::wants(&ProbeBody::full("abcd"), 3));
        assert!(!Collect::wants(&ProbeBody::full("abc").torn(), 3));
        assert!(!Collect::wants(&ProbeBody::empty().claiming(3), 3));
        assert!(!Collect::wants(&ProbeBody::full("abc"), 0));
    }
}
