//! `kinds accept KIND`: shows how a kind changed since accounts were connected, and accepts it after a question.

use connection_api::KindChanges;
use connection_server::view;

use super::{confirm, kinds};
use crate::{Error, Exit, output::Output, program::Program};

pub(super) async fn run(mut program: Program, name: &str, yes: bool) -> Result<Exit, Error> {
    let is_here = program.server.is_none();
    // Do not create a database only to find it empty.
    if is_here && !program.has_database() {
        let kind = &program.kind(name)?.descriptor.kind;
        return report(&program.output, &view::kind_changes(kind, &[]), false);
    }
    // The kind of a declaration is known only to the database.
    if is_here && !kinds::is_declared(name) {
        program.kind(name)?;
    }
    let backend = program.backend().await?;
    if is_here {
        program.kind(name)?;
    }
    let seen = backend.kind_changes(name).await?;
    let kind = &seen.kind;
    let output = &program.output;
    let mut agreed = Vec::new();
    for (number, change) in seen.changes.iter().enumerate() {
        if !output.json {
            output.line(format!("Change of {kind}, for {}:", accounts(change.connections)))?;
            change.removed.iter().try_for_each(|line| output.line(format!("- {line}")))?;
            change.added.iter().try_for_each(|line| output.line(format!("+ {line}")))?;
        }
        // A person who cannot be asked has seen the change, and can repeat the command.
        confirm::possible(&program, yes, "whether to accept the change")?;
        let question = match change.stops_use {
            true => format!("Use {kind} in this way, for {}?", accounts(change.connections)),
            false if change.removed.iter().chain(&change.added).all(|line| line.starts_with("helpers.")) => {
                format!("Give secrets of {kind} to programs in this way, for {}?", accounts(change.connections))
            }
            false if change.removed.iter().chain(&change.added).any(|line| line.starts_with("helpers.")) => {
                let accounts = accounts(change.connections);
                format!("Revoke credentials of {kind} and give secrets to programs in this way, for {accounts}?")
            }
            false => format!("Revoke credentials of {kind} in this way, for {}?", accounts(change.connections)),
        };
        let left = if seen.changes.len() == 1 { "Nothing was accepted." } else { "This change was not accepted." };
        if yes || confirm::ask(&program, question, left).await? {
            agreed.push(number);
        }
    }
    let accepted = backend.accept_changes(&seen, &agreed).await?;
    backend.close().await;
    report(output, &accepted, !seen.changes.is_empty())
}

fn report(output: &Output, accepted: &KindChanges, is_changed: bool) -> Result<Exit, Error> {
    if output.json {
        output.shape(accepted)?;
    } else if !is_changed {
        output.line(format!("No connection of {} waits for a change to be accepted.", accepted.kind))?;
    } else if accepted.connections > 0 {
        output.line(format!("Accepted for {}.", accounts(accepted.connections)))?;
    }
    Ok(Exit::Fine)
}

/// Returns `1 account` or `3 accounts`.
fn accounts(count: u64) -> String {
    format!("{count} account{}", if count == 1 { "" } else { "s" })
}
