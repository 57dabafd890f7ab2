//! Requests that a caller may send again, and that are carried out at most once.

use connection_contract::BoxFuture;
use uuid::Uuid;

use super::AccessTokens;
use crate::{
    AccessTokenId, Error, lease,
    limits::REQUEST_KEPT,
    store::{CarriedRequest, TokenRequestRow, carrying},
};

/// A request of a token under a key that the caller chose, and one attempt to carry it out. It holds neither the key
/// nor the request, but MACs of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey {
    key: [u8; 32],
    request: [u8; 32],
    attempt: Uuid,
}

/// The state of the requests under one key of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepeatedRequest {
    /// This request is the first one, or the earlier ones have made nothing. The caller carries it out.
    First,
    /// The first request is in progress, or its process ended less than a minute ago.
    InProgress,
    /// The first request differs from this one.
    Other,
    /// The first request has made the thing with this id.
    Made(String),
    /// The first request was interrupted, and has made these things alone, whose ids are separated by commas. It is not
    /// carried out again. The text is empty if it is not known what was made.
    Part(String),
}

impl<'a> AccessTokens<'a> {
    /// Returns the name of a request under a key that the caller chose. `route` is the method and the address, with its
    /// query.
    pub fn request_key(self, token: AccessTokenId, key: &str, route: &str, body: &[u8]) -> RequestKey {
        let sealer = &self.ground.sealer;
        let token = token.to_string();
        RequestKey {
            key: sealer.mac_of("connections/request-key/v1", &[token.as_bytes(), key.as_bytes()]),
            request: sealer.mac_of("connections/request/v1", &[route.as_bytes(), body]),
            attempt: self.ground.ids.next(),
        }
    }

    /// Records that a request begins, unless one was begun under its key in the last 24 hours by any process.
    ///
    /// A caller that gets [`RepeatedRequest::First`] carries the request out with
    /// [`carry_out_request`](Self::carry_out_request), and then calls [`end_request`](Self::end_request). If its
    /// process ends before that, the next request learns half a minute later what this one has made. If that is nothing,
    /// the next request is carried out.
    ///
    /// ```
    /// use connection_core::{AccessToken, ConnectionRegistry, Error, RepeatedRequest};
    ///
    /// async fn once(registry: &ConnectionRegistry, token: &AccessToken, key: &str) -> Result<String, Error> {
    ///     let tokens = registry.access_tokens();
    ///     let request = tokens.request_key(token.id, key, "POST /orders", b"{}");
    ///     match tokens.begin_request(request).await? {
    ///         RepeatedRequest::First => {
    ///             let order = Box::pin(async { "order-1".to_owned() });
    ///             let made = tokens.carry_out_request(request, order).await;
    ///             tokens.end_request(request, Some(made.clone())).await?;
    ///             Ok(made)
    ///         }
    ///         RepeatedRequest::Made(id) => Ok(id),
    ///         other => Ok(format!("refused: {other:?}")),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn begin_request(self, request_key: RequestKey) -> BoxFuture<'a, Result<RepeatedRequest, Error>> {
        Box::pin(async move {
            let RequestKey { request, .. } = request_key;
            let attempt = request_key.carried();
            let now = self.ground.clock.now().seconds();
            let job = self.ground.store.write(move |tx| {
                Box::pin(async move {
                    let forgotten = now.saturating_sub(REQUEST_KEPT);
                    if tx.insert_token_request(attempt, &request, now, forgotten).await? {
                        return Ok(RepeatedRequest::First);
                    }
                    Ok(match tx.token_request(&attempt.key).await? {
                        Some(row) if row.request != request => RepeatedRequest::Other,
                        Some(row) if row.is_whole => RepeatedRequest::Made(row.made.unwrap_or_default()),
                        Some(row) if row.is_held() => RepeatedRequest::InProgress,
                        Some(TokenRequestRow { made: Some(made), .. }) => RepeatedRequest::Part(made),
                        Some(_) if tx.take_lease(&attempt, &attempt.owner()).await?.is_some() => RepeatedRequest::First,
                        // Another attempt has taken it, or its process has deleted it in this moment.
                        _ => RepeatedRequest::InProgress,
                    })
                })
            });
            Ok(job.await?)
        })
    }

    /// Carries a request out: runs `work`, and meanwhile keeps other processes from carrying the request out.
    ///
    /// The registry notes with the request what it makes in `work`, in the same transactions: an access token, a setup
    /// link, a setup, a grant, an extension, a ticket, a profile, an address for webhooks, its key, and each batch of
    /// an import. A change fails if another process has taken the request over, for example after this one was paused.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the request counts as interrupted.
    pub fn carry_out_request<T: Send + 'a>(self, request: RequestKey, work: BoxFuture<'a, T>) -> BoxFuture<'a, T> {
        Box::pin(async move {
            let attempt = request.carried();
            let owner = attempt.owner();
            lease::extended(self.ground, &attempt, &owner, drop, carrying(Some(attempt), work)).await
        })
    }

    /// Records the id of what a request has made, or that it has made nothing, after which it may be sent again.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn end_request(self, request: RequestKey, made: Option<String>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let attempt = request.carried();
            let job = self.ground.store.write(move |tx| {
                Box::pin(async move {
                    match made {
                        Some(made) => tx.end_token_request(attempt, &made).await,
                        None => tx.delete_token_request(attempt).await,
                    }
                })
            });
            Ok(job.await?)
        })
    }

    /// Gives up a request of which it is not known whether it has made something, for example because the answer of the
    /// store was lost. The next request with the key learns it from the store.
    ///
    /// # Errors
    ///
    /// The store's errors; the lease then ends by itself after half a minute.
    pub fn release_request(self, request: RequestKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let attempt = request.carried();
            let job = self
                .ground
                .store
                .write(move |tx| Box::pin(async move { tx.release_lease(&attempt, &attempt.owner()).await }));
            Ok(job.await?)
        })
    }
}

impl RequestKey {
    fn carried(self) -> CarriedRequest {
        CarriedRequest { key: self.key, attempt: self.attempt }
    }
}
