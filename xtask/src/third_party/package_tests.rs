//! The tests and examples of our packages, which must compile from the packages alone.
//!
//! Whoever distributes a package runs its tests where the rest of this workspace is missing. A package that contains a
//! test which needs more must leave it out (`exclude`), or switch it off (the feature `workspace-tests`). The rehearsal of
//! a release checks this, because it takes as long as checking the whole workspace.

use std::fs;

use crate::failure::Failure;
use crate::third_party::{Stranger, copy};

/// A workspace of all packages, so that each of them uses the others as they are packaged.
const MANIFEST: &str = "[workspace]\nmembers = [\"*\"]\nexclude = [\"target\"]\nresolver = \"3\"\n";

/// Compiles the tests and examples of all packages.
pub(super) fn check(stranger: &Stranger<'_>) -> Result<(), Failure> {
    let directory = stranger.packages.directory();
    let manifest = directory.join("Cargo.toml");
    fs::write(&manifest, MANIFEST)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", manifest.display())))?;
    copy(&stranger.workspace.root().join("Cargo.lock"), &directory.join("Cargo.lock"))?;
    let ours: Vec<&str> = stranger.packages.names().collect();
    stranger.cargo(directory, &["check", "--workspace", "--tests", "--examples", "--quiet"], &ours)
}
