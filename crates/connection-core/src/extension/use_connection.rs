//! The uses of a connection by an extension. Each is checked, and recorded before anything is handed out.

use connection_contract::{AuthType, BoxFuture, HttpRequest, Requirement, Secret, SecretName, Value};

use super::{CommandContext, ExtensionHandle, requirement};
use crate::{
    Connection, ConnectionId, ConnectionStatus, Error, ExtensionError, ResolvedConnection, Response, frozen::User,
    guard, kinds::held_name, missing_scopes::MAX_SCOPES, store::json,
};

const ACCESS_TOKEN: &str = "accessToken";

impl ExtensionHandle {
    /// Calls `use_it` with the access token of the connection, if the connection is ready and granted with this secret.
    ///
    /// The event that records the release is stored first. If it cannot be stored, `use_it` is not called.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Undeclared`] if the extension declares no such secret, [`ExtensionError::NotReady`],
    /// [`ExtensionError::NotGranted`], and the errors of [`Connection::with_access_token`].
    pub async fn with_access_token<T>(
        &self,
        requirement: &Requirement,
        use_it: impl AsyncFnOnce(&Secret) -> T,
    ) -> Result<T, Error> {
        let secret = self.release_access_token(requirement).await?;
        Ok(use_it(&secret).await)
    }

    fn release_access_token<'a>(&'a self, requirement: &'a Requirement) -> BoxFuture<'a, Result<Secret, Error>> {
        Box::pin(async move {
            self.own(requirement)?;
            let declared = &requirement.auth.secret_names;
            let Some(name) = declared.iter().find(|name| name.as_str() == ACCESS_TOKEN) else {
                return Err(self.undeclared("secret", Some(ACCESS_TOKEN)));
            };
            let (_, connection) = self.ready().await?;
            let names = std::slice::from_ref(name);
            let mut secrets = self.open(&connection, names).await?;
            self.record(&connection, names.to_vec(), None).await?;
            match secrets.pop() {
                Some((_, secret)) => Ok(secret),
                None => Err(connection.cannot("hand out an access token")),
            }
        })
    }

    /// Creates a request below the base of the connection from a method and a path, such as `GET` and `/user/repos`.
    /// Nothing is sent.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send) and of [`Connection::request`].
    pub fn request<'a>(
        &'a self,
        method: &'a str,
        path_and_query: &'a str,
    ) -> BoxFuture<'a, Result<HttpRequest, Error>> {
        Box::pin(async move {
            let (_, connection) = self.ready().await?;
            self.granted(connection.id(), &[]).await?;
            connection.request(method, path_and_query).await
        })
    }

    /// Sends a request with the credential of the connection attached. The extension does not see the credential.
    ///
    /// The use is recorded before the request is sent. The record may be lost if the power fails within moments. If the
    /// provider refuses the request for lack of scopes, they are [missing](ResolvedConnection::missing_scopes) from then
    /// on.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::NotReady`], [`ExtensionError::NotGranted`], [`RuleError`](crate::RuleError) if the grant has rules
    /// and they do not let the request pass, and the errors of [`Connection::send`].
    pub fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(async move {
            let (_, connection) = self.ready().await?;
            let passed = self.record_request(&connection, &request).await?;
            // If the grant has rules, the request to which a redirect leads is decided, too.
            let request = if passed.is_free { request } else { request.no_redirect() };
            let answer = Box::pin(connection.send_begun(request, passed.record)).await?;
            if !answer.missing_scopes().is_empty()
                && let Err(error) = self.note_lacking_scopes(connection.id(), answer.missing_scopes()).await
            {
                tracing::warn!(
                    connection = %connection.id(), code = error.code(),
                    "the scopes that a request lacked could not be stored"
                );
            }
            Ok(answer)
        })
    }

    /// Stores the scopes for lack of which the provider refused a request, unless they are known. They are among the
    /// missing scopes of the requirement until the connection is authorized again.
    async fn note_lacking_scopes(&self, connection: ConnectionId, lacking: &[String]) -> Result<(), Error> {
        let system = &self.scope.system;
        let owner = self.scope.owner.clone();
        let extension = self.declared.name.to_string();
        let known = system.ground.reader().await?.lacking_scopes(&owner, &extension, connection).await?;
        let mut scopes = known.as_deref().and_then(json::to_texts).unwrap_or_default();
        let before = scopes.len();
        for scope in lacking {
            if scopes.len() < MAX_SCOPES && !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        if scopes.len() == before {
            return Ok(());
        }
        let scopes = json::texts(&scopes);
        let noted = system.ground.store.write_relaxed(move |tx| {
            Box::pin(async move { tx.put_lacking_scopes(&owner, &extension, connection, &scopes).await })
        });
        Ok(noted.await?)
    }

    /// Returns the values for a run of the command, or of the extension as a whole: the public configuration, the
    /// preferences, and every secret that the extension declared. The secrets are wiped when the context is dropped.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Undeclared`] for a command that the extension did not declare,
    /// [`ExtensionError::PreferenceRequired`], and the errors of [`with_access_token`](Self::with_access_token).
    pub fn inject<'a>(&'a self, command: Option<&'a str>) -> BoxFuture<'a, Result<CommandContext, Error>> {
        Box::pin(self.with_context(command, Ok))
    }

    /// Returns the values of [`inject`](Self::inject) as environment variables, for a command that is a program; see
    /// [`CommandContext::environment`]. If the variables are refused, no use is recorded.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Variable`], and the errors of [`inject`](Self::inject).
    pub fn environment<'a>(&'a self, command: Option<&'a str>) -> BoxFuture<'a, Result<Vec<(String, Secret)>, Error>> {
        Box::pin(self.with_context(command, |context| context.environment()))
    }

    /// Creates a value from the context. The use is recorded after the value was created and before it is returned.
    async fn with_context<T>(
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
            && let Some(row) = self.scope.system.ground.reader().await?.standing(id).await?
            && let Some(error) = guard::refused(&self.scope.system.ground.sealer, &row)
        {
            // No credential of this connection was opened, but its configuration is handed out.
            return Err(error.into());
        }
        let public_config = resolved.public_config;
        let made = make(CommandContext { command: command.map(str::to_owned), public_config, preferences, secrets })?;
        if let Some(connection) = connection {
            self.record(&connection, names.clone(), command).await?;
        }
        Ok(made)
    }

    /// Returns the preferences, or an error if a required one has no value.
    async fn settled(&self, command: Option<&str>) -> Result<Vec<(String, Value)>, Error> {
        let read = self.preferences(command).await?;
        match read.missing.into_iter().next() {
            Some(name) => {
                let extension = self.label();
                let command = command.map(|command| command.to_owned().into());
                Err(ExtensionError::PreferenceRequired { extension, command, name: name.into() }.into())
            }
            None => {
                let is_used = |name: &str| !read.overridden.iter().any(|(known, _)| known == name);
                Ok(read.values.into_iter().filter(|(name, _)| is_used(name)).collect())
            }
        }
    }

    /// Returns the resolved requirement, or an error if it is not connected.
    async fn usable(&self) -> Result<ResolvedConnection, Error> {
        let resolved = requirement::resolve_one(&self.scope.system.ground, &self.scope.owner, &self.declared).await?;
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

    /// Returns the resolved requirement with the selected connection.
    async fn ready(&self) -> Result<(ResolvedConnection, Connection), Error> {
        let resolved = self.usable().await?;
        let Some(id) = resolved.connection else {
            let why = match self.requirement().auth.auth {
                AuthType::None => "it declares that it needs no credential, and there is not exactly one connection",
                _ => "nothing is connected",
            };
            return Err(self.not_ready(ConnectionStatus::Missing, why.into()).into());
        };
        let connection = Connection::find(self.connections(), id).await?;
        let connection = connection.used_by(User::Extension).recorded_by((*self.by).clone());
        Ok((resolved, connection))
    }

    fn not_ready(&self, status: ConnectionStatus, why: connection_contract::DisplayText) -> ExtensionError {
        ExtensionError::NotReady { extension: self.label(), provider: self.requirement().provider.clone(), status, why }
    }

    /// Takes secrets out of a connection. The grant is checked first, so that nothing is opened without one. The caller
    /// records the release before it hands the secrets out.
    async fn open(&self, connection: &Connection, names: &[SecretName]) -> Result<Vec<(SecretName, Secret)>, Error> {
        self.granted(connection.id(), names).await?;
        let entry = match connection.info().kind.extension() {
            // The kind of the extension's own declaration hands out what was declared.
            Some(_) => None,
            None => self.scope.system.ground.kinds.entry(&connection.info().kind),
        };
        let held = entry.as_ref().map(|entry| entry.descriptor.secret_names.as_slice()).unwrap_or_default();
        let declared = self.requirement().auth.secret_names.len();
        let held_as = |name| held_name(held, declared, name).unwrap_or(name);
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
