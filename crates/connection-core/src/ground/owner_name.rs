//! The names by which people know the owners: what a person reads who connects an account for somebody else.
//!
//! A name is sealed for its owner, so that nobody who edits the database can put the name of one owner into the place
//! of another.

use connection_contract::{DisplayText, Secret};
use connection_seal::Place;

use super::Ground;
use crate::{Error, keys::kv_key, store::rows::KvValue};

/// The namespace of the value. No kind has such a name.
const NAMESPACE: &str = "/owner";
const KEY: &str = "display-name";

fn place<'a>(key: &'a [u8], owner: &'a str) -> Place<'a> {
    Place { table: "connection_kv", column: "sealed", key, owner, kind: "", sequence: 0 }
}

impl Ground {
    /// Returns the name of an owner, or `None` for an owner without one. A name that can never be opened reads as
    /// absent, so that the owner itself is shown in its place.
    pub(crate) async fn display_name(&self, owner: &str) -> Result<Option<DisplayText>, Error> {
        let row = self.reader().await?.kv(owner, NAMESPACE, KEY).await?;
        let Some(sealed) = row.and_then(|row| row.sealed) else { return Ok(None) };
        match self.sealer.open(&place(&kv_key(NAMESPACE, KEY), owner), &sealed).await {
            Ok(name) => Ok(name.expose_str().map(|name| name.to_owned().into())),
            Err(error) if error.may_pass() => Err(failed(owner, error)),
            Err(error) => {
                tracing::warn!(owner, %error, "the name of an owner cannot be opened");
                Ok(None)
            }
        }
    }

    /// Sets the name of an owner, or removes it.
    pub(crate) async fn set_display_name(&self, owner: &str, name: Option<DisplayText>) -> Result<(), Error> {
        let value = match name {
            None => None,
            Some(name) => {
                let key = kv_key(NAMESPACE, KEY);
                let name = Secret::from(name.as_str());
                let sealed = self.sealer.seal(&place(&key, owner), name.expose()).await;
                Some(KvValue::Sealed(sealed.map_err(|error| failed(owner, error))?))
            }
        };
        let owner = owner.to_owned();
        let written = self.store.write(move |tx| {
            Box::pin(async move {
                match value {
                    Some(value) => tx.put_kv(&owner, NAMESPACE, KEY, &value).await,
                    None => tx.delete_kv(&owner, NAMESPACE, KEY).await.map(drop),
                }
            })
        });
        Ok(written.await?)
    }
}

fn failed(owner: &str, source: connection_seal::SealError) -> Error {
    Error::Sealed { what: format!("the name of the owner '{owner}'"), source: std::sync::Arc::new(source) }
}
