//! What somebody did to the file past the program is told.

use crate::program::Machine;

/// Somebody edits the file past the program.
#[test]
fn a_broken_record_is_told_loudly() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.run(&["rename", "github", "home"]).exits(0);
    let file = machine.data().join("store/connections.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let (before, after) = (br#""label":"home""#, br#""label":"game""#);
    let at = bytes.windows(before.len()).position(|part| part == before).expect("the event is in the file");
    bytes[at..at + before.len()].copy_from_slice(after);
    std::fs::write(&file, bytes).unwrap();
    let ran = machine.run(&["events", "github", "--json"]).exits(1);
    assert_eq!(ran.json()["chain"], "broken at 2");
    assert_eq!(ran.json()["events"][1]["details"]["label"], "game", "it is shown");
    ran.warns("events_broken").warns("broken at 2");
    machine.run(&["events", "github"]).exits(1).says("game").warns("error: the record of events is broken at 2");
}
