//! The proxy: from the lines of a client to requests, and back.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::MAX_MESSAGE;
use super::diagnostic::{Diagnostic, Reporter};
use super::dispatch::Dispatcher;
use super::input::Lines;
use super::link::{Advice, Link, Pauses};
use super::session::Session;
use super::tools::Tools;
use super::upstream::Upstream;

/// The number of lines that wait for the client to read them.
const LINES: usize = 4;

/// The time that requests have to end after the end of the input, unless the caller sets another one.
const GRACE: Duration = Duration::from_millis(500);

/// The pause before the stream of the server is opened again, unless the caller sets others.
const PAUSE: Duration = Duration::from_secs(10);

/// The time that the request has which ends a session, and the time that the client has to read the last lines.
const LAST_MESSAGES: Duration = Duration::from_secs(1);

/// A server for one client over standard input and output, which passes all messages to one remote server.
///
/// ```
/// use std::sync::Arc;
///
/// use connection_mcp::proxy::{BoxFuture, Proxy, Refusal, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest};
///
/// struct Removed;
///
/// impl Upstream for Removed {
///     fn open(&self, _request: UpstreamRequest) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>> {
///         Box::pin(async { Err(Refusal::new("no_such_connection", "no connection named \"notes\"").into()) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let input = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
/// let mut output = Vec::new();
/// Proxy::new(Arc::new(Removed)).run(&input[..], &mut output).await?;
/// assert!(String::from_utf8(output)?.contains("no connection named"));
/// # Ok(())
/// # }
/// ```
#[must_use = "a proxy does nothing until it runs"]
pub struct Proxy {
    upstream: Arc<dyn Upstream>,
    advice: Advice,
    grace: Duration,
    pauses: Pauses,
    reporter: Reporter,
}

impl Proxy {
    /// Returns a proxy for a server, which drops its diagnostics.
    pub fn new(upstream: Arc<dyn Upstream>) -> Self {
        let pauses = Pauses::new(|_| PAUSE);
        Self { upstream, advice: Advice::default(), grace: GRACE, pauses, reporter: Reporter::new(drop) }
    }

    /// Sets what a person can do if the server refuses the credential with the status 401 or 403.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.advice.remedy = Some(remedy.into());
        self
    }

    /// Sets the address that a person can open if the server refuses the credential.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.advice.address = Some(address.into());
        self
    }

    /// Sets the time that requests have to end after the end of the input, instead of half a second.
    ///
    /// Clients close the input to end a server, and most of them end its process after two seconds.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets a function that returns the pause before the stream of the server is opened again, after this many attempts
    /// have failed one after another. Without it, each pause is ten seconds.
    pub fn pauses(mut self, after: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        self.pauses = Pauses::new(after);
        self
    }

    /// Sets a function that receives diagnostics. The function must not block.
    pub fn on_diagnostic(mut self, report: impl Fn(Diagnostic) + Send + Sync + 'static) -> Self {
        self.reporter = Reporter::new(report);
        self
    }

    /// Passes messages until the end of the input, or until the client reads no longer.
    ///
    /// Each line of `input` is one message. The proxy writes nothing to `output` except messages, one in a line.
    ///
    /// After the end of the input, requests have a short [time](Self::grace) to end; then they are cancelled. A session
    /// is ended with the request `DELETE`.
    ///
    /// The function must be called in a runtime of tokio with a timer.
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels all requests. A session is not ended then.
    ///
    /// # Errors
    ///
    /// The error says that the input could not be read, or that the output could not be written. Failures of the remote
    /// server are no errors: they are answers to the client.
    pub async fn run(
        self,
        input: impl AsyncBufRead + Unpin,
        output: impl AsyncWrite + Unpin,
    ) -> Result<(), ProxyError> {
        let (lines, waiting) = mpsc::channel(LINES);
        let link = Link {
            upstream: self.upstream,
            lines,
            reporter: self.reporter,
            session: Session::default(),
            tools: Tools::default(),
            advice: self.advice,
            pauses: self.pauses,
            client: Mutex::default(),
        };
        let mut reading = std::pin::pin!(read(Arc::new(link), input, self.grace));
        let mut writing = std::pin::pin!(write(waiting, output));
        tokio::select! {
            read = &mut reading => {
                // A client that no longer reads must not keep the proxy from its end.
                let written = timeout(LAST_MESSAGES, writing).await.unwrap_or(Ok(()));
                read.and(written)
            }
            written = &mut writing => reading.await.and(written),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("advice", &self.advice).field("grace", &self.grace).finish_non_exhaustive()
    }
}

/// Why a proxy ended before the end of its input.
///
/// ```
/// use std::io;
///
/// use connection_mcp::proxy::ProxyError;
///
/// let error = ProxyError::Output(io::Error::from(io::ErrorKind::BrokenPipe));
/// assert_eq!(error.to_string(), "cannot write to the client");
/// ```
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The input could not be read.
    #[error("cannot read from the client")]
    Input(#[source] io::Error),
    /// The output could not be written.
    #[error("cannot write to the client")]
    Output(#[source] io::Error),
}

/// Reads the messages of the client, and ends what belongs to them after the last one.
async fn read(link: Arc<Link>, input: impl AsyncBufRead + Unpin, grace: Duration) -> Result<(), ProxyError> {
    let mut lines = Lines::new(input, MAX_MESSAGE);
    let mut dispatcher = Dispatcher::new(Arc::clone(&link));
    let ended = loop {
        tokio::select! {
            line = lines.next(), if dispatcher.is_ready() => match line {
                Ok(Some(line)) => dispatcher.take(line),
                Ok(None) => break Ok(()),
                Err(error) => break Err(ProxyError::Input(error)),
            },
            true = dispatcher.reap() => {}
            () = link.lines.closed() => break Ok(()),
        }
    };
    dispatcher.stop_listening();
    let ends = async { while dispatcher.reap().await {} };
    tokio::select! {
        _in_time = timeout(grace, ends) => {}
        () = link.lines.closed() => {}
    }
    dispatcher.shut_down().await;
    let session = link.session.view();
    if session.id.is_some() && timeout(LAST_MESSAGES, link.end_session(&session)).await.is_err() {
        link.reporter.info("the server did not answer the request that ends the session");
    }
    ended
}

/// Writes the lines for the client.
async fn write(mut lines: mpsc::Receiver<String>, mut output: impl AsyncWrite + Unpin) -> Result<(), ProxyError> {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        let written = output.write_all(line.as_bytes()).await;
        let flushed = if lines.is_empty() { output.flush().await } else { Ok(()) };
        written.and(flushed).map_err(ProxyError::Output)?;
    }
    output.flush().await.map_err(ProxyError::Output)
}
