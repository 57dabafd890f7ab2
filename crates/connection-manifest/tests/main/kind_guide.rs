//! The guide: each row of its table of quirks names a key that the file of the catalogue has.

use std::fs;

use connection_manifest::Catalogue;
use toml::{Table, Value};

use crate::repository;

/// Returns `true` if the table has this key, and this value if there is one. A key below an array is one of any of its
/// items.
fn has(value: &Value, key: &[&str], wanted: Option<&Value>) -> bool {
    match (key, value) {
        ([], value) => wanted.is_none_or(|wanted| wanted == value),
        (_, Value::Array(items)) => items.iter().any(|item| has(item, key, wanted)),
        ([first, rest @ ..], Value::Table(table)) => table.get(*first).is_some_and(|value| has(value, rest, wanted)),
        _ => false,
    }
}

#[test]
fn every_quirk_of_the_guide_is_shown_by_its_file() {
    let guide = fs::read_to_string(repository("docs/guide/kinds.md")).unwrap();
    let quirks = guide.split("\n## Quirks\n").nth(1).unwrap();
    let rows = quirks.split("\n## ").next().unwrap().lines().filter(|line| line.contains("/catalogue/"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, key, file] = cells.as_slice() else { panic!("{row}") };
        let id = file.trim_start_matches('[').split(']').next().unwrap();
        let (_, text) = Catalogue::text(id).unwrap_or_else(|| panic!("no file: {row}"));
        let table = Value::Table(toml::from_str::<Table>(text).unwrap());
        let (key, wanted) = key.trim_matches('`').split_once(" = ").unwrap_or((key.trim_matches('`'), ""));
        let wanted = toml::from_str::<Table>(&format!("x = {wanted}")).ok().and_then(|mut table| table.remove("x"));
        let key: Vec<&str> = key.split('.').collect();
        assert!(has(&table, &key, wanted.as_ref()), "the file does not have the key: {row}");
        count += 1;
    }
    assert!(count > 30, "{count}");
}
