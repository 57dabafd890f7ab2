//! `watch [C]`: what happens, line by line as it happens, until it is interrupted or nobody reads any more.

use std::collections::HashMap;

use connection_core::{ConnectionId, ConnectionRegistry, Event, Watch};

use super::events::{event_id, name_of};
use crate::{
    Error, Exit,
    args::Watching,
    cli::Program,
    output::{Output, json, short_id},
    select,
};

pub(super) async fn run(mut program: Program, arguments: Watching) -> Result<Exit, Error> {
    let since = arguments.since.as_deref().map(event_id).transpose()?;
    let registry = program.open().await?;
    let mut begin = registry.watch();
    if let Some(since) = since {
        begin = begin.since(since);
    }
    if let Some(reference) = &arguments.connection {
        begin = begin.connection(select::connection(&registry, reference).await?.id());
    }
    let watch = begin.await?;
    if !program.output.json {
        program.output.note("Watching; Ctrl-C ends it.");
    }
    let told = tokio::select! {
        told = tell(&program.output, &registry, watch) => told,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    registry.close().await;
    told.map(|()| Exit::Fine)
}

async fn tell(output: &Output, registry: &ConnectionRegistry, mut watch: Watch) -> Result<(), Error> {
    let mut names = HashMap::new();
    while let Some(event) = watch.next().await {
        let event = event?;
        if output.json {
            output.element(&json::EventBody::from(&event))?;
        } else {
            let name = named(registry, &mut names, &event).await?;
            output.line(
                format!("{}  {name}  {}  {}", event.at.to_rfc3339(), event.name, json::details(&event)).trim_end(),
            )?;
        }
    }
    Ok(())
}

/// What it is called now, or was before it was removed.
async fn named(
    registry: &ConnectionRegistry,
    names: &mut HashMap<ConnectionId, String>,
    event: &Event,
) -> Result<String, Error> {
    let id = event.connection;
    if let Some(name) = name_of(registry, id).await? {
        names.insert(id, name);
    }
    Ok(names.get(&id).cloned().unwrap_or_else(|| short_id(&id.to_string()).to_owned()))
}
