//! Our files are closed to other users, and files that are not closed are rejected.
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::Path,
    process::id,
    thread,
    time::Duration,
};

use super::{
    FileContent::{Secrets, Settings},
    GuardedFile, LockHeld, NotPrivate, Unreadable, check_file, create_private_dir, lock_file,
    locks::lock_file_within,
    open_private, read_private, read_secret, replace_private,
    unix::{Fault, directory_fault, file_fault},
    write_new_private,
};

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
fn a_lock_that_a_stopped_process_keeps_is_not_waited_for_for_ever_and_its_holder_is_named() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("lock");
    let held = lock_file(&path).unwrap();
    let error = lock_file_within(&path, Duration::from_millis(10)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    let LockHeld { path: named, holder, .. } = LockHeld::of(&error).unwrap();
    assert_eq!(named, &path);
    // An overlay file system may report another device than the list of locks.
    let names_us = holder.starts_with(&format!("process {} (", id()));
    assert!(names_us || holder == "another process", "{holder}");
    drop(held);
    drop(lock_file_within(&path, Duration::ZERO).unwrap());
}

#[test]
fn a_file_that_is_opened_for_locking_has_the_mode_of_its_owner_whatever_mode_it_had() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("lock");
    for mode in [0o600, 0o644] {
        drop(open_private(&path).unwrap());
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        drop(open_private(&path).unwrap());
        assert_eq!(mode_of(&path), 0o600);
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

/// Another process may replace and remove the file at any moment.
#[test]
fn a_file_that_is_replaced_and_removed_meanwhile_is_read_whole_or_not_there() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    let mut whole = 0;
    let mut none = 0;
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
    // Root can give a file away. For any other user, a file of root belongs to another user.
    let path = match chown(&given, Some(12_345), None) {
        Ok(()) => given,
        Err(_) => "/etc/passwd".into(),
    };
    assert!(matches!(read_private(&path, 100), Err(Unreadable::Exposed(NotPrivate::Owner(of))) if of == path));
}

#[test]
fn a_file_is_judged_by_its_owner_and_by_what_others_may_do() {
    const ME: u32 = 1000;
    const OTHER: u32 = 1001;
    for (owner, mode, content, fault) in [
        (ME, 0o600, Secrets, None),
        (ME, 0o400, Secrets, None),
        (ME, 0o640, Secrets, Some(Fault::Read)),
        (ME, 0o604, Secrets, Some(Fault::Read)),
        (ME, 0o620, Secrets, Some(Fault::Read)),
        (ME, 0o602, Secrets, Some(Fault::Read)),
        (OTHER, 0o600, Secrets, Some(Fault::Owner)),
        (0, 0o600, Secrets, None),
        // A secret that Kubernetes mounts for a group.
        (0, 0o440, Secrets, None),
        (0, 0o640, Secrets, None),
        (0, 0o444, Secrets, Some(Fault::Read)),
        (0, 0o660, Secrets, Some(Fault::Read)),
        (ME, 0o644, Settings, None),
        (0, 0o644, Settings, None),
        (ME, 0o664, Settings, Some(Fault::Write)),
        (ME, 0o646, Settings, Some(Fault::Write)),
        (0, 0o666, Settings, Some(Fault::Write)),
        (OTHER, 0o644, Settings, Some(Fault::Owner)),
    ] {
        assert_eq!(file_fault(owner, mode, ME, content), fault, "{owner} {mode:o} {content:?}");
    }
    for (owner, mode, me, fault) in [
        (ME, 0o700, ME, None),
        (ME, 0o755, ME, None),
        (ME, 0o775, ME, Some(Fault::Write)),
        (ME, 0o777, ME, Some(Fault::Write)),
        (OTHER, 0o755, ME, Some(Fault::Owner)),
        (0, 0o755, ME, None),
        // A volume that Kubernetes gives to a group, and /tmp.
        (0, 0o2775, ME, None),
        (0, 0o1777, ME, None),
        (0, 0o777, ME, Some(Fault::Write)),
        // A directory of the host in a container that runs as root.
        (ME, 0o755, 0, None),
        (ME, 0o777, 0, Some(Fault::Write)),
    ] {
        assert_eq!(directory_fault(owner, mode, me), fault, "{owner} {mode:o} {me}");
    }
}

/// Kubernetes mounts a secret like this: `key` links to `..data/key`, and `..data` to a directory with the time in
/// its name.
#[test]
fn a_secret_is_read_through_links_and_judged_by_the_file_that_they_lead_to() {
    let home = tempfile::tempdir().unwrap();
    let real = home.path().join("..2026_11_21/key");
    let link = home.path().join("key");
    create_private_dir(real.parent().unwrap()).unwrap();
    write_new_private(&real, b"x").unwrap();
    symlink("..2026_11_21", home.path().join("..data")).unwrap();
    symlink("..data/key", &link).unwrap();
    assert_eq!(read_secret(&link, 100).unwrap().unwrap(), b"x");
    set_mode(&real, 0o604);
    let Err(Unreadable::Exposed(exposed)) = read_secret(&link, 100) else { panic!("it was read") };
    assert_eq!(exposed, NotPrivate::Permissions { path: link.clone(), mode: 0o604 });
    assert!(GuardedFile::open(&link).unwrap().check(Settings).is_ok(), "the control: it is no secret");
    set_mode(&real, 0o600);
    set_mode(real.parent().unwrap(), 0o757);
    for refused in [check_file(&link, Settings), GuardedFile::open(&link).unwrap().check(Settings)] {
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, NotPrivate::Directory { mode: 0o757, .. }), "{refused:?}");
        assert!(refused.remedy().starts_with("chmod go-w ") && refused.remedy().ends_with("..2026_11_21"), "{refused}");
    }
    // A path that is not a file is rejected without waiting.
    assert!(matches!(read_secret(home.path(), 100), Err(Unreadable::Exposed(NotPrivate::NotRegular(_)))));
    assert!(read_secret(&home.path().join("gone"), 100).unwrap().is_none());
}

/// Runs `work` as a user who is not root.
#[cfg(target_os = "linux")]
fn as_another_user(work: impl FnOnce() + Send) {
    use rustix::{
        process::{Uid, geteuid},
        thread::set_thread_res_uid,
    };

    let changed = || {
        if geteuid().is_root() {
            // The change applies to this thread alone.
            set_thread_res_uid(None, Uid::from_raw(65_534), None).unwrap();
        }
        work();
    };
    thread::scope(|scope| scope.spawn(changed).join().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_of_root_is_given_to_the_user_and_is_not_closed_to_the_user() {
    as_another_user(|| {
        let shadow = Path::new("/etc/shadow");
        let Err(Unreadable::Exposed(exposed)) = read_secret(shadow, 100) else { panic!("it names no remedy") };
        assert_eq!(exposed, NotPrivate::Owner(shadow.to_owned()));
        let open = NotPrivate::Permissions { path: "/etc/passwd".into(), mode: 0o644 };
        assert!(!open.remedy().contains("chmod 600"), "{}", open.remedy());
        // It belongs to root, and is a file system in memory that can be written.
        for exposed in
            [NotPrivate::Owner("/dev/shm".into()), NotPrivate::Permissions { path: "/dev/shm".into(), mode: 0o1777 }]
        {
            assert!(exposed.remedy().contains("mode=0400"), "{}", exposed.remedy());
        }
    });
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
