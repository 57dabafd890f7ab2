//! The commands `agents`, in the local store and with `--host`.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use connection_core::{Audience, ConnectionRegistry, KeyFile};
use connection_plugin_github::GitHub;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    program::{Machine, Ran, check},
    serve::{Serving, machine as serving_machine, remote::Remote},
    terminal::{end, enter, start},
};

const RULES: &[u8] = b"budget = { requests = 500, per = \"1h\" }\n\n[[rule]]\nname = \"read issues\"\n\
                       methods = [\"GET\"]\npath = \"/repos/acme/{repo}/issues/**\"\neffect = \"allow\"\n";

/// The commands of the person, on one of two machines.
enum Place {
    Local(Machine),
    Remote(Box<Remote>),
}

impl Place {
    /// Returns a place with the connection `github:work` and a file of rules.
    fn local() -> Self {
        Self::Local(prepared(Machine::new()))
    }

    fn remote() -> Self {
        let remote = Remote::of(prepared(serving_machine()), "manage");
        remote.client.write("rules.toml", RULES);
        Self::Remote(Box::new(remote))
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        match self {
            Self::Local(machine) => machine.run(arguments),
            Self::Remote(remote) => remote.run(arguments),
        }
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).exits(0).json()
    }

    /// Returns the machine with the store.
    fn store(&self) -> &Machine {
        match self {
            Self::Local(machine) => machine,
            Self::Remote(remote) => &remote.server,
        }
    }
}

fn prepared(machine: Machine) -> Machine {
    machine.write("rules.toml", RULES);
    machine.add_github("work").exits(0);
    machine
}

/// Asks the core whether it accepts the token of an agent.
fn is_accepted(machine: &Machine, text: &str, audience: Audience) -> bool {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let builder = ConnectionRegistry::builder()
            .store(machine.address())
            .key(KeyFile::at(machine.data().join("key/root.key")))
            .state_directory(machine.state_directory())
            .kind(GitHub);
        let registry = builder.open().await.unwrap();
        let text = SecretString::from(text.to_owned());
        let caller = registry.authenticate_agent(&text, audience).await.unwrap();
        registry.close().await;
        caller.is_some()
    })
}

/// Runs the life of an agent.
fn live(place: &Place) {
    place.run(&["agents"]).exits(0).says("There are no agents.");
    assert_eq!(place.json(&["agents", "list"]), json!([]));
    let created = place.run(&["agents", "create", "deploy"]).exits(0);
    let created = created.warns("shown once").warns("agents grant deploy CONNECTION");
    let text = created.out.trim().to_owned();
    assert!(text.starts_with("cn_") && text.len() == 46, "{text}");
    assert!(is_accepted(place.store(), &text, Audience::Doors));
    assert!(!is_accepted(place.store(), &text, Audience::Mcp));
    let shown = place.run(&["agents", "show", "deploy"]).exits(0).says("nothing; `").says("doors").says("LAST USED");
    assert!(!shown.out.contains("never"), "{}", shown.out);
    assert!(!shown.out.contains(&text[3..]) && !place.run(&["agents"]).out.contains(&text[3..]));

    let granted = place.run(&["agents", "grant", "deploy", "github:work"]).exits(0);
    granted.says("deploy may use github:work until ").says("  is asked about before GET or HEAD\n  nothing else");
    place.run(&["agents"]).exits(0).says("github:work (ask)").says("in ");
    let grant = ["agents", "grant", "deploy", "github", "--rules", "rules.toml", "--expires", "8h", "--yes"];
    let granted = place.run(&grant).exits(0);
    granted
        .says("This changes what deploy may do with github:work:")
        .says("  - is asked about before GET or HEAD")
        .says("  + may send GET /repos/acme/{repo}/issues/**")
        .says("  permitted from now on, for example: GET /repos/acme/")
        .says("  no longer permitted, for example: ")
        .says("  at most 500 requests in 1h");
    place.run(&["agents", "show", "deploy"]).exits(0).says("until ").says("(in ").says("  at most 500 requests");
    place.run(&["agents", "list"]).exits(0).says("github:work (own rules)");
    place.run(&grant).exits(0).says("deploy may use github:work already, with the same rules.");

    place.run(&["agents", "revoke", "deploy", "github:work"]).exits(0).says("deploy may no longer use github:work");
    place.run(&["agents", "revoke", "deploy", "github:work"]).exits(0).says("deploy has no grant of this connection");
    place.run(&["agents", "show", "deploy"]).exits(0).says("revoked       github:work, ");
    place.run(&["agents"]).exits(0).says("nothing");
    // A grant after a revocation replaces nothing, so nothing is asked.
    place.run(&["agents", "grant", "deploy", "github:work", "--rules", "everything"]).exits(0);

    let other = place.run(&["agents", "token", "deploy", "--name", "ci", "--audience", "mcp", "--lifetime", "7d"]);
    let other = other.exits(0).warns("ends in 7 days").out.trim().to_owned();
    assert!(is_accepted(place.store(), &other, Audience::Mcp));
    let tokens = place.json(&["agents", "show", "deploy"])["tokens"].clone();
    let id = tokens.as_array().unwrap().iter().find(|token| token["name"] == "ci").unwrap()["id"].clone();
    let id = id.as_str().unwrap();
    place.run(&["agents", "token", "deploy", "--revoke", &id[id.len() - 8..]]).exits(0).says("Revoked ci (");
    assert!(!is_accepted(place.store(), &other, Audience::Mcp) && is_accepted(place.store(), &text, Audience::Doors));

    place.run(&["agents", "remove", "deploy"]).exits(2).warns("--yes");
    let removed = place.run(&["agents", "remove", "deploy", "--yes"]).exits(0);
    removed.says("Removed the agent deploy; it may no longer use 1 connection");
    assert!(!is_accepted(place.store(), &text, Audience::Doors));
    place.run(&["list"]).exits(0).says("github:work");
}

#[test]
fn an_agent_is_created_granted_shown_and_removed() {
    live(&Place::local());
}

#[test]
fn an_agent_of_a_server_is_created_granted_shown_and_removed() {
    live(&Place::remote());
}

#[test]
fn the_results_have_their_shapes() {
    let place = Place::local();
    let created = place.json(&["agents", "create", "deploy", "--audience", "mcp", "--lifetime", "30d"]);
    check(&created, "issuedAgentToken");
    assert_eq!((&created["name"], &created["audience"]), (&json!("deploy"), &json!("mcp")));
    let granted = place.json(&["agents", "grant", "deploy", "github", "--rules", "rules.toml"]);
    check(&granted, "agentGrant");
    check(&granted["budget"], "grantBudget");
    assert_eq!((&granted["preset"], &granted["rules"]["budget"]["requests"]), (&Value::Null, &json!(500)));
    let preset = place.json(&["agents", "grant", "deploy", "github", "--rules", "read", "--yes"]);
    assert_eq!((&preset["preset"], &preset["budget"]), (&json!("read"), &Value::Null));
    let agents = place.json(&["agents"]);
    check(&agents[0], "agent");
    assert_eq!(agents[0]["grants"][0], preset);
    let shown = place.json(&["agents", "show", "deploy"]);
    check(&shown, "shownAgent");
    check(&shown["tokens"][0], "agentToken");
    let token = place.json(&["agents", "token", "deploy"]);
    check(&token, "issuedAgentToken");
    let revoked = place.json(&["agents", "token", "deploy", "--revoke", token["id"].as_str().unwrap()]);
    check(&revoked, "agentToken");
    assert_ne!(revoked["revokedAt"], Value::Null);
    let revoked = place.json(&["agents", "revoke", "deploy", "github"]);
    check(&revoked, "agentGrant");
    assert_eq!(revoked["state"], "revoked");
    assert_eq!(place.json(&["agents", "revoke", "deploy", "github"]), Value::Null);
    let removed = place.json(&["agents", "remove", "deploy", "--yes"]);
    check(&removed, "agentRemoved");
    assert_eq!(removed, json!({ "name": "deploy", "revoked": 0, "remaining": [] }));
}

#[test]
fn an_error_names_the_way_out() {
    for place in [Place::local(), Place::remote()] {
        place.run(&["agents", "create", "Deploy"]).exits(2).warns("choose a name such as");
        place.run(&["agents", "create", "deploy", "--lifetime", "2y"]).exits(2).warns("such as 8h");
        place.run(&["agents", "create", "deploy", "--lifetime", "400d"]).exits(2).warns("366 days");
        assert_eq!(place.json(&["agents"]), json!([]), "no agent is left without a token");
        place.run(&["agents", "create", "deploy", "--audience", "api"]).exits(2).warns("doors, mcp");
        place.run(&["agents", "create", "deploy"]).exits(0);
        place.run(&["agents", "create", "deploy"]).exits(6).warns("choose another name");
        place.run(&["agents", "show", "other"]).exits(5).warns("list the agents");
        place.run(&["agents", "remove", "other", "--yes"]).exits(5).warns("list the agents");
        let grant = |more: &[&str]| place.run(&[&["agents", "grant", "deploy", "github:work"], more].concat());
        place.run(&["agents", "grant", "deploy", "github:home"]).exits(5).warns("Did you mean 'github:work'?");
        place.run(&["agents", "grant", "other", "github:work"]).exits(5).warns("list the agents");
        grant(&["--rules", "write"]).exits(5).warns("its presets are read, ask, everything");
        grant(&["--rules", "github/read"]).exits(2).warns("--rules read");
        grant(&["--rules", "gone.toml"]).exits(2).warns("gone.toml");
        grant(&["--expires", "soon"]).exits(2).warns("such as 8h");
        grant(&["--expires", "366d"]).exits(2).warns("365 days");
        let client = match &place {
            Place::Local(machine) => machine,
            Place::Remote(remote) => &remote.client,
        };
        client.write("bad.toml", b"[[rule]]\nname = \"a\"\npath = \"a\"\neffect = \"allow\"\n");
        grant(&["--rules", "bad.toml"]).exits(2).warns("bad.toml: rule[0].path: must begin with");
        client.write("slash.toml", b"[[rule]]\nname = \"a\"\npath = \"/a%2Fb\"\neffect = \"allow\"\n");
        grant(&["--rules", "./slash.toml"]).exits(2).warns("rule[0].path: matches no request");
        place.run(&["agents", "token", "deploy", "--revoke", "ffffffff"]).exits(5).warns("agents show deploy");
        place.run(&["agents", "token", "other"]).exits(5).warns("list the agents");
        place.run(&["agents", "token", "deploy", "--revoke", "x", "--name", "y"]).exits(2);
        assert_eq!(place.json(&["agents", "show", "deploy"])["grants"], json!([]), "nothing was granted");
    }
}

#[test]
fn a_wider_grant_is_refused_where_nobody_can_be_asked_and_a_narrower_one_is_given() {
    for place in [Place::local(), Place::remote()] {
        let preset = || place.json(&["agents", "show", "deploy"])["grants"][0]["preset"].clone();
        place.run(&["agents", "create", "deploy"]).exits(0);
        place.run(&["agents", "grant", "deploy", "github", "--rules", "ask"]).exits(0);
        let wider = ["agents", "grant", "deploy", "github", "--rules", "everything"];
        let refused = place.run(&wider).exits(2).warns("nobody can be asked").warns("--yes");
        refused.says("  + may send every request");
        place.run(&[&wider[..], &["--json"]].concat()).exits(2);
        assert_eq!(preset(), "ask");
        place.run(&[&wider[..], &["--yes"]].concat()).exits(0);
        assert_eq!(preset(), "everything");
        place
            .run(&["agents", "grant", "deploy", "github"])
            .exits(0)
            .says("  no longer permitted, for example: GET / is");
        assert_eq!(preset(), "ask");
    }
}

#[test]
fn a_person_is_asked_before_a_grant_is_widened_and_an_agent_removed() {
    let Place::Local(machine) = Place::local() else { unreachable!() };
    machine.run(&["agents", "create", "deploy"]).exits(0);
    machine.run(&["agents", "grant", "deploy", "github", "--rules", "ask"]).exits(0);
    let preset = || {
        let shown = machine.run(&["agents", "show", "deploy", "--json"]).exits(0).json();
        shown["grants"][0]["preset"].as_str().unwrap().to_owned()
    };
    for (answer, expected) in [("n", "ask"), ("y", "read")] {
        let mut session = start(&machine, &["agents", "grant", "deploy", "github", "--rules", "read"]);
        session
            .exp_string("permitted from now on, for example: GET / is asked about before and allowed after")
            .unwrap();
        session.exp_string("Let deploy do more with ").unwrap();
        enter(&mut session, answer);
        let rest = end(session, 0);
        assert_eq!(rest.contains("The grant was not changed."), answer == "n", "{rest}");
        assert_eq!(preset(), expected);
    }
    for (answer, left) in [("n", 1), ("y", 0)] {
        let mut session = start(&machine, &["agents", "remove", "deploy"]);
        session.exp_string("Remove the agent deploy?").unwrap();
        enter(&mut session, answer);
        end(session, 0);
        assert_eq!(machine.run(&["agents", "--json"]).exits(0).json().as_array().unwrap().len(), left);
    }
}

#[test]
fn the_token_of_an_agent_opens_nothing_of_the_api() {
    let machine = prepared(serving_machine());
    let text = machine.run(&["agents", "create", "deploy"]).exits(0).out.trim().to_owned();
    machine.run(&["agents", "grant", "deploy", "github", "--rules", "everything"]).exits(0);
    assert!(is_accepted(&machine, &text, Audience::Doors));
    let serving = Serving::start(&machine);
    let mut other = Machine::new();
    other.set("CONNECTIONS_HOST_TOKEN", &text);
    let host = format!("http://{}", serving.address);
    for arguments in [
        &["list"][..],
        &["send", "github", "GET", "/user"],
        &["agents"],
        &["agents", "create", "other"],
        &["agents", "grant", "deploy", "github", "--rules", "everything"],
        &["agents", "token", "deploy"],
        &["tokens", "create", "other"],
    ] {
        let refused = other.run(&[&["--host", &host], arguments].concat()).exits(6);
        assert_eq!(refused.out, "", "{arguments:?}");
        refused.warns("unknown, has ended or was revoked");
    }
}

#[test]
fn no_withdrawal_waits_for_a_command_that_failed() {
    let machine = prepared(Machine::new());
    machine.run(&["agents", "create", "deploy"]).exits(0);
    machine.run(&["agents", "grant", "deploy", "github", "--rules", "ask"]).exits(0);
    machine.write("notes/a", b"one");
    machine.feed(&["add", "filesystem", "--input", "-"], r#"{"roots": "notes"}"#).exits(0);
    // The use announces the process of the command, and then fails.
    let failed = machine.run(&["files", "filesystem", "cat", "nothing"]).warns("nothing");
    assert_ne!(failed.exit, 0);
    let revoked = machine.run(&["agents", "revoke", "deploy", "github", "--json"]).exits(0).json();
    assert_eq!(revoked["remaining"], json!([]));
}
