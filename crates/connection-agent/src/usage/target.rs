//! Finds the profile and the connection that a call is about.

use connection_core::{Connection, ConnectionId, ConnectionInfo, Error, Filter, ProfileError, ProfileId};

use super::Usage;

/// The maximum number of candidates to read and to name in an error.
const MAX_CANDIDATES: u16 = 20;

/// The profile and the connection that a call is about.
pub(super) struct Target {
    /// `None` for a kind without profiles, and if no default profile is known.
    pub(super) profile: Option<ProfileId>,
    /// `true` if connections without a profile count as this profile's, because it is on the directory that the
    /// tool uses by itself.
    is_implicit: bool,
    /// The connection that was named; `Some(None)` if it does not exist or does not belong to the profile.
    named: Option<Option<Connection>>,
}

/// The possible connections of a profile.
struct Candidates {
    /// Connections of the profile, or all connections of a kind without profiles.
    own: Vec<ConnectionInfo>,
    /// Connections without a profile, from before there were profiles.
    before: Vec<ConnectionInfo>,
}

impl Usage {
    pub(super) async fn target(&self, profile: Option<ProfileId>) -> Result<Target, Error> {
        let registry = &self.monitor.registry;
        let kind = registry.kinds().find(&self.kind).await?.ok_or_else(|| Error::UnknownKind(self.kind.clone()))?;
        if !kind.capabilities.usage {
            let what = "report how much of their account is used";
            return Err(Error::NotSupported { kind: self.kind.clone(), what });
        }
        let named = match self.connection {
            Some(id) => Some(self.owned(id).await?),
            None => None,
        };
        // Without a given profile, the profile of the named connection is used. It may no longer exist.
        let own = named.as_ref().and_then(|named| named.as_ref()?.info().profile);
        let profiles = match registry.profiles(&self.kind) {
            Ok(profiles) if named.is_none() || profile.is_some() => profiles,
            _ => return Ok(Target { profile: own, is_implicit: true, named }),
        };
        let found = match profile {
            Some(id) => profiles.get(id).await.map(Some),
            None => match profiles.default_profile().await {
                Err(Error::Profile(ProfileError::NoHome { .. })) => Ok(None),
                found => found.map(Some),
            },
        }?;
        let is_implicit = found.as_ref().is_none_or(|profile| profile.is_implicit);
        let profile = found.map(|profile| profile.id);
        let is_of = |info: &ConnectionInfo| info.profile == profile || (info.profile.is_none() && is_implicit);
        let named = named.map(|named| named.filter(|connection| is_of(connection.info())));
        Ok(Target { profile, is_implicit, named })
    }

    /// Returns the connection for a call: the named one, or that of the profile. If the profile is on the tool's
    /// own directory, it may be a connection from before there were profiles.
    pub(super) async fn connected(&self, target: &Target) -> Result<Option<Connection>, Error> {
        if let Some(named) = &target.named {
            return Ok(named.clone());
        }
        let Candidates { own, before } = self.candidates(target).await?;
        let candidates = if own.is_empty() { before } else { own };
        let selected = match candidates.as_slice() {
            [] => return Ok(None),
            [only] => Some(only.id),
            several => several.iter().find(|info| info.is_default).map(|info| info.id),
        };
        match selected {
            Some(id) => self.owned(id).await,
            None => Err(Error::Ambiguous { kind: self.kind.clone(), candidates }),
        }
    }

    /// Returns the only possible connection. Several are an error, even if one of them is the default.
    pub(super) async fn only(&self, target: &Target) -> Result<Option<ConnectionId>, Error> {
        if let Some(named) = &target.named {
            return Ok(named.as_ref().map(Connection::id));
        }
        let Candidates { mut own, before } = self.candidates(target).await?;
        own.extend(before);
        match own.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.id)),
            _ => Err(Error::Ambiguous { kind: self.kind.clone(), candidates: own }),
        }
    }

    /// Returns the error for a missing connection.
    pub(super) fn nothing(&self) -> Error {
        match self.connection {
            Some(id) => Error::NotFound(id),
            None => Error::NoConnection(self.kind.clone()),
        }
    }

    /// Returns a connection, or `None` if this owner has none of this kind with that id.
    async fn owned(&self, id: ConnectionId) -> Result<Option<Connection>, Error> {
        match self.monitor.registry.connection(id).await {
            Ok(connection) => Ok(Some(connection).filter(|connection| connection.info().kind == self.kind)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn candidates(&self, target: &Target) -> Result<Candidates, Error> {
        let of_kind = Filter::new().kind(self.kind.clone());
        if self.monitor.registry.profiles(&self.kind).is_err() {
            return Ok(Candidates { own: self.first(of_kind, |_| true).await?, before: Vec::new() });
        }
        let own = match target.profile {
            Some(id) => self.first(of_kind.clone().profile(id), |of| of == Some(id)).await?,
            None => Vec::new(),
        };
        let before = match target.is_implicit {
            true => self.first(of_kind.without_profile(), |of| of.is_none()).await?,
            false => Vec::new(),
        };
        Ok(Candidates { own, before })
    }

    /// Returns the first connections that match, and the kind's default if it matches.
    async fn first(
        &self,
        mut filter: Filter,
        is_of: impl Fn(Option<ProfileId>) -> bool,
    ) -> Result<Vec<ConnectionInfo>, Error> {
        let mut found = Vec::new();
        filter = filter.limit(MAX_CANDIDATES);
        // A page may be empty without being the last one.
        while found.len() < MAX_CANDIDATES.into() {
            let page = self.monitor.registry.list_connections(filter.clone()).await?;
            found.extend(page.items);
            let Some(next) = page.next else { return Ok(found) };
            filter = filter.after(next);
        }
        if !found.iter().any(|info| info.is_default) {
            // There are several connections, so this is the default.
            let default = match self.monitor.registry.connection_of(&self.kind).await {
                Ok(default) => Some(default.info().clone()),
                Err(Error::Ambiguous { .. } | Error::NoConnection(_)) => None,
                Err(error) => return Err(error),
            };
            found.extend(default.filter(|info| is_of(info.profile)));
        }
        Ok(found)
    }
}
