//! Queries of `connection_extension_choice`.

use super::{
    Reader, StoreError, Tx,
    engine::{all, later, optional},
    row_events::newest,
    rows::ChoiceRow,
    signals::Changed,
};

macro_rules! chosen {
    ($rest:literal) => {
        concat!(
            "SELECT h.owner, h.extension, h.connection_id, h.mark, ",
            newest!("h.owner", "h.mark"),
            " AS newest FROM connection_extension_choice AS h WHERE ",
            $rest
        )
    };
}

impl Reader {
    pub(crate) async fn choice(&mut self, owner: &str, extension: &str) -> Result<Option<ChoiceRow>, StoreError> {
        const SQL: &str = chosen!("h.owner = $1 AND h.extension = $2");
        optional!(self, ChoiceRow, SQL, owner, extension)
    }

    /// Returns the choices of all extensions, ordered by extension.
    pub(crate) async fn choices(&mut self, owner: &str) -> Result<Vec<ChoiceRow>, StoreError> {
        const SQL: &str = chosen!("h.owner = $1 ORDER BY h.extension");
        all!(self, ChoiceRow, SQL, owner)
    }
}

impl Tx {
    /// Stores a choice, replacing the previous one of the extension.
    pub(crate) async fn put_choice(&mut self, row: &ChoiceRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_extension_choice (owner, extension, connection_id, mark) \
                           VALUES ($1, $2, $3, $4) ON CONFLICT (owner, extension) DO UPDATE \
                           SET connection_id = excluded.connection_id, mark = excluded.mark";
        self.changed(Changed::Connection(row.connection_id));
        later!(self, SQL, &row.owner, &row.extension, row.connection_id.as_uuid(), mark)
    }

    pub(crate) async fn delete_choice(&mut self, row: &ChoiceRow) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_extension_choice WHERE owner = $1 AND extension = $2";
        later!(self, SQL, &row.owner, &row.extension)
    }
}
