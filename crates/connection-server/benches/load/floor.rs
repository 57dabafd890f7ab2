//! The floor: axum handlers that run the same queries by the driver alone and write the same JSON, and that pass a text
//! on to their listeners.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, header},
    routing::get,
};
use connection_contract::BoxFuture;
use connection_faults::plain_store::PlainStore;
use futures_core::Stream;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    runtime::Handle,
    sync::broadcast::{Receiver, Sender, error::RecvError},
};

use crate::{client::Client, host::Host};

#[derive(Clone)]
struct Floor {
    store: PlainStore,
    label: String,
    /// The answers of the API, which are written again for each request.
    one: Value,
    page: Value,
    texts: Sender<Bytes>,
}

/// Starts the floor of a host, and returns its port.
pub(crate) async fn start(host: &Host, label: &str) -> u16 {
    let answered = async |path: &str| {
        let body = Client::connect(host.port, path, &host.token).await.get().await;
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let floor = Floor {
        store: host.plain_store().await,
        label: label.to_owned(),
        one: answered(&host.path_of(label).await).await,
        page: answered("/api/v1/connections?limit=50").await,
        texts: Sender::new(16),
    };
    let routes: Router = Router::new()
        .route("/one", get(one))
        .route("/page", get(page))
        .route("/live", get(live))
        .route("/say", get(say))
        .with_state(floor);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    Handle::current().spawn(async move { axum::serve(listener, routes.into_make_service()).await });
    port
}

/// An answer in JSON.
type Json = ([(HeaderName, &'static str); 1], Vec<u8>);

fn json(value: &Value) -> Json {
    ([(header::CONTENT_TYPE, "application/json")], serde_json::to_vec(value).unwrap())
}

async fn one(State(floor): State<Floor>) -> Json {
    assert!(floor.store.one(&floor.label).await > 0);
    json(&floor.one)
}

async fn page(State(floor): State<Floor>) -> Json {
    assert!(floor.store.page().await > 0);
    json(&floor.page)
}

async fn live(State(floor): State<Floor>) -> Body {
    Body::from_stream(Texts::of(floor.texts.subscribe()))
}

async fn say(State(floor): State<Floor>) -> &'static str {
    floor.texts.send(Bytes::from_static(b"event: connection\ndata: {}\n\n")).unwrap();
    "said"
}

/// The texts for one listener, after a first one by which it knows that it listens.
struct Texts {
    first: Option<Bytes>,
    next: BoxFuture<'static, (Result<Bytes, RecvError>, Receiver<Bytes>)>,
}

impl Texts {
    fn of(receiver: Receiver<Bytes>) -> Self {
        Self { first: Some(Bytes::from_static(b": listening\n\n")), next: next(receiver) }
    }
}

fn next(mut receiver: Receiver<Bytes>) -> BoxFuture<'static, (Result<Bytes, RecvError>, Receiver<Bytes>)> {
    Box::pin(async move { (receiver.recv().await, receiver) })
}

impl Stream for Texts {
    type Item = Result<Bytes, RecvError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        self.next.as_mut().poll(cx).map(|(text, receiver)| {
            self.next = next(receiver);
            Some(text)
        })
    }
}
