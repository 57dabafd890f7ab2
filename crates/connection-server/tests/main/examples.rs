//! The server that the guide shows.

#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/axum.rs"]
mod axum;

use connection_core::Filter;
use connection_faults::login_kind::login;
use connection_inbound::PublicUrl;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Handle};

use crate::{
    http::{Answer, Request},
    kinds::acme,
};

/// The server of the example, on a port of its own.
struct Host {
    port: u16,
    url: PublicUrl,
}

impl Host {
    fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, path).with("host", &format!("127.0.0.1:{}", self.port))
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.request("POST", &format!("/api/v1{path}")).bearer(token).json(&body).send(self.port).await
    }

    async fn get(&self, token: &str, path: &str) -> Answer {
        self.request("GET", &format!("/api/v1{path}")).bearer(token).send(self.port).await
    }

    /// Opens the page as this user, and returns its token.
    async fn page_of(&self, user: &str) -> String {
        let led = self.request("GET", "/accounts").with("x-signed-in-user", user).send(self.port).await;
        let page = led.header("location").strip_prefix(self.url.as_str()).unwrap();
        let code = page.strip_prefix("/#code=").unwrap();
        let shown = self.request("GET", "/").send(self.port).await;
        assert_eq!((shown.status, shown.header("content-type")), (200, "text/html; charset=utf-8"));
        let exchange = self.request("POST", "/api/v1/page-tokens").with("origin", &self.url.origin());
        let answer = exchange.json(&json!({ "code": code })).send(self.port).await.ok(201);
        answer["token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_server_connects_an_account_of_whoever_is_signed_in() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = Host { port, url: format!("http://127.0.0.1:{port}").parse().unwrap() };
    let directory = tempfile::tempdir().unwrap();
    let registry = axum::registry(directory.path(), &host.url).kind(acme()).kind(login()).open().await.unwrap();
    let app = axum::app(&registry, &host.url).unwrap();
    let serving = Handle::current().spawn(async move { ::axum::serve(listener, app).await });
    assert_eq!(host.request("GET", "/accounts").send(port).await.status, 401);
    let ada = host.page_of("ada").await;
    let setup = host.post(&ada, "/setups", json!({ "kind": "login" })).await.ok(201);
    let path = format!("/setups/{}", setup["id"].as_str().unwrap());
    let shown = host.get(&ada, &path).await;
    let cookie = shown.header("set-cookie").split(';').next().unwrap().to_owned();
    let setup = shown.ok(200);
    let start = setup["open"].as_str().unwrap().strip_prefix(host.url.as_str()).unwrap();
    let led = host.request("GET", start).with("cookie", &cookie).send(port).await;
    let state = led.header("location").split_once("state=").unwrap().1;
    let callback = host.request("GET", &format!("/callback/login?code=mine&state={state}"));
    assert_eq!(callback.with("cookie", &cookie).send(port).await.status, 303);
    let mut setup = host.get(&ada, &format!("{path}?after={}", setup["cursor"].as_str().unwrap())).await.ok(200);
    while setup["type"] != "done" {
        if setup["type"] == "confirm" {
            host.post(&ada, &format!("{path}/confirm"), json!({ "step": setup["step"] })).await.ok(202);
        }
        setup = host.get(&ada, &format!("{path}?after={}", setup["cursor"].as_str().unwrap())).await.ok(200);
    }
    let count =
        async |owner: &str| registry.owner(owner).unwrap().list_connections(Filter::new()).await.unwrap().items.len();
    assert_eq!((count("ada").await, count("bob").await), (1, 0));
    // Another user sees nothing of it.
    let bob = host.page_of("bob").await;
    assert_eq!(host.get(&bob, &path).await.refusal(), (404, "setup_not_found".into()));
    serving.abort();
}
