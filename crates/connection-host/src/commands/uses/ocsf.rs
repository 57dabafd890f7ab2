//! A use as an event of the class API Activity of OCSF 1.5 (<https://schema.ocsf.io/1.5.0/classes/api_activity>).

use connection_api::{Use, UseOutcome};
use connection_contract::Timestamp;
use serde_json::{Map, Value, json};

const VERSION: &str = "1.5.0";
const CATEGORY: u32 = 6;
const CLASS: u32 = 6003;

/// Returns the event of a use.
pub(super) fn activity(of: &Use) -> Value {
    let activity = activity_id(of);
    let (status, severity) = status(of);
    let milliseconds = |time: &str| Timestamp::parse_rfc3339(time).map(|time| time.seconds() * 1000);
    let began = milliseconds(&of.at);
    let what = match (&of.method, &of.path) {
        (Some(method), Some(path)) => format!("{method} {path}"),
        (Some(method), None) => method.clone(),
        (None, _) if of.secrets.is_empty() => "request".to_owned(),
        (None, _) => "release secrets".to_owned(),
    };
    let grantee = of.agent.as_ref().or(of.extension.as_ref());
    let mut event = json!({
        "category_uid": CATEGORY,
        "class_uid": CLASS,
        "activity_id": activity,
        "type_uid": CLASS * 100 + activity,
        "severity_id": severity,
        "status_id": status,
        "status_detail": of.outcome.map_or("unknown", UseOutcome::as_str),
        "time": began,
        "start_time": began,
        "count": of.count,
        "metadata": {
            "version": VERSION,
            "uid": of.id,
            "product": { "name": "Connections", "vendor_name": "Connections" },
        },
        "actor": { "app_name": grantee.map_or(of.door.as_str(), String::as_str) },
        "api": { "operation": what, "request": { "uid": of.id } },
        "src_endpoint": { "svc_name": of.door.as_str() },
    });
    if let Some(event) = event.as_object_mut() {
        add(event, of);
        put(event, "status_code", of.status.map(|status| status.to_string()));
        put(event, "duration", of.milliseconds);
        put(event, "end_time", of.ended_at.as_deref().and_then(milliseconds));
    }
    event
}

/// Adds the objects of which a use may have none.
fn add(event: &mut Map<String, Value>, of: &Use) {
    if let Some(actor) = event.get_mut("actor").and_then(Value::as_object_mut) {
        put(actor, "app_uid", of.grantee.as_deref());
        put(actor, "session", of.token.as_ref().map(|token| json!({ "uid": token })));
    }
    if let (Some(method), Some(origin)) = (&of.method, &of.origin) {
        let (scheme, host) = origin.split_once("://").unwrap_or(("", origin));
        let mut url = Map::new();
        put(&mut url, "scheme", Some(scheme));
        put(&mut url, "hostname", Some(host));
        put(&mut url, "path", of.path.as_deref());
        let mut request = Map::new();
        put(&mut request, "http_method", Some(method.as_str()));
        put(&mut request, "url", Some(url));
        put(&mut request, "length", of.sent);
        event.insert("http_request".to_owned(), request.into());
        event.insert("dst_endpoint".to_owned(), json!({ "hostname": host }));
    }
    if let Some(status) = of.status {
        let mut response = Map::new();
        put(&mut response, "code", Some(status));
        put(&mut response, "length", of.received);
        event.insert("http_response".to_owned(), response.into());
    }
    if let Some(id) = &of.connection {
        let name = of.kind.as_ref().zip(of.label.as_ref()).map(|(kind, label)| format!("{kind}:{label}"));
        event.insert("resources".to_owned(), json!([{ "uid": id, "name": name, "type": "connection" }]));
    }
    let rest = json!({
        "account": of.account, "rule": of.rule, "secrets": of.secrets, "command": of.command, "code": of.code,
        "complete": of.complete, "redacted": of.redacted, "edited": of.edited,
    });
    event.insert("unmapped".to_owned(), rest);
}

fn put(to: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        to.insert(name.to_owned(), value.into());
    }
}

/// Returns what the request does: 1 creates, 2 reads, 3 updates, 4 deletes, 99 is anything else.
fn activity_id(of: &Use) -> u32 {
    match of.method.as_deref() {
        Some("POST") => 1,
        Some("GET" | "HEAD" | "OPTIONS") => 2,
        Some("PUT" | "PATCH") => 3,
        Some("DELETE") => 4,
        _ => 99,
    }
}

/// Returns whether the use succeeded (0 is unknown, 1 success, 2 failure), and its severity (1 is informational, 2 low).
fn status(of: &Use) -> (u32, u32) {
    match of.outcome {
        None => (0, 2),
        Some(UseOutcome::Answered) if of.status.is_some_and(|status| status < 400) => (1, 1),
        Some(UseOutcome::Released) => (1, 1),
        Some(UseOutcome::Answered) => (2, 1),
        Some(_) => (2, 2),
    }
}
