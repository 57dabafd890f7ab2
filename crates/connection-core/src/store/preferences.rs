//! Queries of `connection_extension_preference`.

use super::{
    Reader, StoreError, Tx,
    engine::{all, later, optional},
    row_events::newest,
    rows::{PreferenceRow, PublicRow},
    signals::Changed,
};

macro_rules! preferences {
    ($rest:literal) => {
        concat!(
            "SELECT p.owner, p.extension, p.command, p.body, p.revision, p.public_revision, p.mark, ",
            newest!("p.owner", "p.mark"),
            " AS newest FROM connection_extension_preference AS p WHERE p.owner = $1 AND ",
            $rest
        )
    };
}

/// Selects the settings and the states of an extension and of its provider's own extension.
pub(super) const PUBLIC: &str = "SELECT p.extension, p.body, NULL AS public, p.revision, p.public_revision \
     FROM connection_extension_preference AS p WHERE p.owner = $1 AND p.extension IN ($2, $3) AND p.command = '' \
     UNION ALL SELECT s.name, NULL, CASE WHEN s.provider = s.name THEN s.public END, 0, s.public_revision \
     FROM connection_extension_state AS s WHERE s.owner = $1 AND s.name IN ($2, $3)";

impl Reader {
    /// Returns the settings of a command, or those of the extension itself for an empty command.
    pub(crate) async fn preferences(
        &mut self,
        owner: &str,
        extension: &str,
        command: &str,
    ) -> Result<Option<PreferenceRow>, StoreError> {
        const SQL: &str = preferences!("p.extension = $2 AND p.command = $3");
        optional!(self, PreferenceRow, SQL, owner, extension, command)
    }

    /// Returns the settings and the states of an extension and of its provider's own extension.
    pub(crate) async fn public_preferences(
        &mut self,
        owner: &str,
        extension: &str,
        provider: &str,
    ) -> Result<Vec<PublicRow>, StoreError> {
        all!(self, PublicRow, PUBLIC, owner, extension, provider)
    }

    /// Returns the settings of an extension and its commands.
    pub(crate) async fn preferences_of(
        &mut self,
        owner: &str,
        extension: &str,
    ) -> Result<Vec<PreferenceRow>, StoreError> {
        const SQL: &str = preferences!("p.extension = $2 ORDER BY p.command");
        all!(self, PreferenceRow, SQL, owner, extension)
    }

    /// Returns the settings of all extensions and their commands.
    pub(crate) async fn every_preference(&mut self, owner: &str) -> Result<Vec<PreferenceRow>, StoreError> {
        const SQL: &str = preferences!("TRUE ORDER BY p.extension, p.command");
        all!(self, PreferenceRow, SQL, owner)
    }

    /// Returns the settings of all extensions, without those of commands.
    pub(crate) async fn all_preferences(&mut self, owner: &str) -> Result<Vec<PreferenceRow>, StoreError> {
        const SQL: &str = preferences!("p.command = '' ORDER BY p.extension");
        all!(self, PreferenceRow, SQL, owner)
    }

    /// Returns the error for a row that this program cannot have written.
    pub(crate) fn damaged(&self, detail: &str) -> StoreError {
        StoreError::Corrupt { place: self.place.to_string(), detail: detail.to_owned() }
    }
}

impl Tx {
    pub(crate) async fn put_preferences(&mut self, row: &PreferenceRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_extension_preference (owner, extension, command, body, revision, \
                           public_revision, mark) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                           ON CONFLICT (owner, extension, command) DO UPDATE SET body = excluded.body, \
                           revision = excluded.revision, public_revision = excluded.public_revision, \
                           mark = excluded.mark";
        let PreferenceRow { owner, extension, command, body, revision, public_revision, marked: _ } = row;
        self.changed(Changed::Extensions);
        later!(self, SQL, owner, extension, command, body, revision, public_revision, mark)
    }
}
