//! Begins a setup that replaces the credential of an existing connection.
//!
//! The setup runs by replay like any other; only its end differs, see `promote`. Until then the connection uses its
//! current credential, and only the session's own rows are written.

use std::{future::IntoFuture, sync::Arc};

use connection_contract::{BoxFuture, Secret, SetupFailure};

use super::{SetupSession, begin, codec::Purpose, run, start_address::SetupOptions};
use crate::{Connection, ConnectionId, Error, ExtensionHandle, profile_rows, registry::Shared};

/// A re-authorization that begins when it is awaited: `connection.reauthorize().await`.
#[derive(Debug)]
#[must_use = "a re-authorization begins when this is awaited"]
pub struct Reauthorize {
    connection: Connection,
    another_account: bool,
    pub(super) terms: SetupOptions,
    extension: Option<ExtensionHandle>,
}

impl Reauthorize {
    /// Allows a credential for another account. The connection then changes to that account.
    pub fn another_account(mut self) -> Self {
        self.another_account = true;
        self
    }

    /// Cancels the session when its last handle is dropped.
    pub fn ephemeral(mut self) -> Self {
        self.terms.ephemeral = true;
        self
    }

    /// Authorizes the connection again for an extension, as [`BeginSetup::extension`](super::BeginSetup::extension)
    /// connects an account for one. The extension is granted the connection with the secrets that it declared.
    ///
    /// If the extension's declaration has changed by the end of the setup, or the extension was removed, the
    /// connection stays as it is. A handle of another owner is ignored.
    pub fn extension(mut self, handle: &ExtensionHandle) -> Self {
        self.extension = Some(handle.clone());
        self
    }

    /// Accepts callbacks from one browser only, as [`BeginSetup::browser`](super::BeginSetup::browser) does.
    pub fn browser(mut self, proof: Secret) -> Self {
        self.terms.browser = Some(proof);
        self
    }
}

impl IntoFuture for Reauthorize {
    type Output = Result<SetupSession, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { connection, another_account, terms, extension } = self;
        Box::pin(async move {
            let registry = connection.registry();
            let kind = &connection.info.kind;
            let id = connection.info.id;
            let extension = match extension.filter(|handle| handle.is_of(&registry.owner)) {
                Some(handle) => Some(handle.for_setup(kind).await?),
                None => None,
            };
            let profile = match connection.info.profile {
                Some(profile) => {
                    profile_rows::setup_profile(&registry.shared, &registry.owner, kind, Some(profile)).await?
                }
                None => None,
            };
            let purpose = Purpose::Reauthorize { another_account, extension };
            begin::begin(&registry, kind, id, purpose, terms, profile).await
        })
    }
}

impl Connection {
    /// Begins a re-authorization when the result is awaited.
    ///
    /// The new credential replaces the current one once it is verified. The id, the label and everything that refers
    /// to the connection stay. The replaced credential is kept for seven days; see [`rollback`](Self::rollback).
    ///
    /// The connection keeps its credential while the setup is in progress, and also if the setup fails, is cancelled
    /// or expires. A credential for another account is refused without
    /// [`another_account`](Reauthorize::another_account). A credential that cannot be verified now replaces one that
    /// does not work; if the current one may work, the session waits, and resuming it asks again.
    ///
    /// # Repetition
    ///
    /// Several re-authorizations may be in progress. Each replaces the credential that is current when it ends.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`Error::NotFound`] if the connection was removed, [`Error::Extension`] if the
    /// extension is for another provider or declaration, and the store's.
    pub fn reauthorize(&self) -> Reauthorize {
        Reauthorize { connection: self.clone(), another_account: false, terms: Default::default(), extension: None }
    }
}

/// Returns the failure of a re-authorization whose connection was removed.
pub(super) fn removed() -> SetupFailure {
    SetupFailure::new("not_found", "the connection was removed in the meantime")
}

/// Runs the open re-authorizations of a connection that was removed, each of which then ends. One that is missed here
/// ends at its next run.
pub(crate) async fn connection_removed(shared: &Arc<Shared>, connection: ConnectionId) {
    let open = async { Ok::<_, Error>(shared.reader().await?.open_setups_of(connection).await?) };
    for row in open.await.unwrap_or_default() {
        if let Ok(slot) = shared.slot(&row) {
            run::spawn(shared, &slot);
        }
    }
}
