//! The documented schema of PostgreSQL: `docs/schema.postgres.sql` contains the migrations in their order.
//!
//! With `CONNECTIONS_TEST_WRITE_SCHEMA` set, the file is written instead of compared.

use std::{env, fs, path::Path};

use connection_faults::postgres::Database;

use crate::sql;

const HEAD: &str = "\
-- The schema of a PostgreSQL database: the migrations of connection-core, in order. A test compares this file with
-- them, and the schema that it makes with that of a database of the program.

";

/// Our tables, without that of the migrations and those that the tests add.
const RELATIONS: &str = "SELECT c.oid, c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace \
                         AND c.relkind = 'r' AND c.relname LIKE 'connection\\_%' AND c.relname <> 'connection_migrations'";

/// Returns our tables, indexes, functions and triggers as the catalog describes them.
async fn catalog(database: &Database) -> String {
    let database = sql::Database::Server(Box::new(database.options()));
    // The columns, then the constraints of the row. In later versions not-null constraints have names; they are
    // left out there.
    let tables = format!(
        "SELECT format(E'CREATE TABLE %s (\\n%s\\n);', r.relname, (\
           SELECT string_agg(line, E',\\n' ORDER BY part, place, line) FROM (\
             SELECT 0 AS part, a.attnum AS place, format('    %s %s%s%s', a.attname, \
               format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END, \
               coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')) AS line \
             FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped \
             UNION ALL SELECT 1, position(c.contype::text IN 'pucf'), \
               format('    CONSTRAINT %s %s', c.conname, pg_get_constraintdef(c.oid)) \
             FROM pg_constraint AS c WHERE c.conrelid = r.oid AND c.contype IN ('p', 'u', 'c', 'f')) AS lines)) \
         FROM ({RELATIONS}) AS r"
    );
    let indexes = format!(
        "SELECT pg_get_indexdef(i.indexrelid) || ';' FROM pg_index AS i JOIN ({RELATIONS}) AS r ON r.oid = i.indrelid \
         WHERE NOT EXISTS (SELECT 1 FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)"
    );
    let functions = "SELECT pg_get_functiondef(p.oid) || ';' FROM pg_proc AS p \
                     WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'connection\\_%'";
    let triggers = format!(
        "SELECT pg_get_triggerdef(t.oid) || ';' FROM pg_trigger AS t JOIN ({RELATIONS}) AS r ON r.oid = t.tgrelid \
         WHERE NOT t.tgisinternal"
    );
    let mut dump = String::new();
    for sql in [tables, indexes, functions.to_owned(), triggers] {
        let mut statements = sql::texts(&database, sql).await;
        statements.sort();
        for statement in statements {
            dump.push_str(&format!("\n{statement}\n"));
        }
    }
    dump
}

#[tokio::test]
async fn the_documented_schema_of_postgresql_is_that_of_all_migrations() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = core.join("../../docs/schema.postgres.sql");
    let expected = format!("{HEAD}{}", migrations(&core.join("migrations/postgres")));
    #[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written")]
    let write = env::var_os("CONNECTIONS_TEST_WRITE_SCHEMA").is_some();
    if write {
        fs::write(&document, &expected).unwrap();
    }
    let documented = fs::read_to_string(&document).unwrap();
    assert_eq!(documented, expected, "set CONNECTIONS_TEST_WRITE_SCHEMA to write it anew");

    let migrated = Database::migrated().await;
    let empty = Database::empty().await;
    sql::script(&sql::Database::Server(Box::new(empty.options())), documented).await;
    assert_eq!(catalog(&empty).await, catalog(&migrated).await);
}

/// Returns the texts of all migrations in a folder.
fn migrations(folder: &Path) -> String {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>().join("\n")
}
