//! Tears down a credential: the plugin revokes at the provider what setup created, and on request also what a person
//! entered.

use std::{sync::Arc, time::Duration};

use connection_contract::{
    self as contract, ConnectionError, HttpError, Kind, NotLive, Reason, TeardownContext, Timestamp, classify, reason,
};
use connection_egress::LastAnswer;

use super::{CredentialServices, Operation, Subject, page, provider_grant};
use crate::{
    ConnectionId, ConnectionInfo,
    contain::{Contained, contain},
    definition::Revocation,
    ground::Ground,
    kinds::Agreement,
    limits,
    store::ProviderGrantRow,
    words::words,
};

/// The longest teardown of a credential that is not a connection's current one.
pub(crate) const MAX_PREVIOUS_TEARDOWN_TIME: Duration = Duration::from_secs(10);
/// The time after the longest teardown until a plugin that never yields is abandoned on its thread.
const GRACE: Duration = Duration::from_secs(1);

words! {
    /// The outcome of a teardown: what was seen to happen at the provider. The row is deleted in every case.
    #[non_exhaustive]
    pub enum Teardown {
        /// The provider or the plugin failed. The credential may still work.
        Failed = "failed",
        /// There was nothing to revoke, because the connection held no credential.
        NothingToRevoke = "nothing_to_revoke",
        /// The credential was not revoked. It may still work.
        NotRevoked = "not_revoked",
        /// The provider confirmed that the credential no longer works.
        Revoked = "revoked",
    }
}

/// The outcome for one credential.
#[derive(Clone, Debug)]
pub(crate) struct TeardownOutcome {
    pub(crate) teardown: Teardown,
    /// The reason why nothing was revoked.
    pub(crate) reason: Option<Reason>,
    /// The address of the page on which a person deletes the credential, if it is known.
    pub(crate) page: Option<String>,
}

impl TeardownOutcome {
    pub(crate) fn failed(reason: Reason) -> Self {
        Self { teardown: Teardown::Failed, reason: Some(reason), page: None }
    }

    /// Returns the outcome for a kind that is not registered.
    pub(crate) fn unknown_kind(id: ConnectionId, kind: &Kind) -> Self {
        let message = format!("this program has no kind '{kind}' that could revoke the credential");
        Self::not_revoked(id, kind, Reason::new(reason::UNKNOWN_KIND, message))
    }

    /// Returns the outcome for a credential that cannot be read.
    pub(crate) fn unreadable(id: ConnectionId, kind: &Kind) -> Self {
        let why = Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be read to revoke it");
        Self::not_revoked(id, kind, why)
    }

    /// Returns the outcome for a kind with other terms than those to which a person agreed.
    pub(crate) fn kind_changed(id: ConnectionId, kind: &Kind) -> Self {
        let message = format!(
            "the kind '{kind}' no longer sends secrets as it did when the account was connected, and nobody accepted that"
        );
        Self::not_revoked(id, kind, Reason::new(reason::KIND_CHANGED, message))
    }

    /// Returns the outcome for a kind that revokes in another way than the one to which a person agreed.
    fn revocation_changed(id: ConnectionId, kind: &Kind) -> Self {
        let message = format!(
            "the kind '{kind}' no longer revokes credentials as it did when the account was connected, and nobody \
             accepted that"
        );
        Self::not_revoked(id, kind, Reason::new(reason::REVOCATION_CHANGED, message))
    }

    /// Returns the outcome for a credential whose revocation would end other connections, too. The reason is the same
    /// whoever owns them.
    pub(crate) fn grant_shared(id: ConnectionId, kind: &Kind) -> Self {
        let why = Reason::new(
            reason::GRANT_SHARED,
            "the provider can only end everything that the application may do with the account, and another connection \
             needs that",
        );
        let remedy = "remove the other connection as well, or withdraw the application's access at the provider";
        Self::not_revoked(id, kind, why.remedy(remedy))
    }

    fn not_revoked(id: ConnectionId, kind: &Kind, why: Reason) -> Self {
        tracing::warn!(connection = %id, %kind, code = &*why.code, "the credential was not revoked");
        Self { teardown: Teardown::NotRevoked, reason: Some(why), page: None }
    }

    /// Adds what a person can do. The remedy of a plugin is kept only if the plugin did not fail, because the plugin
    /// cannot be asked again.
    pub(crate) fn explained(mut self, info: &ConnectionInfo) -> Self {
        let Some(reason) = &mut self.reason else { return self };
        if reason.remedy.is_none() || self.teardown == Teardown::Failed {
            let remedy = match &self.page {
                Some(page) => format!("delete the credential at {page}"),
                None => format!(
                    "delete the credential at the provider of '{}', in the account {}",
                    info.kind, info.identity.label
                ),
            };
            reason.remedy = Some(remedy.into());
        }
        self
    }

    pub(crate) fn at(mut self, page: Option<String>) -> Self {
        self.page = page;
        self
    }
}

/// A kind, and the digest of the terms to which a person agreed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgreedKind<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) terms: Option<&'a [u8]>,
}

impl<'a> AgreedKind<'a> {
    /// Returns the kind of a connection.
    pub(crate) fn of(info: &'a ConnectionInfo) -> Self {
        Self { kind: &info.kind, terms: info.terms.as_deref() }
    }
}

/// Tears down a credential whose connection was removed meanwhile, or that is not stored, unless another connection may
/// depend on its grant. `grant` is its grant, if it is known.
pub(crate) async fn give_back(
    ground: &Arc<Ground>,
    of: AgreedKind<'_>,
    orphan: Subject,
    grant: Option<ProviderGrantRow>,
) {
    let id = orphan.id;
    let kind = of.kind;
    if let Some(entry) = ground.kinds.entry(kind) {
        let system = async {
            let mut reader = ground.store.reader().await?;
            provider_grant::is_shared(&mut reader, &ground.kinds, &entry, &orphan.owner, id, grant.as_ref()).await
        };
        // Without an answer, another connection might depend on the grant.
        if system.await.unwrap_or(entry.descriptor.revocation_ends_grant) {
            TeardownOutcome::grant_shared(id, kind);
            return;
        }
    }
    let torn = tear_down(ground, of, orphan, Revocation::Created, MAX_PREVIOUS_TEARDOWN_TIME).await;
    tracing::info!(
        connection = %id, %kind, teardown = torn.teardown.as_str(),
        "a credential was torn down after its connection was removed"
    );
}

/// Tears down a credential, for at most `longest`.
pub(crate) async fn tear_down(
    ground: &Arc<Ground>,
    agreed: AgreedKind<'_>,
    subject: Subject,
    revocation: Revocation,
    longest: Duration,
) -> TeardownOutcome {
    let id = subject.id;
    let kept = subject.payload.page.clone();
    let of = agreed.kind;
    let kind = match ground.find_kind(&subject.owner, of).await {
        Ok(Some(kind)) => kind,
        Ok(None) => return TeardownOutcome::unknown_kind(id, of).at(kept),
        Err(error) => return TeardownOutcome::failed(Reason::new(error.code(), error.to_string())).at(kept),
    };
    match kind.agreement(agreed.terms) {
        Agreement::Requests | Agreement::Whole => {}
        Agreement::Use => return TeardownOutcome::revocation_changed(id, of).at(kept),
        Agreement::Changed => return TeardownOutcome::kind_changed(id, of).at(kept),
    }
    let services = match CredentialServices::of(ground, &kind, &subject, Operation::Teardown).await {
        Ok(services) => services,
        Err(error) => {
            tracing::warn!(connection = %id, code = error.code(), "the teardown could not begin; the connection \
                                                                   is removed anyway");
            return TeardownOutcome::failed(Reason::new(error.code(), error.to_string())).at(kept);
        }
    };
    let definition = kind.definition.clone();
    let clock = ground.clock.clone();
    let heard = services.heard();
    let task = async move {
        let connection = subject.connection();
        let http = services.http();
        let ctx = TeardownContext::new(services.services(&http), &connection);
        let teardown = || definition.teardown(&subject.payload.credential, revocation, &ctx);
        contain(&*clock, longest, teardown, || false, || {}).await
    };
    let clock = Arc::clone(&ground.clock);
    let (ended, page) = match ground.runtimes.run(&*clock, longest + GRACE, task).await {
        Contained::Ended(Contained::Ended((ended, named))) => (Ok(ended), named.and_then(page::usable).or(kept)),
        Contained::Panicked | Contained::Ended(Contained::Panicked) => {
            (Err(Reason::new(reason::PLUGIN_PANICKED, "the plugin crashed")), kept)
        }
        _ => (Err(Reason::new(reason::PLUGIN_TIMEOUT, "the plugin did not finish in time")), kept),
    };
    let why = match ended {
        Ok(Ok(contract::Teardown::Revoked)) => {
            return TeardownOutcome { teardown: Teardown::Revoked, reason: None, page: None };
        }
        Ok(Ok(contract::Teardown::NothingToRevoke)) => {
            return TeardownOutcome { teardown: Teardown::NothingToRevoke, reason: None, page: None };
        }
        Ok(Ok(contract::Teardown::NotRevoked(why))) => {
            let why = limits::not_live(NotLive::failing(why));
            // The other reasons are about the kind.
            let why = match why.reason.code == reason::REVOCATION_UNCONFIRMED {
                true => heard.describe_reason(why, ground.clock.now()),
                false => why,
            };
            return TeardownOutcome::not_revoked(id, of, why.reason.provider_text(None)).at(page);
        }
        // An outcome that this version does not know is not reported as a success.
        Ok(Ok(_)) => Reason::new(reason::PLUGIN_FAULT, "the plugin did not say what it revoked"),
        Ok(Err(ConnectionError::Credential(_))) => return TeardownOutcome::unreadable(id, of).at(page),
        Ok(Err(ConnectionError::NotLive(why))) => failure(&heard, why, ground.clock.now()),
        Ok(Err(ConnectionError::Service(_))) => Reason::new(reason::PLUGIN_FAULT, "a service of this host failed"),
        Ok(Err(_)) => Reason::new(reason::PLUGIN_FAULT, "the plugin could not revoke the credential"),
        Err(why) => why,
    };
    tracing::warn!(
        connection = %id, kind = %of, code = &*why.code,
        "the teardown failed; the connection is removed anyway"
    );
    TeardownOutcome::failed(why).at(page)
}

/// Returns the reason of a teardown that failed: that nobody knows what the provider did, if its answer was lost.
fn failure(heard: &LastAnswer, why: NotLive, now: Timestamp) -> Reason {
    let is_lost = is_lost(&why);
    // The reason becomes a part of an event.
    let why = heard.describe_reason(limits::not_live(why), now).reason.provider_text(None);
    match is_lost {
        true => Reason::new(reason::REVOCATION_UNCONFIRMED, why.message),
        false => why,
    }
}

/// Returns `true` for the reason of a request whose answer was lost or could not be read, so that the provider may have
/// processed it.
fn is_lost(why: &NotLive) -> bool {
    [HttpError::Protocol, HttpError::Timeout, HttpError::TooLarge].into_iter().any(|error| {
        let is_same = |lost: NotLive| lost.reason.code == why.reason.code && lost.reason.message == why.reason.message;
        classify(Err(error)).is_err_and(is_same)
    })
}
