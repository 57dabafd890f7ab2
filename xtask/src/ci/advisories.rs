//! The check for known vulnerabilities of dependencies: `cargo deny check advisories`, where its database is
//! available.
//!
//! Without a network, the check is skipped with a notice. Hosted CI sets `XTASK_ADVISORIES=required`, which makes a
//! missing database an error.

use std::ffi::OsStr;
use std::time::Duration;

use crate::ci::{cargo, command};
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// Time limit for fetching the database. A network that drops all packets counts as no network.
const MAX_FETCH: Duration = Duration::from_secs(5 * 60);

/// Environment variable that can make the check mandatory.
pub(super) const VARIABLE: &str = "XTASK_ADVISORIES";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    WherePossible,
    Required,
}

/// The state of the advisory database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    /// The database was just fetched.
    Fresh,
    /// The database cannot be fetched, but an earlier copy exists.
    Kept,
    /// There is no copy of the database, and none can be fetched.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Check,
    /// Checks against the earlier copy of the database, with a notice.
    CheckKept,
    /// Skips the check, with a notice.
    PassOver,
    Fail,
}

/// Reads the value of a variable that can make a check mandatory.
pub(super) fn wanted(variable: &str, value: Option<&OsStr>) -> Result<Wanted, Failure> {
    match value.map(OsStr::to_str) {
        None | Some(Some("")) => Ok(Wanted::WherePossible),
        Some(Some("required")) => Ok(Wanted::Required),
        Some(_) => Err(Failure::new(format!("{variable} is `required` or not set"))),
    }
}

pub(super) const fn decide(wanted: Wanted, database: Database) -> Decision {
    match (database, wanted) {
        (Database::Fresh, _) => Decision::Check,
        // A scheduled run exists to find vulnerabilities that became known since the copy was fetched.
        (Database::Kept | Database::None, Wanted::Required) => Decision::Fail,
        (Database::Kept, Wanted::WherePossible) => Decision::CheckKept,
        (Database::None, Wanted::WherePossible) => Decision::PassOver,
    }
}

pub(super) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let wanted = wanted(VARIABLE, std::env::var_os(VARIABLE).as_deref())?;
    match decide(wanted, database(workspace)) {
        Decision::Check => cargo(workspace, &["deny", "check", "advisories"]),
        Decision::CheckKept => {
            loudly("the database of advisories cannot be fetched; the previous one is used");
            cargo(workspace, &["deny", "--offline", "check", "advisories"])
        }
        Decision::PassOver => {
            loudly("ADVISORIES WERE NOT CHECKED: their database cannot be fetched, and there is no earlier copy");
            Ok(())
        }
        Decision::Fail => Err(Failure::new(format!(
            "the database of advisories cannot be fetched, and {VARIABLE}=required requires it"
        ))),
    }
}

fn database(workspace: &Workspace) -> Database {
    let mut fetch = command(workspace, &["deny", "fetch", "db"]);
    // On a machine without access to the internet, git might also ask for a password.
    fetch.env("GIT_TERMINAL_PROMPT", "0");
    if process::run_within(&mut fetch, MAX_FETCH).is_ok() {
        return Database::Fresh;
    }
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let kept = home.and_then(|home| std::fs::read_dir(home.join("advisory-dbs")).ok());
    // The directory that an interrupted fetch leaves has no `crates` in it.
    match kept.into_iter().flatten().flatten().any(|entry| entry.path().join("crates").is_dir()) {
        true => Database::Kept,
        false => Database::None,
    }
}

pub(super) fn loudly(text: &str) {
    let line = "!".repeat(text.len());
    println!("{line}\n{text}\n{line}");
}
