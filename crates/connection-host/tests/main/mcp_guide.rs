//! The guide for MCP servers: each command that it shows is run here.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    mcp::{begin, called, is_echoed, with_sign_in},
    mcp_server::{McpServer, Wants},
    program::Machine,
    real::browsed,
    terminal::{end, enter, start},
};

const GUIDE: &str = include_str!("../../../../docs/guide/mcp.md");
/// The address in the guide, which these tests replace.
const ADDRESS: &str = "https://mcp.example.com/mcp";

/// Returns the commands in the text of the guide.
fn shown() -> BTreeSet<&'static str> {
    GUIDE.split('`').skip(1).step_by(2).filter(|code| code.starts_with("connections ")).collect()
}

/// The commands, as far as they were run.
struct Commands {
    left: BTreeSet<&'static str>,
}

impl Commands {
    /// Returns the arguments of a command of the guide, and notes that it is run.
    #[track_caller]
    fn take<'a>(&mut self, command: &'a str) -> Vec<&'a str> {
        assert!(self.left.remove(command), "the guide does not show {command:?}, or it was run already");
        command.split(' ').skip(1).collect()
    }
}

#[test]
fn every_command_of_the_guide_is_run() {
    let Some((_provider, server)) = with_sign_in() else { return };
    let (machine, open) = (Machine::new(), McpServer::start(Wants::Nothing));
    let mut commands = Commands { left: shown() };

    let mut adding = commands.take("connections add https://mcp.example.com/mcp");
    assert_eq!(adding.pop(), Some(ADDRESS));
    adding.extend([&*server.address, "--label", "work", "--no-browser", "--yes"]);
    let mut adding = begin(&machine, &adding);
    browsed(&adding.link());
    adding.end().exits(0).says("mcp:work");

    let mut asking = start(&machine, &commands.take("connections add mcp"));
    asking.exp_string("Address of the server").unwrap();
    enter(&mut asking, &open.address);
    assert!(end(asking, 0).contains("Connected"));

    let proxy = commands.take("connections mcp proxy LABEL");
    assert_eq!(proxy, ["mcp", "proxy", "LABEL"]);
    is_echoed(&called(&machine, "work"));
    let block = GUIDE.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let entry: Value = serde_json::from_str(block).unwrap();
    let entry = &entry["mcpServers"]["example"];
    assert_eq!(
        (entry["command"].as_str(), &entry["args"][0], &entry["args"][1]),
        (Some("connections"), &Value::from("mcp"), &Value::from("proxy"))
    );
    is_echoed(&called(&machine, entry["args"][2].as_str().unwrap()));

    let mut again = commands.take("connections reauthorize mcp:work");
    again.extend(["--no-browser", "--yes"]);
    let mut again = begin(&machine, &again);
    browsed(&again.link());
    again.end().exits(0).says("Reauthorized");

    let text = format!(r#"{{"mcpServers":{{"NAME":{{"url":"{}"}}}}}}"#, open.address);
    machine.write(".cursor/mcp.json", text.as_bytes());
    let read = || std::fs::read_to_string(machine.path(".cursor/mcp.json")).unwrap();
    machine.run(&commands.take("connections mcp adopt --list")).exits(0).says("can be adopted");
    machine.run(&commands.take("connections mcp adopt NAME")).exits(0).says("Cursor uses NAME");
    assert!(read().contains("proxy"));
    machine.run(&commands.take("connections mcp adopt --undo")).exits(0);
    assert_eq!(read(), text);
    let mut picking = start(&machine, &commands.take("connections mcp adopt"));
    picking.exp_string("Which servers to adopt?").unwrap();
    enter(&mut picking, " ");
    assert!(end(picking, 0).contains("Cursor uses NAME"));
    assert_eq!(commands.left, BTreeSet::new(), "these commands of the guide are not run");
}
