//! Sends a delivery from this host to itself over the network, as the provider would, and records the result.

use std::fmt;

use connection_contract::{BoxFuture, HttpError, HttpResponse, Secret, host};

use super::manage::SigningState;
use crate::{
    Connection, ConnectionWebhooks, Error,
    store::{Lock, rows::TestRow},
};

/// A delivery that this host sent to itself. The sender decides what the result means and stores it with
/// [`record`](Self::record).
#[must_use = "the caller must record the result of the test"]
pub struct SentWebhookTest {
    answer: Result<HttpResponse, HttpError>,
    connection: Connection,
    /// The address up to its secret part; `None` if the delivery went to no address of the connection.
    address: Option<String>,
    revision: i64,
    generation: Option<i64>,
}

impl<'a> ConnectionWebhooks<'a> {
    /// Signs a harmless delivery for the address `base` and `path`, which the provider knows, and sends it there.
    ///
    /// It arrives like a delivery of the provider and waits in the inbox like any other. It carries no credential.
    /// Private addresses are allowed, and redirects to another origin are not followed.
    ///
    /// # Repetition
    ///
    /// Each call sends another event.
    ///
    /// # Errors
    ///
    /// The errors of [`sign_test`](Self::sign_test). Nothing was sent then.
    pub fn send_test(self, base: &'a str, path: &'a str) -> BoxFuture<'a, Result<SentWebhookTest, Error>> {
        Box::pin(async move {
            let url = format!("{base}{path}");
            let (delivery, signed) = self.signed_test(&url).await?;
            let SigningState { token, revision, generation } = signed;
            // A plugin may append a part of what it signs to the address.
            let path = delivery.url().strip_prefix(base).unwrap_or(path);
            let sent = self.connection.system.ground.send_to_self(base, |base| {
                let mut request = host::request(delivery.method().to_owned(), base, path)?;
                for (name, value) in delivery.headers() {
                    request.set_header(name.clone(), Secret::from(value.as_str()));
                }
                request.body = delivery.body().duplicate();
                Some(request)
            });
            let answer = sent.await;
            let address =
                token.expose_str().and_then(|token| url.split_once(token)).map(|(before, _)| before.to_owned());
            Ok(SentWebhookTest { answer, connection: self.connection.clone(), address, revision, generation })
        })
    }
}

impl SentWebhookTest {
    /// Returns the answer to the delivery, or the reason why there is none.
    pub fn answer(&self) -> Result<&HttpResponse, HttpError> {
        self.answer.as_ref().map_err(|error| *error)
    }

    /// Records the result in place of that of the previous test: the code of the problem, or `None` if the delivery
    /// arrived. [`WebhookInfo::last_test`](crate::WebhookInfo::last_test) returns it afterwards, in any process.
    ///
    /// Nothing is recorded if the delivery went to no address of the connection, if the address or its keys were
    /// changed after it was signed, or if the connection was removed.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the result may have been recorded.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub fn record(self, failure: Option<&'static str>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move {
            let Self { connection, address, revision, generation, .. } = self;
            let system = &connection.system;
            let id = connection.id();
            // Without the token of this connection, the address is not written down: it may contain the valid token of
            // another one.
            let test = address.map(|url| TestRow { at: system.ground.clock.now().seconds(), url, generation, failure });
            let is_kept = match test {
                None => false,
                Some(test) => {
                    let written = system.ground.store.write(move |tx| {
                        Box::pin(async move {
                            tx.lock(Lock::Connection(id)).await?;
                            tx.set_webhook_test(id, revision, &test).await
                        })
                    });
                    written.await?
                }
            };
            if !is_kept {
                tracing::info!(connection = %id, "the result of a webhook test is not recorded, because the address or \
                                                  its keys have changed");
            }
            Ok(())
        })
    }
}

impl fmt::Debug for SentWebhookTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentWebhookTest").field("connection", &self.connection).finish_non_exhaustive()
    }
}
