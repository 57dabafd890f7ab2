//! The kinds that extensions declare. Each is registered for a provider that no other kind covers.

use std::{collections::BTreeSet, fmt};

use connection_contract::{ConnectionDefinition as _, ExtensionDeclaration, Kind, Origin, Reason, host};
use connection_core::{ConnectionRegistry, ConnectionStatus, ResolvedConnection};
use connection_manifest::DeclaredKind;

/// The result of offering the kind of a declaration with [`offer`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Offered {
    /// A registered kind connects the provider.
    Covered,
    /// The kind of the declaration was registered.
    Registered(DeclaredKind),
    /// The declaration makes no kind, for this reason.
    NoKind(Reason),
}

/// The refusal of a declaration that has the name or an address of a kind that a person knows: the person would give the
/// extension a credential of that kind's provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownDeclaration {
    /// The name of the extension that makes the declaration.
    pub extension: String,
    /// The name or address that the known kind has, too.
    pub declares: String,
    /// The registered kind that has the name or address.
    pub kind: Kind,
    /// The provider of the registered kind.
    pub provider: Kind,
    /// The title of the registered kind, for people.
    pub title: String,
}

impl fmt::Display for KnownDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { extension, declares, kind, title, .. } = self;
        write!(f, "'{extension}' declares '{declares}', which belongs to {title} ({kind})")
    }
}

impl std::error::Error for KnownDeclaration {}

/// Registers the kind of a declaration, if no registered kind connects its provider.
///
/// # Errors
///
/// [`KnownDeclaration`]; nothing was registered.
pub fn offer(registry: &ConnectionRegistry, declaration: &ExtensionDeclaration) -> Result<Offered, KnownDeclaration> {
    if covered(registry).contains(&declaration.requirement.provider) {
        return Ok(Offered::Covered);
    }
    match DeclaredKind::of(declaration) {
        Ok(kind) => {
            refuse_known(registry, &kind, declaration)?;
            register(registry, kind.clone());
            Ok(Offered::Registered(kind))
        }
        Err(reason) => Ok(Offered::NoKind(reason)),
    }
}

/// Registers a kind, unless the registered one of its name has the same declaration.
pub fn register(registry: &ConnectionRegistry, kind: DeclaredKind) {
    let descriptor = kind.descriptor();
    let name = &descriptor.kind;
    let known = registry.kinds().get(name);
    if known.is_some_and(|known| format!("{:?}", known.descriptor) == format!("{descriptor:?}")) {
        return;
    }
    if let Err(error) = registry.kinds().replace(kind) {
        tracing::warn!(kind = %name, %error, "the kind of an extension cannot be registered");
    }
}

/// Returns the providers that the registered kinds connect for every extension.
pub fn covered(registry: &ConnectionRegistry) -> BTreeSet<Kind> {
    let kinds = registry.kinds().list().into_iter().map(|info| info.descriptor);
    kinds.filter(|descriptor| descriptor.extension.is_none()).map(|descriptor| descriptor.provider).collect()
}

/// Says in a resolved requirement why the declaration of the extension makes no kind, if no other kind connects its
/// provider.
pub fn explain(registry: &ConnectionRegistry, declaration: &ExtensionDeclaration, resolved: &mut ResolvedConnection) {
    let provider = &declaration.requirement.provider;
    let is_unmet = resolved.error.as_ref().is_some_and(|error| error.code == "connection_unsupported");
    if !is_unmet || resolved.status != ConnectionStatus::Missing || covered(registry).contains(provider) {
        return;
    }
    if let Err(reason) = DeclaredKind::of(declaration) {
        let message = format!(
            "this host has no kind for '{provider}', and the declaration of the extension makes none: {}",
            reason.message
        );
        let remedy = reason.remedy.map_or_else(String::new, |remedy| format!("{remedy}, and add the extension again"));
        resolved.error = Some(Reason::new("connection_unsupported", message).remedy(remedy));
    }
}

fn refuse_known(
    registry: &ConnectionRegistry,
    kind: &DeclaredKind,
    declaration: &ExtensionDeclaration,
) -> Result<(), KnownDeclaration> {
    let provider = &declaration.requirement.provider;
    for known in registry.kinds().list().into_iter().map(|known| known.descriptor) {
        if known.extension.is_some() {
            continue;
        }
        let is_known = |origin: &&Origin| {
            let is_same = |text: &str| host::matches(text, origin) || host::origin(text).as_ref() == Some(*origin);
            known.origins.iter().any(|text| is_same(text))
        };
        let declares = match kind.origins().iter().find(is_known) {
            Some(origin) => origin.to_string(),
            None if known.kind == *provider => provider.to_string(),
            None => continue,
        };
        return Err(KnownDeclaration {
            extension: declaration.name.to_string(),
            declares,
            kind: known.kind,
            provider: known.provider,
            title: known.display_name.to_string(),
        });
    }
    Ok(())
}
