//! Requests in progress end when they are frozen: nothing more is sent, and nothing more is read.

use std::{sync::Arc, time::Duration};

use connection_core::{Connection, Error, Frozen, RequestBody, Response, SystemClock};
use connection_faults::peer::Peer;

use crate::{
    renewing::process,
    sql,
    test_host::{World, on_postgres},
    use_open_kit::{Line, accept, channel, mapped},
};

const TICK: Duration = Duration::from_millis(100);

/// Returns the result of `work`, while time passes and the database is read, so that other tasks go on.
///
/// A host that cannot read its store for a second stops the uses of agents. A server is often slow when many tests run,
/// so it is read more often in that second than a host may need.
pub(crate) async fn passing<T>(world: &World, work: impl Future<Output = T>) -> T {
    let database = world.database();
    let reads = if on_postgres() { 100 } else { 60 };
    let time = async {
        loop {
            sql::look_on(&database, 1, reads, || world.clock.advance(TICK)).await;
        }
    };
    tokio::select! {
        result = work => result,
        () = time => unreachable!("time does not end"),
    }
}

fn is_frozen<T: std::fmt::Debug>(result: Result<T, Error>, what: &Frozen) {
    match result {
        Err(Error::Frozen { what: is, fault: None }) => assert_eq!(is, *what),
        other => panic!("{other:?}"),
    }
}

/// Begins an answer of which one piece has arrived.
async fn streaming(line: &Line, connection: &Connection) -> (Response, Peer) {
    let begins = async {
        let (mut peer, _) = line.accept().await;
        peer.begin(200, "").await;
        peer.piece("some").await;
        peer
    };
    let request = connection.request("GET", "/things").await.unwrap();
    let (answer, peer) = tokio::join!(connection.open(request, RequestBody::empty()), begins);
    let mut answer = answer.unwrap();
    assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"some"[..]));
    (answer, peer)
}

#[tokio::test]
async fn an_answer_in_progress_is_cut_by_a_freeze_in_the_same_process_at_once() {
    let line = Line::new().await;
    for what in [Frozen::Connection(line.connection.id()), Frozen::Owner("local".to_owned()), Frozen::All] {
        let (mut answer, mut peer) = streaming(&line, &line.connection).await;
        peer.piece("more").await;
        line.registry.freezes().freeze(what.clone()).await.unwrap();
        // The answer is dropped although nobody reads it.
        assert_eq!(peer.until_closed().await, 0);
        is_frozen(answer.chunk().await, &what);
        is_frozen(answer.bytes(100).await, &what);
        line.registry.freezes().thaw(what).await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_in_progress_is_cut_by_a_freeze_in_another_process() {
    let line = Line::new().await;
    let other = process(&line.world, &line.plugin, line.world.clock.clone()).await;
    let (mut answer, mut peer) = streaming(&line, &line.connection).await;
    let what = Frozen::Connection(line.connection.id());
    other.freezes().freeze(what.clone()).await.unwrap();
    is_frozen(passing(&line.world, answer.chunk()).await, &what);
    assert_eq!(peer.until_closed().await, 0);
    other.close().await;
}

#[tokio::test]
async fn a_body_in_progress_is_cut() {
    let line = Line::new().await;
    let other = process(&line.world, &line.plugin, line.world.clock.clone()).await;
    for registry in [&line.registry, &other] {
        let what = Frozen::Connection(line.connection.id());
        let (sender, body) = channel(None);
        let provider = async {
            let (mut peer, _) = line.accept().await;
            sender.send(Ok(b"first".to_vec())).unwrap();
            assert_eq!(peer.chunk().await, b"first");
            registry.freezes().freeze(what.clone()).await.unwrap();
            let rest = passing(&line.world, peer.until_closed()).await;
            (peer, rest)
        };
        let (answer, (_peer, rest)) = tokio::join!(line.post(body), provider);
        is_frozen(answer, &what);
        assert_eq!(rest, 0, "not even the end of the body was sent");
        sender.closed().await;
        registry.freezes().thaw(what).await.unwrap();
    }
    other.close().await;
}

/// The answer has begun before the body has ended, as some providers do.
#[tokio::test]
async fn a_body_that_goes_on_beside_its_answer_is_cut_although_nobody_reads_the_answer() {
    let line = Line::new().await;
    let (sender, body) = channel(None);
    let provider = async {
        let (mut peer, _) = line.accept().await;
        peer.begin(200, "").await;
        sender.send(Ok(b"first".to_vec())).unwrap();
        assert_eq!(peer.chunk().await, b"first");
        peer
    };
    let (answer, mut peer) = tokio::join!(line.post(body), provider);
    let mut answer = answer.unwrap();
    line.registry.freezes().freeze(Frozen::All).await.unwrap();
    // Nothing that comes now is sent.
    sender.send(Ok(b"second".to_vec())).unwrap_or_default();
    assert_eq!(peer.until_closed().await, 0);
    is_frozen(answer.chunk().await, &Frozen::All);
}

#[tokio::test]
async fn a_request_without_an_answer_yet_is_cut() {
    let line = Line::new().await;
    let what = Frozen::Connection(line.connection.id());
    let provider = async {
        let (mut peer, _) = accept(&line.server).await;
        line.registry.freezes().freeze(what.clone()).await.unwrap();
        peer.until_closed().await
    };
    let sending = async { line.connection.send(line.connection.request("GET", "/things").await?).await };
    let (answer, rest) = tokio::join!(sending, provider);
    is_frozen(answer, &what);
    assert_eq!(rest, 0);
}

/// A stream of an agent ends with the freeze of the agent, and a stream of the person goes on.
#[tokio::test]
async fn a_stream_of_an_agent_is_cut_by_its_freeze_alone() {
    let line = Line::new().await;
    let agent = line.registry.agents().create("deploy").await.unwrap();
    let of_agent = line.connection.for_agent(agent.id());
    let (mut answer, mut peer) = streaming(&line, &of_agent).await;
    let (mut of_person, mut person) = streaming(&line, &line.connection).await;
    let what = Frozen::Agent(agent.id());
    line.registry.freezes().freeze(what.clone()).await.unwrap();
    is_frozen(answer.chunk().await, &what);
    assert_eq!(peer.until_closed().await, 0);
    person.piece("more").await;
    assert_eq!(of_person.chunk().await.unwrap().as_deref(), Some(&b"more"[..]));
}

#[tokio::test]
async fn if_the_store_cannot_be_read_streams_of_grantees_end_and_those_of_a_person_go_on() {
    let line = Line::new().await;
    let agent = line.registry.agents().create("deploy").await.unwrap();
    let of_agent = line.connection.for_agent(agent.id());
    let (mut answer, mut peer) = streaming(&line, &of_agent).await;
    let (mut of_person, mut person) = streaming(&line, &line.connection).await;
    sql::script(&line.world.database(), "ALTER TABLE connection_freeze RENAME TO hidden").await;
    let error = passing(&line.world, answer.chunk()).await.unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error:?}");
    assert_eq!(peer.until_closed().await, 0);
    person.piece("more").await;
    assert_eq!(of_person.chunk().await.unwrap().as_deref(), Some(&b"more"[..]));
    sql::script(&line.world.database(), "ALTER TABLE hidden RENAME TO connection_freeze").await;
}

/// On the clock of the system, as a host has it, where nothing but the watcher of the process tells of the commit.
#[tokio::test]
async fn a_freeze_in_another_process_cuts_a_stream_on_the_clock_of_the_system() {
    let line = Line::new().await;
    let builder = line.world.builder().clock(Arc::new(SystemClock::new())).http(mapped(&line.server));
    let registry = builder.kind(line.plugin.clone()).open().await.unwrap();
    let connection = registry.connection(line.connection.id()).await.unwrap();
    for what in [Frozen::Connection(connection.id()), Frozen::All] {
        let (mut answer, mut peer) = streaming(&line, &connection).await;
        line.registry.freezes().freeze(what.clone()).await.unwrap();
        is_frozen(answer.chunk().await, &what);
        assert_eq!(peer.until_closed().await, 0);
        line.registry.freezes().thaw(what).await.unwrap();
    }
    registry.close().await;
}
