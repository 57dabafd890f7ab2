//! Kills the commands for extensions: each takes effect as a whole or not at all, and can be repeated.

use serde_json::Value;

use super::{ADD, Left, REMOVE, fewer, kill, looked, machine, times};
use crate::{
    extensions::{ISSUES, RELEASE_NOTES},
    kill::moment::Course,
    program::{Machine, check},
};

const EXTENSIONS: [&str; 2] = ["extensions", "--json"];
const PUT: [&str; 3] = ["extensions", "add", "issues.json"];
const PUT_OTHER: [&str; 3] = ["extensions", "add", "other.json"];
const GRANT: [&str; 4] = ["extensions", "grant", "issues", "github"];
const REVOKE: [&str; 3] = ["extensions", "revoke", "issues"];
const TAKE: [&str; 4] = ["extensions", "remove", "issues", "--yes"];

/// Returns a machine with a connection and the manifests.
fn prepared() -> Machine {
    let machine = machine();
    machine.run(&ADD).exits(0);
    machine.write("issues.json", ISSUES);
    machine.write("release-notes.json", RELEASE_NOTES);
    let other = String::from_utf8(ISSUES.to_vec()).expect("it is text").replace("\"create\"", "\"close\"");
    machine.write("other.json", other.as_bytes());
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    machine
}

/// Returns the extension, if it was added. It must be whole, and the other extension must be unchanged.
#[track_caller]
fn issues(machine: &Machine) -> Option<Value> {
    assert!(looked(machine).is_some(), "its connection is there");
    let mut all = machine.run(&EXTENSIONS).exits(0).json().as_array().expect("an array").clone();
    let other = all.pop().expect("the other one");
    assert_eq!((&other["name"], &other["grants"]), (&"release-notes".into(), &Value::Array(Vec::new())));
    all.iter().for_each(|one| check(one, "extension"));
    assert!(all.len() < 2, "{all:?}");
    all.pop()
}

/// Returns the part of the declaration in which the two declarations differ.
fn commands(issues: &Value) -> &Value {
    &issues["commands"][1]
}

#[test]
fn an_extension_that_is_killed_while_it_is_added_is_there_as_a_whole_or_as_before() {
    kill("extensions add", |random| {
        let machine = prepared();
        let mut course = Course::of(&machine, &PUT, |_| drop(machine.run(&TAKE)));
        let one = |number| {
            let replaces = number % 2 == 0;
            machine.run(&TAKE);
            if replaces {
                machine.run(&PUT_OTHER).exits(0);
            }
            let killed = course.kill(random, &machine, &PUT);
            let done = match issues(&machine) {
                None => {
                    assert!(!replaces, "it was there");
                    false
                }
                Some(left) => {
                    assert!(*commands(&left) == *"create" || replaces && *commands(&left) == *"close", "{left}");
                    *commands(&left) == *"create"
                }
            };
            machine.run(&PUT).exits(0);
            assert_eq!(*commands(&issues(&machine).expect("it was added")), *"create");
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}

#[test]
fn a_grant_that_is_killed_holds_with_its_event_or_not_at_all() {
    kill("extensions grant", |random| {
        let machine = prepared();
        machine.run(&PUT).exits(0);
        let mut course = Course::of(&machine, &GRANT, |_| drop(machine.run(&REVOKE).exits(0)));
        let one = |_| {
            machine.run(&REVOKE).exits(0);
            let before = events_named(&machine, "extension_granted");
            let killed = course.kill(random, &machine, &GRANT);
            let left = issues(&machine).expect("it is there");
            let done = left["granted"] == true;
            let grants = left["grants"].as_array().expect("an array");
            assert_eq!(grants.len(), usize::from(done), "{left}");
            grants.iter().for_each(|grant| assert_eq!(grant["secretNames"], serde_json::json!(["accessToken"])));
            assert_eq!(events_named(&machine, "extension_granted"), before + usize::from(done), "{left}");
            let exit = if done { 0 } else { 6 };
            machine.run(&["exec", "issues", "--", "/bin/sh", "-c", "test -n \"$ACCESS_TOKEN\""]).exits(exit);
            machine.run(&GRANT).exits(0);
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}

#[test]
fn a_grant_whose_taking_back_is_killed_holds_or_is_gone_with_its_event() {
    kill("extensions revoke", |random| {
        let machine = prepared();
        machine.run(&PUT).exits(0);
        let mut course = Course::of(&machine, &REVOKE, |_| drop(machine.run(&GRANT).exits(0)));
        let one = |_| {
            machine.run(&GRANT).exits(0);
            let before = events_named(&machine, "extension_revoked");
            let killed = course.kill(random, &machine, &REVOKE);
            let left = issues(&machine).expect("it is there");
            let done = left["granted"] == false;
            assert_eq!(left["grants"].as_array().expect("an array").len(), usize::from(!done), "{left}");
            assert_eq!(events_named(&machine, "extension_revoked"), before + usize::from(done), "{left}");
            let exit = if done { 6 } else { 0 };
            machine.run(&["exec", "issues", "--", "/bin/sh", "-c", "test -n \"$ACCESS_TOKEN\""]).exits(exit);
            machine.run(&REVOKE).exits(0);
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}

/// A killed hand-off connects and grants, or does neither and can be continued or repeated.
#[test]
fn a_hand_off_that_is_killed_connects_and_grants_or_neither() {
    kill("open-settings", |random| {
        let machine = prepared();
        machine.run(&PUT).exits(0);
        let open = ["open-settings", "issues", "--field", "accessToken=@token"];
        let mut course = Course::of(&machine, &open, |_| drop(machine.run(&REMOVE).exits(0)));
        let one = |_| {
            machine.run(&REMOVE);
            let killed = course.kill(random, &machine, &open);
            let done = looked(&machine).is_some();
            let left = machine.run(&EXTENSIONS).exits(0).json()[0].clone();
            check(&left, "extension");
            assert_eq!(left["granted"] == true, done, "the connection comes with its grant, or not at all: {left}");
            for setup in machine.run(&["setup", "list", "--json"]).exits(0).json().as_array().expect("an array") {
                assert!(!done, "what is done leaves no setup open");
                machine.run(&["setup", "cancel", setup["id"].as_str().expect("an id")]).exits(0);
            }
            if !done {
                machine.run(&open).exits(0);
            }
            machine.run(&["exec", "issues", "--", "/bin/sh", "-c", "test -n \"$ACCESS_TOKEN\""]).exits(0);
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}

#[test]
fn an_extension_that_is_killed_while_it_is_removed_is_there_with_all_that_it_had_or_gone() {
    kill("extensions remove", |random| {
        let machine = prepared();
        let whole = |machine: &Machine| {
            machine.run(&PUT).exits(0);
            machine.run(&GRANT).exits(0);
            machine.run(&["preferences", "set", "issues", "openBehavior", "list"]).exits(0);
        };
        let mut course = Course::of(&machine, &TAKE, |_| whole(&machine));
        let one = |_| {
            whole(&machine);
            let before = events_named(&machine, "extension_revoked");
            let killed = course.kill(random, &machine, &TAKE);
            let left = issues(&machine);
            match &left {
                Some(left) => {
                    assert_eq!(left["granted"], true, "{left}");
                    machine.run(&["preferences", "get", "issues", "openBehavior"]).exits(0).says("list");
                }
                // An extension that is added under the same name later inherits nothing.
                None => {
                    machine.run(&PUT).exits(0).says("granted       no");
                    machine.run(&["preferences", "get", "issues", "openBehavior"]).exits(0).says("browser");
                }
            }
            assert_eq!(events_named(&machine, "extension_revoked"), before + usize::from(left.is_none()));
            Left { running: killed.running, done: left.is_none() }
        };
        times(fewer(), one)
    });
}

#[test]
fn preferences_that_are_killed_are_as_before_or_as_after_with_their_count() {
    kill("preferences set", |random| {
        let machine = prepared();
        machine.run(&PUT).exits(0);
        let set = |value| ["preferences", "set", "issues", "openBehavior", value];
        let get = || machine.run(&["preferences", "get", "issues", "--json"]).exits(0).json();
        let mut course = Course::of(&machine, &set("list"), |_| drop(machine.run(&set("browser")).exits(0)));
        let one = |number| {
            let (old, new) = if number % 2 == 0 { ("browser", "list") } else { ("list", "browser") };
            machine.run(&set(old)).exits(0);
            let before = get();
            let killed = course.kill(random, &machine, &set(new));
            assert!(looked(&machine).is_some());
            let after = get();
            let count = |read: &Value| read["revisions"]["extensionConfig"].as_u64().expect("a number");
            let done = after["values"]["openBehavior"] == new;
            assert!(done || after["values"]["openBehavior"] == old, "{after}");
            assert_eq!(count(&after), count(&before) + u64::from(done), "{after}");
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}

/// Returns the number of events of that name. The record must be whole.
#[track_caller]
fn events_named(machine: &Machine, name: &str) -> usize {
    let record = machine.run(&["events", "github", "--json"]).exits(0).json();
    assert_eq!(record["chain"], "whole", "{record}");
    record["events"].as_array().expect("an array").iter().filter(|event| event["event"] == name).count()
}
