//! Files of ours are closed to others, and files that are not are refused.
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::Path,
    thread,
};

use super::{NotPrivate, Unreadable, create_private_dir, lock_file, read_private, replace_private, write_new_private};

#[test]
fn directories_and_files_are_made_for_the_owner_only() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("a/b");
    create_private_dir(&directory).unwrap();
    write_new_private(&directory.join("key"), b"x").unwrap();
    drop(lock_file(&directory.join("lock")).unwrap());
    for (path, mode) in [("a", 0o700), ("a/b", 0o700), ("a/b/key", 0o600), ("a/b/lock", 0o600)] {
        assert_eq!(mode_of(&home.path().join(path)), mode, "{path}");
    }
}

#[test]
fn a_file_that_exists_is_not_written_over() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    write_new_private(&path, b"first").unwrap();
    assert!(write_new_private(&path, b"second").is_err());
    assert_eq!(read_private(&path, 100).unwrap().unwrap(), b"first");
}

#[test]
fn a_file_that_others_can_read_is_refused_and_read_once_it_is_closed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    write_new_private(&path, b"x").unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let Err(Unreadable::Exposed(exposed)) = read_private(&path, 100) else { panic!("mode {mode:o} was accepted") };
        assert_eq!(exposed, NotPrivate::Permissions { path: path.clone(), mode });
        assert_eq!(exposed.remedy(), format!("chmod 600 {}", path.display()));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(read_private(&path, 100).unwrap().is_some());
}

#[test]
fn a_link_to_a_private_file_is_refused() {
    let home = tempfile::tempdir().unwrap();
    write_new_private(&home.path().join("key"), b"x").unwrap();
    let link = home.path().join("link");
    symlink(home.path().join("key"), &link).unwrap();
    assert!(matches!(read_private(&link, 100), Err(Unreadable::Exposed(NotPrivate::NotRegular(path))) if path == link));
}

/// Another process may do that at any moment.
#[test]
fn a_file_that_is_replaced_and_removed_meanwhile_is_read_whole_or_not_there() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    let (mut whole, mut none) = (0, 0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..500 {
                replace_private(&path, b"one").unwrap();
                replace_private(&path, b"other").unwrap();
                fs::remove_file(&path).unwrap();
            }
        });
        while !writer.is_finished() {
            match read_private(&path, 100).unwrap() {
                Some(bytes) if bytes == b"one" || bytes == b"other" => whole += 1,
                Some(bytes) => panic!("{bytes:?}"),
                None => none += 1,
            }
        }
    });
    assert!(whole > 0 && none > 0, "it met both: {whole} {none}");
}

#[test]
fn a_file_of_another_user_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let given = home.path().join("key");
    write_new_private(&given, b"x").unwrap();
    assert!(read_private(&given, 100).is_ok(), "the control");
    // Root can give a file away; for anyone else, root's files are another user's.
    let path = match chown(&given, Some(12_345), None) {
        Ok(()) => given,
        Err(_) => "/etc/passwd".into(),
    };
    assert!(matches!(read_private(&path, 100), Err(Unreadable::Exposed(NotPrivate::Owner(of))) if of == path));
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
