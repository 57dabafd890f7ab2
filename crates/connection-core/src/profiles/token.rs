//! The token or key of a connection, which its tool gets in a variable that the kind names.

use std::fmt;

use connection_contract::{BoxFuture, Secret, SignIn, Text, ToolKey, ToolSpec};

use super::{Profiles, SpawnOptions};
use crate::{Connection, ConnectionInfo, Error, Filter, ProfileError, ProfileId, connection};

/// A token or an API key that the tool gets when it is started with a profile.
pub struct ProfileToken {
    connection: Connection,
    way: Way,
    secret: Secret,
}

/// The way in which a tool gets a secret: what the kind calls the secret, the variable, and the arguments.
#[derive(Clone)]
struct Way {
    secret_name: Text,
    variable: Text,
    args: Vec<Text>,
    /// `true` for an API key, whose use costs money: it never takes precedence over a login.
    is_key: bool,
}

/// Returns the ways in which a tool gets a secret.
fn ways(tool: &ToolSpec) -> Vec<Way> {
    let Some(SignIn { token_secret, token_env_var, key, .. }) = &tool.sign_in else { return Vec::new() };
    let token = token_secret.clone().zip(token_env_var.clone());
    let token = token.map(|(secret_name, variable)| Way { secret_name, variable, args: Vec::new(), is_key: false });
    let key = key.clone().map(|ToolKey { secret: secret_name, env_var: variable, args, .. }| Way {
        secret_name,
        variable,
        args,
        is_key: true,
    });
    token.into_iter().chain(key).collect()
}

impl ProfileToken {
    /// Returns the connection that holds the token.
    pub fn connection(&self) -> &ConnectionInfo {
        self.connection.info()
    }

    /// Returns the name of the variable from which the tool reads the token.
    pub fn variable(&self) -> &str {
        &self.way.variable
    }

    /// Records the release of the token, and adds it to a start of the tool, together with the arguments without which
    /// the tool does not read it. Applying another profile to the same start removes them.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the connection was removed in the meantime, [`Error::NotSupported`] for a token that
    /// no variable can hold, and errors of the store. The options are then unchanged.
    pub fn apply(self, options: &mut SpawnOptions) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let value = self.secret.expose_str().filter(|value| !value.contains('\0'));
            let value = value.ok_or_else(|| self.connection.cannot("put their token into a variable"))?;
            self.connection.record_release(&self.way.secret_name).await?;
            options.put_token(&self.way.variable, value, &self.way.args);
            Ok(())
        })
    }

    /// Adds what [`apply`](Self::apply) adds with an empty value in place of the token, to show a start that does not
    /// happen. Nothing is recorded.
    pub fn show(self, options: &mut SpawnOptions) {
        options.put_token(&self.way.variable, "", &self.way.args);
    }
}

impl fmt::Debug for ProfileToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileToken")
            .field("connection", &self.connection)
            .field("variable", &self.way.variable)
            .finish_non_exhaustive()
    }
}

impl Profiles {
    /// Returns the token or the API key that the tool gets when it is started with this profile, or `None` if no
    /// connection of the profile holds one. If several do, that of the default connection is returned, else that of the
    /// connection that was connected last. A key is returned only if this connection itself holds it: beside a login of
    /// the tool that is the default, or was connected later, a key is not used.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotAllowed`] when the host's policy does not list the variable or an argument. A connection of
    /// the profile whose credential cannot be opened is an error, too, because the tool would otherwise run with another
    /// login: [`Error::Sealed`], [`Error::Credential`], [`Error::PluginFault`], and errors of the store.
    pub fn token(&self, id: ProfileId) -> BoxFuture<'_, Result<Option<ProfileToken>, Error>> {
        Box::pin(self.find_token(id))
    }

    async fn find_token(&self, id: ProfileId) -> Result<Option<ProfileToken>, Error> {
        let kind = &self.of.kind;
        let entry = self.system.ground.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
        let Some(tool) = entry.descriptor.tools.first() else { return Ok(None) };
        let ways = ways(tool);
        if ways.is_empty() {
            return Ok(None);
        }
        let mut candidates = Vec::new();
        let mut filter = Filter::new().kind(kind.clone()).profile(id);
        loop {
            let page = connection::list(&self.system.ground, &self.of.owner, filter.clone()).await?;
            candidates.extend(page.items);
            match page.next {
                Some(next) => filter = filter.after(next),
                None => break,
            }
        }
        // The list is in the order of connecting. After the stable sort the default is last, so reversed it comes
        // first.
        candidates.sort_by_key(|info| info.is_default);
        for (place, info) in candidates.into_iter().rev().enumerate() {
            let connection = Connection::new(&self.system, info);
            for way in ways.iter().filter(|way| place == 0 || !way.is_key) {
                let taken = match connection.take_secret(&way.secret_name).await {
                    Err(Error::NotFound(_)) => break,
                    taken => taken?,
                };
                if let Some(secret) = taken {
                    let allowed =
                        self.system.ground.local_services.tools.check_token(&tool.binary, &way.variable, &way.args);
                    allowed.map_err(|why| ProfileError::NotAllowed { kind: kind.clone(), why })?;
                    return Ok(Some(ProfileToken { connection, way: way.clone(), secret }));
                }
            }
        }
        Ok(None)
    }
}
