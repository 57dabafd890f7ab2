//! The record of a replacement: its form, its steps and its refusals.

use connection_mcp::clients::{
    AdoptedEntry, Adoption, Client, ConfigError, Conflict, Locations, Place, Platform, RecordError, Stage, Step,
};

const ORIGINAL: &[u8] =
    b"{ \"mcpServers\": { \"it\": { \"url\": \"https://a.example.com/\", \"headers\": { \"A\": \"s3cret\" } } } }\n";

fn plan(names: &[&str]) -> Result<Adoption, ConfigError> {
    let locations = Locations::new(Platform::Linux, "/home/ada", "/home/ada/.config");
    let entries = names.iter().map(|name| {
        AdoptedEntry::new(Place::File, *name, format!("{name}:work"), ["connections", "mcp", "proxy", "it:work"])
    });
    Adoption::plan(&Client::Cursor.files(&locations)[0], ORIGINAL, entries.collect())
}

#[test]
fn a_record_says_what_was_replaced() {
    let record = plan(&["it"]).unwrap();
    assert_eq!((record.client(), record.stage()), (Client::Cursor, Stage::Planned));
    assert_eq!(record.file().to_string_lossy(), "/home/ada/.cursor/mcp.json");
    assert_eq!(record.entries()[0].connection, "it:work");
    assert_eq!(record.original(), ORIGINAL);
    assert!(!record.replaced().windows(6).any(|part| part == b"s3cret"));
}

#[test]
fn a_record_shows_no_content_in_its_debug_form() {
    let record = plan(&["it"]).unwrap();
    assert!(!format!("{record:?} {:?}", record.clone().undo().next(Some(record.replaced()))).contains("s3cret"));
}

#[test]
fn a_plan_without_entries_is_refused() {
    assert_eq!(plan(&[]).unwrap_err(), ConfigError::Nothing);
}

#[test]
fn a_file_that_someone_else_changed_is_never_written() {
    let record = plan(&["it"]).unwrap();
    for record in [record.clone(), record.clone().undo()] {
        let Step::Conflict(Conflict::Changed(difference)) = record.next(Some(b"{}\n")) else {
            panic!("it was changed")
        };
        assert!(!difference.is_empty());
        assert_eq!(record.next(None), Step::Conflict(Conflict::Missing));
    }
}

#[test]
fn a_client_may_change_its_file_after_the_replacement() {
    let record = plan(&["it"]).unwrap().at(Stage::Replaced);
    assert_eq!(record.next(Some(b"{}\n")), Step::Done);
    assert_eq!(record.next(None), Step::Done);
}

#[test]
fn a_record_of_a_later_version_or_with_unknown_members_is_refused() {
    let text = String::from_utf8(plan(&["it"]).unwrap().to_json().unwrap()).unwrap();
    assert_eq!(Adoption::from_json(text.as_bytes()).unwrap(), plan(&["it"]).unwrap());
    let later = text.replacen("\"version\":1", "\"version\":2,\"new\":true", 1);
    assert_eq!(Adoption::from_json(later.as_bytes()), Err(RecordError::Version(2)));
    let unknown = text.replacen("\"version\":1", "\"version\":1,\"new\":true", 1);
    assert_eq!(Adoption::from_json(unknown.as_bytes()), Err(RecordError::Form));
    assert_eq!(Adoption::from_json(b"s3cret"), Err(RecordError::Form));
}

#[cfg(unix)]
#[test]
fn a_record_of_a_path_that_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;

    let home = std::ffi::OsStr::from_bytes(b"/home/ada/\xff");
    let file = Client::Cursor.files(&Locations::new(Platform::Linux, home, home)).remove(0);
    let entry = AdoptedEntry::new(Place::File, "it", "it", ["connections"]);
    assert_eq!(Adoption::plan(&file, ORIGINAL, vec![entry]).unwrap().to_json(), Err(RecordError::Path));
}
