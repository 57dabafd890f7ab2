//! Which profile is meant: the one that is named, that of the slot, or the kind's default.
//!
//! A slot is a place of the host's with a default of its own, such as a workspace; what it is called is the host's.

use std::collections::BTreeMap;

use super::{Profile, ProfileError, Profiles, rules};
use crate::{Error, ProfileId, store::Lock};

impl Profiles {
    /// The profile that is meant: `named` if there is one, else that of the slot, else the kind's default.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`] for a named one that is not there: nothing takes its place. As [`list`](Self::list), too.
    pub async fn resolve(&self, named: Option<ProfileId>, slot: Option<&str>) -> Result<Profile, Error> {
        if let Some(id) = named {
            return self.get(id).await;
        }
        if let Some(slot) = slot {
            rules::slot(slot)?;
            let mut reader = self.shared.reader().await?;
            let (owner, kind) = (&self.owner, self.kind.as_str());
            if let Some(id) = reader.profile_slot(owner, kind, slot).await?
                // Between the two, the slot may have been given another one, and this one removed.
                && let Some(row) = reader.profile(owner, kind, id).await?
            {
                return Ok(row.into());
            }
        }
        self.default_profile().await
    }

    /// Makes it the default of a slot, in place of another.
    ///
    /// # Repetition
    ///
    /// Once is as good as twice.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`], [`ProfileError::Slot`], and the store's.
    pub async fn set_slot(&self, slot: &str, id: ProfileId) -> Result<(), Error> {
        rules::slot(slot)?;
        let (owner, kind, slot) = (self.owner.to_string(), self.kind.clone(), slot.to_owned());
        let now = self.shared.clock.now().seconds();
        let set = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&owner)).await?;
                if tx.profile(&owner, kind.as_str(), id).await?.is_none() {
                    return Ok(Err(ProfileError::NotFound { kind, id }));
                }
                tx.put_profile_slot(&owner, kind.as_str(), &slot, id, now).await.map(Ok)
            })
        });
        Ok(set.await??)
    }

    /// Leaves a slot with the kind's default; `false` when it had no other.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Slot`], and the store's.
    pub async fn clear_slot(&self, slot: &str) -> Result<bool, Error> {
        rules::slot(slot)?;
        let (owner, kind, slot) = (self.owner.to_string(), self.kind.to_string(), slot.to_owned());
        let cleared = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&owner)).await?;
                tx.delete_profile_slot(&owner, &kind, &slot).await
            })
        });
        Ok(cleared.await?)
    }

    /// The slots with a default of their own.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn slots(&self) -> Result<BTreeMap<String, ProfileId>, Error> {
        Ok(self.shared.reader().await?.profile_slots(&self.owner, self.kind.as_str()).await?.into_iter().collect())
    }
}
