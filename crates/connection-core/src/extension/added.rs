//! The extensions that a person added: their declarations as text, which the core keeps and does not read.

use connection_contract::{DisplayText, ExtensionDeclaration, Kind, Timestamp};

use super::{ChangedPart, ExtensionChange, ExtensionError, affected, grants};
use crate::{
    ConnectionRegistry, Error,
    requirement::{fingerprint, public},
    store::{
        Lock, StoreError, Tx,
        rows::{ExtensionRow, ExtensionStateRow, PreferenceRow},
    },
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

/// Keeps what is public of the declaration that is added, and counts where that makes it something else than it was;
/// whether it does.
async fn added(tx: &mut Tx, owner: &str, row: &ExtensionRow, public: String) -> Result<bool, StoreError> {
    let known = tx.extension_state(owner, &row.name).await?.unwrap_or_default();
    let set = tx.preferences(owner, &row.name, "").await?;
    let shown = |declared: Option<&str>| public::of_provider(declared, set.as_ref().map(|row| &*row.body));
    let is_read = |provider: Option<&str>| provider == Some(&*row.name);
    let (was, is) = (is_read(known.provider.as_deref()), is_read(Some(&row.provider)));
    let (before, now) = (shown(known.public.as_deref()), shown(Some(&public)));
    let is_public = match was == is {
        true => known.public.is_some() && before != now,
        // To others there was nothing, or there is nothing any more.
        false => [(was, before), (is, now)].iter().any(|(read, shown)| *read && shown.as_ref() != Some(&Vec::new())),
    };
    let row_of = ExtensionStateRow {
        fingerprint: Some(row.fingerprint.clone()),
        provider: Some(row.provider.clone()),
        public: Some(public),
        public_revision: known.public_revision.saturating_add(i64::from(is_public)),
    };
    tx.put_extension_state(owner, &row.name, &row_of).await?;
    Ok(is_public)
}

/// Keeps that it is there no more, and counts; which parts that changes.
async fn removed(
    tx: &mut Tx,
    owner: &str,
    name: &str,
    settings: &[PreferenceRow],
) -> Result<Vec<ChangedPart>, StoreError> {
    let is_set = |row: &&PreferenceRow| row.body != "{}";
    let own = settings.iter().filter(is_set).find(|row| row.command.is_empty());
    let mut parts: Vec<_> = own.map(|_| ChangedPart::ExtensionConfig).into_iter().collect();
    if let Some(known) = tx.extension_state(owner, name).await? {
        let was_read = known.provider.as_deref() == Some(name);
        let shown = public::of_provider(known.public.as_deref(), own.map(|row| &*row.body));
        let is_public = was_read && shown.as_ref() != Some(&Vec::new());
        parts.extend(is_public.then_some(ChangedPart::ConnectionConfig));
        let public_revision = known.public_revision.saturating_add(i64::from(is_public));
        let row = ExtensionStateRow { fingerprint: None, provider: None, public_revision, ..known };
        tx.put_extension_state(owner, name, &row).await?;
    }
    let of_commands = settings.iter().filter(is_set).any(|row| !row.command.is_empty());
    parts.extend(of_commands.then_some(ChangedPart::CommandConfig));
    Ok(parts)
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
        let public = public::encode(declaration);
        let (on, whose, asked) = (self.shared.clone(), owner.clone(), name.clone());
        let task = self.shared.runtimes.spawn(async move {
            let turn = affected::turn(&on).await;
            let (owner, extension) = (whose.clone(), asked.clone());
            let added = on.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&whose)).await?;
                    let is_public = added(tx, &whose, &row, public).await?;
                    tx.put_extension(&whose, &row).await?;
                    // When it was first added stays.
                    Ok((tx.extension(&whose, &asked).await?, is_public))
                })
            });
            let (added, is_public) = added.await?;
            on.extensions.declared(&owner, &extension, print);
            if is_public {
                let parts = vec![ChangedPart::ConnectionConfig];
                let change = ExtensionChange { owner, extension, command: None, parts, revisions: None };
                on.extensions.announcements.publish(&change);
            }
            drop(turn);
            Ok(added)
        });
        let added = task.await.unwrap_or_else(|_| Err(Error::from(StoreError::Panicked)))?.and_then(ExtensionInfo::of);
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
                    let settings = tx.preferences_of(&whose, &extension).await?;
                    let mut parts = removed(tx, &whose, &extension, &settings).await?;
                    let was_added = tx.delete_extension(&whose, &extension).await?;
                    parts.extend((!grants.is_empty()).then_some(ChangedPart::Grant));
                    Ok((was_added, parts))
                })
            });
            let (was_added, parts) = removed.await?;
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
