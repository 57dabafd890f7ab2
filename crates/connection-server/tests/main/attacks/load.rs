//! Attacks by number: storms, races, floods, and clients that are slow on purpose.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::Clock as _;
use connection_core::Audience;
use connection_faults::server::Reply;
use connection_rules::Rules;
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, net::TcpStream, task::JoinSet};

use super::kit::{IDLE, Site, budget};
use crate::{
    doors::{MAX_OF_AGENT, new_token, until},
    doors_seats::everything,
    http::Request,
    test_host::KEY,
};

/// The number of places of a process.
const MAX: usize = 256;
/// The number of requests at once.
const MANY: usize = 64;

/// A provider that counts the requests for a new key, and accepts only keys for which `accepts` returns `true`.
async fn renewing(accepts: fn(&str) -> bool) -> (Site, Arc<Mutex<usize>>) {
    let issued = Arc::new(Mutex::new(0));
    let counted = issued.clone();
    let site = Site::answering(move |request| {
        if request.starts_with("POST /token ") {
            *counted.lock().unwrap() += 1;
            return Reply::ok(r#"{"key":"fresh-key"}"#);
        }
        if accepts(request) { Reply::ok("hello") } else { Reply::whole(401, "", "no") }
    })
    .await;
    (site, issued)
}

/// Lets the agent send requests for some minutes through a connection whose key can be replaced, and returns the statuses.
async fn storm(site: &Site) -> Vec<u16> {
    let connection = site.connected("renewing").await;
    site.later(Duration::from_secs(100)).await;
    let until = site.world.clock.now().after(200);
    let mut statuses = Vec::new();
    while site.world.clock.now() < until {
        let request = site.at(connection, "GET", "/objects/1").bearer(&site.token);
        let answer = site.world.slowly(site.send(request)).await;
        assert!(answer.status < 500, "{answer:?}");
        statuses.push(answer.status);
        site.later(Duration::from_secs(10)).await;
    }
    statuses
}

#[tokio::test]
async fn attack_92_a_storm_of_requests_that_the_provider_refuses() {
    let (cured, issued) = renewing(|request| !request.contains(KEY)).await;
    let statuses = storm(&cured).await;
    assert!(statuses.iter().all(|status| *status == 200), "the control: {statuses:?}");
    assert_eq!(*issued.lock().unwrap(), 1);

    let (refused, issued) = renewing(|_| false).await;
    let statuses = storm(&refused).await;
    assert!(statuses.len() > 10 && statuses.iter().all(|status| *status == 401), "{statuses:?}");
    let issued = *issued.lock().unwrap();
    assert!((1..=4).contains(&issued), "at most one in a minute: {issued}");
}

/// Sends many requests at once over two processes, and returns how many were passed on.
async fn race(rules: &Value) -> (usize, Site) {
    let site = Site::start().await;
    site.grant(rules).await;
    let process = Arc::new(site.another_process().await);
    let mut racing = JoinSet::new();
    for number in 0..MANY {
        let (request, port, process) = (site.get(), site.world.port, process.clone());
        racing.spawn(async move {
            match number % 2 {
                0 => request.send(port).await,
                _ => process.send(request).await,
            }
        });
    }
    let mut passed = 0;
    while let Some(answer) = racing.join_next().await {
        let answer = answer.unwrap();
        match answer.status {
            200 => passed += 1,
            _ => assert_eq!(answer.refusal(), (429, "budget_spent".into())),
        }
    }
    assert_eq!(site.provider.requests().len(), passed, "what was refused did not reach the provider");
    process.registry.close().await;
    (passed, site)
}

#[tokio::test]
async fn attack_93_many_requests_at_once_for_the_last_one_of_a_budget() {
    let (passed, site) = race(&budget(1)).await;
    assert_eq!(passed, 1);
    site.later(Duration::from_hours(1)).await;
    site.passes(site.get()).await;
    // The control: without a budget, all pass.
    assert_eq!(race(&crate::doors::rules()).await.0, MANY);
}

#[tokio::test]
async fn attack_94_many_requests_at_once_for_the_rest_of_a_budget() {
    for requests in [5_u8, 40] {
        let (passed, site) = race(&budget(requests.into())).await;
        // A lease of another process may be unused at the end.
        assert!((1..=usize::from(requests)).contains(&passed), "{passed} of {requests}");
        site.later(Duration::from_hours(1)).await;
        site.passes(site.get()).await;
    }
}

#[tokio::test]
async fn attack_95_a_flood_of_refusals() {
    let site = Site::start().await;
    site.grant(&budget(2)).await;
    site.passes(site.get()).await;
    let entries = async || site.world.rows().await.iter().filter(|row| row.starts_with("connection_use ")).count();
    for number in 0..300 {
        site.refuses(site.request("DELETE", &format!("/keys/{number}")), (403, "rule_denied")).await;
        site.refuses(site.request("GET", "/keys"), (403, "rule_denied")).await;
    }
    let uses = site.world.get(&site.ada, "/uses?limit=100").await.ok(200);
    assert_eq!(uses["items"].as_array().unwrap().len(), 100);
    let entries = entries().await;
    assert!(entries < 300, "six hundred refusals do not fill the record: {entries}");
    // They cost nothing of the budget, and keep nobody out.
    site.passes(site.get()).await;
    site.refuses(site.get(), (429, "budget_spent")).await;
    let other = site.registry.agents().create("other").await.unwrap();
    other.grant(site.connection).rules(Rules::from_value(&everything()).unwrap()).await.unwrap();
    site.passes(site.get().bearer(&new_token(&other, Audience::Doors).await)).await;
    site.world.get(&site.ada, "/me").await.ok(200);
}

/// Returns the head of a request whose body does not come.
fn unfinished(site: &Site) -> Request {
    let request = site.request("PUT", "/objects/1").with("content-type", "application/json");
    request.with("content-length", "1000")
}

/// Reads everything until the door closes the connection.
async fn answer_of(mut client: TcpStream) -> String {
    let mut answer = Vec::new();
    drop(client.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn attack_96_bodies_that_do_not_go_on() {
    let site = Site::start().await;
    let mut held = Vec::new();
    for _ in 0..MAX_OF_AGENT {
        held.push(unfinished(&site).open(site.world.port).await);
    }
    // All places of the agent are taken by requests whose bodies are missing.
    let refused = loop {
        let mut client = unfinished(&site).open(site.world.port).await;
        tokio::select! {
            read = until(&mut client, "\r\n\r\n") => break read,
            _ = site.registry.store().health() => held.push(client),
        }
    };
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    // The page and another agent are answered beside them.
    site.world.get(&site.ada, "/me").await.ok(200);
    let other = site.registry.agents().create("other").await.unwrap();
    other.grant(site.connection).rules(Rules::from_value(&everything()).unwrap()).await.unwrap();
    site.passes(site.get().bearer(&new_token(&other, Audience::Doors).await)).await;
    // They end, and then the agent is answered again.
    for client in held {
        site.world.slowly(answer_of(client)).await;
    }
    site.passes(site.get()).await;
}

#[tokio::test]
async fn attack_114_every_place_of_the_doors_is_taken() {
    let site = Site::answering(|request| match request.starts_with("GET /objects/1 ") {
        true => Reply::ok("hello"),
        false => Reply::silence(),
    })
    .await;
    let process = site.another_process().await;
    let send = |request: Request| process.send(request);
    let allowed = || site.get().with("host", &process.host);
    assert_eq!(send(allowed()).await.status, 200, "the control");
    let mut held = Vec::new();
    for number in 0..MAX / MAX_OF_AGENT {
        let agent = site.registry.agents().create(&format!("other-{number}")).await.unwrap();
        agent.grant(site.connection).rules(Rules::from_value(&everything()).unwrap()).await.unwrap();
        let token = new_token(&agent, Audience::Doors).await;
        for _ in 0..MAX_OF_AGENT {
            let request = site.at(site.connection, "GET", "/objects/2").with("host", &process.host).bearer(&token);
            held.push(request.open(process.port).await);
        }
    }
    site.provider.until_asked(1 + MAX).await;
    assert_eq!(send(allowed()).await.refusal(), (503, "too_many_uses".into()));
    // The page and the API answer, and a freeze ends all of them.
    let api = |method: &str, path: &str| Request::new(method, path).with("host", &process.host).bearer(&site.ada);
    assert_eq!(send(api("GET", "/")).await.status, 200);
    assert_eq!(send(api("GET", "/api/v1/connections")).await.status, 200);
    let freeze = api("POST", "/api/v1/freezes").json(&json!({ "what": format!("connection:{}", site.connection) }));
    assert_eq!(send(freeze).await.status, 200);
    for client in held {
        assert!(site.world.slowly(answer_of(client)).await.starts_with("HTTP/1.1 403 "));
    }
    let thaw = api("DELETE", &format!("/api/v1/freezes/connection:{}", site.connection));
    assert_eq!(send(thaw).await.status, 200);
    assert_eq!(send(allowed()).await.status, 200);
}

#[tokio::test]
async fn attack_97_a_body_that_does_not_go_on_where_a_rule_looks_at_it() {
    let site = Site::start().await;
    let body = json!({ "media": ["application/json"], "max": "2 KiB", "deny": ["/labels"] });
    let rule = json!({ "name": "write", "methods": ["PUT"], "path": "/objects/**", "body": body, "effect": "allow" });
    site.grant(&json!({ "rule": [rule] })).await;
    let whole = site.request("PUT", "/objects/1").with("content-type", "application/json").text("{}");
    site.passes(whole).await;
    let before = site.provider.requests().len();
    let began = site.world.clock.now();
    let client = unfinished(&site).open(site.world.port).await;
    let answer = site.world.slowly(answer_of(client)).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("invalid_request"), "{answer}");
    assert!(began.after(IDLE.as_secs()) <= site.world.clock.now());
    assert_eq!(site.provider.requests().len(), before);
}

#[tokio::test]
async fn attack_98_a_provider_that_does_not_answer() {
    let site = Site::answering(|request| match request.starts_with("GET /objects/1 ") {
        true => Reply::ok("hello"),
        false => Reply::silence(),
    })
    .await;
    let mut held = Vec::new();
    for number in 0..MAX_OF_AGENT {
        held.push(site.request("GET", "/objects/2").open(site.world.port).await);
        site.provider.until_asked(number + 1).await;
    }
    let refused = site.send(site.get()).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".into()));
    for client in held {
        let answer = site.world.slowly(answer_of(client)).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    }
    site.passes(site.get()).await;
}
