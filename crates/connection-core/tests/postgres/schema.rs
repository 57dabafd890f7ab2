//! The tables as documented: `docs/schema.postgres.sql` is what the catalog says after all migrations.
//!
//! With `CONNECTIONS_TEST_WRITE_SCHEMA` set, the file is written instead of compared.

use std::{fs, path::Path};

use connection_faults::postgres::Database;

use crate::raw;

const HEAD: &str =
    "-- The tables of a database of this version: what PostgreSQL says after all migrations, checked by a test.\n";

/// Our tables, without that of the migrations and those that the tests add.
const RELATIONS: &str = "SELECT c.oid, c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace \
                         AND c.relkind = 'r' AND c.relname LIKE 'connection\\_%' AND c.relname <> 'connection_migrations'";

#[tokio::test]
async fn the_documented_schema_of_postgresql_is_what_its_migrations_make() {
    let database = Database::migrated().await;
    let database = raw::Database::Server(Box::new(database.options()));
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
    let mut dump = HEAD.to_owned();
    for sql in [tables, indexes, functions.to_owned(), triggers] {
        let mut statements = raw::texts(&database, sql).await;
        statements.sort();
        for statement in statements {
            dump.push_str(&format!("\n{statement}\n"));
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema.postgres.sql");
    #[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written")]
    let write = std::env::var_os("CONNECTIONS_TEST_WRITE_SCHEMA").is_some();
    if write {
        fs::write(&file, &dump).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), dump, "set CONNECTIONS_TEST_WRITE_SCHEMA to write it anew");
}
