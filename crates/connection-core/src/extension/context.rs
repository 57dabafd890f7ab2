//! What one command of an extension runs with.

use connection_contract::{Secret, SecretName, Value};

use super::environment;
use crate::Error;

/// For one run of a command: public values, and the secrets that were declared and granted. `Debug` shows no secret, and
/// they are wiped when this is dropped.
#[derive(Debug)]
pub struct CommandContext {
    pub(super) command: Option<String>,
    pub(super) public_config: Value,
    pub(super) preferences: Vec<(String, Value)>,
    pub(super) secrets: Vec<(SecretName, Secret)>,
}

impl CommandContext {
    /// The command; `None` for the extension as a whole.
    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// What is public of the connection: an object.
    pub fn public_config(&self) -> &Value {
        &self.public_config
    }

    /// What the extension and the command are set to.
    pub fn preference(&self, name: &str) -> Option<&Value> {
        self.preferences.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// A secret that was declared.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.iter().find(|(known, _)| known.as_str() == name).map(|(_, secret)| secret)
    }

    /// The secrets, in the order of the declaration.
    pub fn secrets(&self) -> impl Iterator<Item = (&SecretName, &Secret)> {
        self.secrets.iter().map(|(name, secret)| (name, secret))
    }

    /// The same as variables of a process, for a command that is a program. A secret's name becomes words in capital
    /// letters: `accessToken` is `ACCESS_TOKEN`. What is public has `PUBLIC_` before it: `apiBaseUrl` is
    /// `PUBLIC_API_BASE_URL`; and what the extension and the command are set to has `PREFERENCE_`: `defaultDatabase` is
    /// `PREFERENCE_DEFAULT_DATABASE`. Text is as it is and all else as JSON. Every value is given as a secret, so that none
    /// is printed.
    ///
    /// The context was a use already; [`ExtensionHandle::environment`](super::ExtensionHandle::environment) is none where
    /// this is refused.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Variable`](super::ExtensionError::Variable) when two names become one variable, or one that
    /// the system reads by itself, or when a value cannot be one: it is no text, or has a zero byte.
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
