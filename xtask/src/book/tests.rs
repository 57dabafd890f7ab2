//! Tests of the chapters of the book, and of their copies.

use std::collections::BTreeSet;

use super::sources::{chapters, forgotten, page, summary};
use crate::workspace::Workspace;

#[test]
fn a_document_that_is_no_chapter_is_found() {
    let chapters = chapters("- [A](../README.md)\n  - [B](guide/b.md)");
    assert_eq!(chapters, set(&["README.md", "docs/guide/b.md"]));
    let files = set(&["README.md", "docs/SUMMARY.md", "docs/guide/b.md", "docs/guide/c.md", "docs/d.txt"]);
    assert_eq!(forgotten(&chapters, &files), ["docs/guide/c.md: docs/SUMMARY.md does not list it"]);
    assert_eq!(summary("- [A](../README.md) [B](guide/b.md)"), "- [A](README.md) [B](docs/guide/b.md)\n");
}

#[test]
fn a_link_to_code_leads_to_its_copy_and_links_to_chapters_stay() {
    let chapters = set(&["README.md", "docs/guide/b.md"]);
    let files = set(&["README.md", "docs/guide/b.md", "docs/c.json", "docs/i.png", "src/lib.rs", "src/README.md"]);
    let text = "![i](../i.png) [a](../../README.md#x) [b](b.md) [c](#d) [e](https://example.com)\n[f](../../src/lib.rs#L3) [g](../c.json) [h](../../src/README.md)\n";
    let copy = page("docs/guide/b.md", text, &chapters, &files);
    let expected = "![i](../i.png) [a](../../README.md#x) [b](b.md) [c](#d) [e](https://example.com)\n[f](../../src/lib.rs.txt) [g](../c.json) [h](../../src/README.txt)\n";
    assert_eq!(copy.text, expected);
    assert_eq!(copy.code, set(&["docs/c.json", "docs/i.png", "src/README.md", "src/lib.rs"]));
}

#[test]
fn every_document_of_this_tree_is_a_chapter() {
    let workspace = Workspace::find().unwrap();
    let files = workspace.files().unwrap().into_iter().collect();
    let summary = workspace.text(super::SUMMARY).unwrap().unwrap();
    assert_eq!(forgotten(&chapters(&summary), &files), [""; 0]);
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}
