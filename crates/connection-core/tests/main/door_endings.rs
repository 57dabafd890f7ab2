//! Requests of agents that are in progress when their grant or their token ends: nothing more passes.

use std::time::Duration;

use connection_core::{AgentCaller, Audience, ConnectionRegistry, NewAgentToken, RequestBody, Response};
use connection_faults::peer::Peer;
use connection_rules::{RequestParts, Rules};
use serde_json::json;

use crate::{
    door::{line, open, rules},
    freeze_streams::passing,
    renewing::process,
    test_host::on_postgres,
    use_open_kit::{Line, channel},
};

/// Begins an answer to the agent, of which one piece has arrived.
async fn streaming(line: &Line, caller: &AgentCaller) -> (Response, Peer) {
    let begins = async {
        let (mut peer, _) = line.accept().await;
        peer.begin(200, "").await;
        peer.piece("some").await;
        peer
    };
    let get = RequestParts::new("GET", "/issues/7");
    let (answer, peer) = tokio::join!(open(line, caller, get, RequestBody::empty()), begins);
    let mut answer = answer.unwrap();
    assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"some"[..]));
    (answer, peer)
}

/// Waits until the stream is cut, and returns the code.
async fn cut(line: &Line, stream: (Response, Peer)) -> &'static str {
    let (mut answer, mut peer) = stream;
    let error = passing(&line.world, answer.chunk()).await.unwrap_err();
    assert_eq!(peer.until_closed().await, 0);
    error.code()
}

async fn goes_on(answer: &mut Response, peer: &mut Peer) {
    peer.piece("more").await;
    assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"more"[..]));
}

/// What a process does that ends the streams of the agent.
enum Deed {
    Revokes,
    Replaces,
    RevokesToken,
    Removes,
    RemovesConnection,
}

impl Deed {
    async fn done(&self, registry: &ConnectionRegistry, line: &Line, caller: &AgentCaller) {
        let agent = registry.agents().get("deploy").await.unwrap();
        let id = line.connection.id();
        match self {
            Self::Revokes => assert!(agent.revoke(id).await.unwrap().was_there),
            Self::Replaces => drop(agent.grant(id).rules(narrower()).await.unwrap()),
            Self::RevokesToken => assert!(agent.revoke_token(caller.token().unwrap().id).await.unwrap().was_there),
            Self::Removes => assert!(registry.agents().remove("deploy").await.unwrap().was_there),
            Self::RemovesConnection => drop(registry.remove(id).await.unwrap()),
        }
    }
}

fn narrower() -> Rules {
    let rule = json!({ "name": "one", "methods": ["GET"], "path": "/issues/1", "effect": "allow" });
    Rules::from_value(&json!({ "rule": [rule] })).unwrap()
}

#[tokio::test]
async fn a_stream_ends_when_its_grant_or_its_token_is_taken_back_in_any_process() {
    for (deed, code) in [
        (Deed::Revokes, "grant_ended"),
        (Deed::Replaces, "grant_ended"),
        (Deed::RevokesToken, "token_ended"),
        (Deed::Removes, "token_ended"),
        (Deed::RemovesConnection, "grant_ended"),
    ] {
        for is_other_process in [false, true] {
            let (line, caller) = line().await;
            let other = process(&line.world, &line.plugin, line.world.clock.clone()).await;
            let stream = streaming(&line, &caller).await;
            let registry = if is_other_process { &other } else { &line.registry };
            deed.done(registry, &line, &caller).await;
            assert_eq!(cut(&line, stream).await, code);
            other.close().await;
        }
    }
}

/// The process keeps no rows and is not present, and no time passes in which it could look at the store.
#[tokio::test]
async fn a_stream_of_the_process_that_ends_it_is_cut_when_the_call_returns() {
    for deed in [Deed::Revokes, Deed::Replaces, Deed::RevokesToken, Deed::Removes, Deed::RemovesConnection] {
        let (line, caller) = line().await;
        let (mut answer, mut peer) = streaming(&line, &caller).await;
        peer.piece("more").await;
        deed.done(&line.registry, &line, &caller).await;
        assert!(answer.chunk().await.is_err());
        assert_eq!(peer.until_closed().await, 0);
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_time_of_its_grant_or_its_token() {
    // The clock of the test may go on for a second while a server is read, which stops uses for another reason.
    if on_postgres() {
        return;
    }
    let (line, caller) = line().await;
    let agent = caller.agent();
    agent.grant(line.connection.id()).rules(rules()).expires(Duration::from_secs(3)).await.unwrap();
    let ends = line.world.now() + 3;
    let stream = streaming(&line, &caller).await;
    assert_eq!(cut(&line, stream).await, "grant_ended");
    assert!(line.world.now() >= ends);

    agent.grant(line.connection.id()).rules(rules()).await.unwrap();
    let token = NewAgentToken::new("short", Audience::Doors).lifetime(Duration::from_secs(3));
    let issued = agent.new_token(token).await.unwrap();
    let ends = line.world.now() + 3;
    let short = line.registry.authenticate_agent(&issued.text, Audience::Doors).await.unwrap().unwrap();
    let stream = streaming(&line, &short).await;
    assert_eq!(cut(&line, stream).await, "token_ended");
    assert!(line.world.now() >= ends);
}

#[tokio::test]
async fn a_body_that_is_sent_ends_with_the_grant() {
    let (line, caller) = line().await;
    let (sender, body) = channel(None);
    let provider = async {
        let (mut peer, _) = line.accept().await;
        sender.send(Ok(b"first".to_vec())).unwrap();
        assert_eq!(peer.chunk().await, b"first");
        assert!(caller.agent().revoke(line.connection.id()).await.unwrap().was_there);
        let rest = passing(&line.world, peer.until_closed()).await;
        (peer, rest)
    };
    let put = RequestParts::new("PUT", "/files/a").header("content-type", "application/octet-stream");
    let (answer, (_peer, rest)) = tokio::join!(open(&line, &caller, put, body), provider);
    assert_eq!((answer.unwrap_err().code(), rest), ("grant_ended", 0));
    sender.closed().await;
}

#[tokio::test]
async fn streams_that_depend_on_other_rows_go_on() {
    let (line, caller) = line().await;
    let other = line.registry.agents().create("other").await.unwrap();
    other.grant(line.connection.id()).rules(rules()).await.unwrap();
    let other = crate::door::caller(&line.registry, &other).await;
    let (mut kept, mut kept_peer) = streaming(&line, &other).await;
    let ended = streaming(&line, &caller).await;
    let (mut of_host, mut host_peer) = {
        let begins = async {
            let (mut peer, _) = line.accept().await;
            peer.begin(200, "").await;
            peer
        };
        let (answer, peer) = tokio::join!(line.get(), begins);
        (answer.unwrap(), peer)
    };
    // Another token and another grant of the same agent, and a use of its token.
    let agent = caller.agent();
    let token = agent.new_token(NewAgentToken::new("second", Audience::Doors)).await.unwrap();
    assert!(line.registry.authenticate_agent(&token.text, Audience::Doors).await.unwrap().is_some());
    assert!(agent.revoke(line.connection.id()).await.unwrap().was_there);
    assert_eq!(cut(&line, ended).await, "grant_ended");
    goes_on(&mut kept, &mut kept_peer).await;
    goes_on(&mut of_host, &mut host_peer).await;
}
