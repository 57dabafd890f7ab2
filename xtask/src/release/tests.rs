//! Tests of the files of a release, as far as they need no program.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::components::Components;
use super::page_files::{PageFile, listed};
use super::{archive, bill, build, crates, debian, notices, page_files, this_target};
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Returns the metadata of a program with one package, whose source is in a directory, and one of a build script.
fn components(directory: &str, license: &str) -> Components {
    let package = |id: &str, name: &str| {
        json!({
            "id": id, "name": name, "version": "1.0.0", "license": license, "authors": ["Ada"],
            "manifest_path": format!("{directory}/Cargo.toml"),
        })
    };
    let used = |id: &str, kind: serde_json::Value| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] });
    let metadata = json!({
        "packages": [package("h", "connection-host"), package("l", "linked"), package("b", "builder")],
        "resolve": { "nodes": [
            { "id": "h", "deps": [used("l", json!(null)), used("b", json!("build"))] },
            { "id": "l", "deps": [] },
            { "id": "b", "deps": [] },
        ] },
    });
    let lock = "[[package]]\nname = \"linked\"\nversion = \"1.0.0\"\nchecksum = \"abc\"\n";
    Components::from_metadata(&metadata.to_string(), lock).unwrap()
}

#[test]
fn what_is_linked_is_in_the_bill_of_materials_with_its_digest() {
    let page = [PageFile { name: "@a/font".into(), version: "2.0.0".into(), license: "OFL-1.1".into() }];
    let bill = bill::document("0.1.0", &components("/source", "MIT/Apache-2.0"), &page);
    let addresses: Vec<&str> =
        bill["components"].as_array().unwrap().iter().filter_map(|component| component["purl"].as_str()).collect();
    assert_eq!(addresses, ["pkg:cargo/connection-host@1.0.0", "pkg:cargo/linked@1.0.0", "pkg:npm/%40a/font@2.0.0"]);
    assert_eq!(bill["components"][1]["hashes"], json!([{ "alg": "SHA-256", "content": "abc" }]));
    assert_eq!(bill["components"][1]["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
    assert_eq!(bill["dependencies"][0]["dependsOn"], json!(["pkg:cargo/linked@1.0.0"]));
}

#[test]
fn the_notices_have_the_text_of_each_license_once_and_a_package_without_a_text_is_refused() {
    let workspace = Workspace::find().unwrap();
    let source = tempfile::tempdir().unwrap();
    let directory = source.path().to_str().unwrap();
    for license in ["MIT", "MIT/Apache-2.0", "Apache-2.0 OR MIT"] {
        let without = notices::text(&workspace, &components(directory, license)).unwrap();
        assert!(without.contains("Copyright (c) Ada") && without.contains("Permission is hereby granted"), "{license}");
    }
    for license in ["ISC", "MIT AND ISC", "(MIT OR ISC) AND BSD-3-Clause"] {
        let refused = notices::text(&workspace, &components(directory, license)).unwrap_err().to_string();
        assert_eq!(refused, format!("the package linked ({license}) has no text of its license"));
    }

    fs::write(source.path().join("LICENSE"), "The text of linked.\r\n").unwrap();
    let notices = notices::text(&workspace, &components(directory, "ISC")).unwrap();
    assert!(notices.contains("\nlinked 1.0.0 (ISC)\n"));
    assert_eq!(notices.matches("The following text belongs to linked 1.0.0.\n\nThe text of linked.\n").count(), 1);
    assert!(!notices.contains("builder"));
    assert!(notices.contains("preact, in the page") && notices.contains("hanken-grotesk, in the page"));
}

#[test]
fn each_package_of_the_program_has_the_text_of_its_license() {
    let workspace = Workspace::find().unwrap();
    let components = Components::read(&workspace, &this_target(&workspace).unwrap()).unwrap();
    notices::text(&workspace, &components).unwrap();
    assert!(components.0.values().all(|component| !component.license.is_empty()));
}

#[test]
fn the_files_of_the_page_are_read_from_their_table() {
    let table = "| File | Package | File | Licence | SHA-256 |\n|---|---|---|---|---|\n\
        | `a.js` | `htm` 3.1.1, with Preact 10 inside | `b` | Apache-2.0 (`LICENSE-htm`), MIT (`LICENSE-preact`) | `1` |\n";
    let file = |name: &str, version: &str, license: &str| PageFile {
        name: name.into(),
        version: version.into(),
        license: license.into(),
    };
    assert_eq!(listed(table), [file("htm", "3.1.1", "Apache-2.0"), file("preact", "10", "MIT")]);
    let own = page_files::packages(&Workspace::find().unwrap()).unwrap();
    assert!(own.iter().all(|file| !file.license.is_empty() && !file.version.is_empty()), "{own:?}");
    assert_eq!(own.len(), 5);
}

#[test]
fn the_debian_package_needs_the_c_library_of_its_program_and_starts_that_program() {
    assert_eq!(debian::libc_of(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0").unwrap(), "2.34");
    assert!(debian::libc_of(b"no library").is_err());
    let control = debian::control("0.1.0", "amd64", "2.34");
    assert!(control.contains("Version: 0.1.0\nArchitecture: amd64\n") && control.contains("libc6 (>= 2.34)"));
    let unit = Workspace::find().unwrap().text("packaging/systemd/connections.service").unwrap().unwrap();
    assert!(debian::unit(&unit).unwrap().contains("\nExecStart=/usr/bin/connections serve\n"));
    assert!(debian::unit("ExecStart=/bin/true").is_err());
}

#[test]
fn an_archive_is_a_zip_on_windows_and_a_tgz_elsewhere() {
    assert_eq!(archive::name("0.1.0", "x86_64-unknown-linux-gnu"), "connections-0.1.0-x86_64-unknown-linux-gnu");
    assert_eq!(archive::ending("x86_64-unknown-linux-gnu"), "tgz");
    assert_eq!(archive::ending("aarch64-apple-darwin"), "tgz");
    assert_eq!(archive::ending("x86_64-pc-windows-msvc"), "zip");
}

#[test]
fn a_package_that_is_in_the_program_and_not_in_the_bill_is_named() {
    let record = json!({ "packages": [
        { "name": "linked", "version": "1.0.0", "source": "crates.io" },
        { "name": "hidden", "version": "2.0.0", "source": "crates.io", "kind": "runtime" },
        { "name": "builder", "version": "1.0.0", "source": "crates.io", "kind": "build" },
    ] });
    let recorded = build::recorded(&record.to_string()).unwrap();
    let bill = components("/source", "MIT").0.into_keys().collect();
    assert_eq!(build::missing(&recorded, &bill), ["hidden 2.0.0"]);
    assert!(build::recorded(r#"{ "packages": [] }"#).is_err());
}

/// Publishes these packages at a registry that takes so many in each attempt. Returns what each attempt named, and
/// whether everything was published in the end.
fn publication(names: &[&str], already: &[&str], at_once: usize) -> (Vec<Vec<String>>, bool) {
    let there = RefCell::new(already.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    let known = names.iter().map(|name| ((*name).to_owned(), "1.0.0".to_owned())).collect();
    let mut attempts = Vec::new();
    let publish = |rest: &[(String, String)]| {
        let named: Vec<String> = rest.iter().map(|(name, _)| name.clone()).collect();
        attempts.push(named.clone());
        there.borrow_mut().extend(named.into_iter().take(at_once));
        if rest.len() <= at_once { Ok(()) } else { Err(Failure::new("the registry refuses more")) }
    };
    let done = crates::publish_all(known, |(name, _)| there.borrow().contains(name), publish, || ());
    (attempts, done.is_ok())
}

#[test]
fn a_publication_that_is_refused_goes_on_with_the_rest_until_nothing_more_is_accepted() {
    let (attempts, done) = publication(&["a", "b", "c", "d"], &["a"], 2);
    assert_eq!(attempts, [vec!["b", "c", "d"], vec!["d"]]);
    assert!(done);
    assert_eq!(publication(&["a"], &["a"], 1), (Vec::new(), true));
    let (attempts, done) = publication(&["a", "b"], &[], 0);
    assert_eq!(attempts, [["a", "b"]]);
    assert!(!done);
}
