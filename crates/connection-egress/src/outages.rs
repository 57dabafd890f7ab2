//! Logs once that a provider cannot be reached, and once that it answers again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use connection_contract::{HttpError, Origin};
use reqwest::StatusCode;

use crate::OPERATIONS;

/// The maximum number of outages that are remembered. Further ones are not logged, because users can name any number of
/// addresses.
const MAX_COUNT: usize = 256;

/// The way to a provider, for messages about a failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// The time limit of the request.
    pub(super) timeout: Duration,
    /// `true` if the request is sent through the proxy of the host.
    pub(super) is_proxied: bool,
}

/// The origins that do not answer now, each with the clock's `passed` at the start of the outage.
#[derive(Debug, Default)]
pub(super) struct Outages(Mutex<HashMap<String, Duration>>);

impl Outages {
    /// Records the result of one request.
    pub(super) fn note(&self, origin: &Origin, answer: Result<u16, HttpError>, way: Way, now: Duration) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outage(origin, answer, way) {
            Some(message) if !lost.contains_key(origin.as_str()) && lost.len() < MAX_COUNT => {
                lost.insert(origin.as_str().to_owned(), now);
                tracing::warn!(target: OPERATIONS, "{message}; its connections are tried again when they are due");
            }
            None if answer.is_ok_and(|status| status < 500) => {
                let Some(since) = lost.remove(origin.as_str()) else { return };
                let seconds = now.saturating_sub(since).as_secs();
                tracing::info!(target: OPERATIONS, "{} answers again after {seconds} s", host(origin));
            }
            _ => {}
        }
    }
}

/// Returns a message if the result concerns every request to the origin; `None` if it concerns only this one.
fn outage(origin: &Origin, answer: Result<u16, HttpError>, way: Way) -> Option<String> {
    match answer {
        Ok(status @ 502..=504) => Some(answered(origin, status)),
        Ok(_) => None,
        Err(error) => Some(format!("cannot reach {}: {}", host(origin), cause(error, way)?)),
    }
}

/// Returns why there is no answer; `None` if the provider could be reached or was not tried.
pub(super) fn cause(error: HttpError, way: Way) -> Option<String> {
    Some(match error {
        HttpError::Connect if way.is_proxied => {
            "no connection could be made through the proxy, which may have refused it".to_owned()
        }
        // The proxy resolves all other names.
        HttpError::Dns if way.is_proxied => "the name of the proxy does not resolve".to_owned(),
        HttpError::Connect => "no connection could be made".to_owned(),
        HttpError::Dns => "its name does not resolve".to_owned(),
        HttpError::Timeout => format!("timed out after {} s", way.timeout.as_secs()),
        error if error.is_of_tls() => error.to_string(),
        _ => return None,
    })
}

/// Returns a message such as `api.github.com answered 406 Not Acceptable`.
pub fn answered(origin: &Origin, status: u16) -> String {
    let known = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let words = known.map(|words| format!(" {words}")).unwrap_or_default();
    format!("{} answered {status}{words}", host(origin))
}

/// Returns the host of an origin, with its port unless that is the usual one.
pub fn host(origin: &Origin) -> &str {
    origin.as_str().split_once("://").map_or(origin.as_str(), |(_, host)| host)
}
