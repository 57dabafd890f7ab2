//! Kills a rotation and a change of the key's source: afterwards every value opens, and the same command completes the
//! operation.

use super::{Left, SECRETS, kill, kills, machine, times};
use crate::{kill::moment::Course, program::Machine, provider::NOTION_KEY};

const ROTATE: [&str; 3] = ["key", "rotate", "--json"];
/// The number of connected directories, which make a rotation long enough to be killed half-way.
const CONNECTED: usize = 25;

/// R-INSEAM-049: a killed rotation loses nothing, and the next rotation completes it with the same key.
#[test]
fn a_rotation_that_is_killed_is_ended_by_the_next_one() {
    kill("key rotate", |random| {
        let machine = machine();
        machine.run(&super::ADD).exits(0);
        machine.write("key", NOTION_KEY.as_bytes());
        machine.run(&["add", "notion", "--field", "apiKey=@key"]).exits(0);
        for number in 0..CONNECTED {
            let name = format!("notes-{number}");
            std::fs::create_dir(machine.path(&name)).expect("it is made");
            let roots = format!("{{\"roots\": {:?}}}", machine.path(&name).to_str().expect("UTF-8"));
            machine.feed(&["add", "filesystem", "--input", "-"], &roots).exits(0);
        }
        let mut course = Course::of(&machine, &ROTATE, |_| ());
        let one = |_| {
            let before = machine.run(&["key", "--json"]).exits(0).json();
            let killed = course.kill(random, &machine, &ROTATE);
            looked_at(&machine);
            let left = machine.run(&["key", "--json"]).exits(0).json();
            let begun = left["key"] != before["key"];
            assert!(begun || left["rotated"] == true, "{left}");
            let ended = machine.run(&ROTATE).exits(0).json();
            assert_eq!(ended["resumed"], left["rotated"] == false, "{left} {ended}");
            if left["rotated"] == false {
                assert_eq!(ended["key"], left["key"], "no further key");
            }
            assert_eq!((&ended["remaining"], &ended["unreadable"]), (&0.into(), &0.into()), "{ended}");
            machine.run(&["verify", "--all"]).exits(0);
            Left { running: killed.running, done: begun }
        };
        times(kills(), one)
    });
}

/// After a killed change, at least one of the two sources opens the database, and the same command completes the
/// change.
#[test]
fn a_change_of_the_source_that_is_killed_leaves_one_that_opens_and_is_ended_by_the_next_one() {
    kill("key change", |random| {
        let machine = machine();
        of_file(&machine, "a.key");
        machine.run(&super::ADD).exits(0);
        let change = ["key", "change", "--to-source", "file", "--to-file", "b.key"];
        let mut course = Course::of(&machine, &change, |_| back(&machine));
        let one = |number| {
            back(&machine);
            if number % 3 == 0 {
                // The new source has no key yet.
                std::fs::remove_file(machine.path("b.key")).ok();
            }
            let killed = course.kill(random, &machine, &change);
            let old = opens(&machine, "a.key");
            let new = opens(&machine, "b.key");
            assert!(old || new, "neither source opens it");
            of_file(&machine, "a.key");
            machine.run(&change).exits(0);
            assert!(!opens(&machine, "a.key") && opens(&machine, "b.key"));
            machine.run(&["doctor"]).exits(0);
            machine.run(&super::VERIFY).exits(0);
            Left { running: killed.running, done: new }
        };
        times(kills(), one)
    });
}

/// Sets the configured path of the key.
fn of_file(machine: &Machine, name: &str) {
    let text = std::fs::read_to_string(machine.path("config.toml")).expect("it is there");
    let text = text.split("\n[key]\n").next().expect("a first part");
    let path = machine.path(name);
    machine.write("config.toml", format!("{text}\n[key]\nfile = {path:?}\n").as_bytes());
}

fn opens(machine: &Machine, name: &str) -> bool {
    of_file(machine, name);
    machine.run(&["list"]).exit == 0
}

/// Changes the database back to the first file.
fn back(machine: &Machine) {
    if !opens(machine, "a.key") {
        of_file(machine, "b.key");
        machine.run(&["key", "change", "--to-source", "file", "--to-file", "a.key"]).exits(0);
    }
    of_file(machine, "a.key");
}

#[track_caller]
fn looked_at(machine: &Machine) {
    for (path, bytes) in crate::program::contents(&machine.data()) {
        let found = SECRETS.iter().any(|secret| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        assert!(!found, "{} holds a secret", path.display());
    }
    machine.run(&["doctor"]).exits(0);
}
