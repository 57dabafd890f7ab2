//! Verification: each way in which a granted directory can be unavailable.

use connection_contract::prelude::*;
use connection_testkit::FakeFiles;

use crate::{files, host, roots};

#[test]
fn directories_that_are_there_are_live() {
    check(files(), Liveness::Live, None);
}

#[test]
fn a_directory_that_is_gone_is_offline_and_names_it() {
    let found = check(files().denied("/x"), Liveness::Live, None);
    assert_eq!(found, None);
    let gone = FakeFiles::new().root("/home/ada/notes", &[]);
    let message = check(gone, Liveness::Offline, Some(reason::ROOT_MISSING));
    assert_eq!(message.as_deref(), Some("/home/ada/work: the directory does not exist"));
}

#[test]
fn a_directory_that_is_denied_is_failing() {
    check(files().denied("/home/ada/work"), Liveness::Failing, Some(reason::DENIED));
}

#[test]
fn a_directory_that_cannot_be_read_now_is_offline() {
    check(files().unavailable("/home/ada/notes"), Liveness::Offline, Some(reason::PROVIDER_ERROR));
}

#[test]
fn a_directory_that_became_a_file_is_failing() {
    check(files().file("/home/ada/notes", "x"), Liveness::Failing, Some("filesystem_no_directory"));
}

#[test]
fn a_connection_without_directories_is_failing() {
    let host = host(files());
    let made = host.setup([roots(&["/home/ada/notes"])]).run().unwrap();
    let found = host.verify(&made.credential, &Connection::new("c", "o")).unwrap();
    assert_eq!(found.liveness, Liveness::Failing);
}

/// Verifies a connection to notes and work on a host with these files, and returns the message of the reason.
#[track_caller]
fn check(later: FakeFiles, liveness: Liveness, code: Option<&str>) -> Option<String> {
    let before = host(files());
    let made = before.setup([roots(&["/home/ada/notes", "/home/ada/work"])]).run().expect("the first answer is good");
    let found = host(later).verify(&made.credential, &before.connection(&made)).expect("not live is data");
    assert_eq!((found.liveness, found.reason.as_ref().map(|reason| &*reason.code)), (liveness, code));
    found.reason.map(|reason| reason.message.to_string())
}
