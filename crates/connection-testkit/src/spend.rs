//! What is spent once: as a host keeps it, an answer is there before the plugin sees it, and comes back until what was
//! made of it is stored.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use connection_contract::{BoxFuture, Clock, HttpError, HttpRequest, HttpResponse, Spend, SpendService};

use crate::{crypto::hmac_sha256, poll::yield_once, script::Reply, world::World};

/// The answers to what was spent, by what it was.
#[derive(Default)]
pub(crate) struct Kept(Mutex<BTreeMap<[u8; 32], Option<HttpResponse>>>);

impl Kept {
    /// What came of it; `Some(None)` when nobody knows.
    fn find(&self, key: &[u8; 32]) -> Option<Option<HttpResponse>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).map(|response| response.as_ref().map(duplicate_response))
    }

    fn keep(&self, key: [u8; 32], response: Option<&HttpResponse>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, response.map(duplicate_response));
    }

    /// What was made of the answers is stored.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl SpendService for World {
    fn send_once<'a>(
        &'a self,
        spend: Spend<'a>,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            yield_once().await;
            let key = key(&spend);
            if let Some(kept) = self.kept.find(&key) {
                return kept.ok_or(HttpError::Uncertain);
            }
            let result = certain(self.answer(&request, self.now()));
            match &result {
                // What was refused unprocessed may be asked again, and so may what was not sent.
                Ok(response) if response.status() == 429 => {}
                Ok(response) => self.kept.keep(key, Some(response)),
                Err(HttpError::Uncertain) => self.kept.keep(key, None),
                Err(_) => {}
            }
            result
        })
    }
}

pub(crate) fn key(spend: &Spend<'_>) -> [u8; 32] {
    hmac_sha256(spend.label.as_bytes(), spend.secret.expose())
}

/// Whether nobody knows after this whether something was spent.
pub(crate) fn leaves_open(reply: &Reply) -> bool {
    match &reply.0 {
        Ok(parts) => parts.status == 408 || parts.status >= 500,
        Err(error) => matches!(error, HttpError::Timeout | HttpError::Protocol | HttpError::TooLarge),
    }
}

/// What a host makes of an answer that leaves open whether something was spent.
pub(crate) fn certain(result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, HttpError> {
    match result {
        Ok(response) if response.status() == 408 || response.status() >= 500 => Err(HttpError::Uncertain),
        Err(HttpError::Timeout | HttpError::Protocol | HttpError::TooLarge) => Err(HttpError::Uncertain),
        result => result,
    }
}

fn duplicate_response(response: &HttpResponse) -> HttpResponse {
    let headers = response.headers().to_vec();
    HttpResponse::new(response.status(), headers, response.body().duplicate(), response.received_at())
}
