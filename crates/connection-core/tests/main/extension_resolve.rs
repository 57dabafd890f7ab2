//! A requirement resolves to one connection, by presence alone, and to the documented JSON.

use connection_contract::{AuthType, Kind};
use connection_core::{Connection, ConnectionStatus, Error, ExtensionError, RequiredAction, ResolvedConnection};

use crate::{
    acme::KIND,
    extension_kit::{TWIN, Twin, acme_extension, handle, keys_are_accounts, needs, of, secret_name},
    fake::Fake,
    sql,
    test_host::{World, connected},
};

async fn resolved(handle: &connection_core::ExtensionHandle) -> ResolvedConnection {
    handle.resolve(handle.requirement()).await.unwrap()
}

#[tokio::test]
async fn the_json_is_as_documented_and_holds_no_row_id() {
    let world = World::new().await;
    let registry = world.acme().await;
    let handle = handle(&registry, "issues");
    let json = resolved(&handle).await.to_json().to_string();
    assert_eq!(
        json,
        r#"{"connectionId":"default","extensionName":"issues","missingSecretNames":["accessToken"],"provider":"acme","publicConfig":{"apiBaseUrl":"https://declared.example"},"status":"missing"}"#
    );
    let connection = connected(&registry, "key-1").await;
    let found = resolved(&handle).await;
    assert_eq!(
        found.to_json().to_string(),
        r#"{"connectionId":"default","extensionName":"issues","missingSecretNames":[],"provider":"acme","publicConfig":{"apiBaseUrl":"https://api.acme.example"},"status":"connected"}"#
    );
    assert!(!found.to_json().to_string().contains(&connection.id().to_string()));
    assert!(!found.is_granted(), "it is there, and nobody said that it may be used");
}

/// No plugin is called and no credential is opened: one that cannot be opened resolves like any other.
#[tokio::test]
async fn presence_alone_counts_and_what_is_sealed_stays_closed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let handle = handle(&registry, "issues");
    let id = sql::id(connected(&registry, "key-1").await.id());
    let broken = sql::literal(b"no envelope");
    let sql = format!("UPDATE connection_credential SET sealed = {broken} WHERE connection_id = {id}");
    assert_eq!(sql::run(&world.database(), sql).await, 1);
    assert_eq!(resolved(&handle).await.status, ConnectionStatus::Connected);
}

/// R-JINGLE-023 and R-JINGLE-024
#[tokio::test]
async fn a_blank_secret_is_missing_and_names_are_in_the_order_of_the_declaration() {
    let world = World::new().await;
    let twin = Twin::new();
    let registry = world.open(twin.clone()).await;
    let needs = |names: &[&str]| registry.extensions().handle(of("sms", needs(TWIN, AuthType::ApiKey, names))).unwrap();
    let both = needs(&["apiSecret", "apiKey"]);
    assert_eq!(resolved(&both).await.missing_secret_names, [secret_name("apiSecret"), secret_name("apiKey")]);
    let blank = twin.connected(&registry, "AC1", "  \u{2003} ").await;
    let found = resolved(&both).await;
    assert_eq!((found.status, found.connection()), (ConnectionStatus::Missing, None));
    assert_eq!(found.missing_secret_names, [secret_name("apiSecret")]);
    assert_eq!(resolved(&needs(&["apiKey"])).await.connection(), Some(blank.id()));
    let names = "SELECT secret_names FROM connection_credential";
    assert_eq!(sql::texts(&world.database(), names).await, [r#"["apiKey"]"#]);
    // A complete connection is selected, although there are two now.
    let whole = twin.connected(&registry, "AC2", "secret").await;
    assert_eq!(resolved(&both).await.connection(), Some(whole.id()));
}

/// C1: the alias `default` means the default of the provider.
#[tokio::test]
async fn several_are_missing_with_the_choice_as_the_remedy_and_the_default_settles_it() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let handle = handle(&registry, "issues");
    let one = connected(&registry, "one").await;
    let two = connected(&registry, "two").await;
    one.clear_default().await.unwrap();
    let found = resolved(&handle).await;
    assert_eq!((found.status, found.candidates()), (ConnectionStatus::Missing, &[one.id(), two.id()][..]));
    assert_eq!(found.missing_secret_names, [secret_name("accessToken")]);
    let error = found.to_json()["error"].clone();
    let end = |connection: &Connection| connection.id().to_string()[28..].to_owned();
    let message = format!(
        "several connections to 'acme' meet the requirement, and none of them is the default: acme:one ({}), \
         acme:two ({})",
        end(&one),
        end(&two)
    );
    assert_eq!((&error["code"], &error["message"]), (&"ambiguous".into(), &message.into()));
    assert!(error["remedy"].as_str().unwrap().starts_with("choose one of them for the extension"));
    let required = handle.connection_required().await.unwrap().unwrap();
    assert_eq!(required.action, RequiredAction::Choose);
    assert_eq!(handle.environment(None).await.unwrap_err().code(), "connection_missing");
    two.make_default().await.unwrap();
    assert_eq!(resolved(&handle).await.connection(), Some(two.id()));
    registry.remove(two.id()).await.unwrap();
    assert_eq!(resolved(&handle).await.connection(), Some(one.id()));
}

#[tokio::test]
async fn the_only_granted_connection_is_used_before_the_default() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let handle = handle(&registry, "issues");
    let default = connected(&registry, "one").await;
    let granted = connected(&registry, "two").await;
    let third = connected(&registry, "three").await;
    let extensions = registry.extensions();
    let check = async |expected: &Connection, why: &str| {
        let one = resolved(&handle).await;
        let all = extensions.resolve_all(&[handle.declaration().clone()]).await.unwrap().remove(0).unwrap();
        assert_eq!((one.connection(), one.is_chosen()), (Some(expected.id()), false), "{why}");
        assert_eq!(one, all, "{why}");
    };
    check(&default, "nothing is granted").await;
    extensions.grant("issues", granted.id(), &[secret_name("accessToken")]).await.unwrap();
    check(&granted, "it alone is granted").await;
    assert!(handle.environment(None).await.is_ok());
    extensions.grant("other", default.id(), &[]).await.unwrap();
    check(&granted, "the grant is of another extension").await;
    extensions.grant("issues", third.id(), &[]).await.unwrap();
    check(&default, "two are granted").await;
    extensions.revoke("issues", granted.id()).await.unwrap();
    check(&third, "it is granted, although without the secret").await;
    extensions.choose("issues", default.id()).await.unwrap();
    assert_eq!(resolved(&handle).await.connection(), Some(default.id()), "a choice wins");
    extensions.clear_choice("issues").await.unwrap();
    // A grant that was given past the program does not count.
    sql::run(&world.database(), "UPDATE connection_extension_grant SET names = '[\"accessToken\"]'").await;
    check(&default, "the only grant was edited").await;
}

#[tokio::test]
async fn among_many_connections_the_only_granted_one_is_found() {
    let world = World::new().await;
    let twin = Twin::new();
    let registry = world.open(twin.clone()).await;
    let sms = registry.extensions().handle(of("sms", needs(TWIN, AuthType::ApiKey, &["apiSecret"]))).unwrap();
    let blank = twin.connected(&registry, "AC0", " ").await;
    for number in 1..24 {
        twin.connected(&registry, &format!("AC{number}"), "secret").await;
    }
    let last = twin.connected(&registry, "last", "secret").await;
    let another = twin.connected(&registry, "another", "secret").await;
    blank.make_default().await.unwrap();
    let extensions = registry.extensions();
    extensions.grant("sms", last.id(), &[]).await.unwrap();
    assert_eq!(resolved(&sms).await.connection(), Some(last.id()));
    extensions.grant("sms", another.id(), &[]).await.unwrap();
    let found = resolved(&sms).await;
    assert_eq!(
        (found.connection(), found.candidates().len()),
        (None, 20),
        "two are granted, and neither is the default"
    );
    // One that does not hold the secret takes no part.
    extensions.revoke("sms", another.id()).await.unwrap();
    extensions.grant("sms", blank.id(), &[]).await.unwrap();
    assert_eq!(resolved(&sms).await.connection(), Some(last.id()));
}

#[tokio::test]
async fn a_connection_of_another_kind_of_the_provider_serves_and_that_of_another_provider_does_not() {
    let world = World::new().await;
    let other = Kind::from_static("other");
    let of_acme = Twin { kind: TWIN, provider: KIND, ..Twin::new() };
    let registry = world.acme().await;
    registry.kinds().register(of_acme.clone()).unwrap();
    registry.kinds().register(Twin { kind: other.clone(), provider: other.clone(), ..Twin::new() }).unwrap();
    let handle = registry.extensions().handle(of("sms", needs(KIND, AuthType::OAuth, &["apiKey"])));
    assert!(handle.is_err(), "oauth without its endpoints is no declaration");
    let handle = registry
        .extensions()
        .handle(of("sms", needs(KIND, AuthType::PersonalAccessToken, &["apiKey", "apiSecret"])))
        .unwrap();
    Twin { kind: other.clone(), provider: other, ..Twin::new() }.connected(&registry, "AC1", "s").await;
    connected(&registry, "key-1").await;
    assert_eq!(resolved(&handle).await.status, ConnectionStatus::Missing);
    let twin = of_acme.connected(&registry, "AC1", "s").await;
    let found = resolved(&handle).await;
    assert_eq!((found.connection(), found.provider.as_str()), (Some(twin.id()), "acme"));
    assert_eq!(handle.kinds_for_setup(), [TWIN]);
}

/// The extension's `apiKey` is the kind's `accessToken` if there is no other secret.
#[tokio::test]
async fn one_secret_that_is_declared_is_the_one_that_the_kind_hands_out_whatever_either_calls_it() {
    let world = World::new().await;
    let registry = world.acme().await;
    let other = registry.extensions().handle(of("other", needs(KIND, AuthType::ApiKey, &["apiKey"]))).unwrap();
    assert_eq!(other.kinds_for_setup(), [KIND]);
    let connection = connected(&registry, "key-1").await;
    assert_eq!(resolved(&other).await.connection(), Some(connection.id()));
    let all = registry.extensions().resolve_all(&[other.declaration().clone()]).await.unwrap().remove(0).unwrap();
    assert_eq!(all.status, ConnectionStatus::Connected);
    registry.extensions().grant("other", connection.id(), &[secret_name("apiKey")]).await.unwrap();
    let context = other.inject(None).await.unwrap();
    assert_eq!(context.secret("apiKey").unwrap().expose(), b"key-1");
    // With two declared names, the kind provides only one.
    let two =
        registry.extensions().handle(of("two", needs(KIND, AuthType::ApiKey, &["accessToken", "apiKey"]))).unwrap();
    let found = resolved(&two).await;
    assert_eq!(found.missing_secret_names, [secret_name("apiKey")]);
    let error = found.error.unwrap();
    assert_eq!(error.code, "connection_unsupported");
    let message = "no kind on this host hands out 'apiKey' of 'acme'; 'acme' hands out 'accessToken'";
    assert_eq!(error.message.as_str(), message);
    let refused = registry.extensions().grant("two", connection.id(), &[secret_name("apiKey")]).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.to_string().as_str()),
        ("unknown_secret", "'two' cannot be granted 'apiKey': 'acme' hands out 'accessToken'")
    );
    registry.extensions().grant("two", connection.id(), &[secret_name("accessToken")]).await.unwrap();
}

#[tokio::test]
async fn a_provider_that_is_not_installed_is_missing_and_owners_are_apart() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake).await;
    let handle = handle(&registry, "issues");
    assert_eq!(resolved(&handle).await.status, ConnectionStatus::Missing);
    registry.kinds().register(crate::acme::Acme::default()).unwrap();
    connected(&registry.owner("u42").unwrap(), "key-1").await;
    assert_eq!(resolved(&handle).await.status, ConnectionStatus::Missing);
    let theirs = registry.owner("u42").unwrap().extensions().handle(acme_extension("issues")).unwrap();
    assert_eq!(resolved(&theirs).await.status, ConnectionStatus::Connected);
    // A row whose plugin is not registered cannot be used.
    assert!(registry.kinds().unregister(&KIND));
    assert_eq!(resolved(&theirs).await.status, ConnectionStatus::Missing);
}

/// R-JINGLE-027 and R-JINGLE-046: a handle accepts only requirements of its own declaration.
#[tokio::test]
async fn another_requirement_than_its_own_is_refused_by_every_method() {
    let world = World::new().await;
    let registry = world.acme().await;
    let handle = handle(&registry, "issues");
    let other = needs(KIND, AuthType::ApiKey, &["apiKey"]);
    let error = handle.resolve(&other).await.unwrap_err();
    assert!(matches!(&error, Error::Extension(ExtensionError::Undeclared { what: "connection", .. })), "{error:?}");
    assert_eq!(error.to_string(), "'issues' declares no connection 'default'");
    let mut called = false;
    let result = handle.with_access_token(&other, async |_| called = true).await;
    assert_eq!((result.unwrap_err().code(), called), ("undeclared", false));
    assert_eq!(handle.inject(Some("delete-all")).await.unwrap_err().code(), "undeclared");
}

#[tokio::test]
async fn one_damaged_row_breaks_no_resolution() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let handle = handle(&registry, "issues");
    let one = connected(&registry, "one").await;
    let two = connected(&registry, "two").await;
    let id = sql::id(one.id());
    sql::run(
        &world.database(),
        format!("UPDATE connection_credential SET secret_names = '{{' WHERE connection_id = {id}"),
    )
    .await;
    assert_eq!(resolved(&handle).await.connection(), Some(two.id()));
}
