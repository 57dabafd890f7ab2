//! A credential that the provider replaced during a probe: stored with its liveness, or not at all, and never
//! undone.

use connection_contract::{Identity, Liveness, Secret, VerifyResult};
use connection_core::{ConnectionInfo, Error};
use tokio::runtime::Handle;

use crate::{
    fake::{Deed, Fake, count, set},
    sql,
    test_host::{World, connected},
    test_server::Reply,
};

const GENERATIONS: &str = "SELECT a.generation || ' ' || c.generation || ' ' || c.state || ' ' || l.generation || ' ' || \
                           l.liveness FROM connection_account AS a JOIN connection_credential AS c \
                           ON c.connection_id = a.id JOIN connection_liveness AS l ON l.connection_id = a.id";
const EVENTS: &str = "SELECT kind FROM connection_event ORDER BY seq";

/// Returns everything that a probe may change.
async fn rows(world: &World) -> Vec<String> {
    let all = "SELECT a.generation || ' ' || l.liveness || ' ' || ifnull(l.reason, '-') || ' ' || l.checked_at || ' ' || \
               l.failures || ' ' || c.generation || ' ' || hex(c.sealed) FROM connection_account AS a \
               JOIN connection_liveness AS l ON l.connection_id = a.id \
               JOIN connection_credential AS c ON c.connection_id = a.id";
    sql::texts(&world.database(), all).await
}

fn code(info: &ConnectionInfo) -> Option<&str> {
    info.reason.as_ref().map(|reason| &*reason.code)
}

/// R-INSEAM-013, R-INSEAM-046
#[tokio::test]
async fn a_fresh_credential_replaces_the_old_one_together_with_the_liveness() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let rotating = |request: &str| match request.contains("Bearer key-1") {
        true => Reply::ok(r#"{"id":"1","name":"ada","rotate":"key-2"}"#),
        false => Reply::ok(r#"{"id":"1","name":"ada"}"#),
    };
    world.provider(rotating);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(sql::texts(&world.database(), GENERATIONS).await, ["2 2 current 2 live"]);
    assert_eq!(sql::texts(&world.database(), EVENTS).await, ["connected", "credential_rotated"]);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    let last = world.server.requests().pop().unwrap();
    assert!(last.contains("Bearer key-2"), "{last}");
    // It is sent to the same origins as the previous one, and is handed out.
    let token = connection.with_access_token(async |token| token.duplicate()).await.unwrap();
    assert_eq!(token.expose(), b"key-2");
    let request = connection.request("GET", "/things").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 200);
}

/// R-INSEAM-046, R-INSEAM-047
#[tokio::test]
async fn when_the_write_fails_both_the_old_credential_and_the_old_liveness_remain_and_nobody_is_told() {
    let failing = [
        "INSERT ON connection_credential",
        "UPDATE ON connection_liveness",
        "UPDATE OF generation ON connection_account",
        "INSERT ON connection_event",
    ];
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.is(Liveness::Failing);
    connection.verify().await.unwrap();
    let before = rows(&world).await;
    let events = sql::texts(&world.database(), EVENTS).await;
    let mut changes = connection.on_liveness_change();
    fake.finds(|_| VerifyResult::live().rotated(Secret::from("fresh")));
    for trigger in failing {
        sql::refuse(&world.database(), trigger).await;
        let error = connection.verify().await.unwrap_err();
        assert!(matches!(error, Error::Store(_)), "{trigger}: {error:?}");
        assert_eq!(rows(&world).await, before, "{trigger}");
        assert_eq!(sql::texts(&world.database(), EVENTS).await, events, "{trigger}");
        sql::refuse_no_more(&world.database()).await;
    }
    // The control: without a trigger, the same probe writes and sends a change. It is the first that subscribers
    // get.
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_ne!(rows(&world).await, before);
    assert_eq!(changes.next().await.unwrap().liveness, Liveness::Live);
    connection.verify().await.unwrap();
    registry.remove(connection.id()).await.unwrap();
    assert!(changes.next().await.is_none());
}

/// R-INSEAM-054: two processes, of which one began before the other rotated.
#[tokio::test]
async fn a_stale_probe_never_puts_an_old_credential_back() {
    let world = World::new().await;
    let slow = Fake::new();
    let quick = Fake::new();
    let first = world.open(slow.clone()).await;
    let second = world.open(quick.clone()).await;
    let connection = slow.connected(&first, "ada").await;
    let twin = second.connection(connection.id()).await.unwrap();
    let mut changes = connection.on_liveness_change();
    slow.gate.close();
    slow.finds(|_| {
        let failing: VerifyResult<Secret> = connection_contract::NotLive::failing(connection_contract::Reason::new(
            connection_contract::reason::UNAUTHORIZED,
            "the old one is dead",
        ))
        .into();
        failing.rotated(Secret::from("stale"))
    });
    let probe = Handle::current().spawn({
        let connection = connection.clone();
        async move { connection.verify().await }
    });
    slow.gate.until_inside(1).await;
    quick.finds(|_| VerifyResult::live().rotated(Secret::from("fresh")));
    twin.verify().await.unwrap();
    let before = rows(&world).await;
    let events = sql::texts(&world.database(), EVENTS).await;
    slow.gate.open();
    // The caller gets the state of the row.
    assert_eq!(probe.await.unwrap().unwrap().liveness, Liveness::Live);
    assert_eq!(rows(&world).await, before);
    assert_eq!(sql::texts(&world.database(), EVENTS).await, events);
    quick.finds(|_| VerifyResult::live());
    twin.verify().await.unwrap();
    assert_eq!(quick.seen.lock().unwrap().last().unwrap(), b"fresh");
    // No subscriber got the stale result.
    first.remove(connection.id()).await.unwrap();
    assert!(changes.next().await.is_none());
}

#[tokio::test]
async fn a_generation_is_never_used_twice() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.finds(|_| VerifyResult::live().rotated(Secret::from("fresh")));
    let trigger = "INSERT ON connection_event";
    sql::refuse(&world.database(), trigger).await;
    connection.verify().await.unwrap_err();
    sql::refuse_no_more(&world.database()).await;
    connection.verify().await.unwrap();
    assert_eq!(sql::texts(&world.database(), GENERATIONS).await, ["3 3 current 3 live"]);
}

#[tokio::test]
async fn a_fresh_credential_of_another_account_is_kept_and_the_connection_is_failing() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.finds(|_| VerifyResult::live().identity(Identity::new("eve", "eve")).rotated(Secret::from("fresh")));
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, code(&info)), (Liveness::Failing, Some("account_changed")));
    fake.is(Liveness::Live);
    connection.verify().await.unwrap();
    assert_eq!(fake.seen.lock().unwrap().last().unwrap(), b"fresh");
}

#[tokio::test]
async fn a_fresh_credential_that_its_plugin_cannot_write_is_the_plugins_fault() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.finds(|_| VerifyResult::live().rotated(Secret::from("fresh")));
    set(&fake.serialize, Deed::Bug);
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, code(&info)), (Liveness::Failing, Some("plugin_fault")));
    assert_eq!(count(&fake.serialized), 2, "once for the setup, once for the fresh one");
}
