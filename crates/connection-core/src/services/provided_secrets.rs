//! Secret values that the host provides to a kind, in place of values that the kind would store. An example is the
//! application that the operator registered at a provider.

use std::{collections::HashMap, error::Error as StdError, fmt, sync::Arc};

use async_trait::async_trait;
use connection_contract::{Kind, Secret, ServiceError};
use connection_seal::SecretFile;

/// The name of the secret value that holds the private key of the store, as PKCS#8 in PEM, for kinds that learn addresses
/// from their provider. The public key is that of
/// [`ConnectionRegistry::client_key_set`](crate::ConnectionRegistry::client_key_set).
pub(crate) const CLIENT_SIGNING_KEY: &str = "client-signing-key";

/// A secret value that a host provides to a kind.
#[async_trait]
pub trait HostSecret: Send + Sync + fmt::Debug {
    /// Returns the value, in the form in which the kind would store it.
    ///
    /// # When it is called
    ///
    /// Each time the kind reads the value, so that a new value takes effect at once; in a setup, once. Also when a registry
    /// is opened, and every ten seconds while its scheduler runs, so that the connections are renewed for which the former
    /// value was refused. There, it is waited for in the background, and for at most five seconds.
    ///
    /// # Errors
    ///
    /// The value is not available now. The error's text is logged, so it must not contain a secret.
    async fn read(&self) -> Result<Secret, Box<dyn StdError + Send + Sync>>;
}

/// The provided values, by kind and key.
#[derive(Debug, Default)]
pub(crate) struct ProvidedSecrets(HashMap<(Kind, String), Arc<dyn HostSecret>>);

impl ProvidedSecrets {
    pub(crate) fn give(&mut self, kind: Kind, key: String, value: Arc<dyn HostSecret>) {
        self.0.insert((kind, key), value);
    }

    pub(crate) fn has(&self, kind: &Kind, key: &str) -> bool {
        self.find(kind, key).is_some()
    }

    /// Returns the value, if the host provides one.
    pub(crate) async fn read(&self, kind: &Kind, key: &str) -> Option<Result<Secret, ServiceError>> {
        let value = self.find(kind, key)?;
        Some(value.read().await.map_err(|error| {
            tracing::warn!(%kind, key, error, "a value that the host provides cannot be read");
            ServiceError::Unavailable
        }))
    }

    /// Returns all values, each with its kind and key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Kind, &str, &Arc<dyn HostSecret>)> {
        self.0.iter().map(|((kind, key), value)| (kind, key.as_str(), value))
    }

    fn find(&self, kind: &Kind, key: &str) -> Option<&Arc<dyn HostSecret>> {
        self.0.get(&(kind.clone(), key.to_owned()))
    }
}

#[async_trait]
impl HostSecret for SecretFile {
    async fn read(&self) -> Result<Secret, Box<dyn StdError + Send + Sync>> {
        Ok(Self::read(self).await?)
    }
}
