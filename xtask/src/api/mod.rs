//! `cargo xtask api`: lists the public API of the contract, and checks that no release breaks it unnoticed.
//!
//! `docs/spec/contract-api.txt` lists every public item of the contract with its signature, and the check fails if
//! the source differs from it. A release adds a listing for its version to the same directory. Once there is one,
//! removing or changing an item of the newest release also fails, unless the version number allows it: before 1.0 by
//! its second number, and later by its first.

mod compare;
mod listing;
mod promises;
mod show;
mod source;

use std::fs;

use crate::api::listing::{Listing, listing};
use crate::failure::Failure;
use crate::workspace::Workspace;

const CRATE: &str = "crates/connection-contract";
const NAME: &str = "connection-contract";
const CURRENT: &str = "docs/spec/contract-api.txt";
const RELEASED: &str = "docs/spec/contract-api.";

/// Writes the listing of the source, and with `release` also the listing of the released version.
pub(crate) fn write(workspace: &Workspace, release: bool) -> Result<(), Failure> {
    let (version, listing) = current(workspace)?;
    let mut files = vec![CURRENT.to_owned()];
    if release {
        files.push(format!("{RELEASED}{version}.txt"));
    }
    for file in files {
        let failed = |error| Failure::new(format!("cannot write {file}: {error}"));
        fs::write(workspace.root().join(&file), written(&version, &listing)).map_err(failed)?;
        println!("api: {file} has {} items", listing.len());
    }
    Ok(())
}

/// Checks the listing against the source and the newest release, and checks the rules for every type.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    Failure::unless_empty("the contract's public face", &findings(workspace)?)?;
    println!("api: the contract is as listed, and breaks no user of its last release");
    Ok(())
}

fn findings(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let (version, listing) = current(workspace)?;
    let mut findings = promises::findings(&listing);
    let committed =
        workspace.files()?.iter().any(|file| file == CURRENT).then(|| workspace.text(CURRENT)).transpose()?;
    if committed.flatten() != Some(written(&version, &listing)) {
        findings.push(format!("{CURRENT} does not list the current contract: run `cargo xtask api`"));
    }
    if let Some((released, before)) = last_release(workspace)? {
        findings.extend(against(&released, &before, &version, &listing));
    }
    Ok(findings)
}

/// Returns the reasons why a version must not follow a released one.
fn against(released: &str, before: &Listing, version: &str, now: &Listing) -> Vec<String> {
    match compare::is_compatible(released, version) {
        None => vec![format!("`{released}` or `{version}` is not a version")],
        Some(false) if version_key(version) < version_key(released) => {
            vec![format!("the version {version} is older than the release {released}")]
        }
        Some(false) => Vec::new(),
        Some(true) => {
            let broken = compare::breaking(before, now).into_iter();
            broken.map(|line| format!("breaks users of {released}, which {version} must not do: {line}")).collect()
        }
    }
}

fn current(workspace: &Workspace) -> Result<(String, Listing), Failure> {
    let packages = workspace.metadata()?;
    let packages = packages.get("packages").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let is_ours = |package: &&serde_json::Value| package.get("name").and_then(|name| name.as_str()) == Some(NAME);
    let version = packages.iter().find(is_ours).and_then(|package| package.get("version")?.as_str().map(str::to_owned));
    let version = version.ok_or_else(|| Failure::new(format!("cargo metadata: no {NAME}")))?;
    let modules = source::modules(&workspace.root().join(CRATE).join("src/lib.rs"))?;
    Ok((version, listing(&modules)?))
}

/// Returns the version and the listing of the newest release, or `None` before the first release.
fn last_release(workspace: &Workspace) -> Result<Option<(String, Listing)>, Failure> {
    let files = workspace.files()?;
    let versions = files.iter().filter_map(|file| file.strip_prefix(RELEASED)?.strip_suffix(".txt"));
    let Some(newest) = versions.max_by_key(|version| version_key(version)) else { return Ok(None) };
    let text = workspace.text(&format!("{RELEASED}{newest}.txt"))?.unwrap_or_default();
    Ok(Some((newest.to_owned(), read(&text))))
}

fn version_key(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn written(version: &str, listing: &Listing) -> String {
    let mut text = format!("# {NAME} {version}: every public item. Written by `cargo xtask api`.\n");
    for (path, declaration) in listing {
        text.push_str(&format!("{path} | {declaration}\n"));
    }
    text
}

fn read(text: &str) -> Listing {
    let lines = text.lines().filter_map(|line| line.split_once(" | "));
    lines.map(|(path, declaration)| (path.to_owned(), declaration.to_owned())).collect()
}

#[cfg(test)]
mod tests;
