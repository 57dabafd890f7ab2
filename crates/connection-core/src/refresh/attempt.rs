//! Runs a plugin's refresher, contained: its panic, its hang and its fault are a reason, and the credential stays.

use std::{sync::Arc, time::Duration};

use connection_contract::{ConnectionError, NotLive, Reason, RefreshContext, Refreshed, Secret, reason};

use super::lease::Lease;
use crate::{
    contain::{Contained, contain},
    limits,
    registry::{KindEntry, Shared},
    verify::{HostServices, Subject},
};

/// A refresh ends within its lease, with the request that it sent last.
const LONGEST: Duration = Duration::from_secs(45);
/// After that a plugin spins, and only its thread knows.
const GRACE: Duration = Duration::from_secs(1);

/// What came of it.
pub(super) enum Outcome {
    Renewed(Box<Refreshed<Secret>>),
    Failed(NotLive),
}

pub(super) async fn attempt(shared: &Arc<Shared>, kind: &Arc<KindEntry>, subject: Subject, _lease: &Lease) -> Outcome {
    let (services, clock, definition) = (
        HostServices::new(shared, kind, &subject.owner, &subject.payload),
        shared.clock.clone(),
        kind.definition.clone(),
    );
    let task = async move {
        let (connection, http) = (subject.connection(), services.http());
        let ctx = RefreshContext::new(services.services(&http), &connection);
        let refresh = || definition.refresh(&subject.payload.credential, &ctx);
        contain(&*clock, LONGEST, refresh, || false, || {}).await
    };
    let ended = match shared.runtimes.run(&*shared.clock, LONGEST + GRACE, task).await {
        Contained::Ended(ended) => ended,
        Contained::Panicked => Contained::Panicked,
        Contained::Stopped | Contained::TimedOut => Contained::TimedOut,
    };
    let fault = |code, message| Outcome::Failed(NotLive::failing(Reason::new(code, message).remedy(limits::REPORT)));
    let result = match ended {
        Contained::Ended(result) => result,
        Contained::Panicked => return fault(reason::PLUGIN_PANICKED, "the plugin crashed"),
        Contained::Stopped | Contained::TimedOut => {
            return fault(reason::PLUGIN_TIMEOUT, "the plugin did not come to an end in time");
        }
    };
    match result {
        Ok(Some(refreshed)) => match limits::refreshed(refreshed) {
            Ok(refreshed) => Outcome::Renewed(Box::new(refreshed)),
            Err(problem) => fault(reason::PLUGIN_FAULT, problem),
        },
        Ok(None) => fault(reason::PLUGIN_FAULT, "the plugin renews nothing any more"),
        Err(ConnectionError::NotLive(not_live)) => Outcome::Failed(limits::not_live(not_live)),
        Err(ConnectionError::Credential(_)) => {
            let unreadable = Reason::new(reason::CREDENTIAL_UNREADABLE, "the plugin cannot read the stored credential");
            Outcome::Failed(NotLive::failing(unreadable.remedy("authorize this connection again")))
        }
        Err(ConnectionError::Service(_)) => {
            Outcome::Failed(NotLive::offline(Reason::new(reason::PLUGIN_FAULT, "a service of this host failed")))
        }
        Err(_) => fault(reason::PLUGIN_FAULT, "the plugin could not renew the credential"),
    }
}
