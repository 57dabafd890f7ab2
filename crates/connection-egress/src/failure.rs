//! Converts errors of the HTTP library to those of the contract.
//!
//! An error is recognized by a type in its chain of causes, never by the text of a message. `Dns`, `Connect`, `Tls` and
//! `Denied` happen before a request was written. After the connection is made, anything that ends it before the answer
//! is whole (closed or reset, in the headers or in the body) is `Protocol`: no valid answer arrived.

use std::{error::Error, io};

use connection_contract::HttpError;

use crate::{
    once::GivenUp,
    resolver::{AddressRefused, NameNotFound},
};

/// Returns why the client gave no answer, or an incomplete one.
pub(super) fn of(error: &reqwest::Error) -> HttpError {
    let known = causes(error).find_map(known);
    known.unwrap_or_else(|| match error {
        _ if error.is_timeout() => HttpError::Timeout,
        _ if error.is_connect() => HttpError::Connect,
        _ => HttpError::Protocol,
    })
}

fn known(cause: &(dyn Error + 'static)) -> Option<HttpError> {
    if cause.is::<AddressRefused>() {
        Some(HttpError::Denied)
    } else if cause.is::<NameNotFound>() {
        Some(HttpError::Dns)
    } else if cause.is::<rustls::Error>() {
        Some(HttpError::Tls)
    } else if cause.is::<GivenUp>() {
        Some(HttpError::Timeout)
    } else {
        None
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // `source` of an I/O error skips the error that it wraps.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
