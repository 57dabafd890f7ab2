//! `GET /metrics`: who may read it, what it has, and what it never has.

use std::{collections::BTreeSet, time::Duration};

use connection_core::{NewAccessToken, Role};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    http::Answer,
    test_host::{KEY, World},
};

async fn scraped(world: &World, token: &str) -> Answer {
    world.send(&world.root("/metrics").bearer(token)).await
}

/// Returns the value of a sample, which is named with its labels.
#[track_caller]
fn value(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

/// Returns the name and the labels of each sample, in which a label is a name and a value.
fn samples(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (head, _) = line.rsplit_once(' ').unwrap();
        let Some((name, labels)) = head.split_once('{') else { return (head.to_owned(), Vec::new()) };
        let pairs = labels.trim_end_matches('}').split("\",").map(|pair| pair.split_once("=\"").unwrap());
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned()));
        (name.to_owned(), pairs.collect())
    };
    lines.map(sample).collect()
}

#[tokio::test]
async fn metrics_are_for_a_token_without_an_owner() {
    let world = World::new().await;
    let operator = world.token(Role::Read, None).await;
    let answer = scraped(&world, &operator).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(world.send(&world.root("/metrics")).await.refusal(), (401, "unauthenticated".into()));
    assert_eq!(scraped(&world, "cn_x").await.refusal(), (401, "unauthenticated".into()));
    let of_ada = world.token(Role::Admin, Some("ada")).await;
    assert_eq!(scraped(&world, &of_ada).await.refusal(), (403, "not_allowed".into()));
    let of_extension = NewAccessToken::new("issues", Role::Admin).owner("ada").extension("issues");
    let of_extension = world.registry.access_tokens().create(of_extension).await.unwrap();
    assert_eq!(scraped(&world, of_extension.text.expose_secret()).await.refusal(), (403, "not_allowed".into()));
}

/// `promtool check metrics` reads the format of Prometheus, and other programs read it alone.
#[tokio::test]
async fn metrics_are_in_the_format_of_prometheus_unless_open_metrics_is_accepted() {
    let world = World::new().await;
    let operator = world.token(Role::Read, None).await;
    let plain = scraped(&world, &operator).await.body;
    assert!(plain.contains("# TYPE connections_build_info gauge\n"), "{plain}");
    assert!(plain.contains("# TYPE connections_http_requests_total counter\n"), "{plain}");
    assert!(!plain.contains("# EOF") && !plain.contains("# UNIT") && !plain.contains(" info\n"), "{plain}");
    let request = world.root("/metrics").bearer(&operator).with("accept", "application/openmetrics-text");
    let open = world.send(&request).await;
    assert_eq!(open.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open.body.ends_with("# EOF\n") && open.body.contains("# TYPE connections_build info\n"), "{open:?}");
}

#[tokio::test]
async fn metrics_count_requests_by_template_probes_and_what_the_store_holds() {
    let world = World::new().await;
    let operator = world.token(Role::Read, None).await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected(&ada, "octocat").await;
    world.get(&ada, &format!("/connections/{id}")).await.ok(200);
    world.get(&ada, "/connections/nothing").await.refusal();
    world.send(&world.root("/nothing/at/all")).await;
    world.get(&ada, &format!("/connections/{id}")).await.ok(200);
    let text = scraped(&world, &operator).await.body;
    let shown = "route=\"/api/v1/connections/{id}\",method=\"GET\"";
    for (name, expected) in [
        ("connections_build_info{version=\"1.2.3\"}".to_owned(), 1.0),
        (format!("connections_http_requests_total{{{shown},status=\"2xx\"}}"), 2.0),
        (format!("connections_http_requests_total{{{shown},status=\"4xx\"}}"), 1.0),
        ("connections_http_requests_total{route=\"none\",method=\"GET\",status=\"4xx\"}".to_owned(), 1.0),
        (format!("connections_http_request_duration_seconds_count{{{shown}}}"), 3.0),
        // The scrape itself.
        ("connections_http_requests_in_flight".to_owned(), 1.0),
        ("connections_connections{kind=\"acme\",liveness=\"live\"}".to_owned(), 1.0),
        ("connections_store_up".to_owned(), 1.0),
        ("connections_setups_open".to_owned(), 0.0),
        ("connections_refreshes_due".to_owned(), 0.0),
        ("connections_probes_due".to_owned(), 0.0),
        ("connections_webhooks_waiting".to_owned(), 0.0),
        ("connections_exchanges_open".to_owned(), 0.0),
    ] {
        assert_eq!(value(&text, &name), Some(expected), "{name}\n{text}");
    }
    // The setup has measured the liveness itself, so that nothing was verified yet.
    let probes = "connections_probe_duration_seconds_count{kind=\"acme\"}";
    assert_eq!(value(&text, probes), None);
    world.post(&ada, &format!("/connections/{id}/verify"), json!({})).await.ok(200);
    assert_eq!(value(&scraped(&world, &operator).await.body, probes), Some(1.0));
}

/// One of the queries reads every connection, so that many scrapes cost as much as one.
#[tokio::test]
async fn the_numbers_of_the_store_are_read_once_in_ten_seconds() {
    let world = World::new().await;
    let operator = world.token(Role::Read, None).await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let live = "connections_connections{kind=\"acme\",liveness=\"live\"}";
    assert_eq!(value(&scraped(&world, &operator).await.body, live), None);
    world.connected(&ada, "octocat").await;
    assert_eq!(value(&scraped(&world, &operator).await.body, live), None);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(value(&scraped(&world, &operator).await.body, live), Some(1.0));
}

#[tokio::test]
async fn a_live_stream_is_in_flight_until_it_ends() {
    let world = World::new().await;
    let operator = world.token(Role::Read, None).await;
    let in_flight = async || value(&scraped(&world, &operator).await.body, "connections_http_requests_in_flight");
    let stream = world.request("GET", "/live").bearer(&operator).open(world.port).await;
    // The stream has begun when its request is counted.
    let begun = "connections_http_requests_total{route=\"/api/v1/live\",method=\"GET\",status=\"2xx\"}";
    while value(&scraped(&world, &operator).await.body, begun).is_none() {}
    assert_eq!(in_flight().await, Some(2.0));
    world.live.end();
    while in_flight().await != Some(1.0) {}
    drop(stream);
}

#[tokio::test]
async fn labels_are_few_and_name_nobody() {
    let world = World::new().await;
    let operator = world.token(Role::Read, None).await;
    let ada = world.token(Role::Manage, Some("canary-owner")).await;
    let id = world.connected(&ada, "canary-account").await;
    let manifest = crate::extensions::manifest("canary-extension");
    world.post(&ada, "/extensions", json!({ "manifest": manifest })).await;
    for path in [format!("/connections/{id}"), "/connections?owner=canary-owner".to_owned(), "/canary-path".to_owned()]
    {
        world.get(&ada, &path).await;
    }
    let odd = world.request("CANARY", "/connections").bearer(&ada);
    world.send(&odd).await;
    let text = scraped(&world, &operator).await.body;
    for secret in [KEY, "canary", "CANARY", &id, ada.as_str(), operator.as_str()] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let samples = samples(&text);
    let names: BTreeSet<_> =
        samples.iter().flat_map(|(_, labels)| labels.iter().map(|(name, _)| name.as_str())).collect();
    assert_eq!(names, BTreeSet::from(["kind", "le", "liveness", "method", "route", "status", "version"]));
    assert!(samples.iter().all(|(name, _)| name.starts_with("connections_")), "{text}");
    let methods = samples.iter().flat_map(|(_, labels)| labels).filter(|(name, _)| name == "method");
    assert_eq!(
        methods.map(|(_, value)| value.as_str()).collect::<BTreeSet<_>>(),
        BTreeSet::from(["GET", "POST", "other"])
    );
}

#[tokio::test]
async fn each_metric_is_in_the_specification_with_its_type() {
    let world = World::new().await;
    let operator = world.token(Role::Read, None).await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected(&ada, "octocat").await;
    world.post(&ada, &format!("/connections/{id}/verify"), json!({})).await.ok(200);
    let text = scraped(&world, &operator).await.body;
    let shown = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let shown: BTreeSet<_> = shown.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
    let page = include_str!("../../../../docs/spec/api.md");
    let listed = page.lines().filter_map(|line| line.strip_prefix("| `connections_")?.split_once("` | "));
    let listed = listed.map(|(name, rest)| (format!("connections_{name}"), rest.split(' ').next().unwrap().to_owned()));
    let mut listed: BTreeSet<_> = listed.collect();
    // No kind of this host has refreshed a credential; the tests of the command do that.
    assert!(listed.remove(&("connections_refreshes_total".to_owned(), "counter".to_owned())));
    assert_eq!(shown, listed);
}
