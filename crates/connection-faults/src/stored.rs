//! Every stored row, as text, to show that a request changed nothing; an event that another program edited; and a
//! database that fails when a connection is stored.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};

/// Returns every row of the tables at an address: the path of a file, or the address of a PostgreSQL server.
pub async fn rows(address: &str) -> Vec<String> {
    if address.starts_with("postgres") { on_server(address).await } else { in_file(address).await }
}

async fn on_server(address: &str) -> Vec<String> {
    const TABLES: &str = "SELECT table_name::text FROM information_schema.tables \
                          WHERE table_schema = 'public' AND table_name LIKE 'connection\\_%' ORDER BY 1";
    let mut connection = address.parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut connection).await.unwrap();
    let mut found = Vec::new();
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT '{table} ' || t::text FROM {table} AS t ORDER BY 1"));
        found.extend(sqlx::query_scalar::<_, String>(sql).fetch_all(&mut connection).await.unwrap());
    }
    connection.close().await.unwrap();
    found
}

async fn in_file(path: &str) -> Vec<String> {
    const COLUMNS: &str = "SELECT t.name, group_concat('quote(\"' || c.name || '\")', ' || ''|'' || ') \
                           FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
                           WHERE t.type = 'table' AND t.name LIKE 'connection\\_%' ESCAPE '\\' \
                           GROUP BY t.name ORDER BY t.name";
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let tables: Vec<(String, String)> = sqlx::query_as(COLUMNS).fetch_all(&mut connection).await.unwrap();
    let mut found = Vec::new();
    for (table, columns) in tables {
        let sql = AssertSqlSafe(format!("SELECT '{table} ' || {columns} FROM {table} ORDER BY 1"));
        found.extend(sqlx::query_scalar::<_, String>(sql).fetch_all(&mut connection).await.unwrap());
    }
    connection.close().await.unwrap();
    found
}

/// Edits the first event of a connection, as another program with write access does: it removes the trigger that
/// protects events, and changes the time of the event.
///
/// # Panics
///
/// Panics if the database rejects a statement, or if no event is edited.
pub async fn edit_event(address: &str, connection: &str) {
    let is_server = address.starts_with("postgres");
    let unlock = match is_server {
        true => "DROP TRIGGER IF EXISTS connection_event_no_change ON connection_event",
        false => "DROP TRIGGER IF EXISTS connection_event_no_update",
    };
    let id = id(address, connection);
    let edit = format!("UPDATE connection_event SET at = at + 1 WHERE seq = 1 AND connection_id = {id}");
    execute(address, unlock.to_owned()).await;
    let edited = execute(address, edit).await;
    assert_eq!(edited, 1, "the event of {connection} is edited");
}

/// Makes the database fail whenever a connection is stored while there are this many, until [`heal`] is called. The
/// failure is one of the database, as on a machine without memory, and no refusal of the row.
///
/// # Panics
///
/// Panics if the database rejects a statement.
pub async fn fail_after(address: &str, connections: usize) {
    let there = format!("(SELECT count(*) FROM connection_account) >= {connections}");
    let fail = if address.starts_with("postgres") {
        // A condition of a trigger of PostgreSQL cannot have a query.
        format!(
            "CREATE FUNCTION connections_test_fail() RETURNS trigger AS $$ BEGIN IF {there} THEN \
             RAISE EXCEPTION 'out of memory' USING ERRCODE = 'out_of_memory'; END IF; RETURN NEW; END $$ \
             LANGUAGE plpgsql; \
             CREATE TRIGGER connections_test_fail BEFORE INSERT ON connection_account \
             FOR EACH ROW EXECUTE FUNCTION connections_test_fail()"
        )
    } else {
        // `RAISE` would be a violated constraint. The smallest integer has no absolute value, which is an error.
        format!(
            "CREATE TRIGGER connections_test_fail BEFORE INSERT ON connection_account WHEN {there} \
             BEGIN SELECT abs(-9223372036854775808 + length(NEW.label) * 0); END"
        )
    };
    execute(address, fail).await;
}

/// Ends the failure that [`fail_after`] began.
///
/// # Panics
///
/// Panics if the database rejects a statement.
pub async fn heal(address: &str) {
    let heal = if address.starts_with("postgres") {
        "DROP FUNCTION connections_test_fail() CASCADE"
    } else {
        "DROP TRIGGER connections_test_fail"
    };
    execute(address, heal.to_owned()).await;
}

/// Makes every request with an `Idempotency-Key` look as if its process had been killed after it made something and
/// before it recorded the end of the request.
///
/// # Panics
///
/// Panics if the database rejects the statement.
pub async fn interrupt_requests(address: &str) {
    let interrupt = "UPDATE connection_access_token_request SET is_whole = FALSE";
    execute(address, interrupt.to_owned()).await;
}

/// Executes statements as another program with write access does. Returns the number of rows that they changed.
///
/// # Panics
///
/// Panics if the database rejects a statement.
pub async fn change(address: &str, statements: impl Into<String>) -> u64 {
    execute(address, statements.into()).await
}

/// Returns an id, such as that of a connection, as a literal of the engine at an address.
pub fn id(address: &str, id: &str) -> String {
    match address.starts_with("postgres") {
        true => format!("'{id}'::uuid"),
        false => format!("X'{}'", id.replace('-', "")),
    }
}

/// Executes statements over a connection of its own. Returns the number of rows that they changed.
async fn execute(address: &str, statements: String) -> u64 {
    let statements = sqlx::raw_sql(AssertSqlSafe(statements));
    if address.starts_with("postgres") {
        let mut connection = address.parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
        let changed = statements.execute(&mut connection).await.unwrap().rows_affected();
        connection.close().await.unwrap();
        changed
    } else {
        let mut connection = SqliteConnectOptions::new().filename(address).connect().await.unwrap();
        let changed = statements.execute(&mut connection).await.unwrap().rows_affected();
        connection.close().await.unwrap();
        changed
    }
}
