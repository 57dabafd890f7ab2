//! `tag C NAME=VALUE...`: sets the tags of a connection, in place of those that it had.

use std::collections::BTreeMap;

use connection_core::Tags;

use crate::{Error, Exit, args::Tag, output::name, program::Program, select};

pub(super) async fn run(mut program: Program, arguments: &Tag) -> Result<Exit, Error> {
    let tags = parsed(&arguments.tags)?;
    let backend = program.backend().await?;
    let id = select::connection_id(backend.lookup(), &arguments.connection).await?;
    let tagged = backend.set_tags(&id, &tags).await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&tagged)?;
    } else if tagged.tags.is_empty() {
        output.line(format!("{} has no tags", name(&tagged)))?;
    } else {
        output.line(format!("Tagged {}: {}", name(&tagged), listed(&tagged.tags)))?;
    }
    Ok(Exit::Fine)
}

/// Returns the tags that arguments such as `plan=pro` state.
pub(super) fn parsed(arguments: &[String]) -> Result<Tags, Error> {
    let pairs = arguments.iter().map(|argument| pair(argument)).collect::<Result<Vec<_>, _>>()?;
    Ok(Tags::new(pairs).map_err(connection_core::Error::from)?)
}

/// Returns the name and the value of an argument such as `plan=pro`.
pub(super) fn pair(argument: &str) -> Result<(&str, &str), Error> {
    argument.split_once('=').ok_or_else(|| Error::usage("a tag has the form NAME=VALUE, such as plan=pro"))
}

/// Returns the tags as a person reads them: `plan=pro, team=blue`.
pub(super) fn listed(tags: &BTreeMap<String, String>) -> String {
    let tags = tags.iter().map(|(name, value)| format!("{name}={value}"));
    tags.collect::<Vec<_>>().join(", ")
}
