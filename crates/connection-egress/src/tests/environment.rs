//! Environment variables lead no request elsewhere, because the host chooses the proxy.
//!
//! A test cannot change its own environment safely, so it starts its program again with another environment.

use std::{env, process::Command, sync::Arc};

use connection_contract::{HttpError, HttpRequest};

use super::{Names, base, client_with, declared, error, named};
use crate::{
    HttpClient, HttpPolicy,
    tls::{self, Trusted},
};
use connection_faults::server::{Reply, TestServer};

/// The variable that marks the process with the other environment.
const INSIDE: &str = "CONNECTIONS_TEST_BEHIND_A_PROXY";
const PROXIES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Runs one test of this file in a process with these variables and without other proxy variables.
async fn inside(test: &str, variables: &[(&str, &str)]) {
    let mut again = Command::new(env::current_exe().unwrap());
    again.args([&*format!("tests::environment::{test}"), "--exact", "--nocapture", "--test-threads=1"]);
    for name in PROXIES.iter().chain(&["NO_PROXY", "no_proxy", "REQUEST_METHOD"]) {
        again.env_remove(name);
    }
    again.env(INSIDE, "yes").envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || again.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{variables:?}: {said} {}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "the test is found by its name: {said}");
}

#[expect(clippy::disallowed_methods, reason = "a test reads what it said to itself")]
fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Returns the answer of a proxy that opens no tunnels, so that no client waits for an answer through one.
fn answered(request: &str, body: &str) -> Reply {
    match request.starts_with("CONNECT ") {
        true => Reply::whole(403, "", ""),
        false => Reply::ok(body),
    }
}

async fn get(client: &HttpClient, egress: &super::Egress, url: &str) -> Result<u16, HttpError> {
    client.send(egress, HttpRequest::get(&base(url), "/")).await.map(|answer| answer.status())
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used() {
    if is_inside() {
        return beside_a_proxy().await;
    }
    for name in PROXIES {
        // The proxy answers every request, so a client that uses it succeeds.
        let proxy = TestServer::start(|request| answered(request, "proxied")).await;
        inside("a_proxy_of_the_environment_is_not_used", &[(name, &proxy.origin())]).await;
        let requests = proxy.requests();
        assert!(!requests.is_empty(), "{name}: the control, which honours the environment, came to the proxy");
        assert!(requests.iter().all(|request| request.contains("control.example")), "{name}: {requests:?}");
    }
}

/// Sends requests with each of the inner clients, and with a client of the library in its default configuration.
async fn beside_a_proxy() {
    let server = TestServer::start(|_| Reply::ok("direct")).await;
    let policy = HttpPolicy::new().endpoint("https://mapped.example", &server.origin()).unwrap();
    let names = Names::of(&[("public.example", &["10.0.0.1"]), ("private.example", &["127.0.0.1"])]);
    let client = client_with(policy, names);
    for scheme in ["http", "https"] {
        // A declared origin at that address is denied, unless a proxy connects to it.
        let public = format!("{scheme}://public.example");
        assert_eq!(get(&client, &declared(&public), &public).await, Err(HttpError::Denied), "{public}");
        // Only this test resolves the name, and nothing listens at the port.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let nobody = format!("{scheme}://private.example:{port}");
        assert_eq!(get(&client, &named(&nobody), &nobody).await, Err(HttpError::Connect), "{nobody}");
    }
    let private = format!("http://private.example:{}", server.port());
    assert_eq!(get(&client, &named(&private), &private).await, Ok(200));
    assert_eq!(get(&client, &declared("https://mapped.example"), "https://mapped.example").await, Ok(200));
    assert_eq!(server.requests().len(), 2);
    // Without a proxy, the control reaches no server and asks no name server: its only name leads to a closed port.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let control = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config(Arc::new(Trusted::new(&[]).unwrap())).unwrap())
        .resolve("control.example", closed)
        .build()
        .unwrap();
    for url in ["http://control.example/", "https://control.example/"] {
        // The result does not matter here; the proxy records whether it was used.
        drop(control.get(url).send().await);
    }
}

#[tokio::test]
async fn the_proxy_of_the_host_is_used_whatever_the_environment_says() {
    if !is_inside() {
        let other = TestServer::start(|_| Reply::ok("another proxy")).await;
        let test = "the_proxy_of_the_host_is_used_whatever_the_environment_says";
        let address = other.origin();
        for name in PROXIES {
            inside(test, &[(name, &address)]).await;
        }
        for name in ["NO_PROXY", "no_proxy"] {
            inside(test, &[(name, "*")]).await;
            inside(test, &[(name, "far.example")]).await;
        }
        assert_eq!(other.requests(), Vec::<String>::new());
        return;
    }
    let proxy = TestServer::start(|request| answered(request, "the host's proxy")).await;
    let client = client_with(HttpPolicy::new().proxy(proxy.origin()), Names::of(&[]));
    assert_eq!(get(&client, &declared("http://far.example"), "http://far.example").await, Ok(200));
    // The client asks this proxy for a tunnel, and the proxy opens none.
    let far = declared("https://far.example");
    error(client.send(&far, HttpRequest::get(&base("https://far.example"), "/")).await);
    let requests = proxy.requests();
    assert!(requests[0].starts_with("GET http://far.example/ HTTP/1.1\r\n"), "{requests:?}");
    assert!(requests[1].starts_with("CONNECT far.example:443 HTTP/1.1\r\n"), "{requests:?}");
}
