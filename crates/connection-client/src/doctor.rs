//! The facts and the checks of a server and of the connections of an owner.

use connection_api::{Doctor, Empty, System};

use crate::{Client, Error};

impl Client {
    /// Returns the version of the server, its database, the source of its key and its addresses.
    ///
    /// # Errors
    ///
    /// As [`doctor`](Self::doctor).
    pub async fn system(&self) -> Result<System, Error> {
        self.get(&["system"]).answer().await
    }

    /// Lets the server check itself and the connections of the owner. It changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer. A problem that a check finds is
    /// no error.
    pub async fn doctor(&self) -> Result<Doctor, Error> {
        self.post(&["doctor"]).body(&Empty {}, 0).answer().await
    }
}
