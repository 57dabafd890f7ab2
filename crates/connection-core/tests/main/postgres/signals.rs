//! The signals of PostgreSQL for other processes about a change: they name the row and contain no value of it.

use connection_core::{Connection, ConnectionRegistry};
use sqlx::postgres::PgListener;

use crate::{
    acme::Acme,
    sql,
    test_host::{World, connected, me},
    test_server::Reply,
};

/// A registry, a connection, and a listener on the database from before they were created.
struct Heard {
    world: World,
    registry: ConnectionRegistry,
    connection: Connection,
    listener: PgListener,
}

impl Heard {
    async fn new() -> Self {
        let world = World::new().await;
        let mut listener = PgListener::connect(&world.address()).await.unwrap();
        listener.listen("connection_changed").await.unwrap();
        let registry = world.open(Acme::default()).await;
        let connection = connected(&registry, "key-1").await;
        Self { world, registry, connection, listener }
    }

    /// Returns the signals since the last call, each once.
    async fn signals(&mut self) -> Vec<String> {
        // The signals of a later transaction arrive later.
        sql::run(&self.world.database(), "NOTIFY connection_changed, 'end'").await;
        let mut signals = Vec::new();
        loop {
            let signal = self.listener.recv().await.unwrap().payload().to_owned();
            if signal == "end" {
                signals.sort();
                signals.dedup();
                return signals;
            }
            signals.push(signal);
        }
    }
}

#[tokio::test]
async fn a_signal_names_a_row_and_holds_nothing_of_it() {
    let mut heard = Heard::new().await;
    let account = format!("account:{}", heard.connection.id());
    let first = heard.signals().await;
    let sessions = first.iter().filter(|signal| signal.starts_with("setup:")).count();
    assert_eq!(sessions, 1, "{first:?}");
    assert!(first.contains(&"keyset".to_owned()) && first.contains(&account), "{first:?}");
    // The first start marks the row of what is frozen.
    for signal in first.iter().filter(|signal| !["freeze", "keyset"].contains(&&***signal)) {
        let (_, id) = signal.split_once(':').unwrap();
        assert!(id.len() == 36 && id.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()), "{signal}");
    }
    heard.world.provider(|_| Reply::ok(r#"{"id":"1","name":"ada","rotate":"key-2"}"#));
    heard.connection.verify().await.unwrap();
    assert_eq!(heard.signals().await, *std::slice::from_ref(&account));
    heard.registry.keys().rotate().await.unwrap();
    assert!(heard.signals().await.contains(&"keyset".to_owned()));
    heard.registry.remove(heard.connection.id()).await.unwrap();
    assert_eq!(heard.signals().await, [account]);
}

#[tokio::test]
async fn a_probe_is_news_when_it_finds_something_else() {
    let mut heard = Heard::new().await;
    let account = format!("account:{}", heard.connection.id());
    heard.signals().await;
    for (reply, expected) in [
        (me("1", "ada"), vec![]),
        (Reply::whole(401, "", ""), vec![account.clone()]),
        (Reply::whole(401, "", ""), vec![]),
        // Still failing, for another reason.
        (me("2", "ada"), vec![account.clone()]),
        (me("1", "ada"), vec![account]),
        (me("1", "ada"), vec![]),
    ] {
        let mut reply = Some(reply);
        heard.world.provider(move |_| reply.take().unwrap());
        heard.connection.verify().await.unwrap();
        assert_eq!(heard.signals().await, expected);
    }
}

/// The test does not move the clock, so only a signal can end a wait or expire a row.
#[tokio::test]
async fn a_process_that_listens_hears_of_another_without_a_look_of_its_own() {
    let world = World::new().await;
    let first = world.open(Acme::default()).await;
    let second = world.open(Acme::default()).await;
    let connection = connected(&first, "key-1").await;
    let twin = second.connection(connection.id()).await.unwrap();
    let used = async || {
        connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
        let request = world.server.requests().pop().unwrap();
        request.split("Bearer ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned()
    };
    let mut watch = first.events().watch().await.unwrap();
    for (before, after) in [("key-1", "key-2"), ("key-2", "key-3")] {
        assert_eq!(used().await, before);
        let answer = format!(r#"{{"id":"1","name":"ada","rotate":"{after}"}}"#);
        world.provider(move |_| Reply::ok(&answer));
        twin.verify().await.unwrap();
        world.provider(|_| me("1", "ada"));
        assert_eq!(&*watch.next().await.unwrap().unwrap().name, "credential_rotated");
        assert_eq!(used().await, after);
    }
}
