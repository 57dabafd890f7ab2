//! The tables as documented: `docs/schema.sqlite.sql` is the dump of all migrations.
//!
//! With `CONNECTIONS_TEST_WRITE_SCHEMA` set, the file is written instead of compared.

use std::{fs, path::Path};

use sqlx::{Connection as _, SqliteConnection};

use crate::world::World;

const HEAD: &str = "-- The tables of a database of this version: the dump of all migrations, checked by a test.\n";

#[tokio::test]
async fn the_documented_schema_is_the_dump_of_all_migrations() {
    let world = World::new().await;
    world.acme().await.close().await;
    let database = format!("sqlite://{}", world.file().display());
    let mut connection = SqliteConnection::connect(&database).await.unwrap();
    let statements: Vec<(String,)> = sqlx::query_as(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name <> 'connection_migrations' \
         ORDER BY tbl_name, CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let statements: Vec<_> = statements.into_iter().map(|(sql,)| format!("\n{sql};\n")).collect();
    let dump = format!("{HEAD}{}", statements.concat());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema.sqlite.sql");
    #[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written")]
    let write = std::env::var_os("CONNECTIONS_TEST_WRITE_SCHEMA").is_some();
    if write {
        fs::write(&file, &dump).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), dump, "set CONNECTIONS_TEST_WRITE_SCHEMA to write it anew");
}
