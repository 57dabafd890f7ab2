//! The hosts that the documents show.

#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/axum.rs"]
mod axum;
#[cfg(unix)]
#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/desktop.rs"]
mod desktop;

use ::axum::{body::Body, http::Request};
use connection_core::HttpPolicy;
use connection_inbound::PublicUrl;

use crate::{
    login::{API, LOGIN, Login},
    provider::Provider,
    requests::{get, get_with, send},
};

#[tokio::test]
async fn a_server_connects_an_account_of_whoever_is_signed_in() {
    let (provider, directory) = (Provider::start(), tempfile::tempdir().unwrap());
    let url: PublicUrl = "https://host.example".parse().unwrap();
    let http = HttpPolicy::new().endpoint(API, &provider.origin).unwrap();
    let registry = axum::registry(directory.path(), &url).http(http).kind(Login(LOGIN)).open().await.unwrap();
    let app = axum::app(&registry, &url);
    let begin = |user: Option<&str>| {
        let request = Request::post("/setups").header("content-type", "application/json");
        let request = user.into_iter().fold(request, |request, user| request.header("x-signed-in-user", user));
        request.body(Body::from(r#"{"kind": "login"}"#)).unwrap()
    };
    assert_eq!(send(&app, begin(None)).await.status, 401);
    let begun = send(&app, begin(Some("ada"))).await;
    let look = Request::get(format!("/setups/{}", begun.json()["id"].as_str().unwrap()));
    let shown = send(&app, look.header("x-signed-in-user", "ada").body(Body::empty()).unwrap()).await.json();
    let state = shown["open"].as_str().unwrap().split_once("state=").unwrap().1.to_owned();
    let taken = get_with(&app, &format!("/callback/login?code=x&state={state}"), begun.cookie()).await;
    let page = get(&app, taken.location().strip_prefix("https://host.example").unwrap()).await;
    assert!(page.body.contains("Login &#38; Co: ada"), "{}", page.body);
    let connections = registry.owner("ada").unwrap().list_connections(connection_core::Filter::new()).await.unwrap();
    assert_eq!(connections.connections.len(), 1);
}

/// The browser is a script that follows the address as the provider would send it on.
#[cfg(unix)]
#[tokio::test]
async fn a_desktop_program_opens_a_browser_and_is_called_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let (provider, directory) = (Provider::start(), tempfile::tempdir().unwrap());
    let http = HttpPolicy::new().endpoint(API, &provider.origin).unwrap();
    let registry = desktop::registry(directory.path()).http(http).kind(Login(LOGIN)).open().await.unwrap();
    let record = directory.path().join("address");
    let script = directory.path().join("browser");
    std::fs::write(
        &script,
        format!("#!/bin/sh\nprintf %s \"$1\" > {0}.part && /bin/mv {0}.part {0}\n", record.display()),
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let browser = connection_inbound::Browser::command(&script, [""; 0]);
    let follows = async {
        let link = loop {
            match std::fs::read_to_string(&record) {
                Ok(link) => break link,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let (uri, state) = link.split_once("redirect_uri=").unwrap().1.split_once("&state=").unwrap();
        let uri = connection_contract::encode::from_percent(uri).unwrap();
        let (port, path) = uri.strip_prefix("http://127.0.0.1:").unwrap().split_once('/').unwrap();
        crate::loopback::get(port.parse().unwrap(), &format!("/{path}?code=x&state={state}")).await.0
    };
    let kind = LOGIN;
    let (connected, answered) = tokio::join!(desktop::connect(&registry, &kind, &browser), follows);
    assert_eq!((connected.unwrap().as_str(), answered), ("ada", 303));
}
