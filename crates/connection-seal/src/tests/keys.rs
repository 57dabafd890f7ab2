//! The key file is private and whole, and is never overwritten.

use std::fs;

use secrecy::ExposeSecret as _;

use crate::{KeyError, KeyFile, KeyId, KeySource, platform::NotPrivate};

#[tokio::test]
async fn a_key_is_made_once_and_read_back() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::at(home.path().join("key/root.key"));
    assert!(file.load().await.unwrap().is_none());
    let made = file.create().await.unwrap();
    let read = file.load().await.unwrap().unwrap();
    assert_eq!(made.expose_secret(), read.expose_secret());
    assert_eq!(file.create().await.unwrap_err(), KeyError::Exists { source_name: file.name() });
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.starts_with(&format!("connections-key-v1 {}\n", KeyId::of(&read))), "the id stands before the key");
    let files: Vec<_> = fs::read_dir(home.path().join("key")).unwrap().collect();
    assert_eq!(files.len(), 1, "no draft is left");
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::at(home.path().join("root.key"));
    file.create().await.unwrap();
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o604)).unwrap();
    let error = file.load().await.unwrap_err();
    assert_eq!(error, KeyError::Exposed(NotPrivate::Permissions { path: file.path().to_owned(), mode: 0o604 }));
    assert!(error.to_string().contains(&file.path().display().to_string()));
    assert_eq!(error.remedy().unwrap(), format!("chmod 600 {}", file.path().display()));
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_key_is_followed() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::at(home.path().join("root.key"));
    file.create().await.unwrap();
    let link = KeyFile::at(home.path().join("link.key"));
    std::os::unix::fs::symlink(file.path(), link.path()).unwrap();
    assert!(link.load().await.unwrap().is_some());
    std::os::unix::fs::symlink(home.path(), home.path().join("directory.key")).unwrap();
    let directory = KeyFile::at(home.path().join("directory.key"));
    let error = directory.load().await.unwrap_err();
    assert_eq!(error, KeyError::Exposed(NotPrivate::NotRegular(directory.path().to_owned())));
}

#[tokio::test]
async fn a_damaged_key_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::at(home.path().join("root.key"));
    file.create().await.unwrap();
    let whole = fs::read_to_string(file.path()).unwrap();
    let (header, key) = whole.trim_end().split_once('\n').unwrap();
    let swapped = if key.starts_with('A') { key.replacen('A', "B", 1) } else { format!("A{}", &key[1..]) };
    for text in [
        String::new(),
        whole[..whole.len() - 2].to_owned(),
        format!("{header}\n"),
        format!("{key}\n"),
        format!("{header}\n{swapped}\n"),
        format!("{header}\n{key}\n{key}\n"),
        format!("connections-key-v2 {header}\n{key}\n"),
        "x".repeat(2000),
    ] {
        fs::write(file.path(), &text).unwrap();
        assert_eq!(file.load().await.unwrap_err(), KeyError::Malformed { source_name: file.name() });
    }
    fs::write(file.path(), &whole).unwrap();
    assert!(file.load().await.unwrap().is_some(), "the control");
}

/// Password managers, shells, editors and Windows change what stands around the two lines and between them.
#[tokio::test]
async fn a_whole_copy_of_a_key_is_the_key_whatever_stands_around_it() {
    let home = tempfile::tempdir().unwrap();
    let file = KeyFile::at(home.path().join("root.key"));
    let made = file.create().await.unwrap();
    let whole = fs::read_to_string(file.path()).unwrap();
    let bare = whole.trim_end();
    for copy in [
        bare.to_owned(),
        whole.replace('\n', "\r\n"),
        bare.replace('\n', "\r\n"),
        whole.replace('\n', "\r"),
        format!("\u{feff}{whole}"),
        format!("\u{feff}{}", whole.replace('\n', "\r\n")),
        format!("{whole}\n"),
        format!("{bare}  \n"),
        format!("\n{bare}\t\r\n\r\n"),
        whole.replace('\n', " \n\n"),
        whole.replace('\n', " "),
        format!("{whole}{}", " ".repeat(2000)),
    ] {
        fs::write(file.path(), &copy).unwrap();
        let read = file.load().await.unwrap().unwrap_or_else(|| panic!("{copy:?}"));
        assert_eq!(made.expose_secret(), read.expose_secret(), "{copy:?}");
        assert_eq!(fs::read_to_string(file.path()).unwrap(), copy, "the copy is left as it is");
    }
}
