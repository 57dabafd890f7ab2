//! The application that the operator registered: configured, read at each use, asked for once, and forgotten.

use connection_contract::Clock as _;
use connection_core::SystemClock;
use connection_faults::oidc::SECRET;
use serde_json::json;

use crate::{
    program::{Machine, on_postgres},
    real::{Real, browsed},
};

/// Writes the configuration of the machine: the server's address, and the applications of `kinds`.
fn configured(real: &Real, kinds: &str) {
    real.machine.configure(&format!("[http.endpoints]\n\"{0}\" = \"{0}\"\n{kinds}", real.server.issuer()));
}

/// Writes a file beside the configuration, with access for its owner alone.
#[track_caller]
fn private(machine: &Machine, name: &str, text: &str) {
    let path = machine.write(&format!("configuration/{name}"), text.as_bytes());
    set_mode(&path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is there");
}

#[cfg(not(unix))]
fn set_mode(_: &str, _: u32) {}

/// The setup does not ask for the application, and a replaced secret is used at the next refresh.
#[test]
fn a_configured_application_is_not_asked_for_and_its_secret_is_read_at_each_use() {
    let Some(real) = Real::start(json!({ "lives": { "AccessToken": 4 } })) else { return };
    configured(&real, "[kinds.real]\nclient_id = \"app\"\nclient_secret_file = \"secret\"\n");
    private(&real.machine, "secret", &format!("{SECRET}\n"));
    let mut adding = real.begin(&["add", "real"]);
    browsed(&adding.link());
    adding.end().exits(0).says("Connected ada (real:ada) · live");
    private(&real.machine, "secret", "replaced at the provider");
    // Send until the access token has expired.
    let send = || real.run(&["send", "real", "GET", "/me"]);
    let refused = std::iter::repeat_with(send).take(500).find(|ran| ran.exit != 0).expect("it ends");
    // The remedy names the key and its file.
    assert!(refused.err.contains("the file of kinds.real.client_secret_file in /"), "{}", refused.err);
    real.run(&["reauthorize", "real"]).exits(3).warns("kinds.real.client_secret_file in /");
    private(&real.machine, "secret", SECRET);
    // The refused requests did not spend the refresh token, so no person has to authorize again.
    real.run(&["refresh", "real"]).exits(0);
    assert!(real.run(&["list"]).exits(0).out.contains("live"));
    let mut again = real.begin(&["reauthorize", "real"]);
    browsed(&again.link());
    again.end().exits(0);
}

#[test]
fn the_environment_brings_an_application_and_wins_over_the_file() {
    let Some(mut real) = Real::start(json!({})) else { return };
    configured(&real, "[kinds.real]\nclient_id = \"app\"\nclient_secret_file = \"nowhere\"\n");
    real.run(&["add", "real"]).exits(2).warns("nowhere").warns("client_secret_file");
    real.machine.set("CONNECTIONS_KINDS__REAL__CLIENT_SECRET", SECRET);
    let mut adding = real.begin(&["add", "real"]);
    browsed(&adding.link());
    adding.end().exits(0);
    // The control: another kind takes no application. In a variable, `_` stands for the `-` in the name of a kind.
    real.machine.set("CONNECTIONS_KINDS__REAL_OWN__CLIENT_ID", "app");
    real.run(&["list"]).exits(2).warns("'real-own' uses no application");
}

#[test]
fn a_configuration_that_no_kind_can_use_is_refused() {
    let machine = Machine::new();
    let check = |kinds: &str, expected: &[&str]| {
        machine.configure(kinds);
        let ran = expected.iter().fold(machine.run(&["kinds"]).exits(2), |ran, part| ran.warns(part));
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    };
    check("[kinds.gmial]\nclient_id = \"a\"", &["unknown kind 'gmial'", "gmail"]);
    check("[kinds.github]\nclient_id = \"a\"", &["'github' uses no application", "kinds.github"]);
    check("[kinds.gmail]\nclient_id = \"a\"", &["kinds.gmail has no secret", "client_secret_file"]);
    check("[kinds.gmail]\nclient_secret = \"hunter2\"", &["kinds.gmail.client_id is missing"]);
    let both = "[kinds.gmail]\nclient_id = \"a\"\nclient_secret = \"hunter2\"\nclient_secret_file = \"b\"";
    check(both, &["are both set"]);
    check("[kinds.gmail]\nclient = \"hunter2\"", &["unknown key 'kinds.gmail.client'", "kinds.KIND.client_id"]);
    check("[kinds]\ngmail = \"hunter2\"", &["unknown key 'kinds.gmail'"]);
    check("[kinds.gmail]\nclient_id = 7", &["'kinds.gmail.client_id' must be a text"]);
    // The control: a complete application is accepted.
    machine.configure("[kinds.gmail]\nclient_id = \"a\"\nclient_secret = \"hunter2\"");
    let shown = machine.run(&["kinds", "show", "gmail"]).exits(0).says("application: kinds.gmail in ");
    assert!(!shown.out.contains("hunter2"));
}

#[test]
fn an_application_may_be_configured_before_its_kind_is_added() {
    let machine = Machine::new();
    machine.configure("[kinds.acme]\nclient_id = \"a\"\nclient_secret = \"hunter2\"");
    machine.run(&["kinds"]).exits(2).warns("unknown kind 'acme'");
    let kind = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"oauth2\"\n\
                request.base = [\"https://api.acme.example\"]\nverify.path = \"/me\"\n\
                removal.url = \"https://acme.example/apps\"\naccount = { id = [\"/id\"], label = [\"/name\"] }\n\
                [oauth2]\nauthorize = \"https://id.acme.example/authorize\"\n\
                token = \"https://id.acme.example/token\"\nscopes = [\"read\"]\n";
    let file = machine.write("acme.toml", kind.as_bytes());
    machine.run(&["kinds", "add", &file]).exits(0);
    machine.run(&["kinds", "show", "acme"]).exits(0).says("application: kinds.acme in ");
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_refused_before_anything_is_made() {
    let machine = Machine::new();
    machine.configure("[kinds.gmail]\nclient_id = \"a\"\nclient_secret_file = \"secret\"");
    machine.run(&["add", "gmail"]).exits(2).warns("secret cannot be read");
    private(&machine, "secret", "hunter2");
    set_mode(machine.path("configuration/secret").to_str().unwrap(), 0o644);
    machine.run(&["add", "gmail"]).exits(2).warns("can be read or changed by other users").warns("chmod 600");
    assert!(!machine.data().exists());
    // Commands that do not use the application still work.
    machine.run(&["list"]).exits(0);
}

#[test]
fn an_application_that_was_asked_for_is_forgotten_and_asked_for_again() {
    let Some(real) = Real::start(json!({})) else { return };
    real.run(&["kinds", "forget-client", "real"]).exits(0).says("No application of 'real' was stored");
    // On PostgreSQL, the database exists already and is opened with the key of this machine.
    assert!(on_postgres() || !real.machine.data().exists());
    real.run(&["kinds", "forget-client", "gone"]).exits(5);
    let application = real.application();
    let mut adding = real.begin(&["add", "real", "--input", &application]);
    browsed(&adding.link());
    adding.end().exits(0);
    let mut again = real.begin(&["add", "real", "--again"]);
    again.link();
    again.kill();
    let forgotten = real.run(&["kinds", "forget-client", "real"]).exits(0);
    forgotten.says("Forgot the application of 'real'").says("not renewed until the application is entered again");
    let shape = real.run(&["kinds", "forget-client", "real", "--json"]).exits(0);
    assert_eq!(shape.json(), json!({ "kind": "real", "forgotten": false, "configuredIn": null }));
    real.run(&["add", "real", "--again"]).exits(2).warns("clientId");
    configured(&real, "[kinds.real]\nclient_id = \"app\"\nclient_secret_file = \"secret\"\n");
    real.run(&["kinds", "forget-client", "real"])
        .exits(0)
        .says("The application in the configuration stays: kinds.real in ");
}

/// Google ends the authorization of an application that is in testing after a week. The list says so, although tokens
/// are refreshed automatically.
#[test]
fn what_google_ends_in_a_week_is_listed_with_its_end() {
    let machine = Machine::new();
    let row = |account: &str, days: u64| {
        let until = SystemClock::new().now().after(days * 86_400 + 3600).to_rfc3339();
        json!({
            "kind": "gmail",
            "identity": { "id": account },
            "credential": { "version": "1", "clientId": "app", "access": "ya29", "refresh": "1//" },
            "authorizedUntil": until,
        })
        .to_string()
    };
    let lines = format!("{}\n{}\n", row("ada@example.com", 6), row("bob@example.com", 60));
    machine.feed(&["import", "-"], &lines).exits(0);
    let list = machine.run(&["list"]).exits(0);
    let note = |account: &str| list.out.lines().find(|line| line.contains(account)).unwrap_or_default().to_owned();
    assert!(note("gmail:ada@example.com").ends_with("authorization expires in 6 days"), "{}", list.out);
    assert!(!note("gmail:bob@example.com").contains("expires"), "{}", list.out);
}
