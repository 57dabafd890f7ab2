//! The token of a connection, which its tool is given in a variable that the kind names.

use std::fmt;

use connection_contract::{Secret, Text};

use super::{ProfileError, Profiles, SpawnOptions};
use crate::{Connection, ConnectionInfo, ConnectionRegistry, Error, Filter, ProfileId};

/// A token that is handed to the tool when it is started with a profile.
pub struct ProfileToken {
    connection: Connection,
    secret_name: Text,
    variable: Text,
    secret: Secret,
}

impl ProfileToken {
    /// The connection that holds the token.
    pub fn connection(&self) -> &ConnectionInfo {
        self.connection.info()
    }

    /// The variable in which the tool reads the token.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// Records that the token is handed out, and puts it into a start of the tool. Another profile that is applied to the
    /// same start takes it out.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the connection is gone meanwhile, [`Error::NotSupported`] for a token that no variable can hold,
    /// and the store's; nothing was put in.
    pub async fn apply(self, options: &mut SpawnOptions) -> Result<(), Error> {
        let value = self.secret.expose_str().filter(|value| !value.contains('\0'));
        let value = value.ok_or_else(|| self.connection.cannot("put its token into a variable"))?;
        self.connection.record_release(&self.secret_name).await?;
        options.put_token(&self.variable, value);
        Ok(())
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
    /// Returns the token that the tool is given when it is started with this profile; `None` if no connection of the profile
    /// holds one. Of several, that of the default connection is returned, or of the one that was connected last.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotAllowed`] when the host's policy does not list the variable. A connection of the profile whose
    /// credential cannot be opened is an error, too, because the tool would otherwise run with another login:
    /// [`Error::Sealed`], [`Error::Credential`], [`Error::PluginFault`], and the store's.
    pub async fn token(&self, id: ProfileId) -> Result<Option<ProfileToken>, Error> {
        let kind = &self.kind;
        let entry = self.shared.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
        let Some(tool) = entry.descriptor.tools.first() else { return Ok(None) };
        let Some((secret_name, variable)) = tool
            .sign_in
            .as_ref()
            .and_then(|sign_in| Some((sign_in.token_secret.clone()?, sign_in.token_env_var.clone()?)))
        else {
            return Ok(None);
        };
        let registry = ConnectionRegistry { shared: self.shared.clone(), owner: self.owner.clone() };
        let (mut candidates, mut filter) = (Vec::new(), Filter::new().kind(kind.clone()).profile(id));
        loop {
            let page = registry.list_connections(filter.clone()).await?;
            candidates.extend(page.connections);
            match page.next {
                Some(next) => filter = filter.after(next),
                None => break,
            }
        }
        // The last one became usable last.
        candidates.sort_by_key(|info| info.is_default);
        for info in candidates.into_iter().rev() {
            let connection = Connection { shared: self.shared.clone(), info: info.into() };
            let taken = match connection.take_secret(&secret_name).await {
                Err(Error::NotFound(_)) => continue,
                taken => taken?,
            };
            if let Some(secret) = taken {
                let allowed = self.shared.lent.tools.check_token(&tool.binary, &variable);
                allowed.map_err(|why| ProfileError::NotAllowed { kind: kind.clone(), why })?;
                return Ok(Some(ProfileToken { connection, secret_name, variable, secret }));
            }
        }
        Ok(None)
    }
}
