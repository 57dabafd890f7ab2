//! Known weaknesses of what we depend on: `cargo deny check advisories`, where its database can be had.
//!
//! On a desk without a network the check cannot be made, which is said and stops nothing. Hosted CI sets
//! `XTASK_ADVISORIES=required`, and there it is an error.

use std::ffi::OsStr;
use std::time::Duration;

use crate::ci::{cargo, command};
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// A network that swallows everything is as good as none.
const LONGEST_FETCH: Duration = Duration::from_secs(5 * 60);

/// Says that the step has to be able to look.
pub(super) const VARIABLE: &str = "XTASK_ADVISORIES";

/// Whether somebody insists that advisories are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    WherePossible,
    Required,
}

/// What there is to look into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    /// It was fetched just now.
    Fresh,
    /// It cannot be fetched, and one from before is there.
    Kept,
    /// There is none.
    None,
}

/// What the step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Check,
    /// Against the database from before, which is said.
    CheckKept,
    /// Nothing, which is said.
    PassOver,
    Fail,
}

/// With the value of [`VARIABLE`].
pub(super) fn wanted(value: Option<&OsStr>) -> Result<Wanted, Failure> {
    match value.map(OsStr::to_str) {
        None | Some(Some("")) => Ok(Wanted::WherePossible),
        Some(Some("required")) => Ok(Wanted::Required),
        Some(_) => Err(Failure::new(format!("{VARIABLE} is `required` or not set"))),
    }
}

pub(super) const fn decide(wanted: Wanted, database: Database) -> Decision {
    match (database, wanted) {
        (Database::Fresh, _) => Decision::Check,
        // Weaknesses that became known since are what a scheduled run is for.
        (Database::Kept | Database::None, Wanted::Required) => Decision::Fail,
        (Database::Kept, Wanted::WherePossible) => Decision::CheckKept,
        (Database::None, Wanted::WherePossible) => Decision::PassOver,
    }
}

pub(super) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let wanted = wanted(std::env::var_os(VARIABLE).as_deref())?;
    match decide(wanted, database(workspace)) {
        Decision::Check => cargo(workspace, &["deny", "check", "advisories"]),
        Decision::CheckKept => {
            loudly("the database of advisories cannot be fetched; the one from before is used");
            cargo(workspace, &["deny", "--offline", "check", "advisories"])
        }
        Decision::PassOver => {
            loudly("ADVISORIES WERE NOT CHECKED: their database cannot be fetched, and none is kept here");
            Ok(())
        }
        Decision::Fail => Err(Failure::new(format!(
            "the database of advisories cannot be fetched, and {VARIABLE}=required asks for it"
        ))),
    }
}

fn database(workspace: &Workspace) -> Database {
    let mut fetch = command(workspace, &["deny", "fetch", "db"]);
    // A machine without a way out may also be one that asks for a password.
    fetch.env("GIT_TERMINAL_PROMPT", "0");
    if process::run_within(&mut fetch, LONGEST_FETCH).is_ok() {
        return Database::Fresh;
    }
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let kept = home.and_then(|home| std::fs::read_dir(home.join("advisory-dbs")).ok());
    // What an interrupted fetch leaves has no crates in it.
    match kept.into_iter().flatten().flatten().any(|entry| entry.path().join("crates").is_dir()) {
        true => Database::Kept,
        false => Database::None,
    }
}

fn loudly(text: &str) {
    let line = "!".repeat(text.len());
    println!("{line}\n{text}\n{line}");
}
