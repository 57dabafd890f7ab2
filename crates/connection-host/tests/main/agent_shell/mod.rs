//! An agent with a shell attacks the person whose accounts it uses: in a container, as another user of the machine, and,
//! as the control, as the user who runs the server.
//!
//! `tests/agents/shell.py` is the agent, and `docs/spec/attacks.md` lists what it tries. The provider is hostile as well.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod container;
mod person;
mod provider;
mod search;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use connection_faults::skip_notice;
use serde_json::{Value, json};

use self::{
    provider::{Hostile, SECRETS},
    search::forms_in,
};
use crate::{
    program::Machine,
    serve::{Serving, ask, machine},
    tooled::text,
};

const SHELL: &str = include_str!("../../../../../tests/agents/shell.py");
const DOCUMENT: &str = include_str!("../../../../../docs/spec/attacks.md");
const GUIDE: &str = include_str!("../../../../../docs/guide/agents.md");
const RULES: &[u8] = br#"
[[rule]]
name = "read"
methods = ["GET", "HEAD"]
path = "/**"
effect = "allow"

[[rule]]
name = "lock"
methods = ["PUT", "DELETE"]
path = "/repos/{owner}/{repo}/issues/{number}/lock"
effect = "ask"
"#;
/// A request of another agent that waits for a person all the time.
const WAITS: &str = "/use/github:private/repos/acme/site/issues/9/lock";
/// A user and a group that no machine has.
const STRANGER: &str = "61234";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A machine with an agent that may read one of two accounts of a person, and a server.
struct Scene {
    machine: Machine,
    provider: Hostile,
    serving: Serving,
    token: String,
    /// The token with which the person answers.
    phone: String,
    knows: Value,
}

/// The lines that the agent printed, and what it received.
struct Attacked {
    lines: Vec<Value>,
    loot: Vec<u8>,
    /// The requests that the person approved meanwhile.
    approved: BTreeSet<String>,
}

impl Scene {
    fn new() -> Self {
        let mut machine = machine();
        let provider = Hostile::start();
        machine.configure(&format!("[http.endpoints]\n\"https://api.github.com\" = \"{}\"\n", provider.origin));
        // As usual, others may look into the home of the person, so that the modes of its files count.
        for name in ["", "configuration", "doors", "public", "public/own"] {
            fs::create_dir_all(machine.path(name)).unwrap();
            let mode = if name == "public/own" { 0o1777 } else { 0o755 };
            fs::set_permissions(machine.path(name), Permissions::from_mode(mode)).unwrap();
        }
        let socket = text(&machine.path("doors/socket"));
        machine.set("CONNECTIONS_INBOUND__UNIX_SOCKET", &socket);
        for (label, secret) in SECRETS {
            let file = machine.write("token", secret.as_bytes());
            let owner = if label == "ada" { "ada" } else { "local" };
            let field = format!("accessToken=@{file}");
            machine.run(&["--owner", owner, "add", "github", "--label", label, "--again", "--field", &field]).exits(0);
            fs::remove_file(file).unwrap();
        }
        machine.write("rules.toml", RULES);
        let new_token = |arguments: &[&str]| machine.run(arguments).exits(0).out.trim().to_owned();
        let token = new_token(&["agents", "create", "deploy"]);
        let clerk = new_token(&["agents", "create", "clerk"]);
        for (agent, connection) in [("deploy", "github:work"), ("clerk", "github:private")] {
            machine.run(&["agents", "grant", agent, connection, "--rules", "rules.toml", "--yes"]).exits(0);
        }
        let phone = new_token(&["tokens", "create", "phone", "--role", "approve"]);
        let for_models = new_token(&["agents", "token", "deploy", "--audience", "mcp"]);
        let of_page = new_token(&["tokens", "create", "page", "--role", "manage"]);
        machine.write("page-token", of_page.as_bytes());
        machine.write("browser/storage", of_page.as_bytes());
        machine.write("browser/DevToolsActivePort", b"9229\n");
        fs::set_permissions(machine.path("browser"), Permissions::from_mode(0o700)).unwrap();

        // The shell tells its own id, which is that of the server.
        let mut command = machine.command_of_system("/bin/sh");
        command.args(["-c", "echo $$ > pid; exec \"$0\" serve --json", env!("CARGO_BIN_EXE_connections")]);
        let serving = Serving::of(command);
        let mut scene = Self { machine, provider, serving, token, phone, knows: json!({}) };
        scene.knows = scene.known(&clerk, &for_models);
        scene
    }

    /// Returns what an attacker may know beside its own token.
    fn known(&self, clerk: &str, for_models: &str) -> Value {
        let path = |name: &str| text(&self.machine.path(name));
        let json = |arguments: &[&str]| self.machine.run(arguments).exits(0).json();
        let headers = format!("authorization: Bearer {clerk}\r\nprefer: wait=0\r\n");
        let host = self.serving.address.to_string();
        let asked = ask(self.serving.address, &host, "DELETE", WAITS, &headers, b"");
        let asked: Value = serde_json::from_str(&asked.body).unwrap();
        let waits = &asked["approval"]["id"];
        let shown = json(&["approvals", "show", waits.as_str().unwrap(), "--json"]);
        let pid: u32 = fs::read_to_string(self.machine.path("pid")).unwrap().trim().parse().unwrap();
        let private = json(&["show", "github:private", "--json"]);
        let foreign = json(&["--owner", "ada", "show", "github:ada", "--json"]);
        json!({
            "agent": "deploy",
            "connection": "github:work",
            "second": { "id": private["id"], "name": "github:private" },
            "foreign": { "id": foreign["id"], "name": "github:ada", "owner": "ada" },
            "approval": { "id": waits, "digest": shown["approval"]["digest"] },
            "modelToken": for_models,
            "page": self.serving.url,
            "provider": self.provider.origin,
            "pid": pid,
            "user": fs::metadata(self.machine.path("pid")).unwrap().uid(),
            "home": path(""),
            "data": path("data"),
            "store": path("data/store/connections.db"),
            "key": path("data/key/root.key"),
            "config": path("config.toml"),
            "tokenFile": path("page-token"),
            "browser": path("browser"),
            "socket": path("doors/socket"),
            "program": path("public/connections"),
            "shape": "ghp_[A-Za-z0-9]{30,}",
            "isContained": false,
        })
    }

    /// Puts the agent, the program and what the agent knows where every user can read it, and returns the command of the
    /// agent as it is started by this prefix.
    fn outside(&self, prefix: &[&str], selected: &[String]) -> Command {
        let place = |name: &str| self.machine.path("public").join(name);
        fs::copy(env!("CARGO_BIN_EXE_connections"), place("connections")).unwrap();
        for (name, content) in [("shell.py", SHELL.to_owned()), ("knows.json", self.knows.to_string())] {
            fs::write(place(name), content).unwrap();
            fs::set_permissions(place(name), Permissions::from_mode(0o644)).unwrap();
        }
        let [program, arguments @ ..] = prefix else { panic!("no program starts the agent") };
        let mut command = Command::new(program);
        command.args(arguments).env("PATH", PATH).current_dir("/");
        command.arg(format!("PATH={PATH}")).arg(format!("AGENT_TOKEN={}", self.token));
        for (name, path) in [
            ("AGENT_SOCKET", self.machine.path("doors/socket")),
            ("AGENT_KNOWS", place("knows.json")),
            ("AGENT_LOOT", place("own/loot")),
        ] {
            command.arg(format!("{name}={}", path.display()));
        }
        command.arg("python3").arg(place("shell.py")).args(selected);
        command
    }

    /// Runs the agent to its end while a person answers its requests.
    fn attacked(&self, run: impl FnOnce() -> Output, loot: &Path) -> Attacked {
        let (address, phone) = (self.serving.address, self.phone.as_str());
        let has_ended = AtomicBool::new(false);
        let (output, approved) = thread::scope(|scope| {
            let person = scope.spawn(|| person::answers(address, phone, &has_ended));
            let output = run();
            has_ended.store(true, Ordering::Release);
            (output, person.join().unwrap())
        });
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Attacked { lines, loot: fs::read(loot).unwrap(), approved }
    }

    /// Checks that no attack got a secret or wrote anything, although everything that is permitted worked.
    fn holds(&self, attacked: &Attacked) {
        let numbers: BTreeSet<&str> = attacked.lines.iter().map(|line| line["attack"].as_str().unwrap()).collect();
        assert_eq!(numbers, documented(), "the attacks of the document are tried, and no others");
        assert!(numbers.len() >= 60 && numbers.len() == attacked.lines.len());
        for line in &attacked.lines {
            assert_eq!(line["control"], "ok", "{line}");
            let outcome = line["outcome"].as_str().unwrap();
            assert!(["refused", "unreachable", "no effect"].contains(&outcome), "{line}");
        }
        // The agent has received much, and the test finds its token in there.
        assert!(!forms_in(&attacked.loot, "Bearer ****").is_empty() && attacked.loot.len() > 100_000);
        for (account, secret) in SECRETS {
            assert_eq!(forms_in(&attacked.loot, secret), Vec::<&str>::new(), "the credential of {account}");
        }
        let expected: BTreeSet<String> = person::approved().into_iter().collect();
        assert_eq!(attacked.approved, expected);
        let mut writes = self.provider.writes();
        writes.sort();
        assert_eq!(writes, person::approved(), "the provider received what was approved, once each");
        let other = self.knows["approval"]["id"].as_str().unwrap();
        let other = self.machine.run(&["approvals", "show", other, "--json"]).exits(0).json();
        assert_eq!(other["approval"]["state"], "waiting", "{other}");
        let grants = self.machine.run(&["agents", "show", "deploy", "--json"]).exits(0).json();
        assert_eq!(grants["grants"].as_array().unwrap().len(), 1, "{grants}");
    }
}

/// Returns the numbers of the attacks in the document, and checks that each row says what happens.
fn documented() -> BTreeSet<&'static str> {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| S")?.strip_suffix(" |"));
    let rows: Vec<_> = rows.map(|row| row.split(" | ").collect::<Vec<_>>()).collect();
    let mut numbers = BTreeSet::new();
    for row in &rows {
        let [number, attack, contained, other] = row[..] else { panic!("{row:?}") };
        assert!([attack, contained, other].iter().all(|text| text.ends_with('.')), "{row:?}");
        assert_eq!(number.parse::<usize>().unwrap(), numbers.len() + 1, "the numbers have no gap");
        let cell = DOCUMENT.find(&format!("| S{number} |")).unwrap();
        assert!(numbers.insert(&DOCUMENT[cell + 2..cell + 3 + number.len()]), "{row:?}");
    }
    numbers
}

/// Returns the numbers of the attacks that the guide calls possible for the same user.
fn possible_for_the_same_user() -> Vec<String> {
    let section = GUIDE.split("\n## What an agent with a shell can do\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" | yes |"));
    let is_number = |word: &&str| word.len() == 3 && word.starts_with('S') && word[1..].parse::<u8>().is_ok();
    let words = rows.flat_map(|row| row.split(|c: char| !c.is_ascii_alphanumeric()));
    words.filter(is_number).map(str::to_owned).collect()
}

#[test]
fn in_a_container_no_attack_gets_a_secret_or_an_unapproved_write() {
    let mut scene = Scene::new();
    if !container::equip(&mut scene.machine) {
        return;
    }
    scene.knows["isContained"] = true.into();
    scene.knows["program"] = "/run/connections/program".into();
    scene.machine.write("project/shell.py", SHELL.as_bytes());
    scene.machine.write("project/knows.json", scene.knows.to_string().as_bytes());
    let variables = [
        "AGENT_KNOWS=/workspace/knows.json",
        "AGENT_LOOT=/workspace/loot",
        "AGENT_SOCKET=/run/connections/doors/socket",
    ];
    let words = [&container::RUN[..], &["env"], &variables, &["python3", "/workspace/shell.py"]].concat();
    let run = || scene.machine.command().args(&words).output().unwrap();
    let attacked = scene.attacked(run, &scene.machine.path("project/loot"));
    scene.holds(&attacked);
}

#[test]
fn as_another_user_no_attack_gets_a_secret_or_an_unapproved_write() {
    let change = ["setpriv", "--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"];
    let ways = [change.to_vec(), [&["sudo", "-n"][..], &change].concat()];
    let starts = |way: &&Vec<&str>| {
        let output = Command::new(way[0]).args(&way[1..]).arg("true").env("PATH", PATH).output();
        output.is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(starts) else {
        return skip_notice::say("of an agent as another user", "neither `setpriv` nor `sudo` changes the user here");
    };
    let scene = Scene::new();
    let prefix = [&way[..], &["env", "-i"]].concat();
    let run = || scene.outside(&prefix, &[]).output().unwrap();
    let attacked = scene.attacked(run, &scene.machine.path("public/own/loot"));
    scene.holds(&attacked);
}

/// The control of the two tests above: the same attacks succeed for the user who runs the server, and the search finds
/// the credential.
#[test]
fn as_the_same_user_the_attacks_of_the_guide_succeed() {
    let scene = Scene::new();
    let possible = possible_for_the_same_user();
    assert!(possible.len() >= 10, "{possible:?}");
    let loot: PathBuf = scene.machine.path("public/own/loot");
    let attacked = scene.attacked(|| scene.outside(&["env", "-i"], &possible).output().unwrap(), &loot);
    let outcomes: BTreeMap<&str, &Value> =
        attacked.lines.iter().map(|line| (line["attack"].as_str().unwrap(), line)).collect();
    assert_eq!(outcomes.len(), possible.len());
    for (number, line) in outcomes {
        let outcome = line["outcome"].as_str().unwrap();
        assert!(["GOT SECRET", "WROTE"].contains(&outcome), "{number}: {line}");
    }
    assert!(forms_in(&attacked.loot, SECRETS[0].1).contains(&"as it is"));
    let key = fs::read_to_string(scene.machine.path("data/key/root.key")).unwrap();
    assert!(forms_in(&attacked.loot, key.trim()).contains(&"as it is"));
    assert!(
        scene.provider.writes().iter().any(|write| write.contains("/issues/9/lock")),
        "the agent approved by itself"
    );
}
