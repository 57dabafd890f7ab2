//! Events: the record, which is read with its chain checked, and new events, which are printed line by line.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Stdio},
};

use serde_json::Value;

use crate::program::{Machine, check};

#[test]
fn events_are_shown_also_after_a_removal() {
    let machine = Machine::new();
    machine.run(&["events"]).exits(0).says("Nothing has happened yet");
    let id = machine.add_github("work").exits(0);
    assert!(id.out.contains("github:work"));
    let shown = machine.run(&["show", "github", "--json"]).exits(0).json();
    let id = shown["id"].as_str().unwrap();
    machine.run(&["rename", "github", "home"]).exits(0);
    machine.run(&["events", "github"]).exits(0).says("connected").says("before: work, label: home");
    machine.run(&["remove", "github", "--yes"]).exits(0);
    machine.run(&["events", "github"]).exits(5);
    let events = machine.run(&["events", id, "--json"]).exits(0).json();
    check(&events, "events");
    assert_eq!(events["chain"], "whole");
    let list = events["events"].as_array().unwrap();
    let names: Vec<_> = list.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["connected", "renamed", "removed"]);
    list.iter().for_each(|event| check(event, "event"));
    assert_eq!(list[1]["details"]["label"], "home");
    let all = machine.run(&["events", "--json"]).exits(0).json();
    assert_eq!((&all["events"], &all["chain"]), (&events["events"], &Value::Null));
    machine.run(&["events", id, "--owner", "u42"]).exits(5);
    let none = machine.run(&["events", "--owner", "u42", "--json"]).exits(0).json();
    assert_eq!(none["events"], Value::Array(Vec::new()));
}

/// A watch that runs until it is interrupted, and its lines.
pub(crate) struct Watch(pub(crate) Child, pub(crate) BufReader<ChildStdout>);

impl Watch {
    fn begin(machine: &Machine, arguments: &[&str]) -> Self {
        Self::of(machine, &[&["watch", "--json"], arguments].concat())
    }

    pub(crate) fn of(machine: &Machine, arguments: &[&str]) -> Self {
        let mut command = machine.command();
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self(child, lines)
    }

    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.1.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("one object a line")
    }
}

#[cfg(unix)]
#[test]
fn a_watch_tells_what_another_process_does_and_ends_when_it_is_interrupted() {
    use rustix::process::{Pid, Signal, kill_process};

    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let first = machine.run(&["events", "--json"]).exits(0).json();
    let first = first["events"][0]["id"].as_str().unwrap();
    let mut watch = Watch::begin(&machine, &["github", "--since", first]);
    machine.run(&["rename", "github", "home"]).exits(0);
    let event = watch.next();
    check(&event, "event");
    assert_eq!((&event["event"], &event["number"]), (&"renamed".into(), &2.into()));
    machine.run(&["remove", "github", "--yes"]).exits(0);
    assert_eq!(watch.next()["event"], "removed");
    kill_process(Pid::from_child(&watch.0), Signal::INT).unwrap();
    assert_eq!(watch.0.wait().unwrap().code(), Some(0));
    // Closing the output ends the watch too.
    let mut watch = Watch::begin(&machine, &["--since", first]);
    assert_eq!(watch.next()["event"], "renamed");
    let Watch(mut child, lines) = watch;
    drop(lines);
    for label in ["a", "b", "c"] {
        machine.add_github(label).exits(0);
        machine.run(&["remove", &format!("github:{label}"), "--yes"]).exits(0);
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    machine.run(&["watch", "--since", "x"]).exits(2).warns("--since");
}

#[cfg(unix)]
#[test]
fn the_record_is_followed_by_what_happens_and_each_is_told_once() {
    use rustix::process::{Pid, Signal, kill_process};

    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.run(&["rename", "github", "home"]).exits(0);
    let id = machine.run(&["show", "github", "--json"]).exits(0).json()["id"].clone();
    for arguments in [&["events", "--follow", "--json"][..], &["events", "github", "--follow", "--json"]] {
        let mut follow = Watch::of(&machine, arguments);
        let events: Vec<_> = (0..2).map(|_| follow.next()).collect();
        events.iter().for_each(|event| check(event, "event"));
        assert_eq!((&events[0]["event"], &events[1]["event"]), (&"connected".into(), &"renamed".into()));
        // Events that occur while the record is printed are printed after it.
        let label = format!("label-{}", arguments.len());
        machine.run(&["rename", "github", &label]).exits(0);
        let mut next = follow.next();
        while next["event"] == "renamed" && next["details"]["label"] != label.as_str() {
            next = follow.next();
        }
        assert_eq!((&next["details"]["label"], &next["connection"]), (&label.as_str().into(), &id));
        kill_process(Pid::from_child(&follow.0), Signal::INT).unwrap();
        assert_eq!(follow.0.wait().unwrap().code(), Some(0));
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut follow.1, &mut rest).unwrap();
        assert_eq!(rest, "", "nothing is told twice");
    }
    // The output for people, about a connection that was removed.
    machine.run(&["remove", "github", "--yes"]).exits(0);
    let mut follow = Watch::of(&machine, &["events", id.as_str().unwrap(), "--follow"]);
    let mut lines = String::new();
    while !lines.contains("removed") {
        assert_ne!(follow.1.read_line(&mut lines).unwrap(), 0, "{lines}");
    }
    assert!(lines.contains("connected") && lines.contains("before: work, label: home"), "{lines}");
    kill_process(Pid::from_child(&follow.0), Signal::INT).unwrap();
    assert_eq!(follow.0.wait().unwrap().code(), Some(0));
    machine.run(&["events", "github", "--follow"]).exits(5);
}
