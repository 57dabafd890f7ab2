//! What is frozen, and freezing and thawing.

use connection_api::{Freezes, Froze, NewFreeze, Thawed};

use crate::{Client, Error};

impl Client {
    /// Returns what is frozen that concerns the owner, and the last changes.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me).
    pub async fn freezes(&self) -> Result<Freezes, Error> {
        self.get(&["freezes"]).answer().await
    }

    /// Freezes `agent:NAME`, `all`, `connection:ID`, `kind:KIND` or `owner:OWNER`.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me); with the code `not_allowed` for what the token may not freeze.
    pub async fn freeze(&self, what: &str) -> Result<Froze, Error> {
        self.post(&["freezes"]).body(&NewFreeze { what: what.to_owned() }, what.len()).answer().await
    }

    /// Thaws what [`freeze`](Self::freeze) freezes.
    ///
    /// # Errors
    ///
    /// As [`freeze`](Self::freeze).
    pub async fn thaw(&self, what: &str) -> Result<Thawed, Error> {
        self.delete(&["freezes", what]).answer().await
    }
}
