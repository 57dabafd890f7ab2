//! The open streams of each token: their number, and the checks that the token is still accepted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use connection_contract::{BoxFuture, Timestamp};
use connection_core::{AccessTokenId, ConnectionRegistry};

/// The maximum number of streams that a token has open in this process.
const MAX_STREAMS: usize = 32;
/// The number of seconds for which the result of a check is used.
const CHECKED_FOR: i64 = 5;

/// The open streams of all tokens.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<HashMap<AccessTokenId, Weak<TokenStreams>>>);

/// The open streams of one token. Each of them holds it.
#[derive(Debug)]
pub(super) struct TokenStreams {
    token: AccessTokenId,
    /// The last time at which the token was known to be accepted.
    accepted_at: tokio::sync::Mutex<Timestamp>,
}

impl Streams {
    /// Counts a stream of a token that was accepted just now.
    ///
    /// # Errors
    ///
    /// The maximum number of streams, if the token has as many.
    pub(super) fn open(&self, token: AccessTokenId, now: Timestamp) -> Result<Arc<TokenStreams>, usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(&token).and_then(Weak::upgrade) {
            // One of the holders is this function.
            Some(known) if Arc::strong_count(&known) > MAX_STREAMS => Err(MAX_STREAMS),
            Some(known) => Ok(known),
            None => {
                let streams = Arc::new(TokenStreams { token, accepted_at: tokio::sync::Mutex::new(now) });
                all.retain(|_, streams| streams.strong_count() > 0);
                all.insert(token, Arc::downgrade(&streams));
                Ok(streams)
            }
        }
    }
}

impl TokenStreams {
    /// Returns `true` if the token is accepted. The store is read unless it was read a few seconds ago; a token that
    /// cannot be read is not accepted.
    pub(super) fn is_accepted(self: Arc<Self>, registry: ConnectionRegistry) -> BoxFuture<'static, bool> {
        Box::pin(async move {
            let mut accepted_at = self.accepted_at.lock().await;
            let now = registry.clock().now();
            if (0..CHECKED_FOR).contains(&(now.seconds() - accepted_at.seconds())) {
                return true;
            }
            let is_accepted = match registry.access_tokens().get(self.token).await {
                Ok(token) => token.is_some_and(|token| token.is_live(now)),
                Err(error) => {
                    tracing::debug!(%error, "a token could not be read, and its live events end");
                    false
                }
            };
            if is_accepted {
                *accepted_at = now;
            }
            is_accepted
        })
    }
}
