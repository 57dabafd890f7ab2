//! Where a person deals with what an extension lacks: the host's own settings, which the extension opens and never sees.

use std::fmt;

use async_trait::async_trait;
use connection_contract::{AuthType, DisplayText, Kind};

use super::{ExtensionError, ExtensionHandle, RetryTicket};
use crate::{
    ConnectionId, ConnectionStatus, Error, ResolvedConnection, SessionId, registry::KindEntry, requirement::names,
};

/// The settings of a host: a window, a page, or words on a terminal. Each opens and returns; it does not wait for the
/// person.
#[async_trait]
pub trait SettingsHandOff: Send + Sync + 'static {
    /// What all of an extension is set to.
    ///
    /// # Errors
    ///
    /// It could not be shown.
    async fn open_extension_preferences(&self, owner: &str, extension: &str) -> Result<HandedOff, HandOffError>;

    /// What one of its commands is set to.
    ///
    /// # Errors
    ///
    /// It could not be shown.
    async fn open_command_preferences(
        &self,
        owner: &str,
        extension: &str,
        command: &str,
    ) -> Result<HandedOff, HandOffError>;

    /// The connection that it needs, and where a person goes from there.
    ///
    /// # Errors
    ///
    /// It could not be shown.
    async fn open_native_extension_settings(
        &self,
        owner: &str,
        settings: NativeExtensionSettings,
    ) -> Result<HandedOff, HandOffError>;
}

/// Which settings to open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NativeExtensionSettings {
    /// Whose.
    pub extension_name: String,
    /// The command that needs them, to go back to.
    pub command_name: Option<String>,
}

/// What a host did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandedOff {
    /// The setup that it began for the extension, by [`BeginSetup::extension`](crate::BeginSetup::extension) or
    /// [`Reauthorize::extension`](crate::Reauthorize::extension).
    pub session: Option<SessionId>,
}

impl HandedOff {
    /// The settings are shown, and no setup was begun yet.
    pub fn shown() -> Self {
        Self::default()
    }

    /// This setup was begun.
    pub fn setup(session: SessionId) -> Self {
        Self { session: Some(session) }
    }
}

/// Why settings could not be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOffError(DisplayText);

impl HandOffError {
    /// One clause, for people.
    pub fn new(why: impl Into<DisplayText>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for HandOffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for HandOffError {}

/// What a view shows in the place of what needs a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionRequired {
    /// What is to be connected.
    pub title: DisplayText,
    /// How, in the extension's words.
    pub guide: Option<DisplayText>,
    /// What a person can do.
    pub action: RequiredAction,
    /// The connection that it is done with: what is to be granted, or authorized again.
    pub connection: Option<ConnectionId>,
    /// The kinds by which it can be connected here, the one that fits best first.
    pub kinds: Vec<Kind>,
}

/// What a person can do about a connection that is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequiredAction {
    /// Say which of several is meant.
    Choose,
    /// Connect one.
    Connect,
    /// Let the extension use the one that there is.
    Grant,
    /// Authorize the one that there is again: it is refused, or lacks what is asked for.
    Reauthorize,
    /// Nothing, on this host.
    Unavailable,
}

impl ExtensionHandle {
    /// What is shown in the place of the extension while its connection is not ready; `None` when it is, and granted. Where
    /// a connection lacks a name, its plugin is asked whether that is so still.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn connection_required(&self) -> Result<Option<ConnectionRequired>, Error> {
        let kinds = self.kinds_for_setup();
        let needs_none = self.requirement().auth.auth == AuthType::None;
        let (action, connection) = match self.looked_at().await {
            Err(error) => return Err(error),
            Ok(resolved) if !resolved.candidates.is_empty() => (RequiredAction::Choose, None),
            Ok(resolved) => match (resolved.status, resolved.connection) {
                (ConnectionStatus::Connected, _) if needs_none || resolved.is_granted => return Ok(None),
                (ConnectionStatus::Connected, connection) => (RequiredAction::Grant, connection),
                (ConnectionStatus::Failed, connection) => (RequiredAction::Reauthorize, connection),
                (ConnectionStatus::Missing, _) if kinds.is_empty() => (RequiredAction::Unavailable, None),
                (ConnectionStatus::Missing, _) => match self.lacking(&resolved, &kinds).await? {
                    // Its account is connected: it would not be once more.
                    Some(near) => (RequiredAction::Reauthorize, Some(near)),
                    None => (RequiredAction::Connect, None),
                },
                (ConnectionStatus::Unsupported, _) => (RequiredAction::Unavailable, None),
            },
        };
        let requirement = self.requirement();
        let (title, guide) = (requirement.title.clone(), requirement.connect_guide.clone());
        Ok(Some(ConnectionRequired { title, guide, action, connection, kinds }))
    }

    /// What it needs, as it stands now. Of a connection that lacks a name its plugin is asked: a newer one may hand out what
    /// was not known when the credential was stored.
    pub(super) async fn looked_at(&self) -> Result<ResolvedConnection, Error> {
        let resolved = self.registry.resolve_one(&self.declared).await?;
        let Some(near) = resolved.near else { return Ok(resolved) };
        match self.registry.connection(near).await {
            Ok(connection)
                if connection
                    .tell_names(&resolved.missing_secret_names, self.requirement().auth.secret_names.len())
                    .await =>
            {
                self.registry.resolve_one(&self.declared).await
            }
            Ok(_) | Err(Error::NotFound(_)) => Ok(resolved),
            Err(error) => Err(error),
        }
    }

    /// The connection that lacks names which its own kind hands out.
    async fn lacking(&self, resolved: &ResolvedConnection, kinds: &[Kind]) -> Result<Option<ConnectionId>, Error> {
        let Some(near) = resolved.near else { return Ok(None) };
        match self.registry.connection(near).await {
            Ok(connection) => Ok(Some(near).filter(|_| kinds.contains(&connection.info().kind))),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The kinds by which what it needs can be connected here: those of the provider that hand out every secret that was
    /// declared, by its name or as the only one, and of them first those of the form of authentication that was asked for.
    pub fn kinds_for_setup(&self) -> Vec<Kind> {
        let requirement = self.requirement();
        let declared = &requirement.auth.secret_names;
        let holds = |entry: &KindEntry, name: &str| {
            names::of_kind(&entry.descriptor.secret_names, declared.len(), name).is_some()
        };
        let mut kinds = self.registry.shared.kinds.of_provider(&requirement.provider);
        kinds.retain(|entry| declared.iter().all(|name| holds(entry, name.as_str())));
        kinds.sort_by_key(|entry| entry.descriptor.auth != requirement.auth.auth);
        kinds.iter().map(|entry| entry.kind().clone()).collect()
    }

    /// Opens what the extension is set to.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::NoSettings`], [`ExtensionError::HandOff`], and the store's.
    pub async fn open_extension_preferences(&self) -> Result<RetryTicket, Error> {
        let settings = self.settings()?;
        let opened = settings.open_extension_preferences(&self.registry.owner, self.name());
        self.ticket(None, opened).await
    }

    /// Opens what one of its commands is set to.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Undeclared`], and as
    /// [`open_extension_preferences`](Self::open_extension_preferences).
    pub async fn open_command_preferences(&self, command: &str) -> Result<RetryTicket, Error> {
        self.command(Some(command))?;
        let settings = self.settings()?;
        let opened = settings.open_command_preferences(&self.registry.owner, self.name(), command);
        self.ticket(Some(command), opened).await
    }

    /// Opens the connection that the extension needs, for a command where one is named. The ticket tells later what came of
    /// it, in this process or another: [`retry`](Self::retry).
    ///
    /// # Errors
    ///
    /// As [`open_command_preferences`](Self::open_command_preferences).
    pub async fn open_native_extension_settings(&self, command: Option<&str>) -> Result<RetryTicket, Error> {
        self.command(command)?;
        let settings = self.settings()?;
        let asked = NativeExtensionSettings {
            extension_name: self.name().to_owned(),
            command_name: command.map(str::to_owned),
        };
        let opened = settings.open_native_extension_settings(&self.registry.owner, asked);
        self.ticket(command, opened).await
    }

    fn settings(&self) -> Result<&dyn SettingsHandOff, Error> {
        let settings = self.registry.shared.extensions.settings.as_deref();
        settings.ok_or_else(|| ExtensionError::NoSettings { extension: self.label() }.into())
    }
}
