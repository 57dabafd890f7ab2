//! Takes secrets out of a credential by their names. The plugin code runs contained.

use std::time::Duration;

use connection_contract::Secret;

use crate::{
    ConnectionId, Error, contain,
    contain::Contained,
    definition::is_blank,
    error::{CRASHED, TIMED_OUT},
    ground::Ground,
    kinds::KindEntry,
    store::{Lock, json},
};

/// The longest time for taking secrets out, which takes microseconds.
const MAX_DURATION: Duration = Duration::from_secs(10);

/// Returns the secrets with these names, in their order; `None` for each that the credential does not have. A blank
/// secret counts as absent.
///
/// # Errors
///
/// [`Error::PluginFault`], [`Error::Credential`].
pub(crate) async fn secrets(
    ground: &Ground,
    kind: &KindEntry,
    credential: Secret,
    names: Vec<String>,
) -> Result<Vec<Option<Secret>>, Error> {
    let definition = kind.definition.clone();
    let take = async move { contain::call(move || definition.secrets_named(&credential, &names)) };
    let fault = |what| Error::PluginFault { kind: kind.kind().clone(), what };
    let taken = match ground.runtimes.run(&*ground.clock, MAX_DURATION, take).await {
        Contained::Ended(Some(taken)) => taken,
        Contained::Ended(None) | Contained::Panicked => return Err(fault(CRASHED)),
        Contained::Stopped | Contained::TimedOut => return Err(fault(TIMED_OUT)),
    };
    let taken = taken.map_err(|source| Error::Credential { kind: kind.kind().clone(), source })?;
    Ok(taken.into_iter().map(|secret| secret.filter(|secret| !is_blank(secret))).collect())
}

/// Returns all secrets of a credential, those without a name included. If the plugin fails, there are none, which is
/// logged.
pub(crate) async fn all(ground: &Ground, kind: &KindEntry, credential: Secret) -> Vec<Secret> {
    if !kind.capabilities.secrets {
        return Vec::new();
    }
    let definition = kind.definition.clone();
    let names = declared(kind);
    let take = async move { contain::call(move || definition.all_secrets(&credential, &names)) };
    match ground.runtimes.run(&*ground.clock, MAX_DURATION, take).await {
        Contained::Ended(Some(Ok(secrets))) => secrets,
        _ => {
            tracing::warn!(kind = %kind.kind(), "the plugin could not list the secrets of a credential");
            Vec::new()
        }
    }
}

/// Returns the names of the secrets that a credential holds, as JSON for its row.
///
/// If the plugin panics or times out, the names are those of `former`, or, if there are none, all names that the
/// descriptor declares: a transient fault must not take a secret from an extension that needs it. `former` is awaited
/// only in that case. A credential that its plugin cannot read holds no secrets.
pub(crate) async fn names_json(
    ground: &Ground,
    kind: &KindEntry,
    credential: &Secret,
    former: impl Future<Output = Option<String>>,
) -> String {
    match plugin_names_json(ground, kind, credential).await {
        Ok(names) => names,
        Err(error) => {
            tracing::warn!(kind = %kind.kind(), code = error.code(), "the plugin could not name the secrets of a \
                                                                      credential");
            if matches!(error, Error::PluginFault { .. }) {
                return former.await.unwrap_or_else(|| json::texts(&declared(kind)));
            }
            json::texts(&Vec::new())
        }
    }
}

/// Returns the names that a probe reported. If the probe could not report them, asks the plugin as [`names_json`] does.
pub(crate) async fn after_probe(
    ground: &Ground,
    kind: &KindEntry,
    credential: &Secret,
    probed: Option<Vec<String>>,
    former: impl Future<Output = Option<String>>,
) -> String {
    match probed {
        Some(names) => json::texts(&names),
        None => names_json(ground, kind, credential, former).await,
    }
}

/// Returns the names of the secrets that the plugin finds in the credential, as JSON.
///
/// # Errors
///
/// The errors of [`secrets`].
async fn plugin_names_json(ground: &Ground, kind: &KindEntry, credential: &Secret) -> Result<String, Error> {
    let declared = declared(kind);
    if declared.is_empty() {
        return Ok(json::texts(&declared));
    }
    let taken = secrets(ground, kind, credential.duplicate(), declared.clone()).await?;
    let held = declared.into_iter().zip(taken).filter_map(|(name, secret)| secret.map(|_| name));
    Ok(json::texts(&held.collect()))
}

/// Returns the names of all secrets that a credential of this kind may hold.
pub(crate) fn declared(kind: &KindEntry) -> Vec<String> {
    kind.descriptor.secret_names.iter().map(ToString::to_string).collect()
}

/// Corrects a row that names more secrets than its credential holds, after a request for a missing one. If this fails,
/// the next such request corrects the row.
pub(crate) async fn correct(ground: &Ground, kind: &KindEntry, id: ConnectionId, generation: i64, credential: &Secret) {
    let stored = current(ground, id).await;
    let names = names_json(ground, kind, credential, async { stored.clone() }).await;
    if stored.as_ref() == Some(&names) {
        return;
    }
    let written = ground.store.write_relaxed(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Connection(id)).await?;
            tx.set_secret_names(id, generation, &names).await
        })
    });
    if let Err(error) = written.await {
        let code = Error::from(error).code();
        tracing::debug!(connection = %id, code, "the stored names of a credential's secrets could not be updated");
    }
}

/// Returns the names in the row of the current credential; `None` without a row.
pub(crate) async fn current(ground: &Ground, id: ConnectionId) -> Option<String> {
    let row = ground.reader().await.ok()?.current_credential(id).await.ok()?;
    row.map(|row| row.secret_names)
}
