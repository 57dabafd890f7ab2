//! The number of statements that a request takes does not grow with what the owner has: that of the state of a setup,
//! which a page requests while it waits, and that of the first page of connections.
//!
//! On PostgreSQL the statements run on threads that all tests share, so they are counted on SQLite. The texts are the
//! same.

use std::ops::Range;

use axum::Router;
use connection_contract::Kind;
use connection_core::{ConnectionRegistry, Overview, Role};
use connection_faults::{host_pool::Pool, log};
use connection_server::{ApiOptions, api_router};
use tokio::{net::TcpListener, runtime::Handle};

use crate::{http::Request, test_host::World};

const KIND: Kind = Kind::from_static("acme");
/// The number of statements with which any request finds its token.
const FOR_THE_TOKEN: usize = 1;

/// Serves the API of this registry, and returns its port.
async fn serve(registry: ConnectionRegistry) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let routes: Router = api_router(registry, ApiOptions::new(format!("http://127.0.0.1:{port}").parse().unwrap()));
    Handle::current().spawn(async move { axum::serve(listener, routes).await });
    port
}

async fn wait_for_answers(registry: &ConnectionRegistry) -> String {
    let session = registry.setups().begin(&KIND).await.unwrap();
    session.next_step().await.unwrap();
    session.id().to_string()
}

/// Returns the number of statements that the pool has run before this one.
async fn statement_count(pool: &Pool) -> usize {
    const MARK: &str = "SELECT 1";
    // Each statement is logged after its answer, and before the next one begins.
    pool.run(MARK).await;
    let statements = log::statements_of(std::thread::current().name().unwrap());
    statements.iter().filter(|line| !line.contains(&format!("summary={MARK:?}"))).count()
}

/// Returns the number of statements that some work takes: the fewest of several, because tasks of an earlier setup may add
/// statements of their own.
async fn statements_of(pool: &Pool, work: &impl AsyncFn()) -> usize {
    let mut fewest = usize::MAX;
    for _ in 0..3 {
        let before = statement_count(pool).await;
        work().await;
        fewest = fewest.min(statement_count(pool).await - before);
    }
    fewest
}

#[tokio::test]
async fn the_state_of_a_setup_takes_one_statement_beside_that_of_the_token_however_many_are_open() {
    log::begin();
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let pool = Pool::of(&world.database(), 1).await;
    let registry = world.beside_with(|builder| builder.store(pool.lend())).await;
    let port = serve(registry.clone()).await;
    let id = wait_for_answers(&registry).await;
    let request = Request::new("GET", &format!("/api/v1/setups/{id}")).with("host", &format!("127.0.0.1:{port}"));
    let request = request.bearer(&token);
    let read = async || {
        let setup = request.send(port).await.ok(200);
        assert_eq!((&setup["id"], &setup["type"]), (&id.as_str().into(), &"prompt".into()));
    };
    assert_eq!(statements_of(&pool, &read).await, FOR_THE_TOKEN + 1);
    for _ in 0..20 {
        wait_for_answers(&registry).await;
    }
    assert_eq!(statements_of(&pool, &read).await, FOR_THE_TOKEN + 1, "with 20 others");
    assert_eq!(registry.setups().list().await.unwrap().len(), 21, "the control");
}

/// Adds connections to the owner.
async fn add_connections(pool: &Pool, numbers: Range<usize>) {
    let Range { start, end } = numbers;
    pool.run(&format!(
        "INSERT INTO connection_account (id, owner, kind, label, account_id, account_label, is_default, config, \
         generation, next_generation, state, created_at, updated_at) \
         WITH RECURSIVE n (i) AS (SELECT {start} UNION ALL SELECT i + 1 FROM n WHERE i < {end} - 1) \
         SELECT randomblob(16), 'local', 'acme', printf('l-%05d', i), i, 'account', FALSE, '[]', 1, 2, 'active', 1, 1 FROM n"
    ))
    .await;
}

#[tokio::test]
async fn the_first_page_of_connections_takes_as_many_statements_for_10_000_as_for_500_and_reads_their_grants_alone() {
    log::begin();
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let pool = Pool::of(&world.database(), 1).await;
    let registry = world.beside_with(|builder| builder.store(pool.lend())).await;
    let port = serve(registry.clone()).await;
    let request = Request::new("GET", "/api/v1/connections?limit=50").with("host", &format!("127.0.0.1:{port}"));
    let request = request.bearer(&token);
    let read = async || {
        let page = request.send(port).await.ok(200);
        let users = page["items"].as_array().unwrap().iter().map(|item| item["usedBy"].as_array().unwrap().len());
        assert_eq!(users.collect::<Vec<_>>(), [1; 50]);
    };
    add_connections(&pool, 0..500).await;
    for entry in registry.overview(Overview::new().limit(50)).await.unwrap().items {
        registry.extensions().grant("issues", entry.info.id, &[]).await.unwrap();
    }
    // The classes, what ends soon, the connections of a class, the rows of the page and their grants; and again the
    // classes and what ends soon, and the counts.
    assert_eq!(statements_of(&pool, &read).await, FOR_THE_TOKEN + 8);
    add_connections(&pool, 500..10_000).await;
    assert_eq!(statements_of(&pool, &read).await, FOR_THE_TOKEN + 8);
    let all_grants_were_read = || {
        let statements = log::statements_of(std::thread::current().name().unwrap());
        statements.iter().any(|line| line.contains("ORDER BY g.extension"))
    };
    assert!(!all_grants_were_read());
    assert_eq!(registry.extensions().grants().await.unwrap().len(), 50);
    pool.run("SELECT 1").await;
    assert!(all_grants_were_read(), "the control");
}
