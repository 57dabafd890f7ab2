//! Removal: decode, tear down, delete. A failure at the provider is recorded and changes nothing; a failure of the
//! store is returned.

use std::time::Duration;

use connection_contract::Reason;
use connection_core::{Connection, Error, Filter, IdGenerator as _, Teardown, UuidV7};
use tokio::runtime::Handle;

use crate::{
    acme::Acme,
    fake::{Deed, Fake, Stop, StopOnDrop, count, set},
    sql,
    test_host::{World, answers, code, connected, on_postgres, outlasted, step},
    test_server::Reply,
};

const REMOVED: &str = "SELECT body FROM connection_event WHERE kind = 'removed'";
const LEFT: &str = "SELECT 'account' FROM connection_account UNION ALL SELECT 'credential' FROM connection_credential \
                    UNION ALL SELECT 'liveness' FROM connection_liveness";

/// Returns the result of a teardown, `failed` or `failed:plugin_fault`, with the code of the reason.
fn words<'a>(teardown: &'a str, name: &str) -> (&'a str, String) {
    match teardown.split_once(':') {
        Some((word, reason)) => (word, format!(r#""{name}":"{reason}","#)),
        None => (teardown, String::new()),
    }
}

async fn gone(world: &World, teardown: &str, kind: &str) {
    let (teardown, reason) = words(teardown, "reason");
    removal_recorded(world, format!(r#"{{"kind":"{kind}",{reason}"teardown":"{teardown}"}}"#)).await;
}

/// Checks the event with the results for both credentials.
pub(crate) async fn both_gone(world: &World, teardown: &str, previous: &str, kind: &str) {
    let (teardown, reason) = words(teardown, "reason");
    let (previous, before) = words(previous, "previousReason");
    let body = format!(r#"{{"kind":"{kind}","previous":"{previous}",{before}{reason}"teardown":"{teardown}"}}"#);
    removal_recorded(world, body).await;
}

async fn removal_recorded(world: &World, body: String) {
    assert_eq!(sql::texts(&world.database(), LEFT).await, [""; 0]);
    let mut removals = Vec::new();
    for text in sql::texts(&world.database(), REMOVED).await {
        let mut details: serde_json::Value = serde_json::from_str(&text).unwrap();
        // The event describes the connection, whose row is gone.
        let described = ["account", "label"].map(|name| details.as_object_mut().unwrap().remove(name));
        assert!(described.iter().all(Option::is_some), "{text}");
        removals.push(details.to_string());
    }
    assert_eq!(removals, [body]);
}

/// R-INSEAM-061
#[tokio::test]
async fn the_provider_is_told_before_the_row_goes() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(move |request| {
        assert!(request.starts_with("DELETE /me ") && request.contains("Bearer key-1"), "{request}");
        Reply::ok("")
    });
    let before = world.server.requests().len();
    assert_eq!(registry.remove(connection.id()).await.unwrap().teardown, Teardown::Revoked);
    assert_eq!(world.server.requests().len(), before + 1);
    gone(&world, "revoked", "acme").await;
}

/// R-INSEAM-061: the row exists while the teardown runs, so that a crash in it loses nothing.
#[tokio::test]
async fn the_row_is_there_until_the_teardown_ended() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let parsed = count(&fake.parsed);
    fake.gate.close();
    let removal = Handle::current().spawn({
        let registry = registry.clone();
        let id = connection.id();
        async move { registry.remove(id).await.unwrap() }
    });
    fake.gate.until_inside(1).await;
    assert_eq!(count(&fake.parsed), parsed + 1);
    assert!(registry.connection(connection.id()).await.is_ok());
    fake.gate.open();
    removal.await.unwrap();
    gone(&world, "revoked", "fake").await;
}

/// R-INSEAM-060
#[tokio::test]
async fn a_teardown_that_fails_is_recorded_and_the_row_goes_regardless() {
    for (deed, teardown, word) in [
        (Deed::Bug, Teardown::Failed, "failed:plugin_fault"),
        (Deed::Offline, Teardown::Failed, "failed:provider_error"),
        (Deed::Unavailable, Teardown::Failed, "failed:plugin_fault"),
        (Deed::Panics, Teardown::Failed, "failed:plugin_panicked"),
        (Deed::Unreadable, Teardown::NotRevoked, "not_revoked:credential_unreadable"),
    ] {
        let world = World::new().await;
        let fake = Fake::new();
        let registry = world.open(fake.clone()).await;
        let connection = fake.connected(&registry, "ada").await;
        set(&fake.teardown, deed);
        let removal = registry.remove(connection.id()).await.unwrap();
        let reason = removal.reason.map(|reason| reason.code.into_owned());
        assert_eq!((removal.teardown, reason.as_deref()), (teardown, word.split_once(':').map(|(_, code)| code)));
        gone(&world, word, "fake").await;
        assert_eq!(count(&fake.torn), 1);
    }
}

/// R-INSEAM-060
#[tokio::test]
async fn a_teardown_that_never_ends_is_given_up_and_the_row_goes_regardless() {
    let stop = Stop::default();
    let _stop = StopOnDrop(stop.clone());
    let timeout = "failed:plugin_timeout";
    let panicked = "failed:plugin_panicked";
    for (deed, reason) in [(Deed::Hangs, timeout), (Deed::PanicsInDrop, panicked), (Deed::Spins(stop), timeout)] {
        let world = World::new().await;
        let fake = Fake::new();
        let registry = world.open(fake.clone()).await;
        let connection = fake.connected(&registry, "ada").await;
        let is_polled = !matches!(deed, Deed::Spins(_));
        set(&fake.teardown, deed);
        let removal = Handle::current().spawn({
            let registry = registry.clone();
            let id = connection.id();
            async move { registry.remove(id).await.unwrap() }
        });
        if is_polled {
            // The teardown's own limit passes, but not the grace in which it is dropped.
            world.clock.until_asleep(2).await;
            world.clock.advance(Duration::from_secs(30));
        }
        let removal = if is_polled { removal.await.unwrap() } else { outlasted(&world, removal).await };
        assert_eq!(removal.teardown, Teardown::Failed);
        gone(&world, reason, "fake").await;
    }
}

/// R-INSEAM-060: if the provider no longer knows the credential, the teardown has failed, too.
#[tokio::test]
async fn a_provider_that_refuses_does_not_keep_the_row() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|_| Reply::whole(401, "", ""));
    let removal = registry.remove(connection.id()).await.unwrap();
    let reason = removal.reason.unwrap();
    assert_eq!((removal.teardown, &*reason.code), (Teardown::Failed, "unauthorized"));
    assert_eq!(
        reason.message.as_str(),
        "api.acme.example answered 401 Unauthorized: the provider refuses the credential"
    );
    gone(&world, "failed:unauthorized", "acme").await;
}

/// R-INSEAM-061
#[tokio::test]
async fn a_missing_object_cannot_be_removed() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let nobody = UuidV7::new().next().to_string().parse().unwrap();
    let error = registry.remove(nobody).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(id) if id == nobody), "{error:?}");
    assert_eq!((error.code(), error.to_string()), ("not_found", format!("no connection with the id {nobody}")));
    let connection = fake.connected(&registry, "ada").await;
    registry.remove(connection.id()).await.unwrap();
    assert!(matches!(registry.remove(connection.id()).await, Err(Error::NotFound(_))));
    assert_eq!(count(&fake.torn), 1);
    gone(&world, "revoked", "fake").await;
}

/// R-INSEAM-061
#[tokio::test]
async fn a_row_that_cannot_be_deleted_is_reported_and_is_there_still() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    for trigger in ["DELETE ON connection_account", "INSERT ON connection_event"] {
        sql::refuse(&world.database(), trigger).await;
        let error = registry.remove(connection.id()).await.unwrap_err();
        assert!(matches!(error, Error::Store(_)), "{error:?}");
        let page = registry.list_connections(Filter::new()).await.unwrap();
        assert_eq!(page.items.len(), 1);
        assert_eq!(sql::texts(&world.database(), REMOVED).await, [""; 0]);
        sql::refuse_no_more(&world.database()).await;
        connection.verify().await.unwrap();
    }
    registry.remove(connection.id()).await.unwrap();
    gone(&world, "revoked", "fake").await;
}

/// R-INSEAM-060
#[tokio::test]
async fn two_who_remove_at_once_share_one_removal() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let id = fake.connected(&registry, "ada").await.id();
    // As many connections to a server as both need: opening one takes longer than many reads.
    let list = || registry.list_connections(Filter::new());
    let (one, two, three) = tokio::join!(list(), list(), list());
    assert!([one, two, three].iter().all(Result::is_ok));
    fake.gate.close();
    let held = async {
        fake.gate.until_inside(1).await;
        // The other one has read the row before these readers do, and waits for the first by now.
        for _ in 0..100 {
            registry.list_connections(Filter::new()).await.unwrap();
        }
        fake.gate.open();
    };
    let (first, second, ()) = tokio::join!(registry.remove(id), registry.remove(id), held);
    assert_eq!((first.unwrap().teardown, second.unwrap().teardown), (Teardown::Revoked, Teardown::Revoked));
    assert_eq!(count(&fake.torn), 1);
    gone(&world, "revoked", "fake").await;
}

/// R-INSEAM-015
#[tokio::test]
async fn a_credential_that_does_not_open_skips_the_teardown_and_the_row_goes() {
    let zeros = format!("sealed = {}", sql::literal(&[0; 93]));
    // A server stores no invalid text.
    let no_text = if on_postgres() { "state = 'candidate'" } else { "secret_names = CAST(x'ff' AS TEXT)" };
    for broken in [&*zeros, no_text, "state = 'previous'"] {
        let world = World::new().await;
        let acme = Acme::default();
        let registry = world.open(acme.clone()).await;
        let connection = connected(&registry, "key-1").await;
        sql::run(&world.database(), format!("UPDATE connection_credential SET {broken}")).await;
        let before = world.server.requests().len();
        let parsed = count(&acme.calls.parsed);
        let info = connection.verify().await.unwrap();
        assert_eq!(&*info.reason.unwrap().code, "credential_unreadable", "{broken}");
        assert!(matches!(connection.base_url().await, Err(Error::Sealed { .. })), "{broken}");
        assert_eq!(registry.remove(connection.id()).await.unwrap().teardown, Teardown::NotRevoked);
        assert_eq!((world.server.requests().len(), count(&acme.calls.parsed)), (before, parsed));
        match broken.contains("previous") {
            true => {
                both_gone(&world, "not_revoked:credential_unreadable", "not_revoked:credential_unreadable", "acme")
                    .await
            }
            false => gone(&world, "not_revoked:credential_unreadable", "acme").await,
        }
    }
}

/// R-INSEAM-060
#[tokio::test]
async fn a_removal_whose_caller_left_goes_on() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let mut changes = connection.on_liveness_change();
    fake.gate.close();
    let removal = Handle::current().spawn({
        let registry = registry.clone();
        let id = connection.id();
        async move { registry.remove(id).await }
    });
    fake.gate.until_inside(1).await;
    removal.abort();
    assert!(removal.await.unwrap_err().is_cancelled());
    fake.gate.open();
    assert!(changes.next().await.is_none());
    gone(&world, "revoked", "fake").await;
}

/// Re-authorizes the connection in another process, with this credential.
pub(crate) async fn replaced(fake: &Fake, twin: &Connection, blob: &str) {
    *fake.blob.lock().unwrap() = blob.into();
    let session = twin.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn a_credential_that_comes_during_the_teardown_is_torn_down_too() {
    let world = World::new().await;
    let ours = Fake::new();
    let theirs = Fake::new();
    let first = world.open(ours.clone()).await;
    let second = world.open(theirs.clone()).await;
    let id = ours.connected(&first, "ada").await.id();
    let twin = second.connection(id).await.unwrap();
    ours.gate.close();
    let removal = Handle::current().spawn(async move { first.remove(id).await.unwrap() });
    ours.gate.until_inside(1).await;
    replaced(&theirs, &twin, "second").await;
    ours.gate.open();
    assert_eq!(removal.await.unwrap().teardown, Teardown::Revoked);
    assert_eq!(*ours.given_back.lock().unwrap(), [b"blob".to_vec(), b"second".to_vec()]);
    both_gone(&world, "revoked", "revoked", "fake").await;
}

#[tokio::test]
async fn a_removal_that_is_overtaken_again_and_again_ends_and_says_that_something_is_left() {
    let world = World::new().await;
    let ours = Fake::new();
    let theirs = Fake::new();
    let first = world.open(ours.clone()).await;
    let second = world.open(theirs.clone()).await;
    let id = ours.connected(&first, "ada").await.id();
    let twin = second.connection(id).await.unwrap();
    set(&ours.teardown, Deed::Hangs);
    let removal = Handle::current().spawn(async move { first.remove(id).await.unwrap() });
    for (began, blob) in [(1, "second"), (2, "third")] {
        ours.until_began(began).await;
        replaced(&theirs, &twin, blob).await;
        if began == 2 {
            ours.gate.close();
            set(&ours.teardown, Deed::Well);
        }
        world.clock.advance(Duration::from_secs(30));
    }
    ours.gate.until_inside(1).await;
    replaced(&theirs, &twin, "fourth").await;
    ours.gate.open();
    assert_eq!(removal.await.unwrap().teardown, Teardown::Failed);
    assert_eq!(*ours.given_back.lock().unwrap(), [b"blob".to_vec(), b"second".to_vec(), b"third".to_vec()]);
    both_gone(&world, "failed:connection_changed", "revoked", "fake").await;
}

/// The previous credential is torn down, too, after the current one, and delays nothing.
#[tokio::test]
async fn the_credential_before_is_given_back_too() {
    for (deed, word, teardown) in [
        (Deed::Well, "revoked", Teardown::Revoked),
        (Deed::Offline, "failed:provider_error", Teardown::Failed),
        (Deed::Hangs, "failed:plugin_timeout", Teardown::Failed),
    ] {
        let world = World::new().await;
        let fake = Fake::new();
        let registry = world.open(fake.clone()).await;
        let connection = fake.connected(&registry, "ada").await;
        replaced(&fake, &connection, "second").await;
        let hangs = matches!(deed, Deed::Hangs);
        set(&fake.teardown, deed);
        let removal = Handle::current().spawn(async move { registry.remove(connection.id()).await.unwrap() });
        if hangs {
            // Each of them begins before its time is over.
            for began in 1..=2 {
                fake.until_began(began).await;
                world.clock.advance(Duration::from_secs(30));
            }
        }
        let removal = removal.await.unwrap();
        assert_eq!((removal.teardown, removal.previous), (teardown, Some(teardown)));
        let code = |reason: Option<Reason>| reason.map(|reason| reason.code.into_owned());
        let expected = word.split_once(':').map(|(_, code)| code.to_owned());
        assert_eq!((code(removal.reason), code(removal.previous_reason)), (expected.clone(), expected));
        assert_eq!(*fake.given_back.lock().unwrap(), [b"second".to_vec(), b"blob".to_vec()]);
        both_gone(&world, word, word, "fake").await;
    }
}

#[tokio::test]
async fn a_credential_before_that_does_not_open_is_skipped() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    replaced(&fake, &connection, "second").await;
    let broken = format!("UPDATE connection_credential SET sealed = {} WHERE generation = 1", sql::literal(&[0; 93]));
    assert_eq!(sql::run(&world.database(), broken).await, 1);
    let removal = registry.remove(connection.id()).await.unwrap();
    assert_eq!((removal.teardown, removal.previous), (Teardown::Revoked, Some(Teardown::NotRevoked)));
    assert_eq!(*fake.given_back.lock().unwrap(), [b"second".to_vec()]);
    both_gone(&world, "revoked", "not_revoked:credential_unreadable", "fake").await;
}
