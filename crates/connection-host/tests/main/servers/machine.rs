//! An application that connects by itself (client credentials), and how servers treat secrets with special characters
//! (Q17).

use std::collections::BTreeSet;

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
    let session = registry.setups().begin(kind).await.unwrap();
    let (_, shown) = step(&session).await;
    let back = browsed(opened(&shown)).await;
    registry.setups().deliver(parameters(&back)).await.unwrap();
    session.terminal().await.unwrap()
}

async fn by_itself(server: &AuthlibServer, config: OAuth2Builder) -> Outcome {
    let host = Host::open(server.address(), config.grant(Grant::ClientCredentials).build().unwrap()).await;
    let session = host.registry.setups().begin(&REAL).await.unwrap();
    let outcome = session.terminal().await.unwrap();
    host.close().await;
    outcome
}

/// Q17: the secret has special characters and is encoded as the standard says. This server decodes the secret, so one
/// that was not encoded is a different secret.
#[tokio::test]
async fn an_application_connects_by_itself() {
    let Some(server) = AuthlibServer::start("{}") else { return };
    for auth in [ClientAuth::Basic, ClientAuth::Body] {
        let outcome = by_itself(&server, config(&server).client_auth(auth)).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
    let Outcome::Failed(refused) = by_itself(&server, config(&server).client_auth(ClientAuth::BasicRaw)).await else {
        panic!("the control: a secret that is not encoded is another one")
    };
    assert_eq!(refused.code, "real_client_refused");
}

/// Q3: the exchange of a code, each refresh, and the application's own grant.
#[tokio::test]
async fn a_server_that_takes_json_alone_is_spoken_to_in_json() {
    let Some(server) = AuthlibServer::start(r#"{"json": true}"#) else { return };
    let outcome = by_itself(&server, config(&server).body(Body::Json)).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let refused = by_itself(&server, config(&server)).await;
    assert!(matches!(refused, Outcome::Failed(_)), "the control: {refused:?}");
    let host = Host::open(server.address(), config(&server).body(Body::Json).build().unwrap()).await;
    let outcome = by_code(&host.registry, &REAL).await;
    host.connection(&outcome).await.refresh().await.unwrap();
    let grants: Vec<_> = server.ledger().into_iter().map(|request| (request.grant, request.status)).collect();
    for grant in ["authorization_code", "refresh_token"] {
        assert!(grants.contains(&(Some(grant.to_owned()), 200)), "{grants:?}");
    }
    host.close().await;
}

/// Q4, Q5: a refresh token that is not replaced is used again, and one that is replaced is not.
#[tokio::test]
async fn a_refresh_token_is_used_again_where_the_server_gives_no_other() {
    for (options, distinct) in [(r#"{"rotate": false}"#, 1), (r#"{"rotate": true}"#, 3)] {
        let Some(server) = AuthlibServer::start(options) else { return };
        let host = Host::open(server.address(), config(&server).build().unwrap()).await;
        let connection = host.connection(&by_code(&host.registry, &REAL).await).await;
        for _ in 0..3 {
            connection.refresh().await.unwrap();
        }
        let ledger = server.ledger();
        let spent: BTreeSet<_> = ledger.iter().filter_map(|request| request.spent.clone()).collect();
        let renewals = ledger.iter().filter(|request| request.spent.is_some() && request.status == 200).count();
        assert_eq!((renewals, spent.len()), (3, distinct), "{options}: {ledger:?}");
        host.close().await;
    }
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
    assert!(server.ledger().iter().any(|request| request.path == "/revoke" && request.status == 200));
    host.close().await;
}
