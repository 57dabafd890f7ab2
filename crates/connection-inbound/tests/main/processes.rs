//! A callback reaches another process than the one that began the setup, which is alive, paused or dead. Both listen
//! at a shared address, or each at a loopback port.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use connection_core::{ConnectionRegistry, HttpPolicy, InboundEndpoint, KeyFile, SetupSession, SystemClock};
use connection_faults::{processes, user_agent::UserAgent};
use connection_inbound::{LoopbackOptions, LoopbackServer, PublicEndpoint, PublicUrl, callback_routes};
use tokio::{net::TcpListener, runtime::Handle};

use crate::{
    login::{API, LOGIN, login},
    test_host::{World, end, labels, sent_to},
};

/// The variable that tells a process of this test what to do.
const BEGINNER: &str = "CONNECTIONS_TEST_BEGINNER";
const NAME: &str = "processes::a_callback_in_another_process_completes_the_setup_that_one_began";
/// The time after which an answer is no longer expected.
const PATIENCE: Duration = Duration::from_secs(60);
/// The states of the process that began the setup.
const FATES: [&str; 3] = ["alive", "paused", "killed"];

#[test]
fn a_callback_in_another_process_completes_the_setup_that_one_began() {
    processes::run(BEGINNER, async |order| begin(&order).await, at_a_shared_address);
}

/// Returns an endpoint at this public address, or at a loopback port.
fn endpoint(url: &str) -> Arc<dyn InboundEndpoint> {
    match url.parse::<PublicUrl>() {
        Ok(url) => Arc::new(PublicEndpoint::new(url)),
        Err(_) => Arc::new(LoopbackServer::new(Handle::current(), LoopbackOptions::new())),
    }
}

/// Begins a setup, reports its id and the browser's address, and runs until it is killed.
async fn begin(order: &str) {
    let [address, key, provider, url] = order.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let registry = ConnectionRegistry::builder()
        .store(address)
        .key(KeyFile::at(key))
        .http(HttpPolicy::new().endpoint(API, provider).unwrap())
        .inbound(endpoint(url))
        .kind(login(LOGIN));
    let registry = registry.open().await.unwrap();
    let session = registry.setups().begin(&LOGIN).again().await.unwrap();
    let link = sent_to(&session).await;
    // Write to standard error directly, past the test harness.
    std::io::stderr().write_all(format!("BEGUN {} {link}\n", session.id()).as_bytes()).unwrap();
    std::future::pending::<()>().await;
}

/// A process that has begun a setup; it is killed when this is dropped.
struct Beginner {
    child: Child,
    /// The id of the setup.
    id: String,
    /// The redirect address of the setup.
    callback: String,
}

impl Drop for Beginner {
    fn drop(&mut self) {
        // The process may be dead already.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

impl Beginner {
    fn start(world: &World, url: &str) -> Self {
        let key = world.database.key().display().to_string();
        let order = [world.database.address(), key, world.provider.origin.clone(), url.to_owned()].join("\n");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(BEGINNER, order);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let said = lines.into_iter().find_map(|line| line.strip_prefix("BEGUN ").map(str::to_owned)).unwrap();
        let (id, link) = said.split_once(' ').unwrap();
        let (uri, state) = link.split_once("redirect_uri=").unwrap().1.split_once("&state=").unwrap();
        let uri = connection_contract::encode::from_percent(uri).unwrap();
        Self { child, id: id.to_owned(), callback: format!("{uri}?code=the-code&state={state}") }
    }

    fn meets(&mut self, fate: &str) {
        match fate {
            "paused" => self.signal("STOP"),
            "killed" => {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
            }
            _ => {}
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

async fn opened(world: &World, inbound: Arc<dyn InboundEndpoint>) -> ConnectionRegistry {
    world.builder().clock(Arc::new(SystemClock::new())).inbound(inbound).open().await.unwrap()
}

/// Sends a browser back, runs `meanwhile` before the answer, and returns the page at which the browser ends.
fn sent_back(callback: &str, meanwhile: impl FnOnce()) -> String {
    tokio::task::block_in_place(|| {
        let address = callback.strip_prefix("http://").unwrap();
        let (host, path) = address.split_at(address.find('/').unwrap());
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
        meanwhile();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let done =
            answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_else(|| panic!("{answer}"));
        assert!(done.contains("/done?ref="), "{done}");
        UserAgent::new().get(done).unwrap().body
    })
}

/// Checks that the setup made one connection with one exchange, and that a second callback learns nothing.
async fn complete(world: &World, registry: &ConnectionRegistry, session: &SetupSession, how: &str) {
    assert_eq!(end(session).await, "done ada", "{how}");
    assert_eq!((labels(registry).await, world.provider.request_bodies().len()), (vec!["ada".to_owned()], 1), "{how}");
}

/// R-INSEAM-089
async fn at_a_shared_address() {
    for fate in FATES {
        let world = World::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let registry = opened(&world, endpoint(&url)).await;
        let app = callback_routes::<()>(registry.clone(), url.parse().unwrap());
        Handle::current().spawn(async move { axum::serve(listener, app).await });
        let mut beginner = Beginner::start(&world, &url);
        beginner.meets(fate);
        let page = sent_back(&beginner.callback, || {});
        assert!(page.contains("Login &#38; Co: ada"), "{fate}: {page}");
        let session = registry.setups().get(beginner.id.parse().unwrap()).await.unwrap();
        complete(&world, &registry, &session, fate).await;
        let again = tokio::task::block_in_place(|| UserAgent::new().get(&beginner.callback).unwrap().status);
        assert_eq!(again, 410, "{fate}");
        if fate == "paused" {
            // The paused process wakes up to a setup that has ended, and does nothing more to it.
            beginner.signal("CONT");
            complete(&world, &registry, &session, "awake").await;
        }
    }
}

/// The process that continues a setup takes over the port of a dead process. A paused process answers when it
/// continues. A process that waits for the setup learns the result in each case.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setup_that_another_process_goes_on_with_ends_by_the_callback_on_loopback() {
    for fate in FATES {
        let world = World::new().await;
        let server = LoopbackServer::new(Handle::current(), LoopbackOptions::new());
        let registry = opened(&world, Arc::new(server.clone())).await;
        let mut beginner = Beginner::start(&world, "");
        beginner.meets(fate);
        let session = registry.setups().resume(beginner.id.parse().unwrap()).await.unwrap();
        assert!(sent_to(&session).await.contains("redirect_uri="));
        let takes_over =
            beginner.callback.starts_with(&format!("http://127.0.0.1:{}/", server.ports().first().unwrap_or(&0)));
        assert_eq!(takes_over, fate == "killed", "{fate}: {:?}", server.ports());
        let page = sent_back(&beginner.callback, || {
            if fate == "paused" {
                assert!(world.provider.request_bodies().is_empty());
                beginner.signal("CONT");
            }
        });
        assert!(page.contains("Login &#38; Co: ada"), "{fate}: {page}");
        complete(&world, &registry, &session, fate).await;
    }
}
