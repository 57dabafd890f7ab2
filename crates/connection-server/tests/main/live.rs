//! Hints about what changed, as server-sent events.

use std::time::Duration;

use connection_contract::Secret;
use connection_core::{AccessTokenId, ConnectionRegistry, IssuedToken, NewAccessToken, Role, SetupSession};
use connection_inbound::{PublicUrl, Server};
use connection_manifest::ExtensionFile;
use connection_server::{ApiOptions, api_router};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines},
    net::TcpStream,
    runtime::Handle,
};

use crate::{
    extensions::manifest,
    http::Request,
    kinds::ACME,
    test_host::{KEY, World},
    usage,
};

pub(crate) type Stream = Lines<BufReader<TcpStream>>;

pub(crate) async fn listening(world: &World, token: &str) -> Stream {
    let stream = world.request("GET", "/live").bearer(token).open(world.port).await;
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "HTTP/1.1 200 OK");
    until(&mut lines, ": listening").await;
    lines
}

/// Reads until a line is this one, and returns the lines before it.
pub(crate) async fn until(lines: &mut Stream, wanted: &str) -> Vec<String> {
    let mut before = Vec::new();
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if line == wanted {
            return before;
        }
        before.push(line);
    }
}

#[tokio::test]
async fn a_listener_is_told_of_changes_of_its_owner_and_of_no_other() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let mut hints = listening(&world, &ada).await;
    let foreign = world.connected(&bob, "hubot").await;
    let own = world.connected(&ada, "octocat").await;
    let before = until(&mut hints, &format!("data: {{\"id\":\"{own}\"}}")).await;
    assert_eq!(before.last().unwrap(), "event: connection");
    assert!(!before.iter().any(|line| line.contains(&foreign)), "{before:?}");
}

#[tokio::test]
async fn listeners_that_come_and_go_are_all_told() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let mut first = listening(&world, &token).await;
    let mut second = listening(&world, &token).await;
    let all_hear = async |listeners: &mut [&mut Stream], name| {
        let id = world.connected(&token, name).await;
        for hints in listeners {
            until(hints, &format!("data: {{\"id\":\"{id}\"}}")).await;
        }
    };
    all_hear(&mut [&mut first, &mut second], "one").await;
    drop(first);
    all_hear(&mut [&mut second], "two").await;
    let mut third = listening(&world, &token).await;
    all_hear(&mut [&mut second, &mut third], "three").await;
    drop((second, third));
    // Nobody has listened for a while.
    let mut fourth = listening(&world, &token).await;
    all_hear(&mut [&mut fourth], "four").await;
}

#[tokio::test]
async fn a_quiet_stream_is_kept_open() {
    let world = World::new().await;
    let token = world.token(Role::Read, None).await;
    let mut hints = listening(&world, &token).await;
    let keep_alive = until(&mut hints, ": keep-alive");
    let passes = async {
        loop {
            world.clock.advance(Duration::from_secs(1));
            world.registry.store().health().await;
        }
    };
    tokio::select! {
        _ = keep_alive => {}
        () = passes => {}
    }
}

#[tokio::test]
async fn the_streams_end_when_the_server_stops() {
    let world = World::new().await;
    let token = world.token(Role::Read, None).await;
    let mut hints = listening(&world, &token).await;
    world.live.end();
    // The last chunk has no bytes: the stream is whole.
    until(&mut hints, "0").await;
    let mut late = world.request("GET", "/live").bearer(&token).open(world.port).await;
    let mut text = String::new();
    late.read_to_string(&mut text).await.unwrap();
    assert!(text.ends_with("0\r\n\r\n"), "{text}");
}

/// Reads hints until one has this name, lets time pass meanwhile, and returns the id of what changed.
pub(crate) async fn next(world: &World, hints: &mut Stream, name: &str) -> String {
    let event = format!("event: {name}");
    world.outlasted(until(hints, &event)).await;
    let data = hints.next_line().await.unwrap().unwrap();
    data.strip_prefix("data: {\"id\":\"").unwrap().strip_suffix("\"}").unwrap().to_owned()
}

/// Begins a setup, and waits until it asks for answers.
async fn begun(registry: &ConnectionRegistry, owner: &str) -> (SetupSession, u64) {
    let session = registry.owner(owner).unwrap().setups().begin(&ACME).again().await.unwrap();
    let (step, _) = session.next_step().await.unwrap().unwrap();
    (session, step)
}

#[tokio::test]
async fn a_listener_is_told_of_the_setups_of_its_owner_that_any_process_changes() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let other = world.beside().await;
    let mut hints = listening(&world, &ada).await;
    for registry in [&other, &world.registry] {
        let (foreign, _) = begun(registry, "bob").await;
        let (session, step) = begun(registry, "ada").await;
        let path = format!("/setups/{}", session.id());
        // While the other process works, the answer waits.
        let read = async |path: &str| world.outlasted(world.get(&ada, path)).await.ok(200);
        let mut shown = read(&path).await;
        let answers = [("name", "octocat"), ("apiKey", KEY)];
        let answers = answers.map(|(name, value)| (name.to_owned(), Secret::from(value)));
        // A person answers at another place. The listener reads only after hints.
        session.advance(step, &answers).await.unwrap();
        while shown["type"] != "done" {
            assert_ne!(next(&world, &mut hints, "setup").await, foreign.id().to_string());
            shown = read(&path).await;
        }
        let (session, _) = begun(registry, "ada").await;
        while next(&world, &mut hints, "setup").await != session.id().to_string() {}
        session.cancel().await.unwrap();
        let path = format!("/setups/{}", session.id());
        while read(&path).await["type"] != "cancelled" {
            next(&world, &mut hints, "setup").await;
        }
        foreign.cancel().await.unwrap();
    }
    other.close().await;
}

#[tokio::test]
async fn a_listener_is_told_of_the_preferences_that_any_process_changes() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let other = world.beside().await;
    let mut hints = listening(&world, &ada).await;
    world.post(&bob, "/extensions", json!({ "manifest": manifest("foreign") })).await.ok(201);
    world.post(&ada, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    assert_eq!(next(&world, &mut hints, "extension").await, "issues");
    for (registry, order) in [(&other, "old"), (&world.registry, "new")] {
        let file = ExtensionFile::parse(manifest("issues").to_string().as_bytes()).unwrap();
        let handle = registry.owner("ada").unwrap().extensions().handle(file.into_declaration()).unwrap();
        handle.set_preferences(None).set("order", order).await.unwrap();
        assert_eq!(next(&world, &mut hints, "extension").await, "issues");
        let read = world.get(&ada, "/extensions/issues/preferences").await.ok(200);
        assert_eq!(read["values"]["order"], order);
    }
    other.owner("ada").unwrap().extensions().remove("issues").await.unwrap();
    assert_eq!(next(&world, &mut hints, "extension").await, "issues");
    other.close().await;
}

#[tokio::test]
async fn a_listener_is_told_of_the_usage_that_any_process_fetches() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let (own, foreign) = (usage::connected(&world, &ada).await, usage::connected(&world, &bob).await);
    let other = world.beside().await;
    let mut hints = listening(&world, &ada).await;
    for (owner, id) in [("bob", &foreign), ("ada", &own)] {
        let connection = other.owner(owner).unwrap().connection(id.parse().unwrap()).await.unwrap();
        connection.fetch_usage().await.unwrap().result.unwrap();
    }
    assert_eq!(next(&world, &mut hints, "usage").await, own);
    let history = world.get(&ada, &format!("/connections/{own}/usage?days=1")).await.ok(200);
    assert_eq!(history["series"][0]["points"].as_array().unwrap().len(), 1, "{history}");
    other.close().await;
}

#[tokio::test]
async fn a_listener_is_told_of_the_grants_and_connections_that_any_process_changes() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let (own, foreign) = (world.connected(&ada, "octocat").await, world.connected(&bob, "hubot").await);
    let other = world.beside().await;
    for registry in [&other, &world.registry] {
        let mut hints = listening(&world, &ada).await;
        for (owner, id) in [("bob", &foreign), ("ada", &own)] {
            let registry = registry.owner(owner).unwrap();
            let connection = registry.connection(id.parse().unwrap()).await.unwrap();
            connection.rename(format!("{owner}'s own")).await.unwrap();
            connection.rename(owner.to_owned()).await.unwrap();
        }
        assert_eq!(next(&world, &mut hints, "connection").await, own);
        for (owner, id) in [("bob", &foreign), ("ada", &own)] {
            let registry = registry.owner(owner).unwrap();
            registry.extensions().grant("issues", id.parse().unwrap(), &[]).await.unwrap();
        }
        assert_eq!(next(&world, &mut hints, "grant").await, own);
        let shown = world.get(&ada, &format!("/connections/{own}")).await.ok(200);
        assert_eq!(shown["usedBy"], json!(["issues"]));
        for (owner, id) in [("bob", &foreign), ("ada", &own)] {
            let registry = registry.owner(owner).unwrap();
            assert!(registry.extensions().revoke("issues", id.parse().unwrap()).await.unwrap());
        }
        assert_eq!(next(&world, &mut hints, "grant").await, own);
    }
    other.close().await;
}

/// Makes a token for an owner that ends after an hour.
async fn issued(world: &World, owner: &str) -> IssuedToken {
    let new = NewAccessToken::new("a test", Role::Read).owner(owner).lifetime(Duration::from_hours(1));
    world.registry.access_tokens().create(new).await.unwrap()
}

async fn revoked(registry: &ConnectionRegistry, id: AccessTokenId) {
    assert!(registry.access_tokens().revoke(id).await.unwrap());
}

#[tokio::test]
async fn a_quiet_stream_ends_when_any_process_revokes_its_token_and_when_the_token_expires() {
    let world = World::new().await;
    let other = world.beside().await;
    for registry in [&world.registry, &other] {
        let token = issued(&world, "ada").await;
        let mut hints = listening(&world, token.text.expose_secret()).await;
        let mut stays = listening(&world, issued(&world, "ada").await.text.expose_secret()).await;
        revoked(registry, token.token.id).await;
        let before = world.outlasted(until(&mut hints, "0")).await;
        assert!(!before.iter().any(|line| line == ": keep-alive"), "{before:?}");
        world.outlasted(until(&mut stays, ": keep-alive")).await;
        world.clock.advance(Duration::from_hours(1));
        let before = world.outlasted(until(&mut stays, "0")).await;
        assert!(!before.iter().any(|line| line == ": keep-alive"), "{before:?}");
    }
    other.close().await;
}

#[tokio::test]
async fn no_hint_is_sent_with_a_token_that_was_revoked_some_seconds_before() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let token = issued(&world, "ada").await;
    let mut hints = listening(&world, token.text.expose_secret()).await;
    let mut stays = listening(&world, &ada).await;
    revoked(&world.registry, token.token.id).await;
    world.clock.advance(Duration::from_secs(5));
    let id = world.connected(&ada, "octocat").await;
    let before = until(&mut hints, "0").await;
    assert!(!before.iter().any(|line| line.starts_with("event:")), "{before:?}");
    until(&mut stays, &format!("data: {{\"id\":\"{id}\"}}")).await;
}

#[tokio::test]
async fn a_token_has_a_bounded_number_of_streams() {
    const MAX_STREAMS: usize = 32;
    let world = World::new().await;
    let ada = world.token(Role::Read, Some("ada")).await;
    let mut streams = Vec::new();
    for _ in 0..MAX_STREAMS {
        streams.push(listening(&world, &ada).await);
    }
    let refused = world.get(&ada, "/live").await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".into()));
    assert_eq!(refused.header("retry-after"), "15");
    // Another token of the same owner is not concerned.
    let other = world.token(Role::Read, Some("ada")).await;
    drop(listening(&world, &other).await);
    streams.pop();
    // The server notices a little later that the client is gone.
    loop {
        let stream = world.request("GET", "/live").bearer(&ada).open(world.port).await;
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next_line().await.unwrap().unwrap();
        if status == "HTTP/1.1 200 OK" {
            break;
        }
        assert_eq!(status, "HTTP/1.1 429 Too Many Requests");
        world.registry.store().health().await;
    }
}

/// The server that a host without its own HTTP server uses has a bounded number of streams for all tokens.
#[tokio::test]
async fn a_stream_beyond_those_of_the_process_is_refused_with_a_problem() {
    let world = World::new().await;
    let ada = world.token(Role::Read, Some("ada")).await;
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap().event_streams(1);
    let host = format!("127.0.0.1:{}", server.address().port());
    let port = server.address().port();
    let url: PublicUrl = format!("http://{host}").parse().unwrap();
    let options = ApiOptions::new(format!("http://{host}").parse().unwrap());
    let routes = api_router(world.registry.clone(), options);
    let serving = Handle::current().spawn(async move { server.serve(routes, &url, std::future::pending()).await });
    let request = || Request::new("GET", "/api/v1/live").with("host", &host).bearer(&ada);

    let mut lines = BufReader::new(request().open(port).await).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "HTTP/1.1 200 OK");
    let refused = request().send(port).await;
    assert_eq!(refused.refusal(), (503, "too_many_streams".into()));
    assert_eq!(refused.header("content-type"), "application/problem+json");
    // Other requests are answered.
    let me = Request::new("GET", "/api/v1/me").with("host", &host).bearer(&ada).send(port).await;
    assert_eq!(me.status, 200);
    serving.abort();
}
