//! The face of kinds: registers them, lists them, and removes what they left.

use std::sync::Arc;

use connection_contract::{BoxFuture, ConnectionDefinition, Kind, Seat};

use super::{ConnectionRegistry, activate};
use crate::{
    Error, KindInfo, Notification, RegisterError,
    definition::Definition,
    kinds::{KindEntry, check},
};

/// The registered kinds, and what a host does with a kind.
///
/// The registered kinds are in memory only and the same for all owners: a program registers its plugins at each start,
/// usually with [`RegistryBuilder::kind`](crate::RegistryBuilder::kind), or names those that are read when they are first
/// used ([`kinds_on_demand`](crate::RegistryBuilder::kinds_on_demand)). It may change them later with
/// [`register`](Self::register), [`replace`](Self::replace) and [`unregister`](Self::unregister). The
/// [`Capabilities`](crate::Capabilities) of a kind list what its code can do, and its
/// [`KindSupport`](crate::KindSupport) says which of its needs this host meets.
///
/// # Examples
///
/// ```
/// use connection_contract::{BoxFuture, ConnectionDefinition, Kind};
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

impl<'a> Kinds<'a> {
    /// Returns the kind with this name as this handle's owner has it: a registered one, or the one that an extension of
    /// the owner brings, which is named `EXTENSION/PROVIDER`.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn find(self, kind: &'a Kind) -> BoxFuture<'a, Result<Option<KindInfo>, Error>> {
        Box::pin(async move {
            let found = self.registry.systems.ground.find_kind(&self.registry.owner, kind).await?;
            Ok(found.map(|entry| entry.info()))
        })
    }

    /// Returns the registered kinds, and those [on demand](crate::RegistryBuilder::kinds_on_demand) that were used in this
    /// process or have connections, in the order of their names. Work that is repeated for every kind is done for these,
    /// so that the others need not be read.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn in_use(self) -> BoxFuture<'a, Result<Vec<KindInfo>, Error>> {
        Box::pin(async move {
            let ground = &self.registry.systems.ground;
            ground.read_connected_kinds().await?;
            Ok(ground.kinds.read_entries().iter().map(|entry| entry.info()).collect())
        })
    }

    /// Returns the seats of a kind and of all kinds of its provider, those of the kind first; empty if this
    /// handle's owner does not have the kind.
    ///
    /// A request with something of its own in one of these places carries a second identity at the provider.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn seats(self, kind: &'a Kind) -> BoxFuture<'a, Result<Vec<Seat>, Error>> {
        Box::pin(async move {
            let ground = &self.registry.systems.ground;
            let found = ground.find_kind(&self.registry.owner, kind).await?;
            Ok(found.map(|entry| ground.kinds.seats(&entry)).unwrap_or_default())
        })
    }

    /// Returns the kinds that the extensions of this handle's owner bring, in the order of their names: those through
    /// which an account can be connected, because no kind that serves every owner connects their provider, and those
    /// through which an account was connected.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn own(self) -> BoxFuture<'a, Result<Vec<KindInfo>, Error>> {
        Box::pin(async move {
            let systems = &self.registry.systems;
            let owner = &*self.registry.owner;
            if !systems.ground.kinds.own.has_source() {
                return Ok(Vec::new());
            }
            let mut reader = systems.ground.reader().await?;
            let rows = reader.every_extension(owner).await?;
            let connected = reader.connected_own_kinds(owner).await?;
            drop(reader);
            let mut found = Vec::new();
            for row in rows {
                let Some(provider) = Kind::parse(&row.provider) else { continue };
                let Some(kind) = Kind::of_extension(&row.name, &provider) else { continue };
                if !connected.iter().any(|known| known == kind.as_str()) && systems.ground.kinds.connects(&provider) {
                    continue;
                }
                found.extend(systems.ground.own_kind_of(owner, &kind, row).map(|entry| entry.info()));
            }
            found.sort_by(|one, other| one.descriptor.kind.cmp(&other.descriptor.kind));
            Ok(found)
        })
    }
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
        let checked = check(Definition::new(definition))?;
        let entry = self.registry.systems.ground.kinds.register(checked)?;
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
        let checked = check(Definition::new(definition))?;
        let entry = self.registry.systems.ground.kinds.replace(checked);
        self.activate(&entry);
        Ok(())
    }

    /// Begins to use a kind that was registered.
    fn activate(self, entry: &Arc<KindEntry>) {
        self.registry.systems.kinds_changed();
        activate::activate(&self.registry.systems.ground, entry, &self.registry.owner);
        self.registry.systems.ground.notifications.publish(&Notification::KindsChanged);
    }

    /// Returns the kinds that serve every owner, in the order of their names, and reads those that were not read yet.
    /// [`own`](Self::own) returns the kinds of an owner's extensions.
    pub fn list(self) -> Vec<KindInfo> {
        self.registry.systems.ground.kinds.all()
    }

    /// Returns the kind with this name that serves every owner.
    pub fn get(self, kind: &Kind) -> Option<KindInfo> {
        self.registry.systems.ground.kinds.entry(kind).map(|entry| entry.info())
    }
}
