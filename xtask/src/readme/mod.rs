//! `cargo xtask readme`: runs the commands that the documents show.
//!
//! A fenced block that calls itself `console` is a promise: its `$ ` lines run,
//! in order, and the lines below each are what it writes. One document is one
//! person at a fresh machine: its blocks share a home that starts empty. Blocks
//! that say `console,provider` have the providers on this machine instead, and
//! credentials for them in the environment.

mod blocks;
mod commands;
mod expected;
mod provider;
mod session;

use std::path::PathBuf;

use serde_json::Value;

use crate::failure::Failure;
use crate::process;
use crate::readme::session::Session;
use crate::workspace::Workspace;

/// Builds the program, then runs every block of every document.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    if cfg!(windows) {
        return Err(Failure::new("the documents show commands for `sh`, which is not here"));
    }
    let documents =
        workspace.texts(|path| path == "README.md" || path.starts_with("docs/guide/") && path.ends_with(".md"))?;
    process::run(&mut process::cargo(workspace.root(), &["build", "--release", "--locked", "--bin", "connections"]))?;
    let programs = target_directory(workspace)?.join("release");
    let mut ran = 0;
    for (path, text) in &documents {
        let blocks = blocks::blocks(text).map_err(|failure| Failure::new(format!("{path}:{failure}")))?;
        if blocks.is_empty() {
            continue;
        }
        let session = Session::start(&programs)?;
        for block in &blocks {
            let at = |failure| Failure::new(format!("{path}:{failure}"));
            ran += session.run(block, |said| println!("readme: {path}:{said}")).map_err(at)?;
        }
    }
    println!("readme: {ran} commands of {} documents ran as shown", documents.len());
    Ok(())
}

fn target_directory(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let arguments = ["metadata", "--locked", "--no-deps", "--format-version", "1"];
    let json = process::output(&mut process::cargo(workspace.root(), &arguments))?;
    let metadata: Value =
        serde_json::from_str(&json).map_err(|error| Failure::new(format!("cargo metadata: {error}")))?;
    let directory = metadata.get("target_directory").and_then(Value::as_str);
    directory.map(PathBuf::from).ok_or_else(|| Failure::new("cargo metadata: no target directory"))
}

#[cfg(test)]
mod tests;
