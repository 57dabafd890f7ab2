//! Computes the key of a spent token or code, which names it without revealing it.

use connection_contract::Spend;

use crate::{
    ids::{ConnectionId, SessionId},
    keys::Sealer,
    store::ExchangeKey,
};

const PURPOSE: &str = "connections/exchange/v1";

impl ExchangeKey {
    /// Returns the key of the token that a refresh spends.
    pub(crate) fn of_connection(sealer: &Sealer, id: ConnectionId, spend: &Spend<'_>) -> Self {
        Self::of(sealer, &[b"connection", id.as_bytes(), spend.label.as_bytes(), spend.secret.expose()])
    }

    /// Returns the key of the exchange that spends the same token once more while the answer to this one is kept.
    pub(crate) fn next(self, sealer: &Sealer) -> Self {
        Self::of(sealer, &[b"next", self.as_bytes()])
    }

    /// Returns the key of the token or code that an effect of a setup spends. It includes the number of the effect: a
    /// device code is sent again and again, and each request needs its own answer.
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
        Self::from_bytes(sealer.mac_of(PURPOSE, parts))
    }
}
