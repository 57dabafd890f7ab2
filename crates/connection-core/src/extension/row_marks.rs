//! The marks on declarations, on the state of extensions, and on their settings. Settings become variables of programs,
//! and a declaration decides how an extension is shown and what it receives.

use super::ExtensionHandle;
use crate::{
    Error, guard,
    keys::Sealer,
    store::{
        StoreError, Tx,
        rows::{ExtensionRow, ExtensionStateRow, PreferenceRow},
    },
};

/// The owner of the extensions, and the sealer that marks their rows.
#[derive(Clone, Copy)]
pub(crate) struct RowMarks<'a> {
    pub(crate) sealer: &'a Sealer,
    pub(crate) owner: &'a str,
    pub(crate) now: i64,
}

impl RowMarks<'_> {
    pub(super) async fn put(&self, tx: &mut Tx, row: &ExtensionRow) -> Result<(), StoreError> {
        let mark = guard::written(tx, self.sealer, self.now, row).await?;
        tx.put_extension(row, &mark).await
    }

    /// Deletes a declaration, with what belongs to the extension, and returns whether there was one.
    pub(super) async fn delete(&self, tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
        if let Some(row) = tx.extension(self.owner, name).await? {
            guard::deleted(tx, self.sealer, self.now, &row).await?;
        }
        tx.delete_extension(self.owner, name).await
    }

    pub(super) async fn put_state(&self, tx: &mut Tx, row: &ExtensionStateRow) -> Result<(), StoreError> {
        let mark = guard::written(tx, self.sealer, self.now, row).await?;
        tx.put_extension_state(row, &mark).await
    }

    pub(super) async fn set(&self, tx: &mut Tx, row: &PreferenceRow) -> Result<(), StoreError> {
        let mark = guard::written(tx, self.sealer, self.now, row).await?;
        tx.put_preferences(row, &mark).await
    }

    /// Returns the state of an extension of which nothing is known.
    pub(super) fn unknown(&self, name: &str) -> ExtensionStateRow {
        let (owner, name) = (self.owner.to_owned(), name.to_owned());
        ExtensionStateRow { owner, name, ..ExtensionStateRow::default() }
    }

    /// Returns the state of an extension. If its row was edited or restored, only the count of changes is returned.
    pub(super) async fn known(&self, tx: &mut Tx, name: &str) -> Result<Option<ExtensionStateRow>, StoreError> {
        let row = tx.extension_state(self.owner, name).await?;
        Ok(row.map(|row| match guard::check(self.sealer, &row) {
            Ok(()) => row,
            Err(error) => {
                tracing::warn!(%error, "the state of an extension is not used");
                ExtensionStateRow { public_revision: row.public_revision, ..self.unknown(name) }
            }
        }))
    }
}

impl ExtensionHandle {
    /// Returns an error if a row whose values a program receives was edited or restored: the settings of the extension,
    /// or the public settings of the provider's own extension.
    pub(super) async fn check_settings(&self, command: Option<&str>) -> Result<(), Error> {
        let name = self.name();
        let provider = self.requirement().provider.as_str();
        let owner = &self.scope.owner;
        let sealer = &self.scope.system.ground.sealer;
        let mut reader = self.scope.system.ground.reader().await?;
        let mut rows = reader.preferences_of(owner, name).await?;
        rows.retain(|row| row.command.is_empty() || Some(&*row.command) == command);
        if provider != name {
            rows.extend(reader.preferences(owner, provider, "").await?);
            if let Some(state) = reader.extension_state(owner, provider).await? {
                guard::check(sealer, &state)?;
            }
        }
        rows.iter().try_for_each(|row| guard::check(sealer, row)).map_err(Error::from)
    }
}
