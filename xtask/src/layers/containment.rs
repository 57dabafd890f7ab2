//! The containment of our plugins, which restricts what a plugin's package may contain.
//!
//! A plugin without `std` and `unsafe`, and without a way around either, can reach the outside only through its
//! context. The build for a target without `std` proves this, and the checks in this module ensure that the code of
//! that build is the code of every other build. Containment is not a sandbox: it does not limit processor time or
//! memory, and it relies on the compiler.

use std::collections::BTreeMap;

use crate::layers::metadata::{Kind, Package};
use crate::layers::source_checks::{self, Part};
use crate::layers::table;
use crate::rust_source::{SplitTokens, is_in_module, test_modules, tokens, without_tests};

/// Returns `true` if a plugin depends on the contract alone, and so builds without `std`.
pub(crate) fn is_contained(package: &Package) -> bool {
    package.is_plugin() && table::row(&package.name).is_some_and(|row| row.normal == [table::CONTRACT])
}

/// Returns the violations of a plugin, given its files below `src/`.
pub(crate) fn findings(package: &Package, sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut findings = manifest_findings(package);
    let files: BTreeMap<&str, SplitTokens> =
        sources.iter().map(|(path, text)| (path.as_str(), without_tests(&tokens(text)))).collect();
    match files.get("lib.rs") {
        Some(root) => {
            findings.extend(source_checks::root(&root.code).into_iter().map(|finding| format!("lib.rs: {finding}")))
        }
        None => findings.push("has no src/lib.rs".to_owned()),
    }
    let test_modules = test_modules(&files);
    for (path, cut) in &files {
        let is_test = test_modules.iter().any(|module| is_in_module(path, module));
        let part = if is_test { Part::Tests } else { Part::Plugin };
        let found = source_checks::file(&cut.code, part).into_iter();
        let found = found.chain(source_checks::file(&cut.tests, Part::Tests));
        findings.extend(found.map(|finding| format!("{path}:{finding}")));
    }
    findings.into_iter().map(|finding| format!("{}: {finding}", package.name)).collect()
}

/// Returns the dependencies and targets of a package that a library on the contract may not have.
fn manifest_findings(package: &Package) -> Vec<String> {
    let mut findings = Vec::new();
    let allowed = table::row(&package.name).map_or(&[][..], |row| row.normal);
    for dependency in package.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev) {
        if !allowed.contains(&dependency.name.as_str()) {
            findings.push(format!("may depend on {} only, not on {}", allowed.join(" and "), dependency.name));
        }
    }
    for target in &package.targets {
        for kind in &target.kinds {
            match kind.as_str() {
                "lib" if target.source == "src/lib.rs" => {}
                "test" | "bin" if target.source.starts_with("tests/") => {}
                "custom-build" => findings.push("must have no build script".to_owned()),
                "bin" if target.kinds.iter().any(|kind| kind == "custom-build") => {}
                _ => findings
                    .push(format!("must be a library at src/lib.rs and tests, not a {kind} at {}", target.source)),
            }
        }
    }
    findings
}
