//! `cargo xtask tidy`: checks rules that the compiler does not check.
//!
//! Each rule is a function from text to findings. The rules also run as a test, so that `cargo xtask test` alone
//! reports an untidy tree.

mod criteria;
mod includes;
mod links;
mod machine_paths;
mod manifests;
mod mechanisms;
mod names;
mod packages;
mod packaging;
mod public_futures;
mod rust_files;
mod test_modules;
mod tuple_parameters;
mod unpublished;

use std::collections::BTreeSet;

use crate::failure::Failure;
use crate::workspace::Workspace;

/// Checks all files of the project, and fails with the list of findings.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    Failure::unless_empty("tidy", &findings(workspace)?)?;
    println!("tidy: nothing found");
    Ok(())
}

/// Updates the included code of all documents.
pub(crate) fn write_documents(workspace: &Workspace) -> Result<(), Failure> {
    includes::write(workspace)
}

fn findings(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let files: BTreeSet<String> = workspace.files()?.into_iter().collect();
    let kinds = names::kinds(&files);
    let mut findings = test_modules::forgotten_files(&files);
    for path in &files {
        let Some(text) = workspace.text(path)? else { continue };
        findings.extend(machine_paths::findings(path, &text));
        if path.ends_with(".rs") {
            findings.extend(rust_files::findings(path, &text));
            findings.extend(mechanisms::findings(path, &text));
            findings.extend(public_futures::findings(path, &text));
            findings.extend(tuple_parameters::findings(path, &text));
            findings.extend(names::findings(path, &text, &kinds));
            let text = test_modules::with_included(workspace, path, text)?;
            findings.extend(test_modules::findings(path, &text, &files));
        } else if path.ends_with("/Cargo.toml") && !path.starts_with("tests/third-party/") {
            findings.extend(manifests::findings(path, &text));
        }
    }
    findings.extend(criteria::findings(workspace)?);
    findings.extend(includes::findings(workspace)?);
    findings.extend(links::findings(workspace, &files)?);
    findings.extend(packages::findings(workspace, &files)?);
    findings.extend(packaging::findings(workspace)?);
    findings.extend(unpublished::findings(&workspace.texts(unpublished::is_checked)?.into_iter().collect()));
    findings.sort();
    Ok(findings)
}

/// Returns `true` for the file that is shown with a package in the registry.
fn is_readme_of_a_package(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts[..], ["crates" | "plugins", _, "README.md"])
}

#[cfg(test)]
mod tests;
