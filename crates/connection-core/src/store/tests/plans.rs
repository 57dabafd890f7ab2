//! Each page walks its own index, in the order of the page.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, sqlite::SqliteConnectOptions};

use super::Database;
use crate::store::{
    accounts, agents, candidates, events, extensions, lists, livenesses, places, profiles, row_events, setups, webhooks,
};

/// Returns the plan of SQLite, one step per line.
async fn plan(database: &Database, sql: &str) -> Vec<String> {
    let mut connection = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let steps = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    steps.iter().map(|step| step.get::<String, _>("detail")).collect()
}

#[tokio::test]
async fn each_page_walks_an_index_and_sorts_nothing() {
    let database = Database::new();
    database.open().await.close().await;
    for (sql, index) in [
        (accounts::DEFAULTS, "SEARCH connection_account USING INDEX connection_account_default (owner=?)"),
        (accounts::OF_KIND, "SEARCH connection_account USING INDEX connection_account_of_kind (kind=? AND id>?)"),
        (
            lists::OF_ALL,
            "SEARCH a USING INDEX connection_account_usable ((usable_at,id)>(?,?) AND (usable_at,id)<(?,?))",
        ),
        (
            lists::OF_OWNER,
            "SEARCH a USING INDEX connection_account_usable_owner (owner=? AND (usable_at,id)>(?,?) AND \
             (usable_at,id)<(?,?))",
        ),
        (
            lists::OF_KIND,
            "SEARCH a USING INDEX connection_account_usable_kind (owner=? AND (kind,usable_at,id)>(?,?,?) AND \
             (kind,usable_at,id)<(?,?,?))",
        ),
        (
            lists::OF_LABEL,
            "SEARCH a USING INDEX sqlite_autoindex_connection_account_2 (owner=? AND kind=? AND label=?)",
        ),
        (
            lists::OF_TAG,
            "SEARCH t USING COVERING INDEX connection_tag_value (owner=? AND name=? AND value=? AND \
             (usable_at,connection_id)>(?,?) AND (usable_at,connection_id)<(?,?))",
        ),
        (
            lists::WINDOW_OF_TAG,
            "SEARCH t USING COVERING INDEX connection_tag_value (owner=? AND name=? AND value=? AND \
             (usable_at,connection_id)>(?,?))",
        ),
        (lists::WINDOW_OF_ALL, "SEARCH a USING COVERING INDEX connection_account_usable ((usable_at,id)>(?,?))"),
        (
            lists::WINDOW_OF_OWNER,
            "SEARCH a USING COVERING INDEX connection_account_usable_owner (owner=? AND (usable_at,id)>(?,?))",
        ),
        (
            lists::WINDOW_OF_KIND,
            "SEARCH a USING COVERING INDEX connection_account_usable_kind (owner=? AND (kind,usable_at,id)>(?,?,?) AND \
             kind<?)",
        ),
        (
            places::MEMBERS,
            "SEARCH p USING COVERING INDEX connection_place_class (owner=? AND class=? AND (label,connection_id)>(?,?))",
        ),
        (places::ENDING, "SEARCH p USING INDEX connection_place_end (owner=? AND ends_at<?)"),
        (events::OF_OWNER, "SEARCH connection_event USING INDEX connection_event_owner (owner=? AND id>?)"),
        (events::IDS, "SEARCH connection_event USING COVERING INDEX connection_event_owner (owner=? AND id>?)"),
        (events::ALL_IDS, "SEARCH connection_event USING COVERING INDEX sqlite_autoindex_connection_event_1 (id>?)"),
        (
            events::LAST_ID_OF_ALL,
            "SEARCH connection_event USING COVERING INDEX sqlite_autoindex_connection_event_1 (id>?)",
        ),
        (events::LAST_ID, "SEARCH connection_event USING COVERING INDEX connection_event_owner (owner=?)"),
    ] {
        check_page(&database, sql, index).await;
    }
}

async fn check_page(database: &Database, sql: &str, index: &str) {
    let plan = plan(database, sql).await;
    assert!(plan.iter().any(|step| step == index), "{sql}: {plan:#?}");
    let is_search = |step: &String| step.starts_with("SEARCH ") || step.ends_with("SCALAR SUBQUERY 1");
    assert!(plan.iter().all(is_search), "{sql}: {plan:#?}");
}

#[tokio::test]
async fn each_page_of_one_owner_walks_an_index_and_sorts_nothing() {
    let database = Database::new();
    database.open().await.close().await;
    for (sql, index) in [
        (agents::AGENTS, "SEARCH b USING INDEX connection_agent_name (owner=? AND name>?)"),
        (extensions::EXTENSIONS, "SEARCH x USING INDEX sqlite_autoindex_connection_extension_1 (owner=? AND name>?)"),
        (
            extensions::GRANTED,
            "SEARCH connection_extension_grant USING INDEX sqlite_autoindex_connection_extension_grant_1 \
             (owner=? AND extension>?)",
        ),
        (
            extensions::GRANTS_WITHIN,
            "SEARCH g USING INDEX sqlite_autoindex_connection_extension_grant_1 \
             (owner=? AND extension>? AND extension<?)",
        ),
        (
            profiles::PROFILES,
            "SEARCH p USING INDEX sqlite_autoindex_connection_profile_4 (owner=? AND kind=? AND id>?)",
        ),
        (setups::LISTED, "SEARCH connection_setup USING INDEX connection_setup_open ((owner,id)>(?,?) AND owner<?)"),
        (
            events::OF_CONNECTION,
            "SEARCH connection_event USING INDEX sqlite_autoindex_connection_event_2 (connection_id=? AND seq>?)",
        ),
    ] {
        check_page(&database, sql, index).await;
    }
}

/// This query runs for each new connection.
#[tokio::test]
async fn the_first_connection_is_recognized_by_keys() {
    let database = Database::new();
    database.open().await.close().await;
    let plan = plan(&database, accounts::FIRST_TWO).await;
    let is_key = |step: &String| step.starts_with("SEARCH ") && step.ends_with("(owner=? AND kind=?)");
    assert!(plan.len() == 1 && plan.iter().all(is_key), "{plan:#?}");
}

/// This query runs whenever a credential is opened. Its cost does not depend on the number of events.
#[tokio::test]
async fn the_standing_of_a_connection_is_found_by_keys() {
    let database = Database::new();
    database.open().await.close().await;
    for sql in [events::NEWEST, events::STANDING, events::IN_USE, events::STANDINGS, livenesses::CONFIRM] {
        let plan = plan(&database, sql).await;
        let is_costly = |step: &&String| step.starts_with("SCAN ") || step.contains("TEMP B-TREE");
        assert_eq!(plan.iter().find(is_costly), None, "{sql}: {plan:#?}");
    }
}

/// The connections of a preflight are found one by one, however many others exist.
#[tokio::test]
async fn kinds_of_named_connections_are_found_by_key() {
    let database = Database::new();
    database.open().await.close().await;
    let plan = plan(&database, accounts::KINDS).await;
    assert!(
        plan.iter().any(|step| step == "SEARCH a USING INDEX sqlite_autoindex_connection_account_1 (id=?)"),
        "{plan:#?}"
    );
}

/// This query runs at least twice a second while requests of agents last.
#[tokio::test]
async fn rows_that_were_written_since_are_found_by_key() {
    let database = Database::new();
    database.open().await.close().await;
    let plan = plan(&database, row_events::WRITTEN_SINCE).await;
    let by_key = "USING COVERING INDEX connection_row_event_subject (owner=? AND subject=? AND seq>?)";
    assert!(plan.iter().any(|step| step.starts_with("SEARCH n ") && step.ends_with(by_key)), "{plan:#?}");
    let by_id = "USING COVERING INDEX sqlite_autoindex_connection_account_1 (id=?)";
    assert!(plan.iter().any(|step| step.starts_with("SEARCH a ") && step.ends_with(by_id)), "{plan:#?}");
}

/// A waiter for webhooks reads every few seconds. The cost depends on the number of events that wait, not of all that
/// exist.
#[tokio::test]
async fn the_next_webhook_is_found_among_those_that_wait() {
    let database = Database::new();
    database.open().await.close().await;
    let plan = plan(&database, webhooks::turn!("unixepoch()")).await;
    let waiting = "SCAN d USING INDEX connection_webhook_address_waiting";
    assert!(plan.iter().any(|step| step == waiting), "{plan:#?}");
    let is_one = |step: &&String| step.starts_with("SCAN ") && *step != waiting;
    assert!(!plan.iter().any(|step| is_one(&step)), "{plan:#?}");
}

/// This query runs for each resolution. Its cost depends neither on the number of connections nor on the number of
/// those of the kind.
#[tokio::test]
async fn what_comes_first_for_a_requirement_is_found_by_keys_and_the_default_among_defaults() {
    let database = Database::new();
    database.open().await.close().await;
    for sql in [candidates::NEAR_OF_ONE, candidates::NEAR_OF_SOME] {
        let plan = plan(&database, sql).await;
        // Any two connections of the kind will do, so any index that begins with the kind is fine.
        let of_kind = |step: &&String| {
            step.starts_with("SEARCH n USING COVERING INDEX ") && step.ends_with(" (owner=? AND kind=?)")
        };
        assert_eq!(plan.iter().filter(of_kind).count(), 2, "{plan:#?}");
        let default = "SEARCH d USING INDEX connection_account_default (owner=?)";
        assert!(plan.iter().any(|step| step == default), "{plan:#?}");
        let costly = |step: &&String| {
            let walks = step.starts_with("SCAN ") && step.contains("INDEX");
            walks || step.starts_with("MATERIALIZE") || step.contains("TEMP B-TREE") || step.contains("AUTOMATIC")
        };
        assert_eq!(plan.iter().find(costly), None, "{plan:#?}");
        for table in [
            "SCAN n", "SCAN a", "SCAN d", "SCAN p", "SCAN s", "SCAN l", "SCAN c", "SCAN g", "SCAN h", "SCAN o",
            "SCAN w",
        ] {
            assert!(!plan.iter().any(|step| step == table), "{plan:#?}");
        }
    }
}

/// Returns the number of instructions of SQLite's virtual machine that a query with one parameter takes, and its rows.
async fn instructions(database: &Database, sql: &'static str, parameter: &str) -> (usize, Vec<String>) {
    let mut connection = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    connection.lock_handle().await.unwrap().set_progress_handler(1, move || {
        counted.fetch_add(1, Relaxed);
        true
    });
    let rows = sqlx::query_scalar(sql).bind(parameter.to_owned()).fetch_all(&mut connection).await.unwrap();
    (count.load(Relaxed), rows)
}

/// The scheduler asks in each of its rounds which kinds have connections, and a command that opens the store asks which
/// kinds of extensions have some.
#[tokio::test]
async fn the_kinds_that_have_connections_are_found_without_reading_the_connections() {
    let database = Database::new();
    database.open().await.close().await;
    let mut connection = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    let queries = [
        (accounts::OWN, "local", vec!["issues/acme"]),
        (accounts::CONNECTED, r#"["github","nobody","slack"]"#, vec!["github", "slack"]),
    ];
    let mut costs = Vec::new();
    for (from, to) in [(1, 30), (31, 3_000)] {
        let add = format!(
            "WITH RECURSIVE rows(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM rows WHERE i < {to}) \
             INSERT INTO connection_account (id, owner, kind, label, account_id, account_label, is_default, config, \
             generation, next_generation, state, created_at, updated_at) \
             SELECT CAST(printf('%016d', i) AS BLOB), 'local', \
             CASE i % 3 WHEN 0 THEN 'github' WHEN 1 THEN 'issues/acme' ELSE 'slack' END, 'l' || i, 'a' || i, 'a' || i, \
             FALSE, '{{}}', 1, 2, 'active', i, i FROM rows"
        );
        sqlx::query(AssertSqlSafe(add)).execute(&mut connection).await.unwrap();
        for (sql, parameter, expected) in &queries {
            let (cost, rows) = instructions(&database, sql, parameter).await;
            assert_eq!(rows, *expected, "{sql}");
            costs.push(cost);
        }
    }
    let (few, many) = costs.split_at(queries.len());
    assert_eq!(few, many, "30 connections, and 3,000");
    // The control: a query that reads the connections.
    let walk = "SELECT DISTINCT kind FROM connection_account WHERE owner = $1 AND kind LIKE '%/%'";
    let (cost, rows) = instructions(&database, walk, "local").await;
    assert_eq!(rows, ["issues/acme"]);
    assert!(cost > 3_000 && few.iter().all(|few| (1..cost / 3).contains(few)), "{few:?} and {cost}");
}

/// An overview counts classes together, and reads no more of them than it shows.
#[tokio::test]
async fn connections_are_counted_up_to_a_limit_however_many_classes_they_have() {
    let database = Database::new();
    let store = database.open().await;
    let mut connection = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    let add = "WITH RECURSIVE rows(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM rows WHERE i < 12000) \
               INSERT INTO connection_account (id, owner, kind, label, account_id, account_label, is_default, config, \
               generation, next_generation, state, created_at, updated_at) \
               SELECT CAST(printf('%016d', i) AS BLOB), 'local', CASE i % 2 WHEN 0 THEN 'github' ELSE 'slack' END, \
               'l' || i, 'a' || i, 'a' || i, FALSE, '{}', 1, 2, 'active', i, i FROM rows";
    sqlx::query(add).execute(&mut connection).await.unwrap();
    let mut reader = store.reader().await.unwrap();
    let classes = reader.classes("local").await.unwrap();
    let [github, slack] = classes.iter().map(String::as_str).collect::<Vec<_>>()[..] else { panic!("{classes:?}") };
    let lists = [vec![github], vec![github, slack], vec!["nobody  live 0"]];
    assert_eq!(reader.counts_of("local", &lists).await.unwrap(), [6_000, 10_001, 0]);
    assert_eq!(reader.counts_of("other", &lists).await.unwrap(), [0, 0, 0]);
    drop(reader);
    store.close().await;
}
