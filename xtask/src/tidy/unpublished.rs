//! The rule that the sources of published packages name the crate of our tests only where a package leaves it out.
//!
//! `connection-faults` is not published, so a package has no dependency on it. Its users in `src/` are compiled only
//! with the feature `workspace-tests`, which a package cannot switch on.

use std::collections::BTreeMap;

use crate::rust_source::{Shape, Token, starts_with, target_length, tokens};

/// The crate, as sources name it.
const NAME: &str = "connection_faults";
const FEATURE: &str = "workspace-tests";
/// The number of tokens of the attribute after its `#`.
const ATTRIBUTE: usize = 8;

/// Returns `true` for the files to which the rule applies, and that are read for it.
pub(crate) fn is_checked(path: &str) -> bool {
    let is_of_package = path.starts_with("crates/") || path.starts_with("plugins/");
    is_of_package && path.contains("/src/") && path.ends_with(".rs") && !path.starts_with("crates/connection-faults/")
}

/// Returns the lines that name the crate and are compiled in a package. `sources` has the texts by their paths.
pub(crate) fn findings(sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, text) in sources.iter().filter(|(_, text)| text.contains(NAME)) {
        if is_left_out(path, sources) {
            continue;
        }
        findings.extend(lines(&tokens(text)).into_iter().map(|line| {
            format!(
                "{path}:{line}: names `{NAME}`, which is not published; put it below `#[cfg(feature = \"{FEATURE}\")]`"
            )
        }));
    }
    findings
}

/// Returns `true` if the file, or the `mod.rs` of a module around it, is left out as a whole.
fn is_left_out(path: &str, sources: &BTreeMap<String, String>) -> bool {
    let mut files = vec![path.to_owned()];
    let mut below = path;
    while let Some((directory, _)) = below.rsplit_once('/') {
        files.push(format!("{directory}/mod.rs"));
        below = directory;
    }
    files.iter().filter_map(|file| sources.get(file)).any(|text| has_inner_attribute(&tokens(text)))
}

fn has_inner_attribute(tokens: &[Token]) -> bool {
    (0..tokens.len())
        .filter_map(|at| tokens.get(at..))
        .any(|rest| starts_with(rest, &["#", "!"]) && is_attribute(rest.get(2..).unwrap_or_default()))
}

/// Returns `true` if the tokens after a `#` begin with `[cfg(feature = "workspace-tests")]`.
fn is_attribute(tokens: &[Token]) -> bool {
    starts_with(tokens, &["[", "cfg", "(", "feature", "="])
        && tokens.get(5).is_some_and(|token| token.shape == Shape::Text(FEATURE.to_owned()))
        && starts_with(tokens.get(6..).unwrap_or_default(), &[")", "]"])
}

/// Returns the lines that name the crate outside of the items with the attribute.
fn lines(tokens: &[Token]) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        if token.is_sign('#') && is_attribute(after) {
            let target = after.get(ATTRIBUTE..).unwrap_or_default();
            rest = target.get(target_length(target)..).unwrap_or_default();
            continue;
        }
        if token.is_name(NAME) {
            lines.push(token.line);
        }
        rest = after;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const USE: &str = "use connection_faults::sql;\n";
    const GATE: &str = "#[cfg(feature = \"workspace-tests\")]";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let is_read = |(path, _): &&(&str, &str)| is_checked(path);
        findings(&files.iter().filter(is_read).map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn a_test_that_a_package_compiles_without_the_crate_is_found() {
        let path = "crates/connection-core/src/a.rs";
        let module = format!("#[cfg(test)]\nmod tests {{\n{USE}}}\n");
        let of_another = module.replace("#[cfg(test)]", "#[cfg(feature = \"sqlite\")]");
        // The attribute is that of another item.
        let of_item = format!("{GATE}\nfn b() {{}}\n{module}");
        for (text, line) in [(&*module, 3), (&*of_another, 3), (&*of_item, 5)] {
            let expected =
                format!("{path}:{line}: names `connection_faults`, which is not published; put it below `{GATE}`");
            assert_eq!(found(&[(path, text)]), [expected], "{text}");
        }
    }

    #[test]
    fn what_a_package_leaves_out_is_not_found() {
        let module = format!("#[cfg(test)]\n{GATE}\nmod tests {{\n{USE}}}\n");
        let file = format!("#![cfg(feature = \"workspace-tests\")]\n{USE}");
        let comment = "/// See `connection_faults`.\nfn b() {}\n";
        for text in [&*module, &*module.replace("#[cfg(test)]\n", ""), &*file, comment] {
            assert_eq!(found(&[("crates/connection-core/src/a.rs", text)]), [""; 0], "{text}");
        }
        let parent = ("crates/connection-core/src/tests/mod.rs", "#![cfg(feature = \"workspace-tests\")]\nmod a;\n");
        let child = ("crates/connection-core/src/tests/a.rs", USE);
        assert_eq!(found(&[parent, child]), [""; 0]);
        assert_eq!(found(&[child]).len(), 1);
        for path in ["crates/connection-core/tests/main/a.rs", "crates/connection-faults/src/bin/a.rs"] {
            assert_eq!(found(&[(path, USE)]), [""; 0], "{path}");
        }
    }
}
