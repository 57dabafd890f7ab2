//! Hands out the access token, for the few uses where a request cannot be made for the caller. Recorded before it is seen.

use connection_contract::{Secret, SecretName};

use super::{Connection, named};
use crate::{Error, event, requirement::names, store::Lock};

const ACCESS_TOKEN: &str = "accessToken";

impl Connection {
    /// Lends the connection's access token to `use_it`. The event that records it is stored first: when it cannot be,
    /// nothing is lent.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a kind or credential without one, [`Error::NotRenewed`], [`Error::Credential`],
    /// [`Error::Sealed`], [`Error::UnknownKind`], and the store's.
    pub async fn with_access_token<T>(&self, use_it: impl AsyncFnOnce(&Secret) -> T) -> Result<T, Error> {
        let taken = self.take_secrets(vec![ACCESS_TOKEN.to_owned()]).await?;
        let secret = taken.into_iter().next().flatten().ok_or_else(|| self.cannot("hand out an access token"))?;
        self.record_release(ACCESS_TOKEN).await?;
        Ok(use_it(&secret).await)
    }

    /// Stores the event that a secret of this name is handed out, before it is.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the connection is gone meanwhile, and the store's.
    pub(crate) async fn record_release(&self, name: &str) -> Result<(), Error> {
        let body = serde_json::json!({ "name": name });
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
        tracing::info!(connection = %id, kind = %self.info.kind, name, "secret released");
        Ok(())
    }

    /// The secret of this name, of a credential that is renewed first where it has ended. The caller records it before the
    /// secret is handed out, and has checked that the kind declares the name.
    pub(crate) async fn take_secret(&self, name: &str) -> Result<Option<Secret>, Error> {
        let (kind, row) = self.open_fresh().await?;
        let credential = row.payload.credential.duplicate();
        let taken = named::secrets(&self.shared, &kind, credential, vec![name.to_owned()]).await?;
        Ok(taken.into_iter().next().flatten())
    }

    /// Asks its plugin which secrets the credential holds, where one of these may be among them that its row does not name;
    /// whether the row says something else now. So many names does the extension declare. What cannot be asked stays as it is.
    pub(crate) async fn tell_names(&self, names: &[SecretName], declared: usize) -> bool {
        let Ok(kind) = self.kind() else { return false };
        let is_declared =
            |name: &SecretName| names::of_kind(&kind.descriptor.secret_names, declared, name.as_str()).is_some();
        if !names.iter().any(is_declared) {
            return false;
        }
        let Ok((kind, row)) = self.open().await else { return false };
        let before = named::current(&self.shared, self.id()).await;
        named::correct(&self.shared, &kind, self.id(), row.generation, &row.payload.credential).await;
        named::current(&self.shared, self.id()).await != before
    }

    /// The secrets of these names, of a credential that is renewed first where it has ended. Whoever hands them out records
    /// it before. One that the kind does not declare is none.
    pub(crate) async fn take_secrets(&self, names: Vec<String>) -> Result<Vec<Option<Secret>>, Error> {
        let (kind, row) = self.open_fresh().await?;
        let declared = |name: &String| kind.descriptor.secret_names.iter().any(|known| known == name);
        let is_declared: Vec<_> = names.iter().map(declared).collect();
        if !is_declared.contains(&true) {
            return Ok(names.iter().map(|_| None).collect());
        }
        let taken = named::secrets(&self.shared, &kind, row.payload.credential.duplicate(), names).await?;
        // A row from before the names were asked of the plugin has all that its kind declares.
        if taken.iter().zip(&is_declared).any(|(secret, declared)| *declared && secret.is_none()) {
            named::correct(&self.shared, &kind, self.id(), row.generation, &row.payload.credential).await;
        }
        Ok(taken.into_iter().zip(is_declared).map(|(secret, declared)| secret.filter(|_| declared)).collect())
    }
}
