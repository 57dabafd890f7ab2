//! The state of the setups of one opened registry.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use connection_contract::{Kind, Secret};

use super::{CallbackAddresses, Consent, slot::Slot};
use crate::{Error, SessionId, exchange, ground::Ground, store::rows::SetupRow};

/// The sessions of this process, over the exchanges.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) exchange: Arc<exchange::System>,
    /// The addresses at which this host is called back, if it has any.
    pub(crate) callback_addresses: Option<Arc<dyn CallbackAddresses>>,
    /// The consent of extensions for which a person connects an account.
    pub(super) consent: Arc<dyn Consent>,
    /// The slots of sessions that have a handle, a run or a timer in this process.
    pub(super) sessions: Mutex<HashMap<SessionId, Weak<Slot>>>,
    /// Maximum number of open setups of one owner.
    pub(super) max_setups: u32,
}

impl System {
    pub(crate) fn new(
        exchange: Arc<exchange::System>,
        callback_addresses: Option<Arc<dyn CallbackAddresses>>,
        consent: Arc<dyn Consent>,
        max_setups: u32,
    ) -> Self {
        Self {
            ground: exchange.ground.clone(),
            exchange,
            callback_addresses,
            consent,
            sessions: Mutex::default(),
            max_setups,
        }
    }

    /// Returns this process's slot of a session, and creates it if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::SessionNotFound`] for a row whose owner or kind is not the one with which this process runs the session:
    /// the row was edited. Without a slot, nothing of such a row opens.
    pub(super) fn slot(&self, row: &SetupRow) -> Result<Arc<Slot>, Error> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = sessions.get(&row.id).and_then(Weak::upgrade) {
            let is_same = slot.owner == row.owner && slot.kind.as_str() == row.kind;
            return is_same.then_some(slot).ok_or(Error::SessionNotFound(row.id));
        }
        sessions.retain(|_, slot| slot.strong_count() > 0);
        let kind = Kind::parse(&row.kind).ok_or(Error::SessionNotFound(row.id))?;
        let slot = Arc::new(Slot::new(row.id, row.owner.clone(), kind));
        sessions.insert(row.id, Arc::downgrade(&slot));
        Ok(slot)
    }

    /// Returns the hash under which a callback's `state` is stored.
    pub(super) fn state_hash(&self, state: &str) -> [u8; 32] {
        self.ground.sealer.mac("connections/state/v1", state.as_bytes())
    }

    /// Returns the hash under which a browser's proof is kept.
    pub(super) fn browser_hash(&self, proof: &Secret) -> [u8; 32] {
        self.ground.sealer.mac("connections/browser/v1", proof.expose())
    }
}
