//! A body as bytes.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::BoxError;

pub(crate) enum CollectError {
    TooLarge,
    Body(BoxError),
}

/// All of a body, if it is not longer than `limit` bytes.
pub(crate) async fn whole<B>(body: B, limit: usize) -> Result<Bytes, CollectError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(CollectError::TooLarge);
    }
    let mut body = pin!(body);
    let mut all = Joined::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| CollectError::Body(error.into()))?;
        if let Ok(data) = frame.into_data() {
            if data.len() > limit - all.len() {
                return Err(CollectError::TooLarge);
            }
            all.push(data);
        }
    }
    Ok(all.into_bytes())
}

/// The beginning of a body, up to `limit` bytes; what came before it broke off.
pub(crate) async fn beginning<B>(body: B, limit: usize) -> Bytes
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    let mut all = Joined::default();
    while all.len() < limit {
        let Some(Ok(frame)) = body.frame().await else {
            break;
        };
        if let Ok(mut data) = frame.into_data() {
            data.truncate(limit - all.len());
            all.push(data);
        }
    }
    all.into_bytes()
}

/// A body that comes in one piece is not copied.
#[derive(Default)]
struct Joined {
    first: Bytes,
    rest: BytesMut,
}

impl Joined {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
        } else {
            self.rest.extend_from_slice(&data);
        }
    }

    fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut all = BytesMut::with_capacity(self.len());
        all.extend_from_slice(&self.first);
        all.extend_from_slice(&self.rest);
        all.freeze()
    }
}
