//! The face of extensions: adds them, grants them connections, and creates their handles.

use std::sync::Arc;

use connection_contract::{BoxFuture, ExtensionDeclaration};

use super::{DeclaredExtension, ExtensionHandle, System, requirement};
use crate::{Error, ExtensionError, Grantee, ResolvedConnection, ground::Scope, uses::UsedBy};

/// The extensions of one owner: what a person added, granted and chose.
///
/// A host reads the declaration of an extension, stores it with [`add`](Self::add), and creates a
/// [`handle`](Self::handle), which is all that the extension's own code receives. A person decides which connection the
/// extension may use: only the host calls [`grant`](Self::grant) and [`choose`](Self::choose).
///
/// # Examples
///
/// ```
/// use connection_contract::{ExtensionDeclaration, SecretName};
/// use connection_core::{ConnectionId, ConnectionRegistry, Error, ExtensionHandle};
///
/// /// Adds an extension to which a person granted a connection.
/// async fn install(
///     registry: &ConnectionRegistry,
///     declaration: ExtensionDeclaration,
///     source: &str,
///     granted: (ConnectionId, &[SecretName]),
/// ) -> Result<ExtensionHandle, Error> {
///     let info = registry.extensions().add(&declaration, source).await?;
///     let (connection, names) = granted;
///     registry.extensions().grant(&info.name, connection, names).await?;
///     let handle = registry.extensions().handle(declaration)?;
///     let resolved = handle.resolve(handle.requirement()).await?;
///     assert!(resolved.is_granted());
///     Ok(handle)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Extensions<'a> {
    pub(super) scope: Scope<'a, System>,
}

impl<'a> Extensions<'a> {
    pub(crate) fn new(scope: Scope<'a, System>) -> Self {
        Self { scope }
    }

    /// Returns the handle of an extension, for this owner's connections. The host decides which code receives the
    /// handle; grants and settings are found by the name in it.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Declaration`].
    pub fn handle(self, declaration: ExtensionDeclaration) -> Result<ExtensionHandle, Error> {
        declaration.check().map_err(ExtensionError::from)?;
        let declared = DeclaredExtension::of(&declaration.requirement);
        self.scope.system.declarations.declared(self.scope.owner, &declaration.name, declared);
        let grantee = Some(Grantee::Extension(declaration.name.to_string()));
        let by = UsedBy { grantee, ..(*self.scope.system.ground.recorder.by).clone() };
        Ok(ExtensionHandle { scope: self.scope.owned(), declared: Arc::new(declaration), by: Arc::new(by) })
    }

    /// Resolves the requirements of many extensions, in their order, as [`resolve`](ExtensionHandle::resolve) does for
    /// one. It takes a handful of queries for all of them, so that a host can show all its extensions.
    ///
    /// # Errors
    ///
    /// The store's errors. For a single extension, [`ExtensionError`] if its declaration is invalid.
    pub fn resolve_all(
        self,
        declarations: &'a [ExtensionDeclaration],
    ) -> BoxFuture<'a, Result<Vec<Result<ResolvedConnection, Error>>, Error>> {
        Box::pin(requirement::resolve_all(&self.scope.system.ground, self.scope.owner, declarations))
    }
}
