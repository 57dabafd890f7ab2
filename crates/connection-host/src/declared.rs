//! The kinds that extensions declare. Each is registered for a provider that no other kind covers, and for the
//! extensions that were connected through one before another kind covered their provider.

use std::{collections::BTreeSet, time::Duration};

use connection_contract::{ConnectionDefinition as _, ExtensionDeclaration, Kind};
use connection_core::{ConnectionRegistry, Error as CoreError, ExtensionError, ExtensionInfo};
use connection_manifest::{Catalogue, DeclaredKind, ExtensionFile};
use connection_server::declared::{self, Offered, covered, register};

pub(crate) use connection_server::declared::explain;

use crate::{Error, Exit, cli::Program, input::stored, kind_entry::KindEntry, spelling::misspelled};

/// The interval at which a process that serves reads the added extensions again.
const INTERVAL: Duration = Duration::from_secs(60);

/// Registers the kinds of the added extensions of this owner, and of the extensions of other owners that are connected
/// through one. Returns the kinds of this owner.
///
/// `connected` are the kinds of which there are connections.
pub(crate) async fn register_added(
    registry: &ConnectionRegistry,
    has_catalogue: bool,
    connected: &[Kind],
) -> Result<Vec<KindEntry>, Error> {
    let mut own = Vec::new();
    let covered = covered(registry);
    for added in registry.extensions().list().await? {
        let Some(name) = Kind::of_extension(&added.name, &added.provider) else { continue };
        // Most extensions need a provider that a kind covers, so their manifests are not parsed.
        if !connected.contains(&name) && is_covered(&covered, has_catalogue, &added.provider) {
            continue;
        }
        if let Some(kind) = of_added(&added) {
            own.push(KindEntry::of(&kind));
            register(registry, kind);
        }
    }
    for kind in connected.iter().filter(|kind| registry.kinds().get(kind).is_none()) {
        if let Some(extension) = kind.extension()
            && let Some(declared) = of_another_owner(registry, kind, extension).await?
        {
            register(registry, declared);
        }
    }
    Ok(own)
}

/// Registers the kinds of extensions that other processes add or change, until the task is aborted.
///
/// A process that only serves would otherwise neither refresh the tokens of such an extension nor continue its setups.
pub(crate) async fn follow(registry: ConnectionRegistry, has_catalogue: bool) {
    let clock = registry.server().clock();
    loop {
        clock.sleep(INTERVAL).await;
        let read = async {
            let connected = registry.server().connected_kinds().await?;
            register_added(&registry, has_catalogue, &connected).await
        };
        if let Err(error) = read.await {
            // The scheduler reports a store that cannot be read.
            tracing::debug!(code = %error.code, "the kinds of extensions cannot be read now");
        }
    }
}

/// Returns the kind of a connection whose extension belongs to another owner.
async fn of_another_owner(
    registry: &ConnectionRegistry,
    kind: &Kind,
    extension: &str,
) -> Result<Option<DeclaredKind>, Error> {
    let connections = registry.server().connections_of_kind(kind, None).await?;
    let Some(first) = connections.first() else { return Ok(None) };
    match registry.owner(first.owner.as_str())?.extensions().get(extension).await {
        Ok(added) => Ok(of_added(&added).filter(|declared| declared.descriptor().kind == *kind)),
        Err(CoreError::Extension(ExtensionError::Unknown(_))) => Ok(None),
        Err(error) => {
            tracing::warn!(%kind, %error, "the kind of an extension cannot be registered");
            Ok(None)
        }
    }
}

/// Returns the kind that the stored declaration of an extension makes, if it makes one.
fn of_added(added: &ExtensionInfo) -> Option<DeclaredKind> {
    let file = stored(&added.name, &added.source).ok().map(ExtensionFile::into_declaration)?;
    DeclaredKind::of(&file).ok()
}

/// Returns `true` if a kind that serves every extension connects this provider. No file of the catalogue is read for it.
fn is_covered(covered: &BTreeSet<Kind>, has_catalogue: bool, provider: &Kind) -> bool {
    covered.contains(provider) || has_catalogue && Catalogue::text(provider.as_str()).is_some()
}

/// Returns the known provider whose name is nearest to that of a declaration that no kind covers, if the name may be a
/// misspelling.
pub(crate) fn similar_provider(registry: &ConnectionRegistry, declaration: &ExtensionDeclaration) -> Option<Kind> {
    let provider = &declaration.requirement.provider;
    let known = covered(registry);
    if known.contains(provider) {
        return None;
    }
    misspelled(provider.as_str(), known.iter().map(Kind::as_str)).and_then(Kind::parse)
}

/// Registers the kind of a declaration that a command was given, if no other kind covers its provider.
///
/// A declaration that makes no kind is reported to people, and is no error.
pub(crate) fn offer(
    program: &mut Program,
    registry: &ConnectionRegistry,
    declaration: &ExtensionDeclaration,
) -> Result<(), Error> {
    // Every kind of the catalogue is registered for a command that is given a declaration.
    match declared::offer(registry, declaration) {
        Ok(Offered::Registered(kind)) => program.learn([KindEntry::of(&kind)]),
        Ok(Offered::NoKind(reason)) if !program.output.json => {
            let remedy = reason.remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
            program.output.note(format!(
                "This declaration cannot be connected by itself: {}{remedy}. `connections kinds` lists what can be connected.",
                reason.message
            ));
        }
        Ok(_) => {}
        Err(known) => {
            return Err(Error::new(Exit::Refused, "declaration_known", known.to_string()).remedy(format!(
                "write \"provider\": \"{}\" in the manifest, which `connections add {}` connects",
                known.provider, known.kind
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use connection_contract::Timestamp;
    use connection_core::{KeyFile, ManualClock, Notification};
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    /// Another process adds the extension, and changes it.
    #[tokio::test]
    async fn a_process_that_serves_learns_what_another_one_added() {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_seconds(1_800_000_000));
        let open = || {
            ConnectionRegistry::builder()
                .store(directory.path().join("connections.db").display().to_string())
                .key(KeyFile::at(directory.path().join("root.key")))
                .clock(Arc::new(clock.clone()))
                .open()
        };
        let serving = open().await.unwrap();
        let other = open().await.unwrap();
        let (changed, mut changes) = unbounded_channel();
        let _listener = serving.events().listen(move |notification| {
            if matches!(notification, Notification::KindsChanged) {
                changed.send(()).ok();
            }
        });
        let following = tokio::runtime::Handle::current().spawn(follow(serving.clone(), false));
        let kind = Kind::parse("sprints/tracker").unwrap();
        for secret in ["apiKey", "token"] {
            let source = format!(
                r#"{{"name": "sprints", "connection": {{"id": "default", "provider": "tracker", "title": "Tracker",
                    "auth": {{"type": "apiKey", "secretNames": ["{secret}"]}}}}}}"#
            );
            let declaration = ExtensionFile::parse(source.as_bytes()).unwrap().into_declaration();
            other.extensions().add(&declaration, source).await.unwrap();
            clock.until_asleep(1).await;
            clock.advance(INTERVAL);
            changes.recv().await.unwrap();
            assert_eq!(serving.kinds().get(&kind).unwrap().descriptor.secret_names, [secret]);
        }
        // The control: what did not change is not registered again.
        clock.until_asleep(1).await;
        clock.advance(INTERVAL);
        clock.until_asleep(1).await;
        assert!(changes.try_recv().is_err());
        following.abort();
    }
}
