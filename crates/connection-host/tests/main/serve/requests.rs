//! The line of the log for each request.

use serde_json::{Value, json};

use super::{Serving, drains::token, machine};

/// Sends requests with secrets in their paths, queries, headers and bodies, and returns the log.
fn logged(level: Option<&str>, format: Option<&str>) -> (String, String) {
    let mut machine = machine();
    for (name, value) in [("CONNECTIONS_LOG", level), ("CONNECTIONS_LOG_FORMAT", format)] {
        if let Some(value) = value {
            machine.set(name, value);
        }
    }
    let serving = Serving::start(&machine);
    let token = token(&machine);
    let headers = format!("authorization: Bearer {token}\r\nx-request-id: request-1\r\ncookie: canary-cookie\r\n");
    let path = "/api/v1/connections/canary-path?owner=ada&canary=query";
    assert_eq!(serving.ask("GET", path, &headers, b"canary-body").status, 404);
    assert_eq!(serving.get("/callback/gmail?code=canary-code&state=canary-state").status, 404);
    assert_eq!(serving.get("/healthz").status, 200);
    assert_eq!(serving.get("/canary-nothing").status, 404);
    serving.signal("TERM");
    let (exit, err) = serving.ended();
    assert_eq!(exit, 0, "{err}");
    assert!(!err.contains("canary") && !err.contains(&token), "{err}");
    let listed = machine.run(&["tokens", "--json"]).exits(0).json();
    let id = listed.as_array().unwrap().iter().find(|token| token["name"] == "monitor").unwrap()["id"].clone();
    (err, id.as_str().unwrap().to_owned())
}

#[test]
fn each_request_is_a_line_with_its_template_and_its_caller_at_the_level_info() {
    let (log, token) = logged(Some("info"), None);
    let lines: Vec<_> = log.lines().filter(|line| line.contains("connection_server::request")).collect();
    assert_eq!(lines.len(), 3, "{log}");
    for part in [
        " INFO ",
        "method=\"GET\"",
        "route=\"/api/v1/connections/{id}\"",
        "status=404",
        "duration_ms=",
        &format!("token=\"{token}\""),
        "owner=\"ada\"",
        "request_id=\"request-1\"",
    ] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    assert!(lines[1].contains("route=\"/callback/{kind}\"") && !lines[1].contains("token="), "{}", lines[1]);
    assert!(lines[2].contains("route=\"none\""), "{}", lines[2]);
}

#[test]
fn a_line_can_be_an_object_of_json() {
    let (log, token) = logged(Some("debug"), Some("json"));
    let lines = log.lines().filter(|line| line.contains("connection_server::request"));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let first = &lines[0];
    let members = ["level", "target", "method", "route", "status", "token", "owner", "request_id", "message"];
    let values = members.map(|name| first[name].clone());
    let route = "/api/v1/connections/{id}";
    let expected =
        json!(["INFO", "connection_server::request", "GET", route, 404, token, "ada", "request-1", "answered"]);
    assert_eq!(json!(values), expected, "{first}");
    assert!(first["duration_ms"].is_u64(), "{first}");
    // The requests that monitors send all the time have a lower level.
    let health = lines.iter().find(|line| line["route"] == "/healthz").unwrap();
    assert_eq!(health["level"], "DEBUG");
}

#[test]
fn no_request_is_logged_without_any_setting() {
    let (log, _) = logged(None, None);
    assert!(log.contains("listening on") && !log.contains("connection_server::request"), "{log}");
}
