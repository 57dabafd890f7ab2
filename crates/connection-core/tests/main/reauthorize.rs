//! A re-authorization replaces the credential: verified, as a whole, and without any change before.

use std::time::Duration;

use connection_contract::Liveness;
use connection_core::{Connection, ConnectionRegistry, Error, Outcome, SetupSession, SetupStep};

use crate::{
    acme::{API, KIND},
    fake::{FAKE, Fake},
    sql,
    test_host::{World, answers, code, connected, me, step},
    test_server::Reply,
    user::labels,
};

/// The provider's answers for each of these keys; it refuses any other key.
pub(crate) fn knows(keys: &'static [(&'static str, &'static str, &'static str)]) -> impl FnMut(&str) -> Reply + Send {
    move |request| {
        let known = keys.iter().find(|(key, ..)| request.contains(&format!("Bearer {key}\r")));
        known.map_or_else(|| Reply::whole(401, "", ""), |(_, id, name)| me(id, name))
    }
}

/// Returns everything that is stored about all connections, and the number of their events.
pub(crate) async fn state(world: &World) -> Vec<String> {
    let accounts = "SELECT label || ' ' || account_id || ' ' || account_label || ' ' || config || ' ' || generation \
                    FROM connection_account ORDER BY id";
    let credentials = "SELECT state || ' ' || generation || ' ' || length(sealed) || ' ' || \
                       COALESCE(granted_scopes, '-') FROM connection_credential ORDER BY connection_id, generation";
    let livenesses = "SELECT liveness || ' ' || COALESCE(reason, '-') || ' ' || generation || ' ' || checked_at || ' ' \
                      || failures FROM connection_liveness ORDER BY connection_id";
    let events = "SELECT kind || ' ' || body FROM connection_event ORDER BY connection_id, seq";
    let mut all = Vec::new();
    for sql in [accounts, credentials, livenesses, events] {
        all.extend(sql::texts(&world.database(), sql).await);
    }
    all
}

/// Returns state and generation of each credential.
pub(crate) async fn credentials(world: &World) -> Vec<String> {
    let sql = "SELECT state || ' ' || generation FROM connection_credential ORDER BY connection_id, generation";
    sql::texts(&world.database(), sql).await
}

pub(crate) async fn token(connection: &Connection) -> String {
    let token = connection.with_access_token(async |token| token.duplicate()).await.unwrap();
    token.expose_str().unwrap().to_owned()
}

pub(crate) async fn events(world: &World) -> Vec<String> {
    sql::texts(&world.database(), "SELECT kind FROM connection_event ORDER BY connection_id, seq").await
}

/// The maximum time for which a process uses a row that another process has replaced.
pub(crate) const HOT: Duration = Duration::from_millis(500);

/// Begins a re-authorization and answers the first prompt.
pub(crate) async fn answered(connection: &Connection, key: &str) -> SetupSession {
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", key)])).await.unwrap();
    session
}

/// Performs a whole re-authorization and returns its outcome.
pub(crate) async fn reauthorized(connection: &Connection, key: &str) -> Outcome {
    answered(connection, key).await.terminal().await.unwrap()
}

async fn labelled(registry: &ConnectionRegistry, label: &'static str, key: &str) -> Connection {
    let session = registry.setups().begin(&KIND).label(label).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", key)])).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("not connected") };
    registry.connection(done.connection).await.unwrap()
}

#[tokio::test]
async fn a_verified_credential_takes_the_place_and_id_and_label_stay() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = labelled(&registry, "work", "key-1").await;
    world.provider(knows(&[("key-2", "1", "ada lovelace")]));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
    let mut changes = connection.on_liveness_change();
    let session = connection.reauthorize().await.unwrap();
    let listed = registry.setups().list().await.unwrap();
    assert_eq!((listed[0].id, listed[0].reauthorizes), (session.id(), Some(connection.id())));
    let (no, _) = step(&session).await;
    world.clock.advance(Duration::from_secs(60));
    session.advance(no, &answers(&[("accessToken", "key-2")])).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("it failed") };
    assert_eq!((done.connection, done.label.as_str(), done.liveness), (connection.id(), "work", Liveness::Live));
    // An earlier handle sees it, and so do lists and subscribers.
    assert_eq!(token(&connection).await, "key-2");
    let request = connection.request("GET", "/things").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 200);
    let info = registry.connection(connection.id()).await.unwrap().info().clone();
    assert_eq!((info.label.as_str(), info.identity.label.as_str()), ("work", "ada lovelace"));
    assert_eq!((info.liveness, info.checked_at.unwrap().seconds()), (Liveness::Live, world.now()));
    let change = changes.next().await.unwrap();
    assert_eq!((change.before, change.liveness), (Liveness::Failing, Liveness::Live));
    assert_eq!(credentials(&world).await, ["previous 1", "current 2"]);
    assert_eq!(events(&world).await, ["connected", "liveness_changed", "reauthorized", "secret_released"]);
    assert!(registry.setups().list().await.unwrap().is_empty());
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn until_it_is_done_nothing_changes_however_it_ends() {
    for (how, expected) in [
        ("refused", "unauthorized"),
        ("does not work", "verify_failed"),
        ("cancelled", "cancelled"),
        ("expired", "setup_expired"),
        ("dropped", "setup_expired"),
    ] {
        let world = World::new().await;
        let registry = world.acme().await;
        let connection = connected(&registry, "key-1").await;
        let before = state(&world).await;
        let session = connection.reauthorize().await.unwrap();
        let (no, _) = step(&session).await;
        let mut requests = 0;
        world.provider(move |request| {
            requests += 1;
            // The second request with it is the verification.
            let good = request.contains("Bearer key-1\r") || (how == "does not work" && requests == 1);
            if good { me("1", "ada") } else { Reply::whole(401, "", "") }
        });
        match how {
            "cancelled" => session.cancel().await.unwrap(),
            "expired" => world.clock.advance(Duration::from_secs(15 * 60)),
            "dropped" => {
                let id = session.id();
                drop(session);
                world.clock.advance(Duration::from_secs(15 * 60));
                let again = registry.setups().resume(id).await.unwrap();
                assert_eq!(code(&again.terminal().await.unwrap()), expected, "{how}");
                assert_eq!(state(&world).await, before, "{how}");
                continue;
            }
            _ => session.advance(no, &answers(&[("accessToken", "key-2")])).await.unwrap(),
        }
        assert_eq!(code(&session.terminal().await.unwrap()), expected, "{how}");
        assert_eq!(state(&world).await, before, "{how}");
        assert_eq!(token(&connection).await, "key-1", "{how}");
    }
}

#[tokio::test]
async fn another_account_is_refused_by_name_unless_the_caller_says_so() {
    let world = World::new().await;
    world.provider(knows(&[("key-1", "1", "ada"), ("key-2", "2", "bob"), ("key-3", "3", "eve")]));
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let before = state(&world).await;
    let Outcome::Failed(failure) = reauthorized(&connection, "key-2").await else { panic!("it was taken") };
    assert_eq!(failure.code, "account_changed");
    assert!(failure.message.as_str().contains("bob (2)") && failure.message.as_str().contains("ada (1)"));
    assert_eq!(state(&world).await, before);
    let other = connected(&registry, "key-2").await;
    for (key, expected) in [("key-2", "account_connected"), ("key-3", "done Live")] {
        let session = connection.reauthorize().another_account().await.unwrap();
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("accessToken", key)])).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), expected, "{key}");
    }
    let info = registry.connection(connection.id()).await.unwrap().info().clone();
    assert_eq!((info.identity.account_id.as_str(), info.identity.label.as_str()), ("3", "eve"));
    assert_eq!(info.label.as_str(), "ada", "the label is what others know it by");
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(token(&other).await, "key-2");
}

#[tokio::test]
async fn reach_and_configuration_are_those_of_the_new_credential() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    let elsewhere = world.server.origin();
    let pairs = answers(&[("accessToken", "key-2"), ("apiBaseUrl", &elsewhere)]);
    session.advance(no, &pairs).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let info = registry.connection(connection.id()).await.unwrap().info().clone();
    assert!(info.config.iter().any(|(name, value)| name == "apiBaseUrl" && value.starts_with(&elsewhere)), "{info:?}");
    let origins = connection.origins().await.unwrap();
    assert!(origins.iter().any(|origin| origin.as_str() == elsewhere), "{origins:?}");
    assert!(!origins.iter().any(|origin| origin.as_str() == API), "{origins:?}");
}

#[tokio::test]
async fn a_rotation_in_between_does_not_void_it() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    world.provider(|request| match request.contains("Bearer key-1\r") {
        true => Reply::ok(r#"{"id":"1","name":"ada","rotate":"key-1b"}"#),
        false => me("1", "ada"),
    });
    connection.verify().await.unwrap();
    assert_eq!(token(&connection).await, "key-1b");
    session.advance(no, &answers(&[("accessToken", "key-2")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(token(&connection).await, "key-2");
    assert_eq!(credentials(&world).await, ["previous 2", "current 3"]);
}

/// A rotation that is measured while the candidate is sealed draws the later number, and is still replaced.
#[tokio::test]
async fn a_probe_that_is_overtaken_writes_nothing() {
    let world = World::new().await;
    let slow = Fake::new();
    let quick = Fake::new();
    let first = world.open(slow.clone()).await;
    let second = world.open(quick.clone()).await;
    let connection = slow.connected(&first, "ada").await;
    let twin = second.connection(connection.id()).await.unwrap();
    slow.gate.close();
    slow.is(Liveness::Failing);
    let probe = tokio::runtime::Handle::current().spawn({
        let connection = connection.clone();
        async move { connection.verify().await }
    });
    slow.gate.until_inside(1).await;
    let session = twin.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let before = state(&world).await;
    slow.gate.open();
    assert_eq!(probe.await.unwrap().unwrap().liveness, Liveness::Live, "who asked gets what the row says");
    assert_eq!(state(&world).await, before);
}

#[tokio::test]
async fn two_concurrent_replacements_both_succeed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let elsewhere = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let twin = elsewhere.connection(connection.id()).await.unwrap();
    let one = connection.reauthorize().await.unwrap();
    let two = twin.reauthorize().await.unwrap();
    assert_eq!(registry.setups().list().await.unwrap().len(), 2);
    for (session, key) in [(&two, "key-2"), (&one, "key-3")] {
        let (no, _) = step(session).await;
        session.advance(no, &answers(&[("accessToken", key)])).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
        world.clock.advance(HOT);
        assert_eq!(token(&connection).await, key);
        assert_eq!(token(&twin).await, key);
    }
    assert_eq!(credentials(&world).await, ["previous 2", "current 3"]);
    assert_eq!(labels(&registry).await, ["ada"]);
}

#[tokio::test]
async fn a_credential_that_does_not_open_is_mended_in_place() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let edited = format!("UPDATE connection_credential SET sealed = {}", sql::literal(&[0; 97]));
    assert_eq!(sql::run(&world.database(), edited).await, 1);
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, "credential_unreadable"));
    assert_eq!(code(&reauthorized(&connection, "key-2").await), "done Live");
    assert_eq!(token(&connection).await, "key-2");
}

#[tokio::test]
async fn a_removal_ends_the_sessions_that_were_to_change_it() {
    let world = World::new().await;
    let registry = world.acme().await;
    let elsewhere = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let twin = elsewhere.connection(connection.id()).await.unwrap();
    let here = connection.reauthorize().await.unwrap();
    let there = twin.reauthorize().await.unwrap();
    let (no, _) = (step(&here).await, step(&there).await).1;
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(code(&here.terminal().await.unwrap()), "not_found");
    // The other process learns of it with its next action.
    let answered = there.advance(no, &answers(&[("accessToken", "key-2")])).await;
    assert!(answered.is_ok() || answered.as_ref().is_err_and(|error| error.code() == "setup_ended"), "{answered:?}");
    let again = elsewhere.setups().resume(there.id()).await.unwrap();
    assert_eq!(code(&again.terminal().await.unwrap()), "not_found");
    assert!(labels(&registry).await.is_empty());
    assert!(matches!(twin.reauthorize().await, Err(Error::NotFound(_))));
    assert!(registry.setups().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_removal_while_the_candidate_is_verified_brings_nothing_back() {
    let world = World::new().await;
    let registry = world.acme().await;
    let elsewhere = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let before = world.server.requests().len();
    let mut requests = 0;
    world.provider(move |request| {
        requests += usize::from(request.contains("Bearer key-2\r"));
        // The second one is the verification.
        if request.contains("Bearer key-2\r") && requests == 2 { Reply::silence() } else { me("1", "ada") }
    });
    let session = answered(&connection, "key-2").await;
    world.server.until_asked(before + 2).await;
    elsewhere.remove(connection.id()).await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(code(&session.terminal().await.unwrap()), "not_found");
    assert!(labels(&elsewhere).await.is_empty());
}

#[tokio::test]
async fn a_kind_whose_plugin_is_gone_is_refused() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    registry.kinds().unregister(&FAKE);
    assert!(matches!(connection.reauthorize().await, Err(Error::UnknownKind(_))));
    assert!(registry.setups().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_ephemeral_one_is_cancelled_with_its_last_handle() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let session = connection.reauthorize().ephemeral().await.unwrap();
    assert!(matches!(step(&session).await, (1, SetupStep::Prompt { .. })));
    let watching = registry.setups().resume(session.id()).await.unwrap();
    drop(session);
    assert_eq!(code(&watching.terminal().await.unwrap()), "cancelled");
    assert_eq!(token(&connection).await, "key-1");
}
