//! The authorization code: by a callback, by pasting, with a pushed request, and for an application that registers
//! itself.

use std::collections::BTreeSet;

use connection_contract::{Liveness, Secret, encode};
use connection_core::{Outcome, Teardown};
use connection_faults::oidc::{CLIENT, OidcServer, PUBLIC_CLIENT, SECRET};
use connection_oauth2::{Account, Client, ClientAuth, Endpoint, Method, OAuth2Config};

use super::{Host, REAL, browsed, discovered, opened, parameters, step};

const OPTIONS: &str = r#"{"redirectUris": ["http://127.0.0.1/callback"]}"#;

/// Runs a setup with a browser and its callback, and returns its outcome.
pub(super) async fn connected(host: &Host) -> Outcome {
    let session = host.registry.setups().begin(&REAL).await.unwrap();
    let (_, shown) = step(&session).await;
    let back = browsed(opened(&shown)).await;
    host.registry.setups().deliver(parameters(&back)).await.unwrap();
    session.terminal().await.unwrap()
}

/// S2, S5, S20
#[tokio::test]
async fn a_code_with_pkce_and_iss_becomes_a_connection_that_is_live_used_and_given_back() {
    let Some(server) = OidcServer::start(OPTIONS) else { return };
    let host = Host::open(server.issuer(), discovered(&server, CLIENT, Some(SECRET)).build().unwrap()).await;
    let outcome = connected(&host).await;
    let connection = host.connection(&outcome).await;
    assert_eq!((connection.info().label.as_str(), connection.info().liveness), ("ada", Liveness::Live));
    let request = connection.request("GET", "/me").await.unwrap();
    let answer = connection.send(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let token = connection.with_access_token(async |token: &Secret| token.duplicate()).await.unwrap();
    assert!(!token.is_empty());
    let removal = host.registry.remove(connection.id()).await.unwrap();
    assert!(matches!(removal.teardown, Teardown::Revoked), "{removal:?}");
    let ledger = server.ledger();
    assert!(ledger.iter().any(|request| request.path == "/token/revocation" && request.status == 200), "{ledger:?}");
    assert_eq!(server.token_requests().len(), 1);
    host.close().await;
}

/// S4, S5: two attempts wait at the same time.
#[tokio::test]
async fn two_attempts_share_no_state_and_no_challenge() {
    let Some(server) = OidcServer::start(OPTIONS) else { return };
    let issuer = server.issuer();
    // With discovery, the request would be pushed, and its parameters would not be in the address.
    let config = OAuth2Config::builder(REAL, "Real")
        .api(issuer)
        .endpoint(Endpoint::Authorize, format!("{issuer}/auth"))
        .endpoint(Endpoint::Token, format!("{issuer}/token"))
        .account(Account::probe("/me", "/sub", "/sub"))
        .client(Client::Configured { id: PUBLIC_CLIENT.to_owned(), secret: None })
        .client_auth(ClientAuth::None);
    let host = Host::open(issuer, config.build().unwrap()).await;
    let mut drawn = Vec::new();
    for _ in 0..2 {
        let session = host.registry.setups().begin(&REAL).await.unwrap();
        let (_, shown) = step(&session).await;
        let query = encode::from_form(opened(&shown).split_once('?').unwrap().1);
        let value = |name: &str| query.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap();
        assert_eq!(value("code_challenge_method"), "S256");
        drawn.extend([value("state"), value("code_challenge")]);
    }
    assert!(drawn.iter().all(|value| value.len() >= 43), "256 bits: {drawn:?}");
    assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 4, "{drawn:?}");
    host.close().await;
}

/// S8
#[tokio::test]
async fn a_public_client_needs_no_secret() {
    let Some(server) = OidcServer::start(OPTIONS) else { return };
    let host = Host::open(server.issuer(), discovered(&server, PUBLIC_CLIENT, None).build().unwrap()).await;
    assert!(matches!(connected(&host).await, Outcome::Done(_)));
    host.close().await;
}

#[tokio::test]
async fn the_final_address_of_the_browser_is_pasted() {
    let Some(server) = OidcServer::start(OPTIONS) else { return };
    let config = discovered(&server, CLIENT, Some(SECRET)).methods([Method::Paste]).build().unwrap();
    let host = Host::open(server.issuer(), config).await;
    let session = host.registry.setups().begin(&REAL).await.unwrap();
    let (no, shown) = step(&session).await;
    let back = browsed(opened(&shown)).await;
    session.advance(no, &[("callbackUrl".to_owned(), Secret::from("https://example.com/nothing"))]).await.unwrap();
    let (no, shown) = step(&session).await;
    assert!(format!("{shown:?}").contains("problem: Some"), "the wrong one is told: {shown:?}");
    session.advance(no, &[("callbackUrl".to_owned(), Secret::from(back))]).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    host.close().await;
}

#[tokio::test]
async fn a_request_is_pushed_where_the_provider_wants_it() {
    let options = r#"{"redirectUris": ["http://127.0.0.1/callback"], "requirePar": true}"#;
    let Some(server) = OidcServer::start(options) else { return };
    let host = Host::open(server.issuer(), discovered(&server, CLIENT, Some(SECRET)).build().unwrap()).await;
    assert!(matches!(connected(&host).await, Outcome::Done(_)));
    let ledger = server.ledger();
    assert!(ledger.iter().any(|request| request.path == "/request" && request.status == 201), "{ledger:?}");
    host.close().await;
}

#[tokio::test]
async fn an_application_registers_itself_once() {
    let Some(server) = OidcServer::start(OPTIONS) else { return };
    let config = discovered(&server, CLIENT, Some(SECRET)).client(Client::Registered).build().unwrap();
    let host = Host::open(server.issuer(), config).await;
    let outcome = connected(&host).await;
    let connection = host.connection(&outcome).await;
    host.registry.remove(connection.id()).await.unwrap();
    assert!(matches!(connected(&host).await, Outcome::Done(_)));
    let registrations = server.ledger().into_iter().filter(|request| request.path == "/reg").count();
    assert_eq!(registrations, 1);
    host.close().await;
}
