//! Which files and directories a registry keeps connections away from by itself.

use std::path::Path;

use crate::{FilesPolicy, StoreSource, seal};

/// Adds to the policy of a host what every registry protects: the files of its key sources, a SQLite database, and the
/// directory in which the node keeps sealed answers. The profiles of other owners are looked up at each use.
pub(super) fn protected(
    policy: FilesPolicy,
    store: &StoreSource,
    keys: &seal::Sources,
    state: Option<&Path>,
) -> FilesPolicy {
    let sources = std::iter::once(&keys.used).chain(keys.others.iter().map(|other| &other.source));
    let files = sources.flat_map(|source| source.files()).chain(store.file());
    let policy = files.fold(policy, FilesPolicy::protect_file);
    state.into_iter().fold(policy, FilesPolicy::protect)
}
