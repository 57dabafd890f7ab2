//! Begins a setup that replaces the credential of an existing connection.
//!
//! The setup runs by replay like any other; only its end differs, see `promote`. Until then the connection uses its
//! current credential, and only the session's own rows are written.

use std::{future::IntoFuture, sync::Arc};

use connection_contract::{BoxFuture, Secret, SetupFailure};

use super::{Applicant, SetupSession, System, begin, codec::Purpose, run, start_address::SetupOptions};
use crate::{
    ConnectionId, ConnectionInfo, Error,
    ground::{OwnedScope, Scope},
    profile_rows,
};

/// A re-authorization that begins when it is awaited: `connection.reauthorize().await`.
#[derive(Debug)]
#[must_use = "a re-authorization begins when this is awaited"]
pub struct Reauthorize {
    scope: OwnedScope<System>,
    info: Arc<ConnectionInfo>,
    another_account: bool,
    pub(super) terms: SetupOptions,
    extension: Option<Arc<dyn Applicant>>,
}

impl Reauthorize {
    pub(crate) fn new(scope: Scope<'_, System>, info: Arc<ConnectionInfo>) -> Self {
        let terms = SetupOptions::default();
        Self { scope: scope.owned(), info, another_account: false, terms, extension: None }
    }

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

    /// Authorizes the connection again for an extension, unless the extension belongs to another owner.
    pub(crate) fn applicant(mut self, extension: Arc<dyn Applicant>) -> Self {
        self.extension = Some(extension);
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
        let Self { scope, info, another_account, terms, extension } = self;
        Box::pin(async move {
            let owner = &scope.owner;
            let extension = match extension {
                Some(extension) => extension.for_setup(owner, &info.kind).await?,
                None => None,
            };
            let profile = match info.profile {
                Some(profile) => profile_rows::setup_profile(&scope.system, owner, &info.kind, Some(profile)).await?,
                None => None,
            };
            let purpose = Purpose::Reauthorize { another_account, extension };
            begin::begin(scope.as_scope(), &info.kind, info.id, purpose, terms, profile).await
        })
    }
}

/// Returns the failure of a re-authorization whose connection was removed.
pub(super) fn removed() -> SetupFailure {
    SetupFailure::new("not_found", "the connection was removed in the meantime")
}

/// Runs the open re-authorizations of a connection that was removed, each of which then ends. One that is missed here
/// ends at its next run.
pub(crate) async fn connection_removed(shared: &Arc<System>, connection: ConnectionId) {
    let open = async { Ok::<_, Error>(shared.reader().await?.open_setups_of(connection).await?) };
    for row in open.await.unwrap_or_default() {
        if let Ok(slot) = shared.slot(&row) {
            run::spawn(shared, &slot);
        }
    }
}
