//! Reading a request body whole.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body;

use super::ReplayBody;
use super::body::{Held, Kind, leave};
use super::once::Once;
use super::shared::{Next, Replica, Rest};
use crate::{BoxError, HoldError};

impl<B> ReplayBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// Reads the body whole, up to `cap` bytes, and holds it: from then on it is repeated freely,
    /// and so is every copy. Cancelling loses nothing; what was read is kept.
    ///
    /// # Errors
    ///
    /// [`HoldError::TooLarge`] (the body is unharmed if its length was known, else spent),
    /// [`HoldError::Begun`] if this copy has given a frame or was superseded, [`HoldError::Body`]
    /// if the body broke off.
    pub async fn hold(&mut self, cap: usize) -> Result<Bytes, HoldError> {
        let slot = match &mut self.kind {
            Kind::Held(held) if held.bytes.len() > cap => return Err(HoldError::TooLarge { cap }),
            Kind::Held(held) => return Ok(held.bytes.clone()),
            Kind::Shared(replica) if !replica.fresh() => return Err(HoldError::Begun),
            Kind::Shared(replica) if replica.size_hint().lower() > cap as u64 => {
                return Err(HoldError::TooLarge { cap });
            }
            Kind::Shared(_) => None,
            Kind::Once(once) if once.touched => return Err(HoldError::Begun),
            Kind::Once(once) => {
                let too_large = |body: &B| body.size_hint().lower() > cap as u64;
                if once.body.as_ref().is_some_and(too_large) {
                    return Err(HoldError::TooLarge { cap });
                }
                let (Some(body), slot) = (once.body.take(), once.slot.take()) else {
                    return Err(HoldError::Begun);
                };
                self.kind = Kind::Shared(Replica::new(body, cap));
                slot
            }
        };
        let held = poll_fn(|cx| self.poll_hold(cx, cap)).await?;
        if let Some(slot) = slot {
            leave(&slot, held.clone());
        }
        let bytes = held.bytes.clone();
        self.kind = Kind::Held(held);
        Ok(bytes)
    }

    fn poll_hold(&mut self, cx: &mut Context<'_>, cap: usize) -> Poll<Result<Held, HoldError>> {
        let Kind::Shared(replica) = &mut self.kind else {
            return Poll::Ready(Err(HoldError::Begun));
        };
        if replica.claim().is_err() {
            return Poll::Ready(Err(HoldError::Begun));
        }
        let over = {
            let mut state = replica.lock();
            state.cap = state.cap.max(cap);
            loop {
                match ready!(state.poll_rest(cx)).map_err(HoldError::Body)? {
                    Next::Over(..) => break true,
                    _ if state.kept.len() > cap => {
                        state.rest = Rest::Capped;
                        break true;
                    }
                    Next::End => break false,
                    Next::Data(_) | Next::Trailers(_) => {}
                }
            }
        };
        if over {
            // What was read is gone: the copy must not look like a body that ended here.
            self.kind = Kind::Once(Once {
                body: None,
                touched: true,
                slot: None,
            });
            return Poll::Ready(Err(HoldError::TooLarge { cap }));
        }
        let mut state = replica.lock();
        Poll::Ready(Ok(Held {
            bytes: state.kept.whole(),
            trailers: state.trailers.clone().map(Arc::new),
            ..Held::default()
        }))
    }
}
