//! A code arrives at another process than the one that sent the browser away, while that process runs, is stopped or is
//! dead. The code is redeemed once, with the verifier of the process that began the setup.

use connection_contract::Liveness;
use connection_core::Outcome;
use connection_faults::oidc::{CLIENT, OidcServer, SECRET};

use super::{
    Host, Nowhere, REAL, browsed,
    child::{self, Process, say},
    discovered, opened, parameters, passing, step,
};

const NAME: &str = "servers::handed_over::a_code_that_comes_back_to_another_process_is_redeemed_there_once";

/// R-INSEAM-089, S5
#[test]
fn a_code_that_comes_back_to_another_process_is_redeemed_there_once() {
    match child::order() {
        Some(order) => child::runtime().block_on(begin(&order)),
        None => child::runtime().block_on(all()),
    }
}

/// Begins a setup, prints its id and the address for the browser, and waits until it may end.
async fn begin(order: &str) {
    let [store, key, issuer] = order.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let registry = child::builder(store, key, issuer).inbound(std::sync::Arc::new(Nowhere)).open().await.unwrap();
    let session = registry.setups().begin(&REAL).await.unwrap();
    let (_, shown) = step(&session).await;
    say(&session.id().to_string());
    say(&opened(&shown));
    child::told_to_go().await;
}

async fn all() {
    for fate in ["alive", "paused", "killed"] {
        let Some(server) = OidcServer::start(r#"{"redirectUris": ["http://127.0.0.1/callback"]}"#) else { return };
        let config = discovered(&server, CLIENT, Some(SECRET)).build().unwrap();
        let host = Host::open(server.issuer(), config).await;
        let [store, key] = host.places();
        let mut beginner = Process::start(NAME, &[store, key, server.issuer().to_owned()]);
        let id = beginner.line();
        let link = beginner.line();
        match fate {
            "paused" => beginner.signal("STOP"),
            "killed" => beginner.kill(),
            _ => {}
        }
        let back = browsed(link).await;
        let delivered = host.registry.setups().deliver(parameters(&back)).await.unwrap();
        assert_eq!(delivered.session.id().to_string(), id, "{fate}");
        let outcome = passing(&host, &server, delivered.session.terminal()).await.unwrap();
        assert!(matches!(outcome, Outcome::Done(_)), "{fate}: {outcome:?}");
        if fate == "paused" {
            // The process continues after the setup has ended.
            beginner.signal("CONT");
        }
        if fate != "killed" {
            beginner.go();
            beginner.ends_well();
        }
        let connection = host.connection(&outcome).await;
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live, "{fate}");
        assert!(host.registry.setups().deliver(parameters(&back)).await.is_err(), "{fate}: it is used");
        let grants: Vec<_> =
            server.token_requests().into_iter().map(|request| (request.grant, request.status)).collect();
        assert_eq!(grants, [(Some("authorization_code".to_owned()), 200)], "{fate}");
        host.close().await;
    }
}
