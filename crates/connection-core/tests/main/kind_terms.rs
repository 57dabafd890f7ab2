//! A connection is used only under the terms of its kind under which it was made. Under others, nothing is sent and
//! nothing is handed out, and the connection says why.

use connection_contract::{Kind, Liveness, SecretName, SigningKey};
use connection_core::{
    Connection, ConnectionRegistry, ConnectionStatus, Error, ExtensionError, ReceiveError, Teardown,
};

use crate::{
    acme::Acme,
    extension_kit::{handle, keys_are_accounts, secret_name},
    fake::count,
    hooks::{self, Hooks, deliver, enabled, signed},
    reauthorize::{answered, events, knows},
    renewing::{Renewals, run},
    sql,
    test_host::{World, code, connected},
};

const BEFORE: &str = "request.base = \"https://api.acme.example\"\n";
const NOW: &str = "request.base = \"https://api.evil.example\"\n";

async fn again(registry: &ConnectionRegistry, connection: &Connection) -> Connection {
    registry.connection(connection.id()).await.unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, what: &str) {
    let error = result.expect_err(what);
    let Error::KindChanged { kind, label } = &error else { panic!("{what}: {error:?}") };
    assert_eq!((kind.as_str(), label.as_str(), error.code()), ("acme", "ada", "kind_changed"), "{what}");
    assert!(error.remedy().unwrap().contains("accept the kind's new terms"), "{what}");
}

/// Checks that the connection is not used, by a handle that was made before and by a new one.
async fn unused(world: &World, registry: &ConnectionRegistry, handle: &Connection, what: &str) {
    let requests = world.server.requests().len();
    let before = events(world).await;
    let request = connection_contract::host::base_url(crate::acme::API).unwrap();
    for connection in [handle.clone(), again(registry, handle).await] {
        let get = || connection_contract::HttpRequest::get(&request, "/things");
        refused(connection.send(get()).await, what);
        refused(connection.request("GET", "/things").await, what);
        refused(connection.origins().await, what);
        refused(connection.base_url().await, what);
        refused(connection.files().await.map(drop), what);
        refused(connection.with_access_token(async |_| ()).await, what);
        refused(connection.verify().await, what);
    }
    let info = again(registry, handle).await.info().clone();
    let reason = info.reason.unwrap();
    assert!(info.kind_changed && info.registered, "{what}");
    assert_eq!((info.liveness, &*reason.code), (Liveness::Live, "kind_changed"), "{what}: the measurement stays");
    assert!(reason.remedy.unwrap().as_str().contains("accept the kind's new terms"), "{what}");
    assert_eq!(world.server.requests().len(), requests, "{what}: something was sent");
    assert_eq!(events(world).await, before, "{what}: nothing is recorded");
}

#[tokio::test]
async fn a_connection_is_not_used_while_its_kind_has_other_terms() {
    let world = World::new().await;
    for (at, (first, second)) in
        [(Some(BEFORE), Some(NOW)), (None, Some(NOW)), (Some(BEFORE), None)].into_iter().enumerate()
    {
        let registry = world.open(Acme::under(first)).await.owner(format!("u{at}")).unwrap();
        let connection = connected(&registry, "key-1").await;
        registry.kinds().replace(Acme::under(second)).unwrap();
        unused(&world, &registry, &connection, &format!("{first:?} -> {second:?}")).await;
        // The control: under the first terms, the same connection is used.
        registry.kinds().replace(Acme::under(first)).unwrap();
        let info = again(&registry, &connection).await.verify().await.unwrap();
        assert_eq!((info.liveness, info.kind_changed, info.reason), (Liveness::Live, false, None));
        connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
        registry.close().await;
    }
}

/// Each process compares with the kind that it has itself.
#[tokio::test]
async fn processes_with_different_terms_refuse_what_was_connected_under_the_others() {
    let world = World::new().await;
    let one = world.open(Acme::under(BEFORE)).await;
    let other = world.open(Acme::under(NOW)).await;
    let connection = connected(&one, "key-1").await;
    unused(&world, &other, &again(&other, &connection).await, "the other process").await;
    connection.verify().await.unwrap();
}

#[tokio::test]
async fn cached_rows_are_not_used_under_other_terms() {
    let world = World::new().await;
    let limits = connection_core::Limits::new();
    let registry = world.builder().limits(limits).kind(Acme::under(BEFORE)).open().await.unwrap();
    let connection = connected(&registry, "key-1").await;
    let request = connection.request("GET", "/things").await.unwrap();
    connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
    registry.kinds().replace(Acme::under(NOW)).unwrap();
    refused(connection.send(request).await, "a cached row");
}

/// An editor of the database cannot accept terms.
#[tokio::test]
async fn an_edited_row_accepts_no_terms() {
    let world = World::new().await;
    let registry = world.open(Acme::under(BEFORE)).await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|_| crate::test_host::me("2", "bob"));
    let other = world.open(Acme::under(NOW)).await;
    connected(&other, "key-2").await;
    let edit = format!(
        "UPDATE connection_account SET terms = (SELECT terms FROM connection_account WHERE account_id = '2') \
         WHERE id = {}",
        sql::id(connection.id())
    );
    assert_eq!(sql::run(&world.database(), edit).await, 1);
    let requests = world.server.requests().len();
    let connection = again(&other, &connection).await;
    let error = connection.request("GET", "/things").await.unwrap_err();
    assert_eq!(error.code(), "row_changed", "{error}");
    assert_eq!(connection.verify().await.unwrap().reason.unwrap().code, "row_changed");
    assert_eq!(world.server.requests().len(), requests, "nothing was sent");
    // The control: a connection that was made under these terms is used.
    assert_eq!(other.list_connections(Default::default()).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn an_expired_token_is_not_refreshed_under_other_terms_and_no_failure_is_recorded() {
    let renewals = Renewals::new().await;
    *renewals.plugin.terms.lock().unwrap() = Some(NOW);
    renewals.registry.kinds().replace(renewals.plugin.clone()).unwrap();
    renewals.expire().await;
    let state = "SELECT c.refresh_failures || ' ' || COALESCE(c.refresh_reason, '-') || ' ' || c.generation || ' ' || \
                 l.failures || ' ' || l.liveness FROM connection_credential AS c \
                 JOIN connection_liveness AS l ON l.connection_id = c.connection_id";
    let before = sql::texts(&renewals.world.database(), state).await;
    let connection = renewals.registry.connection(renewals.connection.id()).await.unwrap();
    assert_eq!(connection.refresh().await.unwrap_err().code(), "kind_changed");
    assert_eq!(connection.force_refresh().await.unwrap_err().code(), "kind_changed");
    assert_eq!(renewals.send().await.unwrap_err().code(), "kind_changed");
    let scheduler = run(&renewals.registry);
    renewals.world.clock.until_asleep(1).await;
    assert_eq!(sql::texts(&renewals.world.database(), state).await, before);
    assert_eq!((count(&renewals.plugin.refreshed), renewals.provider.request_count()), (0, 0));
    // The control: under the terms of before, the scheduler refreshes it.
    *renewals.plugin.terms.lock().unwrap() = None;
    renewals.registry.kinds().replace(renewals.plugin.clone()).unwrap();
    drop(scheduler);
    let _scheduler = run(&renewals.registry);
    renewals.until_renewed(1).await;
}

#[tokio::test]
async fn an_extension_gets_nothing_and_is_told_why() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.open(Acme::under(BEFORE)).await;
    let connection = connected(&registry, "key-1").await;
    let names: [SecretName; 1] = [secret_name("accessToken")];
    let extension = handle(&registry, "todo");
    registry.extensions().grant("todo", connection.id(), &names).await.unwrap();
    extension.with_access_token(extension.requirement(), async |_| ()).await.unwrap();
    registry.kinds().replace(Acme::under(NOW)).unwrap();
    let error = extension.with_access_token(extension.requirement(), async |_| ()).await.unwrap_err();
    let Error::Extension(ExtensionError::NotReady { status, why, .. }) = &error else { panic!("{error:?}") };
    assert_eq!(*status, ConnectionStatus::Failed);
    assert!(why.as_str().contains("no longer sends secrets as it did"), "{why}");
    // One extension and all of them are told the same, also if several connections are candidates.
    connected(&registry, "key-2").await;
    let one = extension.resolve(extension.requirement()).await.unwrap();
    for resolved in
        [one, registry.extensions().resolve_all(&[extension.declaration().clone()]).await.unwrap().remove(0).unwrap()]
    {
        assert_eq!(resolved.status, ConnectionStatus::Failed);
        assert_eq!(resolved.error.unwrap().code, "kind_changed");
    }
}

#[tokio::test]
async fn a_delivery_is_not_read_under_other_terms() {
    let world = World::new().await;
    let hooks = Hooks::new(SigningKey::Generated);
    let registry = world.open(hooks.clone()).await;
    let connection = enabled(&registry, "ada").await;
    let headers = signed(&connection, "{}").await;
    let token = hooks::token(&connection).await;
    *hooks.terms.lock().unwrap() = Some(NOW);
    registry.kinds().replace(hooks.clone()).unwrap();
    let refused = hooks::send(&registry, &token, headers, "{}").await.unwrap_err();
    assert!(matches!(refused, ReceiveError::Unavailable(Error::KindChanged { .. })), "{refused:?}");
    *hooks.terms.lock().unwrap() = None;
    registry.kinds().replace(hooks).unwrap();
    deliver(&connection, &registry, "{}").await;
}

#[tokio::test]
async fn a_removal_revokes_nothing_under_other_terms_and_says_why() {
    let world = World::new().await;
    world.provider(knows(&[("key-1", "1", "ada"), ("key-1b", "1", "ada")]));
    let registry = world.open(Acme::under(BEFORE)).await;
    let connection = connected(&registry, "key-1").await;
    // A previous credential is kept for a rollback.
    let session = answered(&connection, "key-1b").await;
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    registry.kinds().replace(Acme::under(NOW)).unwrap();
    let rollback = connection.rollback().await.unwrap_err();
    assert_eq!(rollback.code(), "kind_changed");
    let requests = world.server.requests().len();
    let removal = registry.remove(connection.id()).await.unwrap();
    assert_eq!((removal.teardown, removal.previous), (Teardown::NotRevoked, Some(Teardown::NotRevoked)));
    assert_eq!(removal.reason.unwrap().code, "kind_changed");
    assert_eq!(removal.previous_reason.unwrap().code, "kind_changed");
    assert_eq!(world.server.requests().len(), requests, "nothing was sent");
    assert!(registry.connection(connection.id()).await.is_err());
}

#[tokio::test]
async fn terms_that_a_person_cannot_read_are_refused_at_registration() {
    let world = World::new().await;
    let registry = world.acme().await;
    for terms in ["", " \n", "a\u{1b}[2Jb", "a\rb", "a\u{202e}b"] {
        let error = registry.kinds().replace(Acme::under(terms)).unwrap_err();
        assert_eq!(error.code(), "descriptor_invalid", "{terms:?}");
        assert!(error.to_string().contains("its terms"), "{error}");
    }
    registry.kinds().replace(Acme::under(NOW)).unwrap();
    assert_eq!(registry.kinds().get(&Kind::from_static("acme")).unwrap().descriptor.terms.as_deref(), Some(NOW));
}
