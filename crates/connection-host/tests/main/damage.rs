//! Changes that another program made to the database file are reported.

use crate::program::Machine;

/// Another program edits the database file.
#[test]
fn a_broken_record_is_told_loudly() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.run(&["rename", "github", "home"]).exits(0);
    let file = machine.data().join("store/connections.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let before = br#""label":"home""#;
    let after = br#""label":"game""#;
    let at = bytes.windows(before.len()).position(|part| part == before).expect("the event is in the file");
    bytes[at..at + before.len()].copy_from_slice(after);
    std::fs::write(&file, bytes).unwrap();
    let ran = machine.run(&["events", "github", "--json"]).exits(1);
    assert_eq!(ran.json()["chain"], "broken at 2");
    assert_eq!(ran.json()["events"][1]["details"]["label"], "game", "it is shown");
    ran.warns("events_broken").warns("broken at 2");
    machine.run(&["events", "github"]).exits(1).says("game").warns("error: The record of events is broken at 2");
}

/// The columns of the owner, the kind and the label are adjacent in the row and in its index.
#[test]
fn doctor_names_a_row_that_was_edited_and_the_way_out() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.run(&["doctor"]).exits(0);
    let file = machine.data().join("store/connections.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let before = b"localgithubwork";
    let after = b"localgithubwort";
    let at = |bytes: &[u8]| bytes.windows(before.len()).position(|part| part == before);
    assert!(at(&bytes).is_some(), "the row is in the file");
    while let Some(at) = at(&bytes) {
        bytes[at..at + before.len()].copy_from_slice(after);
    }
    std::fs::write(&file, bytes).unwrap();
    let doctor = machine.run(&["doctor"]).exits(1).says("failed  rows").says("was changed outside of this program");
    doctor.says("find out who can write the database");
    let remedy = "remove the connection, then connect its account again";
    let verified =
        machine.run(&["verify", "github:wort"]).exits(4).says("was changed outside of this program").says(remedy);
    assert!(!verified.out.contains("reauthorize"), "an edited row is not authorized again: {}", verified.out);
    let list = machine.run(&["list"]).exits(0).says(remedy);
    assert!(!list.out.contains("Fix with"), "{}", list.out);
    let report = machine.run(&["doctor", "--json"]).exits(1).json();
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["check"] == "rows" && check["ok"] == false), "{report}");
}
