//! The files of a directory connection over the API.

use std::fs;

use serde_json::{Value, json};

use super::{Answer, Serving, machine};
use crate::program::check;

#[test]
fn granted_directories_are_listed_and_their_files_are_read_and_nothing_above_them() {
    let machine = machine();
    let notes = machine.path("notes");
    fs::create_dir_all(notes.join("work")).unwrap();
    fs::write(notes.join("work/today.txt"), "to do").unwrap();
    fs::write(machine.path("private.txt"), "nobody reads this").unwrap();
    let directories = json!({ "roots": notes.display().to_string() });
    machine.feed(&["add", "filesystem", "--input", "-"], &directories.to_string()).exits(0);
    let token = |role: &str| machine.run(&["tokens", "create", role, "--role", role]).exits(0).out.trim().to_owned();
    let (uses, reads) = (token("use"), token("read"));
    let shown = machine.run(&["show", "filesystem", "--json"]).exits(0).json();
    let serving = Serving::start(&machine);
    let path = format!("/api/v1/connections/{}/files", shown["id"].as_str().unwrap());
    let get = |token: &str, more: &str| -> Answer {
        let headers = format!("authorization: Bearer {token}\r\nconnection: close\r\n");
        serving.ask("GET", &format!("{path}{more}"), &headers, b"")
    };
    let listed = |more: &str| {
        let answer = get(&uses, more);
        assert_eq!(answer.status, 200, "{answer:?}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let items = body["items"].as_array().unwrap().clone();
        items.iter().for_each(|item| check(item, "file"));
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let root = listed("").remove(0);
    assert!(root.ends_with("/notes"), "{root}");
    assert_eq!(listed(&format!("?root={root}")), ["work"]);
    assert_eq!(listed(&format!("?root={root}&path=work")), ["today.txt"]);
    let content = get(&uses, &format!("/content?root={root}&path=work/today.txt"));
    let body: Value = serde_json::from_str(&content.body).unwrap();
    check(&body, "content");
    assert_eq!((&body["size"], &body["encoding"], &body["body"]), (&json!(5), &json!("utf8"), &json!("to do")));
    for (more, status) in [
        (format!("?root={root}&path=other"), 404),
        (format!("?root={root}/.."), 404),
        (format!("/content?root={root}&path=../private.txt"), 403),
        (format!("/content?root={root}"), 422),
        ("/content?path=work/today.txt".to_owned(), 422),
    ] {
        let answer = get(&uses, &more);
        assert_eq!(answer.status, status, "{more}: {answer:?}");
        assert!(!answer.body.contains("nobody reads this"));
    }
    assert_eq!(get(&reads, "").status, 403);
}
