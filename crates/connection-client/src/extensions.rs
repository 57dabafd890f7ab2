//! Extensions: what each needs, which connections it may use, and its preferences.

use std::collections::BTreeMap;

use connection_api::{
    AddExtension, Choice, Extension, Grant, GrantRules, NewGrant, Page, RemovedExtension, SetPreferences,
    ShownPreferences,
};
use serde_json::Value;

use crate::{Client, Error};

impl Client {
    /// Returns the extensions that were added, with the state of what they need, and those to which a host granted a
    /// connection without adding them.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn extensions(&self) -> Result<Vec<Extension>, Error> {
        self.get(&["extensions"]).answer().await.map(|page: Page<Extension>| page.items)
    }

    /// Returns an extension, with the state of what it needs.
    ///
    /// # Errors
    ///
    /// As [`extensions`](Self::extensions); with the code `unknown_extension` if there is none.
    pub async fn extension(&self, name: &str) -> Result<Extension, Error> {
        self.get(&["extensions", name]).answer().await
    }

    /// Adds an extension by its manifest. An extension of that name keeps its grants and preferences.
    ///
    /// # Errors
    ///
    /// As [`extensions`](Self::extensions); with the code `invalid_manifest` for a manifest that is not valid.
    pub async fn add_extension(&self, manifest: Value) -> Result<Extension, Error> {
        self.post(&["extensions"]).body(&AddExtension { manifest }, 0).answer().await
    }

    /// Removes an extension with its grants and preferences. Connections stay.
    ///
    /// # Errors
    ///
    /// As [`extension`](Self::extension).
    pub async fn remove_extension(&self, name: &str) -> Result<RemovedExtension, Error> {
        self.delete(&["extensions", name]).answer().await
    }

    /// Lets an extension use a connection, with these of the secrets that it declares, or with all of them.
    ///
    /// # Errors
    ///
    /// As [`extension`](Self::extension), and those of [`connection`](Self::connection).
    pub async fn grant(
        &self,
        extension: &str,
        connection: &str,
        secret_names: Option<Vec<String>>,
    ) -> Result<Grant, Error> {
        let grant = NewGrant { connection: connection.to_owned(), secret_names, rules: None };
        self.post(&["extensions", extension, "grants"]).body(&grant, 0).answer().await
    }

    /// Grants an extension the use of a connection within rules. It receives no secret.
    ///
    /// # Errors
    ///
    /// Those of [`connection`](Self::connection); `unknown_preset` and `invalid_rules` for rules that the connection's kind
    /// does not have or that are not valid.
    pub async fn grant_within(&self, extension: &str, connection: &str, rules: GrantRules) -> Result<Grant, Error> {
        let grant = NewGrant { connection: connection.to_owned(), secret_names: None, rules: Some(rules) };
        self.post(&["extensions", extension, "grants"]).body(&grant, 0).answer().await
    }

    /// Takes a connection away from an extension. Revoking it again changes nothing.
    ///
    /// # Errors
    ///
    /// Those of [`connection`](Self::connection).
    pub async fn revoke_grant(&self, extension: &str, connection: &str) -> Result<(), Error> {
        self.delete(&["extensions", extension, "grants", connection]).nothing().await
    }

    /// Chooses the connection that an extension uses, or the default of its provider. It grants nothing.
    ///
    /// # Errors
    ///
    /// As [`grant`](Self::grant).
    pub async fn choose(&self, extension: &str, connection: Option<&str>) -> Result<Extension, Error> {
        let choice = Choice { connection: connection.map(str::to_owned) };
        self.put(&["extensions", extension, "choice"]).body(&choice, 0).answer().await
    }

    /// Returns the preferences of an extension, or of one of its commands, with their declarations.
    ///
    /// # Errors
    ///
    /// As [`extension`](Self::extension); with the code `undeclared` if there is no such command.
    pub async fn preferences(&self, extension: &str, command: Option<&str>) -> Result<ShownPreferences, Error> {
        self.get(&["extensions", extension, "preferences"]).query("command", command).answer().await
    }

    /// Sets preferences of an extension, or of one of its commands: all of these, or none. `null` resets a preference.
    ///
    /// # Errors
    ///
    /// As [`preferences`](Self::preferences); with the code `invalid_preference` for a value that is not accepted.
    pub async fn set_preferences(
        &self,
        extension: &str,
        command: Option<&str>,
        values: BTreeMap<String, Value>,
    ) -> Result<ShownPreferences, Error> {
        let path = ["extensions", extension, "preferences"];
        let call = self.put(&path).query("command", command);
        call.body(&SetPreferences { values }, 0).answer().await
    }
}
