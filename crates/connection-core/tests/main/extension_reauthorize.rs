//! A connection that is refused is re-authorized for an extension, which grants it to that extension.

use connection_contract::{AuthType, Requirement};
use connection_core::{ChangedPart, Connection, Outcome, RequiredAction, SetupSession};

use crate::{
    acme::KIND,
    extension_handoff::{answered, open, token, word},
    extension_kit::{TWIN, Twin, acme_extension, handle, keys_are_accounts, needs, of, refuses, secret_name},
    sql,
    test_host::{World, answers, code, connected, me, step},
};

/// Answers the first prompt and returns the outcome.
async fn ended(session: &SetupSession, key: &str) -> Outcome {
    let (no, _) = step(session).await;
    session.advance(no, &answers(&[("accessToken", key)])).await.unwrap();
    session.terminal().await.unwrap()
}

/// Returns the events about extensions.
async fn granted(world: &World) -> Vec<String> {
    let sql =
        "SELECT kind || ' ' || body FROM connection_event WHERE kind LIKE 'extension%' ORDER BY connection_id, seq";
    sql::texts(&world.database(), sql).await
}

async fn failing(world: &World, connection: &Connection) {
    refuses(world);
    connection.verify().await.unwrap();
}

#[tokio::test]
async fn what_is_refused_is_authorized_again_by_the_hand_off_and_granted_and_the_command_goes_on() {
    let world = World::new().await;
    let (registry, _) = open(&world).await;
    let issues = handle(&registry, "issues");
    // A person connected it without an extension.
    let connection = connected(&registry, "key-1").await;
    failing(&world, &connection).await;
    assert_eq!(issues.connection_required().await.unwrap().unwrap().action, RequiredAction::Reauthorize);
    let ticket = issues.open_native_extension_settings(Some("list")).await.unwrap();
    assert_eq!(registry.setups().list().await.unwrap()[0].reauthorizes, Some(connection.id()));
    assert_eq!(word(&issues.retry(ticket).await.unwrap()), "failed");
    // The provider accepts the new key, and the setup ends in another process.
    world.provider(|_| me("1", "ada"));
    let other = open(&world).await.0;
    let Outcome::Done(done) = answered(&other, "key-2").await else { panic!("not authorized") };
    assert_eq!(done.connection, connection.id());
    assert_eq!(word(&issues.retry(ticket).await.unwrap()), r#"connected Some("list")"#);
    assert_eq!(token(&issues).await.unwrap(), b"key-2");
    assert!(issues.connection_required().await.unwrap().is_none());
    let events = granted(&world).await;
    assert!(
        events[0].starts_with(r#"extension_granted {"extension":"issues","names":["accessToken"],"session":""#),
        "{events:?}"
    );
    // No other extension gets a grant.
    let foreign = handle(&registry, "foreign");
    assert_eq!(foreign.connection_required().await.unwrap().unwrap().action, RequiredAction::Grant);
}

#[tokio::test]
async fn a_setup_in_place_that_fails_is_told_and_grants_nothing() {
    let world = World::new().await;
    let (registry, _) = open(&world).await;
    let issues = handle(&registry, "issues");
    let connection = connected(&registry, "key-1").await;
    failing(&world, &connection).await;
    let ticket = issues.open_native_extension_settings(None).await.unwrap();
    assert_eq!(code(&answered(&registry, "key-2").await), "unauthorized");
    assert_eq!(word(&issues.retry(ticket).await.unwrap()), "unauthorized");
    // The control: a re-authorization without an extension grants nothing.
    world.provider(|_| me("1", "ada"));
    let session = connection.reauthorize().await.unwrap();
    assert!(matches!(ended(&session, "key-2").await, Outcome::Done(_)));
    assert_eq!(word(&issues.retry(ticket).await.unwrap()), "not granted, connected");
    assert!(registry.extensions().grants().await.unwrap().is_empty());
}

/// A person consents to the account that the connection has at the end.
#[tokio::test]
async fn after_a_change_of_account_only_the_authorizing_extension_has_a_grant() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let other = handle(&registry, "other");
    let connection = connected(&registry, "one").await;
    for name in ["issues", "other"] {
        registry.extensions().grant(name, connection.id(), &[secret_name("accessToken")]).await.unwrap();
    }
    let changes = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = changes.clone();
    let _listener = registry.events().on_extension_change(move |change| {
        let parts: Vec<_> = change.parts.iter().map(|part| ChangedPart::as_str(*part)).collect();
        heard.lock().unwrap().push(format!("{} {}", change.extension, parts.join(" ")));
    });
    let taken = || std::mem::take(&mut *changes.lock().unwrap());
    let again = connection.reauthorize().extension(&issues).await.unwrap();
    assert!(matches!(ended(&again, "one").await, Outcome::Done(_)));
    assert_eq!(taken(), ["issues credential", "other credential"], "it had the grant already");
    let session = connection.reauthorize().another_account().extension(&issues).await.unwrap();
    assert!(matches!(ended(&session, "two").await, Outcome::Done(_)));
    assert_eq!(taken(), ["issues credential grant", "other credential grant"]);
    assert_eq!(token(&issues).await.unwrap(), b"two");
    assert_eq!(token(&other).await.unwrap_err().code(), "not_granted");
    // An extension without a grant is notified of everything, and one that had fewer secrets of what it has now.
    let session = connection.reauthorize().extension(&other).await.unwrap();
    assert!(matches!(ended(&session, "two").await, Outcome::Done(_)));
    assert_eq!(taken(), ["issues credential", "other connection-config credential grant"]);
    registry.extensions().grant("other", connection.id(), &[]).await.unwrap();
    taken();
    let session = connection.reauthorize().extension(&other).await.unwrap();
    assert!(matches!(ended(&session, "two").await, Outcome::Done(_)));
    assert_eq!(taken(), ["issues credential", "other credential grant"]);
}

#[tokio::test]
async fn a_declaration_that_changes_in_mid_setup_leaves_the_connection_as_it_is() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let changed: Requirement = needs(KIND, AuthType::PersonalAccessToken, &["accessToken"]);
    for how in ["added again", "removed", "the same"] {
        registry.extensions().add(&acme_extension("issues"), "1").await.unwrap();
        let issues = handle(&registry, "issues");
        let session = connection.reauthorize().extension(&issues).await.unwrap();
        match how {
            "added again" => drop(registry.extensions().add(&of("issues", changed.clone()), "2").await.unwrap()),
            "removed" => drop(registry.extensions().remove("issues").await.unwrap()),
            _ => {}
        }
        let outcome = ended(&session, "key-2").await;
        let token = connection.with_access_token(async |token| token.expose().to_vec()).await.unwrap();
        let is_granted = registry.extensions().grants().await.unwrap().iter().any(|grant| grant.revoked_at.is_none());
        match how {
            "the same" => {
                assert!(matches!(outcome, Outcome::Done(_)), "the control: {outcome:?}");
                assert_eq!((token.as_slice(), is_granted), (&b"key-2"[..], true));
            }
            _ => {
                assert_eq!(code(&outcome), "connection_changed", "{how}");
                assert_eq!((token.as_slice(), is_granted), (&b"key-1"[..], false), "{how}");
            }
        }
    }
}

#[tokio::test]
async fn the_extension_must_belong_to_the_provider_and_the_owner() {
    let world = World::new().await;
    let registry = world.acme().await;
    registry.kinds().register(Twin::new()).unwrap();
    let connection = connected(&registry, "key-1").await;
    let sms = registry.extensions().handle(of("sms", needs(TWIN, AuthType::ApiKey, &["apiKey"]))).unwrap();
    let error = connection.reauthorize().extension(&sms).await.unwrap_err();
    assert_eq!(error.to_string(), "'sms' needs a connection to 'twin', but 'acme' belongs to another provider");
    assert!(registry.setups().list().await.unwrap().is_empty());
    let theirs = handle(&registry.owner("u42").unwrap(), "issues");
    let session = connection.reauthorize().extension(&theirs).await.unwrap();
    assert!(matches!(ended(&session, "key-2").await, Outcome::Done(_)));
    assert!(registry.extensions().grants().await.unwrap().is_empty());
    assert!(registry.owner("u42").unwrap().extensions().grants().await.unwrap().is_empty());
}
