//! Real processes that need one credential refreshed, and one that is killed while it refreshes.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::RefreshSemantics;
use connection_core::{Connection, ConnectionRegistry, Error, HttpPolicy, KeyFile};
use connection_faults::processes;
use tokio::runtime::Handle;

use crate::{
    acme::API,
    refresh_kills::while_leases_last,
    renewing::{Renewals, Renewing, patient_token, send},
    sql,
    test_server::Reply,
};

const PROCESSES: usize = 4;
const CALLERS: usize = 50;
/// Marks a process of this test as a worker.
const WORKER: &str = "CONNECTIONS_TEST_REFRESH_WORKER";
const NAME: &str = "refresh_processes::four_processes_with_fifty_callers_each_refresh_once_and_share_the_generation";

#[test]
fn four_processes_with_fifty_callers_each_refresh_once_and_share_the_generation() {
    processes::run(WORKER, async |order| work(&order).await, all);
}

async fn all() {
    let it = Renewals::of_processes(Renewing::new()).await;
    it.expire().await;
    let children: Vec<_> = (0..PROCESSES).map(|number| start(&it, number, "")).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    for number in 0..PROCESSES {
        let got = std::fs::read_to_string(place(&it, number)).unwrap();
        assert_eq!(got.lines().collect::<Vec<_>>(), ["access-2"; CALLERS], "process {number}");
    }
    let issuer = it.provider.lock().clone();
    assert_eq!((issuer.requests, issuer.is_revoked, issuer.number), (1, false, 2));
    assert_eq!((it.number("generation").await, it.lease("lease_until").await), (2, None));
}

/// Starts a process of this test that uses the connection; `semantics` are those of its plugin.
pub(crate) fn start(it: &Renewals, number: usize, semantics: &str) -> Child {
    let order = [
        it.world.address(),
        it.world.key().to_str().unwrap().to_owned(),
        it.world.server.origin(),
        it.connection.id().to_string(),
        place(it, number),
        it.world.state().to_str().unwrap().to_owned(),
        semantics.to_owned(),
    ];
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(WORKER, order.join("\n"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// Returns the file in which a process writes the tokens that it got.
fn place(it: &Renewals, number: usize) -> String {
    it.world.directory.path().join(format!("tokens-{number}")).to_str().unwrap().to_owned()
}

async fn work(order: &str) {
    let [address, key, origin, id, place, state, semantics] = order.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let plugin = Renewing::of(match semantics {
        "stable" => RefreshSemantics::Stable,
        "grace" => RefreshSemantics::Grace(Duration::from_secs(60)),
        _ => RefreshSemantics::Strict,
    });
    let registry = ConnectionRegistry::builder()
        .store(address)
        .key(KeyFile::at(key))
        .http(HttpPolicy::new().endpoint(API, origin).unwrap())
        .state_directory(state)
        .kind(plugin)
        .open()
        .await
        .unwrap();
    let connection = registry.connection(id.parse().unwrap()).await.unwrap();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let connection = connection.clone();
            Handle::current().spawn(async move { patient_token(&connection).await })
        })
        .collect();
    let mut got = String::new();
    for caller in callers {
        got += &caller.await.unwrap();
        got.push('\n');
    }
    std::fs::write(place, got).unwrap();
    registry.close().await;
}

/// The provider accepts the request of a process, rotates and does not answer while the flag is set.
async fn renews_without_an_answer(semantics: RefreshSemantics, word: &str) -> (Renewals, Child, Arc<AtomicBool>) {
    let it = Renewals::of_processes(Renewing::of(semantics)).await;
    it.expire().await;
    let issued = it.provider.clone();
    let is_silent = Arc::new(AtomicBool::new(true));
    let silent = is_silent.clone();
    it.world.provider(move |request| {
        let reply = issued.answer(request);
        if silent.load(SeqCst) && request.starts_with("POST /token") { Reply::silence() } else { reply }
    });
    let requests = it.world.server.requests().len();
    let holder = start(&it, 0, word);
    it.world.server.until_asked(requests + 1).await;
    (it, holder, is_silent)
}

/// The provider accepts the request, rotates and never answers; then the process is killed.
async fn killed_while_it_renews(semantics: RefreshSemantics, word: &str) -> Renewals {
    let (it, mut holder, is_silent) = renews_without_an_answer(semantics, word).await;
    holder.kill().unwrap();
    holder.wait().unwrap();
    is_silent.store(false, SeqCst);
    assert!(it.lease("lease_until").await.is_some(), "it held the lease");
    // The row is edited as if the lease had expired.
    it.edit("UPDATE connection_liveness SET lease_until = 1000").await;
    it
}

/// Returns the remedy of a use that fails because nobody knows whether the token was used up.
async fn told(connection: &Connection) -> String {
    match send(connection).await {
        Err(Error::NotRenewed { why, .. }) if why.reason.code == "refresh_outcome_unknown" => {
            why.reason.remedy.map(|remedy| remedy.to_string()).unwrap_or_default()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_waits_for_a_process_that_is_killed_is_told_at_once_what_to_do() {
    let (it, mut holder, _) = renews_without_an_answer(RefreshSemantics::Strict, "").await;
    let waiting = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { told(&connection).await }
    });
    for _ in 0..20 {
        it.number("generation").await;
    }
    assert!(!waiting.is_finished(), "its holder lives");
    holder.kill().unwrap();
    holder.wait().unwrap();
    let remedy = while_leases_last(&it, waiting).await.unwrap();
    let expected = "authorize this connection again now, or wait: the next attempt is at 2";
    assert!(remedy.starts_with(expected), "{remedy}");
    assert_eq!(told(&it.connection).await, remedy, "so is every later use");
    let quarantined = "SELECT COUNT(*) FROM connection_exchange WHERE concluded_at IS NOT NULL";
    assert_eq!(sql::number(&it.world.database(), quarantined).await, Some(1));
    let issuer = it.provider.lock().clone();
    assert_eq!((issuer.requests, issuer.is_revoked), (1, false), "the family lives");
}

#[tokio::test]
async fn a_token_that_a_killed_process_may_have_spent_is_not_sent_again() {
    let it = killed_while_it_renews(RefreshSemantics::Strict, "").await;
    for _ in 0..3 {
        match send(&it.connection).await {
            Err(Error::NotRenewed { why, .. }) => assert_eq!(why.reason.code, "refresh_outcome_unknown"),
            other => panic!("{other:?}"),
        }
    }
    let issuer = it.provider.lock().clone();
    assert_eq!((issuer.requests, issuer.is_revoked), (1, false), "the family lives");
}

#[tokio::test]
async fn a_reusable_token_is_sent_again_after_its_holder_was_killed() {
    let it = killed_while_it_renews(RefreshSemantics::Stable, "stable").await;
    // A provider that accepts the same token again.
    it.provider.lock().number = 1;
    assert_eq!(send(&it.connection).await.unwrap(), 200);
    assert_eq!((it.provider.request_count(), it.number("generation").await), (2, 2));
}
