//! The JSON shapes of real runs, compared member by member.

use serde_json::Value;

use crate::{
    program::{Machine, check},
    provider::NOTION_KEY,
};

#[track_caller]
pub(crate) fn check_all(value: &Value, shape: &str, count: usize) {
    let list = value.as_array().expect("an array");
    assert_eq!(list.len(), count, "{value}");
    for value in list {
        check(value, shape);
    }
}

#[test]
fn a_connection_has_its_shape_wherever_it_is_printed() {
    let mut machine = Machine::new();
    let token = machine.write("token", crate::provider::TOKEN.as_bytes());
    let field = format!("accessToken=@{token}");
    let added = machine.run(&["add", "github", "--label", "work", "--field", &field, "--json"]).exits(0).json();
    check(&added, "connection");
    check(&added["account"], "account");
    let expected =
        [("kind", "github"), ("provider", "github"), ("owner", "local"), ("label", "work"), ("liveness", "live")];
    for (member, value) in expected {
        assert_eq!(added[member], value);
    }
    assert_eq!(added["account"]["id"], "583231");
    assert_eq!(added["account"]["label"], "octocat");
    assert_eq!(added["reason"], Value::Null);
    assert_eq!(added["scopes"], serde_json::json!(["repo", "read:user"]));
    assert_eq!(added["validUntil"], "2099-01-31T00:00:00Z");
    assert_eq!(added["config"]["apiBaseUrl"], "https://api.github.com");
    assert!(added["checkedAt"].as_str().is_some_and(|time| time.ends_with('Z')), "{added}");
    assert!(added["isDefault"].is_boolean());
    assert_eq!(machine.run(&["show", "github", "--json"]).exits(0).json(), added);
    check_all(&machine.run(&["list", "--json"]).exits(0).json(), "connection", 1);
    check_all(&machine.run(&["verify", "--all", "--json"]).exits(0).json(), "connection", 1);

    machine.set("NOTION", NOTION_KEY);
    machine.run(&["add", "notion", "--from-env", "apiKey=NOTION"]).exits(0);
    machine.provider.tell(401, "", r#"{"object":"error","status":401,"code":"unauthorized"}"#);
    let verified = machine.run(&["verify", "notion", "--json"]).exits(4).json();
    check_all(&verified, "connection", 1);
    check(&verified[0]["reason"], "reason");
    assert_eq!(verified[0]["reason"]["code"], "unauthorized");
    assert_eq!(verified[0]["scopes"], Value::Null);
    check(&machine.run(&["remove", "notion", "--yes", "--json"]).exits(0).json(), "removed");
    check_all(&machine.run(&["list", "--json"]).exits(0).json(), "connection", 1);
}

#[test]
fn kinds_have_their_shape() {
    let machine = Machine::new();
    let kinds = machine.run(&["kinds", "--json"]).exits(0).json();
    check_all(&kinds, "kind", 9);
    for kind in kinds.as_array().unwrap() {
        check_all(&kind["fields"], "field", kind["fields"].as_array().unwrap().len());
        check_all(&kind["guide"], "guide", kind["guide"].as_array().unwrap().len());
    }
    let github = machine.run(&["kinds", "show", "github", "--json"]).exits(0).json();
    let link = |part: &Value| {
        part["open"].as_str().is_some_and(|open| open.starts_with("https://github.com/settings/tokens/new"))
    };
    assert!(github["guide"].as_array().unwrap().iter().any(link), "{github}");
    let words =
        |member: &str| kinds.as_array().unwrap().iter().map(|kind| kind[member].to_string()).collect::<Vec<_>>();
    let of_tools = [r#""claude""#, r#""codex""#];
    let others =
        [r#""filesystem""#, r#""gemini""#, r#""github""#, r#""gmail""#, r#""mcp""#, r#""notion""#, r#""twilio""#];
    assert_eq!(words("kind"), [&of_tools[..], &others].concat());
    let key = r#""apiKey""#;
    let auth = [key, key, r#""none""#, key, r#""personalAccessToken""#, r#""oauth""#, r#""oauth""#, key, r#""basic""#];
    assert_eq!(words("auth"), auth);
    let with_webhooks = r#"["send","secrets","webhooks"]"#;
    let renewed = r#"["send","secrets","refresh"]"#;
    let discovered = r#"["send","refresh"]"#;
    let tool = r#"["send","secrets","usage","profiles","sandbox","files"]"#;
    assert_eq!(
        words("capabilities"),
        [tool, tool, r#"["files"]"#, tool, with_webhooks, renewed, discovered, with_webhooks, with_webhooks]
    );
    let tools = r#"["files","tools"]"#;
    assert_eq!(words("needs"), [tools, tools, r#"["files"]"#, tools, "[]", "[]", "[]", "[]", "[]"]);
    let shown = machine.run(&["kinds", "show", "github", "--json"]).exits(0).json();
    assert_eq!(shown, kinds[4]);
}

#[test]
fn answers_and_files_have_their_shapes() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let answer = machine.run(&["send", "github", "GET", "/user", "--json"]).exits(0).json();
    check(&answer, "answer");
    check(&answer["headers"][0], "header");
    assert_eq!((answer["status"].as_u64(), answer["encoding"].as_str()), (Some(200), Some("utf8")));
    assert!(answer["body"].as_str().unwrap().contains("octocat"));
    machine.write("notes/a.txt", b"a\xff");
    machine.write("notes/b/c", b"");
    machine.feed(&["add", "filesystem", "--input", "-"], r#"{"roots": ["notes"]}"#).exits(0);
    let list = machine.run(&["files", "filesystem", "ls", "--json"]).exits(0).json();
    check_all(&list, "file", 2);
    assert_eq!(
        (list[0]["name"].as_str(), list[0]["type"].as_str(), list[0]["size"].as_u64()),
        (Some("a.txt"), Some("file"), Some(2))
    );
    let content = machine.run(&["files", "filesystem", "cat", "a.txt", "--json"]).exits(0).json();
    check(&content, "content");
    assert_eq!((content["encoding"].as_str(), content["body"].as_str()), (Some("base64"), Some("Yf8=")));
}

#[test]
fn setups_doctor_and_errors_have_their_shapes() {
    let machine = Machine::new();
    machine.provider.tell(503, "", "");
    machine.add_github("work").exits(3);
    let setups = machine.run(&["setup", "list", "--json"]).exits(0).json();
    check_all(&setups, "setup", 1);
    assert_eq!(setups[0]["state"], "waiting");
    let id = setups[0]["id"].as_str().unwrap().to_owned();
    let cancelled = machine.run(&["setup", "cancel", &id, "--json"]).exits(0).json();
    check(&cancelled, "setup");
    assert_eq!(cancelled["state"], "cancelled");
    let key = machine.run(&["key", "--json"]).exits(0).json();
    check(&key, "key");
    check_all(&key["slots"], "keySlot", 1);
    check(&machine.run(&["key", "rotate", "--json"]).exits(0).json(), "keyRotation");
    check(&machine.run(&["key", "change", "--to-source", "file", "--json"]).exits(0).json(), "keyChange");
    let doctor = machine.run(&["doctor", "--json"]).exits(0).json();
    check(&doctor, "doctor");
    check_all(&doctor["checks"], "check", 7);
    check(&machine.run(&["show", "x", "--json"]).exits(5).error()["error"], "error");
    check_all(&machine.run(&["list", "--json"]).exits(0).json(), "connection", 0);
}

#[test]
fn extensions_have_their_shapes() {
    let machine = crate::extensions::connected();
    check(&machine.run(&["resolve", "issues.json", "--json"]).exits(0).json(), "resolved");
    check(&machine.run(&["resolve", "quick-capture.json", "--json"]).exits(0).json(), "resolved");
    let list = machine.run(&["extensions", "--json"]).exits(0).json();
    check_all(&list, "extension", 1);
    check_all(&list[0]["grants"], "grant", 1);
    check(&machine.run(&["extensions", "add", "quick-capture.json", "--json"]).exits(0).json(), "extension");
    check(&machine.run(&["extensions", "grant", "issues", "github", "--json"]).exits(0).json(), "grant");
    let revoked = machine.run(&["extensions", "revoke", "issues", "--json"]).exits(0).json();
    check_all(&revoked, "grant", 1);
    assert!(revoked[0]["revokedAt"].is_string(), "{revoked}");
    check_all(&machine.run(&["extensions", "revoke", "issues", "--json"]).exits(0).json(), "grant", 0);
    let set = machine.run(&["preferences", "set", "issues", "openBehavior", "list", "--json"]).exits(0).json();
    check(&set, "preferences");
    check(&set["revisions"], "revisions");
    check(&machine.run(&["preferences", "get", "issues", "--json"]).exits(0).json(), "preferences");
    let opened = machine.run(&["open-settings", "issues", "--json"]).exits(0).json();
    check(&opened, "openSettings");
    check(&opened["required"], "required");
    assert_eq!(opened["required"]["action"], "grant");
    let removed = machine.run(&["extensions", "remove", "issues", "--yes", "--json"]).exits(0).json();
    check(&removed, "extensionRemoved");
}
