//! A system together with the owner for whom it acts.

use std::{fmt, sync::Arc};

/// A system and the owner for whom it acts. The owner sees only what belongs to that owner.
///
/// It is borrowed and copied. A task, or anything else that outlives its caller, keeps an [`OwnedScope`].
pub(crate) struct Scope<'a, S> {
    pub(crate) system: &'a Arc<S>,
    pub(crate) owner: &'a str,
}

impl<'a, S> Scope<'a, S> {
    /// Returns the scope of another system for the same owner.
    pub(crate) fn on<T>(self, system: &'a Arc<T>) -> Scope<'a, T> {
        Scope { system, owner: self.owner }
    }

    /// Returns a scope that borrows nothing.
    pub(crate) fn owned(self) -> OwnedScope<S> {
        OwnedScope { system: self.system.clone(), owner: self.owner.into() }
    }
}

impl<S> Clone for Scope<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Scope<'_, S> {}

impl<S> fmt::Debug for Scope<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// A [`Scope`] that borrows nothing.
pub(crate) struct OwnedScope<S> {
    pub(crate) system: Arc<S>,
    pub(crate) owner: Arc<str>,
}

impl<S> OwnedScope<S> {
    /// Returns a [`Scope`] that borrows from this one.
    pub(crate) fn as_scope(&self) -> Scope<'_, S> {
        Scope { system: &self.system, owner: &self.owner }
    }
}

impl<S> Clone for OwnedScope<S> {
    fn clone(&self) -> Self {
        Self { system: self.system.clone(), owner: self.owner.clone() }
    }
}

impl<S> fmt::Debug for OwnedScope<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_scope(), f)
    }
}
