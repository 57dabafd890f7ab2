//! Tests of the picture of the packages: an arrow that is missing, wrong or implied by others is found.

use super::edges::package;
use crate::layers::metadata::Kind;
use crate::layers::picture::findings;

#[test]
fn a_picture_of_the_dependencies_that_no_others_imply_passes() {
    check(&["core --> egress & seal", "egress --> contract", "plugins --> contract", "seal --> contract"], &[]);
}

#[test]
fn an_arrow_that_is_missing_is_found() {
    let shown = ["core --> egress & seal", "egress --> contract", "seal --> contract"];
    check(&shown, &["docs/ARCHITECTURE.md lacks the arrow `plugins --> contract`"]);
}

#[test]
fn an_arrow_that_is_wrong_or_implied_is_found() {
    let shown = [
        "core --> contract & egress & seal",
        "egress --> contract & seal",
        "plugins --> contract",
        "seal --> contract",
    ];
    let found = [
        "docs/ARCHITECTURE.md must not have the arrow `core --> contract`",
        "docs/ARCHITECTURE.md must not have the arrow `egress --> seal`",
    ];
    check(&shown, &found);
}

#[track_caller]
fn check(shown: &[&str], expected: &[&str]) {
    let contract = "connection-contract";
    let packages = [
        package(contract, &[]),
        package(
            "connection-core",
            &[
                (contract, Kind::Normal),
                ("connection-egress", Kind::Normal),
                ("connection-faults", Kind::Dev),
                ("connection-plugin-github", Kind::Dev),
                ("connection-seal", Kind::Normal),
                ("serde", Kind::Normal),
            ],
        ),
        package("connection-egress", &[(contract, Kind::Normal)]),
        package("connection-faults", &[("connection-core", Kind::Normal)]),
        package("connection-plugin-github", &[(contract, Kind::Normal)]),
        package("connection-plugin-notion", &[(contract, Kind::Normal)]),
        package("connection-seal", &[(contract, Kind::Normal)]),
        package("xtask", &[]),
    ];
    let shown = shown.join("\n    ");
    let document = format!("# Architecture\n\n```mermaid\nflowchart TD\n    {shown}\n```\n\nOther text: a --> b.\n");
    assert_eq!(findings(&document, &packages), expected);
}
