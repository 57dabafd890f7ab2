//! Tests of the rule for links: broken links are found, and code is not read as links.

use std::collections::{BTreeMap, BTreeSet};

use crate::markdown::{anchors, links};
use crate::tidy::links::broken;

#[test]
fn links_to_files_directories_and_headings_pass() {
    check("[a](docs/guide/a.md) [b](docs) [c](docs/) [d](docs/guide/a.md#two-words) [e](#here)\n# Here", &[]);
    check("![a](docs/guide/a.md \"title\") [b](<docs/guide/a.md>)\n\n[c]: docs/guide/a.md", &[]);
    check("[a](https://example.com/#b) [c](mailto:d@example.com) [e](crates/a.rs#L3)", &[]);
}

#[test]
fn a_link_to_no_file_is_found() {
    check("\n[a](docs/b.md)", &["README.md:2: leads to no file: docs/b.md"]);
    check("[a](doc)", &["README.md:1: leads to no file: doc"]);
    check("[a]: docs/b.md", &["README.md:1: leads to no file: docs/b.md"]);
    check("![a](b.png) [c](docs)", &["README.md:1: leads to no file: b.png"]);
}

#[test]
fn a_link_to_no_heading_is_found() {
    check("[a](docs/guide/a.md#three)", &["README.md:1: leads to no heading: docs/guide/a.md#three"]);
    check("[a](#there)\n# Here", &["README.md:1: leads to no heading: #there"]);
    check("[a](#here)\n```\n# Here\n```", &["README.md:1: leads to no heading: #here"]);
}

#[test]
fn a_link_out_of_the_project_is_found() {
    check("[a](../b.md)", &["README.md:1: leads out of the project: ../b.md"]);
    check("[a](/etc/hosts)", &["README.md:1: leads out of the project: /etc/hosts"]);
}

#[test]
fn a_link_is_seen_from_its_document() {
    let files = set(&["README.md", "docs/guide/a.md"]);
    let found =
        broken("docs/guide/a.md", "[a](../../README.md) [b](a.md) [c](docs/guide/a.md)", &BTreeMap::new(), &files);
    assert_eq!(found, ["docs/guide/a.md:1: leads to no file: docs/guide/a.md"]);
}

#[test]
fn code_holds_no_links() {
    assert_eq!(links("`[a](b)` ~\n```rust\n[c](d)\n```\n~~~\n```\n[e](f)\n~~~\n"), []);
    assert_eq!(links("```\n```\n[a](b)").len(), 1);
}

#[test]
fn anchors_are_made_as_on_the_web() {
    let text = "# Two Words\n## `code` and: signs!\n### Two words\n#### snake_case-and-dash\n#no heading\n";
    assert_eq!(anchors(text), ["two-words", "code-and-signs", "two-words-1", "snake_case-and-dash"]);
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let documents: BTreeMap<String, String> = [("README.md", text), ("docs/guide/a.md", "# Two words\n")]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
    let files = set(&["README.md", "crates/a.rs", "docs/guide/a.md"]);
    assert_eq!(broken("README.md", text, &documents, &files), expected);
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}
