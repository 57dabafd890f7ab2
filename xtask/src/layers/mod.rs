//! `cargo xtask layers`: checks that the code keeps to the architecture.
//!
//! Every check is a function from its input (cargo's metadata, source text) to findings, so that tests can show that
//! it catches a violation.

mod bare_target;
mod containment;
mod edges;
mod external_packages;
mod metadata;
mod modules;
mod picture;
mod source_checks;
mod table;

pub(crate) use modules::show as show_modules;

use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::layers::metadata::Package;
use crate::new_plugin::TEMPLATE;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// Checks the workspace, then builds the contained plugins for a target without `std`.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let packages = packages(workspace)?;
    let mut findings = findings(workspace, &packages)?;
    findings.extend(stranger_findings(workspace)?);
    Failure::unless_empty("layers (see docs/ARCHITECTURE.md)", &findings)?;
    println!("layers: {} packages hold to the table", packages.len());
    setup::run(workspace, setup::Scope::BareTarget)?;
    bare_target::build(workspace, &packages)
}

/// Prints the counts of the modules and lines of every package.
pub(crate) fn show_counts(workspace: &Workspace) -> Result<(), Failure> {
    modules::show_counts(workspace, &packages(workspace)?)
}

fn packages(workspace: &Workspace) -> Result<Vec<Package>, Failure> {
    let arguments = ["metadata", "--locked", "--no-deps", "--format-version", "1"];
    metadata::packages(&process::output(&mut process::cargo(workspace.root(), &arguments))?)
}

/// Returns the violations that can be found without a build.
fn findings(workspace: &Workspace, packages: &[Package]) -> Result<Vec<String>, Failure> {
    let mut findings = edges::findings(packages);
    findings.extend(edges::contract_findings(packages));
    findings.extend(external_packages::findings(packages));
    findings.extend(modules::findings_of(workspace, packages)?);
    let architecture = workspace.text(picture::DOCUMENT)?.unwrap_or_default();
    findings.extend(picture::findings(&architecture, packages));
    for package in packages.iter().filter(|package| package.is_plugin()) {
        findings.extend(containment::findings(package, &sources(workspace, &package.directory)?));
    }
    Ok(findings)
}

/// Returns the violations of the template plugin, which is not a member of the workspace and which authors copy.
fn stranger_findings(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let manifest = format!("{TEMPLATE}/Cargo.toml");
    let arguments = ["metadata", "--locked", "--no-deps", "--format-version", "1", "--manifest-path", &manifest];
    let json = process::output(&mut process::cargo(workspace.root(), &arguments))?;
    let sources = sources(workspace, TEMPLATE)?;
    let packages = metadata::packages(&json)?;
    Ok(packages.iter().flat_map(|package| containment::findings(package, &sources)).collect())
}

/// Returns the text of each file below `src/` of a crate, by its path.
fn sources(workspace: &Workspace, directory: &str) -> Result<BTreeMap<String, String>, Failure> {
    let below = format!("{directory}/src/");
    let sources = workspace.texts(|path| path.starts_with(&below) && path.ends_with(".rs"))?;
    let inside = |path: &str| path.strip_prefix(&below).unwrap_or(path).to_owned();
    Ok(sources.into_iter().map(|(path, text)| (inside(&path), text)).collect())
}

#[cfg(test)]
mod tests;
