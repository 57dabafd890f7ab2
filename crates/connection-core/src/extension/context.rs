//! The values that one command of an extension runs with.

use connection_contract::{Secret, SecretName, Value};

use super::environment;
use crate::Error;

/// The values for one run of a command: public values, and the secrets that were declared and granted. `Debug` shows no
/// secret, and the secrets are wiped when this value is dropped.
#[derive(Debug)]
pub struct CommandContext {
    pub(super) command: Option<String>,
    pub(super) public_config: Value,
    pub(super) preferences: Vec<(String, Value)>,
    pub(super) secrets: Vec<(SecretName, Secret)>,
}

impl CommandContext {
    /// Returns the command; `None` for the extension as a whole.
    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// Returns the public configuration of the connection, as an object.
    pub fn public_config(&self) -> &Value {
        &self.public_config
    }

    /// Returns the value of a preference of the extension or the command.
    pub fn preference(&self, name: &str) -> Option<&Value> {
        self.preferences.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns the secret that the extension declares by this name.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.iter().find(|(known, _)| known.as_str() == name).map(|(_, secret)| secret)
    }

    /// Returns the secrets, in the order of the declaration.
    pub fn secrets(&self) -> impl Iterator<Item = (&SecretName, &Secret)> {
        self.secrets.iter().map(|(name, secret)| (name, secret))
    }

    /// Returns the values as environment variables, for a command that is a program: first the secrets, in the order of the
    /// declaration.
    ///
    /// The name of a secret becomes words in capital letters: `accessToken` is `ACCESS_TOKEN`. A public value has the
    /// prefix `PUBLIC_`: `apiBaseUrl` is `PUBLIC_API_BASE_URL`. A preference has the prefix `PREFERENCE_`:
    /// `defaultDatabase` is `PREFERENCE_DEFAULT_DATABASE`. Text stays as it is, and everything else is JSON. Every
    /// value is a [`Secret`], so that none is printed.
    ///
    /// The use was already recorded when this context was created. If the variables are refused,
    /// [`ExtensionHandle::environment`](super::ExtensionHandle::environment) records no use.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Variable`](super::ExtensionError::Variable) if two names become the same variable, or a
    /// variable that the system reads, or if a value is not text or contains a zero byte.
    pub fn environment(&self) -> Result<Vec<(String, Secret)>, Error> {
        let secrets = self.secrets.iter().map(|(name, secret)| (name.as_str(), "", secret.duplicate()));
        let public = match &self.public_config {
            Value::Map(fields) => fields.as_slice(),
            _ => &[],
        };
        let public = public.iter().map(|(name, value)| (name.as_str(), "PUBLIC_", environment::text(value)));
        let set = self.preferences.iter();
        let set = set.map(|(name, value)| (name.as_str(), "PREFERENCE_", environment::text(value)));
        Ok(environment::variables(secrets.chain(public).chain(set))?)
    }
}
