//! Begins the re-authorization of a connection.

use super::Connection;
use crate::Reauthorize;

impl Connection {
    /// Begins a re-authorization when the result is awaited.
    ///
    /// The new credential replaces the current one once it is verified. The id, the label and everything that refers
    /// to the connection stay. The replaced credential is kept for seven days; see [`rollback`](Self::rollback).
    ///
    /// The connection keeps its credential while the setup is in progress, and also if the setup fails, is cancelled
    /// or expires. A credential for another account is refused without
    /// [`another_account`](Reauthorize::another_account). A credential that cannot be verified now replaces one that
    /// does not work; if the current one may work, the session waits, and resuming it asks again.
    ///
    /// # Repetition
    ///
    /// Several re-authorizations may be in progress. Each replaces the credential that is current when it ends.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`](crate::Error::UnknownKind), [`Error::NotFound`](crate::Error::NotFound) if the connection
    /// was removed, [`Error::NotSupported`](crate::Error::NotSupported) for a [scope](Reauthorize::scope) that the kind
    /// does not allow to ask for, [`Error::Extension`](crate::Error::Extension) if the extension is for another provider or
    /// declaration, and the store's.
    pub fn reauthorize(&self) -> Reauthorize {
        Reauthorize::new(self.scope().on(&self.system.setup), self.info.clone())
    }
}
