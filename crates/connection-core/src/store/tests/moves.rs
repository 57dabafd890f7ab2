//! A move carries every column of every table.

use std::collections::{BTreeMap, BTreeSet};

use connection_faults::postgres;
use secrecy::SecretString;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

use super::{Database, texts::fill};
use crate::store::moving::{self, MoveSource, MoveTarget, TargetState};

/// Rows of the tables that do not grow, and values that a text format could change.
const OTHERS: &[&str] = &[
    "INSERT INTO connection_keyset (only_row, store_id, revision, slot_a) \
     VALUES (1, x'00112233445566778899aabbccddeeff', 7, x'005c6e0a')",
    "INSERT INTO connection_event_receiver VALUES (1, 9)",
    "INSERT INTO connection_withdrawal VALUES (1, 12)",
    "INSERT INTO connection_freeze VALUES (1, '[]', '[]', x'')",
    // It differs from the row that the migration inserts on the server.
    "UPDATE connection_part SET oldest = 3, written = 2",
    "INSERT INTO connection_kind_terms SELECT zeroblob(32), \
     'a' || char(9) || 'b' || char(10) || '\\N \\x00 \\' || char(13) || 'é'",
    "INSERT INTO connection_use (number, use_id, part, commitment, mark, at) \
     VALUES (41, zeroblob(16), 'began', x'', x'ff', -1)",
    // The process ends with the move.
    "INSERT INTO connection_presence VALUES ('a process', 'process 7 on a laptop', unixepoch(), 12, 1)",
    "INSERT INTO connection_usage SELECT id, 9223372036854775807, '', '', 1e-300 FROM connection_account LIMIT 1",
];

/// What is known of a column: the number of its values, of different ones, the least and the greatest.
type Known = (i64, i64, Option<String>, Option<String>);

/// Returns the names and the types of the columns of a database on a server, by table.
async fn types(server: &mut PgConnection) -> BTreeMap<String, Vec<(String, String)>> {
    let sql = "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
               WHERE table_name LIKE 'connection\\_%' AND table_name NOT IN \
               ('connection_migrations', 'connection_move', 'connection_presence', 'connection_place_now') \
               ORDER BY 1, ordinal_position";
    let found: Vec<(String, String, String)> = sqlx::query_as(sql).fetch_all(server).await.unwrap();
    let mut types = BTreeMap::<String, Vec<_>>::new();
    for (table, column, of) in found {
        types.entry(table).or_default().push((column, of));
    }
    types
}

fn known(value: &str, table: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT count({value}), count(DISTINCT {value}), min({value}), max({value}) FROM {table}"))
}

async fn in_file(file: &mut SqliteConnection, table: &str, column: &str, of: &str) -> Known {
    let value = match of {
        "bytea" | "uuid" => format!("lower(hex(\"{column}\"))"),
        // The shortest form of a number differs in its exponent.
        "double precision" => format!("CAST(CAST(round(\"{column}\" * 1000) AS INTEGER) AS TEXT)"),
        _ => format!("CAST(\"{column}\" AS TEXT)"),
    };
    // hex gives an empty text for NULL.
    let value = format!("CASE WHEN \"{column}\" IS NOT NULL THEN {value} END");
    sqlx::query_as(known(&value, table)).fetch_one(file).await.unwrap()
}

async fn on_server(server: &mut PgConnection, table: &str, column: &str, of: &str) -> Known {
    let value = match of {
        "bytea" => format!("encode(\"{column}\", 'hex')"),
        "uuid" => format!("replace(\"{column}\"::text, '-', '')"),
        "boolean" => format!("\"{column}\"::int::text"),
        "double precision" => format!("CAST(round(\"{column}\" * 1000)::bigint AS text)"),
        _ => format!("\"{column}\"::text"),
    };
    sqlx::query_as(known(&format!("({value}) COLLATE \"C\""), table)).fetch_one(server).await.unwrap()
}

#[tokio::test]
async fn every_row_of_every_table_is_carried_to_postgres() {
    if !postgres::is_there() {
        return;
    }
    let database = Database::new();
    database.open().await.close().await;
    let mut file = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    fill(&mut file, "unhex(printf('%032x', i))", "unhex(printf('%064x', i))").await;
    for statement in OTHERS {
        file.execute(*statement).await.unwrap();
    }
    file.close().await.unwrap();

    let server = postgres::Database::empty().await;
    let mut source = MoveSource::open(&database.path()).await.unwrap();
    let address = SecretString::from(server.url());
    let mut target = MoveTarget::connect(&address).await.unwrap().unwrap();
    let mut arrival = target.begin().await.unwrap();
    assert_eq!(arrival.state().await.unwrap(), TargetState::Empty);
    arrival.prepare().await.unwrap();
    moving::copy(&mut source, &mut arrival, &|_| {}).await.unwrap();
    let counted = moving::counted(&mut source, &mut arrival).await.unwrap();
    assert_eq!((counted.connections, counted.differing), (3000, None));
    arrival.commit().await.unwrap();
    source.close().await;
    target.close().await;

    let mut file = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    let mut server = server.connect().await;
    let tables = types(&mut server).await;
    for (table, columns) in &tables {
        for (column, of) in columns {
            let there = on_server(&mut server, table, column, of).await;
            assert_eq!(in_file(&mut file, table, column, of).await, there, "{table}.{column}");
        }
        let rows: (i64,) = sqlx::query_as(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&mut server)
            .await
            .unwrap();
        assert_ne!(rows, (0,), "{table} has a row in this test");
    }
    let listed: Vec<(String,)> = sqlx::query_as(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'connection\\_%' ESCAPE '\\' \
         AND name NOT IN ('connection_migrations', 'connection_move', 'connection_presence')",
    )
    .fetch_all(&mut file)
    .await
    .unwrap();
    let listed: BTreeSet<_> = listed.into_iter().map(|(name,)| name).collect();
    assert_eq!(listed, tables.into_keys().collect(), "both engines have the same tables");

    let present: (i64,) =
        sqlx::query_as("SELECT count(*) FROM connection_presence").fetch_one(&mut server).await.unwrap();
    assert_eq!(present, (0,), "no process of the file is present on the server");

    // The triggers work again, and the numbers of the record go on.
    let text: (String,) =
        sqlx::query_as("SELECT terms FROM connection_kind_terms").fetch_one(&mut server).await.unwrap();
    assert_eq!(text.0, "a\tb\n\\N \\x00 \\\ré");
    let next = "INSERT INTO connection_use (use_id, part, commitment, mark) \
                VALUES ('00000000-0000-0000-0000-000000000001', 'began', '', '') RETURNING number";
    let number: (i64,) = sqlx::query_as(next).fetch_one(&mut server).await.unwrap();
    assert_eq!(number, (42,));
    let refused = server.execute("DELETE FROM connection_event").await.unwrap_err();
    assert!(refused.to_string().contains("append-only"), "{refused}");
    let places = "SELECT count(*) FROM connection_place AS p JOIN connection_place_now AS n USING (connection_id) \
                  WHERE (p.class, p.label, p.ends_at) IS DISTINCT FROM (n.class, n.label, n.ends_at)";
    let differing: (i64,) = sqlx::query_as(places).fetch_one(&mut server).await.unwrap();
    assert_eq!(differing, (0,), "both engines have the same places");
}
