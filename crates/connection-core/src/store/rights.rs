//! The rights of the program's role on the tables of a server. A role that lacks one for a single table can still write
//! the others, so no other write shows it.

use super::{
    Reader, Store, StoreError,
    engine::{Engine, optional},
};

/// Selects whether the role lacks a right on one of the tables. Another role may have applied the migrations.
#[cfg(feature = "postgres")]
const LACKS_RIGHT: &str = "SELECT EXISTS (SELECT 1 FROM pg_class AS c WHERE c.relkind = 'r' \
     AND pg_table_is_visible(c.oid) AND starts_with(c.relname::text, 'connection_') \
     AND c.relname <> 'connection_migrations' AND NOT (has_table_privilege(c.oid, 'SELECT') \
     AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') \
     AND has_table_privilege(c.oid, 'DELETE')))";

impl Reader {
    /// Returns `true` if the role of the program may not read or write one of the tables.
    pub(super) async fn lacks_right(&mut self) -> Result<bool, StoreError> {
        let sql = match self.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => LACKS_RIGHT,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => "SELECT FALSE",
        };
        Ok(optional!(self, (bool,), sql)?.is_some_and(|(lacks,)| lacks))
    }
}

impl Store {
    /// Returns `true` if the role of the program may not read or write one of the tables of a server.
    ///
    /// # Errors
    ///
    /// The errors of a query.
    pub(crate) async fn lacks_right(&self) -> Result<bool, StoreError> {
        if self.file().is_some() {
            return Ok(false);
        }
        self.reader().await?.lacks_right().await
    }
}
