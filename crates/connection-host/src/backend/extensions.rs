//! Extensions: what each needs, which connections it may use, and its preferences.

use async_trait::async_trait;
use connection_api::{Extension, Grant, GrantRules, RemovedExtension, ShownPreferences};
use connection_contract::{Clock as _, SecretName, Timestamp, Value};
use connection_core::{ConnectionId, ExtensionError, SystemClock};
use connection_manifest::ExtensionFile;
use connection_server::{
    agents::{self, AgentRefusal},
    convert, view,
};

use super::{Local, Remote};
use crate::{
    Error, Exit,
    extensions::{explained, handle},
};

/// The operations on extensions.
#[async_trait(?Send)]
pub(crate) trait Extensions {
    /// Returns the extensions, and those to which a host granted a connection without adding them.
    async fn extensions(&self) -> Result<Vec<Extension>, Error>;

    /// Returns an extension that was added.
    async fn extension(&self, name: &str) -> Result<Extension, Error>;

    /// Adds an extension by its manifest, or replaces the one of the same name.
    async fn add_extension(&self, file: ExtensionFile, manifest: String) -> Result<Extension, Error>;

    /// Removes an extension with its grants and preferences.
    async fn remove_extension(&self, name: &str) -> Result<RemovedExtension, Error>;

    /// Lets an extension use a connection, with these of its secrets.
    async fn grant(&self, extension: &str, connection: &str, secret_names: Vec<String>) -> Result<Grant, Error>;

    /// Lets an extension use a connection within rules, without its secrets.
    async fn grant_within(&self, extension: &str, connection: &str, rules: GrantRules) -> Result<Grant, Error>;

    /// Revokes a grant. Returns it as it is then; `None` if somebody else has revoked it.
    async fn revoke(&self, grant: Grant) -> Result<Option<Grant>, Error>;

    /// Chooses the connection that an extension uses, or none.
    async fn choose(&self, extension: &str, connection: Option<&str>) -> Result<Extension, Error>;

    /// Returns the preferences of an extension, or of one of its commands.
    async fn preferences(&self, extension: &str, command: Option<&str>) -> Result<ShownPreferences, Error>;

    /// Sets a preference, or resets it to its default without a value. Returns all of them.
    async fn set_preference(
        &self,
        extension: &str,
        command: Option<&str>,
        name: &str,
        value: Option<Value>,
    ) -> Result<ShownPreferences, Error>;
}

impl Local {
    async fn or_explained<T>(&self, done: Result<T, connection_core::Error>) -> Result<T, Error> {
        match done {
            Ok(done) => Ok(done),
            Err(error) => Err(explained(&self.registry, error).await),
        }
    }
}

fn connection_id(text: &str) -> Result<ConnectionId, Error> {
    text.parse().map_err(|_| Error::new(Exit::NotFound, "not_found", "there is no such connection"))
}

#[async_trait(?Send)]
impl Extensions for Local {
    async fn extensions(&self) -> Result<Vec<Extension>, Error> {
        Ok(view::extensions(&self.registry, None, None).await?.items)
    }

    async fn extension(&self, name: &str) -> Result<Extension, Error> {
        self.or_explained(view::extension(&self.registry, name).await).await
    }

    async fn add_extension(&self, file: ExtensionFile, manifest: String) -> Result<Extension, Error> {
        let name = self.registry.extensions().add(&file.into_declaration(), manifest).await?.name;
        self.extension(&name).await
    }

    async fn remove_extension(&self, name: &str) -> Result<RemovedExtension, Error> {
        let revoked = self.extension(name).await?.grants.len();
        if !self.registry.extensions().remove(name).await? {
            // Another process has removed it first.
            return Err(connection_core::Error::from(ExtensionError::Unknown(name.to_owned().into())).into());
        }
        Ok(RemovedExtension { name: name.to_owned(), revoked })
    }

    async fn grant(&self, extension: &str, connection: &str, secret_names: Vec<String>) -> Result<Grant, Error> {
        let handle = handle(&self.registry, extension).await?;
        let declared = handle.requirement().auth.secret_names.iter();
        let names: Vec<SecretName> =
            declared.filter(|known| secret_names.iter().any(|name| known.as_str() == name)).cloned().collect();
        let connection = self.connection(connection).await?;
        let granted = self.registry.extensions().grant(handle.name(), connection.id(), &names).await;
        Ok(convert::grant(&self.or_explained(granted).await?, connection.info()))
    }

    async fn grant_within(&self, extension: &str, connection: &str, rules: GrantRules) -> Result<Grant, Error> {
        let handle = handle(&self.registry, extension).await?;
        let connection = self.connection(connection).await?;
        match agents::grant_within(&self.registry, handle.name(), connection.info(), &rules).await {
            Err(AgentRefusal::Core(error)) => self.or_explained(Err(error)).await,
            granted => Ok(granted?),
        }
    }

    async fn revoke(&self, grant: Grant) -> Result<Option<Grant>, Error> {
        let id = connection_id(&grant.connection)?;
        if !self.registry.extensions().revoke(&grant.extension, id).await? {
            return Ok(None);
        }
        let now = self.registry.extensions().grants_of(&[id]).await?.into_iter();
        let at = now.filter(|known| known.extension == grant.extension);
        let revoked_at = at.filter_map(|known| known.revoked_at).max().map(Timestamp::to_rfc3339);
        Ok(Some(Grant { revoked_at, ..grant }))
    }

    async fn choose(&self, extension: &str, connection: Option<&str>) -> Result<Extension, Error> {
        let handle = handle(&self.registry, extension).await?;
        let chosen = match connection {
            Some(connection) => self.registry.extensions().choose(handle.name(), connection_id(connection)?).await,
            None => self.registry.extensions().clear_choice(handle.name()).await.map(drop),
        };
        self.or_explained(chosen).await?;
        self.extension(extension).await
    }

    async fn preferences(&self, extension: &str, command: Option<&str>) -> Result<ShownPreferences, Error> {
        let handle = handle(&self.registry, extension).await?;
        let read = self.or_explained(handle.preferences(command).await).await?;
        Ok(view::preferences(&handle, command, &read))
    }

    async fn set_preference(
        &self,
        extension: &str,
        command: Option<&str>,
        name: &str,
        value: Option<Value>,
    ) -> Result<ShownPreferences, Error> {
        let handle = handle(&self.registry, extension).await?;
        let change = handle.set_preferences(command);
        let change = match value {
            Some(value) => change.set(name, value),
            None => change.unset(name),
        };
        self.or_explained(change.await).await?;
        let read = self.or_explained(handle.preferences(command).await).await?;
        Ok(view::preferences(&handle, command, &read))
    }
}

#[async_trait(?Send)]
impl Extensions for Remote {
    async fn extensions(&self) -> Result<Vec<Extension>, Error> {
        Ok(self.client.extensions().await?)
    }

    async fn extension(&self, name: &str) -> Result<Extension, Error> {
        Ok(self.client.extension(name).await?)
    }

    async fn add_extension(&self, _: ExtensionFile, manifest: String) -> Result<Extension, Error> {
        // A manifest that was parsed is JSON.
        let manifest = serde_json::from_str(&manifest).map_err(|_| Error::usage("the manifest is not JSON"))?;
        Ok(self.client.add_extension(manifest).await?)
    }

    async fn remove_extension(&self, name: &str) -> Result<RemovedExtension, Error> {
        Ok(self.client.remove_extension(name).await?)
    }

    async fn grant(&self, extension: &str, connection: &str, secret_names: Vec<String>) -> Result<Grant, Error> {
        Ok(self.client.grant(extension, connection, Some(secret_names)).await?)
    }

    async fn grant_within(&self, extension: &str, connection: &str, rules: GrantRules) -> Result<Grant, Error> {
        Ok(self.client.grant_within(extension, connection, rules).await?)
    }

    async fn revoke(&self, grant: Grant) -> Result<Option<Grant>, Error> {
        self.client.revoke_grant(&grant.extension, &grant.connection).await?;
        // The server does not say when; the grant was there when the command read it.
        Ok(Some(Grant { revoked_at: Some(SystemClock::new().now().to_rfc3339()), ..grant }))
    }

    async fn choose(&self, extension: &str, connection: Option<&str>) -> Result<Extension, Error> {
        Ok(self.client.choose(extension, connection).await?)
    }

    async fn preferences(&self, extension: &str, command: Option<&str>) -> Result<ShownPreferences, Error> {
        Ok(self.client.preferences(extension, command).await?)
    }

    async fn set_preference(
        &self,
        extension: &str,
        command: Option<&str>,
        name: &str,
        value: Option<Value>,
    ) -> Result<ShownPreferences, Error> {
        let json = |value: Value| serde_json::from_str(&value.to_string()).unwrap_or_default();
        let value = value.map_or(serde_json::Value::Null, json);
        Ok(self.client.set_preferences(extension, command, [(name.to_owned(), value)].into()).await?)
    }
}
