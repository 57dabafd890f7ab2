//! What an extension does with its connection: each use is checked, and on record before it is given.

use connection_contract::{AuthType, HttpRequest, Requirement, Secret, SecretName, Value};

use super::{CommandContext, ExtensionError, ExtensionHandle, record::Use};
use crate::{Connection, ConnectionStatus, Error, ResolvedConnection, Response, guard, requirement};

const ACCESS_TOKEN: &str = "accessToken";

impl ExtensionHandle {
    /// Lends the access token of its connection to `use_it`, when the connection is there, works, and is granted with this
    /// secret. The event that records it is stored first: when it cannot be, nothing is lent.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Undeclared`] when it declares no such secret, [`ExtensionError::NotReady`],
    /// [`ExtensionError::NotGranted`], and those of
    /// [`Connection::with_access_token`].
    pub async fn with_access_token<T>(
        &self,
        requirement: &Requirement,
        use_it: impl AsyncFnOnce(&Secret) -> T,
    ) -> Result<T, Error> {
        self.own(requirement)?;
        let declared = &requirement.auth.secret_names;
        let Some(name) = declared.iter().find(|name| name.as_str() == ACCESS_TOKEN) else {
            return Err(self.undeclared("secret", Some(ACCESS_TOKEN)));
        };
        let (_, connection) = self.ready().await?;
        let names = std::slice::from_ref(name);
        let mut secrets = self.open(&connection, names).await?;
        self.record(connection.id(), names.to_vec(), Use::AccessToken, None).await?;
        match secrets.pop() {
            Some((_, secret)) => Ok(use_it(&secret).await),
            None => Err(connection.cannot("hand out an access token")),
        }
    }

    /// A request below the base of its connection: `GET`, `/user/repos`. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and those of [`Connection::request`].
    pub async fn request(&self, method: &str, path_and_query: &str) -> Result<HttpRequest, Error> {
        let (_, connection) = self.ready().await?;
        self.granted(connection.id(), &[]).await?;
        connection.request(method, path_and_query).await
    }

    /// Sends a request with the credential of its connection attached, which the extension does not see. It is recorded
    /// before it is sent; the record may be lost when the power fails within moments.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::NotReady`], [`ExtensionError::NotGranted`], and those of
    /// [`Connection::send`].
    pub async fn send(&self, request: HttpRequest) -> Result<Response, Error> {
        let (_, connection) = self.ready().await?;
        self.record(connection.id(), Vec::new(), Use::Request, None).await?;
        connection.send(request).await
    }

    /// What the command gets to run with: the public configuration, what it is set to, and every secret that the extension
    /// declared. Without a command, for the extension as a whole. The secrets are wiped when the context is dropped.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Undeclared`] for a command that it did not declare, [`ExtensionError::PreferenceRequired`], and as
    /// [`with_access_token`](Self::with_access_token).
    pub async fn inject(&self, command: Option<&str>) -> Result<CommandContext, Error> {
        self.given(command, Ok).await
    }

    /// As [`inject`](Self::inject), as the variables of a process, for a command that is a program:
    /// [`CommandContext::environment`]. What cannot be given so is refused before it is a use, and nothing is on record.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Variable`], and as [`inject`](Self::inject).
    pub async fn environment(&self, command: Option<&str>) -> Result<Vec<(String, Secret)>, Error> {
        self.given(command, |context| context.environment()).await
    }

    /// What is made of the context, recorded once it could be made and before it is given.
    async fn given<T>(
        &self,
        command: Option<&str>,
        make: impl FnOnce(CommandContext) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.command(command)?;
        let preferences = self.settled(command).await?;
        let names = &self.requirement().auth.secret_names;
        let (resolved, connection) = if names.is_empty() {
            (self.usable().await?, None)
        } else {
            let (resolved, connection) = self.ready().await?;
            (resolved, Some(connection))
        };
        let secrets = match &connection {
            Some(connection) => self.open(connection, names).await?,
            None => Vec::new(),
        };
        if let (Some(id), None) = (resolved.connection, &connection)
            && let Some(row) = self.registry.shared.reader().await?.standing(id).await?
            && let Some(error) = guard::refused(&self.registry.shared.sealer, &row)
        {
            // Nothing of it was opened, and its configuration is given.
            return Err(error.into());
        }
        let public_config = resolved.public_config;
        let made = make(CommandContext { command: command.map(str::to_owned), public_config, preferences, secrets })?;
        if let Some(connection) = connection {
            self.record(connection.id(), names.clone(), Use::Command, command).await?;
        }
        Ok(made)
    }

    /// What it is set to, when that is all that it cannot do without.
    async fn settled(&self, command: Option<&str>) -> Result<Vec<(String, Value)>, Error> {
        let read = self.preferences(command).await?;
        match read.missing.into_iter().next() {
            Some(name) => {
                let (extension, command) = (self.label(), command.map(|command| command.to_owned().into()));
                Err(ExtensionError::PreferenceRequired { extension, command, name: name.into() }.into())
            }
            None => {
                let is_used = |name: &str| !read.overridden.iter().any(|(known, _)| known == name);
                Ok(read.values.into_iter().filter(|(name, _)| is_used(name)).collect())
            }
        }
    }

    /// What it needs, when that is there and works.
    async fn usable(&self) -> Result<ResolvedConnection, Error> {
        let resolved = self.registry.resolve_one(&self.declared).await?;
        let why = match resolved.status {
            ConnectionStatus::Connected => return Ok(resolved),
            ConnectionStatus::Missing if resolved.error.is_none() => match &self.requirement().connect_guide {
                Some(guide) => guide.clone(),
                None => format!("{} is not connected", self.requirement().title).into(),
            },
            ConnectionStatus::Failed | ConnectionStatus::Missing | ConnectionStatus::Unsupported => {
                resolved.error.as_ref().map(|error| error.message.clone()).unwrap_or_default()
            }
        };
        Err(self.not_ready(resolved.status, why).into())
    }

    /// With the connection that is meant.
    async fn ready(&self) -> Result<(ResolvedConnection, Connection), Error> {
        let resolved = self.usable().await?;
        let Some(id) = resolved.connection else {
            let why = match self.requirement().auth.auth {
                AuthType::None => "it declares a need for no credential, and no single connection is there",
                _ => "nothing is connected",
            };
            return Err(self.not_ready(ConnectionStatus::Missing, why.into()).into());
        };
        let connection = self.registry.connection(id).await?;
        Ok((resolved, connection))
    }

    fn not_ready(&self, status: ConnectionStatus, why: connection_contract::DisplayText) -> ExtensionError {
        ExtensionError::NotReady { extension: self.label(), provider: self.requirement().provider.clone(), status, why }
    }

    /// Takes secrets out of a connection: asked first whether they may be, so that nothing is opened for who may not. Whoever
    /// gives them away records it before.
    async fn open(&self, connection: &Connection, names: &[SecretName]) -> Result<Vec<(SecretName, Secret)>, Error> {
        self.granted(connection.id(), names).await?;
        let entry = self.registry.shared.kinds.entry(&connection.info().kind);
        let of_kind = entry.as_ref().map(|entry| entry.descriptor.secret_names.as_slice()).unwrap_or_default();
        let declared = self.requirement().auth.secret_names.len();
        let held_as = |name| requirement::names::of_kind(of_kind, declared, name).unwrap_or(name);
        let wanted = names.iter().map(|name| held_as(name.as_str()).to_owned());
        let taken = connection.take_secrets(wanted.collect()).await?;
        let mut secrets = Vec::new();
        for (name, secret) in names.iter().zip(taken) {
            let Some(secret) = secret else {
                let why = format!("its credential has no '{name}'").into();
                return Err(self.not_ready(ConnectionStatus::Missing, why).into());
            };
            secrets.push((name.clone(), secret));
        }
        Ok(secrets)
    }
}
