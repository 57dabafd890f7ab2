//! An application by itself (client credentials), and what servers do with secrets that have odd characters (Q17).

use connection_contract::{Kind, Secret};
use connection_core::{ConnectionRegistry, Outcome};
use connection_faults::authlib::{self, AuthlibServer};
use connection_oauth2::{Account, Body, Client, ClientAuth, Endpoint, Grant, OAuth2Builder, OAuth2Config};

use super::{Host, REAL, browsed, opened, parameters, step};

fn config(server: &AuthlibServer) -> OAuth2Builder {
    let address = server.address();
    OAuth2Config::builder(REAL, "Real")
        .api(address)
        .endpoint(Endpoint::Authorize, format!("{address}/authorize"))
        .endpoint(Endpoint::Token, format!("{address}/token"))
        .endpoint(Endpoint::Revocation, format!("{address}/revoke"))
        .scope("read")
        .account(Account::probe("/me", "/id", "/name"))
        .client(Client::Configured { id: authlib::CLIENT.to_owned(), secret: Some(Secret::from(authlib::SECRET)) })
        .client_auth(ClientAuth::Basic)
}

async fn by_code(registry: &ConnectionRegistry, kind: &Kind) -> Outcome {
    let session = registry.begin_setup(kind).await.unwrap();
    let (_, shown) = step(&session).await;
    let back = browsed(opened(&shown)).await;
    registry.deliver(parameters(&back)).await.unwrap();
    session.terminal().await.unwrap()
}

async fn by_itself(server: &AuthlibServer, config: OAuth2Builder) -> Outcome {
    let host = Host::open(server.address(), config.grant(Grant::ClientCredentials).build().unwrap()).await;
    let session = host.registry.begin_setup(&REAL).await.unwrap();
    let outcome = session.terminal().await.unwrap();
    host.close().await;
    outcome
}

/// Q17: a secret with odd characters, encoded as the standard says.
#[tokio::test]
async fn an_application_connects_by_itself() {
    let Some(server) = AuthlibServer::start("{}") else { return };
    for auth in [ClientAuth::Basic, ClientAuth::Body] {
        let outcome = by_itself(&server, config(&server).client_auth(auth)).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
}

/// Q3
#[tokio::test]
async fn a_server_that_takes_json_alone_is_spoken_to_in_json() {
    let Some(server) = AuthlibServer::start(r#"{"json": true}"#) else { return };
    let outcome = by_itself(&server, config(&server).body(Body::Json)).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let refused = by_itself(&server, config(&server)).await;
    assert!(matches!(refused, Outcome::Failed(_)), "the control: {refused:?}");
}

/// Q13, Q15, Q16
#[tokio::test]
async fn an_answer_that_lacks_what_the_standard_wants_and_is_a_form_is_understood() {
    let options = r#"{"without": ["token_type", "expires_in", "scope"], "form": true}"#;
    let Some(server) = AuthlibServer::start(options) else { return };
    let host = Host::open(server.address(), config(&server).build().unwrap()).await;
    let outcome = by_code(&host.registry, &REAL).await;
    let connection = host.connection(&outcome).await;
    let request = connection.request("GET", "/me").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 200);
    host.registry.remove(connection.id()).await.unwrap();
    assert!(server.ledger().iter().any(|asked| asked.path == "/revoke" && asked.status == 200));
    host.close().await;
}
