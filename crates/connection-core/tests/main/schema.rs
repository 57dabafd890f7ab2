//! The documented schemas: `docs/schema.sqlite.sql` and `docs/schema.postgres.sql` contain the migrations in their order.
//!
//! With `CONNECTIONS_TEST_WRITE_SCHEMA` set, the files are written instead of compared.

use std::{env, fs, path::Path};

#[test]
fn the_documented_schemas_are_those_of_all_migrations() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (engine, title) in [("sqlite", "SQLite"), ("postgres", "PostgreSQL")] {
        let document = core.join(format!("../../docs/schema.{engine}.sql"));
        let head = format!("-- The schema of a {title} database: the migrations of connection-core, in order.\n\n");
        let expected = head + &migrations(&core.join("migrations").join(engine));
        #[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written")]
        let write = env::var_os("CONNECTIONS_TEST_WRITE_SCHEMA").is_some();
        if write {
            fs::write(&document, &expected).unwrap();
        }
        let documented = fs::read_to_string(&document).unwrap();
        assert_eq!(documented, expected, "set CONNECTIONS_TEST_WRITE_SCHEMA to write it anew");
    }
}

/// Returns the texts of all migrations in a folder.
fn migrations(folder: &Path) -> String {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>().join("\n")
}
