//! Copies of a directory while another process writes to it.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::fs::symlink,
    path::Path,
};

use super::{
    Budget,
    entries::{below, copy, copy_looked, file_type},
};
use crate::SandboxError;

fn plenty() -> Budget<'static> {
    Budget { entries: 100, bytes: 100, is_exceeded: false, parts: &[] }
}

/// The entry is looked up as if the directory had just listed it.
#[test]
fn an_entry_that_is_gone_is_no_part_of_the_copy_and_another_that_fails_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let handle = File::open(directory.path()).unwrap();
    fs::create_dir(at("copy")).unwrap();
    let into = at("copy");
    let entry = |name: &str, into: &Path| below(&handle, OsStr::new(name), directory.path(), into, &mut plenty());
    assert_eq!(entry("settings.json.tmp", &into), Ok(()));
    assert!(!into.join("settings.json.tmp").exists());
    fs::create_dir(at("sessions")).unwrap();
    fs::write(at("sessions/large"), [0; 200]).unwrap();
    fs::write(at("one"), "1").unwrap();
    let named = |result, entry: &Path| match result {
        Err(SandboxError::Copy { path, .. }) => assert_eq!(path, entry.display().to_string()),
        other => panic!("{other:?}"),
    };
    // The target directory does not exist.
    named(entry("one", &at("nowhere")), &at("one"));
    named(entry("sessions", &into), &at("sessions/large"));
    assert_eq!(entry("one", &into), Ok(()));
    assert_eq!(fs::read_to_string(into.join("one")).unwrap(), "1", "the control");
}

/// The look and the copy are two calls. Between them, the test acts as another process would.
#[test]
fn a_file_that_becomes_a_link_between_the_look_and_the_copy_is_not_read_through_it() {
    let directory = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "canary").unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("from")).unwrap();
    let handle = File::open(at("from")).unwrap();
    let copied = |name: &str, swap: &dyn Fn(&Path)| {
        let (name, source, target) = (OsStr::new(name), at("from").join(name), at(&format!("copy of {name}")));
        fs::write(&source, "mine").unwrap();
        let looked = file_type(&handle, name).unwrap();
        swap(&source);
        copy_looked(&handle, name, looked, &source, &target, &mut plenty()).unwrap();
        target
    };
    // The control: nothing is swapped.
    assert_eq!(fs::read_to_string(copied("plain", &|_| {})).unwrap(), "mine");
    let swapped = copied("file", &|source| {
        fs::remove_file(source).unwrap();
        symlink(outside.path().join("secret"), source).unwrap();
    });
    assert!(
        fs::symlink_metadata(&swapped).unwrap().is_symlink(),
        "the link itself is copied, and not what it leads to"
    );
    // The directory that is being copied is replaced by a link to another one. The handle still refers to the first
    // one.
    let kept = copied("kept", &|_| {
        fs::rename(at("from"), at("moved")).unwrap();
        symlink(outside.path(), at("from")).unwrap();
    });
    assert_eq!(fs::read_to_string(kept).unwrap(), "mine");
}

#[test]
fn a_directory_is_copied_with_its_links_and_without_its_pipes() {
    let directory = tempfile::tempdir().unwrap();
    let from = directory.path().join("from");
    fs::create_dir_all(from.join("deep/er")).unwrap();
    fs::write(from.join("deep/er/file"), "1").unwrap();
    symlink("deep/er/file", from.join("link")).unwrap();
    let fifo = std::process::Command::new("mkfifo").arg(from.join("pipe")).status().unwrap();
    assert!(fifo.success());
    let to = directory.path().join("to");
    copy(&from, &to, &mut plenty()).unwrap();
    assert_eq!(fs::read_to_string(to.join("deep/er/file")).unwrap(), "1");
    assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("deep/er/file"));
    assert!(!to.join("pipe").exists());
    let refused = copy(&from.join("pipe"), &directory.path().join("x"), &mut plenty()).unwrap_err();
    assert!(refused.to_string().contains("neither a file nor a directory"), "{refused}");
    let mut left = Budget { entries: 2, ..plenty() };
    copy(&from, &directory.path().join("few"), &mut left).unwrap_err();
    assert!(left.is_exceeded);
}
