//! A check of the dependencies between the packages of the workspace.

use crate::layers::metadata::{Kind, Package};
use crate::layers::table::{self, CONTRACT};

/// Returns the edges that the table does not allow, and the packages without a row.
pub(crate) fn findings(packages: &[Package]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages {
        let name = &package.name;
        let Some(row) = table::row(name) else {
            findings.push(format!("{name} has no row in xtask/src/layers/table.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            let other = dependency.name.as_str();
            if !packages.iter().any(|package| package.name == other) {
                continue;
            }
            match dependency.kind {
                Kind::Normal | Kind::Build if !row.normal.contains(&other) => {
                    findings.push(format!("{name} must not depend on {other}"));
                }
                // With such a dependency, a package switches on its feature for the tests of this workspace.
                Kind::Dev if other == name => {}
                Kind::Dev if !row.normal.contains(&other) && !row.dev.contains(&other) => {
                    findings.push(format!("the tests of {name} must not depend on {other}"));
                }
                Kind::Build | Kind::Dev | Kind::Normal => {}
            }
        }
    }
    findings
}

/// Returns every dependency of the contract, of any kind and from any source.
pub(crate) fn contract_findings(packages: &[Package]) -> Vec<String> {
    let contract = packages.iter().filter(|package| package.name == CONTRACT);
    let dependencies = contract.flat_map(|package| &package.dependencies);
    dependencies.map(|dependency| format!("{CONTRACT} must depend on nothing, not on {}", dependency.name)).collect()
}
