//! Whether the files of a SQLite database are still the ones that this process opened.

use super::{Engine, Store, StoreError};

impl Store {
    /// Compares the files of a SQLite database with those at their paths.
    ///
    /// # Errors
    ///
    /// [`StoreError::Displaced`] from the first difference on.
    pub(crate) fn check_files(&self) -> Result<(), StoreError> {
        match &self.shared.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => sqlite.check_files(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Returns an error if a comparison has found other files. Rows can still be read then, from the former file, and
    /// lists show them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Displaced`].
    pub(crate) fn refuse_displaced(&self) -> Result<(), StoreError> {
        match &self.shared.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => sqlite.refuse_displaced(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Ok(()),
        }
    }
}
