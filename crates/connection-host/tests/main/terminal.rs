//! At a terminal, questions are asked, secrets are not echoed, and control-C leaves no unfinished setup.

use connection_contract::encode;
use rexpect::{
    process::WaitStatus,
    session::{PtySession, spawn_command},
};

use crate::{
    changed_kinds,
    program::Machine,
    provider::{NOTION_KEY, OTHER_TOKEN, TOKEN},
};

/// The time limit for a program that hangs, in milliseconds.
pub(crate) const PATIENCE: Option<u64> = Some(30_000);

pub(crate) fn start(machine: &Machine, arguments: &[&str]) -> PtySession {
    let mut command = machine.command();
    command.args(arguments).env("TERM", "xterm").stdin(std::process::Stdio::inherit());
    spawn_command(command, PATIENCE).expect("a terminal")
}

/// Types a text and presses Enter, which is a carriage return at a terminal in raw mode.
#[track_caller]
pub(crate) fn enter(session: &mut PtySession, text: &str) {
    session.send(&format!("{text}\r")).expect("the terminal takes it");
    session.flush().expect("the terminal takes it");
}

#[track_caller]
pub(crate) fn end(mut session: PtySession, exit: i32) -> String {
    let rest = session.exp_eof().expect("the program ends");
    let status = session.process().wait().expect("it is a child");
    assert!(matches!(status, WaitStatus::Exited(_, code) if code == exit), "{status:?}: {rest}");
    rest
}

#[test]
fn a_secret_is_asked_for_and_not_echoed() {
    let machine = Machine::new();
    let mut session = start(&machine, &["add", "notion"]);
    let before = session.exp_string("Internal integration token").unwrap();
    assert!(before.contains("https://www.notion.so/profile/integrations"), "{before}");
    enter(&mut session, NOTION_KEY);
    let shown = session.exp_string("Connected ").unwrap();
    let rest = end(session, 0);
    assert!(!format!("{shown}{rest}").contains(NOTION_KEY), "{shown}{rest}");
    assert!(rest.contains("Ada's Notion"), "{rest}");
}

/// The control for the test above: text that is not secret is echoed.
#[test]
fn a_text_is_echoed() {
    let machine = Machine::new();
    let mut session = start(&machine, &["add", "twilio"]);
    session.exp_string("Account SID").unwrap();
    session.send("AC0123").unwrap();
    session.flush().unwrap();
    session.exp_string("AC0123").unwrap();
    session.send_control('c').unwrap();
    end(session, 3);
}

#[test]
fn control_c_cancels_the_setup() {
    let machine = Machine::new();
    let mut session = start(&machine, &["add", "notion"]);
    session.exp_string("Internal integration token").unwrap();
    session.send_control('c').unwrap();
    let rest = end(session, 3);
    assert!(rest.contains("cancelled"), "{rest}");
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
}

#[test]
fn control_c_cancels_the_setup_while_the_provider_is_asked() {
    let machine = Machine::new();
    let requests = machine.provider.fall_silent();
    machine.write("key", NOTION_KEY.as_bytes());
    let mut session = start(&machine, &["add", "notion", "--field", "apiKey=@key"]);
    requests.recv().unwrap();
    session.send_control('c').unwrap();
    let rest = end(session, 3);
    assert!(rest.contains("cancelled"), "{rest}");
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
}

#[test]
fn verify_shows_how_far_it_is_and_ends_with_the_table() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let shown = end(start(&machine, &["verify", "--all"]), 0);
    assert!(shown.contains("github:work"), "{shown}");
}

#[test]
fn an_answer_at_a_terminal_ends_its_line() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let shown = end(start(&machine, &["send", "github", "GET", "/user"]), 0);
    assert!(shown.contains("octocat") && shown.ends_with("}\r\n"), "{shown:?}");
    // The control: a program gets the answer byte for byte.
    assert!(machine.run(&["send", "github", "GET", "/user"]).exits(0).out.ends_with('}'));
}

#[test]
fn a_removal_is_asked_for() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    for (answer, exit, left) in [("n", 0, "octocat"), ("y", 0, "Nothing is connected")] {
        let mut session = start(&machine, &["remove", "github"]);
        session.exp_string("Remove octocat (github:work)?").unwrap();
        enter(&mut session, answer);
        end(session, exit);
        machine.run(&["list"]).exits(0).says(left);
    }
}

#[test]
fn a_no_changes_nothing_and_is_no_error() {
    let mut machine = Machine::new();
    machine.set("OTHER", OTHER_TOKEN);
    machine.add_github("work").exits(0);
    machine.run(&["reauthorize", "github:work", "--from-env", "accessToken=OTHER"]).exits(0);
    for (command, question, left) in [
        (
            &["rollback", "github"][..],
            "Return to the previous credential of octocat (github:work)?",
            "Nothing was changed.",
        ),
        (&["remove", "--kind", "github"], "Remove the connection of github?", "Nothing was removed."),
    ] {
        let mut session = start(&machine, command);
        session.exp_string(question).unwrap();
        enter(&mut session, "n");
        session.exp_string(left).unwrap();
        end(session, 0);
    }
    // The connection is there, and its previous credential still is, too.
    machine.run(&["rollback", "github", "--yes"]).exits(0).says("Rolled back octocat (github:work)");
}

#[test]
fn a_changed_kind_is_shown_and_accepted_only_after_a_yes() {
    let machine = changed_kinds::connected();
    changed_kinds::change(&machine);
    for (answer, left, exit) in [("n", "Nothing was accepted.", 6), ("y", "Accepted for 1 account.", 0)] {
        let mut session = start(&machine, &["kinds", "accept", "acme"]);
        session.exp_string("- request.headers.Authorization = \"Bearer ${secret.apiKey}\"").unwrap();
        session.exp_string("+ request.headers.X-Api-Key = \"${secret.apiKey}\"").unwrap();
        session.exp_string("Use acme in this way, for 1 account?").unwrap();
        enter(&mut session, answer);
        session.exp_string(left).unwrap();
        end(session, 0);
        machine.run(&["send", "acme", "GET", "/me"]).exits(exit);
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let mut machine = Machine::new();
    machine.add_github("work").exits(0);
    let green = "\u{1b}[32mlive";
    assert!(end(start(&machine, &["list"]), 0).contains(green));
    machine.set("NO_COLOR", "1");
    let plain = end(start(&machine, &["list"]), 0);
    assert!(plain.contains("live") && !plain.contains(green), "{plain}");
}

/// A person copies them to the provider. The output for a program has neither (see `hooking`).
#[test]
fn a_webhook_address_and_its_key_are_shown_to_a_person() {
    let mut machine = Machine::new();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", "https://host.example");
    machine.add_github("work").exits(0);
    let shown = end(start(&machine, &["webhooks", "github", "enable"]), 0);
    let fact = |name: &str| {
        let line = shown.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {shown}"));
        line.split_whitespace().last().unwrap_or_default().to_owned()
    };
    assert!(fact("address").starts_with("https://host.example/webhooks/"), "{shown}");
    let key = end(start(&machine, &["webhooks", "github", "key"]), 0);
    assert_eq!(key.trim_end(), fact("key "));
    assert!(shown.contains("Enter the address and the key at the provider."), "{shown}");
}

#[test]
fn open_settings_offers_to_connect_and_to_grant() {
    let machine = crate::extensions::machine();
    machine.run(&["extensions", "add", "issues.json"]).exits(0);
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    let mut session = start(&machine, &["open-settings", "issues"]);
    session.exp_string("Connection required: GitHub").unwrap();
    session.exp_string("Connect GitHub for issues?").unwrap();
    enter(&mut session, "n");
    let view = end(session, 0);
    assert!(view.contains("connections open-settings issues"), "{view}");
    let mut session = start(&machine, &["open-settings", "issues"]);
    session.exp_string("Connect GitHub for issues?").unwrap();
    enter(&mut session, "y");
    session.exp_string("Personal access token").unwrap();
    enter(&mut session, TOKEN);
    session.exp_string("GitHub Enterprise?").unwrap();
    enter(&mut session, "");
    session.exp_string("Connected octocat (github:octocat)").unwrap();
    let shown = end(session, 0);
    assert!(shown.contains("connected") && !shown.contains(TOKEN), "{shown}");
    let mut session = start(&machine, &["open-settings", "release-notes"]);
    session.exp_string("Let release-notes use octocat (github:octocat), with accessToken?").unwrap();
    enter(&mut session, "y");
    end(session, 0);
    machine.run(&["exec", "release-notes", "--", "/bin/sh", "-c", "exit 0"]).exits(0);
}

/// While the question is open, another process changes the connection that the extension would use.
#[test]
fn exactly_the_shown_secrets_are_granted() {
    let mut machine = crate::extensions::connected();
    machine.set("OTHER", TOKEN);
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    let mut session = start(&machine, &["open-settings", "release-notes"]);
    session.exp_string("Let release-notes use octocat (github:octocat), with accessToken?").unwrap();
    machine.run(&["add", "github", "--from-env", "accessToken=OTHER", "--again", "--label", "two"]).exits(0);
    machine.run(&["default", "github:two"]).exits(0);
    enter(&mut session, "y");
    let granted = |machine: &Machine| {
        let extensions = machine.run(&["extensions", "--json"]).exits(0).json();
        let extension = extensions.as_array().unwrap().iter().find(|one| one["name"] == "release-notes").unwrap();
        extension["grants"].as_array().unwrap().iter().map(|grant| grant["label"].clone()).collect::<Vec<_>>()
    };
    // The only grant goes before another default, so the extension uses the connection to which the person has agreed.
    let shown = end(session, 0);
    let words: Vec<_> = shown.split_whitespace().collect();
    assert!(words.join(" ").contains("connection github:octocat granted yes"), "{shown}");
    assert_eq!(granted(&machine), ["octocat"]);
    machine.run(&["default", "github:octocat"]).exits(0);
    machine.run(&["extensions", "revoke", "release-notes"]).exits(0);
    let mut session = start(&machine, &["open-settings", "release-notes"]);
    session.exp_string("Let release-notes use octocat (github:octocat), with accessToken?").unwrap();
    machine.run(&["extensions", "use", "release-notes", "github:two"]).exits(0);
    enter(&mut session, "y");
    // The extension would use the chosen connection now, to which the person has not agreed.
    let shown = end(session, 0);
    assert!(shown.contains("connections extensions grant release-notes github:two"), "{shown}");
    assert_eq!(granted(&machine), ["octocat"]);
    machine.run(&["extensions", "use", "release-notes", "--default"]).exits(0);
    machine.run(&["extensions", "revoke", "release-notes"]).exits(0);
    let mut session = start(&machine, &["open-settings", "release-notes"]);
    session.exp_string("Let release-notes use octocat (github:octocat), with accessToken?").unwrap();
    let json = "content-type: application/json\r\n";
    machine.provider.tell(200, json, r#"{"id": 7, "login": "mallory"}"#);
    let another = ["reauthorize", "github:octocat", "--another-account", "--from-env", "accessToken=OTHER"];
    machine.run(&another).exits(0);
    enter(&mut session, "y");
    let shown = end(session, 6);
    assert!(shown.contains("now belongs to another account"), "{shown}");
}

#[test]
fn the_removal_of_an_extension_is_asked_for() {
    let machine = crate::extensions::connected();
    for (answer, exit) in [("n", 0), ("y", 0)] {
        let mut session = start(&machine, &["extensions", "remove", "issues"]);
        session.exp_string("Remove the extension issues?").unwrap();
        enter(&mut session, answer);
        end(session, exit);
    }
    machine.run(&["extensions"]).exits(0).says("No extension was added");
}

/// R-JACK-008: a tool that runs has the terminal, and gets what is typed there.
#[test]
fn a_tool_that_is_run_has_the_terminal() {
    let machine = crate::tooled::tooled();
    assert!(end(start(&machine, &["run", "claude", "--", "terminal"]), 0).contains("a terminal"));
    let mut session = start(&machine, &["run", "claude", "--", "wait"]);
    session.exp_string("ready").unwrap();
    session.send_control('c').unwrap();
    let rest = end(session, 8);
    assert_eq!(rest.matches("got INT").count(), 1, "{rest}");
    // The control: without a terminal, the tool has none.
    machine.run(&["run", "claude", "--", "terminal"]).exits(0).says("no terminal");
}

#[test]
fn a_passphrase_is_asked_for_twice_when_it_is_new_and_is_not_echoed() {
    const PASSPHRASE: &str = "correct horse battery staple";
    let mut machine = Machine::new();
    machine.set("CONNECTIONS_KEY__SOURCE", "passphrase");
    let mut shown = String::new();
    let mut session = start(&machine, &["add", "notion"]);
    shown += &session.exp_string("New passphrase of the database").unwrap();
    enter(&mut session, PASSPHRASE);
    shown += &session.exp_string("The same passphrase again").unwrap();
    enter(&mut session, PASSPHRASE);
    shown += &session.exp_string("Internal integration token").unwrap();
    enter(&mut session, NOTION_KEY);
    shown += &session.exp_string("Connected ").unwrap();
    shown += &end(session, 0);
    // To open the database, the passphrase is asked for once.
    let mut session = start(&machine, &["list"]);
    shown += &session.exp_string("Passphrase of the database").unwrap();
    enter(&mut session, PASSPHRASE);
    shown += &session.exp_string("notion").unwrap();
    shown += &end(session, 0);
    assert!(!shown.contains("horse"), "{shown}");
    let mut session = start(&machine, &["list"]);
    session.exp_string("Passphrase of the database").unwrap();
    enter(&mut session, "incorrect horse battery staple");
    session.exp_string("does not open this database").unwrap();
    end(session, 6);
    let mut session = start(&machine, &["list"]);
    session.exp_string("Passphrase of the database").unwrap();
    session.send_control('c').unwrap();
    session.exp_string("cancelled").unwrap();
    end(session, 6);
}

/// A program for secrets says there what it waits for, and why it gives none.
#[test]
fn what_a_command_of_the_key_says_is_shown_at_a_terminal_and_discarded_by_serve() {
    let mut machine = Machine::new();
    machine.configure("[key]\ncommand = [\"/bin/sh\", \"-c\", \"echo touch the device >&2; exit 1\"]\n");
    machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    let mut session = start(&machine, &["add", "notion"]);
    session.exp_string("touch the device").unwrap();
    let rest = end(session, 6);
    assert!(rest.contains("ended with exit code 1") && !rest.contains("discarded"), "{rest}");
    let shown = end(start(&machine, &["serve"]), 6);
    assert!(!shown.contains("touch the device"), "{shown}");
    assert!(shown.contains("what it wrote to standard error was discarded"), "{shown}");
}

#[test]
fn a_database_moves_to_a_passphrase_that_a_person_types() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let change = ["key", "change", "--to-source", "passphrase"];
    let mut session = start(&machine, &change);
    session.exp_string("New passphrase of the database").unwrap();
    enter(&mut session, "correct horse battery staple");
    session.exp_string("The same passphrase again").unwrap();
    enter(&mut session, "another one of many words");
    session.exp_string("The two are not the same").unwrap();
    session.send_control('c').unwrap();
    end(session, 6);
    machine.run(&["list"]).exits(0);
    let mut session = start(&machine, &change);
    for question in ["New passphrase of the database", "The same passphrase again"] {
        session.exp_string(question).unwrap();
        enter(&mut session, "correct horse battery staple");
    }
    session.exp_string("Moved to passphrase").unwrap();
    end(session, 0);
    machine.run(&["list"]).exits(6).warns("use the key source 'passphrase'");
}

/// The guide says how to register an application, so it comes with the question for one, and so does the address.
#[test]
fn a_person_with_a_registered_application_is_not_told_to_register_one() {
    let asked = |machine: &Machine| {
        let mut session = start(machine, &["add", "jira"]);
        let before = session.exp_string("Site").unwrap();
        session.send_control('c').unwrap();
        end(session, 3);
        before
    };
    let guide = "Enter the redirect address";
    let address = "Redirect address to register: https://host.example/callback/jira";
    for (public_url, shown) in [(None, &[guide][..]), (Some("https://host.example"), &[guide, address])] {
        let mut machine = Machine::new();
        public_url.iter().for_each(|url| machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", url));
        let before = asked(&machine);
        assert!(shown.iter().all(|part| before.contains(part)), "{before}");
        machine.set("CONNECTIONS_KINDS__JIRA__CLIENT_ID", "app");
        machine.set("CONNECTIONS_KINDS__JIRA__CLIENT_SECRET", "app-secret");
        let before = asked(&machine);
        assert!(before.contains("Connect Jira") && !before.contains("edirect address"), "{before}");
    }
}

const SIGNED_IN: &str = r#"
format = 1
id = "acme-oauth"
name = "Acme"
mechanism = "oauth2"
[request]
base = "https://api.acme.example"
[verify]
path = "/me"
[account]
id = "/id"
label = "/name"
[oauth2]
authorize = "https://acme.example/authorize"
token = "https://api.acme.example/token"
client = "per_connection"
"#;

/// The application was typed into the first setup, and the second one does not ask for it.
#[test]
fn after_a_refused_consent_nothing_that_was_typed_is_asked_for_again() {
    let machine = Machine::new();
    machine.write("configuration/kinds/acme-oauth.toml", SIGNED_IN.as_bytes());
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{}\"\n", machine.provider.origin));
    machine.provider.tell(200, "", r#"{"id":7,"name":"Ada","access_token":"access","token_type":"Bearer"}"#);
    let mut session = start(&machine, &["add", "acme-oauth", "--paste"]);
    session.exp_string("Client ID").unwrap();
    enter(&mut session, "application");
    session.exp_string("Client secret").unwrap();
    enter(&mut session, "its-secret");
    let back = |session: &mut PtySession, result: &str| {
        session.exp_string("Open https").unwrap();
        let (_, link) = session.exp_regex(r"[^ \r\n]+").unwrap();
        let query = encode::from_form(link.split_once('?').unwrap().1);
        let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap();
        enter(session, &format!("{}?{result}&state={}", value("redirect_uri"), value("state")));
        value("state")
    };
    let first = back(&mut session, "error=access_denied");
    session.exp_string("Sign in again? What you have typed is kept.").unwrap();
    enter(&mut session, "y");
    assert_ne!(back(&mut session, "code=a-code"), first, "it is another setup");
    session.exp_string("Connect ").unwrap();
    enter(&mut session, "y");
    let rest = end(session, 0);
    assert!(rest.contains("Connected Ada (acme-oauth:Ada)"), "{rest}");
    let exchanged = machine.provider.seen().into_iter().find(|seen| seen.path == "/token").unwrap();
    assert!(exchanged.body.contains("client_id=application") || exchanged.headers.contains_key("authorization"));
}

/// The control: a person who does not sign in again gets the failure, and nothing is left.
#[test]
fn a_person_who_does_not_sign_in_again_gets_the_failure() {
    let machine = Machine::new();
    machine.write("configuration/kinds/acme-oauth.toml", SIGNED_IN.as_bytes());
    let mut session = start(&machine, &["add", "acme-oauth", "--paste"]);
    session.exp_string("Client ID").unwrap();
    enter(&mut session, "application");
    session.exp_string("Client secret").unwrap();
    enter(&mut session, "its-secret");
    session.exp_string("state=").unwrap();
    let (_, state) = session.exp_regex("[A-Za-z0-9_-]+").unwrap();
    enter(&mut session, &format!("http://127.0.0.1/callback/acme-oauth?error=access_denied&state={state}"));
    session.exp_string("Sign in again?").unwrap();
    enter(&mut session, "n");
    let rest = end(session, 3);
    assert!(rest.contains("refused"), "{rest}");
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
}

#[test]
fn a_provider_that_takes_its_time_is_named_with_the_seconds_that_it_took() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let silence = machine.provider.fall_silent();
    let mut session = start(&machine, &["verify", "github"]);
    silence.recv().unwrap();
    session.exp_string("Waiting for GitHub (1 s)").unwrap();
    session.exp_string("Waiting for GitHub (2 s)").unwrap();
    machine.provider.speak_up(r#"{"id":583231,"login":"octocat"}"#);
    let rest = end(session, 0);
    assert!(rest.contains("live"), "{rest}");
}
