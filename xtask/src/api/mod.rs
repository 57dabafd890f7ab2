//! `cargo xtask api`: lists the public API of the contract.
//!
//! `docs/spec/contract-api.txt` lists every public item of the contract with its signature, and the check fails if
//! the source differs from it, so that each change of a signature is seen where it is reviewed. `cargo semver-checks`
//! compares the crates with their last release.

mod listing;
mod show;
mod source;

use std::fs;

use crate::api::listing::{Listing, listing};
use crate::failure::Failure;
use crate::workspace::Workspace;

const ROOT: &str = "crates/connection-contract/src/lib.rs";
const LISTING: &str = "docs/spec/contract-api.txt";

/// Writes the listing of the source.
pub(crate) fn write(workspace: &Workspace) -> Result<(), Failure> {
    let text = current(workspace)?;
    let failed = |error| Failure::new(format!("cannot write {LISTING}: {error}"));
    fs::write(workspace.root().join(LISTING), text).map_err(failed)
}

/// Checks the listing against the source.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    if workspace.text(LISTING)? != Some(current(workspace)?) {
        return Err(Failure::new(format!("{LISTING} does not list the current contract: run `cargo xtask api`")));
    }
    println!("api: the contract is as listed");
    Ok(())
}

fn current(workspace: &Workspace) -> Result<String, Failure> {
    Ok(written(&listing(&source::modules(&workspace.root().join(ROOT))?)?))
}

fn written(listing: &Listing) -> String {
    let mut text = "# connection-contract: every public item. Written by `cargo xtask api`.\n".to_owned();
    for (path, declaration) in listing {
        text.push_str(&format!("{path} | {declaration}\n"));
    }
    text
}

#[cfg(test)]
mod tests;
