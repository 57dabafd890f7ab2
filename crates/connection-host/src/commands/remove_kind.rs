//! `remove --kind K`: after a single question, removes every connection of the kind as `remove` does.

use std::collections::HashMap;

use connection_contract::Kind;
use connection_core::Filter;

use super::{confirm, remove::print_removal};
use crate::{
    Error, Exit,
    cli::Program,
    output::{Elements, json},
    select::Pages,
};

pub(super) async fn run(mut program: Program, kind: &str, revoke: bool, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to remove them")?;
    let kind = Kind::parse(kind).ok_or_else(|| Error::usage("--kind does not accept this value"))?;
    let registry = program.open().await?;
    let output = &program.output;
    let mut pages = Pages::new(&registry, Filter::new().kind(kind.clone()));
    let mut known = HashMap::new();
    while let Some(page) = pages.next().await? {
        known.extend(page.into_iter().map(|info| (info.id, info)));
    }
    if !yes
        && !known.is_empty()
        && !confirm::ask(&program, kind_question(&kind, known.len()), "Nothing was removed.").await?
    {
        registry.close().await;
        return Ok(Exit::Fine);
    }
    let provider = program.provider(&kind);
    let removal = match revoke {
        true => registry.kinds().remove_and_revoke(&kind),
        false => registry.kinds().remove(&kind),
    };
    let removal = output.waiting(provider, removal).await?;
    registry.close().await;
    let mut elements = Elements::new();
    for (id, removal) in &removal.removed {
        match known.get(id) {
            Some(info) if output.json => elements.push(output, &json::RemovedBody::of(info, removal))?,
            Some(info) => print_removal(output, info, removal, provider)?,
            // The connection was made after the question.
            None if output.json => {}
            None => output.line(format!("Removed {id}"))?,
        }
    }
    if output.json {
        elements.end(output)?;
    } else if removal.removed.is_empty() {
        output.line(format!("There is no connection of {kind}."))?;
    }
    Ok(Exit::Fine)
}

/// Returns the question before all connections of a kind are removed.
pub(super) fn kind_question(kind: &Kind, count: usize) -> String {
    match count {
        1 => format!("Remove the connection of {kind}?"),
        count => format!("Remove all {count} connections of {kind}?"),
    }
}
