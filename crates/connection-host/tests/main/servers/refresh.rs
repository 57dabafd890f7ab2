//! Refresh at a provider that ends the whole family of tokens when a refresh token is used twice.

use std::time::Duration;

use connection_contract::Liveness;
use connection_core::{Connection, Error};
use connection_faults::oidc::{CLIENT, OidcServer, SECRET};

use super::{Host, code::connected, discovered, passing};

/// A duration that is longer than the lifetime of the access tokens.
const LONG: Duration = Duration::from_secs(2 * 3600);

async fn me(connection: Connection) -> u16 {
    let request = connection.request("GET", "/me").await.unwrap();
    connection.send(request).await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_callers_in_two_processes_one_renews_what_has_expired() {
    let Some(server) = OidcServer::start("{}") else { return };
    let config = || discovered(&server, CLIENT, Some(SECRET)).build().unwrap();
    let host = Host::open(server.issuer(), config()).await;
    let outcome = connected(&host).await;
    let here = host.connection(&outcome).await;
    let other = host.another(server.issuer(), config()).await;
    let there = other.connection(here.id()).await.unwrap();
    host.clock.advance(LONG);
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..100 {
        callers.spawn(me(if n % 2 == 0 { here.clone() } else { there.clone() }));
    }
    let answers = passing(&host, &server, callers.join_all()).await;
    assert_eq!(answers, [200; 100]);
    let grants: Vec<_> = server.token_requests().into_iter().map(|request| (request.grant, request.status)).collect();
    let expected = ["authorization_code", "refresh_token"].map(|grant| (Some(grant.to_owned()), 200));
    assert_eq!(grants, expected);
    // The new refresh token works in its turn.
    host.clock.advance(LONG);
    assert_eq!(me(here.clone()).await, 200);
    assert_eq!(server.token_requests().len(), 3);
    other.close().await;
    host.close().await;
}

/// Q24: the grant is gone, and only a new authorization helps.
#[tokio::test]
async fn a_grant_that_is_gone_says_so_and_a_new_authorization_mends_it() {
    let Some(server) = OidcServer::start("{}") else { return };
    let host = Host::open(server.issuer(), discovered(&server, CLIENT, Some(SECRET)).build().unwrap()).await;
    let outcome = connected(&host).await;
    let connection = host.connection(&outcome).await;
    server.forget_grants();
    let error = connection.refresh().await.unwrap_err();
    assert!(matches!(error, Error::NotRenewed { .. }), "{error:?}");
    let info = host.registry.connection(connection.id()).await.unwrap().info().clone();
    let reason = info.reason.unwrap();
    assert_eq!((info.liveness, &*reason.code), (Liveness::Failing, "needs_reauthorization"));
    assert!(reason.remedy.is_some());
    let session = connection.reauthorize().await.unwrap();
    let (_, shown) = super::step(&session).await;
    let back = super::browsed(super::opened(&shown)).await;
    host.registry.setups().deliver(super::parameters(&back)).await.unwrap();
    session.terminal().await.unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(connection.refresh().await.unwrap().connection.liveness, Liveness::Live);
    host.close().await;
}
