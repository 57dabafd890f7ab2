//! The desktop program that the guide shows.

#[expect(dead_code, reason = "the example's own `main` is not what is tested")]
#[path = "../../examples/desktop.rs"]
mod desktop;

use std::path::Path;

use connection_contract::{Field, Kind, Secret};
use connection_core::HttpPolicy;
use connection_oauth2::{Account, Client, Endpoint, OAuth2, OAuth2Config, oauth2};

use crate::{
    login::{API, LOGIN, login},
    provider::Provider,
};

#[tokio::test]
async fn a_desktop_program_opens_a_browser_and_is_called_back() {
    let provider = Provider::start();
    let directory = tempfile::tempdir().unwrap();
    let http = HttpPolicy::new().endpoint(API, &provider.origin).unwrap();
    let registry = desktop::registry(directory.path()).http(http).kind(login(LOGIN)).open().await.unwrap();
    let browser = browser(directory.path());
    let nothing = async |_: &[Field]| panic!("it asks for nothing");
    let kind = LOGIN;
    let connects = desktop::connect(&registry, &kind, &browser, nothing);
    let (connected, answered) = tokio::join!(connects, come_back(directory.path()));
    assert_eq!((connected.unwrap().as_str(), answered), ("ada", 303));
}

/// Makes a browser that is a script and records the address.
fn browser(directory: &Path) -> connection_inbound::Browser {
    use std::os::unix::fs::PermissionsExt as _;
    let record = directory.join("address");
    let script = directory.join("browser");
    std::fs::write(
        &script,
        format!("#!/bin/sh\nprintf %s \"$1\" > {0}.part && /bin/mv {0}.part {0}\n", record.display()),
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    connection_inbound::Browser::command(&script, [""; 0])
}

/// Opens the address that the script recorded; returns the redirect address, the `state`, and the browser's cookie.
async fn opened(directory: &Path) -> (String, String, String) {
    let link = loop {
        match std::fs::read_to_string(directory.join("address")) {
            Ok(link) => break link,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let (port, path) = local(&link);
    let led = crate::loopback::get(port, &path).await.1;
    let header = |name: &str| led.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let link = header("location: ");
    let cookie = header("set-cookie: ");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let query = connection_contract::encode::from_form(link.split_once('?').unwrap().1);
    let value = |wanted: &str| query.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    (value("redirect_uri"), value("state"), cookie)
}

/// Returns the port and the path of an address on loopback.
fn local(address: &str) -> (u16, String) {
    let (port, path) = address.strip_prefix("http://127.0.0.1:").unwrap().split_once('/').unwrap();
    (port.parse().unwrap(), format!("/{path}"))
}

async fn come_back(directory: &Path) -> u16 {
    let (uri, state, cookie) = opened(directory).await;
    let (port, path) = local(&uri);
    crate::loopback::get_with(port, &format!("{path}?code=x&state={state}"), &cookie).await.0
}

/// A kind from a configuration offers every method at once: a browser, a pasted address, a device code. Each of the
/// first two finishes the setup, whichever is first.
#[tokio::test]
async fn a_desktop_program_finishes_in_whichever_way_comes_first() {
    let device = r#""device_code": "d", "user_code": "WDJB", "verification_uri": "https://login.example/activate""#;
    let answer = format!(r#"{{"access_token": "a", "id": "1", "name": "ada", "expires_in": 900, {device}}}"#);
    for is_pasted in [false, true] {
        let provider = Provider::start();
        let directory = tempfile::tempdir().unwrap();
        provider.answers(200, &answer);
        let http = HttpPolicy::new().endpoint(API, &provider.origin).unwrap();
        let registry = desktop::registry(directory.path()).http(http).kind(configured()).open().await.unwrap();
        let browser = browser(directory.path());
        let paste = async |fields: &[Field]| {
            assert_eq!(fields.iter().map(|field| &*field.name).collect::<Vec<_>>(), ["callbackUrl"]);
            if !is_pasted {
                std::future::pending::<()>().await;
            }
            let (uri, state, _) = opened(directory.path()).await;
            vec![("callbackUrl".to_owned(), Secret::from(format!("{uri}?code=x&state={state}")))]
        };
        let kind = Kind::from_static("configured");
        let connects = desktop::connect(&registry, &kind, &browser, paste);
        let comes = async { if is_pasted { 303 } else { come_back(directory.path()).await } };
        let within = std::time::Duration::from_secs(120);
        let (connected, answered) =
            tokio::time::timeout(within, async { tokio::join!(connects, comes) }).await.unwrap();
        assert_eq!((connected.unwrap().as_str(), answered), ("ada", 303));
    }
}

/// Returns a kind with every method.
fn configured() -> OAuth2 {
    let config = OAuth2Config::builder(Kind::from_static("configured"), "Configured")
        .api(API)
        .endpoint(Endpoint::Authorize, format!("{API}/authorize"))
        .endpoint(Endpoint::Device, format!("{API}/device"))
        .endpoint(Endpoint::Token, format!("{API}/token"))
        .client(Client::Configured { id: "id".to_owned(), secret: Some(Secret::from("secret")) })
        .account(Account::probe("/me", "/id", "/name"));
    oauth2(config.build().unwrap())
}
