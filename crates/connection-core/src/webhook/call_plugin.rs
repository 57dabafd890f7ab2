//! Calls a plugin about webhooks, contained: a panic or a call that does not end affects only this call.

use std::{sync::Arc, time::Duration};

use connection_contract::{Context, CredentialError};

use crate::{
    Connection, Error, contain,
    contain::Contained,
    credential::HotRow,
    credential::{CredentialServices, Operation},
    definition::Definition,
    error::{CRASHED, TIMED_OUT},
    kinds::KindEntry,
};

/// Checking a signature takes microseconds.
const MAX_DURATION: Duration = Duration::from_secs(10);

pub(super) async fn call<T: Send + 'static>(
    connection: &Connection,
    kind: &Arc<KindEntry>,
    row: Arc<HotRow>,
    question: impl FnOnce(&Definition, &HotRow, &Context<'_>) -> Result<T, CredentialError> + Send + 'static,
) -> Result<T, Error> {
    let system = &connection.system;
    let name = &connection.info.kind;
    let services = CredentialServices::new(&system.ground, kind, &connection.info.owner, &row.payload, Operation::Use);
    let definition = kind.definition.clone();
    let task = async move {
        contain::call(move || {
            let http = services.http();
            question(&definition, &row, &Context::new(services.services(&http)))
        })
    };
    let fault = |what| Error::PluginFault { kind: name.clone(), what };
    match system.ground.runtimes.run(&*system.ground.clock, MAX_DURATION, task).await {
        Contained::Ended(Some(answer)) => answer.map_err(|source| Error::Credential { kind: name.clone(), source }),
        Contained::Ended(None) | Contained::Panicked => Err(fault(CRASHED)),
        Contained::Stopped | Contained::TimedOut => Err(fault(TIMED_OUT)),
    }
}
