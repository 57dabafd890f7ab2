//! Tests of finding the files of the project, with and without a repository.

use std::fs;

use super::Workspace;

#[test]
fn without_a_repository_all_but_the_build_directory_counts() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("docs/guide")).unwrap();
    fs::create_dir_all(directory.path().join("target/debug")).unwrap();
    fs::write(directory.path().join("docs/guide/a.md"), "a").unwrap();
    fs::write(directory.path().join("b.rs"), "b").unwrap();
    fs::write(directory.path().join("target/debug/c"), "c").unwrap();
    assert_eq!(Workspace::at(directory.path()).files().unwrap(), ["b.rs", "docs/guide/a.md"]);
}

#[test]
fn a_file_that_is_not_text_has_no_text() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("image"), [0xff, 0xfe, 0x00]).unwrap();
    let workspace = Workspace::at(directory.path());
    assert_eq!(workspace.text("image").unwrap(), None);
    assert!(workspace.texts(|_| true).unwrap().is_empty());
}

#[test]
fn this_workspace_knows_its_own_files() {
    let files = Workspace::find().unwrap().files().unwrap();
    assert!(files.iter().any(|path| path == "xtask/src/workspace/tests.rs"));
    assert!(!files.iter().any(|path| path.starts_with("target/")));
}
