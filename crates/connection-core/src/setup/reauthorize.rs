//! Begins a setup that replaces the credential of an existing connection.
//!
//! The setup runs by replay like any other; only its end differs, see `promote`. Until then the connection uses its
//! current credential, and only the session's own rows are written.

use std::{future::IntoFuture, sync::Arc};

use connection_contract::{BoxFuture, Origin, Secret, Text};
use connection_replay::limits::is_scope;

use super::{
    SetupSession, System, begin,
    codec::Purpose,
    options::{SetupOptions, choices},
    run,
};
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
    options: SetupOptions,
    scopes: Vec<String>,
}

impl Reauthorize {
    choices!();

    pub(crate) fn new(scope: Scope<'_, System>, info: Arc<ConnectionInfo>) -> Self {
        let options = SetupOptions::default();
        Self { scope: scope.owned(), info, another_account: false, options, scopes: Vec::new() }
    }

    /// Allows a credential for another account. The connection then changes to that account.
    pub fn another_account(mut self) -> Self {
        self.another_account = true;
        self
    }

    /// Asks for this scope in addition to those that every setup of the kind asks for, which the kind must allow
    /// ([`Descriptor::optional_scopes`](connection_contract::Descriptor::optional_scopes)). Optional scopes that the
    /// connection has already are asked for again in any case.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }
}

impl IntoFuture for Reauthorize {
    type Output = Result<SetupSession, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { scope, info, another_account, options, scopes } = self;
        Box::pin(async move {
            let owner = &scope.owner;
            let scopes = further_scopes(&scope.system, &info, scopes).await?;
            let extension = match &options.extension {
                Some(extension) => extension.for_setup(owner, &info.kind).await?,
                None => None,
            };
            let profile = match info.profile {
                Some(profile) => {
                    profile_rows::setup_profile(&scope.system.ground, owner, &info.kind, Some(profile)).await?
                }
                None => None,
            };
            let purpose = Purpose::Reauthorize { another_account, extension, scopes };
            begin::begin(scope.as_scope(), &info.kind, info.id, purpose, options, profile).await
        })
    }
}

/// Returns the optional scopes to ask for: those that the caller wants, those for lack of which the connection is failing,
/// and those that the connection has already, which it would lose otherwise.
///
/// # Errors
///
/// [`Error::NotSupported`] for a scope that the kind does not allow to ask for.
async fn further_scopes(system: &System, info: &ConnectionInfo, wanted: Vec<String>) -> Result<Vec<String>, Error> {
    let entry = system.ground.kind(&info.owner, &info.kind).await?;
    let missing = info.reason.as_ref().map(|reason| &*reason.missing_scopes).unwrap_or_default();
    if entry.descriptor.discovers {
        if !wanted.iter().all(|scope| is_scope(scope)) {
            return Err(Error::NotSupported { kind: info.kind.clone(), what: "ask for these scopes" });
        }
        let mut all: Vec<String> = info.scopes.clone().unwrap_or_default();
        for scope in wanted.into_iter().chain(missing.iter().filter(|scope| is_scope(scope)).cloned()) {
            if !all.contains(&scope) {
                all.push(scope);
            }
        }
        return Ok(all);
    }
    let optional = &entry.descriptor.optional_scopes;
    if wanted.iter().any(|scope| !optional.iter().any(|known| known == scope)) {
        return Err(Error::NotSupported { kind: info.kind.clone(), what: "ask for these scopes" });
    }
    let has = |scope: &str| info.scopes.iter().flatten().any(|known| known == scope);
    // If the scopes are alternatives, one that is missing is asked for, and not all.
    let most = if entry.descriptor.alternative_scopes { 1 } else { missing.len() };
    let lacks = |scope: &&Text| missing.iter().any(|missing| missing == &***scope);
    let lacking: Vec<_> = optional.iter().filter(lacks).take(most).collect();
    let is_asked =
        |scope: &&Text| has(scope) || wanted.iter().any(|wanted| wanted == &***scope) || lacking.contains(scope);
    Ok(optional.iter().filter(is_asked).map(ToString::to_string).collect())
}

/// Runs the open re-authorizations of a connection that was removed, each of which then ends. One that is missed here
/// ends at its next run.
pub(crate) async fn connection_removed(system: &Arc<System>, connection: ConnectionId) {
    let open = async { Ok::<_, Error>(system.ground.reader().await?.open_setups_of(connection).await?) };
    for row in open.await.unwrap_or_default() {
        if let Ok(slot) = system.slot(&row) {
            run::spawn(system, &slot);
        }
    }
}
