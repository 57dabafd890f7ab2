//! Four real processes use one expired credential, at a provider that ends the whole family of tokens when a refresh
//! token is used twice.

use connection_contract::{Clock as _, Secret, Timestamp};
use connection_core::{Connection, ManualClock, SystemClock};
use connection_faults::oidc::{CLIENT, OidcServer, SECRET};
use tokio::runtime::Handle;

use super::{
    Host,
    child::{self, PATIENCE, Process, say},
    code::connected,
    discovered,
};

const PROCESSES: usize = 4;
const CALLERS: usize = 50;
/// The age of the connection in seconds. Its access tokens live half as long.
const AGO: i64 = 2 * 3600;
const NAME: &str = "servers::processes::four_processes_with_fifty_callers_each_refresh_once_and_share_the_generation";

#[test]
fn four_processes_with_fifty_callers_each_refresh_once_and_share_the_generation() {
    match child::order() {
        Some(order) => child::runtime().block_on(async { tokio::time::timeout(PATIENCE, call(&order)).await.unwrap() }),
        None => child::runtime().block_on(all()),
    }
}

async fn all() {
    let Some(server) = OidcServer::start("{}") else { return };
    // The connection is so old that its token has expired for the other processes.
    let clock = ManualClock::at(Timestamp::from_seconds(SystemClock::new().now().seconds() - AGO));
    let config = discovered(&server, CLIENT, Some(SECRET)).build().unwrap();
    let host = Host::open_at(server.issuer(), config, clock).await;
    let outcome = connected(&host).await;
    let connection = host.connection(&outcome).await;
    let first = token(&connection).await;
    let [store, key] = host.places();
    let order = [store, key, server.issuer().to_owned(), connection.id().to_string()];
    let mut callers: Vec<_> = (0..PROCESSES).map(|_| Process::start(NAME, &order)).collect();
    for caller in &mut callers {
        assert_eq!(caller.line(), "READY");
    }
    callers.iter_mut().for_each(Process::go);
    let mut tokens: Vec<String> = Vec::new();
    for caller in &mut callers {
        tokens.extend((0..CALLERS).map(|_| caller.line()));
        caller.ends_well();
    }
    assert_eq!(tokens.len(), PROCESSES * CALLERS);
    assert!(tokens.iter().all(|token| *token == tokens[0] && *token != first), "one generation, and a new one");
    let grants: Vec<_> = server.token_requests().into_iter().map(|request| (request.grant, request.status)).collect();
    let expected = ["authorization_code", "refresh_token"].map(|grant| (Some(grant.to_owned()), 200));
    assert_eq!(grants, expected);
    assert!(server.is_active(&tokens[0]), "the family lives");
    host.close().await;
}

/// Runs one process. All its callers use the connection at the same time, when the process may continue.
async fn call(order: &str) {
    let [store, key, issuer, id] = order.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let registry = child::builder(store, key, issuer).open().await.unwrap();
    let connection = registry.connection(id.parse().unwrap()).await.unwrap();
    say("READY");
    child::told_to_go().await;
    let one = |connection: Connection| async move {
        let answer = connection.send(connection.request("GET", "/me").await.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        token(&connection).await
    };
    let callers: Vec<_> = (0..CALLERS).map(|_| Handle::current().spawn(one(connection.clone()))).collect();
    for caller in callers {
        say(&caller.await.unwrap());
    }
    registry.close().await;
}

async fn token(connection: &Connection) -> String {
    connection.with_access_token(async |token: &Secret| token.expose_str().unwrap().to_owned()).await.unwrap()
}
