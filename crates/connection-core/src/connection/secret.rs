//! Hands out secrets, for the few uses where the core cannot make the request. A release is recorded before it happens.

use std::sync::Arc;

use connection_contract::{BoxFuture, HttpRequest, Secret, SecretName, host};

use super::{Connection, open::check_reach};
use crate::{
    ConnectionInfo, Error,
    credential::{HotRow, named_secrets},
    event,
    kinds::{KindEntry, held_name},
    store::Lock,
    uses::{self, What},
};

const ACCESS_TOKEN: &str = "accessToken";

/// A credential that was read for a release, with the rest of its connection as it was then.
pub(crate) struct OpenForRelease {
    pub(crate) kind: Arc<KindEntry>,
    pub(crate) row: Arc<HotRow>,
    pub(crate) info: Arc<ConnectionInfo>,
}

impl Connection {
    /// Calls `use_it` with the connection's access token.
    ///
    /// The event that records the release is stored first. If it cannot be stored, `use_it` is not called.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a kind or credential without an access token, [`Error::NotRenewed`],
    /// [`Error::Credential`], [`Error::Sealed`], [`Error::UnknownKind`], [`Error::KindChanged`], [`Error::Frozen`], and
    /// the store's errors.
    pub async fn with_access_token<T>(&self, use_it: impl AsyncFnOnce(&Secret) -> T) -> Result<T, Error> {
        let secret = self.release_access_token().await?;
        Ok(use_it(&secret).await)
    }

    fn release_access_token(&self) -> BoxFuture<'_, Result<Secret, Error>> {
        Box::pin(async move {
            let taken = self.take_secrets(vec![ACCESS_TOKEN.to_owned()]).await?;
            let secret = taken.into_iter().next().flatten().ok_or_else(|| self.cannot("hand out an access token"))?;
            self.record_release(ACCESS_TOKEN).await?;
            Ok(secret)
        })
    }

    /// Stores the event that a secret with this name is handed out.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the connection was removed meanwhile, [`Error::Frozen`], and the store's errors.
    pub(crate) async fn record_release(&self, name: &str) -> Result<(), Error> {
        self.check_frozen().await?;
        let body = serde_json::json!({ "name": name });
        let event = self.system.ground.event(&self.info.owner, self.id(), event::SECRET_RELEASED, body);
        let sealer = self.system.ground.sealer.clone();
        let what = What { secrets: vec![name.to_owned()], ..self.what() };
        let entries = self.system.ground.recorder.released(&self.info.owner, self.by(), what);
        let id = self.id();
        let recorded = self.system.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Connection(id)).await?;
                if tx.account(id).await?.is_none() {
                    return Ok(false);
                }
                uses::append(tx, &sealer, &entries).await?;
                event::append(tx, &sealer, &event).await.map(|()| true)
            })
        });
        if !recorded.await? {
            return Err(Error::NotFound(id));
        }
        tracing::info!(connection = %id, kind = %self.info.kind, name, "secret released");
        Ok(())
    }

    /// Returns the kind and the credential, read from the store after this call. One that has ended, or whose refresh is
    /// due, is refreshed first.
    pub(crate) async fn open_for_release(&self) -> Result<OpenForRelease, Error> {
        let (kind, row) = self.open_for_use().await?;
        self.refreshed_for_release(&kind, row).await?;
        let known = self.system.credential.hot.reread(&self.stored()).await?;
        let row = self.open_for(&kind, known.clone()).await?;
        self.check_frozen().await?;
        Ok(OpenForRelease { kind, row, info: known.info.clone() })
    }

    /// Returns the headers that the kind adds to a `GET`. Nothing is sent, and the caller records the release.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] for an address outside of the connection's reach, and [`Error::NotSupported`] for a kind whose
    /// credential does not stand in headers alone or depends on the request.
    pub(crate) async fn added_headers(
        &self,
        open: &OpenForRelease,
        request: HttpRequest,
    ) -> Result<Vec<(String, Secret)>, Error> {
        let OpenForRelease { kind, row, .. } = open;
        if kind.reads_body {
            return Err(self.cannot("hand out headers, because they depend on the request"));
        }
        let origin = host::origin(request.url());
        check_reach(row, &origin.ok_or(Error::InvalidRequest("its address is not an http or https address"))?)?;
        let url = request.url().to_owned();
        let (request, _) = self.attach(kind, row, request).await?;
        if request.url() != url || !request.body.is_empty() || request.headers.is_empty() {
            return Err(self.cannot("hand out headers, because its credential stands elsewhere in a request"));
        }
        Ok(request.headers.iter().map(|(name, value)| (name.to_string(), Secret::new(value.expose()))).collect())
    }

    /// Returns secrets of a credential that was opened for their release, in the order of the names.
    pub(crate) async fn named_secrets(
        &self,
        open: &OpenForRelease,
        names: Vec<String>,
    ) -> Result<Vec<Option<Secret>>, Error> {
        let credential = open.row.payload.credential.duplicate();
        named_secrets::secrets(&self.system.ground, &open.kind, credential, names).await
    }

    /// Returns the secret with this name. A credential that has ended is refreshed first.
    ///
    /// The caller has checked that the kind declares the name, and records the release before it hands the secret out.
    pub(crate) async fn take_secret(&self, name: &str) -> Result<Option<Secret>, Error> {
        let (kind, row) = self.open_for_use().await?;
        let credential = row.payload.credential.duplicate();
        let taken = named_secrets::secrets(&self.system.ground, &kind, credential, vec![name.to_owned()]).await?;
        // The plugin may have taken seconds.
        self.check_frozen().await?;
        Ok(taken.into_iter().next().flatten())
    }

    /// If the kind declares one of `names`, asks the plugin which secrets the credential holds, and corrects the row.
    /// Returns `true` if the names in the row changed. `declared` is the number of secret names that the extension
    /// declares. If the plugin cannot be asked, the row stays as it is.
    pub(crate) async fn tell_names(&self, names: &[SecretName], declared: usize) -> bool {
        let Ok(kind) = self.kind().await else { return false };
        let is_declared =
            |name: &SecretName| held_name(&kind.descriptor.secret_names, declared, name.as_str()).is_some();
        if !names.iter().any(is_declared) {
            return false;
        }
        let Ok((kind, row)) = self.open_current().await else { return false };
        let before = named_secrets::current(&self.system.ground, self.id()).await;
        named_secrets::correct(&self.system.ground, &kind, self.id(), row.generation, &row.payload.credential).await;
        named_secrets::current(&self.system.ground, self.id()).await != before
    }

    /// Returns the secrets with these names, in their order. A credential that has ended is refreshed first.
    ///
    /// The caller records the release before it hands the secrets out. A name that the kind does not declare yields
    /// `None`.
    pub(crate) async fn take_secrets(&self, names: Vec<String>) -> Result<Vec<Option<Secret>>, Error> {
        let (kind, row) = self.open_for_use().await?;
        let declared = |name: &String| kind.descriptor.secret_names.iter().any(|known| known == name);
        let is_declared: Vec<_> = names.iter().map(declared).collect();
        if !is_declared.contains(&true) {
            return Ok(names.iter().map(|_| None).collect());
        }
        let taken =
            named_secrets::secrets(&self.system.ground, &kind, row.payload.credential.duplicate(), names).await?;
        // The plugin may have taken seconds.
        self.check_frozen().await?;
        // A row that was written before plugins were asked for the names lists all names that its kind declares.
        if taken.iter().zip(&is_declared).any(|(secret, declared)| *declared && secret.is_none()) {
            named_secrets::correct(&self.system.ground, &kind, self.id(), row.generation, &row.payload.credential)
                .await;
        }
        Ok(taken.into_iter().zip(is_declared).map(|(secret, declared)| secret.filter(|_| declared)).collect())
    }
}
