//! The key source `environment`: a variable with 32 bytes in base64 or hexadecimal, or with the content of a key file.
//! This source creates no key.
//!
//! A process cannot erase the environment that it was started with, so a user who may read `/proc/PID/environ` can read
//! the key. The host passes the value, so nothing here reads the environment.

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

use super::{KeyError, KeySource, key_file::key_of_file, key_text::key_of_text};

/// A key in an environment variable.
#[derive(Debug)]
pub struct KeyVariable {
    name: String,
    value: Option<SecretString>,
}

impl KeyVariable {
    /// Creates a source for the variable `name` with this value, which is `None` if the variable is not set.
    pub fn new(name: impl Into<String>, value: Option<SecretString>) -> Self {
        Self { name: name.into(), value }
    }
}

#[async_trait]
impl KeySource for KeyVariable {
    fn name(&self) -> String {
        format!("environment {}", self.name)
    }

    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError> {
        let Some(value) = self.value.as_ref().filter(|value| !value.expose_secret().is_empty()) else {
            return Ok(None);
        };
        let text = value.expose_secret().as_bytes();
        let key = key_of_text(text).or_else(|| key_of_file(text));
        key.map(Some).ok_or_else(|| KeyError::Malformed { source_name: self.name() })
    }
}
