//! The names by which people know the owners: what a person reads who connects an account for somebody else.
//!
//! A name is sealed for its owner, so that nobody who edits the database can put the name of one owner into the place
//! of another.

use connection_contract::{DisplayText, Secret};

use super::Ground;
use crate::{
    Error,
    store::{STORED_VALUE, SealedCell, SealedKey, rows::KvValue},
};

/// The namespace of the value. No kind has such a name.
const NAMESPACE: &str = "/owner";
const KEY: &str = "display-name";

fn cell(owner: &str) -> SealedCell {
    STORED_VALUE.cell(SealedKey::Value(NAMESPACE.into(), KEY.into()), owner, "")
}

impl Ground {
    /// Returns the name of an owner, or `None` for an owner without one. A name that can never be opened reads as
    /// absent, so that the owner itself is shown in its place.
    pub(crate) async fn display_name(&self, owner: &str) -> Result<Option<DisplayText>, Error> {
        let row = self.reader().await?.kv(owner, NAMESPACE, KEY).await?;
        let Some(sealed) = row.and_then(|row| row.sealed) else { return Ok(None) };
        let name = self.open_or_lost(&cell(owner), &sealed).await?;
        Ok(name.and_then(|name| name.expose_str().map(|name| name.to_owned().into())))
    }

    /// Sets the name of an owner, or removes it.
    pub(crate) async fn set_display_name(&self, owner: &str, name: Option<DisplayText>) -> Result<(), Error> {
        let value = match name {
            None => None,
            Some(name) => {
                let name = Secret::from(name.as_str());
                Some(KvValue::Sealed(self.seal(&cell(owner), name.expose()).await?))
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
