//! A unified answer names its source in its envelope, too: one that was kept says so there.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;

use crate::body::Body;
use crate::error::BoxError;

/// How every envelope ends when it comes from the vendor.
const LIVE: &[u8] = br#""source":"live"}"#;
/// How it ends when it was kept.
const CACHE: &[u8] = br#""source":"cache"}"#;

/// Writes the source anew into an answer that was kept. Such a body is here whole, in one piece;
/// any other is passed on as it is.
pub fn tell_cached<RB>(response: Response<RB>) -> Response<Body>
where
    RB: http_body::Body<Data = Bytes> + Send + 'static,
    RB::Error: Into<BoxError>,
{
    let (mut head, body) = response.into_parts();
    let mut body = Box::pin(body);
    let mut cx = Context::from_waker(Waker::noop());
    let whole = match http_body::Body::poll_frame(Pin::new(&mut body), &mut cx) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().ok(),
        _ => None,
    };
    let Some(whole) = whole else {
        return Response::from_parts(head, Body::flowing(body));
    };
    let told = match whole.strip_suffix(LIVE) {
        Some(before) => Bytes::from([before, CACHE].concat()),
        None => whole,
    };
    if head.headers.contains_key(CONTENT_LENGTH) {
        head.headers.insert(CONTENT_LENGTH, told.len().into());
    }
    Response::from_parts(head, Body::from(told))
}
