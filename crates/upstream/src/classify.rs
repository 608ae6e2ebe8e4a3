//! From the libraries' errors to ours: what happened, and whether anything was sent.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use http::Extensions;
use hyper_util::client::legacy;
use rustls::{AlertDescription, CertificateError};

use crate::connector::Place;
use crate::error::{Error, Kind};
use crate::stream::Traffic;
use crate::tls;

/// A TCP connection that was not made.
pub(crate) fn tcp(place: Place<'_>, error: impl StdError + Send + Sync + 'static) -> Error {
    let found = find::<io::Error>(&error);
    let (kind, detail) = match found.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => {
            (Kind::Connect, format!("connection refused by {place}"))
        }
        Some(io::ErrorKind::TimedOut) => (
            Kind::ConnectTimeout,
            format!("{place} did not accept a connection in time"),
        ),
        _ => {
            let cause = found.map_or_else(|| error.to_string(), io::Error::to_string);
            (Kind::Connect, format!("no connection to {place}: {cause}"))
        }
    };
    Error::new(kind, detail).caused_by(error)
}

/// A TLS handshake that failed.
pub(crate) fn handshake(place: Place<'_>, error: io::Error) -> Error {
    let host = place.host;
    let detail = match find::<rustls::Error>(&error) {
        Some(rustls::Error::InvalidCertificate(fault)) => {
            format!("certificate of {host} not trusted: {}", distrust(fault))
        }
        Some(rustls::Error::AlertReceived(alert)) => refusal(place, *alert),
        Some(rustls::Error::InvalidMessage(_)) => format!("{place} does not speak TLS"),
        Some(other) => format!("no TLS with {place}: {other}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            format!("{place} closed the connection in the TLS handshake")
        }
        None => format!("the connection to {place} broke in the TLS handshake: {error}"),
    };
    Error::new(Kind::Tls, detail).caused_by(error)
}

fn refusal(place: Place<'_>, alert: AlertDescription) -> String {
    format!("{place} refused the TLS handshake: {alert:?}")
}

fn distrust(fault: &CertificateError) -> String {
    match fault {
        CertificateError::UnknownIssuer if tls::has_no_system_roots() => {
            "unknown issuer (this machine has no root certificates)".to_owned()
        }
        CertificateError::UnknownIssuer => "unknown issuer".to_owned(),
        CertificateError::BadSignature => "its signature is not its issuer's".to_owned(),
        CertificateError::Revoked => "revoked".to_owned(),
        CertificateError::BadEncoding => "not readable".to_owned(),
        other => other.to_string(),
    }
}

/// A 101 where nobody asked: what follows is no HTTP that is understood here.
pub(crate) fn switched(place: Place<'_>) -> Error {
    let detail = format!("{place} switched to another protocol, which this client does not speak");
    Error::new(Kind::Invalid, detail)
}

/// What the pooling client reports for a request to `place`.
pub(crate) fn exchange(place: Place<'_>, error: legacy::Error) -> Error {
    let classified = if error.is_connect() {
        before_connection(place, &error)
    } else if let Some(info) = error.connect_info() {
        let mut extras = Extensions::new();
        info.get_extras(&mut extras);
        let unknown = Arc::default();
        let traffic = extras.get::<Arc<Traffic>>().unwrap_or(&unknown);
        on_connection(place, &error, traffic, info.is_negotiated_h2())
    } else {
        before_request(place, &error)
    };
    classified.caused_by(error)
}

/// No connection was made, or none could be had from the pool.
fn before_connection(place: Place<'_>, error: &legacy::Error) -> Error {
    match find::<Error>(error) {
        Some(ours) => ours.outline(),
        // The attempt that this request waited for was another's, and failed.
        None => Error::new(
            Kind::Connect,
            format!("no connection to {place} came about"),
        ),
    }
}

/// A connection was made and was of no use before a request was given to it.
fn before_request(place: Place<'_>, error: &legacy::Error) -> Error {
    match find::<hyper::Error>(error) {
        Some(hyper) => unused(place, hyper),
        None => unspeakable(),
    }
}

/// A connection ended before a request on it was begun: mostly it was closed.
fn unused(place: Place<'_>, hyper: &hyper::Error) -> Error {
    // The reason why a request was given back is behind that it was.
    let cause = hyper.source().and_then(find::<hyper::Error>);
    let cause = cause.unwrap_or(hyper);
    let broken = find::<io::Error>(cause).is_some() || find::<h2::Error>(cause).is_some();
    if broken || cause.is_closed() || cause.is_canceled() || cause.is_incomplete_message() {
        let detail = format!("{place} closed the connection before the request was begun");
        Error::new(Kind::Closed, detail)
    } else {
        let detail = format!("{place} sent something before it was asked: {cause}");
        Error::new(Kind::Invalid, detail).before_sending()
    }
}

fn unspeakable() -> Error {
    let detail = "the request cannot be sent over HTTP/1 or HTTP/2";
    Error::new(Kind::Request, detail)
}

/// The request was given to a connection.
fn on_connection(place: Place<'_>, error: &legacy::Error, traffic: &Traffic, is_h2: bool) -> Error {
    let Some(hyper) = find::<hyper::Error>(error) else {
        return unspeakable();
    };
    // hyper gives the request back where it had not begun to write it.
    if hyper.is_canceled() {
        return unused(place, hyper);
    }
    // First of all, since the body's own error may be of any type.
    if hyper.is_user() {
        return if hyper.to_string().contains("dispatch") {
            Error::new(Kind::Canceled, "the runtime is going down")
        } else {
            Error::new(Kind::Body, "the body of the request broke off")
        };
    }
    if let Some(h2) = find::<h2::Error>(hyper) {
        return on_stream(place, h2);
    }
    if hyper.is_parse() {
        let detail = format!("{place} did not answer in HTTP: {hyper}");
        return Error::new(Kind::Invalid, detail);
    }
    if !traffic.read_anything()
        && let Some(error) = before_first_byte(place, hyper, is_h2)
    {
        return error;
    }
    let how = match find::<io::Error>(hyper) {
        Some(error) => format!("broke the connection ({error})"),
        None if hyper.is_timeout() => "answers no pings".to_owned(),
        None => "closed the connection".to_owned(),
    };
    // An HTTP/2 connection carries the answers of others, too: what was read tells nothing.
    if !is_h2 && traffic.is_answering() {
        let detail = format!("{place} {how} inside the head of its answer");
        Error::new(Kind::Invalid, detail)
    } else {
        Error::new(Kind::Reset, format!("{place} {how} without an answer"))
    }
}

/// What belongs to connecting and shows only once the request is under way.
fn before_first_byte(place: Place<'_>, hyper: &hyper::Error, is_h2: bool) -> Option<Error> {
    if let Some(rustls::Error::AlertReceived(alert)) = find::<rustls::Error>(hyper) {
        // TLS 1.3 tells the client only after its own part that its certificate was refused.
        return Some(Error::new(Kind::Tls, refusal(place, *alert)).after_sending());
    }
    let late = find::<io::Error>(hyper)?.kind() == io::ErrorKind::TimedOut;
    (is_h2 && late).then(|| {
        let detail = format!("{place} agreed upon HTTP/2 and did not begin it in time");
        Error::new(Kind::ConnectTimeout, detail).after_sending()
    })
}

/// An HTTP/2 stream or its connection ended before the head of the answer.
fn on_stream(place: Place<'_>, error: &h2::Error) -> Error {
    let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    if error.is_remote() && (refused || error.is_go_away()) {
        // A stream is ended by GOAWAY only if it is above the last one that the server names.
        Error::new(
            Kind::Closed,
            format!("{place} refused the request unprocessed: {error}"),
        )
    } else if error.is_library() {
        Error::new(
            Kind::Invalid,
            format!("{place} broke HTTP/2 or a limit: {error}"),
        )
    } else if error.is_reset() && !error.is_remote() {
        Error::new(Kind::Body, "the body of the request broke off")
    } else {
        Error::new(
            Kind::Reset,
            format!("{place} ended the request without an answer: {error}"),
        )
    }
}

/// Looks for an error of a type in a chain, inside of `io::Error`s, too, whose own `source` leaves
/// out what they wrap.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}
