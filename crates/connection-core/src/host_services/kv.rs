//! The small values that a plugin stores, separately for each owner: public values, secrets of the kind, and
//! secrets that the kinds of one provider share.
//!
//! Each part has its own namespace, so a key in one part says nothing about the others. A sealed value opens only
//! for its owner, namespace and key.

use std::sync::Arc;

use connection_contract::{BoxFuture, Descriptor, Kind, KvService, Secret, ServiceError, Text};

pub(crate) use connection_replay::Part;

use crate::{
    ground::Ground,
    keys::ClientKey,
    kinds::KindEntry,
    services::provided_secrets::CLIENT_SIGNING_KEY,
    store::{STORED_VALUE, SealedCell, SealedKey, StoreError, rows::KvValue},
};

const MAX_KEY_LENGTH: usize = 128;
const MAX_VALUE_LENGTH: usize = 64 * 1024;
const MAX_ORIGINS: usize = 8;

/// The values of one kind and owner.
#[derive(Clone)]
pub(crate) struct StoredValues {
    ground: Arc<Ground>,
    owner: Arc<str>,
    kind: Arc<KindEntry>,
}

fn namespace(part: &Part, kind: &KindEntry) -> String {
    match part {
        Part::Public => kind.kind().to_string(),
        Part::Secret => secrets_of(kind.kind()),
        Part::Shared(origins) => format!("{}{}", shared_of(&kind.descriptor.provider), origins.join(" ")),
    }
}

impl StoredValues {
    pub(crate) fn new(ground: &Arc<Ground>, owner: &str, kind: &Arc<KindEntry>) -> Self {
        Self { ground: ground.clone(), owner: owner.into(), kind: kind.clone() }
    }

    /// Reads a value. A sealed value that can never be opened reads as absent, so that the plugin asks for it
    /// again. Otherwise nobody could repair a kind with a broken value.
    pub(crate) async fn read(&self, part: &Part, key: &str) -> Result<Option<Secret>, ServiceError> {
        self.allowed(part)?;
        if !fits(key) {
            return Ok(None);
        }
        let this = self.clone();
        let part = part.clone();
        let key = key.to_owned();
        self.on_task(async move {
            if matches!(part, Part::Secret)
                && let Some(given) = this.provided(&key).await
            {
                return given.map(Some);
            }
            let namespace = namespace(&part, &this.kind);
            let row = this.ground.reader().await.map_err(|_| ServiceError::Unavailable)?;
            let row = { row }.kv(&this.owner, &namespace, &key).await.map_err(|error| failed(&error))?;
            let Some(row) = row else { return Ok(None) };
            if matches!(part, Part::Public) {
                return Ok(row.value.map(Secret::from));
            }
            let Some(sealed) = row.sealed else { return Ok(None) };
            let opened = this.ground.open_or_lost(&this.cell(&namespace, &key), &sealed).await;
            opened.map_err(|error| {
                tracing::warn!(%error, "a secret value of a plugin cannot be opened now");
                ServiceError::Unavailable
            })
        })
        .await
    }

    /// Writes a value, or deletes it with `None`.
    pub(crate) async fn write(&self, part: &Part, key: &str, value: Option<Secret>) -> Result<(), ServiceError> {
        self.allowed(part)?;
        let length = value.as_ref().map_or(0, |value| value.expose().len());
        if key.contains('\0') {
            return Err(ServiceError::Denied);
        }
        if !fits(key) || length > MAX_VALUE_LENGTH {
            return Err(ServiceError::TooLarge);
        }
        if matches!(part, Part::Secret) && self.is_provided(key) {
            return Err(ServiceError::Denied);
        }
        let this = self.clone();
        let part = part.clone();
        let key = key.to_owned();
        self.on_task(async move {
            let namespace = namespace(&part, &this.kind);
            let value = match (value, &part) {
                (None, _) => None,
                (Some(text), Part::Public) => text.expose_str().map(|text| KvValue::Public(text.to_owned())),
                (Some(secret), _) => {
                    let sealed = this.ground.seal(&this.cell(&namespace, &key), secret.expose()).await;
                    Some(KvValue::Sealed(sealed.map_err(|_| ServiceError::Unavailable)?))
                }
            };
            let owner = this.owner.clone();
            let written = this.ground.store.write(move |tx| {
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

    fn cell(&self, namespace: &str, key: &str) -> SealedCell {
        STORED_VALUE.cell(SealedKey::Value(namespace.to_owned(), key.to_owned()), &self.owner, "")
    }

    /// Returns the secret value that the host provides to the kind under this key. A kind that serves every owner and learns
    /// addresses from its provider has the key of the store, unless the host provides another one.
    async fn provided(&self, key: &str) -> Option<Result<Secret, ServiceError>> {
        match self.ground.provided_secrets.read(self.kind.kind(), key).await {
            None if self.has_store_key(key) => ClientKey::of(&self.ground.sealer)?.private().map(Ok),
            given => given,
        }
    }

    /// Returns `true` if the host provides the secret value of this key, so that the kind cannot write it.
    fn is_provided(&self, key: &str) -> bool {
        self.ground.provided_secrets.has(self.kind.kind(), key) || self.has_store_key(key)
    }

    /// Returns `true` if this key is that of the kind's value with the key of the store.
    fn has_store_key(&self, key: &str) -> bool {
        let Descriptor { discovers, extension, .. } = &self.kind.descriptor;
        key == CLIENT_SIGNING_KEY && *discovers && extension.is_none()
    }

    /// Checks that a kind shares values only for origins that its descriptor declares.
    fn allowed(&self, part: &Part) -> Result<(), ServiceError> {
        let Part::Shared(origins) = part else { return Ok(()) };
        let is_fit = (1..=MAX_ORIGINS).contains(&origins.len());
        let is_declared = origins.iter().all(|origin| self.kind.checked.declares_text(origin));
        if is_fit && is_declared { Ok(()) } else { Err(ServiceError::Denied) }
    }

    /// Runs `work` on a task of the core: the store's connections belong to the core's runtime, and a write that has
    /// begun is completed.
    async fn on_task<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
    ) -> Result<T, ServiceError> {
        self.ground.runtimes.spawn(work).await.unwrap_or(Err(ServiceError::Unavailable))
    }
}

/// Returns the namespace of a kind's secrets. No kind has such a name.
pub(crate) fn secrets_of(kind: &Kind) -> String {
    format!("{kind}/secret")
}

/// Returns the prefix of the namespaces of the secrets that a provider's kinds share. The origins follow.
pub(crate) fn shared_of(provider: &Kind) -> String {
    format!("{provider}/shared ")
}

pub(crate) fn text(value: Option<Secret>) -> Option<String> {
    value.and_then(|value| value.expose_str().map(str::to_owned))
}

/// Returns `true` for a key of valid length without zero bytes, which not every database can store in text.
fn fits(key: &str) -> bool {
    (1..=MAX_KEY_LENGTH).contains(&key.len()) && !key.contains('\0')
}

fn failed(error: &StoreError) -> ServiceError {
    tracing::warn!(%error, "the values of a plugin cannot be read or written");
    ServiceError::Unavailable
}

impl KvService for StoredValues {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move { Ok(text(self.read(&Part::Public, key).await?)) })
    }

    fn put<'a>(&'a self, key: &'a str, value: Option<String>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write(&Part::Public, key, value.map(Secret::from)))
    }

    fn get_secret<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(self.read(&Part::Secret, key))
    }

    fn put_secret<'a>(&'a self, key: &'a str, value: Option<Secret>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write(&Part::Secret, key, value))
    }

    fn get_shared<'a>(
        &'a self,
        origins: &'a [Text],
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(async move { self.read(&Part::shared(origins), key).await })
    }

    fn put_shared<'a>(
        &'a self,
        origins: &'a [Text],
        key: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(async move { self.write(&Part::shared(origins), key, value).await })
    }
}
