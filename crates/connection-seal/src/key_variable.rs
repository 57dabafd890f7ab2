//! The key source `environment`: a variable with 32 bytes in base64 or hexadecimal. It is never made.
//!
//! A process cannot erase the environment that it was started with: who may read `/proc/PID/environ` reads the key. The
//! value is given by the host, so that nothing here reads the environment.

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

use super::{KeyError, KeySource, key_text::key_of_text};

/// A key in a variable of the environment.
#[derive(Debug)]
pub struct KeyVariable {
    name: String,
    value: Option<SecretString>,
}

impl KeyVariable {
    /// The variable of that name, and what it holds; `None` when it is not set.
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
        let key = key_of_text(value.expose_secret().as_bytes());
        key.map(Some).ok_or_else(|| KeyError::Malformed { source_name: self.name() })
    }
}
