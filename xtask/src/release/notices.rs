//! The notices of other projects: the texts of the licenses of everything that is in the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::release::components::{Component, Components};
use crate::release::page_files;
use crate::workspace::Workspace;

/// The beginnings of the names of files with the text of a license.
const NAMES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// The text of the license MIT, for a package that may be used under this license and has no file with its text.
const MIT: &str = include_str!("../../../LICENSE-MIT");

/// Returns the notices: a list of the packages, and then each text with the packages to which it belongs.
pub(super) fn text(workspace: &Workspace, components: &Components) -> Result<String, Failure> {
    let mut list = BTreeSet::new();
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for component in components.0.values().filter(|component| component.is_foreign()) {
        let named = format!("{} {}", component.name, component.version);
        list.insert(format!("{named} ({})", component.license));
        for text in texts_of(component)? {
            texts.entry(text).or_default().insert(named.clone());
        }
    }
    for file in page_files::packages(workspace)? {
        list.insert(format!("{} {} ({}), in the page", file.name, file.version, file.license));
    }
    for (name, text) in page_files::licenses(workspace)? {
        texts.entry(text.trim().to_owned()).or_default().insert(format!("{name}, in the page"));
    }
    Ok(written(&list, &texts))
}

/// Returns the texts in the source of a package.
fn texts_of(component: &Component) -> Result<Vec<String>, Failure> {
    let mut texts = texts_in(&component.directory, NAMES)?;
    // Some packages follow the REUSE specification, which names the files in this directory after their licenses.
    let reuse = component.directory.join("LICENSES");
    if reuse.is_dir() {
        texts.extend(texts_in(&reuse, &[""])?);
    }
    if !texts.is_empty() {
        return Ok(texts);
    }
    // Of a package that offers a choice of licenses, we choose MIT.
    if component.license.split(" OR ").all(|license| license != "MIT") {
        let (name, license) = (&component.name, &component.license);
        return Err(Failure::new(format!("the package {name} ({license}) has no text of its license")));
    }
    // The second paragraph of the text names who has the copyright.
    let rest = MIT.trim().splitn(3, "\n\n").nth(2).unwrap_or_default();
    Ok(vec![format!("MIT License\n\nCopyright (c) {}\n\n{rest}", component.authors.join(", "))])
}

/// Returns the texts in the files of a directory whose names begin in one of these ways, in the order of the names.
fn texts_in(directory: &Path, names: &[&str]) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::new(format!("cannot read {}: {error}", directory.display()));
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_text = names.iter().any(|start| name.to_uppercase().starts_with(start)) && entry.path().is_file();
        if is_text {
            // A name in another encoding must not end the build of a release.
            let text = String::from_utf8_lossy(&fs::read(entry.path()).map_err(failed)?).replace("\r\n", "\n");
            files.insert(name, text.trim().to_owned());
        }
    }
    Ok(files.into_values().collect())
}

fn written(list: &BTreeSet<String>, texts: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut out = "Connections contains the following software of other projects.\n\n".to_owned();
    for line in list {
        out.push_str(line);
        out.push('\n');
    }
    for (text, names) in texts {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // Writing to a string does not fail.
        write!(out, "\n{}\nThe following text belongs to {}.\n\n{text}\n", "=".repeat(80), names.join("; "))
            .unwrap_or_default();
    }
    out
}
