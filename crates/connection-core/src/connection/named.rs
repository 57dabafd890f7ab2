//! The secrets of a credential by their names, taken out by its plugin, contained.

use std::time::Duration;

use connection_contract::Secret;

use super::json;
use crate::{
    ConnectionId, Error, contain,
    contain::Contained,
    error::{CRASHED, TIMED_OUT},
    registry::{KindEntry, Shared},
    store::Lock,
};

/// To take one out is a matter of microseconds.
const LONGEST: Duration = Duration::from_secs(10);

/// The secrets of these names, each where the credential has it. One that shows nothing is none.
///
/// # Errors
///
/// [`Error::PluginFault`], [`Error::Credential`].
pub(crate) async fn secrets(
    shared: &Shared,
    kind: &KindEntry,
    credential: Secret,
    names: Vec<String>,
) -> Result<Vec<Option<Secret>>, Error> {
    let definition = kind.definition.clone();
    let take = async move { contain::call(move || definition.secrets_named(&credential, &names)) };
    let fault = |what| Error::PluginFault { kind: kind.kind().clone(), what };
    let taken = match shared.runtimes.run(&*shared.clock, LONGEST, take).await {
        Contained::Ended(Some(taken)) => taken,
        Contained::Ended(None) | Contained::Panicked => return Err(fault(CRASHED)),
        Contained::Stopped | Contained::TimedOut => return Err(fault(TIMED_OUT)),
    };
    let taken = taken.map_err(|source| Error::Credential { kind: kind.kind().clone(), source })?;
    Ok(taken.into_iter().map(|secret| secret.filter(|secret| !is_blank(secret))).collect())
}

/// The names of the secrets that a credential holds, as JSON for its row. Where its plugin fails to tell, they are as
/// `former` has them, which is asked only then, or all that its descriptor names: a fault that passes must not take a
/// secret from who needs it. A credential that its plugin cannot read holds none.
pub(crate) async fn held(
    shared: &Shared,
    kind: &KindEntry,
    credential: &Secret,
    former: impl Future<Output = Option<String>>,
) -> String {
    match told(shared, kind, credential).await {
        Ok(names) => names,
        Err(error) => {
            tracing::warn!(kind = %kind.kind(), code = error.code(), "nobody can say which secrets a credential holds");
            if matches!(error, Error::PluginFault { .. }) {
                return former.await.unwrap_or_else(|| json::texts(&declared(kind)));
            }
            json::texts(&Vec::new())
        }
    }
}

/// Returns what a probe said of the credential, and asks the plugin as [`held`] does only if the probe could not say.
pub(crate) async fn after_probe(
    shared: &Shared,
    kind: &KindEntry,
    credential: &Secret,
    probed: Option<Vec<String>>,
    former: impl Future<Output = Option<String>>,
) -> String {
    match probed {
        Some(names) => json::texts(&names),
        None => held(shared, kind, credential, former).await,
    }
}

/// Asks the plugin for the names, as JSON.
///
/// # Errors
///
/// Those of [`secrets`].
async fn told(shared: &Shared, kind: &KindEntry, credential: &Secret) -> Result<String, Error> {
    let declared = declared(kind);
    if declared.is_empty() {
        return Ok(json::texts(&declared));
    }
    let taken = secrets(shared, kind, credential.duplicate(), declared.clone()).await?;
    let held = declared.into_iter().zip(taken).filter_map(|(name, secret)| secret.map(|_| name));
    Ok(json::texts(&held.collect()))
}

/// The names of all secrets that a credential of this kind may hold.
pub(crate) fn declared(kind: &KindEntry) -> Vec<String> {
    kind.descriptor.secret_names.iter().map(ToString::to_string).collect()
}

/// Mends the names of a row that says more than its credential holds, once somebody asked for what is not there. Where that
/// fails, whoever asks next mends it.
pub(crate) async fn correct(shared: &Shared, kind: &KindEntry, id: ConnectionId, generation: i64, credential: &Secret) {
    let stored = current(shared, id).await;
    let names = held(shared, kind, credential, async { stored.clone() }).await;
    if stored.as_ref() == Some(&names) {
        return;
    }
    let written = shared.store.write_relaxed(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Connection(id)).await?;
            tx.set_secret_names(id, generation, &names).await
        })
    });
    if let Err(error) = written.await {
        let code = Error::from(error).code();
        tracing::debug!(connection = %id, code, "the names of what a credential holds stay as they are");
    }
}

/// The names that the row of the current credential has; `None` without one.
pub(crate) async fn current(shared: &Shared, id: ConnectionId) -> Option<String> {
    let row = shared.reader().await.ok()?.current_credential(id).await.ok()?;
    row.map(|row| row.secret_names)
}

/// A person who leaves a field empty, or types spaces, has given nothing.
pub(crate) fn is_blank(secret: &Secret) -> bool {
    secret.expose_str().is_some_and(|text| text.trim().is_empty())
}
