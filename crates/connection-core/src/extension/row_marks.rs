//! The marks on declarations, on the state of extensions, and on their settings. Settings become variables of programs,
//! and a declaration decides how an extension is shown and what it receives.

use super::ExtensionHandle;
use crate::{
    Error,
    ground::{check_declared, declared_subject},
    guard::{RowError, Subject, optional},
    keys::Sealer,
    store::{
        StoreError, Tx,
        rows::{ExtensionRow, ExtensionStateRow, PreferenceRow},
    },
};

const SET: &str = "connection_extension_preference";
const STATE: &str = "connection_extension_state";

/// The owner of the extensions, and the sealer that marks their rows.
#[derive(Clone, Copy)]
pub(crate) struct RowMarks<'a> {
    pub(crate) sealer: &'a Sealer,
    pub(crate) owner: &'a str,
    pub(crate) now: i64,
}

impl RowMarks<'_> {
    fn subject<'s>(&'s self, table: &'static str, key: &'s [&'s [u8]]) -> Subject<'s> {
        Subject { table, owner: self.owner, key }
    }

    /// Checks that a declaration is as it was last added.
    ///
    /// # Errors
    ///
    /// The row was edited or restored.
    pub(crate) fn check(&self, row: &ExtensionRow) -> Result<(), RowError> {
        check_declared(self.sealer, self.owner, row)
    }

    /// Checks the state of an extension, as [`check`](Self::check) does a declaration.
    pub(crate) fn check_state(&self, name: &str, row: &ExtensionStateRow) -> Result<(), RowError> {
        let key = [name.as_bytes()];
        let what = || format!("the state of the extension '{name}'").into();
        self.subject(STATE, &key).check(self.sealer, &row.marked, &state(row), what)
    }

    /// Checks the settings of an extension or a command, as [`check`](Self::check) does a declaration.
    pub(crate) fn check_set(&self, row: &PreferenceRow) -> Result<(), RowError> {
        let PreferenceRow { extension, command, body, .. } = row;
        let key = [extension.as_bytes(), command.as_bytes()];
        let what = || match command.is_empty() {
            true => format!("the preferences of '{extension}'").into(),
            false => format!("the preferences of the command '{command}' of '{extension}'").into(),
        };
        self.subject(SET, &key).check(self.sealer, &row.marked, &[body.as_bytes()], what)
    }

    pub(super) async fn put(&self, tx: &mut Tx, row: &ExtensionRow) -> Result<(), StoreError> {
        let key = [row.name.as_bytes()];
        let fields = [row.provider.as_bytes(), row.source.as_bytes(), &row.fingerprint];
        let subject = declared_subject(self.owner, &key);
        let mark = subject.written(tx, self.sealer, self.now, &fields).await?;
        tx.put_extension(self.owner, row, &mark).await
    }

    /// Deletes a declaration and returns whether there was one.
    pub(super) async fn delete(&self, tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
        if !tx.delete_extension(self.owner, name).await? {
            return Ok(false);
        }
        let key = [name.as_bytes()];
        declared_subject(self.owner, &key).deleted(tx, self.sealer, self.now).await.map(|()| true)
    }

    pub(super) async fn put_state(&self, tx: &mut Tx, name: &str, row: &ExtensionStateRow) -> Result<(), StoreError> {
        let key = [name.as_bytes()];
        let mark = self.subject(STATE, &key).written(tx, self.sealer, self.now, &state(row)).await?;
        tx.put_extension_state(self.owner, name, row, &mark).await
    }

    pub(super) async fn set(&self, tx: &mut Tx, row: &PreferenceRow) -> Result<(), StoreError> {
        let key = [row.extension.as_bytes(), row.command.as_bytes()];
        let mark = self.subject(SET, &key).written(tx, self.sealer, self.now, &[row.body.as_bytes()]).await?;
        tx.put_preferences(self.owner, row, &mark).await
    }

    /// Returns the state of an extension. If its row was edited or restored, only the count of changes is returned.
    pub(super) async fn known(&self, tx: &mut Tx, name: &str) -> Result<Option<ExtensionStateRow>, StoreError> {
        let row = tx.extension_state(self.owner, name).await?;
        Ok(row.map(|row| match self.check_state(name, &row) {
            Ok(()) => row,
            Err(error) => {
                tracing::warn!(%error, "the state of an extension is not used");
                ExtensionStateRow { public_revision: row.public_revision, ..ExtensionStateRow::default() }
            }
        }))
    }
}

fn state(row: &ExtensionStateRow) -> [Vec<u8>; 3] {
    let ExtensionStateRow { fingerprint, provider, public, .. } = row;
    [
        optional(fingerprint.as_deref()),
        optional(provider.as_deref().map(str::as_bytes)),
        optional(public.as_deref().map(str::as_bytes)),
    ]
}

impl ExtensionHandle {
    pub(super) fn marks(&self) -> RowMarks<'_> {
        let system = &self.scope.system;
        RowMarks { sealer: &system.ground.sealer, owner: &self.scope.owner, now: system.ground.clock.now().seconds() }
    }

    /// Returns an error if a row whose values a program receives was edited or restored: the settings of the extension,
    /// or the public settings of the provider's own extension.
    pub(super) async fn check_settings(&self, command: Option<&str>) -> Result<(), Error> {
        let name = self.name();
        let provider = self.requirement().provider.as_str();
        let owner = &self.scope.owner;
        let marks = self.marks();
        let mut reader = self.scope.system.ground.reader().await?;
        let mut rows = reader.preferences_of(owner, name).await?;
        rows.retain(|row| row.command.is_empty() || Some(&*row.command) == command);
        if provider != name {
            rows.extend(reader.preferences(owner, provider, "").await?);
            if let Some(state) = reader.extension_state(owner, provider).await? {
                marks.check_state(provider, &state)?;
            }
        }
        rows.iter().try_for_each(|row| marks.check_set(row)).map_err(Error::from)
    }
}
