//! Begins a setup that replaces the credential of an existing connection.
//!
//! The setup runs by replay like any other; only its end differs, see `promote`. Until then the connection uses its
//! current credential, and only the session's own rows are written.

use std::{future::IntoFuture, sync::Arc};

use connection_contract::{BoxFuture, Origin, Secret};
use connection_replay::limits::is_scope;

use super::{Applicant, SetupSession, System, answerer::Answerer, begin, codec::Purpose, options::SetupOptions, run};
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
    extension: Option<Arc<dyn Applicant>>,
    scopes: Vec<String>,
}

impl Reauthorize {
    pub(crate) fn new(scope: Scope<'_, System>, info: Arc<ConnectionInfo>) -> Self {
        let options = SetupOptions::default();
        Self { scope: scope.owned(), info, another_account: false, options, extension: None, scopes: Vec::new() }
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

    /// Cancels the session when its last handle is dropped.
    pub fn ephemeral(mut self) -> Self {
        self.options.ephemeral = true;
        self
    }

    /// Authorizes the connection again for an extension, unless the extension belongs to another owner.
    pub(crate) fn applicant(mut self, extension: Arc<dyn Applicant>) -> Self {
        self.extension = Some(extension);
        self
    }

    /// Leads the browser through an address of the host, as
    /// [`BeginSetup::use_start_address`](super::BeginSetup::use_start_address) does.
    pub fn use_start_address(mut self) -> Self {
        self.options.led = true;
        self
    }

    /// Stops at [`SetupStep::Confirm`](super::SetupStep::Confirm) before the connection changes to another account, as
    /// [`BeginSetup::confirm_account`](super::BeginSetup::confirm_account) does for a new one.
    pub fn confirm_account(mut self) -> Self {
        self.options.confirm = true;
        self
    }

    /// Lets the visitor of a setup link authorize the connection again, as [`BeginSetup::visitor`](super::BeginSetup::visitor) does.
    pub fn visitor(mut self, opened: impl IntoIterator<Item = Origin>) -> Self {
        self.options.answerer = Answerer::Visitor(opened.into_iter().collect());
        self
    }

    /// Accepts callbacks from one browser only, as [`BeginSetup::browser`](super::BeginSetup::browser) does.
    pub fn browser(mut self, proof: Secret) -> Self {
        self.options.browser = Some(proof);
        self
    }
}

impl IntoFuture for Reauthorize {
    type Output = Result<SetupSession, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { scope, info, another_account, options, extension, scopes } = self;
        Box::pin(async move {
            let owner = &scope.owner;
            let scopes = further_scopes(&scope.system, &info, scopes).await?;
            let extension = match extension {
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

/// Returns the optional scopes to ask for: those that the caller wants, and those that the connection has already, which
/// it would lose otherwise.
///
/// # Errors
///
/// [`Error::NotSupported`] for a scope that the kind does not allow to ask for.
async fn further_scopes(system: &System, info: &ConnectionInfo, wanted: Vec<String>) -> Result<Vec<String>, Error> {
    let entry = system.ground.kind(&info.owner, &info.kind).await?;
    if entry.descriptor.discovers {
        if !wanted.iter().all(|scope| is_scope(scope)) {
            return Err(Error::NotSupported { kind: info.kind.clone(), what: "ask for these scopes" });
        }
        let mut all: Vec<String> = info.scopes.clone().unwrap_or_default();
        all.extend(wanted.into_iter().filter(|scope| !info.scopes.iter().flatten().any(|known| known == scope)));
        return Ok(all);
    }
    let optional = &entry.descriptor.optional_scopes;
    if wanted.iter().any(|scope| !optional.iter().any(|known| known == scope)) {
        return Err(Error::NotSupported { kind: info.kind.clone(), what: "ask for these scopes" });
    }
    let has = |scope: &str| info.scopes.iter().flatten().any(|known| known == scope);
    let is_asked = |scope: &&connection_contract::Text| has(scope) || wanted.iter().any(|wanted| wanted == &***scope);
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
