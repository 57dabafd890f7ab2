//! The requests that wait for a change. Such a request gives its place to another one meanwhile, and a token and a server
//! have a limited number of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use connection_core::{AccessToken, AccessTokenId};
use connection_inbound::{RequestPlace, WaitingRequest};

use crate::problem::Problem;

/// The maximum number of requests of a token that wait at once.
const MAX_WAITS: usize = 256;
/// The maximum for the visitor of a setup link, who has one setup.
const MAX_OF_VISITOR: usize = 4;

/// The number of waiting requests of each token, in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits(Arc<Mutex<HashMap<AccessTokenId, usize>>>);

/// A request that waits, until [`end`](Self::end).
#[derive(Debug)]
pub(crate) struct Wait {
    _counted: CountedWait,
    waiting: Option<WaitingRequest>,
}

/// Counts a request until it is dropped.
#[derive(Debug)]
struct CountedWait {
    waits: Waits,
    token: AccessTokenId,
}

impl Wait {
    /// Lets a request of a token wait. Without a place, the server of the host does not limit its requests.
    ///
    /// # Errors
    ///
    /// The refusal of a request, if too many wait.
    pub(crate) fn begin(waits: &Waits, token: &AccessToken, place: Option<&RequestPlace>) -> Result<Self, Problem> {
        let counted = waits.count(token).map_err(Problem::too_many_waits)?;
        let waiting = match place.map(RequestPlace::wait) {
            Some(None) => return Err(Problem::waits_taken()),
            waiting => waiting.flatten(),
        };
        Ok(Self { _counted: counted, waiting })
    }

    /// Waits until the request may be answered.
    pub(crate) async fn end(self) {
        if let Some(waiting) = self.waiting {
            waiting.end().await;
        }
    }
}

impl Waits {
    /// Counts a request of a token.
    ///
    /// # Errors
    ///
    /// The maximum number of requests, if as many wait.
    fn count(&self, token: &AccessToken) -> Result<CountedWait, usize> {
        let most = if token.link.is_some() { MAX_OF_VISITOR } else { MAX_WAITS };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(token.id).or_default();
        if *count >= most {
            return Err(most);
        }
        *count += 1;
        Ok(CountedWait { waits: self.clone(), token: token.id })
    }
}

impl Drop for CountedWait {
    fn drop(&mut self) {
        let mut all = self.waits.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.token) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.token);
            }
        }
    }
}
