//! Requests that a caller may send again, and that are carried out at most once.

use connection_contract::BoxFuture;

use super::AccessTokens;
use crate::{AccessTokenId, Error};

/// The time in seconds for which a request is remembered.
const KEPT: i64 = 24 * 3600;

/// A request of a token under a key that the caller chose. It holds neither the key nor the request, but MACs of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey {
    key: [u8; 32],
    request: [u8; 32],
}

/// The state of the requests under one key of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepeatedRequest {
    /// This request is the first one. The caller carries it out.
    First,
    /// The first request is in progress, or its process ended before the result was recorded.
    InProgress,
    /// The first request differs from this one.
    Other,
    /// The first request has made the thing with this id.
    Made(String),
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
        }
    }

    /// Records that a request begins, unless one was begun under its key in the last 24 hours by any process.
    ///
    /// A caller that gets [`RepeatedRequest::First`] carries the request out, and then calls
    /// [`end_request`](Self::end_request). If it does not call it, the request counts as in progress, so that nothing
    /// is done twice.
    ///
    /// ```
    /// use connection_core::{AccessToken, ConnectionRegistry, Error, RepeatedRequest};
    ///
    /// async fn once(registry: &ConnectionRegistry, token: &AccessToken, key: &str) -> Result<String, Error> {
    ///     let tokens = registry.access_tokens();
    ///     let request = tokens.request_key(token.id, key, "POST /orders", b"{}");
    ///     match tokens.begin_request(request).await? {
    ///         RepeatedRequest::First => {
    ///             tokens.end_request(request, Some("order-1".to_owned())).await?;
    ///             Ok("order-1".to_owned())
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
    pub fn begin_request(self, request: RequestKey) -> BoxFuture<'a, Result<RepeatedRequest, Error>> {
        Box::pin(async move {
            let RequestKey { key, request } = request;
            let now = self.ground.clock.now().seconds();
            let job = self.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.purge_token_requests(now.saturating_sub(KEPT)).await?;
                    if tx.insert_token_request(&key, &request, now).await? {
                        return Ok(RepeatedRequest::First);
                    }
                    Ok(match tx.token_request(&key).await? {
                        Some(row) if row.request != request => RepeatedRequest::Other,
                        Some(row) => row.made.map_or(RepeatedRequest::InProgress, RepeatedRequest::Made),
                        // Its process has deleted it in this moment.
                        None => RepeatedRequest::InProgress,
                    })
                })
            });
            Ok(job.await?)
        })
    }

    /// Records the id of what a request has made, or that it has made nothing, after which it may be sent again.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn end_request(self, request: RequestKey, made: Option<String>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let key = request.key;
            let job = self.ground.store.write(move |tx| {
                Box::pin(async move {
                    match made {
                        Some(made) => tx.set_token_request_made(&key, &made).await,
                        None => tx.delete_token_request(&key).await,
                    }
                })
            });
            Ok(job.await?)
        })
    }
}
