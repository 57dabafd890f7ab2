//! The database as somebody else sees it who can write the file: SQL past the program.

use std::path::Path;

use connection_core::ConnectionId;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

/// Runs one statement; how many rows it changed.
pub(crate) async fn run(database: &Path, sql: impl Into<String>) -> u64 {
    let mut connection = open(database).await;
    let done = sqlx::query(AssertSqlSafe(sql.into())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    done.rows_affected()
}

/// Runs statements one after another on one connection.
pub(crate) async fn script(database: &Path, sql: impl Into<String>) {
    let mut connection = open(database).await;
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The number that a query gives; `None` for no row or `NULL`.
pub(crate) async fn number(database: &Path, sql: impl Into<String>) -> Option<i64> {
    let mut connection = open(database).await;
    let found = sqlx::query_as::<_, (Option<i64>,)>(AssertSqlSafe(sql.into())).fetch_optional(&mut connection).await;
    connection.close().await.unwrap();
    found.unwrap().and_then(|(number,)| number)
}

/// The bytes of one value.
pub(crate) async fn blob(database: &Path, sql: impl Into<String>) -> Vec<u8> {
    let mut connection = open(database).await;
    let found = sqlx::query_as::<_, (Vec<u8>,)>(AssertSqlSafe(sql.into())).fetch_one(&mut connection).await;
    connection.close().await.unwrap();
    found.unwrap().0
}

/// Bytes as SQL writes them.
pub(crate) fn literal(bytes: &[u8]) -> String {
    format!("X'{}'", connection_contract::encode::hex(bytes))
}

/// An id as SQL writes it.
pub(crate) fn id(id: ConnectionId) -> String {
    format!("X'{}'", id.to_string().replace('-', ""))
}

async fn open(database: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(database).connect().await.unwrap()
}

/// The texts that a query gives, in its order.
pub(crate) async fn texts(database: &Path, sql: impl Into<String>) -> Vec<String> {
    let mut connection = open(database).await;
    let found = sqlx::query_as::<_, (String,)>(AssertSqlSafe(sql.into())).fetch_all(&mut connection).await;
    connection.close().await.unwrap();
    found.unwrap().into_iter().map(|(text,)| text).collect()
}
