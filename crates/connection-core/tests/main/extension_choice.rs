//! An extension uses the connection that a person chose for it. The choice grants nothing.

use connection_contract::AuthType;
use connection_core::{ConnectionRegistry, ConnectionStatus, ExtensionHandle, RequiredAction, ResolvedConnection};

use crate::{
    acme::Acme,
    extension_kit::{TWIN, Twin, acme_extension, handle, keys_are_accounts, needs, of, secret_name},
    test_host::{World, connected},
};

/// Resolves by the handle and by the page of many, which give the same result.
async fn resolved(registry: &ConnectionRegistry, handle: &ExtensionHandle) -> ResolvedConnection {
    let one = handle.resolve(handle.requirement()).await.unwrap();
    let all = registry.extensions().resolve_all(&[handle.declaration().clone()]).await.unwrap().remove(0).unwrap();
    assert_eq!(one, all);
    one
}

#[tokio::test]
async fn two_extensions_use_two_accounts_by_choice_whatever_the_default_is() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let triage = handle(&registry, "triage");
    let one = connected(&registry, "one").await;
    let two = connected(&registry, "two").await;
    registry.extensions().choose("issues", two.id()).await.unwrap();
    for default in [&one, &two] {
        default.make_default().await.unwrap();
        assert_eq!(resolved(&registry, &issues).await.connection(), Some(two.id()));
        assert_eq!(resolved(&registry, &triage).await.connection(), Some(default.id()));
    }
    assert!(!resolved(&registry, &triage).await.is_chosen(), "it follows the default");
    let found = resolved(&registry, &issues).await;
    assert!(found.is_chosen() && !found.is_granted(), "a choice grants nothing");
    assert_eq!(issues.environment(None).await.unwrap_err().code(), "not_granted");
    let token = [secret_name("accessToken")];
    registry.extensions().grant("issues", one.id(), &token).await.unwrap();
    assert_eq!(issues.environment(None).await.unwrap_err().code(), "not_granted", "it is of another connection");
    registry.extensions().grant("issues", two.id(), &token).await.unwrap();
    let token = issues.with_access_token(issues.requirement(), async |token| token.expose().to_vec()).await;
    assert_eq!(token.unwrap(), b"two");
    // Another process reads the choice, and another owner has separate choices.
    let other = world.builder().kind(Acme::default()).open().await.unwrap();
    assert_eq!(resolved(&other, &handle(&other, "issues")).await.connection(), Some(two.id()));
    one.make_default().await.unwrap();
    assert!(registry.extensions().clear_choice("issues").await.unwrap());
    assert!(!registry.extensions().clear_choice("issues").await.unwrap());
    let found = resolved(&registry, &issues).await;
    assert_eq!((found.connection(), found.is_chosen()), (Some(one.id()), false));
}

#[tokio::test]
async fn a_choice_goes_with_its_connection_and_with_its_extension() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let one = connected(&registry, "one").await;
    let two = connected(&registry, "two").await;
    one.make_default().await.unwrap();
    registry.extensions().choose("issues", two.id()).await.unwrap();
    registry.remove(two.id()).await.unwrap();
    assert_eq!(resolved(&registry, &issues).await.connection(), Some(one.id()));
    let three = connected(&registry, "three").await;
    registry.extensions().add(&acme_extension("issues"), "issues").await.unwrap();
    registry.extensions().choose("issues", three.id()).await.unwrap();
    registry.extensions().remove("issues").await.unwrap();
    assert_eq!(resolved(&registry, &issues).await.connection(), Some(one.id()));
    assert!(registry.events().edited_rows().await.unwrap().is_empty());
}

/// Another connection would be another account than the person chose.
#[tokio::test]
async fn the_chosen_connection_is_selected_even_if_it_lacks_a_secret() {
    let world = World::new().await;
    let twin = Twin::new();
    let registry = world.open(twin.clone()).await;
    let sms = registry.extensions().handle(of("sms", needs(TWIN, AuthType::ApiKey, &["apiSecret"]))).unwrap();
    twin.connected(&registry, "AC1", "secret").await.make_default().await.unwrap();
    let blank = twin.connected(&registry, "AC2", " ").await;
    registry.extensions().choose("sms", blank.id()).await.unwrap();
    let found = resolved(&registry, &sms).await;
    assert_eq!((found.status, found.missing_secret_names.len()), (ConnectionStatus::Missing, 1));
    let required = sms.connection_required().await.unwrap().unwrap();
    assert_eq!((required.action, required.connection), (RequiredAction::Reauthorize, Some(blank.id())));
}

#[tokio::test]
async fn a_choice_is_of_a_connection_to_the_provider_that_is_needed() {
    let world = World::new().await;
    let twin = Twin::new();
    let registry = world.acme().await;
    registry.kinds().register(twin.clone()).unwrap();
    let other = twin.connected(&registry, "AC1", "secret").await;
    let issues = handle(&registry, "issues");
    let refused = registry.extensions().choose("issues", other.id()).await.unwrap_err();
    assert_eq!(refused.code(), "other_provider");
    let mine = connected(&registry, "key-1").await;
    let theirs = registry.owner("u42").unwrap();
    assert_eq!(theirs.extensions().choose("issues", mine.id()).await.unwrap_err().code(), "not_found");
    assert_eq!(registry.extensions().choose(" ", mine.id()).await.unwrap_err().code(), "unknown_extension");
    assert_eq!(resolved(&registry, &issues).await.connection(), Some(mine.id()));
}
