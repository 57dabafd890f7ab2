//! The store of a host as a program without the core would read it: the same queries by the driver alone.
//!
//! Benchmarks compare the core with it.
#![expect(clippy::unwrap_used, reason = "support of benchmarks: what fails here fails the run")]

use std::{hint::black_box, path::Path};

use sqlx::{
    ConnectOptions as _, Row as _, SqlitePool, ValueRef as _,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};

/// The columns of a connection that the API shows.
const CONNECTION: &str = "SELECT a.id, a.owner, a.kind, a.profile_id, a.label, a.account_id, a.account_label, a.config, \
     a.state, l.liveness, l.reason, c.granted_scopes, c.refresh_reason, a.is_default, a.revision, a.generation, \
     a.next_generation, a.created_at, a.updated_at, a.usable_at, l.checked_at, l.next_check_at, c.valid_until, \
     c.authorized_until FROM connection_account AS a \
     LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
     LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation";

/// A SQLite file that a registry has open, too.
#[derive(Clone, Debug)]
pub struct PlainStore {
    pool: SqlitePool,
    token_hash: Vec<u8>,
}

impl PlainStore {
    /// Opens the file of a registry that has one access token.
    ///
    /// # Panics
    ///
    /// Panics if there is no such file or no token.
    pub async fn open(file: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(file).disable_statement_logging();
        let pool = SqlitePoolOptions::new().max_connections(4).test_before_acquire(false);
        let pool = pool.connect_with(options).await.unwrap();
        let sql = "SELECT token_hash FROM connection_access_token";
        let token_hash = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
        Self { pool, token_hash }
    }

    /// Reads what the answer for one connection needs: the token, the connection with this label, and the grants.
    /// Returns the number of values.
    ///
    /// # Panics
    ///
    /// Panics if there is no connection with this label.
    pub async fn one(&self, label: &str) -> usize {
        let sql = sqlx::AssertSqlSafe(format!("{CONNECTION} WHERE a.owner = 'local' AND a.label = $1"));
        let connection = sqlx::query(sql).bind(label).fetch_one(&self.pool).await.unwrap();
        self.token_and_grants().await + decoded(&connection)
    }

    /// Reads what the answer for a page of connections needs: the token, fifty connections, and the grants. Returns the
    /// number of values.
    ///
    /// # Panics
    ///
    /// Panics if the store cannot be read.
    pub async fn page(&self) -> usize {
        let sql = format!("{CONNECTION} WHERE a.owner = 'local' ORDER BY a.usable_at, a.id LIMIT 50");
        let connections = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap();
        self.token_and_grants().await + connections.iter().map(decoded).sum::<usize>()
    }

    async fn token_and_grants(&self) -> usize {
        const TOKEN: &str = "SELECT * FROM connection_access_token WHERE token_hash = $1";
        const GRANTS: &str =
            "SELECT * FROM connection_extension_grant WHERE owner = 'local' ORDER BY extension, connection_id";
        let token = sqlx::query(TOKEN).bind(&self.token_hash).fetch_one(&self.pool).await.unwrap();
        let grants = sqlx::query(GRANTS).fetch_all(&self.pool).await.unwrap();
        decoded(&token) + grants.iter().map(decoded).sum::<usize>()
    }
}

/// Copies every value of a row out of the driver's buffer, and returns the number of those that are not `NULL`.
fn decoded(row: &SqliteRow) -> usize {
    let mut count = 0;
    for at in 0..row.len() {
        let value = row.try_get_raw(at).unwrap();
        if value.is_null() {
            continue;
        }
        match &*value.type_info().to_string() {
            "TEXT" | "BLOB" => drop(black_box(row.get_unchecked::<Vec<u8>, _>(at))),
            _ => {
                black_box(row.get_unchecked::<i64, _>(at));
            }
        }
        count += 1;
    }
    count
}
