//! Sends this host a delivery over the network, as the provider would.

use connection_contract::{HttpError, HttpResponse, Secret, host};

use crate::{Connection, Error};

impl Connection {
    /// Signs a harmless delivery for the address `base` and `path`, which is the one that the provider knows, and sends it
    /// there: it arrives as the provider's would, and waits in the inbox as any other. No credential goes there, private
    /// addresses are allowed, and a redirect to another origin is not followed. Inside, why there is no answer.
    ///
    /// # Repetition
    ///
    /// Each is another event.
    ///
    /// # Errors
    ///
    /// As [`sign_webhook_test`](Self::sign_webhook_test): nothing was sent.
    pub async fn send_webhook_test(&self, base: &str, path: &str) -> Result<Result<HttpResponse, HttpError>, Error> {
        let delivery = self.sign_webhook_test(&format!("{base}{path}")).await?;
        // A plugin may put a part of what it signs behind the address.
        let path = delivery.url().strip_prefix(base).unwrap_or(path);
        let sent = self.shared.ask_itself(base, |base| {
            let mut request = host::request(delivery.method().to_owned(), base, path)?;
            for (name, value) in delivery.headers() {
                request.set_header(name.clone(), Secret::from(value.as_str()));
            }
            request.body = delivery.body().duplicate();
            Some(request)
        });
        Ok(sent.await)
    }
}
