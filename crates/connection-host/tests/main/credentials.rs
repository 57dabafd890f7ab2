//! `credential` with the programs for which it is: git, cargo, an AWS SDK, the protocol of docker, and Claude Code. Each
//! gets the secret from the connection, for the hosts of the kind alone, and nothing else has it.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use connection_contract::encode::base64;
use connection_faults::{
    double::{Double, Seen},
    script::Script,
};
use serde_json::{Value, json};

use crate::{genuine, program::Machine};

const TOKEN: &str = "0123456789SECRETgitea";
const AWS_ID: &str = "AKIA0123456789EXAMPLE";
const AWS_KEY: &str = "0123456789SECRETaws";

/// Returns the headers `Authorization` of the requests so far.
fn authorizations(server: &Double) -> Vec<Option<String>> {
    server.seen().iter().map(|seen| seen.headers.get("authorization").cloned()).collect()
}

/// Answers with the files of a directory, if a request has this header `Authorization`.
fn files(
    directory: PathBuf,
    authorization: String,
    challenge: &'static str,
) -> impl Fn(&Seen) -> (u16, String, Vec<u8>) {
    move |seen| {
        if seen.headers.get("authorization") != Some(&authorization) {
            return (401, format!("www-authenticate: {challenge}\r\n"), Vec::new());
        }
        let path = seen.path.split('?').next().unwrap_or_default().trim_start_matches('/');
        match std::fs::read(directory.join(path)) {
            Ok(content) => (200, String::new(), content),
            Err(_) => (404, String::new(), Vec::new()),
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

/// Adds an account at a Gitea, and an agent whose grant has these options.
fn machine(origin: &str, options: &[&str]) -> Machine {
    let machine = Machine::new();
    let credential = json!({ "address": origin, "token": TOKEN });
    let row = json!({ "kind": "gitea", "label": "work", "identity": { "id": "7", "label": "ada" }, "credential": credential });
    machine.feed(&["import", "-"], &row.to_string()).exits(0);
    machine.run(&["agents", "create", "deploy"]).exits(0);
    machine.run(&[&["agents", "grant", "deploy", "gitea:work", "--yes"], options].concat()).exits(0);
    machine
}

/// Returns a command with the environment of the machine, and with programs of the system.
fn command(machine: &Machine, program: &str) -> Command {
    let mut command = machine.command_of_system(program);
    command.env("PATH", path());
    command
}

#[expect(clippy::disallowed_methods, reason = "a test that runs a program has to find it")]
fn path() -> String {
    std::env::var("PATH").unwrap()
}

fn connections() -> &'static str {
    env!("CARGO_BIN_EXE_connections")
}

#[track_caller]
fn done(output: Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    out.into_owned()
}

fn uses(machine: &Machine) -> Vec<(String, String, String, String)> {
    let uses = machine.run(&["uses", "--json"]).exits(0).json();
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let line = |of: &Value| (text(of, "door"), text(of, "command"), of["secrets"].to_string(), text(of, "outcome"));
    uses.as_array().unwrap().iter().map(line).collect()
}

/// Makes a bare repository with one commit in a directory.
fn repository(machine: &Machine) -> PathBuf {
    let (work, served) = (machine.path("work"), machine.path("served"));
    std::fs::create_dir_all(&work).unwrap();
    let git = |arguments: &[&str]| {
        let mut git = command(machine, "git");
        let names = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"];
        done(
            git.args(arguments).current_dir(&work).envs(names.map(|name| (name, "ada@example.com"))).output().unwrap(),
        );
    };
    std::fs::write(work.join("plan.txt"), "hello\n").unwrap();
    git(&["init", "--quiet"]);
    git(&["add", "plan.txt"]);
    git(&["commit", "--quiet", "--message", "A plan"]);
    let bare = served.join("acme/site.git");
    git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    // Without a program on the server, git reads the repository as files (gitprotocol-http(5), "Dumb clients").
    git(&["--git-dir", bare.to_str().unwrap(), "update-server-info"]);
    served
}

#[test]
fn git_clones_with_the_credential_of_a_connection() {
    let files_of = Machine::new();
    let served = repository(&files_of);
    let server = Double::start(|_| files(served, basic("ada", TOKEN), "Basic realm=\"gitea\""));
    let machine = machine(server.origin(), &["--release"]);
    let url = format!("{}/acme/site.git", server.origin());
    let clone = |directory: &str| {
        let helper = format!("credential.helper=!'{}' credential git --agent deploy", connections());
        let mut git = command(&machine, "git");
        git.args(["-c", &helper, "clone", "--quiet", &url, directory]).env("GIT_TERMINAL_PROMPT", "0").output().unwrap()
    };
    done(clone("site"));
    assert_eq!(std::fs::read_to_string(machine.path("site/plan.txt")).unwrap(), "hello\n");
    let config = std::fs::read_to_string(machine.path("site/.git/config")).unwrap();
    assert!(!config.contains(TOKEN), "{config}");
    let released = ("helper".to_owned(), "git".to_owned(), "[\"token\"]".to_owned(), "released".to_owned());
    assert_eq!(uses(&machine), [released]);
    machine.run(&["uses"]).exits(0).says(&format!("secret token for git at {}", server.origin()));

    // Without the release, git is told to ask nobody else, and the person reads why.
    machine.run(&["agents", "grant", "deploy", "gitea:work", "--rules", "everything", "--yes"]).exits(0);
    let refused = clone("again");
    let err = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && err.contains("lets no secret be handed out"), "{err}");
    assert!(err.contains("told us to quit"), "{err}");
}

#[test]
fn git_is_answered_for_the_hosts_of_the_kind_alone() {
    let machine = machine("http://127.0.0.1:9", &["--release"]);
    let ask = |request: &str| machine.feed(&["credential", "git", "--agent", "deploy", "get"], request);
    let request = |host: &str| format!("protocol=http\nhost={host}\npath=acme/site.git\n\n");
    let answer = ask(&request("127.0.0.1:9")).exits(0).out;
    assert_eq!(answer, format!("username=ada\npassword={TOKEN}\n"));
    for host in [
        "127.0.0.1",
        "127.0.0.1:90",
        "localhost:9",
        "github.com",
        "127.0.0.1:9@evil.example",
        "127.0.0.1:9/.evil.example",
        "127.0.0.1:9?.evil.example",
        "127.0.0.1:9#.evil.example",
        "127.0.0.1:9\\.evil.example",
        "127.0.0.1:9\r",
        "127.0.0.1:9 ",
        "",
    ] {
        assert_eq!(ask(&request(host)).exits(0).out, "", "{host}");
    }
    assert_eq!(ask("protocol=https\nhost=127.0.0.1:9\n\n").exits(0).out, "");
    let of_user = |user: &str| ask(&format!("protocol=http\nhost=127.0.0.1:9\nusername={user}\n\n")).exits(0).out;
    assert_eq!((of_user("ada"), of_user("bob")), (answer.clone(), String::new()));
    // What comes after the empty line is no part of the request, and a value may have `=`.
    assert_eq!(ask("protocol=http\nhost=127.0.0.1\n\nhost=127.0.0.1:9\n").exits(0).out, "");
    let store = machine.feed(&["credential", "git", "--agent", "deploy", "store"], &request("127.0.0.1:9"));
    assert_eq!(store.exits(0).out, "");
    let unknown = machine.feed(&["credential", "git", "--agent", "nobody", "get"], &request("127.0.0.1:9"));
    assert_eq!(unknown.exits(5).warns("no agent 'nobody'").out, "quit=1\n");
    machine.run(&["freeze", "--agent", "deploy"]).exits(0).says("token");
    assert_eq!(ask(&request("127.0.0.1:9")).exits(6).warns("frozen").out, "quit=1\n");
}

#[test]
fn a_credential_that_git_reports_as_refused_is_checked() {
    let server = Double::start(|_| files(PathBuf::new(), String::new(), "Basic"));
    let machine = machine(server.origin(), &["--release"]);
    let request =
        format!("protocol=http\nhost={}\nusername=ada\npassword=x\n\n", server.origin().trim_start_matches("http://"));
    machine.feed(&["credential", "git", "--agent", "deploy", "erase"], &request).exits(0);
    assert_eq!(authorizations(&server), [Some(format!("token {TOKEN}"))]);
    let shown = machine.run(&["show", "gitea:work", "--json"]).exits(0).json();
    assert_eq!(shown["liveness"], "failing", "{shown}");
}

/// Makes the package `demo` and the files of a sparse index that has it (Cargo's reference, "Index Format").
fn index(machine: &Machine, origin: &str) -> PathBuf {
    let (source, served) = (machine.path("demo"), machine.path("served"));
    std::fs::create_dir_all(source.join("src")).unwrap();
    let manifest = "[package]\nname = \"demo\"\nversion = \"1.2.3\"\nedition = \"2021\"\n";
    std::fs::write(source.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(source.join("src/lib.rs"), "pub fn seven() -> u8 { 7 }\n").unwrap();
    let mut package = cargo(machine);
    package.args(["package", "--quiet", "--no-verify", "--allow-dirty", "--offline"]).current_dir(&source);
    done(package.output().unwrap());
    let archive = source.join("target/package/demo-1.2.3.crate");
    let checksum = done(command(machine, "sha256sum").arg(&archive).output().unwrap());
    let checksum = checksum.split_whitespace().next().unwrap();
    let below = "api/packages/acme/cargo";
    let write = |path: &str, content: &[u8]| {
        let path = served.join(below).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    let config = json!({ "dl": format!("{origin}/{below}/dl/{{crate}}"), "api": origin, "auth-required": true });
    write("config.json", config.to_string().as_bytes());
    let line = json!({
        "name": "demo", "vers": "1.2.3", "deps": [], "cksum": checksum, "features": {}, "yanked": false,
    });
    write("de/mo/demo", format!("{line}\n").as_bytes());
    write("dl/demo", &std::fs::read(&archive).unwrap());
    served
}

/// Returns cargo with a home of its own.
fn cargo(machine: &Machine) -> Command {
    let mut command = command(machine, env!("CARGO"));
    command.env("CARGO_HOME", machine.path("cargo")).env("RUSTC", Path::new(env!("CARGO")).with_file_name("rustc"));
    command
}

#[test]
fn cargo_fetches_a_package_of_a_private_registry() {
    let packages = Machine::new();
    let server = Double::start(|origin| files(index(&packages, origin), format!("Bearer {TOKEN}"), "Cargo"));
    let machine = machine(server.origin(), &["--release"]);
    let registry = format!("sparse+{}/api/packages/acme/cargo/", server.origin());
    let provider = |agent: &str| {
        let program = connections();
        let words = format!("[\"{program}\", \"credential\", \"cargo\", \"--agent\", \"{agent}\"]");
        let config = format!("[registries.acme]\nindex = \"{registry}\"\ncredential-provider = {words}\n");
        machine.write("cargo/config.toml", config.as_bytes());
    };
    machine.write("app/src/lib.rs", b"");
    let manifest = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n\
                    demo = { version = \"1\", registry = \"acme\" }\n";
    machine.write("app/Cargo.toml", manifest.as_bytes());
    let fetch = || cargo(&machine).args(["fetch", "--quiet"]).current_dir(machine.path("app")).output().unwrap();
    provider("deploy");
    done(fetch());
    let lock = std::fs::read_to_string(machine.path("app/Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"demo\"\nversion = \"1.2.3\""), "{lock}");
    let [released] = &*uses(&machine) else { panic!("cargo keeps the token for the command that it runs") };
    assert_eq!(released, &("helper".into(), "cargo".into(), "[\"token\"]".into(), "released".into()));

    std::fs::remove_dir_all(machine.path("cargo/registry")).unwrap();
    provider("nobody");
    let refused = fetch();
    let err = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && err.contains("no agent 'nobody'"), "{err}");
}

#[test]
fn cargo_is_answered_by_its_protocol() {
    let machine = machine("http://127.0.0.1:9", &["--release"]);
    let ask = |kind: &str, index: &str, words: &[&str]| {
        let request = json!({ "v": 1, "registry": { "index-url": index, "name": "acme" }, "kind": kind, "operation": "read", "args": words });
        let ran = machine.feed(&["--cargo-plugin"], &format!("{request}\n"));
        let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0], json!({ "v": [1] }));
        lines[1].clone()
    };
    let index = "sparse+http://127.0.0.1:9/api/packages/acme/cargo/";
    let words = ["credential", "cargo", "--agent", "deploy"];
    let token =
        json!({ "kind": "get", "token": format!("Bearer {TOKEN}"), "cache": "session", "operation_independent": true });
    assert_eq!(ask("get", index, &words), json!({ "Ok": token }));
    assert_eq!(ask("get", index, &words[2..]), json!({ "Ok": token }));
    let elsewhere = ask("get", "sparse+https://index.crates.io/", &words);
    assert_eq!(elsewhere, json!({ "Err": { "kind": "url-not-supported" } }));
    assert_eq!(ask("login", index, &words), json!({ "Err": { "kind": "operation-not-supported" } }));
    let nameless = ask("get", index, &[]);
    assert!(nameless["Err"]["message"].as_str().unwrap().contains("names no agent"), "{nameless}");
    // By hand, the agent is an argument.
    let request = json!({ "v": 1, "registry": { "index-url": index }, "kind": "get", "args": [] });
    let ran = machine.feed(&["credential", "cargo", "--agent", "deploy"], &format!("{request}\n")).exits(0);
    assert!(ran.out.contains(TOKEN), "{}", ran.out);
    let nonsense = machine.feed(&["credential", "cargo"], "no JSON\n").exits(0);
    assert!(nonsense.out.contains("\"kind\":\"other\""), "{}", nonsense.out);
}

/// Writes a program that docker finds under this name.
fn docker_helper(machine: &Machine, name: &str, arguments: &str) {
    let script = format!("#!/bin/sh\nexec '{}' credential docker {arguments} \"$@\"\n", connections());
    let path = machine.write(&format!("bin/docker-credential-{name}"), script.as_bytes());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Returns the environment in which programs of the machine run.
fn environment(machine: &Machine) -> BTreeMap<String, String> {
    let command = command(machine, "true");
    let own =
        command.get_envs().filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())));
    let mut all: BTreeMap<String, String> = own.collect();
    all.insert("PATH".to_owned(), format!("{}:{}", machine.path("bin").display(), path()));
    all
}

fn call(script: &mut Script, request: &Value) -> Value {
    script.write(&request.to_string()).unwrap();
    let answer: Value = serde_json::from_str(&script.line().unwrap()).unwrap();
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].clone()
}

#[test]
fn a_client_of_docker_gets_a_credential_by_the_protocol_of_docker() {
    let Some((mut script, _)) = Script::start("clients.py", "") else { return };
    let machine = machine("http://127.0.0.1:9", &["--release"]);
    docker_helper(&machine, "connections", "--agent deploy");
    docker_helper(&machine, "nobody", "--agent nobody");
    let mut ask = |program: &str| {
        let servers = ["http://127.0.0.1:9", "127.0.0.1:9", "ghcr.io"];
        call(
            &mut script,
            &json!({ "client": "docker", "program": program, "servers": servers, "environment": environment(&machine) }),
        )
    };
    let credential = json!({ "ServerURL": "http://127.0.0.1:9", "Username": "ada", "Secret": TOKEN });
    assert_eq!(ask("connections"), json!([credential, "not found", "not found", {}]));
    let refused = ask("nobody");
    assert!(refused[0].as_str().unwrap().contains("no agent 'nobody'"), "{refused}");
    // Docker has nothing to store or to erase.
    for action in ["store", "erase"] {
        let said = machine.feed(&["credential", "docker", "--agent", "deploy", action], "{}").exits(6);
        assert!(said.out.contains("comes from a connection"), "{said:?}");
    }
}

#[test]
fn an_sdk_of_aws_signs_with_the_keys_of_a_connection() {
    let Some((mut script, _)) = Script::start("clients.py", "") else { return };
    let identity = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                    <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let server = Double::start(|_| move |_: &Seen| (200, "content-type: text/xml\r\n".to_owned(), identity));
    let machine = Machine::new();
    let credential =
        json!({ "accessKeyId": AWS_ID, "secretAccessKey": AWS_KEY, "service": "sts", "region": "eu-central-1" });
    let row = |label: &str| {
        json!({ "kind": "aws", "label": label, "identity": { "id": label }, "credential": credential }).to_string()
    };
    machine.feed(&["import", "-"], &[row("sts"), row("other")].join("\n")).exits(0);
    machine.run(&["agents", "create", "deploy"]).exits(0);
    machine.run(&["credential", "aws", "--agent", "deploy"]).exits(5).warns("answers the AWS SDKs");
    machine.run(&["agents", "grant", "deploy", "aws:sts", "--release", "--yes"]).exits(0);
    let process = format!("credential_process = '{}' credential aws --agent deploy\n", connections());
    let config = machine.write("aws-config", format!("[profile deploy]\n{process}").as_bytes());
    let mut environment = environment(&machine);
    environment.insert("AWS_CONFIG_FILE".to_owned(), config);
    let call = call(
        &mut script,
        &json!({ "client": "credential_process", "url": server.origin(), "environment": environment }),
    );
    assert_eq!(call, json!(["123456789012", AWS_ID, AWS_KEY, null]));
    let [Some(signed)] = &*authorizations(&server) else { panic!("one request is signed") };
    assert!(signed.starts_with(&format!("AWS4-HMAC-SHA256 Credential={AWS_ID}/")), "{signed}");
    // The protocol names nothing by which one of two could be chosen.
    machine.run(&["agents", "grant", "deploy", "aws:other", "--release", "--yes"]).exits(0);
    machine.run(&["default", "aws", "--clear"]);
    let several = machine.run(&["credential", "aws", "--agent", "deploy"]).exits(2);
    assert!(several.err.contains("everal connections of deploy answer"), "{several:?}");
    let named = machine.run(&["credential", "aws", "--agent", "deploy", "--connection", "aws:other"]);
    assert!(named.out.contains(AWS_KEY), "{named:?}");
}

#[test]
fn headers_are_printed_for_an_address_of_a_connection_and_claude_code_sends_them() {
    let server = Double::start(|_| |_: &Seen| (401, String::new(), ""));
    let machine = machine(server.origin(), &["--release"]);
    let ask = |address: &str| machine.run(&["credential", "headers", "--agent", "deploy", address]);
    let url = format!("{}/mcp", server.origin());
    let headers: Value = serde_json::from_str(&ask(&url).out).unwrap();
    assert_eq!(headers, json!({ "authorization": format!("token {TOKEN}") }));
    ask("https://evil.example/mcp").exits(5).warns("answers https://evil.example");
    ask("nonsense").exits(2);
    let with_query = ask(&format!("{url}?team=a%20b")).exits(0);
    assert!(with_query.out.contains(TOKEN), "{with_query:?}");

    let Some(claude) = genuine::program_of("claude", "@anthropic-ai/claude-code/cli-wrapper.cjs") else { return };
    let helper = format!("'{}' credential headers --agent deploy", connections());
    let entry = json!({ "type": "http", "url": url, "headersHelper": helper });
    let claude = |arguments: &[&str]| {
        let mut command = command(&machine, "node");
        // Nothing of the tool itself is sent.
        command.env("HTTPS_PROXY", "http://127.0.0.1:9").env("NO_PROXY", "127.0.0.1");
        command.arg(&claude).args(arguments).stdin(Stdio::null());
        command.output().unwrap()
    };
    done(claude(&["mcp", "add-json", "--scope", "user", "gitea", &entry.to_string()]));
    server.take_seen();
    let listed = claude(&["mcp", "list"]);
    let sent = authorizations(&server);
    assert!(sent.contains(&Some(format!("token {TOKEN}"))), "{sent:?} {listed:?}");
    let config = std::fs::read_to_string(machine.path(".claude.json")).unwrap();
    assert!(!config.contains(TOKEN));
    assert!(Path::new(connections()).is_file());
}
