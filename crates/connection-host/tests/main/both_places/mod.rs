//! One script of commands, run against a local store and against a server: both print the same, apart from ids, times and
//! the differences that the specification of the API lists.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod outputs;

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use outputs::{differing_lines, settled, without_age};
use similar::TextDiff;

use crate::{
    extensions::ISSUES,
    program::{Machine, Ran, is_recorded},
    provider::{OTHER_TOKEN, TOKEN},
    serve::{machine, remote::Remote},
};

/// The specification, with the commands and the list of differences.
const API: &str = include_str!("../../../../../docs/spec/api.md");

/// The lines that only a local store prints, and those that only a server prints, for each marked row of the script.
///
/// `CONNECTIONS_TEST_RECORD=1 cargo test -p connection-host --test main both_places` writes them again.
const DIFFERENCES: &str = include_str!("differences.txt");

/// The first word of a row of the script whose output differs. The specification has the reason, for its command.
const DIFFERS: &str = "DIFFERS";

/// The first word of a row whose whole output is about the place itself: its catalogue, or its machine. The specification
/// has the reason, for its command. The lines are not compared.
const OTHER: &str = "OTHER";

/// The commands with a route that are not in the script, each with the reason.
const NOT_IN_SCRIPT: &[(&str, &str)] = &[
    ("agents run", "it needs a server of the local store as well; the tests in agent_runs.rs run it in both places"),
    ("approvals watch", "it prints until a person ends it"),
    ("open-settings", "it does not work on a server"),
    ("resolve", "it does not work on a server"),
];

/// The address at which providers would reach both places.
const PUBLIC_URL: &str = "https://host.example";

/// Returns the rows of a table of commands: each command with its other cells.
fn rows(heading: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let table = API.split(heading).nth(1).unwrap().split("\n#").next().unwrap();
    table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
}

/// Returns the commands that have a route.
fn commands() -> BTreeSet<&'static str> {
    let rows = rows("## Commands, routes and methods");
    rows.filter(|(_, route)| !route.starts_with('–')).map(|(command, _)| command).collect()
}

/// How the output of a server differs from that of a local store.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Same,
    Differs,
    Other,
}

/// Returns the arguments of a row of the script, and its mark.
fn read_row<'row>(row: &'row [&'static str]) -> (&'row [&'static str], Mark) {
    match row {
        [DIFFERS, arguments @ ..] => (arguments, Mark::Differs),
        [OTHER, arguments @ ..] => (arguments, Mark::Other),
        arguments => (arguments, Mark::Same),
    }
}

/// Returns the command of a row: its first word, or two words, between which there may be a connection.
fn command_of(commands: &BTreeSet<&'static str>, arguments: &[&str]) -> &'static str {
    let words: Vec<_> = arguments.iter().take_while(|word| !word.starts_with('-')).take(3).collect();
    let two = words[1..].iter().find_map(|word| commands.get(&*format!("{} {word}", words[0])));
    let command = two.or_else(|| commands.get(*words[0])).copied();
    command.unwrap_or_else(|| panic!("{arguments:?} is of no command with a route"))
}

/// The local store and the server on which the script runs.
struct Places {
    local: Machine,
    remote: Remote,
}

impl Places {
    fn new() -> Self {
        let mut local = machine();
        local.set("CONNECTIONS_INBOUND__PUBLIC_URL", PUBLIC_URL);
        let mut server = machine();
        server.set("CONNECTIONS_INBOUND__PUBLIC_URL", PUBLIC_URL);
        let mut remote = Remote::of(server, "admin");
        for machine in [&mut local, &mut remote.client] {
            machine.set("GITHUB_TOKEN", TOKEN);
            machine.set("OTHER_TOKEN", OTHER_TOKEN);
            machine.set("WRONG_TOKEN", "ghp_wrong");
            machine.write("issues.json", ISSUES);
            machine.write(
                "rows.jsonl",
                b"{\"kind\":\"github\",\"identity\":{\"id\":\"7\",\"label\":\"seven\"},\"credential\":\"ghp_x\"}\n{\n",
            );
        }
        for machine in [&local, &remote.server] {
            machine.write("notes/a.txt", b"one");
            machine.write("notes/below/b.txt", b"two");
            let roots = format!(r#"{{"roots": "{}"}}"#, machine.path("notes").display());
            machine.feed(&["add", "filesystem", "--label", "notes", "--input", "-"], &roots).exits(0);
        }
        // The store of the server has a token, which also creates its database.
        local.run(&["tokens", "create", "another machine", "--role", "admin"]).exits(0);
        Self { local, remote }
    }

    /// Runs a command in both places, and returns what the local one and the server print, with their exit statuses.
    fn run(&self, arguments: &[&str]) -> (String, String) {
        let at = |machine: &Machine| {
            let home = machine.path("").display().to_string();
            arguments.iter().map(|word| word.replace("HOME/", &home)).collect::<Vec<_>>()
        };
        let here = at(&self.local);
        let local = self.local.run(&here.iter().map(String::as_str).collect::<Vec<_>>());
        // The directories that a command names are those of the server's machine.
        let there = at(&self.remote.server);
        let there = there.iter().map(String::as_str).collect::<Vec<_>>();
        let remote = self.remote.client.run(&self.remote.arguments(&there));
        let seen = |ran: &Ran, machine: &Machine| {
            let text = format!("exit {}\n{}\n--\n{}", ran.exit, ran.out, ran.err);
            let text = text.replace(&machine.path("").display().to_string(), "HOME/");
            settled(&without_age(&self.remote.unnamed(&text)))
        };
        (seen(&local, &self.local), seen(&remote, &self.remote.server))
    }
}

#[test]
fn a_script_prints_the_same_for_a_local_store_and_for_a_server() {
    let places = Places::new();
    let mut wrong = Vec::new();
    let mut differences = String::new();
    for row in SCRIPT {
        let (arguments, mark) = read_row(row);
        let (local, server) = places.run(arguments);
        match (local == server, mark) {
            (true, Mark::Same) | (false, Mark::Other) => {}
            (true, _) => wrong.push(format!("{arguments:?} is marked and prints the same:\n{local}")),
            (false, Mark::Same) => {
                wrong.push(format!("{arguments:?} differs:\n--- local\n{local}\n--- server\n{server}"));
            }
            (false, Mark::Differs) => {
                let command = arguments.join(" ");
                write!(differences, "$ {command}\n{}\n", differing_lines(&local, &server)).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    if is_recorded() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/main/both_places/differences.txt");
        std::fs::write(file, &differences).unwrap();
        return;
    }
    let changes = TextDiff::from_lines(DIFFERENCES, &differences);
    assert!(differences == DIFFERENCES, "the lines that differ are others:\n{}", changes.unified_diff());
}

#[test]
fn the_specification_has_a_reason_for_each_difference_and_for_no_other_command() {
    let commands = commands();
    let marked = SCRIPT.iter().map(|row| read_row(row)).filter(|(_, mark)| *mark != Mark::Same);
    let marked: BTreeSet<_> = marked.map(|(arguments, _)| command_of(&commands, arguments)).collect();
    let listed: BTreeSet<_> = rows("### What a server says differently").map(|(command, _)| command).collect();
    assert_eq!(marked, listed);
}

#[test]
fn each_command_that_has_a_route_is_in_the_script_or_has_a_reason() {
    let commands = commands();
    let mut found: Vec<_> = SCRIPT.iter().map(|row| command_of(&commands, read_row(row).0)).collect();
    found.sort_unstable();
    found.dedup();
    found.extend(NOT_IN_SCRIPT.iter().map(|(command, _)| *command));
    found.sort_unstable();
    // A command that is in both is here twice.
    assert_eq!(found, commands.into_iter().collect::<Vec<_>>());
}

/// The script. Each command that works on a server and ends by itself is in it, most of them in both formats and with an
/// error.
const SCRIPT: &[&[&str]] = &[
    &["list"],
    &["list", "--json"],
    &["show", "github"],
    &["add", "github", "--label", "work", "--from-env", "accessToken=GITHUB_TOKEN"],
    &["add", "github", "--label", "home", "--from-env", "accessToken=OTHER_TOKEN", "--json"],
    &["add", "github", "--from-env", "accessToken=GITHUB_TOKEN"],
    &["add", "github", "--from-env", "accessToken=WRONG_TOKEN"],
    &[DIFFERS, "add", "gothub"],
    &[DIFFERS, "add", "claude", "--profile", "nobody"],
    &["list"],
    &["list", "--json"],
    &["list", "--kind", "github", "--state", "live"],
    &["list", "--label", "home", "--json"],
    &[DIFFERS, "list", "--all-owners"],
    &[DIFFERS, "show", "github:work"],
    &["show", "github:work", "--json"],
    &["show", "github:nobody"],
    &["default", "github:home"],
    &["default", "github:home", "--clear", "--json"],
    &[DIFFERS, "show", "github"],
    &["rename", "github:home", "private"],
    &["rename", "github:private", "work"],
    &["tag", "github:work", "plan=pro", "team=blue"],
    &["tag", "github:work", "--none", "--json"],
    &["verify", "--all"],
    &["verify", "github:work", "--json"],
    &["verify", "github:nobody"],
    &["send", "github:work", "GET", "/user"],
    &["send", "github:work", "GET", "/user", "--json"],
    &["send", "github:work", "GET", "user"],
    &[DIFFERS, "send", "github:work", "GET", "/user/nothing"],
    &["refresh", "github:work"],
    &[DIFFERS, "refresh", "github:work", "--force"],
    &["rollback", "github:work", "--yes"],
    &["reauthorize", "github:work", "--from-env", "accessToken=GITHUB_TOKEN"],
    &["rollback", "github:work", "--yes", "--json"],
    &["rollback", "github:work"],
    &["approvals"],
    &["approvals", "list", "--json"],
    &["approvals", "list", "--state", "refused", "--agent", "nobody"],
    &["approvals", "list", "--state", "done"],
    &["approvals", "show", "018f3b9e-7d2a-7c31-9f43-0123456789ab"],
    &["approvals", "approve", "018f3b9e-7d2a-7c31-9f43-0123456789ab", "--digest", "x"],
    &["approvals", "refuse", "018f3b9e-7d2a-7c31-9f43-0123456789ab", "--reason", "no"],
    &["approvals", "approve", "1", "--digest", "x"],
    &["freeze", "--connection", "github:work"],
    &["freeze", "--connection", "github:work", "--json"],
    &["freeze", "--kind", "github"],
    &["freeze", "--agent", "nobody"],
    &["freeze"],
    &[DIFFERS, "freeze", "--list"],
    &["list"],
    &["send", "github:work", "GET", "/user"],
    &["thaw", "--connection", "github:work"],
    &["thaw", "--kind", "github", "--json"],
    &["thaw", "--all"],
    &[DIFFERS, "events", "github:work"],
    &[DIFFERS, "events", "--json"],
    &["events", "nobody"],
    &["watch", "github:nobody"],
    &["watch", "--since", "nothing"],
    &[DIFFERS, "uses"],
    &[DIFFERS, "uses", "--json"],
    &["uses", "github:work", "--outcome", "denied", "--json"],
    &["uses", "github:nobody"],
    &["uses", "--agent", "nobody"],
    &["uses", "--token", "nothing"],
    &["uses", "--outcome", "nothing"],
    &[DIFFERS, "uses", "export"],
    &["uses", "export", "--outcome", "denied"],
    &["uses", "export", "--since", "yesterday"],
    &["uses", "erase", "--before", "90d"],
    &["uses", "erase", "--before", "90d", "--yes"],
    &["uses", "erase", "--before", "yesterday", "--yes"],
    &["link", "github:work"],
    &["link", "--kind", "github", "--json"],
    &[DIFFERS, "link", "--kind", "gothub"],
    &["files", "github:work", "ls"],
    &["files", "filesystem", "ls"],
    &["files", "filesystem", "ls", "below", "--json"],
    &["files", "filesystem", "ls", "a.txt"],
    &["files", "filesystem", "ls", "nothing"],
    &["files", "filesystem", "cat", "a.txt"],
    &["files", "filesystem", "cat", "below/b.txt", "--json"],
    &["files", "filesystem", "cat", "below"],
    &["files", "filesystem", "cat", "nothing"],
    &["files", "filesystem", "cat", "../a"],
    &["webhooks", "github:work"],
    &[DIFFERS, "webhooks", "github:work", "enable"],
    &[DIFFERS, "webhooks", "github:work"],
    &["webhooks", "github:work", "--json"],
    &["webhooks", "github:work", "key"],
    &[DIFFERS, "webhooks", "github:work", "rotate"],
    &["webhooks", "github:work", "end-grace", "--json"],
    &["webhooks", "github:work", "handshake"],
    &["webhooks", "github:work", "deliveries"],
    &["webhooks", "github:work", "deliveries", "--json"],
    &["webhooks", "github:work", "disable", "--yes"],
    &["webhooks", "github:work", "test"],
    &["agents"],
    &["agents", "create", "deploy"],
    &["agents", "create", "deploy", "--json"],
    &["agents", "create", "other", "--audience", "mcp", "--lifetime", "7d", "--json"],
    &["agents", "create", "Other"],
    &["agents", "grant", "deploy", "github:work"],
    &["agents", "grant", "deploy", "github:work", "--rules", "read"],
    &["agents", "grant", "deploy", "github:work", "--rules", "read", "--expires", "31000s", "--yes"],
    &["agents", "grant", "deploy", "github:work", "--rules", "ask", "--expires", "30h", "--json"],
    &["agents", "grant", "deploy", "github:work", "--rules", "nothing"],
    &["agents", "grant", "deploy", "github:work", "--expires", "never"],
    &["agents", "grant", "deploy", "github:nobody"],
    &["agents", "list"],
    &["agents", "list", "--json"],
    &["agents", "show", "deploy"],
    &["agents", "show", "deploy", "--json"],
    &["agents", "show", "nobody"],
    &["agents", "token", "deploy", "--name", "ci"],
    &["agents", "token", "deploy", "--revoke", "nothing"],
    &["agents", "explain", "deploy", "GET", "/user"],
    &["agents", "explain", "deploy", "DELETE", "/user/nothing", "--json"],
    &["agents", "explain", "deploy", "GET", "user"],
    &["agents", "explain", "deploy", "GET", "/user", "--connection", "github:nobody"],
    &["agents", "explain", "nobody", "GET", "/user"],
    &["agents", "learn", "deploy"],
    &["agents", "learn", "deploy", "--json"],
    &["agents", "learn", "deploy", "--refused", "--yes"],
    &["agents", "learn", "deploy", "github:work", "--since", "yesterday"],
    &["agents", "learn", "nobody"],
    &["agents", "revoke", "deploy", "github:work"],
    &["agents", "revoke", "deploy", "github:work", "--json"],
    &["agents", "show", "deploy"],
    &["agents", "remove", "deploy", "--yes"],
    &["agents", "remove", "deploy", "--yes", "--json"],
    &["agents", "remove", "other"],
    &["extensions"],
    &["extensions", "add", "issues.json", "--json"],
    &[DIFFERS, "extensions", "add", "issues.json"],
    &["extensions", "add", "nothing.json"],
    &["extensions", "list"],
    &["extensions", "list", "--json"],
    &["extensions", "grant", "issues", "github:work"],
    &["extensions", "grant", "issues", "github:work", "--no-secrets", "--json"],
    &["extensions", "grant", "issues", "github:work", "--name", "nothing"],
    &["extensions", "grant", "nobody", "github:work"],
    &["extensions", "use", "issues", "github:work", "--json"],
    &["extensions", "list"],
    &["list"],
    &[DIFFERS, "extensions", "use", "issues", "--default"],
    &[DIFFERS, "extensions", "use", "issues", "github:work"],
    &["preferences", "get", "issues"],
    &["preferences", "get", "issues", "--json"],
    &["preferences", "get", "issues", "openBehavior"],
    &["preferences", "get", "issues", "nothing"],
    &["preferences", "set", "issues", "openBehavior", "list"],
    &["preferences", "set", "issues", "openBehavior", "elsewhere"],
    &["preferences", "set", "issues", "openBehavior", "--unset", "--json"],
    &["extensions", "revoke", "issues", "github:work"],
    &["extensions", "revoke", "issues"],
    &["extensions", "revoke", "nobody"],
    &["extensions", "remove", "issues", "--yes"],
    &["extensions", "remove", "issues", "--yes"],
    &[OTHER, "kinds"],
    &[OTHER, "kinds", "--json"],
    &[DIFFERS, "kinds", "show", "github"],
    &[DIFFERS, "kinds", "show", "gothub"],
    &[DIFFERS, "kinds", "show", "github", "--json"],
    &[OTHER, "doctor"],
    &[OTHER, "doctor", "--json"],
    &["kinds", "accept", "github"],
    &["kinds", "accept", "github", "--json"],
    &["kinds", "forget-client", "github"],
    &[DIFFERS, "profiles", "list", "claude"],
    &["profiles", "list", "github"],
    &[DIFFERS, "profiles", "create", "claude", "work", "--dir", "HOME/work"],
    &["profiles", "create", "claude", "home", "--dir", "HOME/home", "--default", "--json"],
    &["profiles", "update", "claude", "home", "--label", "private"],
    &["profiles", "update", "claude", "private", "--label", "private"],
    &["profiles", "default", "claude", "work"],
    &["profiles", "default", "claude", "work", "--slot", "desk"],
    &["profiles", "default", "claude", "work", "--slot", "desk", "--json"],
    &["profiles", "list", "claude", "--json"],
    &["profiles", "default", "claude", "--slot", "desk", "--clear"],
    &["profiles", "default", "claude", "--slot", "desk", "--clear", "--json"],
    &[DIFFERS, "profiles", "probe", "claude", "work"],
    &["profiles", "probe", "claude", "--json"],
    &[DIFFERS, "profiles", "probe", "claude", "--dir", "HOME/work"],
    &["usage"],
    &["usage", "--json"],
    &["usage", "claude"],
    &["usage", "claude", "--profile", "work"],
    &["usage", "claude", "--profile", "work", "--json"],
    &["usage", "github"],
    &["profiles", "remove", "claude", "private"],
    &["profiles", "remove", "claude", "private"],
    &["import", "rows.jsonl"],
    &["import", "rows.jsonl", "--json"],
    &["setup", "list"],
    &["setup", "list", "--json"],
    &["setup", "cancel", "nobody"],
    &["setup", "resume"],
    &["uses", "erase", "--before", "1s", "--yes", "--json"],
    &["tokens", "create", "billing", "--role", "use"],
    &["tokens", "create", "reports", "--json"],
    &[DIFFERS, "tokens"],
    &[DIFFERS, "tokens", "list"],
    &["tokens", "revoke", "billing"],
    &["tokens", "revoke", "nobody"],
    &["remove", "github:private", "--yes"],
    &["remove", "github:nobody", "--yes"],
    &["remove", "--kind", "github", "--yes", "--json"],
    &["remove", "--kind", "github", "--yes"],
    &["list"],
];
