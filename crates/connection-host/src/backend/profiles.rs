//! Profiles of local tools, which are directories of the machine of the store.

use std::path::PathBuf;

use async_trait::async_trait;
use connection_api::{ChangeProfile, ChangeProfileSlot, NewProfile, Profile, RemovedProfile};
use connection_contract::Kind;
use connection_core::{
    Error as CoreError, NewProfile as NewCoreProfile, ProfileError, ProfileId, ProfilePatch, Profiles as CoreProfiles,
};
use connection_server::{convert, view};

use super::{Local, Remote};
use crate::{Error, Exit};

/// The operations on profiles.
#[async_trait(?Send)]
pub(crate) trait Profiles {
    /// Returns the profiles of a kind, with what their directories show.
    async fn profiles(&self, kind: &str) -> Result<Vec<Profile>, Error>;

    async fn create_profile(&self, new: &NewProfile, is_default: bool) -> Result<Profile, Error>;

    /// Changes a profile, and no file of its directories.
    async fn change_profile(&self, profile: &Profile, change: &ChangeProfile) -> Result<Profile, Error>;

    /// Makes a slot of the kind use this profile.
    async fn set_slot(&self, profile: &Profile, slot: &str) -> Result<(), Error>;

    /// Makes a slot of the kind use the default profile. Returns `false` if it has done so before.
    async fn clear_slot(&self, kind: &str, slot: &str) -> Result<bool, Error>;

    /// Forgets a profile, and keeps its directory.
    async fn remove_profile(&self, profile: &Profile) -> Result<RemovedProfile, Error>;
}

impl Local {
    fn profiles_of(&self, kind: &str) -> Result<(Kind, CoreProfiles), Error> {
        let unknown = || Error::new(Exit::NotFound, "unknown_kind", format!("unknown kind '{kind}'"));
        let kind = Kind::parse(kind).ok_or_else(unknown)?;
        let profiles = self.registry.profiles(&kind)?;
        Ok((kind, profiles))
    }
}

/// Returns the id under which the local store has a profile.
pub(crate) fn profile_id(profile: &Profile) -> Result<ProfileId, Error> {
    profile.id.parse().map_err(|_| Error::new(Exit::NotFound, "profile_not_found", "there is no such profile"))
}

#[async_trait(?Send)]
impl Profiles for Local {
    async fn profiles(&self, kind: &str) -> Result<Vec<Profile>, Error> {
        let (kind, profiles) = self.profiles_of(kind)?;
        let mut shapes = Vec::new();
        for profile in &profiles.list().await? {
            shapes.push(view::profile(&kind, &profiles, profile).await?);
        }
        Ok(shapes)
    }

    async fn create_profile(&self, new: &NewProfile, is_default: bool) -> Result<Profile, Error> {
        let (kind, profiles) = self.profiles_of(&new.kind)?;
        let profile = NewCoreProfile::new(new.label.clone(), PathBuf::from(&new.directory));
        let made = profiles.create(if is_default { profile.make_default() } else { profile }).await?;
        Ok(view::profile(&kind, &profiles, &made).await?)
    }

    async fn change_profile(&self, profile: &Profile, change: &ChangeProfile) -> Result<Profile, Error> {
        let (kind, profiles) = self.profiles_of(&profile.kind)?;
        let patch = change.label.iter().fold(ProfilePatch::new(), |patch, label| patch.label(label.clone()));
        let patch = change.directory.iter().fold(patch, |patch, path| patch.directory(PathBuf::from(path)));
        let patch = if change.default { patch.make_default() } else { patch };
        let changed = profiles.update(profile_id(profile)?, patch).await?;
        Ok(view::profile(&kind, &profiles, &changed).await?)
    }

    async fn set_slot(&self, profile: &Profile, slot: &str) -> Result<(), Error> {
        let (_, profiles) = self.profiles_of(&profile.kind)?;
        Ok(profiles.set_slot(slot, profile_id(profile)?).await?)
    }

    async fn clear_slot(&self, kind: &str, slot: &str) -> Result<bool, Error> {
        let (_, profiles) = self.profiles_of(kind)?;
        Ok(profiles.clear_slot(slot).await?)
    }

    async fn remove_profile(&self, profile: &Profile) -> Result<RemovedProfile, Error> {
        let (kind, profiles) = self.profiles_of(&profile.kind)?;
        let stored = profiles.get(profile_id(profile)?).await?;
        profiles.remove(stored.id).await?;
        Ok(convert::removed_profile(kind.as_str(), &stored))
    }
}

#[async_trait(?Send)]
impl Profiles for Remote {
    async fn profiles(&self, kind: &str) -> Result<Vec<Profile>, Error> {
        // An unknown kind is refused, with the kinds of the server.
        let known = self.kind(kind).await?.listed;
        if let (false, Some(kind)) = (known.profiles, Kind::parse(kind)) {
            return Err(CoreError::from(ProfileError::Unsupported { kind }).into());
        }
        let mut profiles = self.client.profiles().await?;
        profiles.retain(|profile| profile.kind == known.summary.kind);
        Ok(profiles)
    }

    async fn create_profile(&self, new: &NewProfile, is_default: bool) -> Result<Profile, Error> {
        let made = self.client.create_profile(new).await?;
        match is_default {
            true => self.change_profile(&made, &ChangeProfile { default: true, ..ChangeProfile::default() }).await,
            false => Ok(made),
        }
    }

    async fn change_profile(&self, profile: &Profile, change: &ChangeProfile) -> Result<Profile, Error> {
        Ok(self.client.change_profile(&profile.id, change).await?)
    }

    async fn set_slot(&self, profile: &Profile, slot: &str) -> Result<(), Error> {
        let change = ChangeProfileSlot { slot: slot.to_owned(), uses: true };
        Ok(self.client.change_slot(&profile.id, &change).await.map(drop)?)
    }

    async fn clear_slot(&self, kind: &str, slot: &str) -> Result<bool, Error> {
        let profiles = self.profiles(kind).await?;
        let Some(user) = profiles.iter().find(|profile| profile.slots.iter().any(|used| used == slot)) else {
            return Ok(false);
        };
        let change = ChangeProfileSlot { slot: slot.to_owned(), uses: false };
        self.client.change_slot(&user.id, &change).await?;
        Ok(true)
    }

    async fn remove_profile(&self, profile: &Profile) -> Result<RemovedProfile, Error> {
        Ok(self.client.remove_profile(&profile.id).await?)
    }
}
