//! Tears down a credential: the plugin takes back at the provider what setup created.

use std::{sync::Arc, time::Duration};

use connection_contract::{ConnectionError, Kind, Reason, TeardownContext, reason};

use super::{HostServices, Subject};
use crate::{
    ConnectionId,
    contain::{Contained, contain},
    ground::{Ground, kind_changed},
    limits,
};

/// The longest teardown of a credential that is not a connection's current one.
pub(crate) const MAX_PREVIOUS_TEARDOWN_TIME: Duration = Duration::from_secs(10);
/// The time after the longest teardown until a plugin that never yields is abandoned on its thread.
const GRACE: Duration = Duration::from_secs(1);

/// The outcome of a teardown. The row is deleted in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Teardown {
    /// The provider took back what setup had created, or there was nothing to take back.
    Done,
    /// The provider or the plugin failed. What is left at the provider must be removed there.
    Failed,
    /// The plugin is not registered, its terms are not accepted, or the credential cannot be read.
    Skipped,
}

impl Teardown {
    /// Returns the name used in the log and in events.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// The outcome for one credential.
#[derive(Clone, Debug)]
pub(crate) struct TeardownOutcome {
    pub(crate) teardown: Teardown,
    /// The reason why the teardown was not done.
    pub(crate) reason: Option<Reason>,
}

impl TeardownOutcome {
    pub(crate) fn failed(reason: Reason) -> Self {
        Self { teardown: Teardown::Failed, reason: Some(reason) }
    }

    /// Returns the outcome for a kind that is not registered.
    pub(crate) fn unknown_kind(id: ConnectionId, kind: &Kind) -> Self {
        Self::skipped(id, kind, Reason::new(reason::UNKNOWN_KIND, "no plugin of this kind is registered"))
    }

    /// Returns the outcome for a credential that cannot be read.
    pub(crate) fn unreadable(id: ConnectionId, kind: &Kind) -> Self {
        Self::skipped(id, kind, Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be read"))
    }

    /// Returns the outcome for a kind with other terms than those to which a person agreed.
    pub(crate) fn kind_changed(id: ConnectionId, kind: &Kind) -> Self {
        Self::skipped(id, kind, kind_changed(kind))
    }

    fn skipped(id: ConnectionId, kind: &Kind, why: Reason) -> Self {
        tracing::warn!(connection = %id, %kind, code = &*why.code, "the teardown was skipped");
        Self { teardown: Teardown::Skipped, reason: Some(why) }
    }
}

/// A kind, and the digest of the terms to which a person agreed.
pub(crate) type AgreedKind<'a> = (&'a Kind, Option<&'a [u8]>);

/// Tears down a credential whose connection was removed meanwhile, or that is not stored.
pub(crate) async fn give_back(ground: &Arc<Ground>, of: AgreedKind<'_>, orphan: Subject) {
    let id = orphan.id;
    let kind = of.0;
    let torn = tear_down(ground, of, orphan, MAX_PREVIOUS_TEARDOWN_TIME).await;
    tracing::info!(
        connection = %id, %kind, teardown = torn.teardown.as_str(),
        "a credential was torn down after its connection was removed"
    );
}

/// Tears down a credential, for at most `longest`.
pub(crate) async fn tear_down(
    ground: &Arc<Ground>,
    (of, agreed): AgreedKind<'_>,
    subject: Subject,
    longest: Duration,
) -> TeardownOutcome {
    let id = subject.id;
    let Some(kind) = ground.kinds.entry(of) else { return TeardownOutcome::unknown_kind(id, of) };
    if kind.terms_digest() != agreed {
        return TeardownOutcome::kind_changed(id, of);
    }
    let services = match HostServices::of(ground, &kind, &subject).await {
        Ok(services) => services,
        Err(error) => {
            tracing::warn!(connection = %id, code = error.code(), "the teardown could not begin; the connection \
                                                                   is removed anyway");
            return TeardownOutcome::failed(Reason::new(error.code(), error.to_string()));
        }
    };
    let definition = kind.definition.clone();
    let clock = ground.clock.clone();
    let heard = services.heard();
    let task = async move {
        let connection = subject.connection();
        let http = services.http();
        let ctx = TeardownContext::new(services.services(&http), &connection);
        let teardown = || definition.teardown(&subject.payload.credential, &ctx);
        contain(&*clock, longest, teardown, || false, || {}).await
    };
    let fault = |code, message| Reason::new(code, message).remedy(limits::REPORT);
    let clock = Arc::clone(&ground.clock);
    let why = match ground.runtimes.run(&*clock, longest + GRACE, task).await {
        Contained::Ended(Contained::Ended(Ok(()))) => {
            return TeardownOutcome { teardown: Teardown::Done, reason: None };
        }
        Contained::Ended(Contained::Ended(Err(ConnectionError::Credential(_)))) => {
            return TeardownOutcome::unreadable(id, of);
        }
        Contained::Ended(Contained::Ended(Err(ConnectionError::NotLive(why)))) => {
            heard.describe_reason(limits::not_live(why), ground.clock.now()).reason
        }
        Contained::Ended(Contained::Ended(Err(ConnectionError::Service(_)))) => {
            Reason::new(reason::PLUGIN_FAULT, "a service of this host failed")
        }
        Contained::Ended(Contained::Ended(Err(_))) => {
            fault(reason::PLUGIN_FAULT, "the plugin could not revoke the credential")
        }
        Contained::Panicked | Contained::Ended(Contained::Panicked) => {
            fault(reason::PLUGIN_PANICKED, "the plugin crashed")
        }
        _ => fault(reason::PLUGIN_TIMEOUT, "the plugin did not finish in time"),
    };
    tracing::warn!(
        connection = %id, kind = %of, code = &*why.code,
        "the teardown failed; the connection is removed anyway"
    );
    TeardownOutcome::failed(why)
}
