//! The template database that tests copy. It has our tables, and a few functions that let tests use the same SQL on
//! both engines.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::OnceLock,
};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use super::{PREFIX, options};

/// Functions of SQLite that PostgreSQL lacks.
const FUNCTIONS: &str = "
    CREATE FUNCTION hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(encode($1, 'hex')) $$;
    CREATE FUNCTION hex(uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(replace($1::text, '-', '')) $$;
    CREATE FUNCTION ifnull(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1, $2) $$;
    CREATE FUNCTION json_extract(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT $1::jsonb ->> substr($2, 3) $$;
    CREATE FUNCTION ifnull(bigint, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1::text, $2) $$;
";

/// Returns the name of the template, which depends on the migrations.
pub(super) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let state = state().unwrap_or_else(|error| panic!("the migrations: {error}"));
        format!("connections_template_{state:016x}")
    })
}

/// Makes the template, unless another process does so.
pub(super) async fn make(server: &mut PgConnection) {
    made(name(), server).await.unwrap_or_else(|error| panic!("the template of the tests' databases: {error}"));
}

async fn made(name: &str, server: &mut PgConnection) -> Result<(), Box<dyn std::error::Error>> {
    // The lock belongs to the session, so it is released when this process dies.
    sqlx::query("SELECT pg_advisory_lock(7411)").execute(&mut *server).await?;
    sweep(server).await?;
    if !is_there(server, name).await? {
        let half_made = format!("{name}_new");
        for sql in
            [format!("DROP DATABASE IF EXISTS {half_made}"), format!("CREATE DATABASE {half_made} TEMPLATE template0")]
        {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut *server).await?;
        }
        let inside = options().database(&half_made);
        connection_core::migrate(inside.to_url_lossy().to_string()).await?;
        let mut inside = inside.connect().await?;
        sqlx::raw_sql(FUNCTIONS).execute(&mut inside).await?;
        inside.close().await?;
        let sql = format!("ALTER DATABASE {half_made} RENAME TO {name}");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *server).await?;
    }
    sqlx::query("SELECT pg_advisory_unlock(7411)").execute(server).await?;
    Ok(())
}

async fn is_there(server: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    let sql = "SELECT count(*) = 1 FROM pg_database WHERE datname = $1";
    let (is_there,): (bool,) = sqlx::query_as(sql).bind(name).fetch_one(server).await?;
    Ok(is_there)
}

/// Drops the databases of killed processes of this machine.
async fn sweep(server: &mut PgConnection) -> Result<(), sqlx::Error> {
    if !Path::new("/proc/self").exists() || !matches!(options().get_host(), "127.0.0.1" | "localhost") {
        return Ok(());
    }
    let found: Vec<(String,)> = sqlx::query_as("SELECT datname::text FROM pg_database WHERE starts_with(datname, $1)")
        .bind(PREFIX)
        .fetch_all(&mut *server)
        .await?;
    for (name,) in found {
        let process = name.trim_start_matches(PREFIX).split('_').next().unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            sqlx::query(AssertSqlSafe(sql)).execute(&mut *server).await?;
        }
    }
    Ok(())
}

/// Returns a number that changes with the migrations and the functions.
fn state() -> std::io::Result<u64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connection-core/migrations/postgres");
    let mut files: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let mut hasher = DefaultHasher::new();
    FUNCTIONS.hash(&mut hasher);
    for file in files {
        (file.file_name(), fs::read(file.path())?).hash(&mut hasher);
    }
    Ok(hasher.finish())
}
