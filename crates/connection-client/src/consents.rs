//! The consent of a person to a client that signs in at the door for models.

use connection_api::{ConsentRequest, Decided, NewConsent, ShownConsent};

use crate::{Client, Error};

impl Client {
    /// Returns a request of a client as a person judges it. `request` stands in the address of the page to which the client
    /// led the browser.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me); with the code `consent_ended` for a request that is over, and `client_invalid` for a client
    /// that cannot sign in.
    pub async fn read_consent(&self, request: &str) -> Result<ShownConsent, Error> {
        let request = ConsentRequest { request: request.to_owned() };
        self.post(&["consents", "read"]).body(&request, 0).answer().await
    }

    /// Creates an agent for the client, and returns the address to which the browser goes.
    ///
    /// # Errors
    ///
    /// As [`read_consent`](Self::read_consent); with the code `agent_exists` if the name is taken.
    pub async fn consent(&self, new: &NewConsent) -> Result<Decided, Error> {
        self.post(&["consents"]).body(new, 0).answer().await
    }

    /// Returns the address to which the browser goes after a refusal.
    ///
    /// # Errors
    ///
    /// As [`read_consent`](Self::read_consent).
    pub async fn refuse_consent(&self, request: &str) -> Result<Decided, Error> {
        let request = ConsentRequest { request: request.to_owned() };
        self.post(&["consents", "refuse"]).body(&request, 0).answer().await
    }
}
