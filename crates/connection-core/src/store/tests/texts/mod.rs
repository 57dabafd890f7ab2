//! Every query text of the store, collected by calling each method once without running it.
//!
//! The calls are in `calls.rs`. The test fails if they do not reach a place in the sources that runs a text, so a
//! new query cannot be left out of the plans.

mod calls;
mod filled;

use std::{cell::RefCell, collections::BTreeSet, fs, path::Path};

use sqlx::{
    Column as _, ConnectOptions as _, Executor as _, SqlSafeStr as _, Statement as _, sqlite::SqliteConnectOptions,
};

pub(super) use calls::collect;
pub(super) use filled::fill;

thread_local! {
    static NOTED: RefCell<Option<BTreeSet<Text>>> = const { RefCell::new(None) };
}

/// A query text, and the place that runs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text {
    /// The path within the folder of the store.
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) sql: &'static str,
    /// The names of the columns of the row that it reads; empty for a column that may have any name.
    columns: Vec<&'static str>,
}

/// Notes a text while this thread collects them. Returns `true` if it must not be run.
pub(in super::super) fn is_noted(file: &str, line: u32, sql: &'static str, names: fn(&mut Vec<&'static str>)) -> bool {
    NOTED.with_borrow_mut(|noted| {
        let Some(noted) = noted else { return false };
        let file = file.replace('\\', "/");
        let (_, file) = file.rsplit_once("src/store/").unwrap();
        let mut columns = Vec::new();
        names(&mut columns);
        noted.insert(Text { file: file.to_owned(), line: usize::try_from(line).unwrap(), sql, columns });
        true
    })
}

/// Returns the places in the sources of the store that run a text, as file and line number.
fn places() -> BTreeSet<(String, usize)> {
    let mut places = BTreeSet::new();
    for (file, source) in sources() {
        // These two files define the macros, and end the transaction of a job.
        if !file.starts_with("store/") || file == "store/engine.rs" || file == "store/sqlite/writer.rs" {
            continue;
        }
        for (line, text) in source.lines().enumerate() {
            let code = text.split("//").next().unwrap_or_default();
            if ["execute!(", "later!(", "optional!(", "all!("].iter().any(|name| is_called(code, name)) {
                places.insert((file.trim_start_matches("store/").to_owned(), line + 1));
            }
        }
    }
    places
}

fn is_called(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Returns the sources of this crate without tests, each with its path within `src`.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            if path.is_dir() {
                if !name.ends_with("tests") {
                    walk(&path, root, found);
                }
            } else if !name.ends_with("tests.rs") {
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found
}

#[tokio::test]
async fn every_place_that_runs_a_query_text_is_collected() {
    let mut noted = BTreeSet::new();
    let mut places = places();
    assert!(places.len() > 150, "{}", places.len());
    let mut engines = 0;
    for database in super::Database::each().await {
        let store = database.open().await;
        noted.extend(collect(&store).await.into_iter().map(|text| (text.file, text.line)));
        store.close().await;
        engines += 1;
    }
    if engines == 1 {
        // SQLite runs no statement for a lock.
        places.retain(|(file, _)| file != "lock.rs");
    }
    let left_out: Vec<_> = places.difference(&noted).collect();
    assert!(left_out.is_empty(), "call these in src/store/tests/texts/calls.rs: {left_out:?}");
    let unknown: Vec<_> = noted.difference(&places).collect();
    assert!(unknown.is_empty(), "the sources were not read as they are: {unknown:?}");
}

/// Rows are decoded by the positions of their columns. The texts for PostgreSQL select the same columns, and the rows
/// that it returns in tests are compared when they are decoded.
#[tokio::test]
async fn each_query_text_selects_the_columns_of_its_row_in_their_order() {
    let database = super::Database::new();
    let store = database.open().await;
    let texts = collect(&store).await;
    let mut connection = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    let mut compared = 0;
    for text in texts.iter().filter(|text| !text.columns.is_empty()) {
        let prepared = connection.prepare(text.sql.into_sql_str()).await.unwrap();
        let selected: Vec<_> = prepared.columns().iter().map(|column| column.name()).collect();
        assert_eq!(selected.len(), text.columns.len(), "{text:?}: {selected:?}");
        for (selected, column) in selected.iter().zip(&text.columns) {
            assert!(column.is_empty() || selected == column, "{text:?}: {selected}");
            compared += usize::from(!column.is_empty());
        }
    }
    assert!(compared > 300, "{compared}");
    store.close().await;
}

/// A text that is run without the macros would be in no plan.
#[test]
fn query_texts_are_run_by_the_macros_of_the_store_alone() {
    for (file, source) in sources() {
        // Opening a database reads the connection's settings and the migrations, not rows. A move copies all tables, with
        // texts that are made from the schema.
        let others = [
            "store/engine.rs",
            "store/postgres/move_target.rs",
            "store/postgres/open.rs",
            "store/postgres/requirements.rs",
        ];
        let opens = file.starts_with("store/sqlite/") || others.contains(&&*file);
        assert!(opens || !source.contains("sqlx::query"), "{file}");
    }
}
