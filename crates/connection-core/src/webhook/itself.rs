//! Sends this host a delivery over the network, as the provider would, and keeps what came of it.

use std::fmt;

use connection_contract::{HttpError, HttpResponse, Secret, host};

use super::manage::Signed;
use crate::{
    Connection, Error,
    store::{Lock, rows::TestRow},
};

/// A delivery that this host sent to itself. What came of it is known to whoever sent it, and told with
/// [`record`](Self::record).
#[must_use = "how the test ended is for whoever sent it to record"]
pub struct SentWebhookTest {
    answer: Result<HttpResponse, HttpError>,
    connection: Connection,
    /// Up to the secret part; `None` where it was sent to no address of the connection.
    address: Option<String>,
    revision: i64,
    generation: Option<i64>,
}

impl Connection {
    /// Signs a harmless delivery for the address `base` and `path`, which is the one that the provider knows, and sends it
    /// there: it arrives as the provider's would, and waits in the inbox as any other. No credential goes there, private
    /// addresses are allowed, and a redirect to another origin is not followed.
    ///
    /// # Repetition
    ///
    /// Each is another event.
    ///
    /// # Errors
    ///
    /// As [`sign_webhook_test`](Self::sign_webhook_test): nothing was sent.
    pub async fn send_webhook_test(&self, base: &str, path: &str) -> Result<SentWebhookTest, Error> {
        let url = format!("{base}{path}");
        let (delivery, signed) = self.signed_test(&url).await?;
        let Signed { token, revision, generation } = signed;
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
        let answer = sent.await;
        let address = token.expose_str().and_then(|token| url.split_once(token)).map(|(before, _)| before.to_owned());
        Ok(SentWebhookTest { answer, connection: self.clone(), address, revision, generation })
    }
}

impl SentWebhookTest {
    /// What it was answered with, or why there is no answer.
    pub fn answer(&self) -> Result<&HttpResponse, HttpError> {
        self.answer.as_ref().map_err(|error| *error)
    }

    /// Keeps how it ended, in the place of the test before: with the code of what is wrong, or with `None` when it arrived.
    /// [`WebhookInfo::last_test`](crate::WebhookInfo::last_test) has it from then on, in any process.
    ///
    /// Where it was sent to no address of the connection, the address or its keys were changed since it was signed, or the
    /// connection was removed, nothing is kept.
    ///
    /// # Cancellation
    ///
    /// Dropped, it may have been kept.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn record(self, failure: Option<&'static str>) -> Result<(), Error> {
        let Self { connection, address, revision, generation, .. } = self;
        let (shared, id) = (&connection.shared, connection.id());
        // With a token of another one in it, which may be good elsewhere, it is not written down.
        let test = address.map(|url| TestRow { at: shared.clock.now().seconds(), url, generation, failure });
        let is_kept = match test {
            None => false,
            Some(test) => {
                let written = shared.store.write(move |tx| {
                    Box::pin(async move {
                        tx.lock(Lock::Connection(id)).await?;
                        tx.set_webhook_test(id, revision, &test).await
                    })
                });
                written.await?
            }
        };
        if !is_kept {
            tracing::info!(connection = %id, "a webhook test was not of the address and keys that there are");
        }
        Ok(())
    }
}

impl fmt::Debug for SentWebhookTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentWebhookTest").field("connection", &self.connection).finish_non_exhaustive()
    }
}
