//! The selection of accounts: every connection that reports usage, or those that the command names.

use connection_agent::{PolledUsage, Usage as OfKind, UsageMonitor};
use connection_contract::{Kind, SessionTokens};
use connection_core::{ConnectionId, ConnectionInfo, ConnectionRegistry, Error as CoreError, Profile, ProfileId};
use connection_server::convert;

use super::AccountUsage;
use crate::{
    Error, Exit,
    args::Usage,
    backend::{Connections as _, Local},
    program::Program,
    select,
};

/// An account whose usage is shown.
#[derive(Clone, Debug)]
pub(super) struct SelectedAccount {
    pub(super) kind: Kind,
    pub(super) profile: Option<ProfileId>,
    /// `None` for a profile without a connection.
    pub(super) connection: Option<ConnectionId>,
    /// `KIND`, or `KIND:LABEL` if the profile has several connections.
    pub(super) name: String,
    /// The label of the profile; empty for a connection without one.
    pub(super) label: String,
}

impl PartialEq for SelectedAccount {
    /// Ignores the names, which may change.
    fn eq(&self, other: &Self) -> bool {
        (&self.kind, self.profile, self.connection) == (&other.kind, other.profile, other.connection)
    }
}

/// The place from which the numbers of an account are read.
#[derive(Clone, Debug)]
pub(super) enum UsageSourceChoice {
    /// A request to the provider, with the credential of the connection.
    Fetch,
    /// The last answer that this process received.
    Kept,
    /// The report of a running session of the tool.
    Session(SessionTokens),
}

/// The selection that the command names.
#[derive(Debug)]
pub(super) struct NamedSelection {
    kind: Option<Kind>,
    profile: Option<Profile>,
    connection: Option<ConnectionId>,
}

impl NamedSelection {
    pub(super) async fn of(
        program: &Program,
        registry: &ConnectionRegistry,
        Usage { kind: reference, profile, .. }: &Usage,
    ) -> Result<Self, Error> {
        let Some(reference) = reference else { return Ok(Self { kind: None, profile: None, connection: None }) };
        let kind = program.kind(kind_of(reference))?.descriptor.kind.clone();
        let profile = match profile {
            Some(profile) => {
                let profiles = registry.profiles(&kind)?.list().await?;
                Some(select::profile(kind.as_str(), profiles, profile)?)
            }
            None => None,
        };
        if !reference.contains(':') {
            return Ok(Self { kind: Some(kind), profile, connection: None });
        }
        let connection = select::opened(registry, reference).await?;
        match &profile {
            Some(profile) if !is_of(connection.info(), profile) => {
                let message = format!("'{reference}' does not belong to the profile '{}'", profile.label);
                Err(Error::new(Exit::NotFound, "not_found", message).remedy("see `connections list`"))
            }
            _ => Ok(Self { kind: Some(kind), profile, connection: Some(connection.id()) }),
        }
    }

    /// Returns a filter for the selected connections of the owner, including later ones.
    pub(super) fn connections(&self) -> impl Fn(&PolledUsage<'_>) -> bool + Send + Sync + 'static {
        let kind = self.kind.clone();
        let connection = self.connection;
        let profile = self.profile.as_ref().map(|profile| (profile.id, profile.is_implicit));
        move |of| {
            kind.as_ref().is_none_or(|kind| kind == of.kind)
                && connection.is_none_or(|id| id == of.connection)
                && profile.is_none_or(|(id, is_implicit)| of.profile.map_or(is_implicit, |of| of == id))
        }
    }

    /// Returns the selected connections as they are now, and a named profile without a connection.
    pub(super) async fn accounts(
        &self,
        program: &Program,
        registry: &ConnectionRegistry,
    ) -> Result<Vec<SelectedAccount>, Error> {
        let tells = |of: &Kind| program.kinds.iter().any(|kind| kind.usage && kind.descriptor.kind == *of);
        let mut rows = select::all(registry).await?;
        rows.retain(|info| {
            tells(&info.kind)
                && self.kind.as_ref().is_none_or(|kind| *kind == info.kind)
                && self.profile.as_ref().is_none_or(|profile| is_of(info, profile))
                && self.connection.is_none_or(|id| id == info.id)
        });
        if let (Some(kind), Some(profile), None, []) = (&self.kind, &self.profile, self.connection, &*rows) {
            let name = kind.to_string();
            let label = profile.label.to_string();
            return Ok(vec![SelectedAccount {
                kind: kind.clone(),
                profile: Some(profile.id),
                connection: None,
                name,
                label,
            }]);
        }
        let local = Local::new(registry.clone(), program.settings.clone());
        let bodies: Vec<_> = rows.iter().map(|info| convert::connection(info, local.now())).collect();
        let labels = local.profile_labels(&bodies).await?;
        let label = |id: &ProfileId| labels.get(&id.to_string()).cloned().unwrap_or_default();
        let beside = |kind: &Kind, profile| rows.iter().filter(|of| of.kind == *kind && of.profile == profile).count();
        let accounts = rows.iter().map(|info| SelectedAccount {
            kind: info.kind.clone(),
            profile: info.profile,
            connection: Some(info.id),
            name: match beside(&info.kind, info.profile) {
                ..=1 => info.kind.to_string(),
                _ => format!("{}:{}", info.kind, info.label),
            },
            label: info.profile.as_ref().map(label).unwrap_or_default(),
        });
        let mut accounts: Vec<_> = accounts.collect();
        accounts.sort_by(|a, b| (&a.kind, &a.label, a.connection).cmp(&(&b.kind, &b.label, b.connection)));
        Ok(accounts)
    }
}

/// Returns `true` if the connection belongs to the profile. One without a profile belongs to the implicit profile,
/// which is the tool's own directory.
fn is_of(info: &ConnectionInfo, profile: &Profile) -> bool {
    info.profile.map_or(profile.is_implicit, |id| id == profile.id)
}

/// Returns the kind that a reference names: `KIND`, or `KIND:LABEL`.
pub(super) fn kind_of(reference: &str) -> &str {
    reference.split_once(':').map_or(reference, |(kind, _)| kind)
}

impl SelectedAccount {
    pub(super) async fn read_usage(
        self,
        monitor: UsageMonitor,
        look: UsageSourceChoice,
    ) -> Result<AccountUsage, Error> {
        let (usage, profile) = self.usage(&monitor);
        let status = match usage.status(profile).await {
            Ok(status) => status,
            // The error concerns one account only; the others are shown all the same.
            Err(error @ CoreError::Ambiguous { .. }) => {
                return Ok(AccountUsage { account: self, found: Err(error.into()) });
            }
            Err(error) => return Err(error.into()),
        };
        let reading = match look {
            UsageSourceChoice::Fetch => usage.fetch(profile).await.map(Some),
            UsageSourceChoice::Kept => usage.snapshot(profile).await,
            UsageSourceChoice::Session(session) => usage.report_session(profile, session).await.map(Some),
        };
        let found = match reading {
            Ok(reading) => Ok((status, reading)),
            Err(error @ (CoreError::Closed | CoreError::Store(_))) => return Err(error.into()),
            Err(error) => Err(error.into()),
        };
        Ok(AccountUsage { account: self, found })
    }

    /// Returns the usage of the connection, or of the profile, which may have a connection by now.
    fn usage(&self, monitor: &UsageMonitor) -> (OfKind, Option<ProfileId>) {
        let usage = monitor.usage(&self.kind);
        match self.connection {
            Some(id) => (usage.connection(id), None),
            None => (usage, self.profile),
        }
    }
}
