//! The kinds that belong to one owner: an extension that the owner added brings each of them, named
//! `EXTENSION/PROVIDER`.
//!
//! None is registered. A kind is made when it is used, from what the owner stored, and is kept under the revision of
//! that row. A kind of one owner is therefore never one of another, and a change that another process stored is in force
//! at the next use.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use connection_contract::{ConnectionDefinition, ExtensionDeclaration, Kind, Reason};

use super::{KindEntry, check};
use crate::{contain, definition::Definition};

/// Maximum number of kinds that a process keeps. Beyond it, the kind that was made first is dropped.
const MAX_KEPT: usize = 1_000;

/// A kind that an extension brings for its owner.
pub struct OwnKind(Definition);

impl fmt::Debug for OwnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnKind")
    }
}

impl OwnKind {
    /// Creates the kind of a definition, whose descriptor names the
    /// [extension](connection_contract::Descriptor::extension).
    pub fn new(definition: impl ConnectionDefinition) -> Self {
        Self(Definition::new(definition))
    }
}

/// Makes the kinds that extensions bring for their owners. A host implements this trait; see
/// [`RegistryBuilder::own_kinds`](crate::RegistryBuilder::own_kinds).
///
/// Each method is a plain function of its arguments: it is called when a kind is used for the first time, and after the
/// owner stored something else.
pub trait OwnKinds: Send + Sync + 'static {
    /// Returns the kind of an extension that an owner added, from the text that was
    /// [stored](crate::Extensions::add); `None` if the extension brings none.
    fn stored(&self, owner: &str, extension: &str, source: &str) -> Option<OwnKind>;

    /// Returns the kind that a declaration would bring if an owner added it, or the reason why it brings none.
    ///
    /// # Errors
    ///
    /// The reason, for people.
    fn declared(&self, declaration: &ExtensionDeclaration) -> Result<OwnKind, Reason>;
}

/// Returns the provider of a kind that belongs to an extension, which its name states.
pub(crate) fn own_provider(kind: &Kind) -> Option<Kind> {
    kind.as_str().split_once('/').and_then(|(_, provider)| Kind::parse(provider))
}

/// The kinds of owners that were used last.
#[derive(Default)]
pub(crate) struct OwnTable {
    source: Option<Arc<dyn OwnKinds>>,
    kept: Mutex<Kept>,
}

type Key = (Box<str>, Kind);

#[derive(Default)]
struct Kept {
    kinds: HashMap<Key, Revision>,
    /// The keys in the order in which their kinds were made first.
    order: VecDeque<Key>,
}

struct Revision {
    /// The mark of the row from which the kind was made. Each write of a row changes its mark.
    mark: Vec<u8>,
    /// `None` if the row makes no kind.
    entry: Option<Arc<KindEntry>>,
}

impl OwnTable {
    pub(crate) fn set_source(&mut self, source: Arc<dyn OwnKinds>) {
        self.source = Some(source);
    }

    /// Returns `true` if kinds of owners can be made at all.
    pub(crate) fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// Returns the kind that was made from the row with this mark, if it is kept: `Some(None)` if the row makes none.
    pub(crate) fn kept(&self, owner: &str, kind: &Kind, mark: &[u8]) -> Option<Option<Arc<KindEntry>>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.kinds.get(&(owner.into(), kind.clone()))?;
        (known.mark == mark).then(|| known.entry.clone())
    }

    /// Makes a kind from the text of a row, and keeps it under the mark of the row.
    pub(crate) fn make(&self, owner: &str, kind: &Kind, mark: Vec<u8>, source: &str) -> Option<Arc<KindEntry>> {
        let entry = self.made(owner, kind, source).map(Arc::new);
        let key: Key = (owner.into(), kind.clone());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What is replaced or dropped runs plugin code when it ends, so it ends after the lock is released.
        let replaced = kept.kinds.insert(key.clone(), Revision { mark, entry: entry.clone() });
        let mut dropped = None;
        if replaced.is_none() {
            kept.order.push_back(key);
            if kept.order.len() > MAX_KEPT {
                dropped = kept.order.pop_front().and_then(|first| kept.kinds.remove(&first));
            }
        }
        drop(kept);
        drop((replaced, dropped));
        entry
    }

    fn made(&self, owner: &str, kind: &Kind, source: &str) -> Option<KindEntry> {
        let extension = kind.extension()?;
        let port = self.source.as_ref()?;
        let made = contain::call(|| port.stored(owner, extension, source))??;
        match check::check_own(made.0) {
            Ok(entry) => Some(entry).filter(|entry| entry.kind() == kind),
            Err(error) => {
                tracing::warn!(%kind, %error, "the kind of an extension cannot be used");
                None
            }
        }
    }

    /// Returns whether a declaration would bring a kind if its owner added it, or why not; `None` if this host makes no
    /// kinds of declarations.
    pub(crate) fn declared(&self, declaration: &ExtensionDeclaration) -> Option<Result<(), Reason>> {
        let port = self.source.as_ref()?;
        contain::call(|| port.declared(declaration).map(drop))
    }
}
