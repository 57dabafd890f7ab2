//! `freeze` and `thaw`: what they stop, what they print, and what is refused.

use serde_json::json;

use crate::{
    program::{Machine, check},
    serve::{machine, remote::Remote},
};

#[test]
fn a_frozen_connection_is_not_used_and_is_marked_until_it_is_thawed() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.run(&["send", "github", "/user"]).exits(0);
    let froze = machine.run(&["freeze", "--connection", "github:work"]).exits(0);
    froze.says("Froze connection ").says("which concerns 1 connection").warns("connections thaw --connection ");
    machine.run(&["send", "github", "/user"]).exits(6).warns("is frozen").warns("connections thaw --connection ");
    let error = machine.run(&["send", "github", "/user", "--json"]).exits(6).error();
    assert_eq!(error["error"]["code"], "frozen");
    machine.run(&["verify", "github"]).exits(0);
    machine.run(&["list"]).exits(0).says("frozen");
    machine.run(&["show", "github"]).exits(0).says("frozen        yes");
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json()[0]["frozen"], true);
    machine.run(&["freeze", "--connection", "github"]).exits(0).says("Already frozen: connection ");
    machine
        .run(&["freeze", "--list"])
        .exits(0)
        .says("connection ")
        .says("command")
        .says("connections thaw --connection");
    machine.run(&["thaw", "--connection", "github"]).exits(0).says("Thawed connection ");
    machine.run(&["thaw", "--connection", "github"]).exits(0).says("Not frozen by itself: connection ");
    machine.run(&["send", "github", "/user"]).exits(0);
    machine.run(&["events", "github"]).exits(0).says("frozen").says("thawed");
    machine.run(&["freeze", "--list"]).exits(0).says("Nothing is frozen.").says("was thawed");
}

#[test]
fn owners_kinds_and_everything_are_frozen_by_their_options() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.run(&["freeze", "--owner", "local"]).exits(0).says("Froze owner local, which concerns 1 connection");
    machine.run(&["freeze", "--kind", "GitHub"]).exits(0).says("Froze kind github");
    machine.run(&["freeze", "--kind", "notion"]).exits(0).says("Froze kind notion, which concerns no connection");
    machine.run(&["freeze", "--all"]).exits(0).says("Froze everything, which concerns 1 connection");
    machine.run(&["send", "github", "/user"]).exits(6).warns("everything is frozen").warns("connections thaw --all");
    machine.run(&["thaw", "--all"]).exits(0).says("Thawed everything").warns("Still frozen: owner local, kind github");
    machine.run(&["thaw", "--owner", "local"]).exits(0).says("Thawed owner local");
    machine.run(&["send", "github", "/user"]).exits(6).warns("kind 'github' is frozen");
    machine.run(&["thaw", "--kind", "github"]).exits(0);
    machine.run(&["send", "github", "/user"]).exits(0);
    for refused in
        [&["freeze"][..], &["thaw"], &["freeze", "--all", "--kind", "github"], &["freeze", "--all", "--list"]]
    {
        machine.run(refused).exits(2);
    }
    machine.run(&["freeze"]).exits(2).warns("--agent, --connection, --kind, --owner and --all");
    machine.run(&["freeze", "--agent", "nobody"]).exits(5).warns("there is no agent 'nobody'");
    machine.run(&["freeze", "--connection", "github:nobody"]).exits(5);
}

#[test]
fn the_shapes_are_those_of_the_specification() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let froze = machine.run(&["freeze", "--connection", "github", "--json"]).exits(0).json();
    check(&froze, "froze");
    assert_eq!((&froze["wasFrozen"], &froze["released"]), (&json!(false), &json!([])));
    let list = machine.run(&["freeze", "--list", "--json"]).exits(0).json();
    check(&list, "freezes");
    check(&list["items"][0], "freeze");
    check(&list["changes"][0], "freezeChange");
    check(&machine.run(&["thaw", "--connection", "github", "--json"]).exits(0).json(), "thawed");
}

#[test]
fn a_server_is_frozen_from_another_machine() {
    let server = machine();
    server.add_github("work").exits(0);
    let remote = Remote::of(server, "admin");
    let run = |arguments: &[&str]| remote.client.run(&remote.arguments(arguments));
    run(&["freeze", "--all"]).exits(0).says("Froze everything").warns("thaw --all");
    run(&["send", "github", "/user"]).exits(6).warns("everything is frozen");
    // The local command on the machine of the server sees it, too.
    remote.server.run(&["send", "github", "/user"]).exits(6);
    run(&["freeze", "--list"]).exits(0).says("everything").says("token ");
    remote.server.run(&["thaw", "--all"]).exits(0);
    run(&["list"]).exits(0).says("github:work");
}

/// The section of the guide: each command in its block works, and is undone by the same option.
#[test]
fn the_commands_of_the_guide_freeze_and_thaw() {
    let guide = include_str!("../../../../docs/guide/agents.md");
    let block =
        guide.split("\n## Freeze\n").nth(1).unwrap().split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    for line in block.lines() {
        let arguments: Vec<&str> = line.split(' ').skip(1).collect();
        let thaw = [&["thaw"], &arguments[1..]].concat();
        if arguments.contains(&"--agent") {
            machine.run(&arguments).exits(5).warns("there is no agent 'deploy'");
            continue;
        }
        machine.run(&arguments).exits(0).says("Froze ");
        machine.run(&thaw).exits(0).says("Thawed ");
    }
    machine.run(&["send", "github", "/user"]).exits(0);
}
