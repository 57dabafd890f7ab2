//! Whose usage is meant: which profile, and which connection is that profile's.

use std::sync::Arc;

use super::Usage;
use crate::{Connection, ConnectionId, ConnectionInfo, Error, Filter, ProfileError, ProfileId, registry::KindEntry};

/// So many connections are looked at, of one profile.
const MOST: u16 = 20;

/// What a call is about.
pub(super) struct Target {
    pub(super) entry: Arc<KindEntry>,
    /// `None` for a kind without profiles, and where nothing says which is the default.
    pub(super) profile: Option<ProfileId>,
    is_default: bool,
}

/// How connections were found.
enum Found {
    /// They are of that profile, or of a kind without any.
    Named,
    /// They are of no profile, and stand in for those of the default one.
    Instead,
}

impl Usage {
    pub(super) fn entry(&self) -> Result<Arc<KindEntry>, Error> {
        let entry = self.registry.shared.kinds.entry(&self.kind);
        entry.ok_or_else(|| Error::UnknownKind(self.kind.clone()))
    }

    pub(super) async fn target(&self, profile: Option<ProfileId>) -> Result<Target, Error> {
        let entry = self.entry()?;
        if !entry.capabilities.usage {
            let what = "tell how much of their account is used";
            return Err(Error::NotSupported { kind: self.kind.clone(), what });
        }
        if entry.profiles.is_none() {
            return Ok(Target { entry, profile: None, is_default: true });
        }
        let profiles = self.registry.profiles(&self.kind)?;
        let found = match profile {
            Some(id) => profiles.get(id).await.map(Some),
            None => match profiles.default_profile().await {
                Err(Error::Profile(ProfileError::NoHome { .. })) => Ok(None),
                found => found.map(Some),
            },
        }?;
        let is_default = found.as_ref().is_none_or(|profile| profile.is_default);
        Ok(Target { entry, profile: found.map(|profile| profile.id), is_default })
    }

    /// The connection of a profile; of the default one also one that is of none, which was there before it.
    pub(super) async fn connected(&self, target: &Target) -> Result<Option<Connection>, Error> {
        let (candidates, _) = self.candidates(target).await?;
        let meant = match candidates.as_slice() {
            [] => return Ok(None),
            [only] => Some(only),
            several => several.iter().find(|info| info.is_default),
        };
        let info: Option<ConnectionInfo> = meant.cloned();
        match info {
            Some(info) => Ok(Some(Connection { shared: self.registry.shared.clone(), info })),
            None => Err(Error::Ambiguous { kind: self.kind.clone(), candidates }),
        }
    }

    /// The one that can be meant: after it there is none that could be taken for it.
    pub(super) async fn only(&self, target: &Target) -> Result<Option<ConnectionId>, Error> {
        let (candidates, found) = self.candidates(target).await?;
        match (candidates.as_slice(), found) {
            ([], _) => Ok(None),
            ([only], Found::Named) => Ok(Some(only.id)),
            _ => Err(Error::Ambiguous { kind: self.kind.clone(), candidates }),
        }
    }

    async fn candidates(&self, target: &Target) -> Result<(Vec<ConnectionInfo>, Found), Error> {
        let of_kind = Filter::new().kind(self.kind.clone()).limit(MOST);
        let list = async |filter| Ok::<_, Error>(self.registry.list_connections(filter).await?.connections);
        let mut candidates = match target.profile {
            Some(id) => list(of_kind.clone().profile(id)).await?,
            None => Vec::new(),
        };
        let mut found = Found::Named;
        if candidates.is_empty() && target.is_default {
            candidates = list(of_kind).await?;
            if target.entry.profiles.is_some() {
                candidates.retain(|info| info.profile.is_none());
            }
            if target.profile.is_some() {
                found = Found::Instead;
            }
        }
        Ok((candidates, found))
    }
}
