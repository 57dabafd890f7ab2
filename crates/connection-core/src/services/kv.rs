//! The small values that a plugin keeps: by owner and kind, half of them sealed.
//!
//! The halves are two namespaces, so that a name in one says nothing of the other. A sealed value opens for its owner, kind
//! and key alone.

use std::sync::Arc;

use connection_contract::{BoxFuture, Kind, KvService, Secret, ServiceError};

use crate::{
    registry::Shared,
    seal::{Place, kv_key},
    store::{StoreError, rows::KvValue},
};

const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 64 * 1024;

/// The values of one kind and owner.
#[derive(Clone)]
pub(crate) struct StoredValues {
    shared: Arc<Shared>,
    owner: Arc<str>,
    kind: Kind,
}

/// A value, in the half that it is of.
pub(crate) enum Half {
    Public(String),
    Secret(Secret),
}

impl Half {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Public(text) => text.as_bytes(),
            Self::Secret(secret) => secret.expose(),
        }
    }
}

impl StoredValues {
    pub(crate) fn new(shared: &Arc<Shared>, owner: &str, kind: &Kind) -> Self {
        Self { shared: shared.clone(), owner: owner.into(), kind: kind.clone() }
    }

    fn secrets(&self) -> String {
        secrets_of(&self.kind)
    }

    pub(crate) async fn read(&self, key: &str) -> Result<Option<String>, ServiceError> {
        if !fits(key) {
            return Ok(None);
        }
        let (this, key) = (self.clone(), key.to_owned());
        self.on_task(async move {
            let row = this.shared.reader().await.map_err(|_| ServiceError::Unavailable)?;
            let row = { row }.kv(&this.owner, this.kind.as_str(), &key).await.map_err(|error| failed(&error))?;
            Ok(row.and_then(|row| row.value))
        })
        .await
    }

    /// One that does not open, and will not, reads as one that is not there: whoever is told so asks for it again, and a kind
    /// that fails for ever over a broken value could be mended by nobody.
    pub(crate) async fn read_secret(&self, key: &str) -> Result<Option<Secret>, ServiceError> {
        if !fits(key) {
            return Ok(None);
        }
        let (this, key) = (self.clone(), key.to_owned());
        self.on_task(async move {
            if let Some(given) = this.shared.given.read(&this.kind, &key).await {
                return given.map(Some);
            }
            let namespace = this.secrets();
            let row = this.shared.reader().await.map_err(|_| ServiceError::Unavailable)?;
            let row = { row }.kv(&this.owner, &namespace, &key).await.map_err(|error| failed(&error))?;
            let Some(sealed) = row.and_then(|row| row.sealed) else { return Ok(None) };
            let place_key = kv_key(&namespace, &key);
            let opened = this.shared.sealer.open(&place(&place_key, &this.owner), &sealed).await;
            match opened {
                Ok(secret) => Ok(Some(secret)),
                Err(error) => {
                    tracing::warn!(kind = %this.kind, %error, "a secret value of a plugin does not open");
                    if error.may_pass() { Err(ServiceError::Unavailable) } else { Ok(None) }
                }
            }
        })
        .await
    }

    /// Writes, or deletes with `None`: in the half that `secret` says.
    pub(crate) async fn write(&self, key: &str, value: Option<Half>, secret: bool) -> Result<(), ServiceError> {
        let length = value.as_ref().map_or(0, |value| value.bytes().len());
        if key.contains('\0') {
            return Err(ServiceError::Denied);
        }
        if !fits(key) || length > LONGEST_VALUE {
            return Err(ServiceError::TooLarge);
        }
        if secret && self.shared.given.has(&self.kind, key) {
            return Err(ServiceError::Denied);
        }
        let (this, key) = (self.clone(), key.to_owned());
        self.on_task(async move {
            let namespace = if secret { this.secrets() } else { this.kind.to_string() };
            let value = match value {
                None => None,
                Some(Half::Public(text)) => Some(KvValue::Public(text)),
                Some(Half::Secret(secret)) => {
                    let place_key = kv_key(&namespace, &key);
                    let sealed = this.shared.sealer.seal(&place(&place_key, &this.owner), secret.expose()).await;
                    Some(KvValue::Sealed(sealed.map_err(|_| ServiceError::Unavailable)?))
                }
            };
            let owner = this.owner.clone();
            let written = this.shared.store.write(move |tx| {
                Box::pin(async move {
                    match value {
                        Some(value) => tx.put_kv(&owner, &namespace, &key, &value).await,
                        None => tx.delete_kv(&owner, &namespace, &key).await.map(drop),
                    }
                })
            });
            written.await.map_err(|error| failed(&error))
        })
        .await
    }

    /// On a task of the core: the store's connections belong to its runtime, and what was begun is done.
    async fn on_task<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
    ) -> Result<T, ServiceError> {
        self.shared.runtimes.spawn(work).await.unwrap_or(Err(ServiceError::Unavailable))
    }
}

/// The namespace of a kind's secrets; no kind has such a name.
pub(crate) fn secrets_of(kind: &Kind) -> String {
    format!("{kind}/secret")
}

fn place<'a>(key: &'a [u8], owner: &'a str) -> Place<'a> {
    Place { table: "connection_kv", column: "sealed", key, owner, kind: "", sequence: 0 }
}

/// Not every database has text with a zero byte.
fn fits(key: &str) -> bool {
    (1..=LONGEST_KEY).contains(&key.len()) && !key.contains('\0')
}

fn failed(error: &StoreError) -> ServiceError {
    tracing::warn!(%error, "the values of a plugin cannot be read or written");
    ServiceError::Unavailable
}

impl KvService for StoredValues {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(self.read(key))
    }
    fn put<'a>(&'a self, key: &'a str, value: Option<String>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write(key, value.map(Half::Public), false))
    }
    fn get_secret<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(self.read_secret(key))
    }
    fn put_secret<'a>(&'a self, key: &'a str, value: Option<Secret>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write(key, value.map(Half::Secret), true))
    }
}
