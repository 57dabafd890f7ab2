//! A connection changes its account, gets another credential, or is removed: the secrets that extensions may then use,
//! and the notifications that they get.

use std::sync::{Arc, Mutex, atomic::Ordering::SeqCst};

use connection_contract::{AuthType, Liveness};
use connection_core::{ChangedPart, Connection, ConnectionRegistry, ExtensionListener, RequiredAction};

use crate::{
    extension_kit::{TWIN, Twin, handle, keys_are_accounts, needs, of, secret_name},
    renewing::Renewals,
    sql,
    test_host::{World, answers, code, connected, step},
    test_server::Reply,
};

type Notices = Arc<Mutex<Vec<String>>>;

fn listen(registry: &ConnectionRegistry) -> (ExtensionListener, Notices) {
    let notices = Notices::default();
    let heard = notices.clone();
    let listener = registry.events().on_extension_change(move |change| {
        let parts: Vec<_> = change.parts.iter().map(|part| ChangedPart::as_str(*part)).collect();
        heard.lock().unwrap().push(format!("{} {}", change.extension, parts.join(" ")));
    });
    (listener, notices)
}

fn taken(notices: &Notices) -> Vec<String> {
    std::mem::take(&mut *notices.lock().unwrap())
}

async fn holding(registry: &ConnectionRegistry) -> Vec<String> {
    let grants = registry.extensions().grants().await.unwrap().into_iter();
    grants.filter(|grant| grant.revoked_at.is_none()).map(|grant| grant.extension).collect()
}

async fn reauthorized(connection: &Connection, key: &str) -> String {
    let session = connection.reauthorize().another_account().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", key)])).await.unwrap();
    code(&session.terminal().await.unwrap())
}

#[tokio::test]
async fn who_may_use_the_former_or_the_new_default_is_told_once_that_another_is_meant() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let one = connected(&registry, "one").await;
    let two = connected(&registry, "two").await;
    registry.extensions().grant("both", one.id(), &[]).await.unwrap();
    registry.extensions().grant("both", two.id(), &[]).await.unwrap();
    registry.extensions().grant("one", one.id(), &[]).await.unwrap();
    registry.extensions().grant("revoked", two.id(), &[]).await.unwrap();
    registry.extensions().revoke("revoked", two.id()).await.unwrap();
    one.clear_default().await.unwrap();
    let (_listener, notices) = listen(&registry);
    let another = |names: &[&str]| -> Vec<_> {
        names.iter().map(|name| format!("{name} connection-config credential")).collect()
    };
    one.make_default().await.unwrap();
    assert_eq!(taken(&notices), another(&["both", "one"]));
    one.make_default().await.unwrap();
    assert!(taken(&notices).is_empty(), "nothing was changed");
    two.make_default().await.unwrap();
    assert_eq!(taken(&notices), another(&["both", "one"]));
    two.clear_default().await.unwrap();
    assert_eq!(taken(&notices), another(&["both"]));
}

#[tokio::test]
async fn a_grant_does_not_survive_a_change_of_account_in_either_direction() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let connection = connected(&registry, "one").await;
    let names = [secret_name("accessToken")];
    registry.extensions().grant("a", connection.id(), &names).await.unwrap();
    registry.extensions().grant("b", connection.id(), &[]).await.unwrap();
    let (_listener, notices) = listen(&registry);
    assert_eq!(reauthorized(&connection, "one").await, "done Live");
    assert_eq!(holding(&registry).await, ["a", "b"], "the control: the same account");
    assert_eq!(taken(&notices), ["a credential", "b credential"]);
    assert_eq!(reauthorized(&connection, "two").await, "done Live");
    assert!(holding(&registry).await.is_empty());
    assert_eq!(taken(&notices), ["a credential grant", "b credential grant"]);
    let a = handle(&registry, "a");
    let result = a.with_access_token(a.requirement(), async |_| unreachable!("the other account's")).await;
    assert_eq!(result.unwrap_err().code(), "not_granted");
    let revoked = "SELECT body FROM connection_event WHERE kind = 'extension_revoked'";
    assert_eq!(sql::texts(&world.database(), revoked).await.len(), 2, "it is on record");
    // A grant for the second account does not hold for the first.
    registry.extensions().grant("a", connection.id(), &names).await.unwrap();
    taken(&notices);
    connection.rollback().await.unwrap();
    assert!(holding(&registry).await.is_empty());
    assert_eq!(taken(&notices), ["a credential grant"]);
}

#[tokio::test]
async fn a_change_of_account_that_cannot_be_committed_takes_nothing_back_and_tells_nothing() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let connection = connected(&registry, "one").await;
    assert_eq!(reauthorized(&connection, "two").await, "done Live");
    registry.extensions().grant("a", connection.id(), &[]).await.unwrap();
    let (_listener, notices) = listen(&registry);
    sql::refuse(&world.database(), "INSERT ON connection_event").await;
    assert!(connection.rollback().await.is_err());
    sql::refuse_no_more(&world.database()).await;
    assert_eq!(holding(&registry).await, ["a"]);
    assert!(taken(&notices).is_empty());
}

#[tokio::test]
async fn extensions_with_a_grant_are_notified_of_rotation_and_removal() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let (_listener, notices) = listen(&registry);
    registry.extensions().grant("a", connection.id(), &[]).await.unwrap();
    registry.extensions().grant("gone", connection.id(), &[]).await.unwrap();
    registry.extensions().revoke("gone", connection.id()).await.unwrap();
    taken(&notices);
    world.provider(|_| Reply::whole(200, "", r#"{"id": "1", "name": "ada", "rotate": "key-2"}"#));
    connection.verify().await.unwrap();
    assert_eq!(taken(&notices), ["a credential"]);
    world.provider(|_| crate::test_host::me("1", "ada"));
    connection.verify().await.unwrap();
    assert!(taken(&notices).is_empty(), "the control: nothing was changed");
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(taken(&notices), ["a connection-config credential grant"]);
}

#[tokio::test]
async fn extensions_with_a_grant_are_notified_of_a_refresh() {
    let renewals = Renewals::new().await;
    renewals.registry.extensions().grant("a", renewals.connection.id(), &[]).await.unwrap();
    let (_listener, notices) = listen(&renewals.registry);
    renewals.connection.refresh().await.unwrap();
    assert_eq!(taken(&notices), ["a credential"]);
}

#[tokio::test]
async fn a_grant_of_fewer_secrets_than_are_declared_by_now_is_none_that_suffices() {
    let world = World::new().await;
    let registry = world.acme().await;
    let twin = Twin::new();
    registry.kinds().register(twin.clone()).unwrap();
    let connection = twin.connected(&registry, "AC1", "secret").await;
    registry.extensions().grant("half", connection.id(), &[secret_name("apiKey")]).await.unwrap();
    for (names, suffices) in [(&["apiKey"][..], true), (&["apiKey", "apiSecret"], false)] {
        let half = registry.extensions().handle(of("half", needs(TWIN, AuthType::ApiKey, names))).unwrap();
        assert_eq!(half.resolve(half.requirement()).await.unwrap().is_granted(), suffices);
        let all = registry.extensions().resolve_all(&[half.declaration().clone()]).await.unwrap();
        assert_eq!(all[0].as_ref().unwrap().is_granted(), suffices);
        let action = half.connection_required().await.unwrap().map(|view| view.action);
        assert_eq!(action, (!suffices).then_some(RequiredAction::Grant));
        assert_eq!(half.inject(None).await.is_ok(), suffices);
    }
}

#[tokio::test]
async fn a_plugin_that_cannot_say_what_a_credential_holds_takes_no_name_away() {
    let world = World::new().await;
    let registry = world.acme().await;
    let twin = Twin::new();
    registry.kinds().register(twin.clone()).unwrap();
    let connection = twin.connected(&registry, "AC1", "  ").await;
    let held = async || sql::texts(&world.database(), "SELECT secret_names FROM connection_credential").await;
    assert_eq!(held().await, [r#"["apiKey"]"#]);
    twin.fails.store(true, SeqCst);
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("apiKey", "AC1"), ("apiSecret", "  ")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(held().await, [r#"["apiKey"]"#, r#"["apiKey"]"#], "as the row before has it");
    twin.connected(&registry, "AC2", "two").await;
    assert_eq!(held().await.last().unwrap(), r#"["apiKey","apiSecret"]"#, "what its kind declares");
}

/// The same as the next test, before an extension requests a missing secret.
#[tokio::test]
async fn a_row_that_says_more_or_less_than_its_credential_holds_is_mended_when_it_is_verified() {
    let world = World::new().await;
    let registry = world.acme().await;
    let twin = Twin::new();
    registry.kinds().register(twin.clone()).unwrap();
    let connection = twin.connected(&registry, "AC1", "  ").await;
    let declared = of("both", needs(TWIN, AuthType::ApiKey, &["apiKey", "apiSecret"]));
    let both = registry.extensions().handle(declared).unwrap();
    let held = async || sql::texts(&world.database(), "SELECT secret_names FROM connection_credential").await;
    for before in [r#"["apiKey","apiSecret"]"#, "[]", "{"] {
        let edit = format!("UPDATE connection_credential SET secret_names = '{before}'");
        sql::run(&world.database(), edit).await;
        twin.fails.store(true, SeqCst);
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
        assert_eq!(held().await, [before], "who cannot tell changes nothing");
        twin.fails.store(false, SeqCst);
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
        assert_eq!(held().await, [r#"["apiKey"]"#]);
        let found = both.resolve(both.requirement()).await.unwrap();
        assert_eq!(found.missing_secret_names, [secret_name("apiSecret")]);
    }
}

/// A row that was stored before the plugin reported its secrets has every name that its kind declares.
#[tokio::test]
async fn a_row_that_says_more_than_its_credential_holds_is_mended_once_somebody_asks_for_it() {
    let world = World::new().await;
    let registry = world.acme().await;
    let twin = Twin::new();
    registry.kinds().register(twin.clone()).unwrap();
    let connection = twin.connected(&registry, "AC1", "  ").await;
    let both = r#"UPDATE connection_credential SET secret_names = '["apiKey","apiSecret"]'"#;
    sql::run(&world.database(), both).await;
    let declared = of("both", needs(TWIN, AuthType::ApiKey, &["apiKey", "apiSecret"]));
    let both = registry.extensions().handle(declared).unwrap();
    registry.extensions().grant("both", connection.id(), &both.requirement().auth.secret_names).await.unwrap();
    assert!(both.connection_required().await.unwrap().is_none());
    assert_eq!(both.inject(None).await.unwrap_err().code(), "connection_missing");
    let found = both.resolve(both.requirement()).await.unwrap();
    assert_eq!(found.missing_secret_names, [secret_name("apiSecret")]);
    let view = both.connection_required().await.unwrap().unwrap();
    assert_eq!((view.action, view.connection), (RequiredAction::Reauthorize, Some(connection.id())));
}
