//! `cargo xtask layers`: the architecture, held by a command.
//!
//! Every check is a function from what was read (cargo's metadata, source text)
//! to findings, so that its tests can show that a violation is caught.

mod bare_target;
mod containment;
mod edges;
mod metadata;
mod places;
mod source_checks;
mod table;

use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::layers::metadata::Package;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// Checks the workspace, then builds the contained plugins where there is no `std`.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let arguments = ["metadata", "--locked", "--no-deps", "--format-version", "1"];
    let json = process::output(&mut process::cargo(workspace.root(), &arguments))?;
    let packages = metadata::packages(&json)?;
    let findings = findings(workspace, &packages)?;
    Failure::unless_empty("layers (see docs/ARCHITECTURE.md)", &findings)?;
    println!("layers: {} packages hold to the table", packages.len());
    setup::run(workspace, setup::Scope::BareTarget)?;
    bare_target::build(workspace, &packages)
}

/// What is wrong, without building anything.
fn findings(workspace: &Workspace, packages: &[Package]) -> Result<Vec<String>, Failure> {
    let mut findings = edges::findings(packages);
    findings.extend(edges::contract_findings(packages));
    findings.extend(places::findings(packages));
    for package in packages.iter().filter(|package| package.is_plugin()) {
        let below = format!("{}/src/", package.directory);
        let sources = workspace.texts(|path| path.starts_with(&below) && path.ends_with(".rs"))?;
        let sources: BTreeMap<String, String> = sources
            .into_iter()
            .map(|(path, text)| (path.strip_prefix(&below).unwrap_or(&path).to_owned(), text))
            .collect();
        findings.extend(containment::findings(package, &sources));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests;
