//! The documented schema of SQLite: `docs/schema.sqlite.sql` contains the migrations in their order.
//!
//! With `CONNECTIONS_TEST_WRITE_SCHEMA` set, the file is written instead of compared.

use std::{env, fs, path::Path};

use crate::{
    sql::{self, Database},
    test_host::World,
};

const HEAD: &str = "\
-- The schema of a SQLite database: the migrations of connection-core, in order. A test compares this file with
-- them, and the schema that it makes with that of a database of the program.

";

/// Returns every object of our tables as SQLite stores it, with its name.
async fn objects(database: &Database) -> Vec<String> {
    let sql = "SELECT type || ' ' || name || ': ' || COALESCE(sql, '') FROM sqlite_schema \
               WHERE tbl_name <> 'connection_migrations' ORDER BY 1";
    sql::texts(database, sql).await
}

#[tokio::test]
async fn the_documented_schema_is_that_of_all_migrations() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = core.join("../../docs/schema.sqlite.sql");
    let expected = format!("{HEAD}{}", migrations(&core.join("migrations/sqlite")));
    #[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written")]
    let write = env::var_os("CONNECTIONS_TEST_WRITE_SCHEMA").is_some();
    if write {
        fs::write(&document, &expected).unwrap();
    }
    let documented = fs::read_to_string(&document).unwrap();
    assert_eq!(documented, expected, "set CONNECTIONS_TEST_WRITE_SCHEMA to write it anew");

    let world = World::new().await;
    world.acme().await.close().await;
    let empty = world.directory.path().join("documented.db");
    fs::write(&empty, "").unwrap();
    let empty = Database::File(empty);
    sql::script(&empty, documented).await;
    assert_eq!(objects(&empty).await, objects(&world.database()).await);
}

/// Returns the texts of all migrations in a folder.
fn migrations(folder: &Path) -> String {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>().join("\n")
}
