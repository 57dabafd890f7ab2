//! Tests of the choice of a server: the named one, else a new cluster, else the one at the usual address.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};

use super::{
    Database, cluster,
    server::{find, volatile_cluster},
};

/// Returns an address at which no server listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn no_binaries() -> io::Result<PgConnectOptions> {
    Err(io::Error::other("there is no initdb on this machine"))
}

#[test]
fn the_server_that_is_named_is_taken_and_none_is_taken_by_its_name() {
    let named = find(Some("postgres://ada@db.example:6000/tests"), no_binaries, nowhere()).unwrap();
    assert_eq!((named.get_host(), named.get_port(), named.get_username()), ("db.example", 6000, "ada"));
    assert!(find(Some("none"), no_binaries, nowhere()).unwrap_err().contains("asked for"));
}

#[tokio::test]
async fn a_cluster_of_our_own_waits_for_no_disk_and_one_for_crashes_does() {
    let volatile = volatile_cluster().unwrap();
    let durable = cluster().unwrap();
    for (cluster, fsync) in [(&volatile, "off"), (&durable, "on")] {
        let mut connection = cluster.options().connect().await.unwrap();
        let found: (String,) = sqlx::query_as("SHOW fsync").fetch_one(&mut connection).await.unwrap();
        assert_eq!(found.0, fsync);
    }
    let taken = find(None, || Ok(volatile.options()), nowhere()).unwrap();
    assert_eq!(taken.get_port(), volatile.options().get_port());
    // If no cluster can be made, a server that accepts connections is used.
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, durable.options().get_port()));
    assert_eq!(find(None, no_binaries, usual).unwrap().get_port(), usual.port());
}

#[test]
fn a_server_that_does_not_let_the_tests_in_is_not_taken() {
    let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let other = stranger.local_addr().unwrap();
    // The stranger closes every connection.
    std::thread::spawn(move || stranger.incoming().for_each(drop));
    for usual in [nowhere(), other] {
        assert!(find(None, no_binaries, usual).unwrap_err().contains("initdb"));
    }
}

/// The server executes the statements that a dead program had sent before the database counts as deserted.
#[tokio::test]
async fn a_database_is_deserted_when_what_its_last_program_had_sent_is_done() {
    let database = Database::empty().await;
    let mut holder = database.connect().await;
    let mut looker = database.connect().await;
    sqlx::raw_sql("CREATE TABLE note (text TEXT); SELECT pg_advisory_lock(1)").execute(&mut holder).await.unwrap();
    let mut dying = database.connect().await;
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    // The insert is large, so that a check that does not wait for it comes first.
    let sent = "BEGIN; SELECT pg_advisory_xact_lock(1); \
                INSERT INTO note SELECT 'late' FROM generate_series(1, 500000); COMMIT";
    tokio::select! {
        done = sqlx::raw_sql(sent).execute(&mut dying) => panic!("it waits for the lock: {done:?}"),
        () = async {
            while sqlx::query_as::<_, (i64,)>(waiting).fetch_one(&mut looker).await.unwrap().0 == 0 {}
        } => {}
    }
    // The connection closes without a farewell, as when its process is killed.
    drop(dying);
    looker.close().await.unwrap();
    holder.close().await.unwrap();
    database.deserted_blocking();
    let mut looker = database.connect().await;
    let found: (i64,) = sqlx::query_as("SELECT count(*) FROM note").fetch_one(&mut looker).await.unwrap();
    assert_eq!(found, (500_000,));
}
