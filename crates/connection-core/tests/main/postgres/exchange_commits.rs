//! The commits of a refresh, each of which loses its answer in turn: the provider's answer is stored, and nothing
//! is spent twice.

use std::time::Duration;

use connection_core::{Connection, ConnectionRegistry, Error, Limits};
use tokio::runtime::Handle;

use crate::{
    postgres::commit_lost::{KEEP_ANSWER, KEEP_COMMIT, LATE_COMMIT, Proxy},
    renewing::{LIFE, Renewals, send, token},
    sql,
};

/// The lease, the record of the request, its answer, and the new credential.
const COMMITS: usize = 4;

async fn through(it: &Renewals) -> (Proxy, ConnectionRegistry, Connection) {
    let (proxy, through) = Proxy::before(&it.world).await;
    let builder = it.world.builder().store(through).limits(Limits::new().hot_rows(Duration::ZERO));
    let registry = builder.kind(it.plugin.clone()).open().await.unwrap();
    let connection = registry.connection(it.connection.id()).await.unwrap();
    (proxy, registry, connection)
}

async fn exchanges(it: &Renewals) -> Option<i64> {
    sql::number(&it.world.database(), "SELECT COUNT(*) FROM connection_exchange").await
}

/// Uses the connection until that works. A lease with an unknown holder expires meanwhile.
async fn persist(it: &Renewals, connection: &Connection) {
    for _ in 0..20 {
        it.edit("UPDATE connection_liveness SET lease_until = 1000").await;
        if let Ok(status) = send(connection).await {
            return assert_eq!(status, 200);
        }
        it.world.clock.advance(Duration::from_secs(2));
    }
    panic!("it does not come to work again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_commit_is_lost_the_answer_is_stored_and_nothing_is_spent_twice() {
    for cut in [KEEP_COMMIT, KEEP_ANSWER] {
        for behind in 0..COMMITS {
            let it = Renewals::new().await;
            let (proxy, registry, connection) = through(&it).await;
            it.at(LIFE);
            proxy.cut(cut, behind);
            let first = send(&connection).await;
            assert!(proxy.has_cut() && first.is_err(), "{cut} {behind}: {first:?}");
            persist(&it, &connection).await;
            let issuer = it.provider.lock().clone();
            assert_eq!((issuer.requests, issuer.is_revoked), (1, false), "{cut} {behind}");
            assert_eq!(token(&connection).await.unwrap(), "access-2", "{cut} {behind}");
            assert_eq!(exchanges(&it).await, Some(0), "{cut} {behind}");
            registry.close().await;
        }
    }
}

/// The server gets the commit of the record after the program has given it up. The record must not stay, since
/// nothing was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_that_is_committed_late_is_taken_back() {
    let it = Renewals::new().await;
    let (proxy, registry, connection) = through(&it).await;
    it.at(LIFE);
    proxy.cut(LATE_COMMIT, 1);
    let asking = Handle::current().spawn({
        let connection = connection.clone();
        async move { send(&connection).await }
    });
    let waiting = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let waits = async {
        // A process that does not wait for it has ended.
        while sql::number(&it.world.database(), waiting).await == Some(0) && !asking.is_finished() {}
    };
    tokio::time::timeout(Duration::from_secs(60), waits).await.expect("it takes back what it noted");
    assert_eq!((proxy.has_cut(), exchanges(&it).await), (true, Some(0)), "the commit is on its way");
    proxy.let_go();
    let ended = tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it comes to an end").unwrap();
    assert!(matches!(ended, Err(Error::Store(_))), "{ended:?}");
    persist(&it, &connection).await;
    assert_eq!((it.provider.request_count(), exchanges(&it).await), (1, Some(0)));
    registry.close().await;
}
