//! `remove --kind KIND`: after a question, removes every connection of a kind.

use std::collections::BTreeSet;

use connection_contract::Kind;

use super::{confirm, remove::print_removal};
use crate::{Error, Exit, backend::every, program::Program};

pub(super) async fn run(mut program: Program, kind: &str, revoke: bool, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to remove them")?;
    let kind = Kind::parse(kind).ok_or_else(|| Error::usage("--kind does not accept this value"))?;
    let backend = program.backend().await?;
    let mut known = every(&*backend, Some(&kind)).await?;
    known.sort_by(|a, b| (&a.connection.label, &a.connection.id).cmp(&(&b.connection.label, &b.connection.id)));
    if !yes
        && !known.is_empty()
        && !confirm::ask(&program, question(&kind, known.len()), "Nothing was removed.").await?
    {
        backend.close().await;
        return Ok(Exit::Fine);
    }
    let output = &program.output;
    let title = known.first().map_or(kind.as_str(), |listed| listed.kind_title.as_str());
    let connections: Vec<_> = known.iter().map(|listed| listed.connection.clone()).collect();
    let removed = output.waiting(title, backend.remove_kind(&kind, &connections, revoke)).await?;
    backend.close().await;
    let remaining: BTreeSet<_> = removed.iter().flat_map(|removed| removed.remaining.iter().cloned()).collect();
    output.remaining(&Vec::from_iter(remaining));
    if output.json {
        output.shape(&removed)?;
    } else if removed.is_empty() {
        output.line(format!("There is no connection of {kind}."))?;
    } else {
        for removed in &removed {
            if let Some(of) = connections.iter().find(|of| of.id == removed.id) {
                print_removal(output, of, removed, title)?;
            }
        }
    }
    Ok(Exit::Fine)
}

/// Returns the question before all connections of a kind are removed.
fn question(kind: &Kind, count: usize) -> String {
    match count {
        1 => format!("Remove the connection of {kind}?"),
        count => format!("Remove all {count} connections of {kind}?"),
    }
}
