//! `kinds accept KIND`: shows how a kind changed since accounts were connected, and accepts it after a question.

use super::{confirm, kinds};
use crate::{
    Error, Exit,
    cli::Program,
    output::{
        Output,
        json::{AcceptedBody, KindChangeBody},
    },
};

pub(super) async fn run(mut program: Program, name: &str, yes: bool) -> Result<Exit, Error> {
    // The kind of a declaration is known only to the database.
    let is_known_now = !kinds::is_declared(name) || !program.has_database();
    if is_known_now {
        program.kind(name)?;
    }
    // Do not create a database only to find it empty.
    if !program.has_database() {
        let nothing = AcceptedBody { kind: name.to_owned(), connections: 0, changes: Vec::new() };
        return report(&program.output, &nothing, false);
    }
    let registry = program.open().await?;
    let kind = program.kind(name)?.descriptor.kind.clone();
    let mut accepted = AcceptedBody { kind: kind.to_string(), connections: 0, changes: Vec::new() };
    let mut changes = registry.kinds().changed().await?;
    changes.retain(|change| change.kind == kind);
    let output = &program.output;
    for change in &changes {
        let mut shown = KindChangeBody::from(change);
        if !output.json {
            output.line(format!("Change of {kind}, for {}:", accounts(change.connections)))?;
            shown.removed.iter().try_for_each(|line| output.line(format!("- {line}")))?;
            shown.added.iter().try_for_each(|line| output.line(format!("+ {line}")))?;
        }
        // A person who cannot be asked has seen the change, and can repeat the command.
        confirm::possible(&program, yes, "whether to accept the change")?;
        let question = match change.stops_use {
            true => format!("Use {kind} in this way, for {}?", accounts(change.connections)),
            false => format!("Revoke credentials of {kind} in this way, for {}?", accounts(change.connections)),
        };
        let left = if changes.len() == 1 { "Nothing was accepted." } else { "This change was not accepted." };
        if !yes && !confirm::ask(&program, question, left).await? {
            continue;
        }
        let count = registry.kinds().accept(change).await?;
        accepted.connections += count;
        shown.connections = count;
        accepted.changes.push(shown);
    }
    registry.close().await;
    report(output, &accepted, !changes.is_empty())
}

fn report(output: &Output, accepted: &AcceptedBody, is_changed: bool) -> Result<Exit, Error> {
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
