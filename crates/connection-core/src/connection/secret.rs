//! Hands out the access token, for the few uses where a request cannot be made for the caller. Recorded before it is seen.

use std::time::Duration;

use connection_contract::Secret;

use super::Connection;
use crate::{
    Error, contain,
    contain::Contained,
    error::{CRASHED, TIMED_OUT},
    event,
    store::Lock,
};

const ACCESS_TOKEN: &str = "accessToken";
const LONGEST: Duration = Duration::from_secs(10);

impl Connection {
    /// Lends the connection's access token to `use_it`. The event that records it is stored first: when it cannot be,
    /// nothing is lent.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a kind or credential without one, [`Error::NotRenewed`], [`Error::Credential`],
    /// [`Error::Sealed`], [`Error::UnknownKind`], and the store's.
    pub async fn with_access_token<T>(&self, use_it: impl AsyncFnOnce(&Secret) -> T) -> Result<T, Error> {
        let (kind, row) = self.open_fresh().await?;
        if !kind.descriptor.secret_names.iter().any(|name| name == ACCESS_TOKEN) {
            return Err(self.cannot("hand out an access token"));
        }
        let definition = kind.definition.clone();
        let take = async move { contain::call(move || definition.secret(&row.payload.credential, ACCESS_TOKEN)) };
        let name = &self.info.kind;
        let fault = |what| Error::PluginFault { kind: name.clone(), what };
        let taken = match self.shared.runtimes.run(&*self.shared.clock, LONGEST, take).await {
            Contained::Ended(Some(taken)) => taken,
            Contained::Ended(None) | Contained::Panicked => return Err(fault(CRASHED)),
            Contained::Stopped | Contained::TimedOut => return Err(fault(TIMED_OUT)),
        };
        let taken = taken.map_err(|source| Error::Credential { kind: name.clone(), source })?;
        let secret = taken.ok_or_else(|| self.cannot("hand out an access token"))?;
        let body = serde_json::json!({ "name": ACCESS_TOKEN });
        let event = event::new(&self.shared, &self.info.owner, self.id(), event::SECRET_RELEASED, body);
        let (sealer, id) = (self.shared.sealer.clone(), self.id());
        let recorded = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Connection(id)).await?;
                if tx.account(id).await?.is_none() {
                    return Ok(false);
                }
                event::append(tx, &sealer, &event).await.map(|()| true)
            })
        });
        if !recorded.await? {
            return Err(Error::NotFound(id));
        }
        tracing::info!(connection = %id, kind = %name, name = ACCESS_TOKEN, "secret released");
        Ok(use_it(&secret).await)
    }
}
