//! The rules for what a published package contains and says about itself.
//!
//! A registry shows these values, and a package that lacks the text of its license cannot be distributed further.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::failure::Failure;
use crate::workspace::Workspace;

/// The texts of the license. Each package has a link to those at the top of the tree.
const LICENSES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT"];

const README: &str = "README.md";

/// A feature that only the tests of this workspace need, and that is not in the documentation.
const OWN_TESTS: &str = "workspace-tests";

/// The maximum number of categories and of keywords that the registry accepts, and the length of a keyword.
const MAX_WORDS: usize = 5;
const MAX_KEYWORD: usize = 20;

/// Returns the violations of all packages that may be published.
pub(crate) fn findings(workspace: &Workspace, files: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
    let is_read = |path: &str| {
        path == "Cargo.toml"
            || path.starts_with("crates/") && path.ends_with("/Cargo.toml")
            || path.starts_with("plugins/") && path.ends_with("/Cargo.toml")
            || LICENSES.iter().any(|license| path.ends_with(license))
            || super::is_readme_of_a_package(path)
    };
    let texts: BTreeMap<String, String> = workspace.texts(is_read)?.into_iter().collect();
    let mut findings = Vec::from_iter(repository(texts.get("Cargo.toml").map_or("", String::as_str)));
    for path in files {
        let parts: Vec<&str> = path.split('/').collect();
        if let ["crates" | "plugins", _, "Cargo.toml"] = parts[..] {
            findings.extend(violations(path, &texts));
        }
    }
    Ok(findings)
}

/// Checks the address of the project, which is in one line of the workspace.
fn repository(workspace: &str) -> Option<String> {
    let manifest: Table = workspace.parse().unwrap_or_default();
    let package = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
    let address = package.and_then(|package| package.get("repository")).and_then(Value::as_str);
    let is_address = address.is_some_and(|address| address.starts_with("https://") && !address.ends_with('/'));
    (!is_address).then(|| "Cargo.toml: `repository` must be an https address without a `/` at its end".to_owned())
}

/// Returns the violations of the package with this manifest. `texts` has its files and those at the top of the tree.
fn violations(path: &str, texts: &BTreeMap<String, String>) -> Vec<String> {
    // A manifest that cannot be read is a finding of its own.
    let manifest: Table = texts.get(path).and_then(|text| text.parse().ok()).unwrap_or_default();
    let Some(package) = manifest.get("package").and_then(Value::as_table) else { return Vec::new() };
    if package.get("publish").and_then(Value::as_bool) == Some(false) {
        return Vec::new();
    }
    let directory = path.trim_end_matches("Cargo.toml");
    let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
    let mut findings = Vec::new();
    for license in LICENSES {
        let text = texts.get(&format!("{directory}{license}"));
        if text.is_none() || text != texts.get(*license) {
            findings.push(format!("{directory}{license}: must be a link to ../../{license}"));
        }
    }
    let readme = texts.get(&format!("{directory}{README}"));
    if package.get("readme").and_then(Value::as_str) != Some(README) || readme.is_none() {
        findings.push(format!("{path}: must say `readme = \"{README}\"`, and the file must exist"));
    }
    if readme.is_some_and(|text| !text.starts_with(&format!("# {name}\n")) || !text.contains("\n## License\n")) {
        findings.push(format!("{directory}{README}: must begin with `# {name}` and have a section `License`"));
    }
    if package.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
        findings.push(format!("{path}: must have a `description`"));
    }
    for key in ["license", "repository"] {
        if package.get(key).and_then(|value| value.get("workspace")).and_then(Value::as_bool) != Some(true) {
            findings.push(format!("{path}: must say `{key}.workspace = true`"));
        }
    }
    let documentation = format!("https://docs.rs/{name}");
    if package.get("documentation").and_then(Value::as_str) != Some(&documentation) {
        findings.push(format!("{path}: must say `documentation = \"{documentation}\"`"));
    }
    let words = |key: &str| -> Vec<&str> {
        let list = package.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).collect()
    };
    for key in ["categories", "keywords"] {
        if !(1..=MAX_WORDS).contains(&words(key).len()) {
            findings.push(format!("{path}: must have one to {MAX_WORDS} `{key}`"));
        }
    }
    for word in words("keywords").iter().filter(|word| word.len() > MAX_KEYWORD) {
        findings.push(format!("{path}: the keyword `{word}` has more than {MAX_KEYWORD} characters"));
    }
    findings.extend(documented_features(path, &manifest));
    if !is_in_the_profile(texts.get("Cargo.toml").map_or("", String::as_str), name) {
        findings.push(format!("Cargo.toml: must have a section `[profile.release.package.{name}]` with `opt-level`"));
    }
    findings
}

/// Returns `true` if the release profile sets `opt-level` for a package, as it must for each of our packages.
fn is_in_the_profile(workspace: &str, name: &str) -> bool {
    let manifest: Table = workspace.parse().unwrap_or_default();
    let section = manifest.get("profile").and_then(|profiles| profiles.get("release")?.get("package")?.get(name));
    section.is_some_and(|section| section.get("opt-level").is_some())
}

/// Returns a finding if a package has optional features that its documentation would not show.
fn documented_features(path: &str, manifest: &Table) -> Option<String> {
    let features = manifest.get("features").and_then(Value::as_table);
    let is_optional = features.is_some_and(|features| features.keys().any(|name| name != OWN_TESTS));
    let settings = manifest.get("package")?.get("metadata").and_then(|metadata| metadata.get("docs"));
    let settings = settings.and_then(|docs| docs.get("rs")).and_then(|settings| settings.get("all-features"));
    let missing = is_optional && settings.and_then(Value::as_bool) != Some(true);
    missing.then(|| {
        format!("{path}: has optional features; it must have `[package.metadata.docs.rs] all-features = true`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a\"\ndescription = \"A.\"\nlicense.workspace = true\n\
        repository.workspace = true\ndocumentation = \"https://docs.rs/a\"\nreadme = \"README.md\"\n\
        categories = [\"c\"]\nkeywords = [\"k\"]\n\n[package.metadata.docs.rs]\nall-features = true\n\n\
        [features]\nf = []\n";

    fn tree(manifest: &str) -> BTreeMap<String, String> {
        let files = [
            ("Cargo.toml", "[profile.release.package.a]\nopt-level = \"s\"\n"),
            ("LICENSE-APACHE", "Apache"),
            ("LICENSE-MIT", "MIT"),
            ("crates/a/Cargo.toml", manifest),
            ("crates/a/LICENSE-APACHE", "Apache"),
            ("crates/a/LICENSE-MIT", "MIT"),
            ("crates/a/README.md", "# a\n\nText.\n\n## License\n\nMIT.\n"),
        ];
        files.map(|(path, text)| (path.to_owned(), text.to_owned())).into_iter().collect()
    }

    #[test]
    fn a_published_package_says_what_a_registry_shows() {
        assert_eq!(violations("crates/a/Cargo.toml", &tree(MANIFEST)), [""; 0]);
        for (from, to, expected) in [
            ("description = \"A.\"", "", "`description`"),
            ("license.workspace = true", "", "`license.workspace = true`"),
            ("repository.workspace = true", "repository = \"https://example.com\"", "`repository.workspace = true`"),
            ("docs.rs/a", "docs.rs/b", "`documentation = "),
            ("readme = \"README.md\"", "", "`readme = "),
            ("categories = [\"c\"]", "", "`categories`"),
            ("[\"k\"]", "[\"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]", "`keywords`"),
            ("\"k\"", "\"a-word-of-more-than-twenty\"", "20 characters"),
            ("all-features = true", "", "all-features"),
        ] {
            let changed = MANIFEST.replace(from, to);
            assert_ne!(changed, MANIFEST, "{from}");
            let found = violations("crates/a/Cargo.toml", &tree(&changed));
            assert!(matches!(&found[..], [finding] if finding.contains(expected)), "{from}: {found:?}");
        }
        let private = MANIFEST.replace("readme = \"README.md\"", "publish = false");
        assert_eq!(violations("crates/a/Cargo.toml", &tree(&private)), [""; 0]);
        let own = MANIFEST.replace("f = []", "workspace-tests = []").replace("all-features = true", "");
        assert_eq!(violations("crates/a/Cargo.toml", &tree(&own)), [""; 0]);
    }

    #[test]
    fn a_published_package_has_its_licenses_and_a_readme() {
        for (file, expected) in [
            ("LICENSE-APACHE", "crates/a/LICENSE-APACHE: must be a link"),
            ("LICENSE-MIT", "crates/a/LICENSE-MIT: must be a link"),
            ("README.md", "the file must exist"),
        ] {
            let mut files = tree(MANIFEST);
            files.remove(&format!("crates/a/{file}"));
            let found = violations("crates/a/Cargo.toml", &files);
            assert!(matches!(&found[..], [finding] if finding.contains(expected)), "{file}: {found:?}");
            files.insert(format!("crates/a/{file}"), "another text".to_owned());
            assert_eq!(violations("crates/a/Cargo.toml", &files).len(), 1, "{file}");
        }
    }

    #[test]
    fn a_published_package_is_named_in_the_profile_for_releases() {
        let mut files = tree(MANIFEST);
        for without in ["", "[profile.release.package.b]\nopt-level = \"s\"\n", "[profile.release.package.a]\n"] {
            files.insert("Cargo.toml".to_owned(), without.to_owned());
            let found = violations("crates/a/Cargo.toml", &files);
            assert!(matches!(&found[..], [finding] if finding.contains("`[profile.release.package.a]`")), "{found:?}");
        }
    }

    #[test]
    fn the_address_of_the_project_is_one_line_of_the_workspace() {
        for (address, is_accepted) in
            [("https://example.com/a", true), ("https://example.com/", false), ("git@b", false)]
        {
            let manifest = format!("[workspace.package]\nrepository = \"{address}\"\n");
            assert_eq!(repository(&manifest).is_none(), is_accepted, "{address}");
        }
        assert!(repository("[workspace.package]\n").is_some());
    }
}
