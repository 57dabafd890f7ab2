//! Verifies a connection after a use whose answer contradicts what was measured.

use connection_contract::BoxFuture;

use super::Connection;
use crate::{
    ConnectionInfo, Error,
    verify::{self, refused_use},
};

impl Connection {
    /// Verifies the connection if its provider has refused a [`send`](Self::send) or a fetch of usage, or has answered one
    /// with a success although the connection is failing or offline, and no verification has followed. Returns `None` if nothing
    /// was verified.
    ///
    /// A connection is verified for this reason at most once in five minutes, or once in an hour if its credential is a
    /// password, over all processes of the store, and not
    /// during a pause that its provider asked for. Such a use meanwhile makes the connection due at the end of
    /// that time. The [scheduler](crate::ConnectionRegistry::run) of any process does the same by itself; this method is
    /// for a program without one, which calls it after it has used the answer.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, a probe that has begun continues and its result is stored.
    ///
    /// # Errors
    ///
    /// The errors of [`verify`](Self::verify).
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{Connection, Error};
    ///
    /// async fn things(connection: &Connection) -> Result<u16, Error> {
    ///     let request = connection.request("GET", "/things").await?;
    ///     let status = connection.send(request).await?.status();
    ///     if let Some(info) = connection.verify_refused_use().await? {
    ///         println!("{} is {:?}", info.label, info.liveness);
    ///     }
    ///     Ok(status)
    /// }
    /// ```
    pub fn verify_refused_use(&self) -> BoxFuture<'_, Result<Option<ConnectionInfo>, Error>> {
        Box::pin(async move {
            let scope = self.scope().on(&self.system.verify);
            if !refused_use::claim(&self.system.verify, &self.info.owner, &self.info.kind, self.id()).await? {
                return Ok(None);
            }
            let found = verify::verify(scope, self.id(), verify::ProbeTrigger::Host, None).await?;
            Ok(Some(self.verified(found)))
        })
    }

    /// Notes a use of the credential of this generation that was refused, or that succeeded although the connection is
    /// failing or offline. `refused_by` is the answer that refused it, with its host and its status. The answer of the
    /// provider is the result of the use, so a store that cannot take the note does not fail it.
    pub(super) async fn note_refused_use(&self, generation: i64, refused_by: Option<String>) {
        if let Err(error) = refused_use::note(&self.system.verify, self.id(), generation, refused_by).await {
            tracing::warn!(
                connection = %self.id(), code = error.code(),
                "a request that contradicts what was measured could not be noted, so no verification follows it"
            );
        }
    }
}
