//! The log of `serve` if no level is configured: the start, the end, and each loss and recovery of the database or of a
//! provider.

use std::{
    io::{BufRead as _, BufReader},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    process::{Child, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{machine, until};
use crate::program::{Machine, on_postgres};

/// A `serve` whose log is read while it runs. It is killed on drop.
pub(super) struct Logged {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Logged {
    pub(super) fn start(machine: &Machine) -> Self {
        let mut command = machine.command();
        command.arg("serve").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let err = BufReader::new(child.stderr.take().unwrap());
        let kept = lines.clone();
        thread::spawn(move || err.lines().map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        Self { child, lines }
    }

    pub(super) fn lines_with(&self, part: &str) -> Vec<String> {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(part)).cloned().collect()
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        // The process may have ended already.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

#[test]
fn start_end_and_what_it_listens_on_are_logged_without_any_setting() {
    let mut machine = machine();
    let state = machine.path("not/there/yet");
    machine.set("CONNECTIONS_STATE_DIR", state.to_str().unwrap());
    let mut logged = Logged::start(&machine);
    until("it listens", || !logged.lines_with("listening on 127.0.0.1:").is_empty());
    let started = logged.lines_with(" started with ");
    let database = if on_postgres() { "PostgreSQL at " } else { "connections.db" };
    let [started] = started.as_slice() else { panic!("{started:?}") };
    assert!(started.contains(database) && started.contains(state.to_str().unwrap()), "{started}");
    assert!(state.join("node").exists(), "the state directory is made");
    let id = logged.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(logged.child.wait().unwrap().success());
    until("it has ended", || logged.lines_with("operations: ended").len() == 1);
    assert_eq!(logged.lines_with("asked to stop").len(), 1);
    assert!(logged.lines_with(" WARN ").is_empty(), "{:?}", logged.lines);
}

#[test]
fn a_provider_that_is_lost_and_comes_back_is_logged_by_a_server_once_each_with_the_cause() {
    let machine = machine();
    machine.add_github("work").exits(0);
    let token = machine.run(&["tokens", "create", "another machine", "--role", "manage"]).exits(0);
    let logged = Logged::start(&machine);
    until("it listens", || !logged.lines_with("listening on 127.0.0.1:").is_empty());
    let line = logged.lines_with("listening on 127.0.0.1:").remove(0);
    let address = line.split("listening on ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let mut client = Machine::new();
    client.set("CONNECTIONS_HOST_TOKEN", token.out.trim());
    let verify = |exit| {
        let asked = machine.provider.seen().len();
        client.run(&["--host", &format!("http://{address}"), "verify", "github"]).exits(exit);
        assert!(machine.provider.seen().len() > asked, "the provider was asked");
    };
    machine.provider.tell(503, "", "");
    (0..3).for_each(|_| verify(4));
    let lost = "api.github.com answered 503 Service Unavailable; its connections are tried again when they are due";
    machine.provider.behave();
    (0..3).for_each(|_| verify(0));
    machine.provider.tell(503, "", "");
    verify(4);
    // Lines arrive in their order, so the last one is preceded by all others.
    until("the second loss is logged", || logged.lines_with(lost).len() == 2);
    assert_eq!(logged.lines_with("api.github.com answers again after ").len(), 1, "{:?}", logged.lines);
    assert_eq!(logged.lines_with("api.github.com").len(), 3, "{:?}", logged.lines);
}

/// A way to a server that can be cut and restored.
struct Way {
    address: SocketAddr,
    server: String,
    open: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Way {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let way = Self { address, server: server.to_owned(), open: Arc::default(), streams: Arc::default() };
        way.lead(listener);
        way
    }

    fn lead(&self, listener: TcpListener) {
        self.open.store(true, Ordering::SeqCst);
        let open = self.open.clone();
        let streams = self.streams.clone();
        let server = self.server.clone();
        thread::spawn(move || {
            for near in listener.incoming() {
                if !open.load(Ordering::SeqCst) {
                    return;
                }
                let near = near.unwrap();
                let far = TcpStream::connect(&server).unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let mut from = from.try_clone().unwrap();
                    let mut to = to.try_clone().unwrap();
                    thread::spawn(move || {
                        // When one side closes, the other side is closed too.
                        std::io::copy(&mut from, &mut to).unwrap_or_default();
                        to.shutdown(Shutdown::Both).unwrap_or_default();
                    });
                }
                streams.lock().unwrap().extend([near, far]);
            }
        });
    }

    /// Closes all connections, and refuses new ones from now on.
    fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        // This wakes the listening thread, which then sees that the way is cut.
        drop(TcpStream::connect(self.address));
        until("nobody listens", || TcpStream::connect(self.address).is_err());
        for stream in self.streams.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).unwrap_or_default();
        }
    }

    fn mend(&self) {
        self.lead(TcpListener::bind(self.address).unwrap());
    }
}

/// Several queries of one round fail, and those of the next round fail too.
#[test]
fn a_database_that_is_lost_and_comes_back_is_logged_once_each_with_its_address_and_the_cause() {
    if !on_postgres() {
        return;
    }
    let mut machine = machine();
    let url = machine.address();
    let (before, rest) = url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let way = Way::to(server);
    machine.set("CONNECTIONS_DATABASE_URL", &format!("{before}@{}/{name}", way.address));
    let logged = Logged::start(&machine);
    until("it listens", || !logged.lines_with("listening on 127.0.0.1:").is_empty());
    way.cut();
    let lost = format!("cannot reach PostgreSQL at {}: connection refused; trying again every 15 s", way.address);
    until("the loss is logged", || !logged.lines_with(&lost).is_empty());
    way.mend();
    let found = format!("PostgreSQL at {} can be reached again after ", way.address);
    until("the recovery is logged", || !logged.lines_with(&found).is_empty());
    assert_eq!(logged.lines_with(&lost).len(), 1, "{:?}", logged.lines);
    assert_eq!(logged.lines_with("store_failed"), Vec::<String>::new());
}
