//! The server's own report about the tokens of a connection (RFC 7662): they are active until the connection is
//! removed.

use connection_contract::Secret;
use connection_core::Connection;
use connection_faults::oidc::{CLIENT, OidcServer, SECRET};

use super::{Host, code::connected, discovered};

async fn held(connection: &Connection) -> String {
    connection.with_access_token(async |token: &Secret| token.expose_str().unwrap().to_owned()).await.unwrap()
}

/// S19: revoking the refresh token also revokes the access tokens of its grant. The tokens of a later connection are
/// active.
#[tokio::test]
async fn a_handle_works_until_the_connection_is_removed() {
    let Some(server) = OidcServer::start("{}") else { return };
    let host = Host::open(server.issuer(), discovered(&server, CLIENT, Some(SECRET)).build().unwrap()).await;
    let connection = host.connection(&connected(&host).await).await;
    let first = held(&connection).await;
    assert!(server.is_active(&first));
    assert!(!server.is_active("no-token"), "the control");
    connection.refresh().await.unwrap();
    let second = held(&connection).await;
    assert_ne!(first, second);
    assert!(server.is_active(&second));
    let removal = host.registry.remove(connection.id()).await.unwrap();
    assert!(matches!(removal.teardown, connection_core::Teardown::Revoked), "{removal:?}");
    assert!(!server.is_active(&second) && !server.is_active(&first), "nothing is left that would work");
    let next = host.connection(&connected(&host).await).await;
    assert!(server.is_active(&held(&next).await), "it is the connection that was given back, not the account");
    host.close().await;
}
