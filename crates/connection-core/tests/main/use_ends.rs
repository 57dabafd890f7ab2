//! What the record says about the end of a use.

use std::time::Duration;

use connection_contract::Timestamp;
use connection_core::{Frozen, UseFilter, UseOutcome};

use crate::{
    extension_kit::handle,
    sql,
    test_host::{World, connected},
    test_server::Reply,
    use_open_kit::Line,
    uses_kit::{Agents, all, line, lines},
};

#[tokio::test]
async fn a_request_without_a_whole_answer_has_an_end_that_says_so() {
    let line_of = Line::new().await;
    let (registry, connection) = (&line_of.registry, &line_of.connection);
    // The provider closes the connection without an answer.
    let provider = async { drop(line_of.accept().await) };
    let (answer, ()) = tokio::join!(line_of.get(), provider);
    assert_eq!(answer.unwrap_err().code(), "provider_error");
    // The provider breaks off.
    let provider = async {
        let (mut peer, _) = line_of.accept().await;
        peer.begin(200, "").await;
        peer.piece("abc").await;
    };
    let (answer, ()) = tokio::join!(line_of.get(), provider);
    answer.unwrap().bytes(100).await.unwrap_err();
    // The program does not read the whole answer.
    let provider = async {
        let (mut peer, _) = line_of.accept().await;
        peer.begin(200, "").await;
        peer
    };
    let (answer, _peer) = tokio::join!(line_of.get(), provider);
    drop(answer.unwrap());
    // The program reads as much as was announced, and does not ask for the end.
    let provider = async { line_of.accept().await.0.answer(200, "abc").await };
    let (answer, ()) = tokio::join!(line_of.get(), provider);
    let mut answer = answer.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), b"abc");
    drop(answer);
    // The program leaves before there is an answer.
    let mut leaving = Box::pin(line_of.get());
    tokio::select! {
        biased;
        _ = &mut leaving => panic!("there is no answer"),
        _ = line_of.accept() => {}
    }
    drop(leaving);
    // A freeze cuts the request before it has an answer.
    let provider = async {
        let (peer, _) = line_of.accept().await;
        registry.freezes().freeze(Frozen::All).await.unwrap();
        peer
    };
    let (answer, _peer) = tokio::join!(line_of.get(), provider);
    assert_eq!(answer.unwrap_err().code(), "frozen");
    registry.freezes().thaw(Frozen::All).await.unwrap();
    // The answer is cut.
    let provider = async {
        let (mut peer, _) = line_of.accept().await;
        peer.begin(200, "").await;
        peer
    };
    let (answer, _peer) = tokio::join!(line_of.get(), provider);
    let mut answer = answer.unwrap();
    registry.freezes().freeze(Frozen::All).await.unwrap();
    answer.chunk().await.unwrap_err();
    drop(answer);
    // Nothing was sent.
    let request = connection.request("GET", "/things").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap_err().code(), "frozen");
    let uses = all(registry).await;
    let ends: Vec<_> = uses.iter().filter_map(|of| of.end.as_ref()).collect();
    let said: Vec<_> =
        ends.iter().map(|end| (end.outcome.as_str(), end.code.as_deref(), end.is_complete, end.received)).collect();
    let expected = [
        ("failed", Some("provider_error"), None, 0),
        ("broken", Some("provider_error"), Some(false), 3),
        ("answered", None, Some(false), 0),
        ("answered", None, Some(true), 3),
        ("cancelled", None, None, 0),
        ("cut", Some("frozen"), None, 0),
        ("cut", Some("frozen"), Some(false), 0),
        ("frozen", Some("frozen"), None, 0),
    ];
    assert_eq!((said, uses.len()), (expected.to_vec(), 8));
}

#[tokio::test]
async fn entries_that_could_not_be_written_are_written_later() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    sql::refuse(&world.database(), "INSERT ON connection_use").await;
    connection.send(connection.request("GET", "/a").await.unwrap()).await.unwrap();
    assert!(registry.uses().list(UseFilter::new(), None, 10).await.is_err());
    sql::refuse_no_more(&world.database()).await;
    assert_eq!(lines(&registry).await, ["host library GET /a: answered 200"]);
    connection.send(connection.request("GET", "/b").await.unwrap()).await.unwrap();
    registry.close().await;
    let again = world.acme().await;
    assert_eq!(lines(&again).await.len(), 2, "what was not written yet was written before the store was closed");
}

#[tokio::test]
async fn a_process_that_was_killed_leaves_an_unknown_outcome() {
    let agents = Agents::new(100).await;
    assert_eq!(agents.ask("GET", "/issues/7").await.unwrap(), 200);
    assert_eq!(all(&agents.registry).await.len(), 1);
    // The end is not written, as if the process had been killed.
    sql::run(&agents.world.database(), "DELETE FROM connection_use WHERE part = 'ended'").await;
    assert_eq!(lines(&agents.registry).await, ["deploy reverse GET /issues/7: unknown"]);
    let unknown = UseFilter::new().outcome(None);
    assert_eq!(agents.registry.uses().list(unknown, None, 10).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_request_of_an_extension_that_is_frozen_is_recorded_as_not_sent() {
    let agents = Agents::new(100).await;
    let issues = handle(&agents.registry, "issues");
    agents.registry.extensions().grant("issues", agents.connection.id(), &[]).await.unwrap();
    let mut request = issues.request("GET", "/me").await.unwrap();
    request.body = connection_contract::Secret::from("body".to_owned());
    agents.registry.freezes().freeze(Frozen::Connection(agents.connection.id())).await.unwrap();
    assert_eq!(issues.send(request).await.unwrap_err().code(), "frozen");
    let [of] = &all(&agents.registry).await[..] else { panic!() };
    assert_eq!(line(of), "extension:issues library GET /me: frozen");
    assert_eq!(of.end.as_ref().map(|end| (end.sent, end.code.as_deref())), Some((0, Some("frozen"))));
}

#[tokio::test]
async fn a_use_whose_beginning_was_erased_is_not_said_to_be_edited() {
    let line_of = Line::new().await;
    let provider = async {
        let peer = line_of.accept().await;
        line_of.world.clock.advance(Duration::from_secs(60));
        drop(peer);
    };
    let (answer, ()) = tokio::join!(line_of.get(), provider);
    answer.unwrap_err();
    let found = async || {
        let failed = UseFilter::new().outcome(Some(UseOutcome::Failed));
        line_of.registry.uses().list(failed, None, 10).await.unwrap().items.len()
    };
    assert_eq!(found().await, 1);
    let before = Timestamp::from_seconds(line_of.world.now() - 30);
    assert_eq!(line_of.registry.uses().erase(before).await.unwrap(), 1, "the end is younger");
    assert_eq!(found().await, 0);
}

#[tokio::test]
async fn an_answer_that_repeats_the_secret_is_recorded_as_such() {
    let agents = Agents::new(100).await;
    agents.world.provider(|request| {
        let headers = if request.contains("/8 ") { "x-echo: key-of-the-account\r\n" } else { "" };
        Reply::whole(200, headers, if request.contains("/9 ") { "your key is key-of-the-account" } else { "fine" })
    });
    for number in [7, 8, 9] {
        assert_eq!(agents.ask("GET", &format!("/issues/{number}")).await.unwrap(), 200);
    }
    let uses = all(&agents.registry).await;
    let said: Vec<_> = uses.iter().filter_map(|of| of.end.as_ref()).map(|end| end.is_redacted).collect();
    assert_eq!(said, [false, true, true]);
}

/// A reader has what waits to be written before it reads. If it leaves meanwhile, the entries are still written.
#[tokio::test]
async fn a_reader_that_leaves_loses_no_entry_that_could_not_be_written() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for _ in 0..20 {
        connection.send(connection.request("GET", "/me").await.unwrap()).await.unwrap();
        let reader = registry.uses();
        let mut reading = Box::pin(reader.list(UseFilter::new(), None, 10));
        std::future::poll_fn(|cx| {
            drop(reading.as_mut().poll(cx));
            std::task::Poll::Ready(())
        })
        .await;
    }
    assert_eq!(all(&registry).await.len(), 20);
}
