//! Several packages share a connection: generated ones, migrated ones and ones for a single task. It is stored
//! once, and each uses it as granted.

use connection_contract::AuthType;
use connection_core::ConnectionStatus;

use crate::{
    acme::KIND,
    extension_kit::{acme_extension, handle, needs, of, secret_name},
    sql,
    test_host::{World, answers, connected, step},
};

#[tokio::test]
async fn generated_migration_and_workflow_packages_share_one_connection() {
    let world = World::new().await;
    let registry = world.acme().await;
    // The provider's own extension connects, once.
    let own = acme_extension("acme");
    registry.extensions().add(&own, "own").await.unwrap();
    let own = registry.extensions().handle(own).unwrap();
    let session = registry.setups().begin(&KIND).extension(&own).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    session.terminal().await.unwrap();
    let id = own.resolve(own.requirement()).await.unwrap().connection().unwrap();
    for package in ["generated-42", "migration", "vertical-workflow"] {
        let handle = handle(&registry, package);
        let found = handle.resolve(handle.requirement()).await.unwrap();
        assert_eq!(
            (found.status, found.connection(), found.is_granted()),
            (ConnectionStatus::Connected, Some(id), false)
        );
        assert_eq!(handle.inject(Some("sync")).await.unwrap_err().code(), "not_granted");
        registry.extensions().grant(package, id, &[secret_name("accessToken")]).await.unwrap();
        let context = handle.inject(Some("sync")).await.unwrap();
        assert_eq!(context.secret("accessToken").unwrap().expose(), b"key-1");
        assert_eq!(context.public_config().to_string(), r#"{"apiBaseUrl":"https://api.acme.example"}"#);
    }
    let stored = "SELECT count(*) FROM connection_credential";
    assert_eq!(sql::number(&world.database(), stored).await, Some(1), "stored once, no copies");
    registry.extensions().revoke("migration", id).await.unwrap();
    let refused = handle(&registry, "migration").inject(Some("sync")).await.unwrap_err();
    assert_eq!(refused.code(), "not_granted");
    assert!(handle(&registry, "generated-42").inject(Some("sync")).await.is_ok());
}

/// R-JINGLE-042: only declared values are read, and the extension's own value takes precedence.
#[tokio::test]
async fn a_package_reads_the_declared_settings_of_the_providers_own_extension_and_no_others() {
    let world = World::new().await;
    let registry = world.acme().await;
    let shown = needs(KIND, AuthType::ApiKey, &["accessToken"]).public_preference("defaultDatabase");
    let own = of("acme", shown);
    let own_handle = registry.extensions().handle(own.clone()).unwrap();
    own_handle.set_preferences(None).set("defaultDatabase", "theirs").set("open", true).await.unwrap();
    let wants = needs(KIND, AuthType::ApiKey, &["accessToken"]).public_preference("defaultDatabase");
    let package = registry.extensions().handle(of("generated-42", wants)).unwrap();
    package.set_preferences(None).set("defaultDatabase", "mine").await.unwrap();
    let public = async || package.resolve(package.requirement()).await.unwrap().public_config.to_string();
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("acme", connection.id(), &[]).await.unwrap();
    let base = r#""apiBaseUrl":"https://api.acme.example""#;
    assert_eq!(public().await, format!(r#"{{{base},"defaultDatabase":"mine"}}"#), "it was not added");
    registry.extensions().add(&own, "own").await.unwrap();
    assert_eq!(public().await, format!(r#"{{{base},"defaultDatabase":"theirs"}}"#));
    let all = registry.extensions().resolve_all(&[package.declaration().clone()]).await.unwrap();
    assert_eq!(all[0].as_ref().unwrap().public_config.to_string(), public().await);
    // An extension of that name with another provider is not the provider's own.
    let other = of("acme", needs(connection_contract::Kind::from_static("other"), AuthType::ApiKey, &["accessToken"]));
    registry.extensions().add(&other, "other").await.unwrap();
    assert_eq!(public().await, format!(r#"{{{base},"defaultDatabase":"mine"}}"#));
}
