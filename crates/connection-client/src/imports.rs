//! Imports of connections that another program made.

use connection_api::{ImportResult, ImportRow, Imports};

use crate::{Client, Error};

impl Client {
    /// Imports connections, and returns the result of each row. `again` connects accounts that are connected already, and
    /// `verify` asks the providers whether each credential works.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, after which no row or only a part of them was imported, and the errors of a
    /// request without an answer. A row that is refused is no error.
    pub async fn import(&self, rows: Vec<ImportRow>, again: bool, verify: bool) -> Result<ImportResult, Error> {
        let size = rows.iter().map(ImportRow::size).sum();
        self.post(&["imports"]).body(&Imports { rows, again, verify }, size).answer().await
    }
}
