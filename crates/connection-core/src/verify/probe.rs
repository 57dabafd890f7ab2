//! Verifies a credential with its plugin, contained.

use std::{sync::Arc, time::Duration};

use connection_contract::{ConnectionError, NotLive, Reason, Secret, VerifyContext, reason};

use crate::{
    asked::Asked,
    contain::{Contained, contain},
    credential::{CredentialServices, Operation, Subject, named_secrets, repeated::RepeatedSecrets},
    definition::Probed,
    ground::Ground,
    kinds::KindEntry,
    limits,
    missing_scopes::MissingScopes,
    notification::{self, Notification},
};

/// The time limit of a probe.
const MAX_DURATION: Duration = Duration::from_secs(60);
/// The time after `MAX_DURATION` until a plugin that never yields is abandoned on its thread.
const GRACE: Duration = Duration::from_secs(1);

/// The caller that wants a credential to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeTrigger {
    /// A caller of the host. A person may be present.
    Host,
    /// A caller of the host who asks the provider even during a pause that it asked for.
    HostNow,
    /// The scheduler, at the planned time. No person is present.
    Schedule,
    /// The scheduler, after a use whose answer contradicts what was measured. No person is present.
    Use,
}

/// Verifies the credential, which is known to have the scopes `granted`. If the plugin panics or times out, the result is
/// `failing`.
///
/// # Errors
///
/// A failure that says nothing about the connection.
pub(crate) async fn probe(
    ground: &Arc<Ground>,
    kind: &Arc<KindEntry>,
    subject: Subject,
    granted: &[String],
    asker: ProbeTrigger,
) -> Result<Probed, ConnectionError> {
    let services = match (CredentialServices::of(ground, kind, &subject, Operation::Verify).await, asker) {
        (Ok(services), ProbeTrigger::Host | ProbeTrigger::HostNow) => services,
        (Ok(services), ProbeTrigger::Schedule | ProbeTrigger::Use) => services.unattended(),
        (Err(error), _) => {
            tracing::warn!(connection = %subject.id, code = error.code(), "the profile of a connection could not be looked up");
            let reason = Reason::new(reason::PROVIDER_ERROR, "the profile of the connection cannot be looked up now");
            return Ok(NotLive::offline(reason).into());
        }
    };
    // The check is made here, because the plugin would learn only that access is denied. A connection without
    // directories needs no check.
    let refused = if services.files().has_roots() {
        let files = services.files().clone();
        ground.runtimes.spawn(async move { files.refused().await }).await.unwrap_or_default()
    } else {
        None
    };
    if let Some(refused) = refused {
        let reason = Reason::new(refused.code(), refused.to_string()).remedy(refused.remedy());
        return Ok(NotLive::failing(reason).into());
    }
    let clock = ground.clock.clone();
    let definition = kind.definition.clone();
    let heard = services.heard();
    heard.covers(subject.payload.secrets());
    let declared = named_secrets::declared(kind);
    let config = subject.config.clone();
    let task = async move {
        let connection = subject.connection();
        let http = services.http();
        let ctx = VerifyContext::new(services.services(&http), &connection);
        let verify = || definition.verify(&subject.payload.credential, &declared, &ctx);
        contain(&*clock, MAX_DURATION, verify, || false, || {}).await
    };
    let began = ground.clock.passed();
    let ended = match ground.runtimes.run(&*ground.clock, MAX_DURATION + GRACE, task).await {
        Contained::Ended(ended) => ended,
        Contained::Panicked => Contained::Panicked,
        Contained::Stopped | Contained::TimedOut => Contained::TimedOut,
    };
    let duration = ground.clock.passed().saturating_sub(began);
    let notification = notification::Probed { kind: kind.kind().clone(), duration };
    ground.notifications.publish(&Notification::Probed(notification));
    let fault = |code, message| Ok(NotLive::failing(Reason::new(code, message).remedy(limits::REPORT)).into());
    match ended {
        Contained::Ended(result) => limits::probed(result).map(|probed| {
            let public = config.iter().map(|(_, value)| value.as_str());
            let secrets = probed.secrets.iter().map(Secret::duplicate).collect();
            let mut found = RepeatedSecrets::new(secrets, public).verified(probed.found);
            MissingScopes::narrow(&mut found, granted, &kind.descriptor);
            let found = heard.describe_result(found, ground.clock.now());
            Probed { found, asked: Asked::of(&heard), ..probed }
        }),
        Contained::Panicked => fault(reason::PLUGIN_PANICKED, "the plugin crashed"),
        Contained::Stopped | Contained::TimedOut => fault(reason::PLUGIN_TIMEOUT, "the plugin did not finish in time"),
    }
}
