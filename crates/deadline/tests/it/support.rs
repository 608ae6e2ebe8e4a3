//! Requests with a deadline, and what a timeout said.

use std::error::Error;
use std::time::Duration;

use http::Request;
use leeward_deadline::{BoxError, Deadline, Elapsed};
use leeward_probe::ProbeBody;
use tokio::time::Instant;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn request(allowed: Option<Duration>, body: ProbeBody) -> Request<ProbeBody> {
    let mut request = Request::new(body);
    if let Some(allowed) = allowed {
        let deadline = Deadline::after(Instant::now(), allowed);
        request.extensions_mut().insert(deadline);
    }
    request
}

pub(crate) fn elapsed(error: &BoxError) -> Option<Elapsed> {
    let mut source: Option<&(dyn Error + 'static)> = Some(error.as_ref());
    while let Some(error) = source {
        if let Some(elapsed) = error.downcast_ref() {
            return Some(*elapsed);
        }
        source = error.source();
    }
    None
}
