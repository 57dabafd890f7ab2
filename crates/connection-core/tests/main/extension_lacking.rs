//! A connection exists but lacks a secret that is needed. It is re-authorized, and not connected a second time.

use connection_contract::AuthType;
use connection_core::{ConnectionStatus, ExtensionHandle, Outcome, RequiredAction};

use crate::{
    extension_kit::{TWIN, Twin, acme_extension, handle, keys_are_accounts, needs, of, secret_name},
    old_rows::scheduled,
    sql,
    test_host::{World, answers, code, connected, step},
};

async fn required(handle: &ExtensionHandle) -> Option<RequiredAction> {
    handle.connection_required().await.unwrap().map(|view| view.action)
}

#[tokio::test]
async fn the_setup_of_the_view_provides_what_a_connection_lacks() {
    let world = World::new().await;
    let registry = world.acme().await;
    let twin = Twin::new();
    registry.kinds().register(twin.clone()).unwrap();
    let sms = registry.extensions().handle(of("sms", needs(TWIN, AuthType::ApiKey, &["apiKey", "apiSecret"]))).unwrap();
    assert_eq!(required(&sms).await, Some(RequiredAction::Connect), "there is none yet");
    let connection = twin.connected(&registry, "AC1", " ").await;
    let view = sms.connection_required().await.unwrap().unwrap();
    assert_eq!((view.action, view.connection), (RequiredAction::Reauthorize, Some(connection.id())));
    // The control: connecting it once more does not help.
    let again = registry.setups().begin(&TWIN).extension(&sms).await.unwrap();
    let both = answers(&[("apiKey", "AC1"), ("apiSecret", "two")]);
    let (no, _) = step(&again).await;
    again.advance(no, &both).await.unwrap();
    assert_eq!(code(&again.terminal().await.unwrap()), "account_connected");
    let session = registry.connection(view.connection.unwrap()).await.unwrap().reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &both).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    assert_eq!(sms.resolve(sms.requirement()).await.unwrap().status, ConnectionStatus::Connected);
}

/// If no connection can be selected, or the kind does not provide the secret, another connection is made.
#[tokio::test]
async fn a_connection_is_made_if_no_existing_one_can_hold_the_secret() {
    let world = World::new().await;
    let registry = world.acme().await;
    let twin = Twin::new();
    let mut plain = Twin::new();
    plain.kind = connection_contract::Kind::from_static("plain-twin");
    plain.hands_out = &["apiKey"];
    registry.kinds().register(twin.clone()).unwrap();
    registry.kinds().register(plain.clone()).unwrap();
    let sms = registry.extensions().handle(of("sms", needs(TWIN, AuthType::ApiKey, &["apiKey", "apiSecret"]))).unwrap();
    let one = plain.connected(&registry, "AC1", "two").await;
    let view = sms.connection_required().await.unwrap().unwrap();
    assert_eq!((view.action, view.kinds), (RequiredAction::Connect, vec![TWIN]));
    let other = twin.connected(&registry, "AC2", " ").await;
    assert_eq!(required(&sms).await, Some(RequiredAction::Connect), "none of the two is the default");
    other.make_default().await.unwrap();
    assert_eq!(required(&sms).await, Some(RequiredAction::Reauthorize));
    registry.remove(one.id()).await.unwrap();
}

/// A newer plugin finds secrets in the same credential that the version that stored it did not know.
#[tokio::test]
async fn a_row_that_says_less_than_its_credential_holds_is_mended_when_it_is_missed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let mut twin = Twin::new();
    twin.hands_out = &["apiKey"];
    registry.kinds().register(twin.clone()).unwrap();
    let connection = twin.connected(&registry, "AC1", "two").await;
    let sms = registry.extensions().handle(of("sms", needs(TWIN, AuthType::ApiKey, &["apiKey", "apiSecret"]))).unwrap();
    assert_eq!(required(&sms).await, Some(RequiredAction::Unavailable), "no kind hands it out");
    registry.kinds().unregister(&TWIN);
    registry.kinds().register(Twin::new()).unwrap();
    assert_eq!(sms.resolve(sms.requirement()).await.unwrap().status, ConnectionStatus::Missing);
    let view = sms.connection_required().await.unwrap().unwrap();
    assert_eq!((view.action, view.connection), (RequiredAction::Grant, Some(connection.id())));
    assert_eq!(sms.resolve(sms.requirement()).await.unwrap().status, ConnectionStatus::Connected);
    let held = sql::texts(&world.database(), "SELECT secret_names FROM connection_credential").await;
    assert_eq!(held, [r#"["apiKey","apiSecret"]"#]);
}

#[tokio::test]
async fn only_the_shown_account_can_be_confirmed() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let connection = connected(&registry, "one").await;
    let names = [secret_name("accessToken")];
    let shown = connection.info().clone();
    let session = connection.reauthorize().another_account().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "two")])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    let refused = registry.extensions().grant_shown("issues", &shown, &names).await.unwrap_err();
    assert_eq!((refused.code(), refused.remedy().is_some()), ("account_changed", true));
    assert!(registry.extensions().grants().await.unwrap().is_empty());
    let shown = registry.connection(connection.id()).await.unwrap().info().clone();
    let granted = registry.extensions().grant_shown("issues", &shown, &names).await.unwrap();
    assert_eq!((granted.connection, granted.names.as_slice()), (connection.id(), &names[..]));
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(registry.extensions().grant_shown("issues", &shown, &names).await.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn a_ticket_is_none_after_thirty_days_whether_or_not_it_was_deleted() {
    const DAYS: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 60 * 60);
    let world = World::new().await;
    let (registry, _) = crate::extension_handoff::open(&world).await;
    let issues = handle(&registry, "issues");
    let ticket = issues.open_extension_preferences().await.unwrap();
    world.clock.advance(DAYS);
    assert!(issues.retry(ticket).await.is_ok(), "the last second");
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(issues.retry(ticket).await.unwrap_err().code(), "unknown_ticket");
    let kept = async || sql::number(&world.database(), "SELECT count(*) FROM connection_extension_ticket").await;
    assert_eq!(kept().await, Some(1), "it is old, and there");
    handle(&registry, "other").open_extension_preferences().await.unwrap();
    assert_eq!(kept().await, Some(2), "the next one leaves it there");
    scheduled(&world, &registry, "SELECT count(*) FROM connection_extension_ticket", 1).await;
}

/// A name with a zero byte is never sent to a database.
#[tokio::test]
async fn names_with_a_zero_byte_are_nobodys_and_a_declaration_has_none() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    assert_eq!(
        registry.extensions().add(&acme_extension("issues"), "{\0}").await.unwrap_err().code(),
        "invalid_declaration"
    );
    let long = "x".repeat((1 << 20) + 1);
    assert_eq!(
        registry.extensions().add(&acme_extension("issues"), long).await.unwrap_err().code(),
        "declaration_too_large"
    );
    assert!(!registry.extensions().remove("iss\0ues").await.unwrap());
    assert!(!registry.extensions().revoke("iss\0ues", connection.id()).await.unwrap());
    assert_eq!(registry.extensions().get("iss\0ues").await.unwrap_err().code(), "unknown_extension");
}
