//! Which profile is meant: the one that is named, that of the slot, or the kind's default.
//!
//! A slot is a place of the host's with a default of its own, such as a workspace; what it is called is the host's.

use std::collections::BTreeMap;

use super::{Marks, Profile, ProfileError, Profiles, rules};
use crate::{
    Error, ProfileId,
    store::{
        Lock,
        rows::{Marked, SlotRow},
    },
};

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
            if let Some(named) = reader.profile_slot(owner, kind, slot).await? {
                self.marks().check_slot(&named)?;
                // Between the two, the slot may have been given another one, and this one removed.
                if let Some(row) = reader.profile(owner, kind, named.profile_id).await? {
                    self.marks().check(&row)?;
                    return Ok(row.into());
                }
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
        let (now, sealer) = (self.shared.clock.now().seconds(), self.shared.sealer.clone());
        let set = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&owner)).await?;
                if tx.profile(&owner, kind.as_str(), id).await?.is_none() {
                    return Ok(Err(ProfileError::NotFound { kind, id }));
                }
                let marks = Marks { sealer: &sealer, owner: &owner, kind: &kind, now };
                marks.put_slot(tx, &SlotRow { slot, profile_id: id, marked: Marked::default() }).await.map(Ok)
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
        let (owner, kind, slot) = (self.owner.to_string(), self.kind.clone(), slot.to_owned());
        let (now, sealer) = (self.shared.clock.now().seconds(), self.shared.sealer.clone());
        let cleared = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&owner)).await?;
                Marks { sealer: &sealer, owner: &owner, kind: &kind, now }.delete_slot(tx, &slot).await
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
        let rows = self.shared.reader().await?.profile_slots(&self.owner, self.kind.as_str()).await?;
        Ok(rows.into_iter().map(|row| (row.slot, row.profile_id)).collect())
    }
}
