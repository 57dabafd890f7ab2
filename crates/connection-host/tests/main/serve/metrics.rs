//! `/metrics` and `/readyz` of a running `serve`.

use serde_json::Value;

use super::{Serving, adding::Adding, google::Google, machine, token, until};
use crate::program::on_postgres;

fn scraped(serving: &Serving, path: &str, token: &str) -> (u16, String) {
    let answer = serving.ask("GET", path, &format!("authorization: Bearer {token}\r\n"), b"");
    (answer.status, answer.body)
}

#[test]
fn a_refresh_by_the_scheduler_is_in_the_metrics() {
    let machine = machine();
    let google = Google::of(&machine, 2);
    let serving = Serving::start(&machine);
    let adding = Adding::at(&machine, &google, &serving);
    adding.connected(&serving);
    adding.close();
    let token = token(&machine);
    let refreshed = "connections_refreshes_total{kind=\"gmail\",outcome=\"refreshed\"} 1\n";
    until("the refresh is counted", || scraped(&serving, "/metrics", &token).1.contains(refreshed));
    let (status, text) = scraped(&serving, "/metrics", &token);
    assert_eq!(status, 200);
    let callback = "connections_http_requests_total{route=\"/callback/{kind}\",method=\"GET\",status=\"3xx\"} 1\n";
    assert!(text.contains(callback), "{text}");
    for secret in ["the-code", "SECRET", "access-", "refresh-1", "ada@example.com", &token] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn monitors_are_answered_below_the_path_of_the_public_url_too() {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", "https://host.example/connections");
    let serving = Serving::start(&machine);
    let token = token(&machine);
    for path in ["", "/connections"] {
        assert_eq!(serving.get(&format!("{path}/readyz")).status, 200, "{path}");
        assert_eq!(serving.get(&format!("{path}/metrics")).status, 401, "{path}");
        assert_eq!(scraped(&serving, &format!("{path}/metrics"), &token).0, 200, "{path}");
    }
    serving.get("/connections/setups/1");
    serving.get("/connections/nothing/at/all");
    let (_, text) = scraped(&serving, "/metrics", &token);
    for expected in [
        "{route=\"/readyz\",method=\"GET\",status=\"2xx\"} 2\n",
        "{route=\"/setups/{id}\",method=\"GET\",status=\"2xx\"} 1\n",
        "{route=\"none\",method=\"GET\",status=\"4xx\"} 1\n",
    ] {
        assert!(text.contains(&format!("connections_http_requests_total{expected}")), "{expected}: {text}");
    }
    // A process knows itself by the address of its pod, and not by the public URL.
    assert_eq!(super::ask(serving.address, "10.0.0.7:8745", "GET", "/readyz", "", b"").status, 200);
}

#[test]
fn a_process_without_its_database_is_not_ready() {
    if !on_postgres() {
        return;
    }
    let machine = machine();
    let serving = Serving::start(&machine);
    assert_eq!(serving.get("/readyz").status, 200);
    machine.lose_database();
    until("the store is gone", || serving.get("/readyz").status == 503);
    let answer = serving.get("/readyz");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["code"], "store_unavailable");
    assert!(!answer.body.contains("127.0.0.1") && !answer.body.contains("postgres"), "{problem}");
}
