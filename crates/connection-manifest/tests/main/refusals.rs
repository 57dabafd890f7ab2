//! Every refusal is one sentence that names the extension, its connection and the field, and includes the remedy.
//!
//! All of them are in `tests/snapshots/refusals.out`, which is written if `CONNECTIONS_TEST_WRITE_SNAPSHOTS` is set.

use std::{fmt::Write as _, fs, path::Path};

use connection_manifest::ExtensionFile;

use crate::cases;

/// R-JINGLE-001 to R-JINGLE-012, one line per violation.
#[test]
fn every_rule_has_its_sentence() {
    let mut lines = String::new();
    for case in cases::all() {
        let error = ExtensionFile::parse(case.document.to_string().as_bytes()).unwrap_err().in_file("issues.json");
        writeln!(lines, "{}, {}: {error}", case.row, case.what).unwrap();
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/refusals.out");
    #[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written")]
    let write = std::env::var_os("CONNECTIONS_TEST_WRITE_SNAPSHOTS").is_some();
    if write {
        fs::write(&file, &lines).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), lines, "set CONNECTIONS_TEST_WRITE_SNAPSHOTS to write it anew");
}

/// R-JINGLE-011.
#[test]
fn every_error_names_the_extension_the_connection_and_the_field() {
    for case in cases::all() {
        let error = ExtensionFile::parse(case.document.to_string().as_bytes()).unwrap_err();
        let named = |pointer| case.document.pointer(pointer).and_then(|v| v.as_str()).filter(|v| !v.trim().is_empty());
        let what = case.what;
        assert_eq!(error.extension.is_some(), named("/name").is_some(), "{what}");
        assert_eq!(error.connection.is_some(), named("/connection/id").is_some(), "{what}");
        assert_eq!(error.field.starts_with('/'), what != "a list", "{what}");
        assert!(error.rule.starts_with(char::is_lowercase) && !error.rule.ends_with('.'), "{what}: {}", error.rule);
        let shown = error.in_file("a/b.json").to_string();
        assert!(shown.starts_with("a/b.json: ") && !shown.contains(['\n', '\u{202e}', '\0']), "{shown}");
    }
}

/// Every requirement has cases.
#[test]
fn no_row_is_without_a_case() {
    let cases = cases::all();
    for row in (1..=10).chain([12]) {
        let row = format!("R-JINGLE-{row:03}");
        assert!(cases.iter().any(|case| case.row == row), "{row}");
    }
}
