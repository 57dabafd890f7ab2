//! The token of a connection, which its tool gets in a variable that the kind names.

use std::fmt;

use connection_contract::{BoxFuture, Secret, Text};

use super::{Profiles, SpawnOptions};
use crate::{Connection, ConnectionInfo, Error, Filter, ProfileError, ProfileId, connection};

/// A token that the tool gets when it is started with a profile.
pub struct ProfileToken {
    connection: Connection,
    secret_name: Text,
    variable: Text,
    secret: Secret,
}

impl ProfileToken {
    /// Returns the connection that holds the token.
    pub fn connection(&self) -> &ConnectionInfo {
        self.connection.info()
    }

    /// Returns the name of the variable from which the tool reads the token.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// Records the release of the token, and adds it to a start of the tool. Applying another profile to the same
    /// start removes it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the connection was removed in the meantime, [`Error::NotSupported`] for a token that
    /// no variable can hold, and errors of the store. The options are then unchanged.
    pub fn apply(self, options: &mut SpawnOptions) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let value = self.secret.expose_str().filter(|value| !value.contains('\0'));
            let value = value.ok_or_else(|| self.connection.cannot("put their token into a variable"))?;
            self.connection.record_release(&self.secret_name).await?;
            options.put_token(&self.variable, value);
            Ok(())
        })
    }
}

impl fmt::Debug for ProfileToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileToken")
            .field("connection", &self.connection)
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}

impl Profiles {
    /// Returns the token that the tool gets when it is started with this profile, or `None` if no connection of the
    /// profile holds one. If several do, the token of the default connection is returned, else that of the
    /// connection that was connected last.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotAllowed`] when the host's policy does not list the variable. A connection of the profile
    /// whose credential cannot be opened is an error, too, because the tool would otherwise run with another login:
    /// [`Error::Sealed`], [`Error::Credential`], [`Error::PluginFault`], and errors of the store.
    pub fn token(&self, id: ProfileId) -> BoxFuture<'_, Result<Option<ProfileToken>, Error>> {
        Box::pin(self.find_token(id))
    }

    async fn find_token(&self, id: ProfileId) -> Result<Option<ProfileToken>, Error> {
        let kind = &self.of.kind;
        let entry = self.shared.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
        let Some(tool) = entry.descriptor.tools.first() else { return Ok(None) };
        let Some((secret_name, variable)) = tool
            .sign_in
            .as_ref()
            .and_then(|sign_in| Some((sign_in.token_secret.clone()?, sign_in.token_env_var.clone()?)))
        else {
            return Ok(None);
        };
        let mut candidates = Vec::new();
        let mut filter = Filter::new().kind(kind.clone()).profile(id);
        loop {
            let page = connection::list(&self.shared, &self.of.owner, filter.clone()).await?;
            candidates.extend(page.connections);
            match page.next {
                Some(next) => filter = filter.after(next),
                None => break,
            }
        }
        // The list is in the order of connecting. After the stable sort the default is last, so reversed it comes
        // first.
        candidates.sort_by_key(|info| info.is_default);
        for info in candidates.into_iter().rev() {
            let connection = Connection::new(&self.shared, info);
            let taken = match connection.take_secret(&secret_name).await {
                Err(Error::NotFound(_)) => continue,
                taken => taken?,
            };
            if let Some(secret) = taken {
                let allowed = self.shared.local_services.tools.check_token(&tool.binary, &variable);
                allowed.map_err(|why| ProfileError::NotAllowed { kind: kind.clone(), why })?;
                return Ok(Some(ProfileToken { connection, secret_name, variable, secret }));
            }
        }
        Ok(None)
    }
}
