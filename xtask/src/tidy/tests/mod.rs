//! Tests that each rule catches its violations, and that this tree is tidy.

mod files;
mod links;
mod names;
mod tuple_parameters;

use super::findings;
use crate::workspace::Workspace;

/// R-INSEAM-006: one file per concern, none forgotten, none too long.
#[test]
fn this_tree_is_tidy() {
    let findings = findings(&Workspace::find().unwrap()).unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
}
