//! Changes the settings of an extension, as a whole or not at all. A change is counted and its listeners are notified
//! after the commit.

use std::{future::IntoFuture, sync::Arc};

use connection_contract::{BoxFuture, ExtensionDeclaration, Preference, Value};

use super::{
    ExtensionHandle,
    preferences::{check, fields},
    revisions::Rows,
    row_marks::RowMarks,
};
use crate::{
    ChangedPart, Error, ExtensionChange, ExtensionError, Revisions,
    extension::requirement::{
        candidate, public,
        resolve::{DAMAGED, chosen},
    },
    registry::Shared,
    store::{
        Lock, StoreError, Tx, json,
        rows::{Marked, PreferenceRow},
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
    /// [`ExtensionError::Undeclared`], [`ExtensionError::InvalidPreference`], [`ExtensionError::Crossed`],
    /// [`ExtensionError::RevisionExhausted`], and the store's errors. Nothing was changed.
    pub fn set_preferences(&self, command: Option<&str>) -> SetPreferences {
        let handle = self.clone();
        let command = command.map(str::to_owned);
        SetPreferences { handle, command, values: Vec::new(), replaces: false, expected: None }
    }
}

impl SetPreferences {
    /// Sets a preference.
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
        let shared = handle.registry.shared.clone();
        let owner = handle.registry.owner.to_string();
        let change =
            Change { declared: handle.declared.clone(), command, values, replaces, expected, shared: shared.clone() };
        let on = shared.clone();
        // The change runs on a task of its own, so that a committed change is notified even if the caller is dropped.
        let task = shared.runtimes.spawn(async move {
            let turn = on.announcements.turn();
            let _turn = turn.lock().await;
            let whose = owner.clone();
            let written = on.store.write(move |tx| Box::pin(async move { change.write(tx, &whose).await }));
            let (change, revisions) = written.await??;
            on.announcements.publish(&ExtensionChange { owner, ..change });
            Ok(revisions)
        });
        task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    /// Checks before anything is read that each preference is declared, is not a secret, and has a plain value.
    fn checked(&self) -> Result<Vec<(String, Option<Value>)>, Error> {
        let handle = &self.handle;
        handle.command(self.command.as_deref())?;
        let of_command = self.command.as_deref().and_then(|command| handle.declared.find_command(command));
        let declared: &[Preference] = match of_command {
            Some(command) => &command.preferences,
            None => &handle.declared.preferences,
        };
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

/// The content of the transaction.
struct Change {
    declared: Arc<ExtensionDeclaration>,
    command: Option<String>,
    values: Vec<(String, Option<Value>)>,
    replaces: bool,
    expected: Option<Revisions>,
    shared: Arc<Shared>,
}

type Written = Result<(ExtensionChange, Revisions), Error>;

impl Change {
    async fn write(self, tx: &mut Tx, owner: &str) -> Result<Written, StoreError> {
        let Self { declared, command, values, replaces, expected, shared } = self;
        let extension = || declared.name.to_string().into();
        let key = command.as_deref().unwrap_or_default();
        let asked = (&*declared.name, declared.requirement.provider.as_str(), key);
        tx.lock(Lock::Owner(owner)).await?;
        // Another connection may have been selected since the caller asked.
        let needs = (&declared.requirement.provider, declared.requirement.auth.secret_names.as_slice());
        let (candidates, _) = candidate::load(&shared, tx, owner, &declared.name, needs).await?;
        let connection = chosen(&declared, &candidates);
        if let Some(id) = connection {
            // Another process may be refreshing its credential.
            tx.lock(Lock::Connection(id)).await?;
        }
        let mut rows = Rows::read(tx, owner, asked, connection).await?;
        if expected.is_some_and(|expected| !same(expected, rows.revisions(), command.is_some())) {
            return Ok(Err(ExtensionError::Crossed { extension: extension() }.into()));
        }
        let marks = RowMarks { sealer: &shared.sealer, owner, now: shared.clock.now().seconds() };
        let before = tx.preferences(owner, &declared.name, key).await?;
        // Setting a value must not vouch for an edited row, so that row counts as empty.
        let is_edited = before.is_some_and(|row| marks.check_set(&row).is_err());
        let was = match (is_edited, key.is_empty()) {
            (true, _) => Some(Vec::new()),
            (false, true) => rows.public.own(),
            (false, false) => fields(&rows.of_command),
        };
        let was = was.ok_or_else(|| tx.damaged(DAMAGED))?;
        let own: &[Preference] = match command.as_deref().and_then(|command| declared.find_command(command)) {
            Some(command) => &command.preferences,
            None => &declared.preferences,
        };
        let is_named = |name: &str| values.iter().any(|(named, _)| named == name);
        let is_declared = |name: &str| own.iter().any(|preference| preference.name == name);
        let is_secret =
            |name: &str| declared.requirement.auth.secret_names.iter().any(|secret| secret.as_str() == name);
        let kept = was.iter().filter(|(name, _)| !replaces && !is_named(name) && !is_secret(name)).cloned();
        let last =
            |name: &str| values.iter().rev().find(|(named, _)| named == name).and_then(|(_, value)| value.clone());
        let mut now: Vec<_> = kept.collect();
        for preference in own {
            now.extend(last(&preference.name).map(|value| (preference.name.to_string(), value)));
        }
        let mut body = Value::Map(now.clone()).to_string();
        if body.len() > MAX_SETTINGS_LENGTH {
            // Values of other declarations are deleted only if there is no room for them.
            now.retain(|(name, _)| is_declared(name));
            body = Value::Map(now.clone()).to_string();
        }
        if body.len() > MAX_SETTINGS_LENGTH {
            let name = values.first().map(|(name, _)| name.clone()).unwrap_or_default().into();
            let why = "makes the settings longer than 512 KiB";
            return Ok(Err(ExtensionError::InvalidPreference { extension: extension(), name, why }.into()));
        }
        let (revision, public_revision) = match key.is_empty() {
            true => rows.public.own.as_ref().map_or((0, 0), |(_, revision, public)| (*revision, *public)),
            false => rows.of_command.as_ref().map_or((0, 0), |row| (row.revision, row.public_revision)),
        };
        let is_public = key.is_empty() && {
            let is_own = *declared.name == *declared.requirement.provider.as_str();
            let of_provider = if is_own { Some(Vec::new()) } else { rows.public.of_provider() };
            let of_provider = of_provider.ok_or_else(|| tx.damaged(DAMAGED))?;
            let of_connection = json::to_config(&rows.config);
            let public = |own: &public::Record| public::config(&declared, &of_connection, &of_provider, own);
            // Other extensions read the settings of the provider's own extension, and may use another connection.
            let is_read = is_own && rows.public.of_provider_with(&was) != rows.public.of_provider_with(&now);
            is_read || public(&was) != public(&now)
        };
        let exhausted = || Ok(Err(ExtensionError::RevisionExhausted { extension: extension() }.into()));
        let Some(revision) = revision.checked_add(1) else { return exhausted() };
        let Some(public_revision) = public_revision.checked_add(i64::from(is_public)) else { return exhausted() };
        // The sum is compared as well, so it must not overflow either.
        let Some(public_sum) = rows.public.revision.checked_add(i64::from(is_public)) else { return exhausted() };
        let name = declared.name.to_string();
        let command_key = key.to_owned();
        let marked = Marked::default();
        let row =
            PreferenceRow { extension: name.clone(), command: command_key, body, revision, public_revision, marked };
        marks.set(tx, &row).await?;
        let mut parts = Vec::new();
        match key.is_empty() {
            true => {
                rows.public.revision = public_sum;
                rows.public.own = Some((row.body, row.revision, row.public_revision));
                parts.push(ChangedPart::ExtensionConfig);
                parts.extend(is_public.then_some(ChangedPart::ConnectionConfig));
            }
            false => {
                rows.of_command = Some(row);
                parts.push(ChangedPart::CommandConfig);
            }
        }
        let revisions = rows.revisions();
        let change =
            ExtensionChange { owner: String::new(), extension: name, command, parts, revisions: Some(revisions) };
        Ok(Ok((change, revisions)))
    }
}

/// Compares revisions. Without a command, the count of the command's settings is ignored.
fn same(expected: Revisions, now: Revisions, of_command: bool) -> bool {
    let now = if of_command { now } else { Revisions { command_config: expected.command_config, ..now } };
    expected == now
}
