//! `mcp adopt`: the configurations of other programs, and their way back.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    mcp_server::{McpServer, Wants},
    program::{Machine, check, contents},
};

/// The configurations of eight programs, each with a server that is to be adopted.
fn configurations(address: &str) -> [(&'static str, String); 8] {
    let json = |list: &str, member: &str| {
        format!(
            "{{\n  // Kept as it is.\n  \"{list}\": {{\n    \"tickets\": {{ \"{member}\": \"{address}\" }},\n    \"files\": {{ \"command\": \"npx\", \"args\": [\"files-mcp\"] }},\n  }}\n}}\n"
        )
    };
    let remote = format!(
        "{{\"mcpServers\":{{\"tickets\":{{\"command\":\"npx\",\"args\":[\"-y\",\"mcp-remote\",\"{address}\"]}}}}}}"
    );
    [
        (".claude.json", json("mcpServers", "url").replace("\"url\"", "\"type\": \"http\", \"url\"")),
        (".config/Claude/claude_desktop_config.json", remote),
        (".codex/config.toml", format!("model = 'any'\n\n[mcp_servers.tickets] # the team's\nurl = '{address}'\n")),
        (".cursor/mcp.json", json("mcpServers", "url")),
        (".gemini/settings.json", json("mcpServers", "httpUrl")),
        (".config/opencode/opencode.json", json("mcp", "url").replace("\"url\"", "\"type\": \"remote\", \"url\"")),
        (".config/Code/User/mcp.json", json("servers", "url")),
        (".codeium/windsurf/mcp_config.json", json("mcpServers", "serverUrl")),
    ]
}

struct Clients {
    machine: Machine,
    server: McpServer,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Clients {
    fn new() -> Self {
        let (machine, server) = (Machine::new(), McpServer::start(Wants::Nothing));
        for (name, text) in configurations(&server.address) {
            machine.write(name, text.as_bytes());
        }
        let files = configurations(&server.address).map(|(name, text)| (machine.path(name), text.into_bytes()));
        Self { machine, server, files: files.to_vec() }
    }

    fn list(&self) -> Vec<Value> {
        let list = self.machine.run(&["mcp", "adopt", "--list", "--json"]).exits(0).json();
        list.as_array().unwrap().clone()
    }

    #[track_caller]
    fn are_as_before(&self) {
        for (path, content) in &self.files {
            let now = std::fs::read(path).unwrap();
            assert!(now == *content, "{}: {}", path.display(), String::from_utf8_lossy(&now));
        }
    }

    fn records(&self) -> Vec<(PathBuf, Vec<u8>)> {
        contents(&self.machine.data().join("mcp-adopted"))
    }
}

#[test]
fn the_servers_of_eight_programs_are_adopted_with_one_connection_and_come_back_byte_for_byte() {
    let clients = Clients::new();
    let machine = &clients.machine;
    let list = clients.list();
    assert_eq!(list.len(), 8, "{list:#?}");
    for server in &list {
        check(server, "mcpServer");
        assert_eq!((&server["obstacle"], &server["connection"]), (&Value::Null, &Value::Null), "{server}");
    }
    clients.are_as_before();
    let adopted = machine.run(&["mcp", "adopt", "tickets", "--yes"]).exits(0);
    assert_eq!(adopted.out.matches("through a connection now").count(), 8, "{}{}", adopted.out, adopted.err);
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json().as_array().unwrap().len(), 1);
    let id = machine.run(&["show", "mcp", "--json"]).exits(0).json()["id"].as_str().unwrap().to_owned();
    for server in clients.list() {
        assert_eq!(server["connection"], id, "{server}");
    }
    // Everything else stays.
    let cursor = std::fs::read_to_string(machine.path(".cursor/mcp.json")).unwrap();
    assert!(cursor.contains("// Kept as it is.") && cursor.contains("files-mcp"), "{cursor}");
    // The command in the configuration finds the connection without the environment of this test.
    let codex = std::fs::read_to_string(machine.path(".codex/config.toml")).unwrap();
    assert!(codex.contains("--data-dir") && codex.contains("--config") && codex.contains(&id), "{codex}");
    machine.run(&["mcp", "adopt", "tickets"]).exits(5).warns("no configuration has a server 'tickets'");

    let undone = machine.run(&["mcp", "adopt", "--undo"]).exits(0);
    assert_eq!(undone.out.matches("has its former configuration").count(), 8, "{}", undone.out);
    clients.are_as_before();
    assert_eq!(clients.records(), []);
    // A connection that leads to the server already is used again.
    machine.run(&["mcp", "adopt", &clients.server.address, "--yes"]).exits(0).warns("is connected already");
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_configuration_that_was_changed_is_not_overwritten() {
    let clients = Clients::new();
    let machine = &clients.machine;
    machine.run(&["mcp", "adopt", "tickets", "--yes"]).exits(0);
    let path = machine.path(".cursor/mcp.json");
    let changed = std::fs::read_to_string(&path).unwrap().replace("Kept as it is.", "Changed.");
    std::fs::write(&path, &changed).unwrap();
    machine.run(&["mcp", "adopt", "--undo"]).exits(6).warns("was changed by another program");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), changed);
    // The record stays, so nothing of the former content is lost.
    let records = clients.records();
    let [(record, content)] = records.as_slice() else { panic!("{records:?}") };
    assert!(String::from_utf8_lossy(content).contains("Kept as it is."));
    std::fs::remove_file(record).unwrap();
    machine.run(&["mcp", "adopt", "--undo"]).exits(0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), changed);
}

/// A process that was killed leaves a record, and the file before or after its change.
#[test]
fn a_replacement_that_was_killed_is_finished_by_the_next_run() {
    let clients = Clients::new();
    let machine = &clients.machine;
    machine.run(&["mcp", "adopt", "tickets", "--yes"]).exits(0);
    for (path, original) in &clients.files {
        let replaced = std::fs::read(path).unwrap();
        let records = clients.records();
        let is_of_file =
            |content: &[u8]| serde_json::from_slice::<Value>(content).unwrap()["file"] == path.to_str().unwrap();
        let (record, content) = records.iter().find(|(_, content)| is_of_file(content)).unwrap();
        let at = |stage: &str| {
            let mut record: Value = serde_json::from_slice(content).unwrap();
            record["stage"] = stage.into();
            record.to_string()
        };
        // No server is left to adopt, so the command does nothing else.
        for before in [original, &replaced] {
            std::fs::write(record, at("planned")).unwrap();
            std::fs::write(path, before).unwrap();
            machine.run(&["mcp", "adopt"]).exits(0).warns("no server to adopt");
            assert_eq!(std::fs::read(path).unwrap(), replaced);
            assert!(std::fs::read_to_string(record).unwrap().contains("\"replaced\""));
        }
        std::fs::write(record, at("undoing")).unwrap();
        machine.run(&["mcp", "adopt", "--undo"]).exits(0);
        clients.are_as_before();
        machine.run(&["mcp", "adopt", "tickets"]).exits(0);
    }
}

#[test]
fn what_cannot_be_adopted_is_listed_with_its_reason() {
    let machine = Machine::new();
    let text = r#"{ "mcpServers": {
        "old": { "type": "sse", "url": "https://mcp.example.com/sse" },
        "keyed": { "url": "https://mcp.example.com/mcp?key=s3cret", "headers": { "A": "1", "B": "2" } },
        "computed": { "url": "https://mcp.example.com/mcp", "headers": { "Authorization": "Bearer ${TOKEN}" } }
    } }"#;
    machine.write(".cursor/mcp.json", text.as_bytes());
    machine.write(".gemini/settings.json", b"{ \"mcpServers\": ");
    let list = machine.run(&["mcp", "adopt", "--list"]).exits(0).says("server-sent events");
    let list = list.says("several headers").says("depends on TOKEN").says("key=…").warns("not valid JSON");
    assert!(!list.out.contains("s3cret"), "{}", list.out);
    machine.run(&["mcp", "adopt", "old"]).exits(5).warns("no configuration has a server 'old'");
    machine.run(&["mcp", "adopt", "--json"]).exits(2);
}

#[test]
fn a_key_in_a_header_moves_into_the_connection() {
    let (machine, server) = (Machine::new(), McpServer::start(Wants::Header("x-key", "s3cret-of-tickets")));
    let text = format!(
        r#"{{"mcpServers":{{"tickets":{{"url":"{}","headers":{{"X-Key":"s3cret-of-tickets"}}}}}}}}"#,
        server.address
    );
    machine.write(".cursor/mcp.json", text.as_bytes());
    let adopted = machine.run(&["mcp", "adopt", "tickets", "--yes"]).exits(0);
    assert!(!format!("{}{}", adopted.out, adopted.err).contains("s3cret"));
    let now = std::fs::read_to_string(machine.path(".cursor/mcp.json")).unwrap();
    assert!(!now.contains("s3cret") && now.contains("proxy"), "{now}");
    machine.run(&["verify", "mcp"]).exits(0);
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let clients = Clients::new();
    clients.machine.run(&["mcp", "adopt"]).exits(2).warns("nobody can be asked").warns("connections mcp adopt NAME");
    clients.are_as_before();
}

#[cfg(unix)]
#[test]
fn a_person_picks_servers_from_a_list() {
    use crate::terminal::{end, enter, start};

    let clients = Clients::new();
    let mut session = start(&clients.machine, &["mcp", "adopt"]);
    session.exp_string("Which servers to adopt?").unwrap();
    session.exp_string("tickets").unwrap();
    enter(&mut session, " ");
    let rest = end(session, 0);
    assert!(rest.contains("Cursor uses tickets through a connection now"), "{rest}");
}

/// A link to a file elsewhere, as of people who keep their configurations in version control, stays a link.
#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt as _;

    let clients = Clients::new();
    let machine = &clients.machine;
    let (link, target) = (machine.path(".cursor/mcp.json"), machine.path("dotfiles/cursor.json"));
    machine.write("dotfiles/cursor.json", &std::fs::read(&link).unwrap());
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    machine.run(&["mcp", "adopt", "tickets", "--yes"]).exits(0);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(std::fs::read_to_string(&target).unwrap().contains("proxy"));
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    machine.run(&["mcp", "adopt", "--undo"]).exits(0);
    clients.are_as_before();
    assert_eq!(contents(&machine.path("dotfiles")).len(), 1);
}
