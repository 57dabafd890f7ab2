//! Connections of four kinds, from `add` to `remove`.

use crate::{
    program::{Machine, on_postgres, contents},
    provider::{ACCOUNT, AUTH_TOKEN, KEY, KEY_SECRET, NOTION_KEY, SECRETS, leaks},
};

#[test]
fn a_github_account_goes_from_add_to_remove() {
    let machine = Machine::new();
    let added = machine.add_github("work").exits(0);
    assert!(added.out.starts_with("Connected octocat (github:work) · live · token expires in "), "{}", added.out);
    machine.run(&["list"]).exits(0).says("github:work").says("octocat").says("live");
    machine
        .run(&["show", "github"])
        .exits(0)
        .says("583231")
        .says("repo, read:user")
        .says("https://api.github.com goes to http://127.0.0.1");
    machine.run(&["verify", "github:work"]).exits(0).says("live");
    let sent = machine.run(&["send", "github", "GET", "/user/repos?per_page=1"]).exits(0);
    assert_eq!(sent.out, r#"[{"id":1296269,"name":"Hello-World"}]"#);
    machine
        .run(&["send", "github:work", "get", "/user/repos", "-i"])
        .exits(0)
        .says("HTTP 200\n")
        .says("content-type: application/json");
    machine
        .run(&["send", "github", "GET", "/user/nothing"])
        .exits(1)
        .says("Not Found")
        .warns("api.github.com answered 404");
    machine.run(&["remove", "github", "--yes"]).exits(0).says("Removed octocat (github:work)");
    machine.run(&["list"]).exits(0).says("connections add KIND");
    let seen = machine.provider.seen();
    assert_eq!(seen.len(), 5, "add, verify and three requests: {seen:?}");
    assert!(seen.iter().all(|seen| seen.headers.contains_key("authorization") && !leaks(seen)), "{seen:?}");
    assert!(seen.iter().all(|seen| seen.method == "GET"));
}

#[test]
fn a_notion_workspace_goes_from_add_to_remove() {
    let mut machine = Machine::new();
    machine.set("NOTION", NOTION_KEY);
    let added = machine.run(&["add", "notion", "--from-env", "apiKey=NOTION"]).exits(0);
    assert_eq!(added.out, "Connected Ada's Notion (notion:Ada's Notion) · live\n");
    machine.run(&["verify", "--all"]).exits(0).says("notion:Ada's Notion");
    machine.run(&["send", "notion", "GET", "/v1/users/me"]).exits(0).says("Test Integration");
    machine.provider.tell(503, "", "");
    machine.run(&["verify", "--all"]).exits(4).says(r#"  connections verify "notion:Ada's Notion""#);
    machine.run(&["remove", "notion:Ada's Notion", "--yes"]).exits(0);
    machine.run(&["show", "notion"]).exits(5);
}

#[test]
fn a_twilio_account_is_connected_with_an_auth_token_and_with_a_standard_key() {
    let machine = Machine::new();
    let token = format!(r#"{{"accountSid": "{ACCOUNT}", "authToken": "{AUTH_TOKEN}"}}"#);
    machine
        .feed(&["add", "twilio", "--input", "-"], &token)
        .exits(0)
        .says("Connected Ada's account (twilio:Ada's account) · live");
    machine.run(&["remove", "twilio", "--yes"]).exits(0);
    let key = format!(r#"{{"accountSid": "{ACCOUNT}", "apiKeySid": "{KEY}", "apiKeySecret": "{KEY_SECRET}"}}"#);
    let input = machine.write("key.json", key.as_bytes());
    machine.run(&["add", "twilio", "--input", &input, "--label", "key"]).exits(0).says("(twilio:key) · live");
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    machine.run(&["send", "twilio", "GET", &path]).exits(0).says("messages");
    machine.run(&["verify"]).exits(0);
    machine.run(&["remove", "twilio:key", "--yes"]).exits(0);
}

#[test]
fn directories_go_from_add_to_remove() {
    let machine = Machine::new();
    machine.write("notes/today.txt", b"buy \xff milk");
    machine.write("notes/old/a.txt", b"a");
    machine.write("photos/cat.txt", b"cat");
    let one = machine.feed(&["add", "filesystem", "--input", "-"], r#"{"roots": "notes"}"#).exits(0);
    assert!(one.out.starts_with("Connected notes (filesystem:notes) · live"), "{}", one.out);
    machine.run(&["files", "notes", "ls"]).exits(5);
    machine.run(&["files", "filesystem", "ls"]).exits(0).says("directory").says("old").says("today.txt");
    machine.run(&["files", "filesystem", "ls", "old"]).exits(0).says("a.txt");
    let cat = machine.run(&["files", "filesystem", "cat", "today.txt"]).exits(0);
    assert_eq!(cat.bytes, b"buy \xff milk");
    machine.run(&["files", "filesystem", "cat", "gone.txt"]).exits(5);
    machine.run(&["files", "filesystem", "cat", "../photos/cat.txt"]).exits(6);
    machine.run(&["files", "filesystem", "cat", "/etc/passwd"]).exits(6);
    machine.run(&["send", "filesystem", "GET", "/"]).exits(6);

    let input = format!(r#"{{"roots": ["{}", "photos"]}}"#, machine.path("notes").display());
    machine.feed(&["add", "filesystem", "--label", "both", "--input", "-"], &input).exits(0);
    machine.run(&["files", "filesystem:both", "ls"]).exits(0).says("notes").says("photos");
    machine.run(&["files", "filesystem:both", "cat", "photos/cat.txt"]).exits(0).says("cat");
    machine.run(&["show", "filesystem:both"]).exits(0).says("photos");
    machine.run(&["remove", "filesystem:both", "--yes"]).exits(0);
    std::fs::remove_dir_all(machine.path("notes")).unwrap();
    machine.run(&["verify", "filesystem"]).exits(4).says("offline");
    machine.run(&["remove", "filesystem", "--yes"]).exits(0);
}

#[test]
fn the_list_shows_what_needs_a_hand_first_with_the_command_that_mends_it() {
    let mut machine = Machine::new();
    machine.set("NOTION", NOTION_KEY);
    machine.run(&["add", "notion", "--label", "b", "--from-env", "apiKey=NOTION"]).exits(0);
    machine.write("notes/a", b"");
    machine.feed(&["add", "filesystem", "--label", "a", "--input", "-"], r#"{"roots": "notes"}"#).exits(0);
    machine.provider.tell(401, "", r#"{"object":"error","status":401,"code":"unauthorized"}"#);
    machine.run(&["verify", "notion"]).exits(4).says("failing");
    let list = machine.run(&["list"]).exits(0);
    let failing = list.out.find("notion:b").unwrap();
    let live = list.out.find("filesystem:a").unwrap();
    assert!(failing < live, "{}", list.out);
    list.says("connections reauthorize notion:b");
    machine.provider.tell(503, "", "");
    machine.run(&["verify", "--all"]).exits(4).says("offline").says("connections verify notion:b");
    machine.provider.behave();
    machine.run(&["verify", "--all"]).exits(0);
}

#[test]
fn no_file_holds_a_secret_and_all_are_private() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let files = contents(&machine.data());
    assert!(on_postgres() || files.iter().any(|(path, _)| path.ends_with("store/connections.db")), "{files:?}");
    assert!(files.iter().any(|(path, _)| path.ends_with("key/root.key")), "{files:?}");
    for (path, bytes) in &files {
        for secret in SECRETS {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", path.display());
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
        }
    }
    // The control: text that is not secret is found.
    assert!(on_postgres() || files.iter().any(|(_, bytes)| bytes.windows(7).any(|part| part == b"octocat")));
}
