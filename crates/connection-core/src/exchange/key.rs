//! What is spent, as a name that tells nothing of it.

use std::fmt;

use connection_contract::{Spend, encode};

use crate::{
    ids::{ConnectionId, SessionId},
    seal::Sealer,
    store::{Lock, StoreError, Tx},
};

const PURPOSE: &str = "connections/exchange/v1";

/// Names what one exchange spends: an HMAC of it under the key of the store that is never rotated, so that every process
/// finds the same name at any time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ExchangeKey([u8; 32]);

/// To whom an exchange belongs; it goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Connection(ConnectionId),
    Session(SessionId),
}

impl Scope {
    /// Of what it belongs to: see [`Tx::lock`].
    pub(crate) async fn lock(self, tx: &mut Tx) -> Result<(), StoreError> {
        match self {
            Self::Connection(id) => tx.lock(Lock::Connection(id)).await,
            Self::Session(id) => tx.lock(Lock::Setup(id)).await,
        }
    }
}

impl ExchangeKey {
    /// Of what a refresh spends.
    pub(crate) fn of_connection(sealer: &Sealer, id: ConnectionId, spend: &Spend<'_>) -> Self {
        Self::of(sealer, &[b"connection", id.as_bytes(), spend.label.as_bytes(), spend.secret.expose()])
    }

    /// Of what an effect of a setup spends. With the number of the effect: a device code is asked for again and again, and
    /// must not get the first answer for ever.
    pub(crate) fn of_session(sealer: &Sealer, id: SessionId, effect: i64, spend: &Spend<'_>) -> Self {
        let effect = effect.to_be_bytes();
        Self::of(sealer, &[b"session", id.as_bytes(), &effect, spend.label.as_bytes(), spend.secret.expose()])
    }

    /// Names the file of what a session's verification rotated; no exchange is called so.
    pub(super) fn of_entry(sealer: &Sealer, id: SessionId) -> Self {
        Self::of(sealer, &[b"entry", id.as_bytes()])
    }

    /// Each part with its length before it, so that no two lists of parts are written alike.
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
