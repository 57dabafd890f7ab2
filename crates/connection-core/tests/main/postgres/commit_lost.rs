//! The connection is cut at the one moment at which the outcome cannot be known: while a commit or its answer is
//! under way.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst},
    },
};

use connection_core::{Error, StoreError};
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::watch,
};

use crate::{
    sql,
    test_host::{World, connected},
};

pub(crate) const PASS: u8 = 0;
/// The server never gets the commit.
pub(crate) const KEEP_COMMIT: u8 = 1;
/// The server commits, and the answer is lost.
pub(crate) const KEEP_ANSWER: u8 = 2;
/// The answer is lost, and the server gets the commit only when it is released.
pub(crate) const LATE_COMMIT: u8 = 3;
/// The server commits, and nothing more passes on the connection, which stays open.
pub(crate) const FORGET: u8 = 4;

/// A proxy between the program and the server, which cuts the connection of one commit as configured.
pub(crate) struct Proxy {
    address: SocketAddr,
    cuts: Cuts,
}

#[derive(Clone)]
struct Cuts {
    next: Arc<AtomicU8>,
    /// The number of commits to pass before.
    passing: Arc<AtomicUsize>,
    late: watch::Sender<bool>,
    /// Sent when the open connections are forgotten.
    forgotten: watch::Sender<()>,
    /// The server to which new connections lead.
    server: Arc<Mutex<(String, u16)>>,
}

impl Cuts {
    fn of_commit(&self) -> u8 {
        let passes = self.passing.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if passes { PASS } else { self.next.swap(PASS, SeqCst) }
    }
}

impl Proxy {
    /// Creates a proxy before the test host's server, and returns the address of its database through it.
    pub(crate) async fn before(world: &World) -> (Self, String) {
        let sql::Database::Server(options) = world.database() else { unreachable!("this is the suite on a server") };
        let proxy = Self::to(&options).await;
        let through = options.clone().host("127.0.0.1").port(proxy.address.port()).to_url_lossy().to_string();
        (proxy, through)
    }

    /// Cuts a commit: the one after this number of others.
    pub(crate) fn cut(&self, cut: u8, behind: usize) {
        self.cuts.passing.store(behind, SeqCst);
        self.cuts.next.store(cut, SeqCst);
    }

    /// Returns `true` if the cut was made.
    pub(crate) fn has_cut(&self) -> bool {
        self.cuts.next.load(SeqCst) == PASS
    }

    /// Releases a commit that was held.
    pub(crate) fn let_go(&self) {
        self.cuts.late.send_replace(true);
    }

    /// Forgets the open connections: nothing passes on them any more, and they stay open.
    pub(crate) fn forget(&self) {
        self.cuts.forgotten.send_replace(());
    }

    /// Leads new connections to another server.
    pub(crate) fn lead_to(&self, options: &PgConnectOptions) {
        *self.cuts.server.lock().unwrap() = (options.get_host().to_owned(), options.get_port());
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Creates a proxy before a server.
    pub(crate) async fn to(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = Cuts {
            next: Arc::new(AtomicU8::new(PASS)),
            passing: Arc::default(),
            late: watch::Sender::new(false),
            forgotten: watch::Sender::new(()),
            server: Arc::new(Mutex::new((options.get_host().to_owned(), options.get_port()))),
        };
        let cut = cuts.clone();
        Handle::current().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = cut.server.lock().unwrap().clone();
                let server = TcpStream::connect(server).await.unwrap();
                // A connection that was cut is also over for the proxy.
                Handle::current().spawn(pass(client, server, cut.clone()));
            }
        });
        Self { address, cuts }
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, cuts: Cuts) -> std::io::Result<()> {
    let mut from_client = vec![0; 1 << 16];
    let mut from_server = vec![0; 1 << 16];
    let mut forgotten = cuts.forgotten.subscribe();
    loop {
        tokio::select! {
            _ = forgotten.changed() => return pending().await,
            read = client.read(&mut from_client) => {
                let bytes = from_client.get(..read?).filter(|bytes| !bytes.is_empty());
                let Some(bytes) = bytes else { return Ok(()) };
                let cut = if bytes.windows(7).any(|word| word == b"COMMIT\0") { cuts.of_commit() } else { PASS };
                if cut == KEEP_COMMIT {
                    return Ok(());
                }
                if cut == LATE_COMMIT {
                    drop(client);
                    drop(cuts.late.subscribe().wait_for(|late| *late).await);
                    server.write_all(bytes).await?;
                    return server.read(&mut from_server).await.map(drop);
                }
                server.write_all(bytes).await?;
                if cut == FORGET {
                    return pending().await;
                }
                if cut == KEEP_ANSWER {
                    // The server has committed when it answers.
                    return server.read(&mut from_server).await.map(drop);
                }
            }
            read = server.read(&mut from_server) => {
                let bytes = from_server.get(..read?).filter(|bytes| !bytes.is_empty());
                let Some(bytes) = bytes else { return Ok(()) };
                client.write_all(bytes).await?;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_told_as_that_and_leaves_before_or_after() {
    let world = World::new().await;
    let (proxy, through) = Proxy::before(&world).await;
    let registry = world.builder().store(through).kind(crate::acme::Acme::default()).open().await.unwrap();
    let connection = connected(&registry, "key-1").await;
    for (cut, label, left) in [(KEEP_COMMIT, "never", "ada"), (KEEP_ANSWER, "done", "done")] {
        proxy.cut(cut, 0);
        let error = connection.rename(label).await.unwrap_err();
        assert!(proxy.has_cut(), "{label}: a commit was cut");
        let Error::Store(store_error) = &error else { panic!("{label}: {error:?}") };
        assert!(matches!(&**store_error, StoreError::CommitUnknown { .. }), "{label}: {store_error:?}");
        assert_eq!(error.code(), "commit_unknown", "{label}");
        assert!(store_error.to_string().contains("may have succeeded"), "{label}: {store_error}");
        let stored = registry.connection(connection.id()).await.unwrap();
        assert_eq!(stored.info().label.as_str(), left, "what is stored tells, whatever was cut");
        let history = registry.events().history(connection.id(), None).await.unwrap();
        let renames = history.page.items.iter().filter(|event| event.name == "renamed").count();
        assert_eq!((renames, history.broken_at), (usize::from(left == "done"), None), "{label}");
    }
    assert_eq!(connection.rename("later").await.unwrap().label.as_str(), "later");
    registry.close().await;
}
