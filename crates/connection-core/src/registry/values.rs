//! Deletes the values that plugins keep for an owner.

use connection_contract::{BoxFuture, Kind};

use super::Kinds;
use crate::{Error, host_services::kv};

impl<'a> Kinds<'a> {
    /// Deletes the values that the plugin of a kind keeps for this owner, and returns how many there were.
    ///
    /// They include the plugin's secrets, such as the credentials of an OAuth application that the first setup asked
    /// for. Values that the kind shares with other kinds of its provider are deleted for all of them. Connections
    /// remain; their plugin asks for what they need in the next setup.
    ///
    /// # Repetition
    ///
    /// Another call changes nothing.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, either all values are deleted or none.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn forget_values(self, kind: &'a Kind) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let owner = self.registry.owner.clone();
            let public = kind.to_string();
            let secret = kv::secrets_of(kind);
            let entry = self.registry.systems.ground.find_kind(&owner, kind).await?;
            let deleted = self.registry.systems.ground.store.write(move |tx| {
                Box::pin(async move {
                    let mut deleted = tx.delete_kv_of(&owner, &public).await?;
                    deleted = deleted.saturating_add(tx.delete_kv_of(&owner, &secret).await?);
                    let Some(entry) = entry else { return Ok(deleted) };
                    let shared = kv::shared_of(&entry.descriptor.provider);
                    for namespace in tx.kv_namespaces(&owner).await? {
                        let Some(origins) = namespace.strip_prefix(&shared) else { continue };
                        if origins.split(' ').all(|origin| entry.checked.declares_text(origin)) {
                            deleted = deleted.saturating_add(tx.delete_kv_of(&owner, &namespace).await?);
                        }
                    }
                    Ok(deleted)
                })
            });
            Ok(deleted.await?)
        })
    }
}
