//! Counts of changes, each grown by its own writes alone.

use super::ExtensionHandle;
use crate::{
    ConnectionId, Error,
    requirement::public,
    store::{Reader, StoreError, rows::PreferenceRow},
};

/// How often what an extension lives by was changed. What was never there counts as zero. Two that are equal name the same
/// state: whoever decides by what was read says which one that was, and is refused when it is another by then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Revisions {
    /// Writes of what the extension is set to.
    pub extension_config: u64,
    /// Writes of what the command is set to, where one is asked about.
    pub command_config: u64,
    /// Changes of what is public of the connection, whoever made them.
    pub connection_config: u64,
    /// The credential: a number that grows with each one that is stored for the connection.
    pub credential: u64,
    /// The connection that the last two are of.
    pub connection: Option<ConnectionId>,
}

/// The rows that make them, as they were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) public: public::Read,
    pub(super) of_command: Option<PreferenceRow>,
    pub(super) connection: Option<ConnectionId>,
    /// The revision of the connection's configuration, and the credential's generation.
    pub(super) account: (i64, i64),
    pub(super) config: String,
}

impl Rows {
    pub(super) fn revisions(&self) -> Revisions {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Revisions {
            extension_config: self.public.own.as_ref().map_or(0, |(_, revision, _)| count(*revision)),
            command_config: self.of_command.as_ref().map_or(0, |row| count(row.revision)),
            // Each part only grows, and so does the sum.
            connection_config: count(self.public.revision).saturating_add(count(self.account.0)),
            credential: count(self.account.1),
            connection: self.connection,
        }
    }

    /// Whoever decides by them reads them in the transaction.
    pub(super) async fn read(
        reader: &mut Reader,
        owner: &str,
        (extension, provider, command): (&str, &str, &str),
        connection: Option<ConnectionId>,
    ) -> Result<Self, StoreError> {
        let mut rows = Self { connection, ..Self::default() };
        let public = reader.public_preferences(owner, extension, provider).await?;
        rows.public = public::Read::of(public, extension, provider);
        if !command.is_empty() {
            rows.of_command = reader.preferences(owner, extension, command).await?;
        }
        if let Some(id) = connection {
            match reader.account_revisions(owner, id).await? {
                Some((config_revision, generation, config)) => {
                    (rows.account, rows.config) = ((config_revision, generation), config);
                }
                None => rows.connection = None,
            }
        }
        Ok(rows)
    }
}

impl ExtensionHandle {
    /// As they are now; of a command, where one is named.
    ///
    /// # Errors
    ///
    /// [`super::ExtensionError::Undeclared`], and the store's.
    pub async fn revisions(&self, command: Option<&str>) -> Result<Revisions, Error> {
        self.command(command)?;
        let connection = self.meant().await?;
        let asked = (self.name(), self.requirement().provider.as_str(), command.unwrap_or_default());
        let mut reader = self.registry.shared.reader().await?;
        let rows = Rows::read(&mut reader, &self.registry.owner, asked, connection).await?;
        Ok(rows.revisions())
    }

    /// The connection that is meant; none also where it is not clear which one.
    pub(super) async fn meant(&self) -> Result<Option<ConnectionId>, Error> {
        Ok(self.registry.resolve_one(&self.declared).await?.connection)
    }
}
