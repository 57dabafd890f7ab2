//! Nothing can be used without a grant, a grant can be revoked at any time, and both are on record.

use connection_contract::{AuthType, Kind, Secret};
use connection_core::{ChangedPart, Connection, ConnectionStatus, Error, ExtensionError, Grant};

use crate::{
    acme::KIND,
    extension_kit::{TWIN, Twin, acme_extension, handle, needs, of, refuses, secret_name},
    fake::Fake,
    sql,
    test_host::{World, connected},
};

async fn events(world: &World, connection: &Connection) -> Vec<String> {
    let id = sql::id(connection.id());
    let sql = format!(
        "SELECT kind || ' ' || body FROM connection_event WHERE connection_id = {id} AND \
         (kind LIKE 'extension%' OR kind = 'secret_released') ORDER BY seq"
    );
    sql::texts(&world.database(), sql).await
}

async fn token(handle: &connection_core::ExtensionHandle) -> Result<Vec<u8>, Error> {
    handle.with_access_token(handle.requirement(), async |token| token.expose().to_vec()).await
}

#[tokio::test]
async fn missing_and_revoked_grants_are_refused_with_a_remedy() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let names = [secret_name("accessToken")];
    let connection = connected(&registry, "key-1").await;
    let request = || async { connection.request("GET", "/me").await.unwrap() };
    let refused = token(&issues).await.unwrap_err();
    assert!(matches!(&refused, Error::Extension(ExtensionError::NotGranted { .. })), "{refused:?}");
    let id = connection.id();
    assert_eq!(refused.to_string(), format!("'issues' is not granted 'accessToken' of connection {id}"));
    assert_eq!((refused.code(), refused.remedy().unwrap().contains("grant 'issues'")), ("not_granted", true));
    let before = world.server.requests().len();
    assert_eq!(issues.send(request().await).await.unwrap_err().code(), "not_granted");
    assert_eq!(issues.request("GET", "/me").await.unwrap_err().code(), "not_granted");
    assert_eq!(issues.inject(None).await.unwrap_err().code(), "not_granted");
    assert_eq!(world.server.requests().len(), before);
    assert_eq!(events(&world, &connection).await, [""; 0]);

    // A use without secrets needs a separate grant.
    registry.extensions().grant("issues", id, &[]).await.unwrap();
    assert_eq!(issues.send(request().await).await.unwrap().status(), 200);
    assert_eq!(token(&issues).await.unwrap_err().code(), "not_granted");
    registry.extensions().grant("issues", id, &names).await.unwrap();
    registry.extensions().grant("issues", id, &names).await.unwrap();
    assert_eq!(token(&issues).await.unwrap(), b"key-1");
    assert_eq!(token(&handle(&registry, "other")).await.unwrap_err().code(), "not_granted");
    assert!(registry.extensions().revoke("issues", id).await.unwrap());
    assert!(!registry.extensions().revoke("issues", id).await.unwrap());
    assert_eq!(token(&issues).await.unwrap_err().code(), "not_granted");
    assert_eq!(issues.send(request().await).await.unwrap_err().code(), "not_granted");
    assert_eq!(
        events(&world, &connection).await,
        [
            r#"extension_granted {"extension":"issues","names":[]}"#,
            r#"extension_granted {"extension":"issues","names":["accessToken"]}"#,
            r#"secret_released {"extension":"issues","name":"accessToken"}"#,
            r#"extension_revoked {"extension":"issues","names":["accessToken"]}"#,
        ]
    );
    let history = registry.events().history(id, None).await.unwrap();
    assert_eq!(history.broken_at, None);
}

#[tokio::test]
async fn grants_are_seen_with_those_that_were_revoked_and_go_with_their_connection() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let names = [secret_name("accessToken")];
    registry.extensions().grant("a", connection.id(), &names).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(60));
    registry.extensions().grant("b", connection.id(), &[]).await.unwrap();
    registry.extensions().revoke("a", connection.id()).await.unwrap();
    let seen: Vec<_> = registry.extensions().grants().await.unwrap();
    let summary = |grant: &Grant| {
        let revoked = grant.revoked_at.map(|at| at.seconds() - world.now());
        (grant.extension.clone(), grant.names.len(), grant.created_at.seconds() - world.now(), revoked)
    };
    assert_eq!(seen.iter().map(summary).collect::<Vec<_>>(), [("a".into(), 1, -60, Some(0)), ("b".into(), 0, 0, None)]);
    assert!(registry.owner("u42").unwrap().extensions().grants().await.unwrap().is_empty());
    let theirs = registry.owner("u42").unwrap().extensions().grant("a", connection.id(), &names).await;
    assert!(matches!(theirs, Err(Error::NotFound(_))));
    assert!(!registry.owner("u42").unwrap().extensions().revoke("b", connection.id()).await.unwrap());
    registry.remove(connection.id()).await.unwrap();
    assert!(registry.extensions().grants().await.unwrap().is_empty());
    assert!(registry.extensions().grant(" ", connection.id(), &[]).await.is_err());
}

#[tokio::test]
async fn a_grant_is_of_a_connection_to_the_provider_that_is_needed() {
    let world = World::new().await;
    let twin = Twin::new();
    let registry = world.acme().await;
    registry.kinds().register(twin.clone()).unwrap();
    let other = twin.connected(&registry, "AC1", "secret").await;
    // The needs of an undeclared extension are not known.
    registry.extensions().grant("issues", other.id(), &[]).await.unwrap();
    registry.extensions().revoke("issues", other.id()).await.unwrap();
    let before = events(&world, &other).await;
    let refused = async |registry: &connection_core::ConnectionRegistry| {
        let error = registry.extensions().grant("issues", other.id(), &[]).await.unwrap_err();
        assert_eq!(error.to_string(), "'issues' needs a connection to 'acme', but 'twin' belongs to another provider");
        assert_eq!((error.code(), error.remedy().is_some()), ("other_provider", true));
    };
    let _issues = handle(&registry, "issues");
    refused(&registry).await;
    // In another process, an extension that was added.
    let process = world.acme().await;
    process.kinds().register(twin.clone()).unwrap();
    registry.extensions().add(&acme_extension("issues"), "1").await.unwrap();
    refused(&process).await;
    // The extension that was added counts, whatever was declared later.
    process.extensions().handle(of("issues", needs(TWIN, AuthType::ApiKey, &["apiKey"]))).unwrap();
    refused(&process).await;
    assert_eq!(events(&world, &other).await, before);
    assert!(registry.extensions().grants().await.unwrap().iter().all(|grant| grant.revoked_at.is_some()));
    // Any other kind of the provider is equally accepted.
    let kind = Kind::from_static("acme-twin");
    let same = Twin { kind: kind.clone(), provider: KIND, ..Twin::new() };
    registry.kinds().register(same.clone()).unwrap();
    let same = same.connected(&registry, "AC2", "secret").await;
    registry.extensions().grant("issues", same.id(), &[]).await.unwrap();
}

/// R-JINGLE-031: a missing or refused connection is reported when it is requested, as an error that the extension
/// can handle.
#[tokio::test]
async fn a_connection_that_is_missing_or_refused_is_an_error_that_says_which() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let missing = token(&issues).await.unwrap_err();
    assert_eq!(missing.code(), "connection_missing");
    assert!(missing.to_string().ends_with(crate::extension_kit::GUIDE), "{missing}");
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    refuses(&world);
    connection.verify().await.unwrap();
    let failed = token(&issues).await.unwrap_err();
    assert_eq!((failed.code(), failed.remedy().is_some()), ("connection_failed", true));
    assert!(matches!(failed, Error::Extension(ExtensionError::NotReady { status: ConnectionStatus::Failed, .. })));
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(token(&issues).await.unwrap_err().code(), "connection_missing");
}

#[tokio::test]
async fn a_use_that_cannot_be_recorded_is_none() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    sql::refuse(&world.database(), "INSERT ON connection_event").await;
    let mut called = false;
    let result = issues.with_access_token(issues.requirement(), async |_: &Secret| called = true).await;
    assert!(matches!(result, Err(Error::Store(_))) && !called);
    assert!(matches!(issues.inject(Some("list")).await, Err(Error::Store(_))));
    sql::refuse_no_more(&world.database()).await;
    assert_eq!(token(&issues).await.unwrap(), b"key-1");
}

/// Added extensions outlive the process. A removed extension has no access left.
#[tokio::test]
async fn removing_an_extension_revokes_and_forgets_in_one() {
    let world = World::new().await;
    let registry = world.acme().await;
    let declaration = acme_extension("issues");
    registry.extensions().add(&declaration, r#"{"name": "issues"}"#).await.unwrap();
    let issues = handle(&registry, "issues");
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    issues.set_preferences(None).set("open", true).await.unwrap();
    issues.set_preferences(Some("list")).set("limit", "5").await.unwrap();
    let other = world.acme().await;
    let added = other.extensions().list().await.unwrap();
    assert_eq!((added.len(), added[0].source.as_str()), (1, r#"{"name": "issues"}"#));
    assert_eq!(other.extensions().get("nobody").await.unwrap_err().to_string(), "unknown extension 'nobody'");
    sql::refuse(&world.database(), "INSERT ON connection_event").await;
    assert!(registry.extensions().remove("issues").await.is_err());
    sql::refuse_no_more(&world.database()).await;
    assert_eq!(issues.preferences(None).await.unwrap().set, ["open"], "as it was");
    assert!(registry.extensions().remove("issues").await.unwrap());
    assert!(!registry.extensions().remove("issues").await.unwrap());
    assert!(registry.extensions().grants().await.unwrap().iter().all(|grant| grant.revoked_at.is_some()));
    assert_eq!(token(&issues).await.unwrap_err().code(), "not_granted");
    assert_eq!(issues.preferences(Some("list")).await.unwrap().set, [""; 0]);
    assert!(registry.extensions().list().await.unwrap().is_empty());
    let events = events(&world, &connection).await;
    assert_eq!(events.last().unwrap(), r#"extension_revoked {"extension":"issues","names":["accessToken"]}"#);
}

/// A person was asked before the extension was removed.
#[tokio::test]
async fn a_grant_after_a_removal_does_not_pass_to_a_new_extension_of_that_name() {
    let world = World::new().await;
    let registry = world.acme().await;
    let declaration = acme_extension("issues");
    registry.extensions().add(&declaration, "{}").await.unwrap();
    let issues = handle(&registry, "issues");
    let connection = connected(&registry, "key-1").await;
    let names = [secret_name("accessToken")];
    let shown = connection.info().clone();
    registry.extensions().remove("issues").await.unwrap();
    registry.extensions().grant_shown("issues", &shown, &names).await.unwrap();
    let mut changes = registry.events().extension_changes();
    registry.extensions().add(&declaration, "{}").await.unwrap();
    assert_eq!(token(&issues).await.unwrap_err().code(), "not_granted");
    assert_eq!(changes.next().await.unwrap().parts, [ChangedPart::Grant]);
    // Adding an extension over an existing one keeps its grants.
    registry.extensions().grant_shown("issues", &shown, &names).await.unwrap();
    registry.extensions().add(&declaration, "{}").await.unwrap();
    assert_eq!(token(&issues).await.unwrap(), b"key-1");
}

#[tokio::test]
async fn the_grants_of_connections_and_those_to_an_extension_are_those_of_all_that_concern_them() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let one = fake.connected(&registry, "ada").await.id();
    let two = fake.connected(&registry, "bob").await.id();
    let other = fake.connected(&registry, "eve").await.id();
    for (extension, connection) in [("notes", one), ("issues", one), ("issues", two), ("issues", other)] {
        registry.extensions().grant(extension, connection, &[]).await.unwrap();
    }
    registry.extensions().revoke("issues", two).await.unwrap();
    let all = registry.extensions().grants().await.unwrap();
    let of_two: Vec<_> = all.iter().filter(|grant| grant.connection != other).cloned().collect();
    assert_eq!((all.len(), of_two.len()), (4, 3));
    assert_eq!(registry.extensions().grants_of(&[two, one]).await.unwrap(), of_two);
    assert_eq!(registry.extensions().grants_of(&[]).await.unwrap(), []);
    let open = |extension: &str| {
        let is_open = |grant: &&Grant| grant.extension == extension && grant.revoked_at.is_none();
        all.iter().filter(is_open).cloned().collect::<Vec<_>>()
    };
    assert_eq!((open("issues").len(), open("notes").len()), (2, 1));
    assert_eq!(registry.extensions().grants_to("issues").await.unwrap(), open("issues"));
    assert_eq!(registry.extensions().grants_to("nobody").await.unwrap(), []);
    // Nothing of another owner is read, and nothing that somebody edited.
    let theirs = registry.owner("u42").unwrap();
    assert_eq!(theirs.extensions().grants_of(&[one, two]).await.unwrap(), []);
    assert_eq!(theirs.extensions().grants_to("issues").await.unwrap(), []);
    sql::run(&world.database(), "UPDATE connection_extension_grant SET names = '[\"accessToken\"]'").await;
    assert_eq!(registry.extensions().grants_of(&[one, two]).await.unwrap(), []);
    assert_eq!(registry.extensions().grants_to("issues").await.unwrap(), []);
    registry.close().await;
}
