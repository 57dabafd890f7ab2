//! Whom a request in the background concerns: the provider of a kind that serves every owner, or the kind that an
//! extension of one owner brings. Limits and pauses are counted by it, so that no owner slows the work for another one.

use connection_contract::Kind;

use super::{Ground, UNREADABLE};

/// The provider that is asked, or one owner's own kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lane {
    /// The owner of the kind; `None` for a kind that serves every owner.
    owner: Option<Box<str>>,
    /// The provider, or the owner's kind.
    kind: Kind,
}

impl Lane {
    /// Returns the lane of a provider.
    pub(crate) fn of_provider(provider: Kind) -> Self {
        Self { owner: None, kind: provider }
    }

    /// Returns the lane of an owner's own kind.
    pub(crate) fn of_own_kind(owner: &str, kind: Kind) -> Self {
        Self { owner: Some(owner.into()), kind }
    }

    /// Returns the lane whose requests in progress are counted together: all own kinds of an owner have one.
    pub(crate) fn shared(&self) -> Self {
        let kind = if self.owner.is_some() { UNREADABLE } else { self.kind.clone() };
        Self { owner: self.owner.clone(), kind }
    }

    /// Returns the provider, or the owner's kind.
    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns the owner of an owner's own kind.
    pub(crate) fn own(&self) -> Option<&str> {
        self.owner.as_deref()
    }
}

impl Ground {
    /// Returns the lane of a kind of an owner.
    pub(crate) fn lane(&self, owner: &str, kind: &Kind) -> Lane {
        match kind.extension() {
            Some(_) => Lane::of_own_kind(owner, kind.clone()),
            None => Lane::of_provider(self.provider_of(kind)),
        }
    }
}
