//! The kinds that extensions declare. Each belongs to the owner who added the extension, and connects a provider that no
//! other kind connects.

use std::{collections::BTreeSet, fmt};

use connection_contract::{ExtensionDeclaration, Kind, Origin, Reason, host};
use connection_core::{ConnectionRegistry, OwnKind, OwnKinds};
use connection_manifest::{DeclaredKind, ExtensionFile};

/// Makes the kinds of declarations, for [`RegistryBuilder::own_kinds`](connection_core::RegistryBuilder::own_kinds).
///
/// ```
/// use std::sync::Arc;
///
/// use connection_core::ConnectionRegistry;
/// use connection_server::declared::DeclaredKinds;
///
/// let builder = ConnectionRegistry::builder().own_kinds(Arc::new(DeclaredKinds::new()));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DeclaredKinds;

impl DeclaredKinds {
    /// Returns the source of these kinds.
    pub fn new() -> Self {
        Self
    }
}

impl OwnKinds for DeclaredKinds {
    fn stored(&self, owner: &str, extension: &str, source: &str) -> Option<OwnKind> {
        // A later version may have stricter rules, and another program may have written the row.
        let file = match ExtensionFile::parse(source.as_bytes()) {
            Ok(file) => file,
            Err(error) => {
                tracing::warn!(owner, extension, %error, "a stored declaration cannot be read");
                return None;
            }
        };
        let declaration = file.declaration();
        DeclaredKind::of(declaration).ok().filter(|_| declaration.name == extension).map(OwnKind::new)
    }

    fn declared(&self, declaration: &ExtensionDeclaration) -> Result<OwnKind, Reason> {
        DeclaredKind::of(declaration).map(OwnKind::new)
    }
}

/// The result of checking a declaration with [`check`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Checked {
    /// A registered kind connects the provider.
    Covered,
    /// The declaration makes a kind.
    Kind(DeclaredKind),
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

/// Checks a declaration before its extension is added: whether it makes a kind, and whether a person knows the name or an
/// address of that kind as another one.
///
/// # Errors
///
/// [`KnownDeclaration`].
pub fn check(registry: &ConnectionRegistry, declaration: &ExtensionDeclaration) -> Result<Checked, KnownDeclaration> {
    if covered(registry).contains(&declaration.requirement.provider) {
        return Ok(Checked::Covered);
    }
    match DeclaredKind::of(declaration) {
        Ok(kind) => {
            refuse_known(registry, &kind, declaration)?;
            Ok(Checked::Kind(kind))
        }
        Err(reason) => Ok(Checked::NoKind(reason)),
    }
}

/// Returns the providers that the registered kinds connect.
pub fn covered(registry: &ConnectionRegistry) -> BTreeSet<Kind> {
    registry.kinds().list().into_iter().map(|info| info.descriptor.provider).collect()
}

fn refuse_known(
    registry: &ConnectionRegistry,
    kind: &DeclaredKind,
    declaration: &ExtensionDeclaration,
) -> Result<(), KnownDeclaration> {
    let provider = &declaration.requirement.provider;
    for known in registry.kinds().list().into_iter().map(|known| known.descriptor) {
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
