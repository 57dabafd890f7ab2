//! Names what is spent, without revealing it.

use std::fmt;

use connection_contract::{Spend, encode};

use crate::{
    ids::{ConnectionId, SessionId},
    keys::Sealer,
    store::{Lock, StoreError, Tx},
};

const PURPOSE: &str = "connections/exchange/v1";

/// The name of what one exchange spends: an HMAC of it under the store's MAC key, which is never rotated, so that every
/// process computes the same name at any time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ExchangeKey([u8; 32]);

/// The connection or session that an exchange belongs to. The exchange is deleted with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Connection(ConnectionId),
    Session(SessionId),
}

impl Scope {
    /// Locks the connection or session; see [`Tx::lock`].
    pub(crate) async fn lock(self, tx: &mut Tx) -> Result<(), StoreError> {
        match self {
            Self::Connection(id) => tx.lock(Lock::Connection(id)).await,
            Self::Session(id) => tx.lock(Lock::Setup(id)).await,
        }
    }
}

impl ExchangeKey {
    /// Returns the key of what a refresh spends.
    pub(crate) fn of_connection(sealer: &Sealer, id: ConnectionId, spend: &Spend<'_>) -> Self {
        Self::of(sealer, &[b"connection", id.as_bytes(), spend.label.as_bytes(), spend.secret.expose()])
    }

    /// Returns the key of what an effect of a setup spends. It includes the number of the effect: a device code is sent
    /// again and again, and each request needs its own answer.
    pub(crate) fn of_session(sealer: &Sealer, id: SessionId, effect: i64, spend: &Spend<'_>) -> Self {
        let effect = effect.to_be_bytes();
        Self::of(sealer, &[b"session", id.as_bytes(), &effect, spend.label.as_bytes(), spend.secret.expose()])
    }

    /// Returns the key of the file for a credential that a session's verification rotated. No exchange has this key.
    pub(super) fn of_entry(sealer: &Sealer, id: SessionId) -> Self {
        Self::of(sealer, &[b"entry", id.as_bytes()])
    }

    /// Returns the key of these parts. Each part is preceded by its length, so that different lists of parts have
    /// different encodings.
    fn of(sealer: &Sealer, parts: &[&[u8]]) -> Self {
        Self(sealer.mac_of(PURPOSE, parts))
    }

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
