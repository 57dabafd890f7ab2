//! Which server is taken: the one that is named, else the usual one, else one that is made.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use sqlx::Connection as _;

use super::{
    Database,
    server::{find, lets_in},
};

/// Where nobody listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

#[test]
fn the_server_that_is_named_is_taken_and_none_is_taken_by_its_name() {
    let named = find(Some("postgres://ada@db.example:6000/tests"), nowhere()).unwrap();
    assert_eq!((named.get_host(), named.get_port(), named.get_username()), ("db.example", 6000, "ada"));
    assert!(find(Some("none"), nowhere()).unwrap_err().contains("asked for"));
}

/// What listens and does not let the tests in is not taken either.
#[test]
fn where_there_is_none_one_is_made_and_it_lets_us_in() {
    let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let other = stranger.local_addr().unwrap();
    // Ends every conversation.
    std::thread::spawn(move || stranger.incoming().for_each(drop));
    for usual in [nowhere(), other] {
        let made = find(None, usual).unwrap();
        assert_ne!(made.get_port(), usual.port());
        assert!(lets_in(&made));
    }
}

/// What a program had sent when it died is done before the database is deserted.
#[tokio::test]
async fn a_database_is_deserted_when_what_its_last_program_had_sent_is_done() {
    let database = Database::empty().await;
    let (mut holder, mut looker) = (database.connect().await, database.connect().await);
    sqlx::raw_sql("CREATE TABLE note (text TEXT); SELECT pg_advisory_lock(1)").execute(&mut holder).await.unwrap();
    let mut dying = database.connect().await;
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    // So many that whoever does not wait is there before they are.
    let sent = "BEGIN; SELECT pg_advisory_xact_lock(1); \
                INSERT INTO note SELECT 'late' FROM generate_series(1, 500000); COMMIT";
    tokio::select! {
        done = sqlx::raw_sql(sent).execute(&mut dying) => panic!("it waits for the lock: {done:?}"),
        () = async {
            while sqlx::query_as::<_, (i64,)>(waiting).fetch_one(&mut looker).await.unwrap().0 == 0 {}
        } => {}
    }
    // As when its process is killed: nobody says goodbye.
    drop(dying);
    looker.close().await.unwrap();
    holder.close().await.unwrap();
    database.deserted_blocking();
    let mut looker = database.connect().await;
    let found: (i64,) = sqlx::query_as("SELECT count(*) FROM note").fetch_one(&mut looker).await.unwrap();
    assert_eq!(found, (500_000,));
}
