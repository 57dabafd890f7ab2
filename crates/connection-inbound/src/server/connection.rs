//! One connection: whoever knocks, slowly, often or at length, gets so much time and room and no more.

use std::{io, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, watch},
};

/// How much a server takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At once.
    pub(crate) connections: usize,
    /// Of a request, in bytes.
    pub(crate) head: usize,
    pub(crate) headers: usize,
}

/// For the whole head of a request.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// For one request with its answer, of which the page behind a callback waits longest.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);
/// Before a system that has no more sockets is asked for another one.
const RESPITE: Duration = Duration::from_millis(100);

/// Who came, if somebody did.
pub(crate) async fn accepted<T>(accepted: io::Result<(TcpStream, T)>) -> Option<TcpStream> {
    match accepted {
        Ok((stream, _)) => Some(stream),
        Err(error) => {
            tracing::debug!(%error, "a connection could not be taken");
            tokio::time::sleep(RESPITE).await;
            None
        }
    }
}

/// One request, then the end: nothing is kept for a second one. When `ending` says so, whoever has asked gets an answer,
/// and nobody else.
pub(crate) async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    routes: Router,
    _permit: OwnedSemaphorePermit,
    limits: Limits,
    mut ending: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).keep_alive(false);
    http.max_buf_size(limits.head).max_headers(limits.headers);
    let mut served = std::pin::pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)));
    let answered = async {
        tokio::select! {
            biased;
            // Whoever hangs up, or is hung up on, is no error.
            _ = &mut served => return,
            // One whose server is gone ends as well.
            _ = ending.wait_for(|ending| *ending) => {}
        }
        served.as_mut().graceful_shutdown();
        drop(served.await);
    };
    drop(tokio::time::timeout(LONGEST, answered).await);
}
