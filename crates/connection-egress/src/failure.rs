//! Converts errors of the HTTP library to those of the contract.
//!
//! An error is recognized by a type in its chain of causes, never by the text of a message. `Dns`, `Connect`, `Tls` and
//! `Denied` happen before a request was written. A connection that is closed or reset before the head of the answer is
//! whole is `Closed`. Anything else that ends the answer (no HTTP, no longer TLS, or a connection that is closed in the
//! body) is `Protocol`: no valid answer arrived.

use std::{error::Error, io};

use connection_contract::HttpError;

use crate::{
    once::GivenUp,
    resolver::{AddressRefused, NameNotFound},
    tls,
};

/// Returns why the client gave no answer, or an incomplete one.
pub(super) fn of(error: &reqwest::Error) -> HttpError {
    // After the handshake, something may have been sent.
    let is_possible = |found: &HttpError| !found.is_of_tls() || error.is_connect();
    let known = causes(error).find_map(known).filter(is_possible);
    known.unwrap_or_else(|| match error {
        // The time limit for the connection, which may be one to a proxy, is not that of the request.
        _ if error.is_connect() => HttpError::Connect,
        _ if error.is_timeout() => HttpError::Timeout,
        _ if error.is_request() && causes(error).any(is_end) => HttpError::Closed,
        _ => HttpError::Protocol,
    })
}

/// Returns why there is no TLS connection with a configuration of [`tls_config`](crate::tls_config); `None` if `error` has
/// another cause.
pub fn tls_fault(error: &(dyn Error + 'static)) -> Option<HttpError> {
    causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()).map(tls::fault)
}

fn known(cause: &(dyn Error + 'static)) -> Option<HttpError> {
    if cause.is::<AddressRefused>() {
        Some(HttpError::Denied)
    } else if cause.is::<NameNotFound>() {
        Some(HttpError::Dns)
    } else if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        Some(tls::fault(error))
    } else if cause.is::<GivenUp>() {
        Some(HttpError::Timeout)
    } else {
        None
    }
}

/// Returns `true` for an error that says that a connection ended.
pub(super) fn is_end(cause: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let is_ended = |error: &hyper::Error| error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    cause.downcast_ref::<hyper::Error>().is_some_and(is_ended)
        || cause.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        })
}

pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // `source` of an I/O error skips the error that it wraps.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
