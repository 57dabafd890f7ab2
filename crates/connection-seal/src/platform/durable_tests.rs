//! Data is on the disk when a writing function returns: the file before its name, and the name before the return.

use std::{fs::File, path::Path};

use super::{create_private_dir, recorded::below, replace_private, steps, sync_parent, write_new_private};

#[test]
fn a_new_file_is_synced_before_it_has_its_name_and_its_directory_after_that() {
    let home = tempfile::tempdir().unwrap();
    write_new_private(&home.path().join("key"), b"x").unwrap();
    assert_eq!(below(home.path()), ["write key.new-*", "sync key.new-*", "link key", "sync directory ."]);
    // A file that was not replaced is not synced either.
    write_new_private(&home.path().join("key"), b"y").unwrap_err();
    assert_eq!(below(home.path()), ["write key.new-*", "sync key.new-*"]);
}

#[test]
fn a_file_that_takes_the_place_of_another_is_synced_before_it_does() {
    let home = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        replace_private(&home.path().join("rescue"), b"x").unwrap();
        let steps = below(home.path());
        assert_eq!(steps, ["write rescue.new-*", "sync rescue.new-*", "rename rescue", "sync directory ."]);
    }
}

#[test]
fn the_name_of_a_new_directory_is_synced_in_each_directory_above_it() {
    let home = tempfile::tempdir().unwrap();
    create_private_dir(&home.path().join("a/b/c")).unwrap();
    let made = ["make directory a", "sync directory .", "make directory a/b", "sync directory a"];
    assert_eq!(below(home.path()), [&made[..], &["make directory a/b/c", "sync directory a/b"]].concat());
    create_private_dir(&home.path().join("a/b/c")).unwrap();
    assert!(below(home.path()).is_empty(), "what is there is left as it is");
}

/// The control of the record: a step is noted only after the system has done it. The system refuses to sync a file that
/// has no content on a disk (`fsync`, EINVAL), so a step that does not fail here did not call the system.
#[cfg(target_os = "linux")]
#[test]
fn a_step_of_syncing_asks_the_system() {
    let nothing = Path::new("/dev/null");
    steps::sync(&File::open(nothing).unwrap(), nothing).unwrap_err();
    steps::sync_dir(nothing).unwrap_err();
    sync_parent(Path::new("/proc/self/stat")).unwrap_err();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "x").unwrap();
    steps::sync(&File::open(&file).unwrap(), &file).unwrap();
    steps::sync_dir(home.path()).unwrap();
    assert_eq!(below(home.path()), ["sync file", "sync directory ."]);
}
