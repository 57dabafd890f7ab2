//! Begins a setup for another credential of a connection that is there.
//!
//! It is the same setup, by replay; only its end differs, see `promote`. Until then the connection serves with the
//! credential that it has, and nothing but the session's own rows is written.

use std::{future::IntoFuture, sync::Arc};

use connection_contract::{BoxFuture, Secret, SetupFailure};

use super::{SetupSession, begin, codec::Purpose, led::Terms, run};
use crate::{Connection, ConnectionId, Error, ExtensionHandle, profiles, registry::Shared};

/// A re-authorization that is about to begin: `connection.reauthorize().await`.
#[derive(Debug)]
#[must_use = "a re-authorization begins when this is awaited"]
pub struct Reauthorize {
    connection: Connection,
    another_account: bool,
    pub(super) terms: Terms,
    extension: Option<ExtensionHandle>,
}

impl Reauthorize {
    /// Takes the credential also when it reaches another account: the connection is that account's from then on.
    pub fn another_account(mut self) -> Self {
        self.another_account = true;
        self
    }

    /// Cancels the session when its last handle is dropped.
    pub fn ephemeral(mut self) -> Self {
        self.terms.ephemeral = true;
        self
    }

    /// Authorizes it for an extension, as [`BeginSetup::extension`](super::BeginSetup::extension) connects one: the person who
    /// does lets the extension use the connection, with the secrets that it declared. When the extension asks for something
    /// else by the end, or was removed, the connection stays as it is. A handle of another owner counts for nothing.
    pub fn extension(mut self, handle: &ExtensionHandle) -> Self {
        self.extension = Some(handle.clone());
        self
    }

    /// Takes callbacks from one browser alone, as [`BeginSetup::browser`](super::BeginSetup::browser) says.
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
            let (kind, id) = (&connection.info.kind, connection.info.id);
            let extension = match extension.filter(|handle| handle.is_of(&registry.owner)) {
                Some(handle) => Some(handle.for_setup(kind).await?),
                None => None,
            };
            let profile = match connection.info.profile {
                Some(profile) => profiles::meant(&registry, kind, Some(profile)).await?,
                None => None,
            };
            let purpose = Purpose::Reauthorize { another_account, extension };
            begin::begin(&registry, kind, id, purpose, terms, profile).await
        })
    }
}

impl Connection {
    /// Begins a setup in place when it is awaited: its credential takes the place of the one that the connection has,
    /// once it is verified; id, label and what refers to the connection stay. What was the credential is kept for seven
    /// days, see [`rollback`](Self::rollback).
    ///
    /// Nothing changes for whoever uses the connection while the setup is under way, nor when it fails, is cancelled or
    /// expires. A credential of another account is refused, unless [`another_account`](Reauthorize::another_account) is
    /// said. One that cannot be verified now takes the place of one that does not work; where the connection may work,
    /// the session waits, and resuming it asks again.
    ///
    /// # Repetition
    ///
    /// Several may be under way; each takes the place of what is current when it ends.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`Error::NotFound`] when it was removed, [`Error::Extension`] where it is for an extension of
    /// another provider or declaration, and the store's.
    pub fn reauthorize(&self) -> Reauthorize {
        let (terms, extension) = Default::default();
        Reauthorize { connection: self.clone(), another_account: false, terms, extension }
    }
}

/// The end of a re-authorization whose connection is gone.
pub(super) fn removed() -> SetupFailure {
    SetupFailure::new("not_found", "the connection was removed in the meantime")
}

/// Runs the sessions that were to change it, each of which then ends. Whoever finds one later ends it, too.
pub(crate) async fn connection_removed(shared: &Arc<Shared>, connection: ConnectionId) {
    let open = async { Ok::<_, Error>(shared.reader().await?.open_setups_of(connection).await?) };
    for row in open.await.unwrap_or_default() {
        if let Ok(slot) = shared.slot(&row) {
            run::spawn(shared, &slot);
        }
    }
}
