//! Setup links: addresses at which somebody else connects an account for an owner, or repairs a connection.

use connection_api::{NewSetupLink, SetupLink};

use crate::{Client, Error};

impl Client {
    /// Makes a setup link. Each call makes another one.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn create_setup_link(&self, link: &NewSetupLink) -> Result<SetupLink, Error> {
        self.post(&["setup-links"]).body(link, 0).answer().await
    }
}
