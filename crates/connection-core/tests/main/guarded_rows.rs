//! An attacker who can write the database but has no key obtains no secret: rows that are edited or replaced by older
//! versions are refused and named, as far as the newest events still exist.

use connection_contract::Liveness;
use connection_core::{Connection, ConnectionRegistry, Error, RowError, RowFault};

use crate::{
    acme::Acme,
    extension_kit::{handle, keys_are_accounts, secret_name},
    sql,
    test_host::{on_postgres, World, connected, me},
    test_server::Reply,
};

const TABLES: [&str; 3] = ["connection_account", "connection_credential", "connection_liveness"];

/// Copies the rows of all connections, with direct access.
async fn copy(world: &World) {
    for table in TABLES {
        sql::script(&world.database(), format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
    }
}

/// Replaces the current rows by the copies.
async fn put_back(world: &World) {
    sql::script(&world.database(), "DELETE FROM connection_account").await;
    for table in TABLES {
        sql::script(&world.database(), format!("INSERT INTO {table} SELECT * FROM kept_{table}")).await;
    }
}

fn row(error: Error) -> RowError {
    match error {
        Error::Row(error) => error,
        other => panic!("no row is refused: {other:?}"),
    }
}

/// Checks that each use is refused, that nothing is sent, and that the connection reports the fault.
async fn refused(world: &World, registry: &ConnectionRegistry, connection: &Connection, fault: RowFault, what: &str) {
    let requests = world.server.requests().len();
    let connection = registry.connection(connection.id()).await.unwrap();
    let info = connection.verify().await.unwrap();
    let reason = info.reason.unwrap_or_else(|| panic!("{what}: no reason"));
    assert!(info.liveness == Liveness::Failing && reason.code.starts_with("row_"), "{what}: {reason:?}");
    let errors = [
        connection.request("GET", "/things").await.unwrap_err(),
        connection.with_access_token(async |_| ()).await.unwrap_err(),
        connection.rename("another").await.unwrap_err(),
    ];
    for error in errors {
        let code = error.code();
        let remedy = error.remedy().unwrap();
        let error = row(error);
        assert_eq!((error.table, error.fault), ("connection_account", fault), "{what}: {error}");
        assert!(error.to_string().contains(&connection.id().to_string()), "{what}: {error}");
        assert!(remedy.contains("remove the connection"), "{what}: {remedy}");
        assert!(matches!(code, "row_changed" | "row_outdated"), "{what}: {code}");
    }
    assert_eq!(world.server.requests().len(), requests, "{what}: something was sent");
    let named = registry.events().edited_rows().await.unwrap();
    assert!(named.iter().any(|error| error.fault == fault && error.table == "connection_account"), "{what}: {named:?}");
}

#[tokio::test]
async fn a_removed_connection_that_is_put_back_is_refused_by_every_process_and_can_be_removed_again() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    copy(&world).await;
    put_back(&world).await;
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live, "the control: nothing happened since");
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
    registry.remove(connection.id()).await.unwrap();
    put_back(&world).await;
    refused(&world, &registry, &connection, RowFault::Removed, "in the process that removed it").await;
    let another = world.open(Acme::default()).await;
    refused(&world, &another, &connection, RowFault::Removed, "at the first use in another process").await;
    another.remove(connection.id()).await.unwrap();
    assert_eq!(another.events().edited_rows().await.unwrap(), []);
    assert!(matches!(another.connection(connection.id()).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn an_older_credential_that_is_put_back_is_refused_unless_the_newest_events_go_with_it() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    copy(&world).await;
    let events = sql::number(&world.database(), "SELECT MAX(seq) FROM connection_event").await.unwrap();
    let rotated = r#"{"id":"1","name":"ada","rotate":"key-1b"}"#;
    world.provider(move |_| Reply::ok(rotated));
    connection.verify().await.unwrap();
    world.provider(|_| me("1", "ada"));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live, "the control: the newest one");
    put_back(&world).await;
    let another = world.open(Acme::default()).await;
    refused(&world, &another, &connection, RowFault::Outdated, "put back").await;
    // Later events about it do not change that.
    refused(&world, &registry, &connection, RowFault::Outdated, "after more events").await;
    // A database that was replaced as a whole cannot be recognized.
    sql::unlock_events(&world.database()).await;
    sql::script(&world.database(), format!("DELETE FROM connection_event WHERE seq > {events}")).await;
    put_back(&world).await;
    let another = world.open(Acme::default()).await;
    let handle = another.connection(connection.id()).await.unwrap();
    assert_eq!(handle.verify().await.unwrap().liveness, Liveness::Live, "the control: it is the events that tell");
    assert_eq!(another.events().edited_rows().await.unwrap(), []);
}

#[tokio::test]
async fn a_connection_whose_row_was_edited_is_refused_until_it_is_as_it_was() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    connection.rename("mine").await.unwrap();
    connection.make_default().await.unwrap();
    let (yes, no) = if on_postgres() { ("TRUE", "FALSE") } else { ("1", "0") };
    let config = sql::texts(&world.database(), "SELECT config FROM connection_account").await.remove(0);
    for (set, back) in [
        (r#"config = '[["apiBaseUrl","https://evil.example"]]'"#.to_owned(), format!("config = '{config}'")),
        ("label = 'theirs'".to_owned(), "label = 'mine'".to_owned()),
        (format!("is_default = {no}"), format!("is_default = {yes}")),
        ("profile_id = 'another'".to_owned(), "profile_id = NULL".to_owned()),
    ] {
        sql::run(&world.database(), format!("UPDATE connection_account SET {set}")).await;
        refused(&world, &registry, &connection, RowFault::Edited, &set).await;
        sql::run(&world.database(), format!("UPDATE connection_account SET {back}")).await;
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live, "{back}");
    }
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
}

#[tokio::test]
async fn an_event_that_was_edited_vouches_for_nothing_and_no_later_one_takes_it_over() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    sql::unlock_events(&world.database()).await;
    let edits = [
        "UPDATE connection_event SET generation = 2",
        "UPDATE connection_event SET generation = NULL, facts = NULL",
        "UPDATE connection_event SET kind = 'renamed'",
        "DELETE FROM connection_event",
    ];
    sql::script(&world.database(), "CREATE TABLE kept AS SELECT * FROM connection_event").await;
    for edit in edits {
        sql::script(&world.database(), edit).await;
        refused(&world, &registry, &connection, RowFault::Unmarked, edit).await;
        // An event was recorded: the refusal.
        refused(&world, &registry, &connection, RowFault::Unmarked, edit).await;
        sql::script(&world.database(), "DELETE FROM connection_event").await;
        sql::script(&world.database(), "INSERT INTO connection_event SELECT * FROM kept").await;
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live, "the control: {edit}");
        sql::script(&world.database(), "DELETE FROM connection_event").await;
        sql::script(&world.database(), "INSERT INTO connection_event SELECT * FROM kept").await;
    }
}

/// Checks that the extension is refused with the fault, and that resolving reports no grant.
async fn no_grant(registry: &ConnectionRegistry, fault: RowFault, what: &str) {
    let issues = handle(registry, "issues");
    let resolved = issues.resolve(issues.requirement()).await.unwrap();
    assert!(!resolved.is_granted(), "{what}");
    let all = registry.extensions().resolve_all(&[issues.declaration().clone()]).await.unwrap().remove(0).unwrap();
    assert!(!all.is_granted(), "{what}");
    for error in [
        issues.with_access_token(issues.requirement(), async |_| ()).await.unwrap_err(),
        issues.environment(None).await.unwrap_err(),
        issues.request("GET", "/me").await.unwrap_err(),
    ] {
        let remedy = error.remedy().unwrap();
        let error = row(error);
        assert_eq!((error.table, error.fault), ("connection_extension_grant", fault), "{what}: {error}");
        assert!(error.to_string().contains("'issues'") && remedy.contains("grant it again"), "{what}: {error}");
    }
    assert!(registry.extensions().grants().await.unwrap().iter().all(|grant| grant.revoked_at.is_some()), "{what}");
    let named = registry.events().edited_rows().await.unwrap();
    assert!(named.iter().any(|error| error.table == "connection_extension_grant" && error.fault == fault), "{named:?}");
}

async fn granted(registry: &ConnectionRegistry, what: &str) {
    let issues = handle(registry, "issues");
    let token = issues.with_access_token(issues.requirement(), async |token| token.expose().to_vec()).await;
    assert_eq!(token.unwrap(), b"key-1", "{what}");
    assert!(issues.resolve(issues.requirement()).await.unwrap().is_granted(), "{what}");
    assert_eq!(registry.events().edited_rows().await.unwrap(), [], "{what}");
}

#[tokio::test]
async fn a_grant_that_no_person_gave_or_that_was_taken_back_gives_nobody_a_secret() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let id = connection.id();
    let names = [secret_name("accessToken")];
    let database = world.database();
    // An attacker writes a grant.
    let sql = format!(
        "INSERT INTO connection_extension_grant (owner, extension, connection_id, names, created_at, mark) \
         VALUES ('local', 'issues', {}, '[\"accessToken\"]', 1, {})",
        sql::id(id),
        sql::literal(&[])
    );
    sql::run(&database, sql).await;
    no_grant(&registry, RowFault::Unmarked, "written past the program").await;
    registry.extensions().grant("issues", id, &names).await.unwrap();
    granted(&registry, "a person gives it").await;
    sql::script(&database, "CREATE TABLE kept AS SELECT * FROM connection_extension_grant").await;
    // Another extension, more secrets, a longer time.
    let edits =
        ["names = '[]'", "created_at = 0", "mark = substr(mark, 1, 0)", "mark = CAST('x' AS BYTES)", "revoked_at = 7, names = '[]'"];
    for edit in edits {
        let edit = edit.replace("BYTES", if on_postgres() { "BYTEA" } else { "BLOB" });
        sql::run(&database, format!("UPDATE connection_extension_grant SET {edit}")).await;
        sql::run(&database, "UPDATE connection_extension_grant SET revoked_at = NULL").await;
        let fault = if edit == "mark = substr(mark, 1, 0)" { RowFault::Unmarked } else { RowFault::Edited };
        match edit.starts_with("revoked_at") {
            true => no_grant(&registry, RowFault::Edited, &edit).await,
            false => no_grant(&registry, fault, &edit).await,
        }
        sql::run(&database, "DELETE FROM connection_extension_grant").await;
        sql::run(&database, "INSERT INTO connection_extension_grant SELECT * FROM kept").await;
        granted(&registry, &format!("as it was before {edit}")).await;
    }
    sql::run(&database, "UPDATE connection_extension_grant SET extension = 'other'").await;
    let other = handle(&registry, "other");
    let error = other.with_access_token(other.requirement(), async |_| ()).await.unwrap_err();
    assert_eq!(row(error).fault, RowFault::Edited);
    sql::run(&database, "UPDATE connection_extension_grant SET extension = 'issues'").await;
    // Revoked and put back: the mark was valid before.
    assert!(registry.extensions().revoke("issues", id).await.unwrap());
    sql::run(&database, "DELETE FROM connection_extension_grant").await;
    sql::run(&database, "INSERT INTO connection_extension_grant SELECT * FROM kept").await;
    no_grant(&registry, RowFault::Outdated, "put back").await;
    assert!(registry.extensions().revoke("issues", id).await.unwrap(), "what is put back is taken back");
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
    registry.extensions().grant("issues", id, &names).await.unwrap();
    granted(&registry, "a person gives it again").await;
}

#[tokio::test]
async fn a_row_event_that_is_taken_away_is_found_by_who_looks_at_the_whole_record() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let database = world.database();
    for extension in ["one", "two", "three"] {
        registry.extensions().grant(extension, connection.id(), &[]).await.unwrap();
    }
    assert!(sql::refusal(&database, "DELETE FROM connection_row_event").await.contains("append-only"));
    assert!(sql::refusal(&database, "UPDATE connection_row_event SET at = 1").await.contains("append-only"));
    assert_eq!(registry.events().edited_rows().await.unwrap(), [], "the control");
    sql::unlock_events(&database).await;
    sql::run(&database, "DELETE FROM connection_row_event WHERE seq = 2").await;
    let found = registry.events().edited_rows().await.unwrap();
    assert!(found.iter().any(|error| error.table == "connection_row_event"), "{found:?}");
}
