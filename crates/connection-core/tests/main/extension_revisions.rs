//! Four revisions, each incremented by its own writes. A commit that crossed a change is refused, and each commit
//! is announced.

use std::sync::{Arc, Mutex};

use connection_core::{ChangedPart, ConnectionRegistry, Error, ExtensionError, ExtensionHandle, Outcome};

use crate::{
    extension_kit::{handle, keys_are_accounts},
    test_host::{World, answers, connected, step},
};

async fn counts(handle: &ExtensionHandle) -> [u64; 4] {
    let now = handle.revisions(Some("list")).await.unwrap();
    [now.extension_config, now.command_config, now.connection_config, now.credential]
}

async fn reauthorized(registry: &ConnectionRegistry, connection: &connection_core::Connection, base: &str) {
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "one"), ("apiBaseUrl", base)])).await.unwrap();
    let outcome = session.terminal().await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    registry.connection(connection.id()).await.unwrap();
}

/// R-JINGLE-048 and R-JINGLE-049
#[tokio::test]
async fn each_write_counts_in_its_own_place_alone() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    assert_eq!(counts(&issues).await, [0, 0, 0, 0]);
    issues.set_preferences(None).set("open", true).await.unwrap();
    assert_eq!(counts(&issues).await, [1, 0, 0, 0]);
    // Writing the same value again counts, since it was written.
    issues.set_preferences(None).set("open", true).await.unwrap();
    assert_eq!(counts(&issues).await, [2, 0, 0, 0]);
    issues.set_preferences(Some("list")).set("limit", "5").await.unwrap();
    assert_eq!(counts(&issues).await, [2, 1, 0, 0]);
    issues.set_preferences(None).set("apiBaseUrl", "https://mine.example").await.unwrap();
    assert_eq!(counts(&issues).await, [3, 1, 1, 0]);
    issues.set_preferences(None).set("apiBaseUrl", "https://mine.example").await.unwrap();
    assert_eq!(counts(&issues).await, [4, 1, 1, 0], "nothing public became another");
    let connection = connected(&registry, "one").await;
    assert_eq!(counts(&issues).await, [4, 1, 1, 1]);
    // The value of the connection takes precedence, so this changes nothing public.
    issues.set_preferences(None).unset("apiBaseUrl").await.unwrap();
    assert_eq!(counts(&issues).await, [5, 1, 1, 1]);
    reauthorized(&registry, &connection, crate::acme::API).await;
    assert_eq!(counts(&issues).await, [5, 1, 1, 2], "another credential, and the same configuration");
    let other = format!("{}/", crate::acme::API);
    reauthorized(&registry, &connection, &format!("{other}v2")).await;
    assert_eq!(counts(&issues).await, [5, 1, 2, 3]);
    assert_eq!(counts(&handle(&registry, "other")).await, [0, 0, 1, 3], "of the connection alone");
}

/// R-JINGLE-047
#[tokio::test]
async fn a_commit_that_crossed_a_change_is_refused_and_moves_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let seen = issues.revisions(None).await.unwrap();
    issues.set_preferences(None).set("open", true).await.unwrap();
    let crossed = async |seen| issues.set_preferences(None).set("open", false).expected(seen).await.unwrap_err();
    let error = crossed(seen).await;
    assert!(matches!(&error, Error::Extension(ExtensionError::Crossed { .. })), "{error:?}");
    assert_eq!((error.code(), error.remedy().is_some()), ("settings_changed", true));
    assert_eq!(counts(&issues).await, [1, 0, 0, 0]);
    let seen = issues.revisions(None).await.unwrap();
    // The settings of a command are not part of what was read.
    issues.set_preferences(Some("list")).set("limit", "5").await.unwrap();
    let seen_after = issues.set_preferences(None).set("open", false).expected(seen).await.unwrap();
    connected(&registry, "key-1").await;
    crossed(seen_after).await;
    let fresh = issues.preferences(None).await.unwrap().revisions;
    issues.set_preferences(None).set("open", true).expected(fresh).await.unwrap();
    // One of two writers that read the same state is refused.
    let fresh = issues.revisions(None).await.unwrap();
    let a = issues.set_preferences(None).expected(fresh);
    let b = issues.set_preferences(None).expected(fresh);
    let (a, b) = tokio::join!(a.set("open", true).into_future(), b.set("open", false).into_future());
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1);
}

/// R-JINGLE-050 and R-JINGLE-051
#[tokio::test]
async fn a_committed_change_is_told_to_the_host_first_then_to_who_shows_it_and_holds_no_value() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let changes = Arc::new(Mutex::new(Vec::new()));
    let ui = Arc::new(Mutex::new(registry.events().extension_changes()));
    let shown = Arc::new(Mutex::new(Vec::new()));
    let heard = changes.clone();
    let stream = ui.clone();
    let shows = shown.clone();
    let listener = registry.events().on_extension_change(move |change| {
        use futures_core::Stream as _;
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut stream = stream.lock().unwrap();
        if let std::task::Poll::Ready(Some(early)) = std::pin::Pin::new(&mut *stream).poll_next(&mut cx) {
            shows.lock().unwrap().push(early);
        }
        let first = !shows.lock().unwrap().contains(change);
        heard.lock().unwrap().push((change.clone(), first));
    });
    let panics = registry.events().on_extension_change(|_| panic!("told so"));
    let others = registry.owner("u42").unwrap().events().on_extension_change(|_| unreachable!("another owner's"));
    issues.set_preferences(None).set("apiBaseUrl", "https://canary-value.example").await.unwrap();
    issues.set_preferences(Some("list")).set("limit", "7").await.unwrap();
    assert!(issues.set_preferences(None).set("open", "no").await.is_err());
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[]).await.unwrap();
    registry.extensions().grant("issues", connection.id(), &[]).await.unwrap();
    let changes = std::mem::take(&mut *changes.lock().unwrap());
    use ChangedPart::{CommandConfig, ConnectionConfig, ExtensionConfig, Grant};
    let parts: Vec<_> = changes.iter().map(|(change, _)| change.parts.clone()).collect();
    assert_eq!(parts, [vec![ExtensionConfig, ConnectionConfig], vec![CommandConfig], vec![Grant]]);
    assert!(changes.iter().all(|(_, first)| *first), "nobody had shown it before");
    assert!(!format!("{changes:?}").contains("canary"));
    assert_eq!(changes[1].0.command.as_deref(), Some("list"));
    let mut all = std::mem::take(&mut *shown.lock().unwrap());
    drop(listener);
    let mut ui = Arc::into_inner(ui).unwrap().into_inner().unwrap();
    all.extend(ui.next().await);
    assert!(all.iter().eq(changes.iter().map(|(change, _)| change)), "{all:?}");
    drop((panics, others));
}
