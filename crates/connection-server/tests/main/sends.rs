//! Requests to a provider that is slow: they end, and delay nobody else.

use std::{
    convert::Infallible,
    future::pending,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use connection_contract::prelude::*;
use connection_core::{Clock as _, HttpPolicy, Role};
use connection_faults::scripted::{Scripted, identity, live};
use futures_core::Stream;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    runtime::Handle,
    sync::mpsc::{Receiver, Sender, channel},
};

use crate::test_host::{KEY, World};

pub(crate) const API: &str = "https://api.slow.example";
/// The maximum number of requests of an owner to a provider at once.
const MAX_OF_OWNER_TO_PROVIDER: usize = 128;

/// A kind whose connections send requests to the slow provider.
pub(crate) fn slow() -> Scripted {
    let descriptor = Descriptor::new(Kind::from_static("slow"), "Slow", AuthType::ApiKey)
        .origin(API)
        .field(Field::secret("apiKey", "API key"));
    let kind = Scripted::new(descriptor).bearer();
    kind.setup(|_, ctx| {
        Box::pin(async move {
            let key = ctx.prompt(Prompt::new("Connect Slow").field("apiKey")).await.secret("apiKey")?;
            Ok(live(key, identity("ada")))
        })
    })
}

/// A body whose pieces the test sends.
struct Pieces(Receiver<&'static str>);

impl Stream for Pieces {
    type Item = Result<&'static str, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|piece| piece.map(Ok))
    }
}

/// A provider that answers a path at once, another one never, and a third one with the pieces of the test.
struct Provider {
    origin: String,
    /// The number of requests that are never answered.
    held: Arc<AtomicUsize>,
    pieces: Sender<&'static str>,
}

impl Provider {
    async fn new() -> Self {
        let held = Arc::new(AtomicUsize::new(0));
        let entered = held.clone();
        let holds = move || async move {
            entered.fetch_add(1, Ordering::SeqCst);
            pending::<&str>().await
        };
        let (pieces, receiver) = channel(1);
        let receiver = Arc::new(Mutex::new(Some(receiver)));
        let slow = move || async move { receiver.lock().unwrap().take().map(Pieces).map(Body::from_stream).unwrap() };
        let routes = Router::new()
            .route("/quick", get(async || "here"))
            .route("/holds", get(holds))
            .route("/slow", get(slow));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        drop(Handle::current().spawn(async move { axum::serve(listener, routes).await }));
        Self { origin, held, pieces }
    }

    async fn world(&self) -> World {
        let policy = HttpPolicy::new().endpoint(API, &self.origin).unwrap();
        World::with(|registry| registry.http(policy).kind(slow())).await
    }
}

/// A kind whose verifications never end, and their number.
fn hanging() -> (Scripted, Arc<AtomicUsize>) {
    let descriptor = Descriptor::new(Kind::from_static("hanging"), "Hanging", AuthType::ApiKey)
        .origin(API)
        .field(Field::secret("apiKey", "API key"));
    let begun = Arc::new(AtomicUsize::new(0));
    let entered = begun.clone();
    let kind = Scripted::new(descriptor).verify(move |_, _, _| {
        entered.fetch_add(1, Ordering::SeqCst);
        Box::pin(pending())
    });
    (kind, begun)
}

fn to(path: &str) -> Value {
    json!({ "method": "GET", "path": path })
}

#[tokio::test]
async fn an_answer_that_arrives_byte_by_byte_is_refused_after_the_deadline() {
    let provider = Provider::new().await;
    let world = provider.world().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected_by_key(&token, "slow").await;
    let path = format!("/connections/{id}/send");
    let clock = world.clock.clone();
    let pieces = provider.pieces.clone();
    let feeding = Handle::current().spawn(async move {
        while pieces.send(".").await.is_ok() {
            clock.sleep(Duration::from_secs(1)).await;
        }
    });
    let began = world.clock.now();
    let answer = world.outlasted(world.post(&token, &path, to("/slow"))).await;
    feeding.abort();
    assert_eq!(answer.refusal(), (502, "timeout".into()));
    let took = world.clock.now().seconds() - began.seconds();
    // The clock may run on for a while before the answer is seen.
    assert!((40..300).contains(&took), "{took}");
    // The control: an answer that arrives at once.
    assert_eq!(world.post(&token, &path, to("/quick")).await.ok(200)["body"], "here");
}

#[tokio::test]
async fn a_provider_that_hangs_delays_neither_its_owner_nor_other_owners() {
    let provider = Provider::new().await;
    let world = provider.world().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let hers = format!("/connections/{}/send", world.connected_by_key(&ada, "slow").await);
    let his = format!("/connections/{}/send", world.connected_by_key(&bob, "slow").await);
    let request = world.request("POST", &hers).bearer(&ada).json(&to("/holds"));
    let mut waiting = Vec::new();
    for _ in 0..MAX_OF_OWNER_TO_PROVIDER {
        waiting.push(request.open(world.port).await);
    }
    while provider.held.load(Ordering::SeqCst) < MAX_OF_OWNER_TO_PROVIDER {
        tokio::task::yield_now().await;
    }
    let refused = world.send(&request).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".into()));
    assert_eq!(refused.header("retry-after"), "1");
    world.get(&ada, "/connections").await.ok(200);
    assert_eq!(world.post(&bob, &his, to("/quick")).await.ok(200)["body"], "here");
    // A client that leaves gives its place back.
    drop(waiting);
    let mut again = world.post(&ada, &hers, to("/quick")).await;
    while again.status == 429 {
        again = world.post(&ada, &hers, to("/quick")).await;
    }
    again.ok(200);
}

#[tokio::test]
async fn verifications_that_hang_delay_no_other_request() {
    let (kind, begun) = hanging();
    let world = World::with(|registry| registry.kind(kind)).await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let rows: Vec<_> = (0..=MAX_OF_OWNER_TO_PROVIDER)
        .map(|number| json!({ "kind": "hanging", "identity": { "id": number.to_string() }, "credential": KEY }))
        .collect();
    let imported = world.post(&ada, "/imports", json!({ "rows": rows })).await.ok(200);
    let ids: Vec<_> = imported["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    let verify = |id: &str| world.request("POST", &format!("/connections/{id}/verify")).bearer(&ada).json(&json!({}));
    let (last, first) = ids.split_last().unwrap();
    let mut waiting = Vec::new();
    for id in first {
        waiting.push(verify(id).open(world.port).await);
    }
    while begun.load(Ordering::SeqCst) < MAX_OF_OWNER_TO_PROVIDER {
        tokio::task::yield_now().await;
    }
    // All three kinds of requests that wait for the provider of a kind are counted together.
    let refused = world.send(&verify(last)).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".into()));
    let path = format!("/connections/{last}");
    assert_eq!(world.delete(&ada, &path).await.refusal(), (429, "too_many_requests".into()));
    let refused = world.post(&ada, &format!("{path}/refresh"), json!({})).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".into()));
    world.get(&ada, "/connections").await.ok(200);
    world.check_answers();
}
