//! The table in `SECURITY.md` of the actions that are open to an attacker who can edit the database but has no key:
//! each row is tried.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use connection_contract::{Liveness, SigningKey};
use connection_core::{Connection, Error, Frozen, NewAccessToken, NewProfile, RepeatedRequest, Role, SpawnOptions};

use crate::{
    acme::{Acme, KIND},
    edited_setups::kept_callback,
    guarded_agents, guarded_approvals,
    extension_kit::{acme_extension, handle, keys_are_accounts, refuses, secret_name},
    hooks::{Hooks, enabled, send, signed, token},
    inbound::{Inbound, returned},
    outgoing_events::{Operator, recorded},
    service_kind::{Act, Borrower},
    sql,
    test_host::{World, answers, code, connected, step},
    test_server::Reply,
    tool::Tools,
};

fn documented() -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../SECURITY.md")).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("| `connection_")?.split_once("` |"));
    names.map(|(name, _)| format!("connection_{name}")).collect()
}

#[tokio::test]
async fn what_an_editor_of_each_table_can_do_is_documented_and_holds() {
    let world = World::new().await;
    world.acme().await.close().await;
    let columns = sql::columns(&world.database()).await;
    let tables: BTreeSet<String> = columns.iter().map(|name| name.split_once('.').unwrap().0.to_owned()).collect();
    assert_eq!(documented(), tables, "SECURITY.md has a row for each table");
    for table in &tables {
        attack(table).await;
    }
}

/// Does to a table what SECURITY.md describes, and panics if that has a worse effect.
async fn attack(table: &str) {
    match table {
        "connection_access_token" => access_token().await,
        "connection_access_token_request" => token_request().await,
        "connection_account" => account().await,
        "connection_agent" | "connection_agent_grant" => guarded_agents::agent(table).await,
        "connection_approval" | "connection_widening" => guarded_approvals::edited(table).await,
        "connection_budget" => guarded_agents::budget().await,
        "connection_credential" => credential().await,
        "connection_endpoint" => endpoint().await,
        "connection_event" | "connection_row_event" => events(table).await,
        "connection_exchange" | "connection_exchange_look" => exchange(table).await,
        "connection_extension" | "connection_extension_ticket" => extension(table).await,
        "connection_extension_choice" => choice().await,
        "connection_extension_grant" => grant().await,
        "connection_extension_preference" | "connection_extension_state" => settings(table).await,
        "connection_freeze" => freeze().await,
        "connection_keyset" | "connection_migrations" | "connection_part" => opening(table).await,
        // The row decides only whether the database opens, which `moves` tries in each state.
        "connection_move" => {}
        "connection_kind_terms" => kind_terms().await,
        "connection_kv" => values().await,
        "connection_liveness" => liveness().await,
        "connection_event_due" | "connection_event_receiver" | "connection_outbox" => outbox().await,
        "connection_profile" | "connection_profile_slot" => profile(table).await,
        "connection_setup" | "connection_setup_effect" => setup(table).await,
        // An extension may ask only for scopes that its kind allows, and a person agrees to them.
        "connection_lacking_scope" => {}
        // They decide what the operator is told, and which connections are listed and in which order.
        "connection_attention" | "connection_place" | "connection_tag" => {}
        // The row decides only whether a removal ends the grant at the provider.
        "connection_provider_grant" => {}
        // Its numbers decide nothing, and a restored one is only shown.
        "connection_usage" | "connection_usage_snapshot" | "connection_usage_window" => {}
        "connection_use" => crate::uses::edited().await,
        "connection_setup_input" => assert_eq!(kept_callback(Some(&[0; 200]), false).await, None),
        "connection_webhook" | "connection_webhook_address" => webhook(table).await,
        "connection_presence" | "connection_withdrawal" => crate::withdrawals::edited().await,
        other => panic!("nobody tries to get something out of {other}"),
    }
}

pub(crate) async fn edit(world: &World, sql: impl Into<String>) {
    let sql = sql.into();
    assert_eq!(sql::run(&world.database(), sql.clone()).await, 1, "{sql}");
}

async fn code_of(connection: &Connection) -> String {
    connection.verify().await.unwrap().reason.map(|reason| reason.code.into_owned()).unwrap_or_default()
}

pub(crate) fn is_row(error: &Error, table: &str) -> bool {
    matches!(error, Error::Row(error) if error.table == table)
}

async fn access_token() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let setup = sql::id_of("07".repeat(16));
    let link = format!("link = '{{\"kinds\":[\"acme\"],\"returnTo\":null}}', setup_id = {setup}");
    for change in ["role = 'admin'", "owner = ''", &link] {
        let new = NewAccessToken::new("a report", Role::Read).owner("ada").extension("issues");
        let issued = tokens.create(new).await.unwrap();
        assert!(tokens.authenticate(&issued.text).await.unwrap().is_some());
        let id = sql::id_of(issued.token.id);
        edit(&world, format!("UPDATE connection_access_token SET {change} WHERE id = {id}")).await;
        assert_eq!(tokens.authenticate(&issued.text).await.unwrap(), None, "{change}");
        let found = registry.events().edited_rows().await.unwrap();
        assert!(found.iter().any(|error| error.table == "connection_access_token"), "{change}: {found:?}");
        edit(&world, format!("DELETE FROM connection_access_token WHERE id = {id}")).await;
    }
    // A token that was revoked is not accepted again, even with the mark that it had before.
    let issued = tokens.create(NewAccessToken::new("a report", Role::Read)).await.unwrap();
    let mark = sql::literal(&sql::blob(&world.database(), "SELECT mark FROM connection_access_token").await);
    assert!(tokens.revoke(issued.token.id).await.unwrap());
    edit(&world, format!("UPDATE connection_access_token SET revoked_at = NULL, mark = {mark}")).await;
    assert_eq!(tokens.authenticate(&issued.text).await.unwrap(), None);
}

async fn freeze() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    registry.freezes().freeze(Frozen::Connection(connection.id())).await.unwrap();
    let is_used = async |connection: &Connection| {
        let sent = connection.send(connection.request("GET", "/me").await.unwrap()).await;
        assert!(sent.is_ok() || sent.as_ref().is_err_and(|error| error.code() == "frozen"), "{sent:?}");
        sent.is_ok()
    };
    for change in ["UPDATE connection_freeze SET frozen = '[]'", "UPDATE connection_freeze SET mark = substr(mark, 1, 0)"] {
        edit(&world, change).await;
        assert!(!is_used(&connection).await, "{change}");
    }
    registry.close().await;
    // The row looks as if the database had never been opened with freezes.
    sql::unlock_events(&world.database()).await;
    edit(&world, "DELETE FROM connection_freeze").await;
    assert!(sql::run(&world.database(), "DELETE FROM connection_row_event WHERE owner = ''").await > 0);
    let registry = world.acme().await;
    assert!(is_used(&registry.connection(connection.id()).await.unwrap()).await);
}

async fn token_request() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let issued = tokens.create(NewAccessToken::new("a report", Role::Read)).await.unwrap();
    let request = tokens.request_key(issued.token.id, "key", "POST /setups", b"{}");
    assert_eq!(tokens.begin_request(request).await.unwrap(), RepeatedRequest::First);
    edit(&world, "UPDATE connection_access_token_request SET made = 'another', is_whole = TRUE").await;
    assert_eq!(tokens.begin_request(request).await.unwrap(), RepeatedRequest::Made("another".to_owned()));
    edit(&world, "DELETE FROM connection_access_token_request").await;
    assert_eq!(tokens.begin_request(request).await.unwrap(), RepeatedRequest::First);
}

async fn account() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    edit(&world, "UPDATE connection_account SET config = '[[\"apiBaseUrl\",\"https://evil.example\"]]'").await;
    let requests = world.server.requests().len();
    assert_eq!(code_of(&connection).await, "row_changed");
    assert!(is_row(&connection.request("GET", "/me").await.unwrap_err(), "connection_account"));
    assert_eq!(world.server.requests().len(), requests);
    // A deleted connection no longer exists.
    edit(&world, "DELETE FROM connection_account").await;
    assert!(matches!(registry.connection(connection.id()).await, Err(Error::NotFound(_))));
}

async fn credential() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let one = connected(&registry, "key-1").await;
    let two = connected(&registry, "key-2").await;
    let sql = format!("SELECT sealed FROM connection_credential WHERE connection_id = {}", sql::id(two.id()));
    let moved = sql::literal(&sql::blob(&world.database(), sql).await);
    let id = sql::id(one.id());
    edit(&world, format!("UPDATE connection_credential SET sealed = {moved} WHERE connection_id = {id}")).await;
    let requests = world.server.requests().len();
    assert_eq!(code_of(&one).await, "credential_unreadable");
    assert_eq!(world.server.requests().len(), requests);
}

/// The digest of an edited text is another one, so the text is not shown as that to which a person agreed.
async fn kind_terms() {
    let world = World::new().await;
    let registry = world.open(Acme::under("one")).await;
    let connection = connected(&registry, "key-1").await;
    edit(&world, "UPDATE connection_kind_terms SET terms = 'two'").await;
    registry.kinds().replace(Acme::under("two")).unwrap();
    let change = registry.kinds().changed().await.unwrap().remove(0);
    assert_eq!((change.before, change.now.as_deref()), (None, Some("two")));
    assert_eq!(connection.request("GET", "/").await.unwrap_err().code(), "kind_changed");
}

fn id_of(session: &connection_core::SetupSession) -> String {
    sql::id_of(session.id())
}

/// The hash of a state is a MAC: the hash for a row cannot be computed without the key.
async fn endpoint() {
    let world = World::new().await;
    let builder = world.builder().inbound(Arc::new(Inbound::new()));
    let registry = builder.kind(Acme::default()).open().await.unwrap();
    let session = registry.setups().begin(&KIND).await.unwrap();
    let sql = format!(
        "INSERT INTO connection_endpoint (token_hash, owner, session_id, expires_at) \
         VALUES ({}, 'local', {}, 9999999999)",
        sql::literal(&[7; 32]),
        id_of(&session)
    );
    edit(&world, sql).await;
    assert!(registry.setups().deliver(returned("a-state-that-somebody-made-up-0123456789")).await.is_err());
}

async fn events(table: &str) {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[]).await.unwrap();
    registry.extensions().grant("other", connection.id(), &[]).await.unwrap();
    sql::unlock_events(&world.database()).await;
    if table == "connection_row_event" {
        edit(&world, "DELETE FROM connection_row_event WHERE seq = 1 AND owner = 'local'").await;
        let found = registry.events().edited_rows().await.unwrap();
        assert!(found.iter().any(|error| error.table == table), "{found:?}");
        return;
    }
    edit(&world, "UPDATE connection_event SET body = '{}' WHERE seq = 1").await;
    assert_eq!(registry.events().history(connection.id(), None).await.unwrap().broken_at, Some(1));
    sql::run(&world.database(), "UPDATE connection_event SET generation = 7").await;
    assert_eq!(code_of(&connection).await, "row_changed");
}

/// An answer is found by a MAC of the token that was spent, and is sealed.
async fn exchange(table: &str) {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let key = sql::literal(&[7; 32]);
    let sealed = sql::literal(&[1; 80]);
    let sql = format!(
        "INSERT INTO connection_exchange (key, connection_id, process_id, begun_at, sent_at, seen_at, state, sealed) \
         VALUES ({key}, {}, 'x', 1, 1, 1, 'answered', {sealed})",
        sql::id(connection.id())
    );
    edit(&world, sql).await;
    if table == "connection_exchange_look" {
        let look = format!("({key}, 0, 'x', 1)");
        let columns = "(key, attempt, boot_id, boot_seconds)";
        edit(&world, format!("INSERT INTO connection_exchange_look {columns} VALUES {look}")).await;
    }
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    let token = connection.with_access_token(async |token| token.expose().to_vec()).await.unwrap();
    assert_eq!(token, b"key-1");
}

async fn extension(table: &str) {
    let world = World::new().await;
    let registry = world.acme().await;
    connected(&registry, "key-1").await;
    if table == "connection_extension" {
        registry.extensions().add(&acme_extension("issues"), "one").await.unwrap();
        edit(&world, "UPDATE connection_extension SET source = 'two'").await;
        assert!(is_row(&registry.extensions().get("issues").await.unwrap_err(), table));
        return;
    }
    let sql = format!(
        "INSERT INTO connection_extension_ticket (id, owner, extension, command, created_at) \
         VALUES ({}, 'local', 'issues', 'sync', 1800000000)",
        sql::id_of("07".repeat(16))
    );
    edit(&world, sql).await;
    assert_eq!(handle(&registry, "issues").environment(None).await.unwrap_err().code(), "not_granted");
}

async fn choice() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let one = connected(&registry, "one").await;
    let two = connected(&registry, "two").await;
    let three = connected(&registry, "three").await;
    one.make_default().await.unwrap();
    registry.extensions().choose("issues", two.id()).await.unwrap();
    let issues = handle(&registry, "issues");
    let chosen = async || issues.resolve(issues.requirement()).await.unwrap().connection();
    assert_eq!(chosen().await, Some(two.id()), "the control");
    let id = sql::id(three.id());
    edit(&world, format!("UPDATE connection_extension_choice SET connection_id = {id}")).await;
    assert_eq!(chosen().await, Some(one.id()), "an edited choice counts for nothing");
    let found = registry.events().edited_rows().await.unwrap();
    assert!(found.iter().any(|error| error.table == "connection_extension_choice"), "{found:?}");
}

async fn grant() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let sql = format!(
        "INSERT INTO connection_extension_grant (owner, extension, connection_id, names, created_at, mark) \
         VALUES ('local', 'issues', {}, '[\"accessToken\"]', 1, {})",
        sql::id(connection.id()),
        sql::literal(&[])
    );
    edit(&world, sql).await;
    let error = handle(&registry, "issues").environment(None).await.unwrap_err();
    assert!(is_row(&error, "connection_extension_grant"), "{error:?}");
}

async fn settings(table: &str) {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    registry.extensions().add(&acme_extension("acme"), "acme").await.unwrap();
    let issues = handle(&registry, "issues");
    issues.set_preferences(None).set("layout", "wide").await.unwrap();
    assert!(issues.environment(None).await.is_ok(), "the control");
    match table {
        "connection_extension_state" => {
            edit(&world, "UPDATE connection_extension_state SET public = '{}' WHERE name = 'acme'").await;
        }
        _ => edit(&world, "UPDATE connection_extension_preference SET body = '{\"layout\":\"compact\"}'").await,
    }
    let error = issues.environment(None).await.unwrap_err();
    assert!(is_row(&error, table), "{error:?}");
}

/// The database does not open any longer, which is the only effect.
async fn opening(table: &str) {
    let world = World::new().await;
    let registry = world.acme().await;
    connected(&registry, "key-1").await;
    registry.close().await;
    match table {
        "connection_migrations" => edit(&world, "DELETE FROM connection_migrations WHERE version = 1").await,
        "connection_part" => edit(&world, "UPDATE connection_part SET oldest = 9").await,
        _ => edit(&world, format!("UPDATE connection_keyset SET slot_a = {}", sql::literal(&[1; 80]))).await,
    }
    assert!(world.builder().kind(Acme::default()).open().await.is_err(), "{table}");
}

async fn values() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let _registry = world.open(plugin.clone()).await;
    plugin.until_activated(1).await;
    for (key, value) in [("a", "one"), ("b", "two")] {
        assert_eq!(plugin.act(Act::PutSecret(key, value)).await, "Ok(())");
        assert_ne!(plugin.act(Act::GetSecret(key)).await, "Ok(None)", "the control");
    }
    let sql = "UPDATE connection_kv SET sealed = (SELECT o.sealed FROM connection_kv AS o WHERE o.key = 'b') \
               WHERE key = 'a'";
    edit(&world, sql).await;
    assert_eq!(plugin.act(Act::GetSecret("a")).await, "Ok(None)");
}

/// A changed message goes nowhere but to the operator.
async fn outbox() {
    let world = World::new().await;
    let registry = world.acme().await;
    let operator = Operator::new().await;
    operator.answers(|_| Reply::whole(500, "", ""));
    let _running = operator.runs(&world, &registry).await;
    connected(&registry, "key-1").await;
    recorded(&registry, |events| events.iter().any(|event| event.failure.is_some())).await;
    operator.answers(|_| Reply::whole(204, "", ""));
    let body = r#"{"type":"connection.removed","timestamp":"Z","data":null}"#;
    edit(&world, format!("UPDATE connection_outbox SET next_at = 1, body = '{body}'")).await;
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(operator.until(2).await[1].name, "connection.removed");
    recorded(&registry, <[_]>::is_empty).await;
    // An event that was told becomes due again, and a receiver that is not known is entered again.
    edit(&world, "INSERT INTO connection_event_due SELECT id FROM connection_event WHERE kind = 'connected'").await;
    edit(&world, "DELETE FROM connection_event_receiver").await;
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(operator.until(3).await[2].name, "connection.connected");
}

async fn liveness() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    refuses(&world);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
    edit(&world, "UPDATE connection_liveness SET liveness = 'live', reason = NULL").await;
    assert_eq!(registry.connection(connection.id()).await.unwrap().info().liveness, Liveness::Live);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing, "it is asked again");
}

async fn profile(table: &str) {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let work = profiles.create(NewProfile::new("work", it.path("work"))).await.unwrap();
    profiles.set_slot("place", work.id).await.unwrap();
    let error = match table {
        "connection_profile" => {
            edit(&it.world, "UPDATE connection_profile SET directory = '/evil' WHERE label = 'work'").await;
            profiles.apply_profile(&mut SpawnOptions::new("tool"), work.id).await.unwrap_err()
        }
        _ => {
            let other = "UPDATE connection_profile_slot SET profile_id = \
                         (SELECT id FROM connection_profile WHERE label = 'Default')";
            edit(&it.world, other).await;
            profiles.resolve(None, Some("place")).await.unwrap_err()
        }
    };
    assert!(is_row(&error, table), "{error:?}");
}

async fn setup(table: &str) {
    let world = World::new().await;
    let registry = world.acme().await;
    let one = registry.setups().begin(&KIND).await.unwrap();
    let two = registry.setups().begin(&KIND).await.unwrap();
    step(&one).await;
    step(&two).await;
    let from = id_of(&one);
    let to = id_of(&two);
    let sql = match table {
        "connection_setup" => format!(
            "UPDATE connection_setup SET sealed_header = \
             (SELECT o.sealed_header FROM connection_setup AS o WHERE o.id = {from}) WHERE id = {to}"
        ),
        _ => format!(
            "INSERT INTO connection_setup_effect (session_id, seq, sealed) VALUES ({to}, 0, {})",
            sql::literal(&[1; 80])
        ),
    };
    edit(&world, sql).await;
    let requests = world.server.requests().len();
    let two = registry.setups().resume(two.id()).await.unwrap();
    if table == "connection_setup" {
        // A resumed session may have ended by then.
        drop(two.advance(1, &answers(&[("accessToken", "key-1")])).await);
    }
    assert_eq!(code(&two.terminal().await.unwrap()), "setup_unreadable", "{table}");
    assert_eq!(world.server.requests().len(), requests);
}

async fn webhook(table: &str) {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    if table == "connection_webhook_address" {
        let token = token(&connection).await;
        let headers = signed(&connection, "body").await;
        edit(&world, format!("UPDATE connection_webhook_address SET token_hash = {}", sql::literal(&[7; 32]))).await;
        assert!(send(&registry, &token, headers, "body").await.is_err(), "its address is another one");
        assert!(send(&registry, "made-up", Vec::new(), "body").await.is_err());
        return;
    }
    let sql = format!(
        "INSERT INTO connection_webhook (id, connection_id, number, digest, received_at, sealed) \
         VALUES ({}, {}, 1, {}, 1, {})",
        sql::id_of("07".repeat(16)),
        sql::id(connection.id()),
        sql::literal(&[7; 32]),
        sql::literal(&[1; 80])
    );
    edit(&world, sql).await;
    edit(&world, "UPDATE connection_webhook_address SET waiting = 1, next_number = 2").await;
    let mut deliveries = connection.webhooks().deliveries().claim(Duration::from_secs(60)).await.unwrap();
    for _ in 0..200 {
        tokio::select! {
            biased;
            event = deliveries.next() => assert!(!matches!(event, Some(Ok(_))), "an event that nobody sent"),
            () = tokio::task::yield_now() => world.clock.advance(Duration::from_millis(250)),
        }
    }
}
