//! The settings that the files of `packaging` and the guide for operators make: each must exist.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{CONFIGURATION, GUIDE, Texts, WORDS, text};

/// The beginning of the names of our variables.
const PREFIX: &str = "CONNECTIONS_";

/// A variable and the value that a file gives it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The line, counted from 1.
    line: usize,
    pub(super) name: String,
    /// The value, up to the first space.
    pub(super) value: String,
}

/// Returns the variables and configuration keys that the program does not know.
pub(super) fn findings(texts: &Texts) -> Vec<String> {
    let known = known(text(texts, WORDS));
    let mut findings = Vec::new();
    for (path, text) in texts.iter().filter(|(path, _)| path.starts_with("packaging/") || *path == GUIDE) {
        for Setting { line, name, .. } in assigned(text) {
            if !known.contains(name.as_str()) {
                findings.push(format!("{path}:{line}: {name} is no variable of {WORDS}"));
            }
        }
    }
    match text(texts, CONFIGURATION).parse::<Table>() {
        Ok(table) => {
            let unknown = keys(&table, "").into_iter().filter(|key| !known.contains(key.as_str()));
            findings.extend(unknown.map(|key| format!("{CONFIGURATION}: {key} is no configuration key of {WORDS}")));
        }
        Err(error) => findings.push(format!("{CONFIGURATION}: {error}")),
    }
    findings
}

/// Returns the variables to which a file gives a value: `NAME=VALUE`, or `name: NAME` and `value: VALUE` of a manifest.
pub(super) fn assigned(text: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#')).peekable();
    while let Some((index, line)) = lines.next() {
        let mut add = |name: &str, value: &str| {
            let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`');
            let value = value.split(ends).next().unwrap_or_default().to_owned();
            found.push(Setting { line: index + 1, name: name.to_owned(), value });
        };
        if let Some(name) = line.trim().strip_prefix("- name: ").filter(|name| name.starts_with(PREFIX)) {
            let value = lines.peek().and_then(|(_, line)| line.trim().strip_prefix("value: "));
            add(name, value.unwrap_or_default());
            continue;
        }
        for (start, _) in line.match_indices(PREFIX) {
            let Some((name, value)) = line.get(start..).and_then(|rest| rest.split_once('=')) else { continue };
            if name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
                add(name, value);
            }
        }
    }
    found
}

/// Returns the keys and variables in the tables of the words.
fn known(words: &str) -> BTreeSet<&str> {
    let rows = words.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.flat_map(|line| line.split(" | ").take(2));
    cells.filter_map(|cell| cell.trim_start_matches("| ").strip_prefix('`')?.strip_suffix('`')).collect()
}

fn keys(table: &Table, before: &str) -> Vec<String> {
    let keys = table.iter().flat_map(|(key, value)| match value {
        Value::Table(table) => keys(table, &format!("{before}{key}.")),
        _ => vec![format!("{before}{key}")],
    });
    keys.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_where_they_get_a_value() {
        let text =
            "# CONNECTIONS_A=1\nENV CONNECTIONS_B=/b \\\n- name: CONNECTIONS_C\n  value: /c\nCONNECTIONS_D is prose\n";
        let setting = |line, name: &str, value: &str| Setting { line, name: name.to_owned(), value: value.to_owned() };
        assert_eq!(assigned(text), [setting(2, "CONNECTIONS_B", "/b"), setting(3, "CONNECTIONS_C", "/c")]);
    }
}
