//! Changes the settings of an extension, as a whole or not at all. A change is counted and its listeners are notified
//! after the commit.

use std::{future::IntoFuture, sync::Arc};

use connection_contract::{BoxFuture, DisplayText, ExtensionDeclaration, Preference, Value};

use super::{
    ExtensionHandle, System,
    preferences::{check, fields},
    revisions::{Rows, next_count},
    row_marks::RowMarks,
};
use crate::{
    ChangedPart, Error, ExtensionChange, ExtensionError, Revisions,
    extension::requirement::{
        Facts,
        public::{self, DAMAGED},
        resolve::selected,
    },
    guard,
    store::{
        Lock, StoreError, Tx, json,
        rows::{PreferenceRow, StoredMark},
    },
};

/// Maximum length of all settings of an extension or a command, as JSON text in bytes.
const MAX_SETTINGS_LENGTH: usize = 1 << 19;

/// A change of settings that has not begun: `handle.set_preferences(None).set("open", true).await`.
#[derive(Debug)]
#[must_use = "settings are changed when this is awaited"]
pub struct SetPreferences {
    handle: ExtensionHandle,
    command: Option<String>,
    values: Vec<(String, Option<Value>)>,
    replaces: bool,
    expected: Option<Revisions>,
}

impl ExtensionHandle {
    /// Changes preferences of the extension, or of one of its commands, when it is awaited. Preferences that are not
    /// named stay as they are.
    ///
    /// # Repetition
    ///
    /// Another change with the same values counts as another write.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the change may have been made. Then its listeners are notified.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Undeclared`], [`ExtensionError::InvalidPreference`], [`ExtensionError::Crossed`], and the
    /// store's errors. Nothing was changed.
    pub fn set_preferences(&self, command: Option<&str>) -> SetPreferences {
        SetPreferences {
            handle: self.clone(),
            command: command.map(str::to_owned),
            values: Vec::new(),
            replaces: false,
            expected: None,
        }
    }
}

impl SetPreferences {
    /// Sets the preference with this name to a value.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.push((name.into(), Some(value.into())));
        self
    }

    /// Resets a preference to its default.
    pub fn unset(mut self, name: impl Into<String>) -> Self {
        self.values.push((name.into(), None));
        self
    }

    /// Resets all preferences that this change does not set, and deletes values of other declarations of the extension.
    /// Without this call, such values stay as long as there is room for them.
    pub fn replace(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Refuses the change if something of the extension has changed since these revisions were read, with
    /// [`revisions`](ExtensionHandle::revisions) or with the [preferences](super::Preferences).
    ///
    /// To change the settings of a command, read the revisions for that command. Revisions that were read without it
    /// say that the command's settings were never written, so they are always refused once they were.
    pub fn expected(mut self, revisions: Revisions) -> Self {
        self.expected = Some(revisions);
        self
    }

    async fn commit(self) -> Result<Revisions, Error> {
        let values = self.checked()?;
        let Self { handle, command, replaces, expected, .. } = self;
        let system = handle.scope.system.clone();
        let owner = handle.scope.owner.to_string();
        let change =
            Change { declared: handle.declared.clone(), command, values, replaces, expected, system: system.clone() };
        let on = system.clone();
        // The change runs on a task of its own, so that a committed change is notified even if the caller is dropped.
        let task = system.ground.runtimes.spawn(async move {
            let order = on.ground.extension_changes.order().await;
            let whose = owner.clone();
            let written = on.ground.store.write(move |tx| Box::pin(async move { change.write(tx, &whose).await }));
            let (change, revisions) = written.await??;
            order.announce(&ExtensionChange { owner, ..change });
            Ok(revisions)
        });
        task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    /// Checks before anything is read that each preference is declared, is not a secret, and has a plain value.
    fn checked(&self) -> Result<Vec<(String, Option<Value>)>, Error> {
        let handle = &self.handle;
        handle.command(self.command.as_deref())?;
        let declared = preferences(&handle.declared, self.command.as_deref());
        let secrets = &handle.requirement().auth.secret_names;
        let mut values = Vec::new();
        for (name, value) in &self.values {
            let invalid =
                |why| ExtensionError::InvalidPreference { extension: handle.label(), name: name.clone().into(), why };
            if secrets.iter().any(|secret| secret.as_str() == name) {
                return Err(invalid("is a secret, which is never a preference").into());
            }
            let Some(preference) = declared.iter().find(|preference| preference.name == *name) else {
                return Err(handle.undeclared("preference", None));
            };
            let value = value.as_ref().map(|value| check(preference, value)).transpose().map_err(invalid)?;
            values.push((name.clone(), value));
        }
        Ok(values)
    }
}

impl IntoFuture for SetPreferences {
    type Output = Result<Revisions, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.commit())
    }
}

struct Change {
    declared: Arc<ExtensionDeclaration>,
    command: Option<String>,
    values: Vec<(String, Option<Value>)>,
    replaces: bool,
    expected: Option<Revisions>,
    system: Arc<System>,
}

/// The values of an extension or of one command, by name.
type Settings = Vec<(String, Value)>;

type Written = Result<(ExtensionChange, Revisions), Error>;

impl Change {
    /// Writes the settings, unless something has changed since the revisions that the caller expects.
    async fn write(self, tx: &mut Tx, owner: &str) -> Result<Written, StoreError> {
        tx.lock(Lock::Owner(owner)).await?;
        let rows = self.read(tx, owner).await?;
        if self.expected.is_some_and(|expected| !same(expected, rows.revisions(), self.command.is_some())) {
            return Ok(Err(ExtensionError::Crossed { extension: self.extension() }.into()));
        }
        let marks =
            RowMarks { sealer: &self.system.ground.sealer, owner, now: self.system.ground.clock.now().seconds() };
        let was = self.former_settings(tx, &marks, &rows).await?;
        let (now, body) = self.new_settings(&was);
        if body.len() > MAX_SETTINGS_LENGTH {
            return Ok(Err(self.too_long().into()));
        }
        let is_public = self.is_public(tx, &rows, &was, &now)?;
        let row = self.row(tx, owner, &rows, body, is_public)?;
        marks.set(tx, &row).await?;
        Ok(Ok(self.change(rows, row, is_public)))
    }

    /// Reads the rows that the revisions are computed from, and locks the selected connection.
    async fn read(&self, tx: &mut Tx, owner: &str) -> Result<Rows, StoreError> {
        let requirement = &self.declared.requirement;
        // Another connection may have been selected since the caller asked.
        let facts = Facts::of_one(&self.system.ground, tx, owner, &self.declared).await?;
        let connection = selected(&self.declared, &facts);
        if let Some(id) = connection {
            // Another process may be refreshing its credential.
            tx.lock(Lock::Connection(id)).await?;
        }
        Rows::read(tx, owner, &self.declared.name, requirement.provider.as_str(), self.key(), connection).await
    }

    /// Returns the settings before the change. A row that was edited outside of the program counts as empty.
    async fn former_settings(&self, tx: &mut Tx, marks: &RowMarks<'_>, rows: &Rows) -> Result<Settings, StoreError> {
        let row = tx.preferences(marks.owner, &self.declared.name, self.key()).await?;
        // Setting a value must not vouch for an edited row, so that row counts as empty.
        let is_edited = row.is_some_and(|row| guard::check(marks.sealer, &row).is_err());
        let was = match (is_edited, &self.command) {
            (true, _) => Some(Vec::new()),
            (false, None) => rows.public.own(),
            (false, Some(_)) => fields(&rows.of_command),
        };
        was.ok_or_else(|| tx.damaged(DAMAGED))
    }

    /// Returns the settings after the change, also as text.
    fn new_settings(&self, was: &public::Record) -> (Settings, String) {
        let own = preferences(&self.declared, self.command.as_deref());
        let secrets = &self.declared.requirement.auth.secret_names;
        let is_named = |name: &str| self.values.iter().any(|(named, _)| named == name);
        let is_secret = |name: &str| secrets.iter().any(|secret| secret.as_str() == name);
        let kept = was.iter().filter(|(name, _)| !self.replaces && !is_named(name) && !is_secret(name));
        let last = |name: &str| self.values.iter().rev().find(|(named, _)| named == name)?.1.clone();
        let set = own.iter().filter_map(|own| Some((own.name.to_string(), last(&own.name)?)));
        let mut now: Settings = kept.cloned().chain(set).collect();
        let mut body = Value::Map(now.clone()).to_string();
        if body.len() > MAX_SETTINGS_LENGTH {
            // Values of other declarations are deleted only if there is no room for them.
            now.retain(|(name, _)| own.iter().any(|preference| preference.name == *name));
            body = Value::Map(now.clone()).to_string();
        }
        (now, body)
    }

    /// Returns `true` if the change affects public values.
    fn is_public(&self, tx: &Tx, rows: &Rows, was: &public::Record, now: &public::Record) -> Result<bool, StoreError> {
        if self.command.is_some() {
            return Ok(false);
        }
        let is_own = *self.declared.name == *self.declared.requirement.provider.as_str();
        let of_provider = if is_own { Some(Vec::new()) } else { rows.public.of_provider() };
        let of_provider = of_provider.ok_or_else(|| tx.damaged(DAMAGED))?;
        let of_connection = json::to_config(&rows.config);
        let public = |own: &public::Record| public::config(&self.declared, &of_connection, &of_provider, own);
        // Other extensions read the settings of the provider's own extension, and may use another connection.
        let is_read = is_own && rows.public.of_provider_with(was) != rows.public.of_provider_with(now);
        Ok(is_read || public(was) != public(now))
    }

    /// Returns the row with the next revisions.
    fn row(
        &self,
        tx: &Tx,
        owner: &str,
        rows: &Rows,
        body: String,
        is_public: bool,
    ) -> Result<PreferenceRow, StoreError> {
        let (revision, public_revision) = match self.command {
            None => rows.public.own.as_ref().map_or((0, 0), |(_, revision, public)| (*revision, *public)),
            Some(_) => rows.of_command.as_ref().map_or((0, 0), |row| (row.revision, row.public_revision)),
        };
        Ok(PreferenceRow {
            owner: owner.to_owned(),
            extension: self.declared.name.to_string(),
            command: self.key().to_owned(),
            body,
            revision: next_count(tx, revision, true)?,
            public_revision: next_count(tx, public_revision, is_public)?,
            marked: StoredMark::default(),
        })
    }

    /// Returns the change for its listeners, with the revisions after it.
    fn change(self, mut rows: Rows, row: PreferenceRow, is_public: bool) -> (ExtensionChange, Revisions) {
        let mut parts = Vec::new();
        match self.command {
            None => {
                rows.public.revision = rows.public.revision.saturating_add(i64::from(is_public));
                rows.public.own = Some((row.body, row.revision, row.public_revision));
                parts.push(ChangedPart::ExtensionConfig);
                parts.extend(is_public.then_some(ChangedPart::ConnectionConfig));
            }
            Some(_) => {
                rows.of_command = Some(row);
                parts.push(ChangedPart::CommandConfig);
            }
        }
        let revisions = rows.revisions();
        let extension = self.declared.name.to_string();
        let command = self.command;
        (ExtensionChange { owner: String::new(), extension, command, parts, revisions: Some(revisions) }, revisions)
    }

    /// Returns the name of the command in its row, which is empty for the extension itself.
    fn key(&self) -> &str {
        self.command.as_deref().unwrap_or_default()
    }

    fn extension(&self) -> DisplayText {
        self.declared.name.to_string().into()
    }

    fn too_long(&self) -> ExtensionError {
        ExtensionError::InvalidPreference {
            extension: self.extension(),
            name: self.values.first().map(|(name, _)| name.clone()).unwrap_or_default().into(),
            why: "makes the settings longer than 512 KiB",
        }
    }
}

/// Returns the preferences that the extension declares for itself or for one of its commands.
fn preferences<'a>(declared: &'a ExtensionDeclaration, command: Option<&str>) -> &'a [Preference] {
    match command.and_then(|command| declared.find_command(command)) {
        Some(command) => &command.preferences,
        None => &declared.preferences,
    }
}

/// Compares revisions. Without a command, the count of the command's settings is ignored.
fn same(expected: Revisions, now: Revisions, of_command: bool) -> bool {
    let now = if of_command { now } else { Revisions { command_config: expected.command_config, ..now } };
    expected == now
}
