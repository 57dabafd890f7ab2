//! The settings hand-off (`open-settings`): the view of what is required, the setup that it leads to, and the retry.

use serde_json::json;

use crate::{
    extensions::{connected, machine},
    program::{Machine, check},
    provider::{ACCOUNT, AUTH_TOKEN, KEY, KEY_SECRET},
};

const CONNECT: [&str; 4] = ["open-settings", "issues", "--from-env", "accessToken=GITHUB"];

fn added() -> Machine {
    let machine = machine();
    machine.run(&["extensions", "add", "issues.json"]).exits(0);
    machine
}

#[test]
fn where_nothing_is_required_the_way_to_the_preferences_is_told() {
    let machine = connected();
    let run = |arguments: &[&str]| machine.run(arguments).exits(0);
    run(&["open-settings", "issues"])
        .says("status        connected")
        .warns("`connections preferences get issues` shows");
    let of_command = "`connections preferences get issues --command search` shows";
    run(&["open-settings", "issues", "--command", "search"]).says("status        connected").warns(of_command);
    run(&["preferences", "get", "issues", "--command", "search"]).says("onlyMine");
    machine.run(&["open-settings", "issues", "--command", "gone"]).exits(2).warns("declares no command");
}

#[test]
fn the_view_without_a_person_says_what_to_do() {
    let machine = added();
    machine
        .run(&["open-settings", "issues"])
        .exits(0)
        .says("Connection required: GitHub")
        .says("Create a GitHub personal access token")
        .says("connections open-settings issues --from-env accessToken=VARIABLE");
    let gone = machine.run(&["open-settings", "issues", "--command", "gone"]).exits(2).warns("declares no command");
    assert!(!gone.err.contains("gone"), "what was typed may be a secret: {}", gone.err);
    machine.run(&["open-settings", "nobody"]).exits(5);
    let opened = machine.run(&["open-settings", "issues", "--command", "search", "--json"]).exits(0).json();
    check(&opened, "openSettings");
    check(&opened["required"], "required");
    check(&opened["resolved"], "resolved");
    assert_eq!(
        (&opened["required"]["action"], &opened["required"]["kinds"]),
        (&json!("connect"), &json!(["github", "github-oauth"]))
    );
    let way = "connections open-settings issues --command search --from-env accessToken=VARIABLE";
    assert_eq!(opened["required"]["way"], way);
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    assert!(machine.provider.seen().is_empty(), "to look at it asks nobody");
}

#[test]
fn a_ticket_tells_later_what_came_of_it() {
    let machine = added();
    let opened = machine.run(&["open-settings", "issues", "--command", "search", "--json"]).exits(0).json();
    let ticket = opened["ticket"].as_str().unwrap().to_owned();
    let retry = ["open-settings", "issues", "--retry", &ticket];
    machine.run(&retry).exits(5).says("Connection required: GitHub");
    machine.run(&CONNECT).exits(0);
    machine.run(&retry).exits(0).says("status        connected");
    machine.run(&["open-settings", "issues", "--retry", "nonsense"]).exits(2);
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    machine
        .run(&["open-settings", "release-notes", "--retry", &ticket])
        .exits(5)
        .warns("this ticket is not valid for 'release-notes'");
}

#[test]
fn the_end_of_a_tickets_command_says_what_to_do() {
    let machine = added();
    let ticket = |extension: &str| {
        let opened = machine.run(&["open-settings", extension, "--json"]).exits(0).json();
        opened["ticket"].as_str().unwrap().to_owned()
    };
    let of_issues = ticket("issues");
    let retry = |more: &[&str]| machine.run(&[&["open-settings", "issues", "--retry", &of_issues], more].concat());
    retry(&[]).exits(5).says("connections open-settings issues");
    // The account is connected, but not granted to this extension.
    machine.run(&["add", "github", "--from-env", "accessToken=GITHUB"]).exits(0);
    retry(&[]).exits(6).says("connections extensions grant issues github:octocat");
    machine.run(&["extensions", "grant", "issues", "github"]).exits(0);
    retry(&[]).exits(0).says("status        connected");
    machine.provider.tell(401, "content-type: application/json\r\n", r#"{"message":"Bad credentials"}"#);
    machine.run(&["verify", "github"]).exits(4);
    let output = retry(&["--json"]).exits(4).json();
    check(&output, "openSettings");
    assert_eq!((&output["resolved"]["status"], &output["ticket"]), (&json!("failed"), &json!(of_issues)));
    if cfg!(target_os = "linux") {
        machine.run(&["extensions", "add", "reminders.json"]).exits(0);
        machine
            .run(&["open-settings", "reminders", "--retry", &ticket("reminders")])
            .exits(6)
            .says("it runs only on darwin");
    }
    // A retry connects nothing, so input for a setup is refused.
    for more in [["--kind", "github"], ["--from-env", "accessToken=GITHUB"], ["--input", "-"]] {
        retry(&more).exits(2).warns("cannot be used with the other arguments");
    }
}

#[test]
fn a_setup_that_waits_is_gone_on_with_and_grants_all_the_same() {
    let machine = added();
    machine.provider.tell(503, "", "");
    let waits = machine.run(&CONNECT).exits(3).warns("connections setup resume");
    let ticket = ticket_of(&waits.err);
    machine.run(&["extensions"]).exits(0).says("missing");
    machine.run(&["open-settings", "issues", "--retry", &ticket]).exits(5);
    machine.provider.behave();
    let id = machine.run(&["setup", "list", "--json"]).exits(0).json()[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["setup", "resume", &id]).exits(0).says("Connected octocat");
    machine.run(&["open-settings", "issues", "--retry", &ticket]).exits(0).says("status        connected");
    machine.run(&["exec", "issues", "--", "/bin/sh", "-c", "exit 0"]).exits(0);
}

/// Returns the ticket that an error names. The error may be for people or for programs.
fn ticket_of(error: &str) -> String {
    let (_, rest) = error.split_once("--retry ").unwrap_or_else(|| panic!("no ticket: {error}"));
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

#[test]
fn a_setup_that_fails_has_a_ticket_that_says_why_and_one_that_nobody_began_has_none() {
    let machine = added();
    // Input that is refused begins no setup.
    let refused = machine.run(&["open-settings", "issues", "--from-env", "unknown=GITHUB"]).exits(2);
    assert!(!refused.err.contains("--retry"), "{}", refused.err);
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    machine.provider.tell(401, "content-type: application/json\r\n", r#"{"message":"Bad credentials"}"#);
    let failed = machine.run(&[&CONNECT[..], &["--command", "search", "--json"]].concat()).exits(3).err;
    let error: serde_json::Value = serde_json::from_str(&failed).unwrap();
    let remedy = error["error"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("connections open-settings issues --command search --retry "), "{remedy}");
    let retry = ["open-settings", "issues", "--retry", &ticket_of(remedy)];
    // No person could be asked for another answer, so the setup was cancelled.
    machine.run(&retry).exits(3).warns("cancelled");
    machine.provider.behave();
    machine.run(&CONNECT).exits(0);
    machine.run(&retry).exits(0).says("status        connected");
}

#[test]
fn a_manifest_that_changes_in_mid_setup_connects_nothing() {
    let machine = added();
    machine.provider.tell(503, "", "");
    machine.run(&CONNECT).exits(3);
    let manifest = String::from_utf8(crate::extensions::ISSUES.to_vec()).unwrap();
    let other = manifest.replace("\"title\": \"GitHub\"", "\"title\": \"Another\"").replace("[\"apiBaseUrl\"]", "[]");
    machine.write("other.json", other.as_bytes());
    machine.run(&["extensions", "add", "other.json"]).exits(0);
    machine.provider.behave();
    let id = machine.run(&["setup", "list", "--json"]).exits(0).json()[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["setup", "resume", &id]).exits(3).warns("changed before it was connected");
    machine.run(&["list"]).exits(0).says("Nothing is connected");
    machine.run(&CONNECT).exits(0);
}

#[test]
fn a_refused_connection_is_re_authorized() {
    let machine = connected();
    machine.provider.tell(401, "content-type: application/json\r\n", r#"{"message":"Bad credentials"}"#);
    machine.run(&["verify", "github"]).exits(4);
    machine.run(&["open-settings", "issues"]).exits(0).says("connections reauthorize github:octocat");
    machine.provider.behave();
    machine.run(&CONNECT).exits(0).says("Reauthorized octocat").says("status        connected");
    machine.run(&["list", "--json"]).exits(0).json().as_array().filter(|rows| rows.len() == 1).expect("one connection");
}

#[test]
fn a_re_authorization_for_an_extension_grants_it_the_connection() {
    let machine = connected();
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    machine.provider.tell(401, "content-type: application/json\r\n", r#"{"message":"Bad credentials"}"#);
    machine.run(&["verify", "github"]).exits(4);
    machine.provider.behave();
    machine.run(&["resolve", "issues.json"]).exits(0).says("fix with      connections reauthorize github:octocat");
    machine.run(&["resolve", "release-notes.json"]).exits(0).says(
        "fix with      connections open-settings \
                                                                   release-notes",
    );
    let again = ["open-settings", "release-notes", "--from-env", "accessToken=GITHUB"];
    machine.run(&again).exits(0).says("Reauthorized octocat").says("status        connected");
    machine.run(&["exec", "release-notes", "--", "/bin/sh", "-c", "exit 0"]).exits(0);
    machine.run(&["exec", "issues", "--", "/bin/sh", "-c", "exit 0"]).exits(0);
}

#[test]
fn with_everything_there_nothing_is_required() {
    let machine = connected();
    machine.run(&CONNECT).exits(0).says("status        connected");
    let opened = machine.run(&["open-settings", "issues", "--json"]).exits(0).json();
    check(&opened, "openSettings");
    assert_eq!((&opened["required"], &opened["resolved"]["status"]), (&json!(null), &json!("connected")));
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    machine
        .run(&["open-settings", "release-notes"])
        .exits(0)
        .says("connections extensions grant release-notes github:octocat");
    machine.run(&["list"]).exits(0);
}

/// A script relies on the input that it passes.
#[test]
fn what_was_brought_and_connects_nothing_is_refused_with_the_way() {
    let machine = connected();
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    let brought = ["open-settings", "release-notes", "--from-env", "accessToken=GITHUB"];
    machine.run(&brought).exits(6).warns("connections extensions grant release-notes github:octocat");
    machine.run(&["open-settings", "release-notes", "--kind", "github"]).exits(6).warns("not granted");
    machine.run(&["add", "github", "--from-env", "accessToken=GITHUB", "--again", "--label", "two"]).exits(0);
    machine.run(&["default", "github:octocat", "--clear"]).exits(0);
    machine.run(&brought).exits(2).warns("connections extensions use release-notes CONNECTION");
    // The control: viewing the settings is not an error.
    let way = "connections extensions use release-notes CONNECTION";
    machine.run(&["open-settings", "release-notes"]).exits(0).says(way);
    // No kind here hands out the name, or no kind connects the provider. The message says so at once, and names what
    // is available.
    for (name, from, to, why) in [
        (
            "two",
            r#"["accessToken"]"#,
            r#"["accessToken", "refreshKey"]"#,
            "no kind on this host hands out 'refreshKey' of 'github'",
        ),
        // The name of the extension cannot be a part of a kind's name.
        ("no.kind", r#""provider": "github""#, r#""provider": "foreign""#, "this host has no kind for 'foreign'"),
    ] {
        let nobody = String::from_utf8(crate::extensions::ISSUES.to_vec()).unwrap();
        assert!(nobody.contains(from), "{nobody}");
        let nobody = nobody.replace(from, to).replace("\"issues\"", &format!("\"{name}\""));
        machine.write("nobody.json", nobody.as_bytes());
        let added = machine.run(&["extensions", "add", "nobody.json"]).exits(0).says(why).says("connections kinds");
        assert!(!added.out.contains("open-settings"), "{}", added.out);
        machine.run(&["open-settings", name]).exits(0).says(why);
        machine.run(&["open-settings", name, "--from-env", "accessToken=GITHUB"]).exits(6).warns(why);
        machine.run(&["exec", name, "--", "true"]).exits(5).warns("connections kinds");
        assert_eq!(
            machine.run(&["resolve", "nobody.json", "--json"]).exits(0).json()["error"]["code"],
            "connection_unsupported"
        );
    }
    machine.run(&["resolve", "nobody.json"]).exits(0).says("'no.kind' cannot be a part of the name of a kind");
    machine.run(&["extensions", "grant", "two", "github:octocat"]).exits(6).warns("'github' hands out 'accessToken'");
}

/// A login by an API key has no auth token, and its account is connected already. The settings lead to a new login for
/// that account.
#[test]
fn a_connection_that_lacks_a_name_is_authorized_again() {
    let mut machine = Machine::new();
    machine.set("SID", ACCOUNT);
    machine.set("TOKEN", AUTH_TOKEN);
    let manifest = json!({ "name": "sms", "connection": {
        "id": "default", "provider": "twilio", "title": "Twilio",
        "auth": { "type": "apiKey", "secretNames": ["authToken"] },
    } });
    machine.write("sms.json", manifest.to_string().as_bytes());
    machine.run(&["extensions", "add", "sms.json"]).exits(0).says("missing");
    let way = "connections open-settings sms --from-env accountSid=VARIABLE --from-env authToken=VARIABLE";
    machine.run(&["open-settings", "sms"]).exits(0).says(way);
    let key = format!(r#"{{"accountSid": "{ACCOUNT}", "apiKeySid": "{KEY}", "apiKeySecret": "{KEY_SECRET}"}}"#);
    machine.feed(&["add", "twilio", "--label", "key", "--input", "-"], &key).exits(0);
    let view = machine.run(&["open-settings", "sms"]).exits(0).says(way).says("twilio:key has no 'authToken'");
    assert!(!view.out.contains("--again"), "{}", view.out);
    let opened = machine.run(&["open-settings", "sms", "--json"]).exits(0).json();
    assert_eq!(opened["required"]["action"], "reauthorize");
    let bring = ["open-settings", "sms", "--from-env", "accountSid=SID", "--from-env", "authToken=TOKEN"];
    machine.run(&bring).exits(0).says("Reauthorized").says("status        connected");
    machine.run(&["list", "--json"]).exits(0).json().as_array().filter(|rows| rows.len() == 1).expect("one connection");
    // The person who re-authorized has thereby granted the connection to the extension.
    let same = r#"test "$AUTH_TOKEN" = "$TOKEN""#;
    machine.run(&["exec", "sms", "--", "/bin/sh", "-c", same]).exits(0);
}

/// The remedy names only options that the command has.
#[test]
fn what_ends_as_connected_already_says_a_way_that_there_is() {
    let machine = added();
    machine.provider.tell(503, "", "");
    let ticket = ticket_of(&machine.run(&CONNECT).exits(3).err);
    machine.provider.behave();
    // Another process connects the account before the setup is resumed.
    machine.run(&["add", "github", "--from-env", "accessToken=GITHUB"]).exits(0);
    let id = machine.run(&["setup", "list", "--json"]).exits(0).json()[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["setup", "resume", &id]).exits(6).warns("already connected");
    machine.run(&["remove", "github", "--yes"]).exits(0);
    let ran = machine.run(&["open-settings", "issues", "--retry", &ticket]).exits(6).warns("authorize it again");
    assert!(!ran.err.contains("--again"), "{}", ran.err);
}

#[test]
fn a_kind_of_another_provider_is_refused() {
    let machine = added();
    machine.run(&[&CONNECT[..], &["--kind", "notion"]].concat()).exits(6).warns("--kind takes github");
    // `--kind` is also checked if no person can be asked and no input is passed.
    machine.run(&["open-settings", "issues", "--kind", "nonsense"]).exits(6).warns("--kind takes github");
    machine.run(&["open-settings", "issues", "--kind", "github"]).exits(0).says("Connection required: GitHub");
    machine.run(&[&CONNECT[..], &["--kind", "github"]].concat()).exits(0);
    machine.run(&["open-settings", "issues", "--kind", "nonsense"]).exits(6).warns("--kind takes github");
    machine.run(&["open-settings", "issues", "--kind", "github"]).exits(0).says("status        connected");
    machine.provider.tell(401, "content-type: application/json\r\n", r#"{"message":"Bad credentials"}"#);
    machine.run(&["verify", "github"]).exits(4);
    machine.run(&["open-settings", "issues", "--kind", "nonsense"]).exits(6).warns("--kind takes github");
    machine.run(&["open-settings", "issues", "--kind", "github"]).exits(0).says("connections reauthorize");
}

/// Runs `examples/oauth2.rs`, whose server does not exist.
#[test]
fn a_way_that_was_chosen_begins_the_setup() {
    let machine = Machine::new();
    let manifest = json!({ "name": "real", "connection": {
        "id": "default", "provider": "real-public", "title": "Real",
        "auth": { "type": "personalAccessToken", "secretNames": ["accessToken"] },
    } });
    machine.write("real.json", manifest.to_string().as_bytes());
    let run = |arguments: &[&str]| machine.run_example("oauth2", arguments);
    run(&["extensions", "add", "real.json"]).exits(0).says("missing");
    run(&["open-settings", "real"]).exits(0).says("connections open-settings real --paste");
    run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    run(&["open-settings", "real", "--device"]).exits(2).warns("use --paste");
    run(&["open-settings", "real", "--paste"]).exits(3);
}
