//! The key of an exchange in the store, and the connection or session that an exchange belongs to.

use std::fmt;

use connection_contract::encode;

use super::{Lock, StoreError, Tx};
use crate::ids::{ConnectionId, SessionId};

/// Names what one exchange spends: an HMAC of it under the key of the store that is never rotated, so that every process
/// finds the same name at any time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ExchangeKey([u8; 32]);

/// The connection or session that an exchange belongs to. The exchange is deleted with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExchangeScope {
    Connection(ConnectionId),
    Session(SessionId),
}

impl ExchangeScope {
    /// Locks the connection or session; see [`Tx::lock`].
    pub(crate) async fn lock(self, tx: &mut Tx) -> Result<(), StoreError> {
        match self {
            Self::Connection(id) => tx.lock(Lock::Connection(id)).await,
            Self::Session(id) => tx.lock(Lock::Setup(id)).await,
        }
    }
}

impl ExchangeKey {
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn to_hex(self) -> String {
        encode::hex(&self.0)
    }
}

impl fmt::Debug for ExchangeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExchangeKey({})", self.to_hex())
    }
}
