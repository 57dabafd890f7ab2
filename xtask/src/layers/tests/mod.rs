//! Tests that each rule of the architecture catches its violations, and that the workspace keeps to all of them.

mod containment;
mod edges;
mod metadata;
mod modules;
mod picture;

use super::{findings, metadata as cargo_metadata};
use crate::process;
use crate::workspace::Workspace;

/// R-INSEAM-001: a plugin depends on the contract alone, never on the core.
#[test]
fn this_workspace_holds_to_the_table() {
    let workspace = Workspace::find().unwrap();
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let json = process::output(&mut process::cargo(workspace.root(), &arguments)).unwrap();
    let packages = cargo_metadata::packages(&json).unwrap();
    let findings = findings(&workspace, &packages).unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
}
