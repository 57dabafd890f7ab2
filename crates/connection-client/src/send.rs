//! Requests to providers with the credential of a connection, which stays on the server.

use connection_api::{Answer, SendRequest};

use crate::{Client, Error};

/// The maximum size of the JSON of an answer, in bytes. The server passes on 16 MiB, of which a byte may take six.
const MAX_ANSWER: usize = 100 << 20;

impl Client {
    /// Sends a request with the credential of a connection, and returns the provider's answer, whatever its status is.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, for example with the code `denied` or that of the reason why the provider has
    /// not answered, and the errors of a request without an answer. In the latter case, the provider may have received
    /// it.
    pub async fn send(&self, id: &str, request: &SendRequest) -> Result<Answer, Error> {
        let size = request.body.as_ref().map_or(0, String::len) + request.path.len();
        self.post(&["connections", id, "send"]).limit(MAX_ANSWER).body(request, size).answer().await
    }
}
