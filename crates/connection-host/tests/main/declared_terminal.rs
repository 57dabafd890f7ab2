//! A person at a terminal connects an extension through its own declaration.
//!
//! `declared_terminal.txt` holds what the terminal shows, and is written again as `first_hour.txt` is.

use crate::{
    declared::{KEY, TRACKER, with},
    first_hour::Person,
};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main/declared_terminal.txt");

#[test]
fn a_person_reads_who_receives_the_secret_before_it_is_asked() {
    let mut ada = Person::new();
    ada.machine.write("tracker.json", TRACKER.as_bytes());
    ada.types("extensions add tracker.json", &[], 0);
    let connect = ("Connect Tracker for sprints?", "y");
    let gives = "Give sprints the secret, which it can send anywhere?";
    ada.types("open-settings sprints", &[connect, (gives, "n")], 0);
    ada.types("list", &[], 0);
    ada.types("open-settings sprints", &[connect, (gives, "y"), ("API key", KEY), ("Name for the account", "work")], 0);
    ada.types("list", &[], 0);
    ada.types("kinds show sprints/tracker", &[], 0);
    ada.types("exec sprints -- sh -c 'test -n \"$API_KEY\" && echo \"there is a key\"'", &[], 0);

    ada.meanwhile("The extension's author writes an address of GitHub's into the manifest.");
    ada.machine.write("tracker.json", with("https://api.github.com").as_bytes());
    ada.types("extensions add tracker.json", &[], 6);
    ada.compare(KEPT);
}
