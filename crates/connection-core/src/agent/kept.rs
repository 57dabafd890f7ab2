//! The tokens and grants of agents that this process has read less than half a second ago, so that an agent that sends
//! many requests costs no read for each of them.
//!
//! What this process changes is forgotten before the caller of the write is answered. An approval and a released secret
//! do not use what is kept here.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_egress::Moment;

use super::{Agent, caller::Granted};
use crate::{AccessToken, AccessTokenId, Audience, ConnectionId, store::Changed};

/// The number of tokens, and of grants, that are kept. When there are more, all of them are read again.
const MOST: usize = 4096;

/// The hash of a token, and the doors for which it is.
type TokenKey = ([u8; 32], Audience);
/// A token, and a connection.
type GrantKey = (AccessTokenId, ConnectionId);
/// A token that was accepted, and its agent.
pub(super) type Accepted = (AccessToken, Agent);

/// What this process has read of the tokens and grants of agents.
#[derive(Debug)]
pub(crate) struct KeptCallers {
    /// The age up to which a row is used. With zero, nothing is kept.
    bound: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The number of changes after which something was forgotten. A read that began before one is not kept.
    changes: u64,
    tokens: HashMap<TokenKey, Kept<Accepted>>,
    grants: HashMap<GrantKey, Kept<Granted>>,
}

#[derive(Debug)]
struct Kept<T> {
    at: Moment,
    value: Arc<T>,
}

/// The beginning of a read of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadStamp {
    at: Moment,
    changes: u64,
}

impl KeptCallers {
    pub(crate) fn new(bound: Duration) -> Self {
        Self { bound, inner: Mutex::default() }
    }

    /// Begins a read of the store at this time.
    pub(super) fn begin_read(&self, at: Moment) -> ReadStamp {
        ReadStamp { at, changes: self.lock().changes }
    }

    /// Returns the token with this hash and its agent.
    pub(super) fn token(&self, hash: [u8; 32], audience: Audience, now: Moment) -> Option<Arc<Accepted>> {
        self.young(&self.lock().tokens, &(hash, audience), now)
    }

    pub(super) fn keep_token(&self, stamp: ReadStamp, hash: [u8; 32], audience: Audience, found: &Arc<Accepted>) {
        self.keep(stamp, |inner| &mut inner.tokens, (hash, audience), found);
    }

    /// Returns the grant by which a token may use a connection.
    pub(super) fn grant(&self, of: GrantKey, now: Moment) -> Option<Arc<Granted>> {
        self.young(&self.lock().grants, &of, now)
    }

    pub(super) fn keep_grant(&self, stamp: ReadStamp, of: GrantKey, found: &Arc<Granted>) {
        self.keep(stamp, |inner| &mut inner.grants, of, found);
    }

    fn young<K: Hash + Eq, T>(&self, kept: &HashMap<K, Kept<T>>, key: &K, now: Moment) -> Option<Arc<T>> {
        let kept = kept.get(key)?;
        kept.at.is_within(self.bound, now).then(|| kept.value.clone())
    }

    fn keep<K: Hash + Eq, T>(
        &self,
        stamp: ReadStamp,
        map: impl FnOnce(&mut Inner) -> &mut HashMap<K, Kept<T>>,
        key: K,
        found: &Arc<T>,
    ) {
        let mut inner = self.lock();
        if self.bound.is_zero() || inner.changes != stamp.changes {
            return;
        }
        let map = map(&mut inner);
        if map.len() >= MOST {
            map.clear();
        }
        map.insert(key, Kept { at: stamp.at, value: found.clone() });
    }

    /// Forgets what was read before this call and may have changed.
    pub(crate) fn forget(&self, changed: Changed) {
        let mut inner = self.lock();
        match changed {
            Changed::Connection(id) => inner.grants.retain(|(_, connection), _| *connection != id),
            Changed::Agents | Changed::Freezes | Changed::Keys | Changed::Something | Changed::Withdrawals => {
                inner.tokens.clear();
                inner.grants.clear();
            }
            Changed::Extensions | Changed::Setup(_) | Changed::Usage(_) | Changed::Webhook(_) => return,
        }
        inner.changes += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
