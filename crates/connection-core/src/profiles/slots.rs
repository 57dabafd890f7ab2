//! Slots, and the choice of a profile: the named one, that of the slot, or the default of the kind.
//!
//! A slot is a part of a host, such as a workspace, that has its own default profile. The host chooses its name.

use std::collections::BTreeMap;

use connection_contract::BoxFuture;

use super::{Profile, Profiles};
use crate::{
    Error, ProfileError, ProfileId, guard,
    profile_rows::rules,
    store::{
        Lock,
        rows::{SlotRow, StoredMark},
    },
};

impl Profiles {
    /// Returns the profile to use: the `named` one if given, else the profile of the slot, else the default of the
    /// kind.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`] if the named profile does not exist: no other profile is used instead. Also the
    /// errors of [`list`](Self::list).
    pub fn resolve<'a>(
        &'a self,
        named: Option<ProfileId>,
        slot: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Profile, Error>> {
        Box::pin(async move {
            if let Some(id) = named {
                return self.get(id).await;
            }
            if let Some(slot) = slot {
                rules::slot(slot)?;
                let mut reader = self.system.ground.reader().await?;
                let owner = &self.of.owner;
                let kind = self.of.kind.as_str();
                if let Some(named) = reader.profile_slot(owner, kind, slot).await? {
                    guard::check(&self.system.ground.sealer, &named)?;
                    // Between the two reads, the slot may have been changed and this profile removed.
                    if let Some(row) = reader.profile(owner, kind, named.profile_id).await? {
                        guard::check(&self.system.ground.sealer, &row)?;
                        return Ok(row.into());
                    }
                }
            }
            self.default_profile().await
        })
    }

    /// Sets the default profile of a slot, in place of any other.
    ///
    /// # Repetition
    ///
    /// Calling this again with the same arguments changes nothing.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`], [`ProfileError::Slot`], and errors of the store.
    pub fn set_slot<'a>(&'a self, slot: &'a str, id: ProfileId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            rules::slot(slot)?;
            let of = self.of.clone();
            let row = SlotRow {
                owner: of.owner.to_string(),
                kind: of.kind.to_string(),
                slot: slot.to_owned(),
                profile_id: id,
                marked: StoredMark::default(),
            };
            let set = self.system.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&of.owner)).await?;
                    if tx.profile(&of.owner, of.kind.as_str(), id).await?.is_none() {
                        return Ok(Err(ProfileError::NotFound { kind: of.kind, id }));
                    }
                    of.marks().put_slot(tx, &row).await.map(Ok)
                })
            });
            Ok(set.await??)
        })
    }

    /// Removes the default of a slot, so that the default of the kind applies; returns `false` if the slot had
    /// none.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Slot`], and errors of the store.
    pub fn clear_slot<'a>(&'a self, slot: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            rules::slot(slot)?;
            let of = self.of.clone();
            let slot = slot.to_owned();
            let cleared = self.system.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&of.owner)).await?;
                    let Some(row) = tx.profile_slot(&of.owner, of.kind.as_str(), &slot).await? else {
                        return Ok(false);
                    };
                    of.marks().delete_slot(tx, &row).await.map(|()| true)
                })
            });
            Ok(cleared.await?)
        })
    }

    /// Returns the slots that have their own default, with their profiles.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub fn slots(&self) -> BoxFuture<'_, Result<BTreeMap<String, ProfileId>, Error>> {
        Box::pin(async move {
            let rows = self.system.ground.reader().await?.profile_slots(&self.of.owner, self.of.kind.as_str()).await?;
            Ok(rows.into_iter().map(|row| (row.slot, row.profile_id)).collect())
        })
    }
}
