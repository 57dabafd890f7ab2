//! `--host`: commands of another machine work on a server, with the output that they have on its own machine.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{Serving, machine};
use crate::{
    imports::github,
    many::{MANY, import, place, rows},
    program::{Machine, Ran, check},
    provider::{OTHER_TOKEN, TOKEN, leaks},
    refresh,
};

const AT_THE_SERVER: &str = "run this command on the machine of the server, without --host";

/// A server, and another machine with a token for it.
pub(crate) struct Remote {
    pub(crate) server: Machine,
    pub(super) serving: Serving,
    /// The address at which the other machine reaches the server.
    url: String,
    pub(crate) client: Machine,
}

impl Remote {
    /// Starts a server, and makes a token with this role.
    pub(crate) fn start(role: &str) -> Self {
        Self::of(machine(), role)
    }

    pub(crate) fn of(server: Machine, role: &str) -> Self {
        Self::at(Serving::start(&server), server, role)
    }

    fn at(serving: Serving, server: Machine, role: &str) -> Self {
        let mut client = Machine::new();
        client.set("CONNECTIONS_HOST_TOKEN", &made(&server, role));
        let url = format!("http://{}", serving.address);
        Self { server, serving, url, client }
    }

    pub(crate) fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [&["--host", self.url.as_str()], arguments].concat()
    }

    /// Runs a command of the other machine on the server.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.client.run(&self.arguments(arguments));
        assert!(!self.client.data().exists(), "{arguments:?} makes something on the machine of the person");
        ran
    }

    /// Runs a command on the machine of the server and on the other one, and compares what they print.
    #[track_caller]
    pub(crate) fn check(&self, arguments: &[&str], exit: i32) -> Ran {
        let local = self.server.run(arguments).exits(exit);
        let remote = self.run(arguments).exits(exit);
        assert_eq!(settled(&self.unnamed(&remote.out)), settled(&local.out), "{arguments:?}");
        remote
    }

    /// Returns an output with the hints that the machine of the server has.
    pub(crate) fn unnamed(&self, out: &str) -> String {
        out.replace(&format!("connections --host {} ", self.url), "connections ")
    }
}

#[test]
fn a_lost_answer_to_a_refresh_names_the_command_that_authorizes_again() {
    let mut server = refresh::connected();
    server.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    let mut command = server.example("renewing");
    command.args(["serve", "--json"]);
    let remote = Remote::at(Serving::of(command), server, "manage");
    remote.server.provider.tell(503, "", "");
    remote.run(&["refresh", "renewing"]).exits(4).warns("may have been used");
    for arguments in [&["refresh", "renewing"][..], &["refresh", "renewing", "--json"]] {
        let ran = remote.run(arguments).exits(4).warns("may have been used");
        let command = format!("`connections --host {} reauthorize renewing:ada`", remote.url);
        ran.warns(&format!("authorize it again with {command} now, or wait: the next attempt is at 20"));
    }
}

/// Makes a token, and returns its text.
fn made(server: &Machine, role: &str) -> String {
    server.run(&["tokens", "create", "another machine", "--role", role]).exits(0).out.trim().to_owned()
}

/// Returns an output without what differs from one run to the next: the times that are relative to now.
fn settled(out: &str) -> String {
    let line = |line: &str| {
        line.rsplit_once(" (").filter(|(_, rest)| rest.contains("ago")).map_or(line, |(line, _)| line).to_owned()
    };
    // The endpoint of the test is a setting of the server's machine.
    let lines = out.lines().filter(|line| !line.starts_with("mapping")).map(line);
    lines.map(|line| line.replace(" (now)", "")).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_printed_is_what_the_machine_of_the_server_prints() {
    let remote = Remote::start("manage");
    remote.check(&["list"], 0).says("Nothing is connected yet");
    remote.check(&["list", "--json"], 0);
    remote.check(&["events", "--json"], 0);
    remote.server.add_github("work").exits(0);
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["list", "--kind", "github", "--state", "live", "--label", "work"],
        &["list", "--kind", "notion"],
        &["list", "--label", "other", "--json"],
        &["list", "--expiring"],
        &["show", "github"],
        &["show", "github:work", "--json"],
        &["events"],
        &["events", "github"],
        &["events", "github", "--json"],
        &["send", "github", "GET", "/user"],
        &["send", "github", "GET", "/user", "--json"],
    ] {
        remote.check(arguments, 0);
    }
    let shown = remote.run(&["show", "github", "--json"]).exits(0).json();
    check(&shown, "connection");
    let id = shown["id"].as_str().unwrap();
    remote.check(&["show", id, "--json"], 0);
    remote.check(&["show", &id[id.len() - 8..]], 0);
    remote.run(&["verify", "--all"]).exits(0).says("github:work");
    check(&remote.run(&["verify", "github", "--json"]).exits(0).json()[0], "connection");
    for (arguments, exit) in [
        (&["show", "gothub"][..], 5),
        (&["show", "github:other"], 5),
        (&["show", "notion"], 5),
        (&["show", "ffffffff"], 5),
        (&["events", "nothing-here"], 5),
        (&["send", "github", "GET", "user"], 2),
        (&["send", "github", "GET", "/../user"], 2),
        (&["list", "--state", "sideways"], 2),
        (&["remove", "github"], 2),
    ] {
        let error = remote.check(arguments, exit).err;
        assert_eq!(remote.unnamed(&error), remote.server.run(arguments).err, "{arguments:?}");
    }
}

#[test]
fn an_ambiguous_name_and_a_missing_connection_say_what_to_do_on_the_server() {
    let remote = Remote::start("manage");
    let token = remote.client.write("token", TOKEN.as_bytes());
    let field = format!("accessToken=@{token}");
    remote.run(&["add", "github", "--label", "work", "--field", &field]).exits(0);
    remote.run(&["add", "github", "--label", "home", "--again", "--field", &field]).exits(0);
    remote.server.run(&["default", "github:work", "--clear"]).exits(0);
    let error = remote.run(&["show", "github"]).exits(2).err;
    assert!(error.contains("github:work") && error.contains("github:home"), "{error}");
    let error = remote.run(&["show", "nothing"]).exits(5).err;
    assert!(error.contains(&format!("connections --host {} list", remote.url)), "{error}");
    remote.server.run(&["default", "github:home"]).exits(0);
    assert_eq!(remote.run(&["show", "github", "--json"]).exits(0).json()["label"], "home");
    let removed = remote.run(&["remove", "--kind", "github", "--yes", "--json"]).exits(0).json();
    removed.as_array().unwrap().iter().for_each(|one| check(one, "removed"));
    assert_eq!(removed.as_array().unwrap().len(), 2);
    remote.server.run(&["list"]).exits(0).says("Nothing is connected");
}

#[test]
fn an_account_is_connected_authorized_again_and_removed() {
    let mut remote = Remote::start("manage");
    remote.client.set("GITHUB_TOKEN", TOKEN);
    remote.client.set("OTHER_TOKEN", OTHER_TOKEN);
    let added = remote.run(&["add", "github", "--label", "work", "--from-env", "accessToken=GITHUB_TOKEN", "--json"]);
    check(&added.exits(0).json(), "connection");
    let again = &["add", "github", "--from-env", "accessToken=GITHUB_TOKEN"];
    remote.run(again).exits(6).warns("--again connects it once more");
    let reauthorized = remote.run(&["reauthorize", "github", "--from-env", "accessToken=OTHER_TOKEN"]);
    reauthorized.exits(0).says("Reauthorized octocat (github:work) · live");
    // Nothing is begun without an answer, and nothing is left of a refused one.
    remote.run(&["add", "notion"]).exits(2).warns("nobody can be asked for apiKey of 'notion'");
    remote.client.set("WRONG", "ntn_wrong");
    remote.run(&["add", "notion", "--from-env", "apiKey=WRONG"]).exits(3).warns("nothing was kept");
    remote.run(&["add", "notion", "--from-env", "key=WRONG"]).exits(2).warns("'notion' has no field 'key'");
    remote.run(&["add", "gothub"]).exits(5).warns("Did you mean 'github'?");
    remote.run(&["add", "github", "--device"]).exits(2).warns("does not support device codes");
    let refused =
        remote.run(&["add", "github", "--profile", "x"]).exits(2).warns("--profile does not work with --host");
    refused.warns("a profile is a directory of the server's machine").warns(AT_THE_SERVER);
    remote.server.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    remote.run(&["remove", "github", "--yes"]).exits(0).says("Removed octocat (github:work)");
    remote.server.run(&["list"]).exits(0).says("Nothing is connected");
    assert!(remote.server.provider.seen().iter().all(|seen| !leaks(seen)));
}

#[test]
fn a_provider_that_refuses_is_reported_as_on_the_machine_of_the_server() {
    let remote = Remote::start("manage");
    remote.server.add_github("work").exits(0);
    remote.server.provider.tell(401, "", r#"{"message":"Bad credentials"}"#);
    let refused =
        remote.run(&["send", "github", "GET", "/user", "-i"]).exits(1).says("HTTP 401").says("Bad credentials");
    assert!(refused.err.contains("answered 401") && refused.err.contains(" reauthorize github:work`"), "{}", refused.err);
    remote.run(&["verify", "github"]).exits(4).says("failing").says(" reauthorize github:work");
    remote.check(&["list"], 0);
    remote.check(&["show", "github"], 0);
}

#[test]
fn a_token_that_is_missing_refused_or_too_weak_is_an_error_that_says_what_to_do() {
    let mut remote = Remote::start("read");
    remote.run(&["list"]).exits(0);
    let weak = remote.run(&["add", "github", "--json"]).exits(2).error();
    assert_eq!(weak["error"]["code"], "input_required");
    remote.client.set("GITHUB_TOKEN", TOKEN);
    let weak = remote.run(&["add", "github", "--from-env", "accessToken=GITHUB_TOKEN", "--json"]).exits(6).error();
    assert_eq!(weak["error"]["code"], "not_allowed");
    let remedy = weak["error"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("use a token with the role 'manage'") && remedy.contains("tokens create"), "{remedy}");

    let ended = remote.server.run(&["tokens", "revoke", "another machine"]).exits(0);
    ended.says("Revoked");
    let refused = remote.run(&["list", "--json"]).exits(6).error();
    assert_eq!(refused["error"]["code"], "unauthenticated");
    let remedy = refused["error"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("CONNECTIONS_HOST_TOKEN") && remedy.contains("connections tokens create"), "{remedy}");

    remote.client.unset("CONNECTIONS_HOST_TOKEN");
    let missing = remote.run(&["list", "--json"]).exits(2).error();
    assert_eq!(missing["error"]["code"], "host_token_missing");
    remote.client.set("CONNECTIONS_HOST_TOKEN", "canary with spaces");
    let wrong = remote.run(&["list"]).exits(2).err;
    assert!(!wrong.contains("canary") && wrong.contains("tokens create"), "{wrong}");

    // A file has the token, too, and takes precedence.
    let file = remote.client.write("host-token", format!("{}\n", made(&remote.server, "read")).as_bytes());
    remote.run(&["list", "--host-token-file", &file]).exits(0);
    let hinted = remote.run(&["show", "nothing", "--host-token-file", &file]).exits(5).err;
    assert!(hinted.contains(&format!("--host {} --host-token-file {file} list", remote.url)), "{hinted}");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    remote.run(&["list", "--host-token-file", &file]).exits(2).warns("chmod");
    remote.run(&["list", "--host-token-file", "/nowhere"]).exits(2).warns("--host-token-file");
}

#[test]
fn a_token_for_every_owner_acts_for_the_one_that_is_named() {
    let remote = Remote::start("manage");
    let mut client = Machine::new();
    let made = remote.server.run(&["tokens", "create", "all", "--role", "read", "--every-owner"]).exits(0);
    client.set("CONNECTIONS_HOST_TOKEN", made.out.trim());
    let token = remote.server.write("token", TOKEN.as_bytes());
    let field = format!("accessToken=@{token}");
    remote.server.run(&["add", "github", "--owner", "ada", "--field", &field]).exits(0);
    client.run(&remote.arguments(&["list", "--owner", "ada"])).exits(0).says("github:octocat");
    client.run(&remote.arguments(&["list"])).exits(0).says("Nothing is connected");
    let other = remote.run(&["list", "--owner", "ada"]).exits(6).warns("the token is for another owner");
    other.warns("use a token of that owner, or one for every owner");
    let refused = client.run(&remote.arguments(&["list", "--all-owners"])).exits(2);
    refused.warns("a server lists the connections of one owner at a time").warns("--owner").warns(AT_THE_SERVER);
}

#[test]
fn a_server_that_cannot_be_reached_or_is_none_is_named() {
    let mut client = Machine::new();
    client.set("CONNECTIONS_HOST_TOKEN", "cn_token");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let error = client.run(&["--host", &url, "list", "--json"]).exits(1).error();
    assert_eq!(error["error"]["code"], "host_unreachable");
    assert!(error["error"]["message"].as_str().unwrap().starts_with(&format!("cannot reach {url}: ")), "{error}");
    let error = client.run(&["--host", &client.provider.origin, "list", "--json"]).exits(1).error();
    assert_eq!(error["error"]["code"], "host_unexpected");
    for (url, part) in [
        ("http://connections.example", "neither encrypted nor on this machine"),
        ("connections.example", "not an http or https address"),
        ("https://ada:canary@connections.example", "a user name or a password"),
    ] {
        let error = client.run(&["--host", url, "list", "--json"]).exits(2).error();
        assert_eq!(error["error"]["code"], "host_invalid");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(part) && !message.contains("canary"), "{message}");
    }
    assert!(!client.data().exists());
}

#[test]
fn a_connection_is_renamed_and_made_the_default_from_another_machine() {
    let remote = Remote::start("manage");
    remote.server.add_github("work").exits(0);
    remote.run(&["rename", "github", "home"]).exits(0).says("Renamed github:work to github:home");
    remote.run(&["default", "github", "--clear"]).exits(0).says("is no longer the default of github");
    let body = remote.run(&["default", "github:home", "--json"]).exits(0).json();
    assert_eq!((&body["label"], &body["isDefault"]), (&"home".into(), &true.into()));
    remote.server.run(&["show", "github:home"]).exits(0);
    remote.run(&["rename", "github:work", "x"]).exits(5);
}

#[test]
fn a_command_that_works_on_its_own_machine_alone_is_refused() {
    let remote = Remote::start("manage");
    let nobody = Machine::new();
    for (arguments, named) in [
        (&["kinds", "add", "acme.json"][..], "`connections kinds add`"),
        (&["backup", "x"], "`connections backup`"),
        (&["serve"], "`connections serve`"),
        (&["key", "rotate"], "`connections key rotate`"),
        (&["exec", "issues", "--", "list"], "`connections exec`"),
    ] {
        // It does not matter that there is no token.
        let refused = nobody.run(&remote.arguments(arguments)).exits(2);
        let refused = refused.warns(&format!("{named} does not work with --host"));
        refused.warns(AT_THE_SERVER);
    }
    remote.run(&["list", "--database", "sqlite:x.db"]).exits(2).warns("--database cannot be used with --host");
    remote.client.run(&["list", "--host-token-file", "x"]).exits(2).warns("--host-token-file needs --host");
}

#[test]
fn no_text_of_a_server_moves_the_terminal() {
    let mut client = Machine::new();
    client.set("CONNECTIONS_HOST_TOKEN", "cn_token");
    let json = "content-type: application/json\r\n";
    let listed = r#""kind":"acme\u001b[2J","provider":"acme","title":"\u001b]0;Acme\u0007\u202e","auth":"apiKey","own":false,"profiles":false,"connections":0"#;
    let list = format!(r#"{{"items":[{{{listed}}}],"next":null}}"#);
    let shown = format!(
        r#"{{{listed},"extension":null,"guide":[{{"text":"\u001b[8mhidden","open":null}}],"fields":[],"capabilities":[],"ways":[],"redirectUri":null}}"#
    );
    let problem = r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"no\u001b[2J","code":"denied","remedy":"\u009bask","field":null,"problems":[],"made":null}"#;
    for (status, body, arguments, part) in [
        (200, list.as_str(), &["kinds"][..], "acme[2J"),
        (200, &shown, &["kinds", "show", "acme"], "hidden"),
        (403, problem, &["tokens"], "[2J"),
    ] {
        client.provider.tell(status, json, body);
        let ran = client.run(&[&["--host", &client.provider.origin], arguments].concat());
        let text = format!("{}{}", ran.out, ran.err);
        assert!(text.contains(part), "{text:?}");
        let moves = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(moves), "{text:?}");
    }
}

#[test]
fn events_are_followed_until_the_person_ends_it() {
    let remote = Remote::start("manage");
    remote.server.add_github("work").exits(0);
    let mut command = remote.client.command();
    command.args(remote.arguments(&["events", "--follow", "--json"]));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        check(&event, "event");
        event["event"].clone()
    };
    assert_eq!(next(), "connected");
    for label in ["home", "away"] {
        remote.server.run(&["rename", "github", label]).exits(0);
        assert_eq!(next(), "renamed");
    }
    remote.server.run(&["remove", "github", "--yes"]).exits(0);
    assert_eq!(next(), "removed");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn many_connections_are_listed_and_a_name_is_found_among_them() {
    let remote = Remote::start("manage");
    import(&remote.server, MANY);
    assert_eq!(remote.run(&["list", "--json"]).exits(0).json().as_array().unwrap().len(), MANY);
    assert_eq!(remote.run(&["list", "--limit", "7", "--json"]).exits(0).json().as_array().unwrap().len(), 7);
    let ran = remote.run(&["list"]).exits(0).says("1000 more are not shown");
    let mut shown = rows(&ran.out);
    let mut next = place(&ran.out);
    while let Some(after) = next {
        let ran = remote.run(&["list", "--after", &after, "--limit", "500"]).exits(0);
        shown += rows(&ran.out);
        next = place(&ran.out);
    }
    assert_eq!(shown, MANY);
    assert_eq!(rows(&remote.run(&["list", "--all"]).exits(0).out), MANY);
    assert_eq!(remote.run(&["show", "github:l1049", "--json"]).exits(0).json()["label"], "l1049");
}

#[test]
fn a_row_that_is_too_large_for_the_server_is_refused_alone() {
    let remote = Remote::start("manage");
    let large = github("1", &"a".repeat(600 * 1024));
    let rows = [github("2", "two"), large, github("3", "three")].join("\n");
    let arguments = remote.arguments(&["import", "-"]);
    let ran = remote.client.feed(&arguments, &rows).exits(1).says("Imported 2").says("refused: 1");
    ran.warns("line 2: the body is too large");
}

#[test]
fn revoked_tokens_are_printed_as_the_server_has_them() {
    let remote = Remote::start("manage");
    let create = |name: &str| remote.run(&["tokens", "create", name, "--role", "read"]).exits(0);
    create("billing");
    create("search");
    let revoked = remote.run(&["tokens", "revoke", "search", "billing", "--json"]).exits(0).json();
    let listed = remote.server.run(&["tokens", "list", "--json"]).exits(0).json();
    for (token, name) in revoked.as_array().unwrap().iter().zip(["search", "billing"]) {
        assert_eq!(token["name"], name);
        assert!(token["revokedAt"].is_string());
        assert!(listed.as_array().unwrap().contains(token), "{token}");
    }
    let own = remote.run(&["tokens", "revoke", "another machine", "--json"]).exits(0).json();
    assert!(own[0]["revokedAt"].is_string(), "{own}");
    remote.run(&["list"]).exits(6);
}
