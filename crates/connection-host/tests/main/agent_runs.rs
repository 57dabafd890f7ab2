//! `agents run`: a program with a token of an agent, and with the variables of the agent's connections.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    program::{Machine, Ran},
    provider::{OTHER_TOKEN, leaks},
    serve::{Serving, machine, remote::Remote},
};

const RULES: &[u8] = b"[[rule]]\nname = \"read\"\nmethods = [\"GET\"]\npath = \"/**\"\neffect = \"allow\"\n";
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
const READS: &str = "curl -sS --noproxy '*' -H \"Authorization: token $GITHUB_TOKEN\" \"$GITHUB_API_URL/user\" > answer";

/// Lets the agent `deploy` read with a connection.
fn grant(machine: &Machine, connection: &str) {
    machine.write("rules.toml", RULES);
    machine.run(&["agents", "grant", "deploy", connection, "--rules", "rules.toml", "--yes"]).exits(0);
}

/// A machine with an agent that may read with an account of GitHub, and a server.
fn serving() -> (Machine, Serving) {
    let mut machine = machine();
    machine.set("PATH", PATH);
    machine.add_github("octocat").exits(0);
    machine.run(&["agents", "create", "deploy"]).exits(0);
    grant(&machine, "github:octocat");
    let serving = Serving::start(&machine);
    machine.set("CONNECTIONS_INBOUND__LISTEN", &serving.address.to_string());
    (machine, serving)
}

fn shell(machine: &Machine, arguments: &[&str], script: &str) -> Ran {
    let arguments = [&["agents", "run", "deploy"], arguments, &["--", "/bin/sh", "-c", script]].concat();
    machine.run(&arguments)
}

/// Returns the variables that the program wrote into a file.
fn got(machine: &Machine) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(machine.path("got")).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn id(machine: &Machine, connection: &str) -> String {
    machine.run(&["show", connection, "--json"]).exits(0).json()["id"].as_str().unwrap().to_owned()
}

/// Checks that the token of the run is revoked, and that the door refuses it.
#[track_caller]
fn is_revoked(machine: &Machine, token: &str) {
    let shown = machine.run(&["agents", "show", "deploy", "--json"]).exits(0).json();
    let run = shown["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "run of sh").unwrap();
    assert_ne!(run["revokedAt"], Value::Null, "{shown}");
    let address = format!("{}/github:octocat/user", got(machine)["AGENT_DOOR"]);
    let status = || {
        let mut curl = machine.command_of_system("curl");
        curl.args(["-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "-H"]);
        let output = curl.args([&format!("Authorization: Bearer {token}"), &address]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // The server sees the revocation, which another process made, within half a second.
    assert!((0..1000).any(|_| status() == "401"), "the token is still accepted");
}

#[test]
fn a_program_uses_the_connections_of_an_agent_until_it_ends() {
    let (machine, serving) = serving();
    let ran = shell(&machine, &[], &format!("{READS}; env > got; exit 7")).exits(7);
    assert!(std::fs::read_to_string(machine.path("answer")).unwrap().contains("octocat"));
    let got = got(&machine);
    let door = format!("http://{}/use", serving.address);
    assert_eq!(got["AGENT_DOOR"], door);
    assert_eq!(got["GITHUB_API_URL"], format!("{door}/{}", id(&machine, "github")));
    assert_eq!(got["GITHUB_GRAPHQL_URL"], format!("{}/graphql", got["GITHUB_API_URL"]));
    let token = &got["GITHUB_TOKEN"];
    assert!(token.starts_with("cn_") && got["AGENT_TOKEN"] == *token, "{got:?}");
    assert!(!got.keys().any(|name| name.starts_with("CONNECTIONS_")), "{got:?}");
    assert!(!ran.out.contains(token) && !ran.err.contains(token), "{ran:?}");
    let sent = machine.provider.seen().pop().unwrap();
    assert_eq!((&*sent.path, leaks(&sent)), ("/user", false));
    assert!(!format!("{sent:?}").contains(token), "{sent:?}");
    is_revoked(&machine, token);
}

#[test]
fn a_signal_ends_the_program_and_its_token() {
    let (machine, _serving) = serving();
    let script = "env > got; trap 'exit 9' TERM; kill -TERM $PPID; while :; do :; done";
    shell(&machine, &[], script).exits(9);
    is_revoked(&machine, &got(&machine)["AGENT_TOKEN"]);
    // A program that does not start has no token either.
    machine.run(&["agents", "run", "deploy", "--", "/nothing"]).exits(5);
    let shown = machine.run(&["agents", "show", "deploy", "--json"]).exits(0).json();
    let run = shown["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "run of nothing").unwrap();
    assert_ne!(run["revokedAt"], Value::Null, "{shown}");
}

#[test]
fn of_two_connections_that_set_the_same_variables_the_default_one_or_a_named_one_is_used() {
    let (machine, _serving) = serving();
    let token = machine.write("other", OTHER_TOKEN.as_bytes());
    let token = format!("accessToken=@{token}");
    machine.run(&["add", "github", "--label", "other", "--again", "--field", &token]).exits(0);
    grant(&machine, "github:other");
    let used = |arguments: &[&str]| {
        shell(&machine, arguments, "env > got").exits(0);
        got(&machine)["GITHUB_API_URL"].rsplit('/').next().unwrap().to_owned()
    };
    let [octocat, other] = ["github:octocat", "github:other"].map(|connection| id(&machine, connection));
    assert_eq!(used(&[]), octocat);
    assert_eq!(used(&["--connection", "github:other"]), other);
    machine.run(&["default", "github:octocat", "--clear"]).exits(0);
    for arguments in [&[][..], &["--connection", "github:other", "--connection", "github:octocat"]] {
        let refused = shell(&machine, arguments, "exit 0").exits(2);
        let refused = refused.warns("would set the same variables").warns("--connection");
        assert!(refused.err.contains("github:octocat") && refused.err.contains("github:other"), "{refused:?}");
    }
    assert_eq!(used(&["--connection", "github:octocat"]), octocat);
    machine.run(&["agents", "revoke", "deploy", "github:other"]).exits(0);
    shell(&machine, &["--connection", "github:other"], "exit 0").exits(6).warns("may not use github:other");
    assert_eq!(used(&[]), octocat);
}

#[test]
fn an_agent_without_a_grant_and_a_machine_without_a_server_run_nothing() {
    let (mut machine, serving) = serving();
    machine.run(&["agents", "create", "idle"]).exits(0);
    let run = ["agents", "run", "idle", "--", "/bin/sh", "-c", "exit 0"];
    machine.run(&run).exits(6).warns("the agent idle may use nothing").warns("agents grant idle");
    machine.run(&["agents", "run", "nobody", "--", "/bin/sh", "-c", "exit 0"]).exits(5);
    serving.kill();
    shell(&machine, &[], "exit 0").exits(1).warns("no server of this database runs").warns("connections serve");
    // Another server that listens there gets no token.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    machine.set("CONNECTIONS_INBOUND__LISTEN", &other.local_addr().unwrap().to_string());
    drop(other);
    shell(&machine, &[], "exit 0").exits(1);
}

#[test]
fn with_a_host_the_program_uses_the_door_of_that_host() {
    let mut remote = Remote::start("manage");
    remote.client.set("PATH", PATH);
    remote.server.add_github("octocat").exits(0);
    remote.server.run(&["agents", "create", "deploy"]).exits(0);
    grant(&remote.server, "github:octocat");
    let script = format!("{READS}; env > got; exit 7");
    let ran = remote.run(&["agents", "run", "deploy", "--", "/bin/sh", "-c", &script]).exits(7);
    assert!(std::fs::read_to_string(remote.client.path("answer")).unwrap().contains("octocat"));
    let got = got(&remote.client);
    assert!(!got.keys().any(|name| name.starts_with("CONNECTIONS_")), "{got:?}");
    assert!(!ran.out.contains(&got["AGENT_TOKEN"]), "{ran:?}");
    let shown = remote.server.run(&["agents", "show", "deploy", "--json"]).exits(0).json();
    let run = shown["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "run of sh").unwrap();
    assert_ne!(run["revokedAt"], Value::Null, "{shown}");
}
