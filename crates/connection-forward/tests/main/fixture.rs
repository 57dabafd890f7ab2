//! A run of the door with a double of the reverse door, and a client that writes its own bytes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use connection_contract::host;
use connection_egress::SystemClock;
use connection_forward::{ForwardDoor, ForwardSettings, bundle, variables};
use hyper::Response;
use reqwest::Body;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::{
    io::{self, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
    task::JoinSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::double::{Double, Seen, text};

/// The name of a granted host, which resolves nowhere (RFC 6761).
pub(crate) const HOST: &str = "api.example.test";
/// The id of the granted connection.
pub(crate) const ID: &str = "0198c5a2-7d3e-7c41-9a55-0e6f1f6f2b10";

/// A run of the door, with its double.
pub(crate) struct Run {
    pub(crate) door: Arc<ForwardDoor>,
    pub(crate) double: Double,
    directory: TempDir,
    serving: JoinSet<()>,
}

impl Run {
    /// Starts a run whose double answers each request with `hello`.
    pub(crate) async fn start() -> Self {
        Self::answering(|_| text("hello")).await
    }

    pub(crate) async fn answering(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Self {
        Self::with(answer, |settings| settings).await
    }

    /// Starts a run with settings that a test adds to.
    pub(crate) async fn with(
        answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
        more: impl FnOnce(ForwardSettings) -> ForwardSettings,
    ) -> Self {
        let double = Double::start(answer, None).await;
        let settings = ForwardSettings::new(format!("http://{}/use", double.address), Duration::from_secs(3600));
        let origins = ["https://api.example.test", "https://uploads.example.test:8443", "https://192.0.2.7"];
        let settings = settings.connection(ID, origins.into_iter().filter_map(host::origin));
        Self::open(double, more(settings)).await
    }

    /// Opens a door with these settings before a double.
    pub(crate) async fn open(double: Double, settings: ForwardSettings) -> Self {
        let door = Arc::new(ForwardDoor::open(settings, &SystemClock::new()).await.unwrap());
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("roots.pem"), bundle(door.authority_pem(), None)).unwrap();
        let (mut serving, served) = (JoinSet::new(), Arc::clone(&door));
        serving.spawn(async move {
            served.serve().await;
        });
        Self { door, double, directory, serving }
    }

    /// Stops serving, which ends all connections.
    pub(crate) async fn stop(&mut self) {
        self.serving.shutdown().await;
    }

    pub(crate) fn roots(&self) -> PathBuf {
        self.directory.path().join("roots.pem")
    }

    /// Returns a command with the variables of the run, in which no setting of this machine remains.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let roots = self.roots();
        command.envs(variables(&self.door.proxy_url(), roots.to_str().unwrap(), self.door.direct_host()));
        for name in ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"] {
            command.env_remove(name);
        }
        command.kill_on_drop(true);
        command
    }

    /// Returns the header with the credential of the run.
    pub(crate) fn credential(&self) -> String {
        let url = self.door.proxy_url();
        let pair = url.expose_secret().strip_prefix("http://").unwrap().split_once('@').unwrap().0.to_owned();
        format!("Proxy-Authorization: Basic {}\r\n", connection_contract::encode::base64(pair.as_bytes()))
    }

    /// Opens a connection to the proxy.
    pub(crate) async fn proxy(&self) -> TcpStream {
        let url = self.door.proxy_url();
        let stream = TcpStream::connect(url.expose_secret().rsplit_once('@').unwrap().1).await.unwrap();
        // Otherwise, each request after a handshake waits for the acknowledgement of its last message.
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends `CONNECT` with the credential, and returns the connection with the answer.
    pub(crate) async fn connect(&self, target: &str) -> (TcpStream, Answer) {
        let mut stream = self.proxy().await;
        let credential = self.credential();
        let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credential}\r\n");
        let answer = exchange(&mut stream, head.as_bytes()).await;
        (stream, answer)
    }

    /// Opens a connection to a granted host, which TLS calls by this name.
    pub(crate) async fn tls(&self, target: &str, name: &str) -> io::Result<TlsStream<TcpStream>> {
        self.tls_with(target, name, &[]).await
    }

    pub(crate) async fn tls_with(
        &self,
        target: &str,
        name: &str,
        protocols: &[&str],
    ) -> io::Result<TlsStream<TcpStream>> {
        let (stream, answer) = self.connect(target).await;
        assert_eq!(answer.status, 200);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.door.authority_pem().as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// Sends a request to the granted host over a new connection, and returns the answer.
    pub(crate) async fn request(&self, request: &[u8]) -> Answer {
        let mut stream = self.tls(&format!("{HOST}:443"), HOST).await.unwrap();
        exchange(&mut stream, request).await
    }
}

/// An answer of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Checks that the answer is a problem document with this status and code.
    #[track_caller]
    pub(crate) fn check(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.head.contains("content-type: application/problem+json\r\n"), "{self:?}");
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()));
        let [detail, remedy] = ["detail", "remedy"].map(|member| problem[member].as_str().unwrap());
        assert_eq!(problem["message"], format!("{detail}; {remedy}"));
    }
}

/// Writes bytes and reads one answer, whose body has a length.
pub(crate) async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> Answer {
    stream.write_all(request).await.unwrap();
    stream.flush().await.unwrap();
    let head = read_until(stream, "\r\n\r\n").await.to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    Answer { status, head, body: String::from_utf8(body).unwrap() }
}

/// Reads bytes until they end with this text.
pub(crate) async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        bytes.push(stream.read_u8().await.unwrap_or_else(|error| panic!("{error} after {}", bytes.escape_ascii())));
    }
    String::from_utf8(bytes).unwrap()
}
