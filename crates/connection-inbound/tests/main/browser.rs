//! A fake browser records what it receives: a single argument, and none of the host's secrets (T13).

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use connection_inbound::{Browser, OpenBrowserError};
use tempfile::TempDir;

/// Makes a program that records its arguments and its environment.
fn program(directory: &Path, ending: &str) -> PathBuf {
    let program = directory.join("browser");
    let record = directory.join("record");
    let record = record.display();
    let script = format!(
        "#!/bin/sh\nfor a in \"$@\"; do printf '%s\\n' \"$a\"; done > {record}\n/usr/bin/env >> {record}\n{ending}\n"
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    program
}

fn environment() -> Vec<(OsString, OsString)> {
    let pairs = [
        ("DISPLAY", ":7"),
        ("PATH", "/usr/bin:/bin"),
        ("CONNECTIONS_KEY__VARIABLE", "SECRET"),
        ("AWS_TOKEN", "SECRET"),
        ("LD_PRELOAD", "/x"),
    ];
    pairs.map(|(name, value)| (name.into(), value.into())).into()
}

#[tokio::test]
async fn the_address_is_one_argument_and_no_secret_goes_along() {
    let directory = TempDir::new().unwrap();
    let browser = Browser::command(program(directory.path(), ""), ["--new"]).environment(environment());
    browser.open("https://a.example/?x=$(touch /tmp/x)&y=\"; calc").await.unwrap_err();
    assert!(!directory.path().join("record").exists(), "it has a space in it, and nothing was run");
    browser.open("https://a.example/?x=$(touch)&y=\";-calc").await.unwrap();
    let record = fs::read_to_string(directory.path().join("record")).unwrap();
    let lines: Vec<_> = record.lines().collect();
    assert_eq!(lines[..2], ["--new", "https://a.example/?x=%24%28touch%29&y=%22%3B-calc"]);
    assert!(lines.contains(&"DISPLAY=:7"), "{record}");
    assert!(!record.contains("SECRET") && !record.contains("LD_PRELOAD"), "{record}");
    assert!(!format!("{browser:?}").contains("SECRET"));
}

#[tokio::test]
async fn a_browser_that_cannot_be_opened_is_told_and_harms_nothing() {
    let directory = TempDir::new().unwrap();
    let missing = Browser::command("/nowhere/browser", [""; 0]).open("https://a.example").await.unwrap_err();
    assert!(matches!(missing, OpenBrowserError::Start { .. }), "{missing:?}");
    assert_eq!(
        (missing.to_string().as_str(), missing.remedy()),
        ("'/nowhere/browser' cannot be started", "open the address by hand")
    );
    let failing = Browser::command(program(directory.path(), "exit 3"), [""; 0]).environment(environment());
    let failed = failing.open("https://a.example").await.unwrap_err();
    assert!(
        matches!(failed, OpenBrowserError::Failed { .. }) && failed.to_string().contains("exit status: 3"),
        "{failed}"
    );
    let refused = failing.open("javascript:alert(1)").await.unwrap_err();
    assert!(matches!(refused, OpenBrowserError::Address), "{refused:?}");
    assert!(!refused.to_string().contains("alert"));
}
