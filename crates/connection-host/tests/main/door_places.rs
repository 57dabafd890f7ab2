//! The other places of the doors: a Unix socket, an origin of their own, and a container that has the socket.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    process::Command,
};

use connection_faults::skip_notice;
use serde_json::Value;

use crate::{
    program::{Machine, check},
    serve::{Serving, machine, remote::Remote},
    tooled::{program, signed_in, text},
};

const RULES: &[u8] = b"[[rule]]\nname = \"read\"\nmethods = [\"GET\"]\npath = \"/**\"\neffect = \"allow\"\n";

const GUIDE: &str = include_str!("../../../../docs/guide/agents.md");
const COMMAND: &str = "curl --unix-socket /run/connections/doors/socket -H \"Authorization: Bearer $AGENT_TOKEN\" \
                       http://localhost/use/github:octocat/user";

/// Returns a machine with an agent that may read with an account of GitHub, and a token of the agent.
fn with_agent() -> (Machine, String) {
    let machine = machine();
    machine.add_github("octocat").exits(0);
    machine.write("rules.toml", RULES);
    let token = machine.run(&["agents", "create", "deploy"]).exits(0).out.trim().to_owned();
    machine.run(&["agents", "grant", "deploy", "github", "--rules", "rules.toml", "--yes"]).exits(0);
    (machine, token)
}

/// Configures the socket, in a directory of its own.
fn set_socket(machine: &mut Machine) -> PathBuf {
    let directory = machine.path("doors");
    std::fs::create_dir(&directory).unwrap();
    let socket = directory.join("socket");
    machine.set("CONNECTIONS_INBOUND__UNIX_SOCKET", &text(&socket));
    socket
}

/// Sends a request to the socket, and returns the whole answer.
fn asked(socket: &Path, path: &str, headers: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: doors.test:4000\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_doors_alone_are_open_at_the_socket_until_the_server_ends() {
    let (mut machine, token) = with_agent();
    let socket = set_socket(&mut machine);
    let serving = Serving::start(&machine);
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o666);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let answer = asked(&socket, "/use/github:octocat/user", &bearer);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("octocat"), "{answer}");
    // The command of the guide, with the path of this socket.
    assert!(GUIDE.contains(COMMAND));
    let command = COMMAND.replacen("curl", "curl -sS", 1).replace("/run/connections/doors/socket", &text(&socket));
    let mut shell = machine.command_of_system("sh");
    shell.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("AGENT_TOKEN", &token);
    let output = shell.args(["-c", &command]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("octocat"), "{output:?}");
    // The next page is asked for at the address that the client uses.
    let head = "content-type: application/json\r\nlink: <https://api.github.com/user/repos?page=2>; rel=\"next\"\r\n";
    machine.provider.tell(200, head, "[]");
    let answer = asked(&socket, "/use/github:octocat/user/repos", &bearer);
    assert!(answer.contains("<http://doors.test:4000/use/github:octocat/user/repos?page=2>"), "{answer}");
    machine.provider.behave();
    for (path, headers, status) in [
        ("/use/github:octocat/user", "", 401),
        ("/use/github:octocat/user", "Sec-Fetch-Site: none\r\n", 403),
        ("/", &*bearer, 404),
        ("/connections", &bearer, 404),
        ("/healthz", "", 404),
    ] {
        let answer = asked(&socket, path, headers);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
    }
    let second = machine.run(&["serve", "--json"]).exits(1);
    let message = format!("another program listens at the socket {}", socket.display());
    second.warns(&message);
    serving.signal("TERM");
    assert_eq!(serving.ended().0, 0);
    assert!(!socket.exists());
}

#[test]
fn doors_with_an_origin_of_their_own_are_nowhere_else() {
    let (mut machine, token) = with_agent();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", "https://connections.example");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    machine.set("CONNECTIONS_INBOUND__LISTEN", &free.to_string());
    let here = format!("http://localhost:{}", free.port());
    for (url, problem) in [
        ("https://connections.example", "has an origin of the page and the API"),
        (&*here, "has an origin of the page and the API"),
        ("https://doors.example/below", "has a path"),
        ("http://doors.example", "is not encrypted"),
    ] {
        machine.set("CONNECTIONS_INBOUND__DOORS_URL", url);
        machine.run(&["serve"]).exits(2).warns(problem);
    }
    machine.set("CONNECTIONS_INBOUND__DOORS_URL", "https://doors.example");
    machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    let serving = Serving::start(&machine);
    let curl = |host: &str, path: &str| {
        let mut curl = machine.command_of_system("curl");
        curl.env("PATH", "/usr/local/bin:/usr/bin:/bin").args(["-sS", "-i", "--noproxy", "*", "-H"]);
        curl.args([&format!("Host: {host}"), "-H", &format!("Authorization: Bearer {token}")]);
        let output = curl.arg(format!("http://{}{path}", serving.address)).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let answer = curl("doors.example", "/use/github:octocat/user");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("octocat"), "{answer}");
    let answer = curl("connections.example", "/use/github:octocat/user");
    assert!(answer.starts_with("HTTP/1.1 421 ") && answer.contains("use the address https://doors.example"), "{answer}");
    for path in ["/", "/connections", "/healthz", "/callback/-/proof", "/app.js"] {
        assert!(curl("doors.example", path).starts_with("HTTP/1.1 421 "), "{path}");
    }
    assert!(curl("connections.example", "/").starts_with("HTTP/1.1 200 "), "the control");

    // A program that runs as an agent gets their address, here and on another machine.
    let shows = ["agents", "run", "deploy", "--", "/bin/sh", "-c", "echo $AGENT_DOOR"];
    machine.set("CONNECTIONS_INBOUND__LISTEN", &serving.address.to_string());
    machine.run(&shows).exits(0).says("https://doors.example/use\n");
    drop(serving);
    Remote::of(machine, "manage").run(&shows).exits(0).says("https://doors.example/use\n");
}

/// An engine that runs the program of a container with `bwrap`: with the mounts and the variables of the arguments, and
/// without a network. The tools beside it are in the container, too.
const ENGINE: &str = r#"#!/bin/bash
case "$*" in *cn_*) echo "a token is among the arguments"; exit 99 ;; esac
mounts=() variables=()
while [ $# -gt 0 ]; do
  case "$1" in
    --volume) mounts+=(--ro-bind "${2%%:*}" "$(cut -d: -f2 <<< "$2")"); shift 2 ;;
    --env) case "$2" in *=*) variables+=("$2") ;; *) variables+=("$2=${!2}") ;; esac; shift 2 ;;
    --entrypoint) shift 3; break ;;
    *) shift ;;
  esac
done
exec bwrap --unshare-net --unshare-pid --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \
  --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp --tmpfs /run \
  --ro-bind "$(dirname "$0")" /opt/tools "${mounts[@]}" --clearenv \
  /usr/bin/env PATH=/opt/tools:/usr/bin "${variables[@]}" "$@"
"#;

/// A tool that runs its arguments.
const TOOL: &str = r#"#!/bin/sh
case "$1" in --version) echo "2.1.0 (Claude Code)"; exit 0 ;; esac
exec "$@"
"#;

const RUN: [&str; 9] =
    ["run", "claude", "--profile", "work", "--sandbox", "--with", "deploy", "--workspace", "project"];

/// Puts the engine and the tool on the path, with a profile and a workspace.
fn equip(machine: &mut Machine) {
    program(machine, "podman", ENGINE);
    program(machine, "claude", TOOL);
    machine.set("PATH", &format!("{}:/usr/bin:/bin", machine.path("bin").display()));
    let work = signed_in(machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    std::fs::create_dir(machine.path("project")).unwrap();
}

/// The tool reads with the variables of GitHub, and shows what it has.
const READS: &str = "curl -sS -H \"Authorization: token $GITHUB_TOKEN\" \"$GITHUB_API_URL/user\"; echo; env; \
                     ls /run/connections/doors; curl -sS -m 9 http://192.0.2.1 2> /dev/null || echo no network; exit 7";

#[test]
fn a_tool_in_a_container_without_a_network_uses_the_doors_of_an_agent() {
    let starts = Command::new("bwrap").args(["--ro-bind", "/", "/", "--unshare-net", "/bin/true"]).status();
    if !starts.is_ok_and(|status| status.success()) {
        return skip_notice::say("of a tool in a container with doors", "`bwrap` does not start a program here");
    }
    let (mut machine, token) = with_agent();
    set_socket(&mut machine);
    equip(&mut machine);
    machine.set("CONNECTIONS_SANDBOX__NETWORK", "none");
    machine.run(&RUN).exits(1).warns("no server listens at the socket");
    let serving = Serving::start(&machine);

    let shown = machine.run(&[&RUN[..], &["--dry-run", "--json"]].concat()).exits(0).json();
    check(&shown, "run");
    assert!(shown["secretEnv"].as_array().unwrap().contains(&Value::from("AGENT_TOKEN")), "{shown}");
    let line = machine.run(&[&RUN[..], &["--dry-run"]].concat()).exits(0).out;
    assert!(line.contains("AGENT_TOKEN=\"$AGENT_TOKEN\"") && !line.contains("cn_"), "{line}");

    let ran = machine.run(&[&RUN[..], &["--", "sh", "-c", READS]].concat()).exits(7);
    let ran = ran.says("octocat").says("\nno network\n").says("\nsocket\n");
    let of_run = ran.variable("AGENT_TOKEN").unwrap();
    assert_eq!(ran.variable("GITHUB_TOKEN"), Some(of_run));
    let door = ran.variable("AGENT_DOOR").unwrap();
    assert!(door.starts_with("http://127.0.0.1:") && ran.variable("GITHUB_API_URL").unwrap().starts_with(door));
    assert!(of_run.starts_with("cn_") && of_run != token);
    let agent = machine.run(&["agents", "show", "deploy", "--json"]).exits(0).json();
    let of_run = agent["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "run of claude").unwrap();
    assert_ne!(of_run["revokedAt"], Value::Null, "{agent}");

    // The next server makes another socket in the same directory.
    drop(serving);
    let _serving = Serving::start(&machine);
    machine.run(&[&RUN[..], &["--", "sh", "-c", READS]].concat()).exits(7).says("octocat");
}

#[test]
fn a_container_sees_nothing_beside_the_socket_and_gets_each_variable_once() {
    let (mut machine, _) = with_agent();
    equip(&mut machine);
    machine.run(&["run", "claude", "--with", "deploy"]).exits(2).warns("--sandbox");
    machine.run(&RUN).exits(2).warns("inbound.unix_socket is not set");
    let socket = set_socket(&mut machine);
    let _serving = Serving::start(&machine);
    std::fs::write(socket.with_file_name("notes"), "private").unwrap();
    machine.run(&RUN).exits(2).warns("also has 'notes', which the container would see");
    std::fs::remove_file(socket.with_file_name("notes")).unwrap();
    let directory = socket.parent().unwrap();
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o777)).unwrap();
    machine.run(&RUN).exits(2).warns("other users can write the directory");
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    machine.set("GITHUB_TOKEN", "of the person");
    machine.run(&[&RUN[..], &["--env", "GITHUB_TOKEN"]].concat()).exits(2).warns("set GITHUB_TOKEN, which is set already");
    machine.run(&["agents", "revoke", "deploy", "github"]).exits(0);
    machine.run(&RUN).exits(6).warns("may use nothing");
}
