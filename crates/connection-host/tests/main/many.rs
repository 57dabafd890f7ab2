//! Lists that are too long to read, and the removal of all connections of a kind.

use serde_json::Value;

use crate::{
    program::{Machine, check},
    provider::TOKEN,
};

/// More connections than are sorted as a whole.
pub(crate) const MANY: usize = 1050;

/// Imports connections that were never verified.
pub(crate) fn import(machine: &Machine, count: usize) {
    let line = |number: usize| {
        format!(
            r#"{{"kind":"github","label":"l{number}","identity":{{"id":"{number}","label":"octocat"}},"credential":"{TOKEN}"}}"#
        )
    };
    let lines: Vec<_> = (0..count).map(line).collect();
    let file = machine.write("connections.jsonl", lines.join("\n").as_bytes());
    machine.run(&["import", &file]).exits(0);
}

/// Returns the number of connections in a table.
pub(crate) fn rows(out: &str) -> usize {
    out.lines().filter(|line| line.contains("github:l")).filter(|line| !line.starts_with("  connections")).count()
}

/// Returns the place of the next page, which a page names.
pub(crate) fn place(out: &str) -> Option<String> {
    let (_, rest) = out.split_once("--after ")?;
    rest.split(['`', ' ']).next().map(str::to_owned)
}

#[test]
fn a_long_list_shows_what_needs_attention_and_the_first_page_and_the_way_to_the_others() {
    let machine = Machine::new();
    import(&machine, MANY);
    let ran = machine.run(&["list"]).exits(0).says("1000 more are not shown").says("connections list --all");
    let ran = ran.says("1050 connections: 1050 unknown (not checked)");
    assert_eq!(rows(&ran.out), 50);
    // The place that a page names leads to the next page, until the end of the list.
    let mut next = place(&ran.out);
    let mut shown = 50;
    while let Some(after) = next {
        let ran = machine.run(&["list", "--after", &after, "--limit", "500"]).exits(0);
        shown += rows(&ran.out);
        next = place(&ran.out);
    }
    assert_eq!(shown, MANY);
    // A person can ask for all connections or for a part of them. A program gets all.
    assert_eq!(rows(&machine.run(&["list", "--all"]).exits(0).out), MANY);
    let ran = machine.run(&["list", "--limit", "3"]).exits(0);
    assert_eq!((rows(&ran.out), ran.out.contains(" connections: ")), (3, false), "a part of a list is not counted");
    assert_eq!(rows(&machine.run(&["list", "--state", "unknown"]).exits(0).out), MANY);
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json().as_array().unwrap().len(), MANY);
    machine.run(&["list", "--after", "nowhere"]).exits(2).warns("--after");
}

#[test]
fn all_connections_of_a_kind_are_removed_at_once() {
    let machine = Machine::new();
    import(&machine, 3);
    machine.run(&["remove", "--kind", "github"]).exits(2).warns("--yes");
    machine.run(&["remove"]).exits(2);
    machine.run(&["remove", "github:l1", "--kind", "github", "--yes"]).exits(2);
    let removed = machine.run(&["remove", "--kind", "github", "--yes", "--json"]).exits(0).json();
    let removed = removed.as_array().unwrap();
    removed.iter().for_each(|row| check(row, "removed"));
    let mut labels: Vec<_> = removed.iter().map(|row: &Value| row["label"].as_str().unwrap().to_owned()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["l0", "l1", "l2"]);
    machine.run(&["list"]).exits(0).says("Nothing is connected");
    machine.run(&["remove", "--kind", "github", "--yes"]).exits(0).says("There is no connection of github");
}
