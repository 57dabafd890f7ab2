//! The kinds that a host names at its start, and that are read when they are first used.

use connection_contract::Kind;

use super::{KindEntry, check};
use crate::{contain, definition::Definition};

type Read = dyn Fn(&Kind) -> Option<Definition> + Send + Sync;

/// Reads the kinds that the host named.
#[derive(Default)]
pub(crate) struct Reader(Option<Box<Read>>);

impl Reader {
    pub(crate) fn new(read: impl Fn(&Kind) -> Option<Definition> + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(read)))
    }

    /// Returns the kind with this name and this provider. `None`, with a line in the log, if the host has no such kind, or
    /// if the kind cannot be registered.
    pub(super) fn read(&self, kind: &Kind, provider: &Kind) -> Option<KindEntry> {
        let read = self.0.as_ref()?;
        let found = contain::call(|| read(kind)).flatten();
        match found.map(check) {
            Some(Ok(entry)) if entry.kind() == kind && entry.descriptor.provider == *provider => Some(entry),
            Some(Err(error)) => {
                tracing::warn!(%kind, %error, "a kind that was named cannot be registered");
                None
            }
            Some(Ok(_)) | None => {
                tracing::warn!(%kind, %provider, "the host has no kind with the name and the provider that it gave");
                None
            }
        }
    }
}
