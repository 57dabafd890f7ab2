//! Extensions. Each has one handle, through which it makes its requests; a person grants what it may use.
//!
//! The handle holds the extension's name, so that no extension can act in another's name. A request is checked against
//! the declaration, the platform and the grant, and its use is recorded before anything is handed out.

mod add_and_remove;
pub(crate) mod choice;
mod context;
mod declarations;
mod environment;
mod extensions;
pub(crate) mod grants;
mod hand_off;
mod list;
mod names;
pub(crate) mod plain_json;
pub(crate) mod preferences;
mod record;
pub(crate) mod requirement;
mod retry;
mod revisions;
pub(crate) mod row_marks;
mod set_preferences;
mod setup;
mod system;
mod use_connection;

use std::{fmt, sync::Arc};

use connection_contract::{BoxFuture, ExtensionDeclaration, Requirement};

use crate::{
    AccessTokenId, Door, Error, ExtensionError, connection,
    ground::{OwnedScope, Scope},
    uses::UsedBy,
};

pub use add_and_remove::ExtensionInfo;
pub use context::CommandContext;
pub(crate) use declarations::Declarations;
use declarations::DeclaredExtension;
pub use extensions::Extensions;
pub use grants::Grant;
pub use hand_off::{
    ConnectionRequired, HandOffError, HandedOff, NativeExtensionSettings, RequiredAction, SettingsHandOff,
};
pub use list::ListedExtension;
pub use preferences::Preferences;
pub use requirement::ResolvedConnection;
pub use retry::{RetryOutcome, RetryTicket};
pub use set_preferences::SetPreferences;
pub(crate) use setup::ExtensionConsent;
pub(crate) use system::System;

/// The handle of one extension, through which it makes all its requests. A host creates one for each extension with
/// [`Extensions::handle`]. A clone is another handle of the same extension.
///
/// The handle exposes no registry, store or key, so that its holder reaches only what the extension declared and was
/// granted. Only the first of the following examples compiles. It shows that the names in the others exist:
///
/// ```
/// fn reach(handle: connection_core::ExtensionHandle, other: connection_contract::ExtensionDeclaration) {
///     let (_, _) = (handle.requirement(), std::sync::Arc::new(other));
///     let _: Option<connection_core::ConnectionRegistry> = None;
///     let _ = connection_core::Extensions::handle;
/// }
/// ```
/// ```compile_fail,E0616
/// fn reach(handle: &connection_core::ExtensionHandle) {
///     let _ = &handle.scope;
/// }
/// ```
/// ```compile_fail,E0599
/// fn reach(handle: &connection_core::ExtensionHandle) {
///     let _ = handle.registry();
/// }
/// ```
/// ```compile_fail,E0599
/// fn reach(handle: &connection_core::ExtensionHandle) {
///     let _ = handle.connection();
/// }
/// ```
/// ```compile_fail,E0616
/// fn reach(handle: &connection_core::ExtensionHandle) {
///     let _ = &handle.declared;
/// }
/// ```
/// ```compile_fail,E0451
/// fn forge(handle: connection_core::ExtensionHandle, other: connection_contract::ExtensionDeclaration) {
///     let _ = connection_core::ExtensionHandle { declared: std::sync::Arc::new(other), ..handle };
/// }
/// ```
/// ```compile_fail,E0277
/// fn forge(handle: connection_core::ExtensionHandle) {
///     let _: connection_core::ConnectionRegistry = handle.into();
/// }
/// ```
#[derive(Clone)]
pub struct ExtensionHandle {
    scope: OwnedScope<System>,
    declared: Arc<ExtensionDeclaration>,
    /// Who uses connections, for the record of use.
    by: Arc<UsedBy>,
}

impl fmt::Debug for ExtensionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExtensionHandle({})", self.declared.name)
    }
}

impl ExtensionHandle {
    /// Returns the name of the extension.
    pub fn name(&self) -> &str {
        &self.declared.name
    }

    /// Returns the declaration of the extension: its requirement, preferences and commands.
    pub fn declaration(&self) -> &ExtensionDeclaration {
        &self.declared
    }

    /// Returns the requirement, which other methods take as an argument.
    pub fn requirement(&self) -> &Requirement {
        &self.declared.requirement
    }

    /// Returns a handle whose uses are recorded with this door, and with the token of the program that asked.
    #[must_use]
    pub fn through(&self, door: Door, token: Option<AccessTokenId>) -> Self {
        Self { by: Arc::new(UsedBy { door, token, ..(*self.by).clone() }), ..self.clone() }
    }

    /// Resolves the requirement: by presence alone, without a network, and without opening a credential. An extension
    /// calls this before it offers a feature, and again when the feature is used.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Undeclared`] for a requirement of another extension, and the store's errors.
    pub fn resolve<'a>(&'a self, requirement: &'a Requirement) -> BoxFuture<'a, Result<ResolvedConnection, Error>> {
        Box::pin(async move {
            self.own(requirement)?;
            requirement::resolve_one(&self.scope.system.ground, &self.scope.owner, &self.declared).await
        })
    }

    /// Returns the scope in which its connection is found.
    fn connections(&self) -> Scope<'_, connection::System> {
        self.scope.as_scope().on(&self.scope.system.connection)
    }

    /// Returns an error for a requirement that is not the extension's own.
    fn own(&self, requirement: &Requirement) -> Result<(), Error> {
        if *requirement == self.declared.requirement {
            return Ok(());
        }
        Err(self.undeclared("connection", Some(&requirement.id)))
    }

    /// Returns an error for a command that the extension did not declare.
    fn command(&self, name: Option<&str>) -> Result<(), Error> {
        match name {
            Some(name) if self.declared.find_command(name).is_none() => Err(self.undeclared("command", None)),
            _ => Ok(()),
        }
    }

    /// Returns the error for an undeclared name. The caller passes a name that code gave, but not one that a person
    /// typed, which may be a secret.
    fn undeclared(&self, what: &'static str, name: Option<&str>) -> Error {
        let extension = self.label();
        let name = name.map(|name| name.to_owned().into());
        ExtensionError::Undeclared { extension, what, name }.into()
    }

    /// Returns the name for errors.
    fn label(&self) -> connection_contract::DisplayText {
        self.declared.name.to_string().into()
    }
}
