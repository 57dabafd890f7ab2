//! A double of the reverse door: it records each request, and gives the answer that a test wants.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use hyper::{
    HeaderMap, Request, Response,
    body::{Body as _, Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use reqwest::Body;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// The function that answers a request.
pub(crate) type Answer = dyn Fn(&Seen) -> Response<Body> + Send + Sync;

struct Shared {
    seen: Mutex<Vec<Seen>>,
    /// The number of bytes of bodies that have arrived.
    arrived: watch::Sender<usize>,
    answer: Box<Answer>,
}

pub(crate) struct Double {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinSet<()>,
}

impl Double {
    /// Starts a double, which ends when it is dropped. With an acceptor, it speaks TLS.
    pub(crate) async fn start(
        answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Mutex::new(Vec::new());
        let shared = Arc::new(Shared { seen, arrived: watch::Sender::new(0), answer: Box::new(answer) });
        let (mut serving, passed) = (JoinSet::new(), Arc::clone(&shared));
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (Arc::clone(&passed), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(shared, stream).await,
                        Some(tls) => {
                            // A client that does not trust the certificate ends the handshake.
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(shared, stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, shared, serving }
    }

    /// Returns the requests that arrived, whose bodies have ended.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Stops listening and ends all connections.
    pub(crate) async fn stop(&mut self) {
        self.serving.shutdown().await;
    }

    /// Waits until this number of bytes of bodies has arrived.
    pub(crate) async fn arrived(&self, bytes: usize) {
        self.shared.arrived.subscribe().wait_for(|arrived| *arrived >= bytes).await.unwrap();
    }
}

async fn serve(shared: Arc<Shared>, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = service_fn(|request| answer(&shared, request));
    // A client that closes the connection is not an error.
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.unwrap_or_default();
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (parts, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Some(data) = frame.unwrap().data_ref() {
            bytes.extend_from_slice(data);
            shared.arrived.send_modify(|arrived| *arrived += data.len());
        }
    }
    let target = parts.uri.to_string();
    let seen = Seen { method: parts.method.to_string(), target, headers: parts.headers, body: bytes };
    let answer = (shared.answer)(&seen);
    shared.seen.lock().unwrap().push(seen);
    Ok(answer)
}

/// A body whose pieces a test sends while the answer is open.
pub(crate) struct Pieces(pub(crate) mpsc::UnboundedReceiver<&'static str>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))
    }
}

/// Returns an answer with this text.
pub(crate) fn text(text: &'static str) -> Response<Body> {
    Response::new(Body::from(text))
}
