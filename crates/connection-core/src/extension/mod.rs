//! Extensions: each has one handle, through which it asks; a person says what it may use.
//!
//! The handle names the extension, so that none can ask in another's name. What it is asked for goes through the
//! declaration, the platform and the grant, and what it gives is on record before it is given.

mod added;
mod affected;
mod changes;
pub(crate) mod choice;
mod context;
mod environment;
mod error;
pub(crate) mod grants;
mod hand_off;
mod known;
pub(crate) mod marks;
pub(crate) mod plain;
pub(crate) mod preferences;
mod record;
mod retry;
mod revisions;
mod set;
mod setup;
mod uses;

use std::{fmt, sync::Arc};

use connection_contract::{ExtensionDeclaration, Requirement};

use crate::{ConnectionRegistry, Error, ResolvedConnection};

pub use added::ExtensionInfo;
pub(crate) use affected::{ALL_OF_IT, Affected, Turn, turn};
pub use changes::{ChangedPart, ExtensionChange, ExtensionChanges, ExtensionListener};
pub use context::CommandContext;
pub use error::ExtensionError;
pub use grants::Grant;
pub use hand_off::{
    ConnectionRequired, HandOffError, HandedOff, NativeExtensionSettings, RequiredAction, SettingsHandOff,
};
use known::Declared;
pub(crate) use known::Known;
pub use preferences::Preferences;
pub use retry::{RetryOutcome, RetryTicket};
pub use revisions::Revisions;
pub use set::SetPreferences;
pub(crate) use setup::{ForExtension, consent, outdated, told};

/// What one extension has in its hands: it asks here, and nowhere else. A host makes one for each, by
/// [`ConnectionRegistry::extension`]. A clone is another handle of the same extension.
///
/// It shows neither registry nor store nor key, so that whoever holds it reaches what the extension declared and was
/// granted, and nothing more. Of these only the first compiles, which shows that the others name what there is:
///
/// ```
/// fn reach(handle: connection_core::ExtensionHandle, other: connection_contract::ExtensionDeclaration) {
///     let (_, _) = (handle.requirement(), std::sync::Arc::new(other));
///     let _: Option<connection_core::ConnectionRegistry> = None;
///     let _ = connection_core::ConnectionRegistry::extension;
/// }
/// ```
/// ```compile_fail,E0616
/// fn reach(handle: &connection_core::ExtensionHandle) {
///     let _ = &handle.registry;
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
    registry: ConnectionRegistry,
    declared: Arc<ExtensionDeclaration>,
}

impl fmt::Debug for ExtensionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExtensionHandle({})", self.declared.name)
    }
}

impl ConnectionRegistry {
    /// The handle of an extension, for this owner's connections. Whose code gets it is for the host to say; the name in it
    /// is what grants and settings go by.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Declaration`].
    pub fn extension(&self, declaration: ExtensionDeclaration) -> Result<ExtensionHandle, Error> {
        declaration.check().map_err(ExtensionError::from)?;
        let declared = Declared::of(&declaration.requirement);
        self.shared.extensions.declared(&self.owner, &declaration.name, declared);
        Ok(ExtensionHandle { registry: self.clone(), declared: Arc::new(declaration) })
    }
}

impl ExtensionHandle {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.declared.name
    }

    /// What it declared.
    pub fn declaration(&self) -> &ExtensionDeclaration {
        &self.declared
    }

    /// What it needs: what the other methods take.
    pub fn requirement(&self) -> &Requirement {
        &self.declared.requirement
    }

    /// What it needs, as it stands now: by presence alone, without a network, and without opening a credential. To be asked
    /// before an extension offers what it does, and again when it does it.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Undeclared`] for another requirement than its own, and the store's.
    pub async fn resolve(&self, requirement: &Requirement) -> Result<ResolvedConnection, Error> {
        self.own(requirement)?;
        self.registry.resolve_one(&self.declared).await
    }

    /// Refuses what is not its own: an extension cannot ask for what another one declared.
    fn own(&self, requirement: &Requirement) -> Result<(), Error> {
        if *requirement == self.declared.requirement {
            return Ok(());
        }
        Err(self.undeclared("connection", Some(&requirement.id)))
    }

    /// Refuses a command that it did not declare.
    fn command(&self, name: Option<&str>) -> Result<(), Error> {
        match name {
            Some(name) if self.declared.find_command(name).is_none() => Err(self.undeclared("command", None)),
            _ => Ok(()),
        }
    }

    /// The name is said where code gave it: what a person typed in its place may be the secret itself.
    fn undeclared(&self, what: &'static str, name: Option<&str>) -> Error {
        let (extension, name) = (self.label(), name.map(|name| name.to_owned().into()));
        ExtensionError::Undeclared { extension, what, name }.into()
    }

    /// For errors.
    fn label(&self) -> connection_contract::DisplayText {
        self.declared.name.to_string().into()
    }
}
