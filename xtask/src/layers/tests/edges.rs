//! Tests of edges, external packages and the contract's dependencies: a wrong dependency is found, and a right one is
//! not.

use crate::layers::metadata::{Dependency, Kind, Package};
use crate::layers::{edges, external_packages};

#[test]
fn the_edges_of_the_design_are_allowed() {
    check_edges("connection-core", "connection-contract", Kind::Normal, &[]);
    check_edges("connection-core", "connection-egress", Kind::Normal, &[]);
    check_edges("connection-core", "connection-seal", Kind::Normal, &[]);
    check_edges("connection-core", "connection-testkit", Kind::Dev, &[]);
    check_edges("connection-core", "connection-core", Kind::Dev, &[]);
    check_edges("connection-core", "connection-replay", Kind::Normal, &[]);
    check_edges("connection-testkit", "connection-replay", Kind::Normal, &[]);
    check_edges("connection-replay", "connection-contract", Kind::Normal, &[]);
    check_edges("connection-core", "connection-contract", Kind::Dev, &[]);
    check_edges("connection-plugin-github", "connection-contract", Kind::Normal, &[]);
    check_edges("connection-plugin-github", "connection-testkit", Kind::Dev, &[]);
    check_edges("connection-plugin-gmail", "connection-oauth2", Kind::Normal, &[]);
    check_edges("connection-host", "connection-plugin-github", Kind::Normal, &[]);
}

#[test]
fn an_edge_against_the_direction_is_found() {
    check_edges(
        "connection-replay",
        "connection-core",
        Kind::Normal,
        &["connection-replay must not depend on connection-core"],
    );
    check_edges(
        "connection-plugin-github",
        "connection-replay",
        Kind::Normal,
        &["connection-plugin-github must not depend on connection-replay"],
    );
    check_edges(
        "connection-contract",
        "connection-core",
        Kind::Normal,
        &["connection-contract must not depend on connection-core"],
    );
    check_edges(
        "connection-egress",
        "connection-seal",
        Kind::Normal,
        &["connection-egress must not depend on connection-seal"],
    );
    check_edges(
        "connection-plugin-github",
        "connection-core",
        Kind::Normal,
        &["connection-plugin-github must not depend on connection-core"],
    );
    check_edges(
        "connection-core",
        "connection-plugin-github",
        Kind::Build,
        &["connection-core must not depend on connection-plugin-github"],
    );
}

#[test]
fn a_dev_edge_that_is_not_in_the_table_is_found() {
    check_edges(
        "connection-testkit",
        "connection-core",
        Kind::Dev,
        &["the tests of connection-testkit must not depend on connection-core"],
    );
}

#[test]
fn an_edge_that_is_right_for_tests_is_wrong_for_the_package() {
    check_edges(
        "connection-core",
        "connection-testkit",
        Kind::Normal,
        &["connection-core must not depend on connection-testkit"],
    );
}

#[test]
fn a_package_without_a_row_is_found() {
    let found = edges::findings(&[package("connection-extra", &[])]);
    assert_eq!(found, ["connection-extra has no row in xtask/src/layers/table.rs"]);
}

/// R-INSEAM-002
#[test]
fn the_contract_has_no_dependency_of_any_kind() {
    for kind in [Kind::Build, Kind::Dev, Kind::Normal] {
        let found = edges::contract_findings(&[package("connection-contract", &[("libc", kind)])]);
        assert_eq!(found, ["connection-contract must depend on nothing, not on libc"]);
    }
    assert!(edges::contract_findings(&[package("connection-contract", &[])]).is_empty());
    assert!(edges::contract_findings(&[package("connection-core", &[("libc", Kind::Normal)])]).is_empty());
}

#[test]
fn a_fixed_package_outside_its_place_is_found() {
    check_place("connection-host", "sqlx", Kind::Normal, 1);
    check_place("connection-host", "reqwest", Kind::Build, 1);
    check_place("connection-contract", "serde", Kind::Normal, 1);
    check_place("connection-plugin-github", "tokio", Kind::Normal, 1);
    check_place("connection-core", "reqwest", Kind::Normal, 1);
    check_place("connection-oauth2", "tracing", Kind::Normal, 1);
}

#[test]
fn a_fixed_package_in_its_place_or_in_tests_is_no_finding() {
    check_place("connection-core", "sqlx", Kind::Normal, 0);
    check_place("connection-host", "tokio", Kind::Normal, 0);
    check_place("connection-oauth2", "oauth2", Kind::Normal, 0);
    check_place("connection-host", "reqwest", Kind::Dev, 0);
}

#[track_caller]
fn check_edges(from: &str, to: &str, kind: Kind, expected: &[&str]) {
    assert_eq!(edges::findings(&[package(from, &[(to, kind)]), package(to, &[])]), expected);
}

#[track_caller]
fn check_place(from: &str, to: &str, kind: Kind, expected: usize) {
    let found = external_packages::findings(&[package(from, &[(to, kind)])]);
    assert_eq!(found.len(), expected, "{found:?}");
}

pub(super) fn package(name: &str, dependencies: &[(&str, Kind)]) -> Package {
    let dependencies =
        dependencies.iter().map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: *kind }).collect();
    Package { name: name.to_owned(), dependencies, ..Package::default() }
}
