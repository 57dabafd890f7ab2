//! Counts of changes. Each grows only with its own writes.

use connection_contract::BoxFuture;

use super::{ExtensionHandle, requirement};
use crate::{
    ConnectionId, Error, Revisions,
    extension::requirement::public,
    store::{Reader, StoreError, rows::PreferenceRow},
};

/// The rows that the revisions are computed from.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) public: public::Read,
    pub(super) of_command: Option<PreferenceRow>,
    pub(super) connection: Option<ConnectionId>,
    /// The revision of the connection's configuration, and the generation of its credential.
    pub(super) account: (i64, i64),
    pub(super) config: String,
}

impl Rows {
    pub(super) fn revisions(&self) -> Revisions {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Revisions {
            extension_config: self.public.own.as_ref().map_or(0, |(_, revision, _)| count(*revision)),
            command_config: self.of_command.as_ref().map_or(0, |row| count(row.revision)),
            // Each part only grows, and so does their sum.
            connection_config: count(self.public.revision).saturating_add(count(self.account.0)),
            credential: count(self.account.1),
            connection: self.connection,
        }
    }

    /// Reads the rows. A caller that decides by them reads them in its transaction.
    pub(super) async fn read(
        reader: &mut Reader,
        owner: &str,
        extension: &str,
        provider: &str,
        command: &str,
        connection: Option<ConnectionId>,
    ) -> Result<Self, StoreError> {
        let mut rows = Self { connection, ..Self::default() };
        let public = reader.public_preferences(owner, extension, provider).await?;
        rows.public = public::Read::of(public, extension, provider);
        if extension != provider && rows.public.has_provider() {
            let granted = match connection {
                Some(id) => reader.grant(owner, provider, id).await?,
                None => None,
            };
            if granted.is_none_or(|row| row.revoked_at.is_some()) {
                rows.public = rows.public.without_provider();
            }
        }
        if !command.is_empty() {
            rows.of_command = reader.preferences(owner, extension, command).await?;
        }
        if let Some(id) = connection {
            match reader.account_revisions(owner, id).await? {
                Some((config_revision, generation, config)) => {
                    rows.account = (config_revision, generation);
                    rows.config = config;
                }
                None => rows.connection = None,
            }
        }
        Ok(rows)
    }
}

/// Returns a count after a write, for which it grows or stays as it is.
///
/// # Errors
///
/// The count has reached its maximum, which no number of writes can cause.
pub(super) fn next_count(reader: &Reader, count: i64, grows: bool) -> Result<i64, StoreError> {
    let next = count.checked_add(i64::from(grows));
    next.ok_or_else(|| reader.damaged("the revision of an extension has reached its maximum"))
}

impl ExtensionHandle {
    /// Returns the current revisions, including those of a command if one is named.
    ///
    /// # Errors
    ///
    /// [`crate::ExtensionError::Undeclared`], and the store's errors.
    pub fn revisions<'a>(&'a self, command: Option<&'a str>) -> BoxFuture<'a, Result<Revisions, Error>> {
        Box::pin(async move {
            self.command(command)?;
            let connection = self.selected_connection().await?;
            let (owner, provider) = (&self.scope.owner, self.requirement().provider.as_str());
            let mut reader = self.scope.system.ground.reader().await?;
            let rows =
                Rows::read(&mut reader, owner, self.name(), provider, command.unwrap_or_default(), connection).await?;
            Ok(rows.revisions())
        })
    }

    /// Returns the selected connection; `None` also if the selection is ambiguous.
    pub(super) async fn selected_connection(&self) -> Result<Option<ConnectionId>, Error> {
        Ok(requirement::resolve_one(&self.scope.system.ground, &self.scope.owner, &self.declared).await?.connection)
    }
}
