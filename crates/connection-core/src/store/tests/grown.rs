//! The cost of every query text on large tables, on both engines, with and without statistics.
//!
//! A plan may look rows up by a key, or read a range of an index. A plan that reads all rows of a table or of an
//! owner and kind, or that sorts, is a walk. Intended walks are listed with their reason.
//!
//! PostgreSQL reads a small table as a whole whatever indexes exist, so sequential scans are disabled. The
//! only scans that remain are of texts for which there is no other plan.

use std::collections::BTreeSet;

use connection_faults::postgres;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _, sqlite::SqliteConnectOptions,
};

use super::{
    Database,
    texts::{Text, collect, fill},
};

/// Parts of texts whose plan may walk, with the reason.
const WALKS: &[(&str, &str)] = &[
    ("SELECT COUNT(*) FROM connection_account", "a number that a person or a host asks for"),
    (
        "COUNT(*) AS count FROM connection_account",
        "a number that the metrics of a host show, at most every ten seconds",
    ),
    ("AS exchanges", "what waits, of indexes that hold nothing else, and the requests that are under way"),
    ("FROM connection_migrations", "there are few"),
    ("SELECT id, kind FROM connection_account WHERE owner = $1 AND is_default", "one default per provider"),
    ("kind = $2 AND label = $3", "PostgreSQL takes a kind of a small table for one row, and any index for as good"),
    ("o.kind = a.kind AND o.label = $2", "as above"),
    ("o.kind = $2 AND o.label = $4", "as above"),
    (
        "lower(account_id) LIKE $3",
        "an owner's connections of one kind, when an account is connected or its address changed",
    ),
    (
        "SELECT account_id, label FROM connection_account",
        "an owner's connections of one kind, once for each transaction of an import",
    ),
    ("profile_id IS NULL ORDER BY id", "PostgreSQL takes what has no profile for common, and walks to the first"),
    ("COALESCE(MAX(usable_at), 0)", "one row, at the end of an index"),
    ("CASE WHEN m.id IS NULL", "two rows of a kind, and one default per provider"),
    ("ORDER BY seq DESC LIMIT 1", "one row, at the end of an index"),
    ("ORDER BY id DESC LIMIT 1", "one row, at the end of an index"),
    ("WHERE owner = $1 AND state IN ('running', 'waiting')", "what an owner has begun is bounded"),
    ("state = 'running' AND expires_at > $1", "what has not ended, of an index that holds nothing else"),
    ("state = 'waiting' AND expires_at > $1", "what has not ended, of an index that holds nothing else"),
    ("expires_at <= $1 AND state IN ('running', 'waiting')", "what has not ended, of an index that holds nothing else"),
    ("WHERE connection_id = $1 AND state IN ('running', 'waiting') ORDER BY id", "sorts the few of one connection"),
    ("FROM connection_endpoint e", "what has not ended or was not cleared away, up to the first"),
    ("WHERE key = $1 AND state = 'intent' AND process_id = $2", "what is under way, if PostgreSQL prefers its index"),
    ("state = 'intent' AND concluded_at IS NULL", "sorts what is under way on one node"),
    (
        "SELECT process_id FROM connection_exchange UNION",
        "what is under way, and the leases that were not released, of an index of these alone",
    ),
    (
        "WHERE state = 'answered' AND concluded_at <= $1",
        "answers that could not be read; a good one is deleted at once",
    ),
    ("l.refused_at IS NOT NULL", "uses that were refused and not verified since, of an index of these alone"),
    ("FROM connection_usage_window WHERE connection_id = $1 AND", "sorts the few windows of one connection"),
    ("SELECT extension, connection_id, scopes", "what the extensions of an owner lacked is asked for"),
    ("FROM connection_webhook_address AS d CROSS JOIN", "inboxes in which something waits, of an index of these alone"),
    ("SELECT name, NULL AS command, mark", "all extensions and settings of an owner are compared"),
    ("WHERE s.owner = $1 ORDER BY s.name", "all extensions of an owner are looked at, by `doctor`"),
    ("taken FROM connection_budget WHERE owner = $1", "all agents of an owner are asked for"),
    ("WHERE owner = $1 AND name = provider", "extensions of an owner are few"),
    ("WHERE x.owner = $1 AND $2 LIKE", "extensions of an owner are few, and a page has connections of theirs"),
    ("SELECT kind, label FROM connection_account", "names for a shell, a thousand at most"),
    ("WITH RECURSIVE found AS ", "one entry of an index for each kind of an owner"),
    ("WITH RECURSIVE classes ", "one entry of an index for each class"),
    ("AS counted) AS count ", "at most 10,001 entries of an index for each list of classes"),
    ("AS a WHERE a.kind = j.", "the kinds that were asked for, one entry of an index for each"),
    ("kind = $2 LIMIT 2", "two rows at most"),
    (
        "SELECT a.id, a.kind FROM ",
        "the ids that were asked for; PostgreSQL takes an owner of a small table for one row",
    ),
    ("WHERE a.owner || '' = $1 AND a.id ", "the ids that were asked for"),
    ("WHERE g.owner || '' = $1 AND g.connection_id ", "the grants of the connections that were asked for"),
    ("AS place FROM ", "the rows that were asked for"),
    ("FROM connection_budget WHERE grantee ", "the list of the grantees that were asked for"),
    ("SELECT DISTINCT namespace FROM connection_kv", "what is kept for an owner is asked for, when it is forgotten"),
    ("WHERE h.owner = $1 ORDER BY h.extension", "all choices of an owner are asked for"),
    ("WHERE g.owner = $1 ORDER BY g.extension", "all grants of an owner are asked for"),
    ("WHERE g.owner = $1 ORDER BY g.agent_id", "all grants to agents of an owner are looked at, by `doctor`"),
    ("WHERE w.owner = $1 ORDER BY w.agent_id", "all grants of an owner are asked for"),
    ("WHERE b.owner = $1 ORDER BY b.name", "all agents of an owner are looked at, by `doctor`"),
    ("WHERE t.owner = $1 AND ($2 IS NULL", "all tokens of an owner are looked at, by `doctor`"),
    ("WHERE p.owner = $1 AND TRUE", "all settings of an owner are asked for"),
    ("WHERE p.owner = $1 AND p.command = '' ORDER BY", "all settings of an owner are asked for"),
    ("WHERE p.owner = $1 ORDER BY p.kind", "all profiles of an owner are looked at, by `doctor`"),
    ("WHERE s.owner = $1 ORDER BY s.kind", "all slots of an owner are looked at, by `doctor`"),
    ("WHERE a.owner = $1 AND c.state = 'previous'", "all previous credentials of an owner are looked at, by `doctor`"),
    ("SELECT owner, kind, directory FROM connection_profile", "all profiles are asked for, when a registry is opened"),
    ("WHERE s.owner = $1 AND s.kind = $2 ORDER BY s.slot", "all slots of a kind are asked for"),
    ("SELECT owner FROM connection_row_event UNION", "the whole record is looked at, by `doctor`"),
    ("COUNT(*) FROM connection_", "a rotation of the keys counts what is left"),
    (", 6, 8) <> $1", "a rotation of the keys goes through everything, page by page"),
    ("SELECT terms FROM connection_kind_terms LIMIT", "the texts of terms are read when a registry is opened"),
    (
        "SELECT DISTINCT kind FROM connection_account WHERE owner = $1 AND id <> $2",
        "all connections of an owner are compared, when one is removed whose provider ends whole grants",
    ),
    ("SELECT DISTINCT a.kind FROM connection_account AS a LEFT JOIN connection_provider_grant", "as above"),
    ("SELECT first.owner FROM", "one row at each end of an index"),
    ("%client_refused", "refused applications are looked for when a scheduler begins or one is accepted again"),
    ("FROM connection_event_receiver", "there is one row"),
    ("connection_freeze AS z", "there is one row"),
    ("connection_presence", "one row for each process that uses connections"),
    ("FROM connection_keyset", "there is one row"),
    ("UPDATE connection_keyset", "there is one row"),
    ("connection_move", "there is one row at most"),
];

/// Columns in which many rows have the same value.
const SHARED: [&str; 3] = ["owner", "kind", "state"];

/// Returns `true` for a condition of an index, such as `owner=? AND id>?`, that leads to many rows. If statistics
/// say that one owner has all rows, a plan need not use the index of the owner.
fn is_wide(condition: &str, sql: &str, is_owners: bool) -> bool {
    // A range leads to the requested rows, unless it is not limited to the owner.
    if condition.contains(['<', '>']) {
        return is_owners && sql.contains("owner = $") && !condition.contains("owner");
    }
    let names = condition.split(" AND ").map(|part| part.trim_matches(['(', ')', ' ']));
    let mut columns = names.map(|part| part.split(['=', ' ', ')']).next().unwrap_or_default());
    columns.all(|column| SHARED.contains(&column.rsplit('.').next().unwrap_or_default()))
}

/// Returns the walks of an SQLite plan, which has one step per line.
fn walks_of_sqlite(sql: &str, steps: &[String]) -> Vec<String> {
    let named = |step: &str| step.strip_prefix("CO-ROUTINE ").map(str::to_owned);
    let routines: BTreeSet<_> = steps.iter().filter_map(|step| named(step)).collect();
    let is_walk = |step: &&String| {
        let condition = step.split_once(" (").map(|(_, condition)| condition);
        let scanned = step.strip_prefix("SCAN ");
        scanned.is_some_and(|what| what != "CONSTANT ROW" && !routines.contains(what))
            || step.starts_with("MATERIALIZE")
            || step.contains("TEMP B-TREE")
            || step.contains("AUTOMATIC")
            || step.starts_with("SEARCH ") && condition.is_some_and(|condition| is_wide(condition, sql, true))
    };
    steps.iter().filter(is_walk).cloned().collect()
}

/// Returns the walks of a PostgreSQL plan.
fn walks_of_postgres(sql: &str, lines: &[String], is_owners: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((node, _)) = line.split_once("  (cost") else { continue };
        let node = node.trim().trim_start_matches("->").trim();
        // The catalogue of the server does not grow with what is stored.
        let is_catalogue = node.starts_with("Seq Scan on pg_");
        if !is_catalogue && (node.starts_with("Seq Scan") || node.starts_with("Sort")) {
            found.push(node.to_owned());
        } else if ["Index Scan", "Index Only Scan", "Bitmap Index Scan"].iter().any(|kind| node.starts_with(kind)) {
            let next = lines.get(at + 1).and_then(|line| line.trim().strip_prefix("Index Cond: "));
            if next.is_none_or(|condition| is_wide(condition, sql, is_owners)) {
                found.push(format!("{node} {}", next.unwrap_or_default()));
            }
        }
    }
    found
}

/// Checks that only the listed texts walk.
fn check(statistics: &str, texts: &[Text], plans: &[(Vec<String>, Vec<String>)]) {
    let mut wrong = Vec::new();
    for (text, (plan, walks)) in texts.iter().zip(plans) {
        let is_meant = WALKS.iter().any(|(part, _)| text.sql.contains(part));
        if !walks.is_empty() && !is_meant {
            wrong.push(format!("{}:{}: {}\n{walks:#?}\n{plan:#?}", text.file, text.line, text.sql));
        }
    }
    assert!(wrong.is_empty(), "{statistics}: {} texts walk:\n{}", wrong.len(), wrong.join("\n\n"));
    let unused = WALKS.iter().find(|(part, _)| !texts.iter().any(|text| text.sql.contains(part)));
    assert_eq!(unused, None, "no text has this part");
}

fn queries(texts: Vec<Text>) -> Vec<Text> {
    let is_query =
        |text: &Text| ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|word| text.sql.starts_with(word));
    let mut seen = BTreeSet::new();
    texts.into_iter().filter(|text| is_query(text) && seen.insert(text.sql)).collect()
}

#[tokio::test]
async fn no_query_text_walks_through_what_grows_on_sqlite() {
    let database = Database::new();
    let store = database.open().await;
    let texts = queries(collect(&store).await);
    store.close().await;
    let mut connection = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    fill(&mut connection, "unhex(printf('%032x', i))", "unhex(printf('%064x', i))").await;
    for statistics in ["without statistics", "with statistics"] {
        let mut plans = Vec::new();
        for text in &texts {
            let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", text.sql));
            let steps = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            let walks = walks_of_sqlite(text.sql, &steps);
            plans.push((steps, walks));
        }
        check(statistics, &texts, &plans);
        connection.execute("ANALYZE").await.unwrap();
        connection.close().await.unwrap();
        connection = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    }
}

#[tokio::test]
async fn no_query_text_walks_through_what_grows_on_postgresql() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let texts = queries(collect(&store).await);
    store.close().await;
    let server: &postgres::Database = database.postgres.as_ref().unwrap();
    let mut connection = server.connect().await;
    let tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'connection\\_%'";
    for table in sqlx::query(tables).fetch_all(&mut connection).await.unwrap() {
        let table: String = table.get(0);
        let sql = format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let id = "CAST(lpad(to_hex(i), 32, '0') AS uuid)";
    let hash = "decode(lpad(to_hex(i), 64, '0'), 'hex')";
    fill(&mut connection, id, hash).await;
    let leave = ["seqscan", "sort", "bitmapscan", "hashjoin", "mergejoin", "material"];
    let leave = leave.map(|way| format!("SET enable_{way} = off;")).concat();
    let settings = AssertSqlSafe(format!("SET plan_cache_mode = force_generic_plan; {leave}"));
    sqlx::raw_sql(settings).execute(&mut connection).await.unwrap();
    for statistics in ["without statistics", "with statistics"] {
        let mut plans = Vec::new();
        for text in &texts {
            let count = (1..30).filter(|number| text.sql.contains(&format!("${number}"))).count();
            let binds = vec!["NULL"; count].join(", ");
            let binds = if count == 0 { String::new() } else { format!("({binds})") };
            // The driver gives the types of binds. Where the text does not determine a type, it is given here.
            let of = |number| match text.sql {
                sql if sql.contains(&format!("substr(${number},")) => "bytea",
                sql if sql.contains(&format!("(${number} IS NULL")) => "uuid",
                _ => "unknown",
            };
            let types: Vec<_> = (1..=count).map(of).collect();
            let types = if count == 0 { String::new() } else { format!("({})", types.join(", ")) };
            let sql = format!("PREPARE text{types} AS {}", text.sql);
            let prepared = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
            prepared.unwrap_or_else(|error| panic!("{}: {error}", text.sql));
            let sql = AssertSqlSafe(format!("EXPLAIN EXECUTE text{binds}"));
            let lines = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
            let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
            let walks = walks_of_postgres(text.sql, &lines, statistics == "without statistics");
            plans.push((lines, walks));
            connection.execute("DEALLOCATE text").await.unwrap();
        }
        check(statistics, &texts, &plans);
        connection.execute("ANALYZE").await.unwrap();
    }
}
