//! A client and a server in memory, with a proxy between them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connection_mcp::proxy::{
    Body, BoxFuture, Diagnostic, Method, Proxy, ProxyError, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// The bytes that fit into a pipe between the client and the proxy.
const PIPE: usize = 64 * 1024;

/// Both sides of a running proxy.
pub(crate) struct Harness {
    pub(crate) client: Client,
    pub(crate) server: Server,
    diagnostics: Arc<Mutex<Vec<Diagnostic>>>,
}

impl Harness {
    pub(crate) fn start() -> Self {
        Self::with(|proxy| proxy)
    }

    /// Starts a proxy with other settings.
    pub(crate) fn with(settings: impl FnOnce(Proxy) -> Proxy) -> Self {
        let (requests, server) = mpsc::unbounded_channel();
        let diagnostics = Arc::new(Mutex::new(Vec::new()));
        let reported = Arc::clone(&diagnostics);
        let proxy = Proxy::new(Arc::new(Fake(requests)))
            .pauses(|failures| Duration::from_secs(60.min(1 << failures.saturating_sub(1))))
            .on_diagnostic(move |diagnostic| reported.lock().unwrap().push(diagnostic));
        let proxy = settings(proxy);
        let (input, read_input) = tokio::io::duplex(PIPE);
        let (write_output, output) = tokio::io::duplex(PIPE);
        let mut proxies = JoinSet::new();
        proxies.spawn(proxy.run(BufReader::new(read_input), write_output));
        let client = Client { input: Some(input), output: BufReader::new(output).lines(), proxies };
        Self { client, server: Server(server), diagnostics }
    }

    /// Starts a proxy, and a session in which the server does not offer a stream of its own.
    pub(crate) async fn in_session(version: &str) -> Self {
        let mut harness = Self::start();
        harness.initialize(version, Some("session-1")).await;
        harness.client.send(INITIALIZED).await;
        harness.server.post("notifications/initialized").await.accept();
        harness.server.get().await.status(405);
        harness
    }

    /// Sends `initialize` and answers it.
    pub(crate) async fn initialize(&mut self, version: &str, session: Option<&str>) {
        self.client.send(INITIALIZE).await;
        let incoming = self.server.post("initialize").await;
        incoming.answer(200, &session_headers(session), &initialized(version));
        assert_eq!(self.client.receive().await["result"]["protocolVersion"], version);
    }

    /// Returns the messages of the diagnostics until now.
    pub(crate) fn diagnostics(&self) -> Vec<String> {
        self.diagnostics.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

pub(crate) const INITIALIZE: &str =
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#;

pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Returns the response to [`INITIALIZE`].
pub(crate) fn initialized(version: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 0, "result": {"protocolVersion": version, "capabilities": {}}}).to_string()
}

pub(crate) fn session_headers(session: Option<&str>) -> Vec<(&str, &str)> {
    session.into_iter().map(|id| ("mcp-session-id", id)).collect()
}

/// Returns a request of revision 2026-07-28.
pub(crate) fn stateless(id: u64, method: &str, params: Value) -> String {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

/// The side of the client.
pub(crate) struct Client {
    input: Option<DuplexStream>,
    output: Lines<BufReader<DuplexStream>>,
    proxies: JoinSet<Result<(), ProxyError>>,
}

impl Client {
    pub(crate) async fn send(&mut self, message: &str) {
        self.send_bytes(format!("{message}\n").as_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    /// Returns the next line of the proxy.
    pub(crate) async fn line(&mut self) -> String {
        self.output.next_line().await.unwrap().expect("the proxy writes a line")
    }

    pub(crate) async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }

    /// Closes the input.
    pub(crate) fn close(&mut self) {
        self.input = None;
    }

    /// Waits until the proxy has ended, and returns the lines that it wrote before.
    pub(crate) async fn end(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.output.next_line().await.unwrap() {
            lines.push(line);
        }
        self.proxies.join_next().await.unwrap().unwrap().unwrap();
        lines
    }

    /// Stops reading, and returns the result of the proxy.
    pub(crate) async fn leave(self) -> Result<(), ProxyError> {
        let Self { input, output, mut proxies } = self;
        drop((input, output));
        proxies.join_next().await.unwrap().unwrap()
    }
}

/// The side of the server.
pub(crate) struct Server(mpsc::UnboundedReceiver<Incoming>);

impl Server {
    /// Returns the next request.
    pub(crate) async fn next(&mut self) -> Incoming {
        self.0.recv().await.expect("the proxy sends a request")
    }

    /// Returns the next request, which must send a message with this method.
    #[track_caller]
    pub(crate) fn post<'a>(&'a mut self, method: &'a str) -> impl Future<Output = Incoming> + 'a {
        let location = std::panic::Location::caller();
        async move {
            let incoming = self.next().await;
            let sent = (incoming.request.method, incoming.message()["method"].clone());
            assert_eq!(sent, (Method::Post, json!(method)), "{location}");
            incoming
        }
    }

    /// Returns the next request, which must open a stream.
    pub(crate) async fn get(&mut self) -> Incoming {
        let incoming = self.next().await;
        assert_eq!(incoming.request.method, Method::Get);
        incoming
    }

    /// Fails if there is another request.
    pub(crate) fn assert_idle(&mut self) {
        assert!(self.0.try_recv().is_err(), "the proxy sent another request");
    }
}

/// A request of the proxy that waits for an answer.
pub(crate) struct Incoming {
    pub(crate) request: UpstreamRequest,
    answer: oneshot::Sender<Result<UpstreamAnswer, UpstreamError>>,
}

impl Incoming {
    pub(crate) fn body(&self) -> &str {
        str::from_utf8(self.request.body.as_ref().unwrap()).unwrap()
    }

    pub(crate) fn message(&self) -> Value {
        self.request.body.as_ref().map_or(Value::Null, |body| serde_json::from_slice(body).unwrap())
    }

    /// Returns the value of a header that appears at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.request.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} appears twice");
        value
    }

    pub(crate) fn answer(self, status: u16, headers: &[(&str, &str)], body: &str) {
        let mut all = vec![("content-type".to_owned(), "application/json".to_owned())];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        // Two chunks: a body may be split anywhere.
        let (first, second) = body.as_bytes().split_at(body.len() / 2);
        let chunks = vec![Ok(first.to_vec()), Ok(second.to_vec())];
        self.reply(Ok(UpstreamAnswer::new(status, all, Box::new(Chunks(chunks.into_iter())))));
    }

    /// Answers a request with a response that contains this result.
    pub(crate) fn result(self, result: Value) {
        let response = json!({"jsonrpc": "2.0", "id": self.message()["id"], "result": result});
        self.answer(200, &[], &response.to_string());
    }

    /// Accepts a notification or a response.
    pub(crate) fn accept(self) {
        self.status(202);
    }

    /// Answers with a status and nothing else.
    pub(crate) fn status(self, status: u16) {
        self.answer(status, &[], "");
    }

    pub(crate) fn fail(self, error: UpstreamError) {
        self.reply(Err(error));
    }

    /// Answers with a stream of events, which is open until the returned value is dropped.
    pub(crate) fn stream(self, headers: &[(&str, &str)]) -> Stream {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut all = vec![("Content-Type".to_owned(), "text/event-stream; charset=utf-8".to_owned())];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.reply(Ok(UpstreamAnswer::new(200, all, Box::new(Streamed(receiver)))));
        Stream(sender)
    }

    /// Waits until the proxy no longer waits for the answer.
    pub(crate) async fn cancelled(mut self) {
        self.answer.closed().await;
    }

    fn reply(self, answer: Result<UpstreamAnswer, UpstreamError>) {
        assert!(self.answer.send(answer).is_ok(), "the proxy waits for the answer");
    }
}

/// An open stream of events.
pub(crate) struct Stream(mpsc::UnboundedSender<Result<Vec<u8>, UpstreamError>>);

impl Stream {
    /// Sends text as it is.
    pub(crate) fn text(&self, text: &str) {
        self.0.send(Ok(text.as_bytes().to_vec())).unwrap();
    }

    /// Sends a message in an event.
    pub(crate) fn message(&self, message: &Value) {
        self.text(&format!("data: {message}\n\n"));
    }

    /// Breaks the connection.
    pub(crate) fn break_off(self, message: &str) {
        self.0.send(Err(UpstreamError::Unreachable { message: message.to_owned() })).unwrap();
    }

    /// Waits until the proxy has closed the stream.
    pub(crate) async fn closed(self) {
        self.0.closed().await;
    }
}

/// The server as the proxy sees it.
struct Fake(mpsc::UnboundedSender<Incoming>);

impl Upstream for Fake {
    fn open(&self, request: UpstreamRequest) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>> {
        let (answer, answered) = oneshot::channel();
        let sent = self.0.send(Incoming { request, answer });
        Box::pin(async move {
            let gone = UpstreamError::Failed { message: "the test dropped the request".to_owned() };
            sent.map_err(|_| gone.clone())?;
            answered.await.map_err(|_| gone)?
        })
    }
}

struct Chunks(std::vec::IntoIter<Result<Vec<u8>, UpstreamError>>);

impl Body for Chunks {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, UpstreamError>> {
        let chunk = self.0.next().transpose();
        Box::pin(async move { chunk })
    }
}

struct Streamed(mpsc::UnboundedReceiver<Result<Vec<u8>, UpstreamError>>);

impl Body for Streamed {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, UpstreamError>> {
        Box::pin(async { self.0.recv().await.transpose() })
    }
}
