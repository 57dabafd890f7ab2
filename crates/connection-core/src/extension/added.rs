//! The extensions that a person added: their declarations as text, which the core keeps and does not read.

use connection_contract::{DisplayText, ExtensionDeclaration, Kind, Timestamp};

use super::{ChangedPart, ExtensionChange, ExtensionError, grants};
use crate::{
    ConnectionRegistry, Error,
    requirement::fingerprint,
    store::{Lock, StoreError, rows::ExtensionRow},
};

/// Of a declaration, in bytes.
const LONGEST: usize = 1 << 20;

/// An extension that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionInfo {
    /// Its name.
    pub name: String,
    /// Whose connection it needs.
    pub provider: Kind,
    /// Its declaration, as the host gave it.
    pub source: String,
    /// Since when.
    pub added_at: Timestamp,
}

impl ExtensionInfo {
    fn of(row: ExtensionRow) -> Option<Self> {
        let ExtensionRow { name, provider, source, added_at, .. } = row;
        Some(Self { name, provider: Kind::parse(&provider)?, source, added_at: Timestamp::from_seconds(added_at) })
    }
}

impl ConnectionRegistry {
    /// Adds an extension, with its declaration as a host read it, so that it is there when the host starts again. One of
    /// that name gets this declaration; what it was granted and set to stays.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Declaration`], [`ExtensionError::TooLarge`], and the store's.
    pub async fn add_extension(
        &self,
        declaration: &ExtensionDeclaration,
        source: impl Into<String>,
    ) -> Result<ExtensionInfo, Error> {
        declaration.check().map_err(ExtensionError::from)?;
        let source = source.into();
        if source.len() > LONGEST || source.contains('\0') {
            return Err(ExtensionError::TooLarge { extension: declaration.name.to_string().into() }.into());
        }
        let print = fingerprint(&declaration.requirement);
        let (name, owner) = (declaration.name.to_string(), self.owner.to_string());
        let row = ExtensionRow {
            name: name.clone(),
            provider: declaration.requirement.provider.to_string(),
            source,
            fingerprint: print.to_vec(),
            added_at: self.shared.clock.now().seconds(),
        };
        let (whose, asked) = (owner.clone(), name.clone());
        let added = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&whose)).await?;
                tx.put_extension(&whose, &row).await?;
                // When it was first added stays.
                tx.extension(&whose, &asked).await
            })
        });
        let added = added.await?.and_then(ExtensionInfo::of);
        self.shared.extensions.declared(&owner, &name, print);
        added.ok_or_else(|| ExtensionError::Unknown(name.into()).into())
    }

    /// Removes an extension: what it was granted is revoked, and what it was set to is deleted, in one transaction. Its
    /// connections stay, and so do their events. `false` when there is none.
    ///
    /// # Errors
    ///
    /// The store's: then it is there as before.
    pub async fn remove_extension(&self, name: &str) -> Result<bool, Error> {
        let (on, owner, name) = (self.shared.clone(), self.owner.to_string(), name.to_owned());
        let task = self.shared.runtimes.spawn(async move {
            let turn = on.extensions.announcements.turn();
            let _turn = turn.lock().await;
            let (by, whose, extension) = (on.clone(), owner.clone(), name.clone());
            let removed = on.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&whose)).await?;
                    let grants = tx.open_grants(&whose, &extension).await?;
                    for grant in &grants {
                        tx.lock(Lock::Connection(grant.connection_id)).await?;
                        grants::take_back(tx, &by, &whose, &extension, grant.connection_id).await?;
                    }
                    let had_settings = tx.preferences(&whose, &extension, "").await?.is_some();
                    let was_added = tx.delete_extension(&whose, &extension).await?;
                    Ok((was_added, had_settings, !grants.is_empty()))
                })
            });
            let (was_added, had_settings, was_granted) = removed.await?;
            let mut parts = Vec::new();
            parts.extend(had_settings.then_some(ChangedPart::ExtensionConfig));
            parts.extend(was_granted.then_some(ChangedPart::Grant));
            if was_added || !parts.is_empty() {
                let change = ExtensionChange { owner, extension: name, command: None, parts, revisions: None };
                on.extensions.announcements.publish(&change);
            }
            Ok(was_added)
        });
        task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    /// The extensions that were added, by name.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn extensions(&self) -> Result<Vec<ExtensionInfo>, Error> {
        let rows = self.shared.reader().await?.extensions(&self.owner).await?;
        Ok(rows.into_iter().filter_map(ExtensionInfo::of).collect())
    }

    /// The extension of that name.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Unknown`], and the store's.
    pub async fn added_extension(&self, name: &str) -> Result<ExtensionInfo, Error> {
        let row = self.shared.reader().await?.extension(&self.owner, name).await?;
        let unknown = || ExtensionError::Unknown(DisplayText::from(name.to_owned())).into();
        row.and_then(ExtensionInfo::of).ok_or_else(unknown)
    }
}
