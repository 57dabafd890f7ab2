//! Requests are sent only where they may go. Each refused request is paired with one that is allowed and arrives.

use connection_contract::{HttpError, HttpRequest, HttpService};
use reqwest::dns::Resolve;

use super::{Names, base, client, client_with, declared, error, named};
use crate::{
    Egress, EgressHttp, HttpPolicy,
    resolver::{Addresses, CheckedResolver},
};
use connection_faults::server::{Reply, TestServer};

async fn server() -> TestServer {
    TestServer::start(|_| Reply::ok("here")).await
}

#[tokio::test]
async fn an_origin_that_was_not_granted_is_denied_and_nothing_is_sent() {
    let granted = server().await;
    let other = server().await;
    let client = client(HttpPolicy::new());
    let egress = named(&granted.origin());
    let http = EgressHttp::new(&client, &egress);
    let denied = http.send(HttpRequest::get(&base(&other.origin()), "/a")).await;
    assert_eq!(error(denied), HttpError::Denied);
    assert_eq!(other.requests(), Vec::<String>::new());
    let allowed = http.send(HttpRequest::get(&base(&granted.origin()), "/a")).await.unwrap();
    assert_eq!((allowed.status(), allowed.body().expose()), (200, &b"here"[..]));
    assert_eq!(granted.requests().len(), 1);
    // An origin that was not granted is denied even if its address is allowed.
    let mapped = HttpPolicy::new().endpoint("https://api.example.com", &other.origin()).unwrap();
    let request = || HttpRequest::get(&base("https://api.example.com"), "/a");
    assert_eq!(error(super::client(mapped.clone()).send(&egress, request()).await), HttpError::Denied);
    assert_eq!(other.requests(), Vec::<String>::new());
    let declared = declared("https://api.example.com");
    assert_eq!(super::client(mapped).send(&declared, request()).await.unwrap().status(), 200);
    let nowhere = client.send(&Egress::default(), HttpRequest::get(&base(&granted.origin()), "/a")).await;
    assert_eq!(error(nowhere), HttpError::Denied);
    assert_eq!(granted.requests().len(), 1);
}

#[tokio::test]
async fn a_private_address_is_denied_unless_the_user_named_it() {
    let server = server().await;
    let client = client(HttpPolicy::new());
    let origins = [server.origin(), format!("http://[::ffff:7f00:1]:{}", server.port())];
    for origin in origins {
        let request = || HttpRequest::get(&base(&origin), "/");
        assert_eq!(error(client.send(&declared(&origin), request()).await), HttpError::Denied, "{origin}");
    }
    assert_eq!(server.requests(), Vec::<String>::new());
    let request = HttpRequest::get(&base(&server.origin()), "/");
    assert_eq!(client.send(&named(&server.origin()), request).await.unwrap().status(), 200);
}

/// S22
#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_denied_unless_the_user_named_it() {
    let server = server().await;
    let client = client_with(HttpPolicy::new(), Names::of(&[("api.example.com", &["127.0.0.1"])]));
    for host in ["api.example.com", "localhost", "a.localhost"] {
        let origin = format!("http://{host}:{}", server.port());
        let request = || HttpRequest::get(&base(&origin), "/");
        let before = server.requests().len();
        assert_eq!(error(client.send(&declared(&origin), request()).await), HttpError::Denied, "{host}");
        assert_eq!(server.requests().len(), before);
        assert_eq!(client.send(&named(&origin), request()).await.unwrap().status(), 200, "{host}");
        // The open connection serves only requests to an origin that the user named.
        assert_eq!(error(client.send(&declared(&origin), request()).await), HttpError::Denied, "{host}");
        assert_eq!(server.requests().len(), before + 1);
    }
}

/// If several people share a server, none of them can lead it into its own network.
#[tokio::test]
async fn a_host_can_forbid_private_addresses() {
    let server = server().await;
    let names = || Names::of(&[("git.example.com", &["127.0.0.1"])]);
    let policy = HttpPolicy::new().endpoint("https://api.example.com", &server.origin()).unwrap();
    let open = client_with(policy.clone(), names());
    let shared = client_with(policy.no_private_addresses(), names());
    for host in ["127.0.0.1", "git.example.com", "localhost"] {
        let origin = format!("http://{host}:{}", server.port());
        let request = || HttpRequest::get(&base(&origin), "/");
        let before = server.requests().len();
        assert_eq!(error(shared.send(&named(&origin), request()).await), HttpError::Denied, "{host}");
        assert_eq!(server.requests().len(), before);
        assert_eq!(open.send(&named(&origin), request()).await.unwrap().status(), 200, "{host}");
    }
    // An origin that the host maps is exempt.
    let request = HttpRequest::get(&base("https://api.example.com"), "/");
    assert_eq!(shared.send(&declared("https://api.example.com"), request).await.unwrap().status(), 200);
}

/// At these addresses, a machine in a cloud finds its own secrets, and there is no other service.
#[tokio::test]
async fn no_user_names_an_address_of_the_link_alone() {
    let addresses = ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "[::ffff:a9fe:a9fe]"];
    let client = client_with(HttpPolicy::new(), Names::of(&[("meta.example.com", &["169.254.169.254", "fe80::1"])]));
    for host in addresses.into_iter().chain(["meta.example.com"]) {
        let origin = format!("http://{host}");
        let denied = client.send(&named(&origin), HttpRequest::get(&base(&origin), "/latest/meta-data")).await;
        assert_eq!(error(denied), HttpError::Denied, "{host}");
    }
    let found = async |addresses| {
        let names = Names::of(&[("meta.example.com", &["169.254.169.254", "fe80::1", "64:ff9b::a9fe:1", "10.0.0.1"])]);
        let resolver = CheckedResolver { lookup: names, addresses };
        let found = resolver.resolve("meta.example.com".parse().unwrap()).await.unwrap();
        found.map(|address| address.ip().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(Addresses::Private).await, ["10.0.0.1"]);
    assert_eq!(found(Addresses::Any).await.len(), 4, "the host may");
}

#[tokio::test]
async fn a_name_with_public_and_private_addresses_is_reached_at_the_public_ones() {
    let names =
        Names::of(&[("api.example.com", &["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1"]), ("empty.example.com", &[])]);
    let resolve = async |addresses, name: &str| {
        let resolver = CheckedResolver { lookup: names.clone(), addresses };
        let found = resolver.resolve(name.parse().unwrap()).await;
        found
            .map(|found| found.map(|address| address.ip().to_string()).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    assert_eq!(resolve(Addresses::Public, "api.example.com").await.unwrap(), ["1.1.1.1", "2606:4700::1"]);
    assert_eq!(resolve(Addresses::Any, "api.example.com").await.unwrap().len(), 4);
    assert_eq!(resolve(Addresses::Any, "empty.example.com").await.unwrap_err(), "the name does not resolve");
}

#[tokio::test]
async fn a_host_that_two_parsers_read_differently_is_denied() {
    let server = server().await;
    let client = client(HttpPolicy::new());
    for host in ["127.1", "2130706433", "0x7f.0.0.1", "[0:0::1]"] {
        let origin = format!("http://{host}:{}", server.port());
        let result = client.send(&named(&origin), HttpRequest::get(&base(&origin), "/")).await;
        assert_eq!(error(result), HttpError::Denied, "{host}");
    }
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_path_that_would_lead_out_of_its_base_is_denied_and_nothing_is_sent() {
    let server = server().await;
    let client = client(HttpPolicy::new());
    let below = base(&format!("{}/v1", server.origin()));
    let send = async |path: &str| client.send(&named(&server.origin()), HttpRequest::get(&below, path)).await;
    for path in ["..", "../admin", "users/../../admin", "users/./me", "users/.."] {
        assert_eq!(error(send(path).await), HttpError::Denied, "{path}");
    }
    assert_eq!(server.requests(), Vec::<String>::new());
    for (path, sent) in [("a..b", "/v1/a..b"), ("...", "/v1/..."), (".well-known", "/v1/.well-known")] {
        assert_eq!(send(path).await.unwrap().status(), 200, "{path}");
        let requests = server.requests();
        assert!(requests.last().unwrap().starts_with(&format!("GET {sent} HTTP/1.1\r\n")), "{requests:?}");
    }
}

#[tokio::test]
async fn a_request_to_a_mapped_origin_arrives_at_its_endpoint() {
    let server = server().await;
    let names = Names::of(&[]);
    let policy = HttpPolicy::new().endpoint("https://api.example.com", &server.origin()).unwrap();
    let request = || HttpRequest::get(&base("https://api.example.com/v1"), "/me").query("q", "a b");
    let egress = declared("https://api.example.com");
    let response = client_with(policy, names.clone()).send(&egress, request()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(server.requests()[0].starts_with("GET /v1/me?q=a%20b HTTP/1.1\r\n"), "{:?}", server.requests());
    assert_eq!(*names.lookups.lock().unwrap(), 0);
    // The endpoint itself was not granted. Without the mapping, the name is looked up.
    let client = client_with(HttpPolicy::new(), names.clone());
    assert_eq!(error(client.send(&egress, request()).await), HttpError::Dns);
    let direct = HttpRequest::get(&base(&server.origin()), "/");
    assert_eq!(error(client.send(&egress, direct).await), HttpError::Denied);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_configured_proxy_is_used_but_for_loopback() {
    let proxy = server().await;
    let server = server().await;
    let policy = HttpPolicy::new().proxy(proxy.origin());
    let client = client_with(policy, Names::of(&[]));
    let there = "http://api.example.com";
    assert_eq!(client.send(&declared(there), HttpRequest::get(&base(there), "/x")).await.unwrap().status(), 200);
    assert!(proxy.requests()[0].starts_with("GET http://api.example.com/x HTTP/1.1\r\n"), "{:?}", proxy.requests());
    let private = "http://10.0.0.1";
    let denied = client.send(&declared(private), HttpRequest::get(&base(private), "/")).await;
    assert_eq!(error(denied), HttpError::Denied);
    let near = HttpRequest::get(&base(&server.origin()), "/");
    assert_eq!(client.send(&named(&server.origin()), near).await.unwrap().status(), 200);
    assert_eq!((proxy.requests().len(), server.requests().len()), (1, 1));
}
