//! The face of kinds: registers them, lists them, and removes what they left.

use std::sync::Arc;

use connection_contract::{ConnectionDefinition, Kind};

use super::{ConnectionRegistry, activate, check_kind};
use crate::{KindInfo, Notification, RegisterError, definition::Definition, kinds::KindEntry};

/// The registered kinds, and what a host does with a kind.
///
/// The kinds are in memory only and the same for all owners: a program registers its plugins at each start, usually
/// with [`RegistryBuilder::kind`](crate::RegistryBuilder::kind), and may change them later with
/// [`register`](Self::register), [`replace`](Self::replace) and [`unregister`](Self::unregister). The
/// [`Capabilities`](crate::Capabilities) of a kind list what its code can do, and its
/// [`KindSupport`](crate::KindSupport) says which of its needs this host meets.
///
/// # Examples
///
/// ```
/// use connection_contract::{ConnectionDefinition, Kind};
/// use connection_core::{ConnectionRegistry, Error, RegisterError};
///
/// fn installed(registry: &ConnectionRegistry, plugin: impl ConnectionDefinition) -> Result<(), RegisterError> {
///     registry.kinds().register(plugin)?;
///     for info in registry.kinds().list() {
///         let kind = &info.descriptor.kind;
///         let works = registry.kinds().support(kind).is_some_and(|support| support.is_complete());
///         let sends = info.capabilities.send;
///         println!("{}: sends requests: {sends}, works here: {works}", info.descriptor.display_name);
///     }
///     Ok(())
/// }
///
/// /// Removes the connections of a plugin with it.
/// async fn uninstalled(registry: &ConnectionRegistry, kind: &Kind) -> Result<(), Error> {
///     let removal = registry.kinds().remove(kind).await?;
///     println!("{} connections were removed", removal.removed.len());
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Kinds<'a> {
    pub(super) registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns a handle to the registered kinds, with which to list, add and remove them.
    pub fn kinds(&self) -> Kinds<'_> {
        Kinds { registry: self }
    }
}

impl Kinds<'_> {
    /// Registers a kind.
    ///
    /// The plugin's [`activate`](ConnectionDefinition::activate) runs in the background, with the values of this
    /// handle's owner. If it fails, the error is logged and the kind stays registered.
    ///
    /// # Errors
    ///
    /// [`RegisterError`]. Kinds that were registered before are unaffected.
    pub fn register(self, definition: impl ConnectionDefinition) -> Result<(), RegisterError> {
        let checked = check_kind::check(Definition::new(definition))?;
        let entry = self.registry.shared.kinds.register(checked)?;
        self.activate(&entry);
        Ok(())
    }

    /// Registers a kind, in place of the registered one if there is one. Sessions continue with the new kind, which is
    /// activated as in [`register`](Self::register).
    ///
    /// # Errors
    ///
    /// [`RegisterError`]. Kinds that were registered before are unaffected.
    pub fn replace(self, definition: impl ConnectionDefinition) -> Result<(), RegisterError> {
        let checked = check_kind::check(Definition::new(definition))?;
        let entry = self.registry.shared.kinds.replace(checked);
        self.activate(&entry);
        Ok(())
    }

    /// Begins to use a kind that was registered.
    fn activate(self, entry: &Arc<KindEntry>) {
        self.registry.shared.kinds_changed();
        activate::activate(&self.registry.shared, entry, &self.registry.owner);
        self.registry.shared.notifications.publish(&Notification::KindsChanged);
    }

    /// Returns the registered kinds, in the order of their names.
    pub fn list(self) -> Vec<KindInfo> {
        self.registry.shared.kinds.all()
    }

    /// Returns the registered kind with this name.
    pub fn get(self, kind: &Kind) -> Option<KindInfo> {
        self.registry.shared.kinds.entry(kind).map(|entry| entry.info())
    }
}
