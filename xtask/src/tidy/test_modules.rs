//! The rule that each test file is a module of its crate's test binary, so that none is forgotten.

use std::collections::BTreeSet;

use crate::{failure::Failure, rust_source::tokens, workspace::Workspace};

/// The list of modules of a suite that runs twice. It is beside the root of a suite that runs once.
const BOTH: &str = "both.rs";

/// Returns the text of a test binary's root, together with that of the list that it includes.
pub(crate) fn with_included(workspace: &Workspace, path: &str, text: String) -> Result<String, Failure> {
    if !text.contains("include!(\"both.rs\")") {
        return Ok(text);
    }
    let beside = path.trim_end_matches("main.rs");
    let included = workspace.text(&format!("{beside}{BOTH}"))?.unwrap_or_default();
    Ok(text + &included)
}

/// Returns the files beside or below a `tests/main/main.rs` that it does not list.
pub(crate) fn findings(path: &str, text: &str, files: &BTreeSet<String>) -> Vec<String> {
    let is_suite = |directory: &&str| directory.ends_with("tests/main/");
    let Some(directory) = path.strip_suffix("main.rs").filter(is_suite) else {
        return Vec::new();
    };
    let tokens = tokens(text);
    let listed: BTreeSet<&str> = tokens
        .windows(3)
        .filter_map(|three| match three {
            [word, name, end] if word.is_name("mod") && end.is_sign(';') => name.name(),
            _ => None,
        })
        .collect();
    let missing = modules(directory, files).into_iter().filter(|module| !listed.contains(module.as_str()));
    missing.map(|module| format!("{path}: does not say `mod {module};`")).collect()
}

/// Returns the test files of a crate that are not in `tests/main`, or in one that has no `main.rs`.
pub(crate) fn forgotten_files(files: &BTreeSet<String>) -> Vec<String> {
    let mut findings = Vec::new();
    for path in files.iter().filter(|path| path.ends_with(".rs")) {
        let Some((package, file)) = path.split_once("/tests/") else { continue };
        if package.ends_with("/src") || package.contains("/src/") {
            continue;
        }
        let main = format!("{package}/tests/main/main.rs");
        if !file.starts_with("main/") {
            findings.push(format!("{path}: a crate has one test binary; move it to {package}/tests/main/"));
        } else if !files.contains(&main) {
            findings.push(format!("{path}: there is no {main} to list it"));
        }
    }
    findings
}

/// Returns the modules in a directory: files, and directories with a `mod.rs`.
fn modules(directory: &str, files: &BTreeSet<String>) -> BTreeSet<String> {
    let inside = files.iter().filter_map(|path| path.strip_prefix(directory));
    let modules = inside.filter_map(|file| match file.split_once('/') {
        Some((module, "mod.rs")) => Some(module),
        Some(_) => None,
        None => file.strip_suffix(".rs").filter(|module| *module != "main" && *module != "both"),
    });
    modules.map(str::to_owned).collect()
}
