//! `watch [C]`: prints events as they happen, until control-C or until the output is closed.

use std::collections::HashSet;

use super::{
    events::event_id,
    follow_events::{Lines, Names, until_interrupted},
};
use crate::{Error, Exit, args::Watching, cli::Program, select};

pub(super) async fn run(mut program: Program, arguments: Watching) -> Result<Exit, Error> {
    let since = arguments.since.as_deref().map(event_id).transpose()?;
    let registry = program.open().await?;
    let mut begin = registry.events().watch();
    if let Some(since) = since {
        begin = begin.since(since);
    }
    if let Some(reference) = &arguments.connection {
        begin = begin.connection(select::connection(&registry, reference).await?.id());
    }
    let watch = begin.await?;
    if !program.output.json {
        program.output.note("Watching; press Ctrl-C to stop.");
    }
    let mut lines = Lines::new(&program.output, Names::Store(&registry));
    let none = HashSet::new();
    let watched = until_interrupted(&program.interrupts, lines.all(watch, &none)).await;
    registry.close().await;
    watched.map(|()| Exit::Fine)
}
