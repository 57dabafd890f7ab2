//! A kind that consists of a configuration, at the certified provider: on a host that receives nothing, and with an
//! application that is refused.

use connection_contract::Secret;
use connection_core::{ConnectionRegistry, HttpPolicy, KeyFile, Outcome, SetupStep};
use connection_faults::{
    oidc::{CLIENT, OidcServer, SECRET},
    user_agent::UserAgent,
};
use connection_oauth2::{ClientAuth, oauth2};

use crate::servers::{Host, REAL, browsed, discovered, opened, parameters, step};

/// A person pastes the address where the browser ended, after an address of another attempt was refused. The kind
/// makes its own `state`.
#[tokio::test]
async fn a_pasted_address_connects_on_a_host_that_receives_nothing() {
    let Some(server) = OidcServer::start("{}") else { return };
    let directory = tempfile::tempdir().unwrap();
    let registry = ConnectionRegistry::builder()
        .store(directory.path().join("connections.db").display().to_string())
        .key(KeyFile::at(directory.path().join("root.key")))
        .http(HttpPolicy::new().endpoint(server.issuer(), server.issuer()).unwrap())
        .kind(oauth2(discovered(&server, CLIENT, Some(SECRET)).build().unwrap()))
        .open()
        .await
        .unwrap();
    let session = registry.setups().begin(&REAL).await.unwrap();
    let (no, shown) = step(&session).await;
    let link = opened(&shown);
    let back = tokio::task::spawn_blocking(move || UserAgent::new().follow(&link).unwrap()).await.unwrap();
    let foreign = back.replace("state=", "state=foreign");
    session.advance(no, &[("callbackUrl".to_owned(), Secret::from(foreign))]).await.unwrap();
    let (no, shown) = step(&session).await;
    let SetupStep::Prompt { prompt, .. } = &shown else { panic!("it asks again: {shown:?}") };
    assert_eq!(prompt.problem.as_ref().unwrap().as_str(), "the answer from the browser belongs to another attempt");
    session.advance(no, &[("callbackUrl".to_owned(), Secret::from(back))]).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    assert_eq!(server.token_requests().len(), 1);
    registry.close().await;
}

/// A wrong secret is a mistake of the operator, not of the user. So is a secret with `%` and `+` that is not encoded.
#[tokio::test]
async fn an_application_that_the_server_refuses_is_an_operators_mistake() {
    let Some(server) = OidcServer::start(r#"{"redirectUris": ["http://127.0.0.1/callback"]}"#) else { return };
    let wrong = discovered(&server, CLIENT, Some("wrong"));
    let raw = discovered(&server, CLIENT, Some(SECRET)).client_auth(ClientAuth::BasicRaw);
    for (config, code) in [(wrong, "real_client_refused"), (raw, "real_refused")] {
        let host = Host::open(server.issuer(), config.build().unwrap()).await;
        let session = host.registry.setups().begin(&REAL).await.unwrap();
        let outcome = match session.next_step().await.unwrap() {
            // If the request is not pushed, the token endpoint is the first to refuse the application.
            Some((_, shown @ (SetupStep::Prompt { .. } | SetupStep::Redirect { .. }))) => {
                let back = browsed(opened(&shown)).await;
                host.registry.setups().deliver(parameters(&back)).await.unwrap();
                session.terminal().await.unwrap()
            }
            _ => session.terminal().await.unwrap(),
        };
        let Outcome::Failed(failure) = outcome else { panic!("it is refused: {outcome:?}") };
        assert_eq!(failure.code, code);
        host.close().await;
    }
}
