//! Connections to a server that die while they are in use.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use sqlx::{
    ConnectOptions as _, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Handle,
};

use super::{Database, add};
use crate::store::{Store, StoreError, StoreSource, engine::execute};

/// Ends every connection to this database except this one, and waits until they are gone.
async fn cut(other: &mut PgConnection) {
    let ended = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    assert!(!ended.fetch_all(&mut *other).await.unwrap().is_empty());
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while sqlx::query_as::<_, (i64,)>(left).fetch_one(&mut *other).await.unwrap().0 > 0 {}
}

async fn past(database: &Database) -> PgConnection {
    database.url().parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn a_reader_whose_connection_was_cut_reads_on_by_another() {
    let Some(database) = Database::on_postgres().await else { return };
    let mut other = past(&database).await;
    // A pool with a single place, which a dead connection must not keep; and a pool in which all connections are
    // dead.
    for most in [1, 4] {
        let options = database.url().parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(most).test_before_acquire(false).connect_lazy_with(options);
        let store = Store::open(pool.into()).await.unwrap();
        let row = database.account(&format!("label-{most}"));
        add(&store, &row).await.unwrap();
        for _ in 0..3 {
            let mut readers = Vec::new();
            for _ in 0..most {
                readers.push(store.reader().await.unwrap());
            }
            let mut reader = readers.pop().unwrap();
            assert_eq!(reader.account(row.id).await.unwrap().as_ref(), Some(&row));
            drop(readers);
            cut(&mut other).await;
            assert_eq!(reader.account(row.id).await.unwrap().as_ref(), Some(&row));
        }
    }
}

#[tokio::test]
async fn a_job_whose_connection_was_cut_fails_and_nothing_of_it_is_kept() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let mut other = past(&database).await;
    let row = database.account("a");
    add(&store, &row).await.unwrap();
    let id = row.id;
    let written = store.write(move |tx| {
        Box::pin(async move {
            execute!(tx, "UPDATE connection_account SET label = 'b'")?;
            cut(&mut other).await;
            // Another connection would read the state from before the job.
            tx.account(id).await
        })
    });
    let error = written.await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(store.reader().await.unwrap().account(id).await.unwrap(), Some(row));
}

/// The relay before a pooler.
#[derive(Default)]
struct Relay {
    /// Whether a connection ends when a transaction begins on it that only reads.
    cuts: AtomicBool,
    /// The number of connections that were ended.
    begun: AtomicUsize,
}

/// Passes on what client and server say, until the relay ends the connection.
async fn pass(mut client: TcpStream, mut server: TcpStream, relay: &Relay) -> io::Result<()> {
    let mut from_client = vec![0; 1 << 16];
    let mut from_server = vec![0; 1 << 16];
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Some(bytes @ [_, ..]) = from_client.get(..read?) else { return Ok(()) };
                if relay.cuts.load(SeqCst) && bytes.windows(15).any(|words| words == b"BEGIN READ ONLY") {
                    relay.begun.fetch_add(1, SeqCst);
                    return Ok(());
                }
                server.write_all(bytes).await?;
            }
            read = server.read(&mut from_server) => {
                let Some(bytes @ [_, ..]) = from_server.get(..read?) else { return Ok(()) };
                client.write_all(bytes).await?;
            }
        }
    }
}

#[tokio::test]
async fn a_transaction_that_only_reads_is_begun_twice_at_most_behind_a_pooler() {
    let Some(database) = Database::on_postgres().await else { return };
    let options = database.url().parse::<PgConnectOptions>().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pooler = options.clone().host("127.0.0.1").port(listener.local_addr().unwrap().port());
    let server = (options.get_host().to_owned(), options.get_port());
    let relay = Arc::new(Relay::default());
    let passing = relay.clone();
    Handle::current().spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(server.clone()).await.unwrap();
            let passing = passing.clone();
            // The error is that of a connection that was closed.
            Handle::current().spawn(async move { drop(pass(client, server, &passing).await) });
        }
    });
    let pooler = pooler.to_url_lossy().to_string();
    let store = Store::open(StoreSource::from(pooler).direct(database.url())).await.unwrap();
    relay.cuts.store(true, SeqCst);
    assert!(matches!(store.reader().await.err(), Some(StoreError::Unavailable { .. })));
    assert_eq!(relay.begun.load(SeqCst), 2);
}

/// Returns the processes of the server that serve this database, without the one of this connection.
async fn backends(other: &mut PgConnection) -> Vec<(i32,)> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
               AND backend_type = 'client backend'";
    sqlx::query_as(sql).fetch_all(other).await.unwrap()
}

#[tokio::test]
async fn an_error_of_the_node_ends_its_connection_and_one_of_a_statement_does_not() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let mut other = past(&database).await;
    for (sql, is_of_node) in [
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25006'; END $$", true),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25P03'; END $$", true),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57P04'; END $$", true),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '08006'; END $$", true),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '22012'; END $$", false),
    ] {
        assert!(store.health().await, "a connection is kept");
        let before = backends(&mut other).await;
        store.write(move |tx| Box::pin(async move { execute!(tx, sql) })).await.unwrap_err();
        assert!(store.health().await, "the next reader has a connection");
        if is_of_node {
            // The server notices a moment later.
            while backends(&mut other).await.iter().any(|backend| before.contains(backend)) {}
        } else {
            let after = backends(&mut other).await;
            assert!(before.iter().all(|backend| after.contains(backend)), "{before:?} {after:?}");
        }
    }
    store.close().await;
}
