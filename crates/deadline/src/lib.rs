//! A deadline in the request, and the timeouts made of it.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//!
//! use http::{Request, Response};
//! use http_body_util::Empty;
//! use leeward_deadline::{Deadline, IdleBodyLayer, MovingBody, ResponseTimeoutLayer, TotalTimeoutLayer};
//! use tokio::time::Instant;
//! use tower::{ServiceExt, service_fn};
//! use tower_layer::Layer;
//!
//! type BoxError = Box<dyn std::error::Error + Send + Sync>;
//! type Upload = MovingBody<Empty<&'static [u8]>>;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let client = service_fn(|_: Request<Upload>| async {
//!     Ok::<_, Infallible>(Response::new(Empty::<&[u8]>::new()))
//! })
//! .map_err(BoxError::from);
//!
//! let client = IdleBodyLayer::new(Duration::from_secs(30)).layer(client);
//! let client = ResponseTimeoutLayer::new(Duration::from_secs(30)).layer(client);
//! let client = TotalTimeoutLayer::new().layer(client);
//!
//! let mut request = Request::new(Empty::new());
//! request.extensions_mut().insert(Deadline::after(Instant::now(), Duration::from_secs(60)));
//! let response = client.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! # Three timeouts
//!
//! | layer | from | to |
//! | --- | --- | --- |
//! | [`TotalTimeoutLayer`] | whenever the [`Deadline`] was made | the head of the answer, waits and retries included |
//! | [`ResponseTimeoutLayer`] | the first time that the call has to wait | the head of the answer of this one attempt |
//! | [`IdleBodyLayer`] | the last frame of the answer's body | the next one |
//!
//! Each fails with an [`Elapsed`], which says which limit it was. The first two make it into the
//! service's own error (`S::Error: From<Elapsed>`, which holds for `Box<dyn Error + Send + Sync>`),
//! the third puts it into the body's.
//!
//! # A body may flow as long as it moves
//!
//! No answer can be expected of a peer that is still being sent its question. [`TotalTimeoutLayer`]
//! wraps the request's body in a [`MovingBody`], whose [`Progress`] both head timeouts read when
//! they are about to fire: the time limit is put off to the last movement of the upload plus the
//! quiet time that the layer allows (30 s, or the limit itself where that is shorter). Once the
//! upload has ended, an attempt has its whole response timeout for the answer.
//!
//! # Clock
//!
//! Time is [`tokio::time`], which tests can pause. A timer is made only once the inner future has
//! been pending: what answers at once never touches the timer wheel.

mod deadline;
mod error;
mod future;
mod idle;
mod limit;
mod progress;
mod response;
mod total;

pub use deadline::Deadline;
pub use error::{Elapsed, Phase};
pub use future::TimeoutFuture;
pub use idle::{IdleBody, IdleBodyFuture, IdleBodyLayer, IdleBodyService};
pub use progress::{MovingBody, Progress};
pub use response::{ResponseTimeout, ResponseTimeoutLayer};
pub use total::{TotalTimeout, TotalTimeoutLayer};

/// Any error, as the body of [`IdleBodyLayer`] passes it on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
