//! `uses`: what it prints, follows, exports and erases.

use serde_json::Value;

use crate::{
    program::{Machine, check},
    record::Watch,
    serve::{machine, remote::Remote},
};

#[test]
fn uses_are_listed_selected_exported_and_erased() {
    let machine = Machine::new();
    machine.run(&["uses"]).exits(0).says("No use is recorded.");
    machine.add_github("work").exits(0);
    machine.run(&["send", "github", "/user?private=1"]).exits(0);
    machine.run(&["send", "github", "/nothing"]);
    let list = machine.run(&["uses", "github:work"]).exits(0).says("GET /user").says("command").says("200");
    assert!(!list.out.contains("private"), "{}", list.out);
    let json = machine.run(&["uses", "--json", "--limit", "1"]).exits(0).json();
    assert_eq!((json.as_array().unwrap().len(), &json[0]["path"]), (1, &"/nothing".into()));
    check(&json[0], "use");
    machine.run(&["uses", "--since", "1h"]).exits(0).says("GET /user");
    machine.run(&["uses", "--until", "2020-01-01T00:00:00Z"]).exits(0).says("No use is recorded.");
    machine.run(&["uses", "--outcome", "denied"]).exits(0).says("No use is recorded.");
    machine.run(&["uses", "--outcome", "lost"]).exits(2).warns("--outcome");
    machine.run(&["uses", "--since", "soon"]).exits(2).warns("--since");
    machine.run(&["uses", "--agent", "nobody"]).exits(5).warns("there is no agent 'nobody'");
    machine.run(&["uses", "--token", "x"]).exits(2).warns("--token");

    let exported = machine.run(&["uses", "export"]).exits(0).out;
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2, "{exported}");
    let event = events.last().unwrap();
    // What the class API Activity of OCSF requires.
    assert_eq!((&event["class_uid"], &event["category_uid"]), (&6003.into(), &6.into()));
    assert_eq!((&event["activity_id"], &event["type_uid"]), (&2.into(), &600_302.into()));
    assert_eq!((&event["status_id"], &event["severity_id"]), (&1.into(), &1.into()));
    for required in ["/time", "/metadata/version", "/metadata/product", "/actor", "/api/operation", "/src_endpoint"] {
        assert!(event.pointer(required).is_some_and(|value| !value.is_null()), "{required}: {event}");
    }
    assert_eq!(event.pointer("/http_request/url/path"), Some(&"/user".into()));

    machine.run(&["uses", "erase", "--before", "1s"]).exits(2).warns("--yes");
    machine.run(&["uses", "erase", "--before", "2100-01-01T00:00:00Z", "--yes"]).exits(0).says("Erased 4 entries.");
    machine.run(&["uses"]).exits(0).says("No use is recorded.");
    let erased = machine.run(&["uses", "erase", "--before", "1d", "--yes", "--json"]).exits(0).json();
    check(&erased, "erasedUses");
}

#[test]
fn the_uses_of_a_server_are_listed_with_a_token() {
    let machine = machine();
    machine.add_github("octocat").exits(0);
    let remote = Remote::of(machine, "admin");
    remote.run(&["send", "github", "/user"]).exits(0);
    remote.run(&["uses", "github"]).exits(0).says("GET /user").says("api").says("200");
    let erase = ["uses", "erase", "--before", "2100-01-01T00:00:00Z", "--yes"];
    remote.run(&erase).exits(0).says("Erased 2 entries.");
}

#[cfg(unix)]
#[test]
fn the_last_uses_are_followed_by_those_that_happen_and_each_is_told_once() {
    use rustix::process::{Pid, Signal, kill_process};

    let machine = Machine::new();
    machine.add_github("work").exits(0);
    for path in ["/a", "/b", "/user"] {
        machine.run(&["send", "github", path]);
    }
    let mut follow = Watch::of(&machine, &["uses", "--follow", "--json", "--limit", "2"]);
    let paths = [follow.next(), follow.next()].map(|of| of["path"].clone());
    assert_eq!(paths, ["/b", "/user"], "the last two, the older one first");
    for path in ["/c", "/d"] {
        machine.run(&["send", "github", path]);
        let next = follow.next();
        assert_eq!((&next["path"], &next["status"].is_null()), (&path.into(), &false));
        check(&next, "use");
    }
    kill_process(Pid::from_child(&follow.0), Signal::INT).unwrap();
    assert_eq!(follow.0.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut follow.1, &mut rest).unwrap();
    assert_eq!(rest, "", "nothing is told twice");
}
