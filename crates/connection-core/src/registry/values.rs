//! What plugins keep for an owner, as far as a host has a say in it.

use connection_contract::Kind;

use crate::{ConnectionRegistry, Error, services::kv};

impl ConnectionRegistry {
    /// Forgets what the plugin of a kind keeps for this owner, its secrets too: the client of an application that the first
    /// setup asked for, for one. Returns how many values went. Connections stay; what they need of it, their plugin asks
    /// for in the next setup.
    ///
    /// # Repetition
    ///
    /// Once is as good as twice.
    ///
    /// # Cancellation
    ///
    /// Dropped, all may have gone, or nothing.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn forget_values(&self, kind: &Kind) -> Result<u64, Error> {
        let (owner, public, secret) = (self.owner.clone(), kind.to_string(), kv::secrets_of(kind));
        let deleted = self.shared.store.write(move |tx| {
            Box::pin(async move {
                let public = tx.delete_kv_of(&owner, &public).await?;
                Ok(public.saturating_add(tx.delete_kv_of(&owner, &secret).await?))
            })
        });
        Ok(deleted.await?)
    }
}
