//! `cargo xtask readme`: runs the commands that the documents show.
//!
//! The `$ ` lines of a fenced `console` block are run in order, and the lines below each of them are its expected
//! output. A document stands for one person at a new machine: its blocks share a home directory that is empty at the
//! start. Blocks marked `console,provider` have the providers on this machine, and credentials for them in the
//! environment. Local tools that the documents run are replaced by scripts.
//!
//! Everything runs with pipes and pasted at a terminal, and at night once more with the address of a PostgreSQL server in
//! the environment. Blocks marked `terminal` show questions to a person as `? QUESTION  ANSWER`, and run only at the
//! terminal. A block that shows commands and is not a `console` needs a rule that names the check which runs it.

mod blocks;
mod commands;
mod expected;
mod postgres;
mod provider;
mod session;
#[cfg(unix)]
mod terminal;
mod tools;

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::readme::postgres::Database;
use crate::readme::session::{Place, Session};
use crate::suite;
use crate::workspace::Workspace;

/// Builds the program, then runs every block of every document: with pipes, and at a terminal.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let (programs, documents) = prepared(workspace)?;
    run_on(workspace, &programs, &documents, None, Place::Pipes)?;
    run_on(workspace, &programs, &documents, None, Place::Terminal)
}

/// Does the same on a PostgreSQL server, with pipes.
pub(crate) fn run_on_postgres(workspace: &Workspace) -> Result<(), Failure> {
    let (programs, documents) = prepared(workspace)?;
    match postgres::server(workspace.root())? {
        Some(server) => run_on(workspace, &programs, &documents, Some(&server), Place::Pipes),
        None => Ok(()),
    }
}

/// Builds the program. Returns the directory of the programs, and the documents with their paths.
fn prepared(workspace: &Workspace) -> Result<(PathBuf, Vec<(String, String)>), Failure> {
    if cfg!(windows) {
        return Err(Failure::new("the documents show commands for `sh`, which is not installed"));
    }
    let documents =
        workspace.texts(|path| path == "README.md" || path.starts_with("docs/guide/") && path.ends_with(".md"))?;
    // The tests have built the same program, so that nothing is compiled here after them.
    suite::build(workspace)?;
    Ok((workspace.target_directory()?.join("debug"), documents))
}

/// Runs the blocks of README alone, with the program `connections` of a directory: with pipes, and at a terminal.
pub(crate) fn first_commands(workspace: &Workspace, programs: &Path) -> Result<(), Failure> {
    let documents = workspace.texts(|path| path == "README.md")?;
    run_on(workspace, programs, &documents, None, Place::Pipes)?;
    run_on(workspace, programs, &documents, None, Place::Terminal)
}

/// Runs the blocks on SQLite, or on a PostgreSQL server.
fn run_on(
    workspace: &Workspace,
    programs: &Path,
    documents: &[(String, String)],
    server: Option<&str>,
    place: Place,
) -> Result<(), Failure> {
    let mut ran = 0;
    for (number, (path, text)) in documents.iter().enumerate() {
        let blocks = blocks::blocks(text).map_err(|failure| Failure::new(format!("{path}:{failure}")))?;
        if blocks.is_empty() {
            continue;
        }
        let database = server.map(|server| Database::create(workspace.root(), server, number)).transpose()?;
        let session = Session::start(programs, database.as_ref().map(Database::url), place)?;
        for block in &blocks {
            let at = |failure| Failure::new(format!("{path}:{failure}"));
            ran += session.run(block, |said| println!("readme: {path}:{said}")).map_err(at)?;
        }
    }
    let engine = if server.is_some() { "PostgreSQL" } else { "SQLite" };
    let place = if place == Place::Terminal { " at a terminal" } else { "" };
    println!("readme: {ran} commands of {} documents ran as shown on {engine}{place}", documents.len());
    Ok(())
}

#[cfg(test)]
mod tests;
