//! `watch [C]`: prints events as they happen, until control-C or until the output is closed.

use super::follow_events::{Lines, until_interrupted};
use crate::{Error, Exit, args::Watching, backend::event_id, program::Program, select};

pub(super) async fn run(mut program: Program, arguments: Watching) -> Result<Exit, Error> {
    arguments.since.as_deref().map(event_id).transpose()?;
    let backend = program.backend().await?;
    let connection = match &arguments.connection {
        Some(reference) => Some(select::connection_id(backend.lookup(), reference).await?),
        None => None,
    };
    let watch = backend.watch(connection.as_deref(), arguments.since.as_deref()).await?;
    if !program.output.json {
        program.output.note("Watching; press Ctrl-C to stop.");
    }
    let mut lines = Lines::new(&program.output, &*backend);
    let watched = until_interrupted(&program.interrupts, lines.all(watch)).await;
    backend.close().await;
    watched.map(|()| Exit::Fine)
}
