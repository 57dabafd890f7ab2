//! Each column of a row with a mark, edited by somebody without the key: the row is refused, unless the column is one of
//! those that no mark covers.

use std::{collections::BTreeSet, time::Duration};

use connection_core::{ConnectionRegistry, Consent, NewAccessToken, NewProfile, Role};
use connection_faults::sql::Database;

use crate::{
    approvals_kit::Asking,
    extension_kit::{acme_extension, handle},
    old_rows::rows,
    reauthorize::reauthorized,
    sql,
    test_host::{World, code, connected, on_postgres},
    tool::Tools,
};

/// The columns that no mark covers.
const UNCOVERED: [&str; 15] = [
    "connection_access_token.last_used_at",
    "connection_approval.lease_owner",
    "connection_approval.lease_until",
    // What is sealed opens only in its own row.
    "connection_approval.sealed_answer",
    "connection_approval.sealed_request",
    "connection_extension.added_at",
    "connection_extension_preference.public_revision",
    "connection_extension_preference.revision",
    "connection_extension_state.public_revision",
    // It is always 1.
    "connection_freeze.id",
    "connection_profile.created_at",
    "connection_profile.updated_at",
    "connection_profile_slot.updated_at",
    "connection_use.mark",
    "connection_widening.taken",
];

/// The columns of a previous credential that its mark covers. The others are sealed, or compared with the account.
const OF_CREDENTIAL: [&str; 4] = ["account_id", "config", "generation", "mark"];

/// Returns the columns that marks cover, each with its table and its type.
async fn covered(database: &Database) -> Vec<(String, String, String)> {
    let sql = match on_postgres() {
        false => {
            "SELECT t.name || ' ' || c.name || ' ' || lower(c.type) FROM sqlite_schema AS t, \
             pragma_table_info(t.name) AS c WHERE t.name LIKE 'connection%' \
             AND EXISTS (SELECT 1 FROM pragma_table_info(t.name) AS m WHERE m.name = 'mark') ORDER BY 1"
        }
        true => {
            "SELECT c.table_name || ' ' || c.column_name || ' ' || c.data_type FROM information_schema.columns AS c \
             WHERE c.table_schema = 'public' AND EXISTS (SELECT 1 FROM information_schema.columns AS m \
             WHERE m.table_schema = 'public' AND m.table_name = c.table_name AND m.column_name = 'mark') ORDER BY 1"
        }
    };
    let columns = sql::texts(database, sql).await.into_iter().map(|line| {
        let mut parts = line.split(' ').map(str::to_owned);
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
    });
    let is_covered = |table: &str, column: &str| match table {
        "connection_credential" => OF_CREDENTIAL.contains(&column),
        // An entry of the record of use is never changed; `uses` edits its mark.
        "connection_use" => false,
        _ => !UNCOVERED.contains(&&*format!("{table}.{column}")),
    };
    columns.filter(|(table, column, _)| is_covered(table, column)).collect()
}

/// Returns another value of a column.
fn other(column: &str, of: &str) -> String {
    match (column, of) {
        // A word that is none cannot be read.
        ("purpose", _) => "'page'".to_owned(),
        ("state", _) => "'unknown'".to_owned(),
        (_, "text") => format!("COALESCE({column}, '') || 'x'"),
        (_, "boolean") => format!("NOT {column}"),
        (_, "uuid") => sql::id_of("07".repeat(16)),
        (_, "blob") => format!("zeroblob(COALESCE(length({column}), 16))"),
        (_, "bytea") => format!("decode(repeat('00', COALESCE(length({column}), 16)), 'hex')"),
        _ if column.starts_with("is_") => format!("1 - {column}"),
        _ => format!("COALESCE({column}, 0) + 7"),
    }
}

/// Changes a database as somebody who can also drop its constraints.
async fn run(database: &Database, statements: &str) {
    let unchecked = if on_postgres() {
        "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint \
         WHERE contype IN ('c', 'f') AND conrelid <> 0 AND connamespace = 'public'::regnamespace LOOP \
         EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END $$"
    } else {
        "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON"
    };
    let indexes =
        "DROP INDEX IF EXISTS connection_profile_default; DROP INDEX IF EXISTS connection_profile_implicit";
    sql::script(database, format!("{unchecked}; {indexes}; {statements}")).await;
}

/// Edits each covered column of one row of each table that has one, and notes the table.
async fn edited(world: &World, registry: &ConnectionRegistry, seen: &mut BTreeSet<String>) {
    let database = world.database();
    let named = async || {
        let found = registry.events().edited_rows().await.unwrap();
        found.into_iter().map(|error| error.table).collect::<Vec<_>>()
    };
    assert_eq!(named().await, [""; 0], "the control");
    for (table, column, of) in covered(&database).await {
        let one = format!("(SELECT mark FROM {table} WHERE mark IS NOT NULL ORDER BY mark LIMIT 1)");
        if sql::number(&database, format!("SELECT length({one})")).await.is_none() {
            continue;
        }
        let value = other(&column, &of);
        let edit = format!("UPDATE {table} SET {column} = {value} WHERE mark = {one}");
        run(&database, &format!("CREATE TABLE kept AS SELECT * FROM {table}; {edit}")).await;
        let found = named().await;
        assert!(found.contains(&&*table), "{edit}: {found:?}");
        run(&database, &format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept")).await;
        assert_eq!(named().await, [""; 0], "as it was before {edit}");
        seen.insert(table);
    }
}

/// Tokens and approvals are many, and are read some at a time.
#[tokio::test]
async fn each_of_many_rows_is_looked_at() {
    const COUNT: u32 = 2001;
    let it = Asking::new().await;
    let asked = it.comment("1").await.to_string();
    let database = it.world.database();
    let token = "connection_access_token (id, owner, purpose, token_hash, name, role, created_at, expires_at, mark)";
    let tokens = rows(token, "{id}, 'local', 'program', {hash}, 'n', 'read', i, i, {hash}", COUNT);
    sql::run(&database, tokens).await;
    let approval = "connection_approval (id, owner, agent_id, connection_id, kind, state, same, facts, created_at, ends_at, \
                    changed_at, mark)";
    let (agent, connection) = ("(SELECT id FROM connection_agent)", "(SELECT id FROM connection_account)");
    let values = format!("{{id}}, 'local', {agent}, {connection}, 'acme', 'lapsed', {{hash}}, '{{}}', i, i, i, {{hash}}");
    sql::run(&database, rows(approval, &values, COUNT)).await;
    let found = it.registry.events().edited_rows().await.unwrap();
    let of = |table| found.iter().filter(|error| error.table == table).count();
    assert_eq!(of("connection_access_token"), COUNT as usize);
    assert_eq!(of("connection_approval"), COUNT as usize);
    assert_eq!(found.len(), 2 * COUNT as usize, "the control");
    assert!(found.iter().all(|error| !error.what.as_str().contains(&asked)), "the control");
    it.registry.close().await;
}

#[tokio::test]
async fn a_row_with_a_mark_is_refused_after_an_edit_of_any_covered_column() {
    let mut seen = BTreeSet::new();

    let it = Asking::new().await;
    let consent = Consent::Widen { time: Duration::from_secs(60), requests: 2 };
    let id = it.comment("1").await;
    it.approve_as(id, consent).await.unwrap();
    it.settled(id).await;
    it.registry.access_tokens().create(NewAccessToken::new("a report", Role::Read)).await.unwrap();
    edited(&it.world, &it.registry, &mut seen).await;

    let it = Tools::new().await;
    let work = it.profiles().create(NewProfile::new("work", it.path("work"))).await.unwrap();
    it.profiles().set_slot("place", work.id).await.unwrap();
    edited(&it.world, &it.registry, &mut seen).await;

    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    assert_eq!(code(&reauthorized(&connection, "key-2").await), "done Live");
    registry.extensions().add(&acme_extension("issues"), "one").await.unwrap();
    registry.extensions().grant("issues", connection.id(), &[]).await.unwrap();
    registry.extensions().choose("issues", connection.id()).await.unwrap();
    handle(&registry, "issues").set_preferences(None).set("layout", "wide").await.unwrap();
    edited(&world, &registry, &mut seen).await;

    let tables = covered(&world.database()).await.into_iter().map(|(table, ..)| table);
    assert_eq!(seen, tables.collect(), "each table with a mark has a row in one of these stores");
}
