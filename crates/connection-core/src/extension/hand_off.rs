//! The settings hand-off: an extension opens the host's settings, where a person provides what the extension lacks. The
//! extension never sees these settings.

use std::fmt;

use async_trait::async_trait;
use connection_contract::{AuthType, BoxFuture, DisplayText, Kind};

use super::{ExtensionHandle, RetryTicket, requirement};
use crate::{
    Connection, ConnectionId, ConnectionStatus, Error, ExtensionError, ResolvedConnection, SessionId,
    kinds::{KindEntry, held_name},
    words::words,
};

/// The settings of a host: a window, a page, or text on a terminal. Each method opens the settings and returns without
/// waiting for the person.
#[async_trait]
pub trait SettingsHandOff: Send + Sync + 'static {
    /// Opens the preferences of an extension.
    ///
    /// # Errors
    ///
    /// The settings could not be shown.
    async fn open_extension_preferences(&self, owner: &str, extension: &str) -> Result<HandedOff, HandOffError>;

    /// Opens the preferences of one of its commands.
    ///
    /// # Errors
    ///
    /// The settings could not be shown.
    async fn open_command_preferences(
        &self,
        owner: &str,
        extension: &str,
        command: &str,
    ) -> Result<HandedOff, HandOffError>;

    /// Opens the connection that the extension needs, from where a person can connect, authorize or grant.
    ///
    /// # Errors
    ///
    /// The settings could not be shown.
    async fn open_native_extension_settings(
        &self,
        owner: &str,
        settings: NativeExtensionSettings,
    ) -> Result<HandedOff, HandOffError>;
}

/// The extension whose settings a host opens, and the command to which a person returns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NativeExtensionSettings {
    /// The name under which the extension was added.
    pub extension_name: String,
    /// The command that needs them, to which a person returns.
    pub command_name: Option<String>,
}

/// The result of a settings hand-off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandedOff {
    /// The setup that the host began for the extension, with [`BeginSetup::extension`](crate::BeginSetup::extension) or
    /// [`Reauthorize::extension`](crate::Reauthorize::extension).
    pub session: Option<SessionId>,
}

impl HandedOff {
    /// Returns the result for settings that are shown without a setup.
    pub fn shown() -> Self {
        Self::default()
    }

    /// Returns the result for a setup that was begun.
    pub fn setup(session: SessionId) -> Self {
        Self { session: Some(session) }
    }
}

/// The reason why settings could not be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOffError(DisplayText);

impl HandOffError {
    /// Creates an error with one clause for people.
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

/// The content of a view that is shown in place of a feature that needs a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionRequired {
    /// The title of the requirement, as the declaration states it for people.
    pub title: DisplayText,
    /// The connect guide, in the extension's words.
    pub guide: Option<DisplayText>,
    /// The action that a person can take.
    pub action: RequiredAction,
    /// The connection for that action, which is to be granted or authorized again.
    pub connection: Option<ConnectionId>,
    /// The kinds with which it can be connected on this host, the best match first.
    pub kinds: Vec<Kind>,
}

words! {
    /// The action that a person can take for a connection that is not ready.
    #[non_exhaustive]
    pub enum RequiredAction {
        /// Choose one of several connections.
        Choose = "choose",
        /// Connect an account of the provider.
        Connect = "connect",
        /// Grant the extension the use of the existing connection.
        Grant = "grant",
        /// Authorize the existing connection again, because it is refused or lacks a required secret.
        Reauthorize = "reauthorize",
        /// No action is possible on this host.
        Unavailable = "unavailable",
    }
}

impl ExtensionHandle {
    /// Returns what to show in place of the extension while its connection is not ready; `None` if it is ready and
    /// granted. If a connection lacks a secret, its plugin is asked again whether that is still so.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn connection_required(&self) -> BoxFuture<'_, Result<Option<ConnectionRequired>, Error>> {
        Box::pin(async move {
            let kinds = self.kinds_for_setup();
            let needs_none = self.requirement().auth.auth == AuthType::None;
            let (action, connection) = match self.requirement_view().await {
                Err(error) => return Err(error),
                Ok(resolved) if !resolved.candidates.is_empty() => (RequiredAction::Choose, None),
                Ok(resolved) => match (resolved.status, resolved.connection) {
                    (ConnectionStatus::Connected, _) if needs_none || resolved.is_granted => return Ok(None),
                    (ConnectionStatus::Connected, connection) => (RequiredAction::Grant, connection),
                    (ConnectionStatus::Failed, Some(failed)) if self.is_replaced(failed, &kinds).await? => {
                        (RequiredAction::Connect, None)
                    }
                    (ConnectionStatus::Failed, connection) => (RequiredAction::Reauthorize, connection),
                    (ConnectionStatus::Missing, _) if kinds.is_empty() => (RequiredAction::Unavailable, None),
                    (ConnectionStatus::Missing, _) => match self.required_action(&resolved, &kinds).await? {
                        // Its account is already connected, so connecting it again would be refused.
                        Some(near) => (RequiredAction::Reauthorize, Some(near)),
                        None => (RequiredAction::Connect, None),
                    },
                    (ConnectionStatus::Unsupported, _) => (RequiredAction::Unavailable, None),
                },
            };
            let requirement = self.requirement();
            Ok(Some(ConnectionRequired {
                title: requirement.title.clone(),
                guide: requirement.connect_guide.clone(),
                action,
                connection,
                kinds,
            }))
        })
    }

    /// Resolves the requirement. If a connection lacks a secret, its plugin is asked again: a newer plugin may hand out
    /// secrets that were unknown when the credential was stored.
    pub(super) async fn requirement_view(&self) -> Result<ResolvedConnection, Error> {
        let resolved = requirement::resolve_one(&self.scope.system.ground, &self.scope.owner, &self.declared).await?;
        let Some(near) = resolved.near else { return Ok(resolved) };
        match Connection::find(self.connections(), near).await {
            Ok(connection)
                if connection
                    .tell_names(&resolved.missing_secret_names, self.requirement().auth.secret_names.len())
                    .await =>
            {
                requirement::resolve_one(&self.scope.system.ground, &self.scope.owner, &self.declared).await
            }
            Ok(_) | Err(Error::NotFound(_)) => Ok(resolved),
            Err(error) => Err(error),
        }
    }

    /// Returns `true` for a connection of the extension's own declaration, if another kind connects its provider now.
    async fn is_replaced(&self, connection: ConnectionId, kinds: &[Kind]) -> Result<bool, Error> {
        let connection = Connection::find(self.connections(), connection).await?;
        let kind = &connection.info().kind;
        Ok(kind.extension().is_some() && !kinds.is_empty() && !kinds.contains(kind))
    }

    /// Returns the connection that lacks secrets which its own kind hands out.
    async fn required_action(
        &self,
        resolved: &ResolvedConnection,
        kinds: &[Kind],
    ) -> Result<Option<ConnectionId>, Error> {
        let Some(near) = resolved.near else { return Ok(None) };
        match Connection::find(self.connections(), near).await {
            Ok(connection) => Ok(Some(near).filter(|_| kinds.contains(&connection.info().kind))),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the kinds with which the requirement can be connected on this host: those of the provider that hand out
    /// every declared secret, by its name or as their only one. Kinds with the requested form of authentication come
    /// first.
    ///
    /// The kind of the extension's own declaration is returned only if no other kind connects the provider; a setup finds
    /// it if the extension was added. An account that was connected through it serves the extension until an account of another kind is connected, which the extension uses from
    /// then on; a setup with [`BeginSetup::extension`](crate::BeginSetup::extension) also grants it.
    pub fn kinds_for_setup(&self) -> Vec<Kind> {
        let requirement = self.requirement();
        let declared = &requirement.auth.secret_names;
        let holds =
            |entry: &KindEntry, name: &str| held_name(&entry.descriptor.secret_names, declared.len(), name).is_some();
        let table = &self.scope.system.ground.kinds;
        if !table.connects(&requirement.provider) {
            let own = Kind::of_extension(self.name(), &requirement.provider);
            return own.filter(|_| matches!(table.own.declared(&self.declared), Some(Ok(())))).into_iter().collect();
        }
        let mut kinds = table.of_provider(&requirement.provider);
        kinds.retain(|entry| declared.iter().all(|name| holds(entry, name.as_str())));
        kinds.sort_by_key(|entry| entry.descriptor.auth != requirement.auth.auth);
        kinds.iter().map(|entry| entry.kind().clone()).collect()
    }

    /// Opens the preferences of the extension.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::NoSettings`], [`ExtensionError::HandOff`], and the store's errors.
    pub fn open_extension_preferences(&self) -> BoxFuture<'_, Result<RetryTicket, Error>> {
        Box::pin(async move {
            let settings = self.settings()?;
            let opened = settings.open_extension_preferences(&self.scope.owner, self.name());
            self.ticket(None, opened).await
        })
    }

    /// Opens the preferences of one of its commands.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Undeclared`], and the errors of
    /// [`open_extension_preferences`](Self::open_extension_preferences).
    pub fn open_command_preferences<'a>(&'a self, command: &'a str) -> BoxFuture<'a, Result<RetryTicket, Error>> {
        Box::pin(async move {
            self.command(Some(command))?;
            let settings = self.settings()?;
            let opened = settings.open_command_preferences(&self.scope.owner, self.name(), command);
            self.ticket(Some(command), opened).await
        })
    }

    /// Opens the connection that the extension needs, for a command if one is given. [`retry`](Self::retry) returns the
    /// outcome for the ticket, in this process or another.
    ///
    /// # Errors
    ///
    /// The errors of [`open_command_preferences`](Self::open_command_preferences).
    pub fn open_native_extension_settings<'a>(
        &'a self,
        command: Option<&'a str>,
    ) -> BoxFuture<'a, Result<RetryTicket, Error>> {
        Box::pin(async move {
            self.command(command)?;
            let settings = self.settings()?;
            let request = NativeExtensionSettings {
                extension_name: self.name().to_owned(),
                command_name: command.map(str::to_owned),
            };
            let opened = settings.open_native_extension_settings(&self.scope.owner, request);
            self.ticket(command, opened).await
        })
    }

    fn settings(&self) -> Result<&dyn SettingsHandOff, Error> {
        let settings = self.scope.system.settings.as_deref();
        settings.ok_or_else(|| ExtensionError::NoSettings { extension: self.label() }.into())
    }
}
