//! Setup: the directories that are granted, and the name of the account.

use connection_contract::prelude::*;
use connection_plugin_filesystem::Filesystem;
use connection_testkit::{FakeFiles, FakeHost, Input, offline, sha256};

use crate::{files, host, roots};

#[test]
fn one_directory_becomes_a_connection_that_reaches_it_alone() {
    let host = host(files());
    let made = host.setup([roots(&["/home/ada/notes"])]).run().unwrap();
    assert_eq!(made.identity, Identity::new("/home/ada/notes", "notes"));
    let reached: Vec<_> = made.reach.roots.iter().map(GrantedDirectory::as_str).collect();
    assert_eq!(reached, ["/home/ada/notes"]);
    assert!(host.definition().authorizer().is_none(), "there is nothing to send");
}

#[test]
fn several_directories_are_one_account_in_any_order() {
    for given in [&["/home/ada/work", "/home/ada/notes"][..], &["/home/ada/notes", "/home/ada/work", "/home/ada/notes"]]
    {
        let made = host(files()).setup([roots(given)]).run().unwrap();
        assert_eq!(made.identity, Identity::new("/home/ada/notes:/home/ada/work", "notes and 1 more"));
        assert_eq!(made.reach.roots.len(), 2);
    }
}

#[test]
fn an_account_that_cannot_be_shown_is_a_hash() {
    let long = format!("/{}", "long/".repeat(120));
    for path in [long.as_str(), "/tmp/a\u{202e}b"] {
        let made = host(FakeFiles::new().root(path, &[])).setup([roots(&[path])]).run().unwrap();
        assert_eq!(made.identity.account_id.as_str(), format!("sha256:{}", encode::hex(&sha256(path.as_bytes()))));
    }
}

#[test]
fn paths_that_could_be_read_as_others_are_another_account() {
    let account = |paths: &[&str]| {
        let files = paths.iter().fold(FakeFiles::new(), |files, path| files.root(path, &[]));
        host(files).setup([roots(paths)]).run().unwrap().identity.account_id
    };
    assert_ne!(account(&["/a", "/b:/c"]), account(&["/a:/b", "/c"]));
    assert_eq!(account(&["/a:b"]).as_str(), "/a:b");
}

#[test]
fn the_top_directory_and_a_windows_path_have_names() {
    for (path, label) in [("/", "/"), ("C:\\Users\\Ada", "Ada"), ("/srv/data/", "data")] {
        let made = host(FakeFiles::new().root(path, &[])).setup([roots(&[path])]).run().unwrap();
        assert_eq!(made.identity.label.as_str(), label);
    }
}

#[test]
fn a_directory_that_is_not_there_now_does_not_end_the_setup() {
    let failure = host(files()).setup([roots(&["/mnt/disk"])]).run().unwrap_err();
    let not_live = offline(&failure).unwrap();
    assert_eq!(not_live.reason.code, reason::ROOT_MISSING);
    assert_eq!(not_live.reason.message.as_str(), "/mnt/disk: the directory does not exist");
}

#[test]
fn a_directory_that_the_host_denies_ends_the_setup() {
    let failure = host(files().denied("/etc")).setup([roots(&["/etc"])]).run().unwrap_err();
    assert_eq!(failure.code, reason::DENIED);
    assert!(offline(&failure).is_none());
}

#[test]
fn a_file_is_no_directory() {
    let failure = host(files().file("/etc/hosts", "")).setup([roots(&["/etc/hosts"])]).run().unwrap_err();
    assert_eq!(failure.code, "filesystem_no_directory");
}

#[test]
fn a_host_without_files_says_so() {
    let host = FakeHost::new(Filesystem);
    let failure = host.setup([Input::answers(&[("roots", "/home/ada")])]).run().unwrap_err();
    assert_eq!(failure.message.as_str(), "this host gives no access to files");
}
