//! The files and directories that a registry protects by itself.

use std::path::Path;

use crate::{FilesPolicy, KeySources, StoreSource};

/// Adds to the host's policy the files that every registry protects: those of its key sources, its SQLite database, and
/// the state directory of the node. The profiles of other owners are looked up at each use.
pub(super) fn protected(
    policy: FilesPolicy,
    store: &StoreSource,
    keys: &KeySources,
    state: Option<&Path>,
) -> FilesPolicy {
    let sources = std::iter::once(&keys.used).chain(keys.others.iter().map(|other| &other.source));
    let files = sources.flat_map(|source| source.files()).chain(store.file());
    let policy = files.fold(policy, FilesPolicy::protect_file);
    state.into_iter().fold(policy, FilesPolicy::protect)
}
