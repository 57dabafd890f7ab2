//! Tests of the links of the book, and of the copies of its chapters.

use std::collections::{BTreeMap, BTreeSet};

use super::links::{broken, parse, read};
use super::sources::{chapters, forgotten, page, summary};
use crate::workspace::Workspace;

#[test]
fn links_to_files_and_anchors_of_the_book_pass() {
    check("<a href=\"#here\">a</a> <a href='x'>b</a><h2 id=\"here\">Here</h2>", &[]);
    check("<a class=\"c\" href=\"guide/b.html\">a</a><a href=\"guide/b.html#there\">b</a><img src=\"c.png\">", &[]);
    check("<a href=\"https://example.com/#x\">a</a><a href=\"mailto:d@example.com\">b</a>", &[]);
}

#[test]
fn a_link_to_no_file_is_found() {
    check("<a href=\"b.html\">", &["a.html: leads to no file of the book: b.html"]);
    check("<script src=\"no.js\"></script>", &["a.html: leads to no file of the book: no.js"]);
    check("<a href=\"../c.png\">", &["a.html: leads to no file of the book: ../c.png"]);
}

#[test]
fn a_link_to_no_anchor_is_found() {
    check("<a href=\"guide/b.html#here\">", &["a.html: leads to no anchor: guide/b.html#here"]);
    check("<a href=\"#there\">", &["a.html: leads to no anchor: #there"]);
}

#[test]
fn text_and_scripts_hold_no_links() {
    check("&lt;a href=\"b.html\"&gt; <script>let a = '<a href=\"b.html\">';</script>", &[]);
}

#[test]
fn a_book_on_the_disk_is_read_with_its_directories() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("guide")).unwrap();
    std::fs::write(directory.path().join("guide/b.html"), "<a href=\"../c.css\">").unwrap();
    std::fs::write(directory.path().join("404.html"), "<a href=\"nowhere.html\">").unwrap();
    let found = broken(&read(directory.path()).unwrap());
    assert_eq!(found, ["guide/b.html: leads to no file of the book: ../c.css"]);
}

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

#[track_caller]
fn check(html: &str, expected: &[&str]) {
    let book: BTreeMap<_, _> = [("a.html", html), ("guide/b.html", "<h1 id=\"there\">"), ("c.png", "")]
        .map(|(path, html)| (path.to_owned(), parse(html)))
        .into();
    assert_eq!(broken(&book), expected);
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}
