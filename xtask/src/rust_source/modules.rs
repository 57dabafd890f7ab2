//! Finds the modules of a crate that exist only in its tests.

use std::collections::BTreeMap;

use super::{SplitTokens, Token};

/// Returns the paths, without `.rs`, of the modules that files declare only under `#[cfg(test)]`.
///
/// The keys of `files` are paths below `src/`.
pub(crate) fn test_modules(files: &BTreeMap<&str, SplitTokens>) -> Vec<String> {
    let mut modules = Vec::new();
    for (path, cut) in files {
        let plain = declared(&cut.code);
        for name in declared(&cut.tests) {
            if !plain.contains(&name) {
                modules.push(format!("{}{name}", directory_of_children(path)));
            }
        }
    }
    modules
}

/// Returns the names in `mod name;`.
fn declared(tokens: &[Token]) -> Vec<String> {
    let three = tokens.windows(3).filter_map(|three| match three {
        [word, name, end] if word.is_name("mod") && end.is_sign(';') => name.name().map(str::to_owned),
        _ => None,
    });
    three.collect()
}

/// Returns the directory of the modules that a file declares, with a `/` at its end.
fn directory_of_children(path: &str) -> String {
    let (directory, file) = path.rsplit_once('/').map_or(("", path), |(directory, file)| (directory, file));
    let directory = if directory.is_empty() { String::new() } else { format!("{directory}/") };
    match file.strip_suffix(".rs") {
        Some("lib" | "mod") | None => directory,
        Some(name) => format!("{directory}{name}/"),
    }
}

/// Returns `true` if a file belongs to the module with that path, or to a module below it.
pub(crate) fn is_in_module(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}
