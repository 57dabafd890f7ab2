//! Requests that spend something.
//!
//! As in a real host, the answer is kept before the plugin sees it. It is returned again for the same request until the
//! result that the plugin makes from it is stored.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use connection_contract::{AnswerClass, HttpError, HttpResponse, Spend};

use crate::{crypto::hmac_sha256, script::Reply};

/// The recorded answers, by the key of the spent secret.
#[derive(Default)]
pub(crate) struct KeptAnswers(Mutex<BTreeMap<[u8; 32], Option<HttpResponse>>>);

impl KeptAnswers {
    /// Returns the recorded answer. `Some(None)` means that the answer is not known.
    pub(crate) fn find(&self, key: &[u8; 32]) -> Option<Option<HttpResponse>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).map(|response| response.as_ref().map(duplicate_response))
    }

    pub(crate) fn keep(&self, key: [u8; 32], response: Option<&HttpResponse>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, response.map(duplicate_response));
    }

    /// Returns `true` if no request has spent anything since the last result was stored.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Drops all answers, as after the result is stored.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

pub(crate) fn key(spend: &Spend<'_>) -> [u8; 32] {
    hmac_sha256(spend.label.as_bytes(), spend.secret.expose())
}

/// Returns `true` if the reply leaves open whether something was spent.
pub(crate) fn leaves_open(reply: &Reply) -> bool {
    match &reply.0 {
        Ok(parts) => AnswerClass::of(parts.status) == AnswerClass::Outage,
        Err(error) => is_open(*error),
    }
}

/// Returns `true` for an error after which the request may have arrived.
fn is_open(error: HttpError) -> bool {
    use HttpError::{Closed, Protocol, Redirects, Timeout, TooLarge};
    matches!(error, Closed | Protocol | Redirects(_) | Timeout | TooLarge)
}

/// Returns [`HttpError::Uncertain`] in place of an answer that leaves open whether something was spent, as a host does.
pub(crate) fn certain(result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, HttpError> {
    match result {
        Ok(response) if AnswerClass::of(response.status()) == AnswerClass::Outage => Err(HttpError::Uncertain),
        Err(error) if is_open(error) => Err(HttpError::Uncertain),
        result => result,
    }
}

fn duplicate_response(response: &HttpResponse) -> HttpResponse {
    let headers = response.headers().to_vec();
    HttpResponse::new(response.status(), headers, response.body().duplicate(), response.received_at())
}
