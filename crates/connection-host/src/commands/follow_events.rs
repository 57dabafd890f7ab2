//! `events --follow [C]`: prints what happened, then what happens, in the lines of `watch`.

use std::collections::{HashMap, HashSet};

use connection_client::Client;
use connection_core::{ConnectionId, ConnectionRegistry, Event, EventId, Watch};

use super::events::broken_at;
use crate::{
    Error, Exit,
    cli::Program,
    output::{Output, json, name, short_id, without_line},
    platform::Interrupts,
    remote, select,
};

pub(super) async fn run(mut program: Program, reference: Option<&str>) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let connection = match reference {
        None => None,
        Some(reference) => Some(select::connection_id(&registry, reference).await?),
    };
    // Begin the watch before reading the record, so that no event is missed in between.
    let begin = registry.events().watch();
    let watch = match connection {
        None => begin.await?,
        Some(id) => begin.connection(id).await?,
    };
    let mut lines = Lines::new(&program.output, Names::Store(&registry));
    let followed = until_interrupted(&program.interrupts, async {
        let printed = recorded(&registry, connection, &mut lines).await?;
        if !program.output.json {
            program.output.note("These were the recorded events; new events follow. Press Ctrl-C to stop.");
        }
        lines.all(watch, &printed).await
    });
    let followed = followed.await;
    registry.close().await;
    followed.map(|()| Exit::Fine)
}

/// Prints the record; returns the ids of its events, since the watch also reports those that arrived in the meantime.
async fn recorded(
    registry: &ConnectionRegistry,
    connection: Option<ConnectionId>,
    lines: &mut Lines<'_>,
) -> Result<HashSet<EventId>, Error> {
    let mut printed = HashSet::new();
    match connection {
        None => {
            let mut after = None;
            loop {
                let page = registry.events().list(after).await?;
                lines.page(&page.events, &mut printed).await?;
                after = page.next;
                if after.is_none() {
                    return Ok(printed);
                }
            }
        }
        Some(id) => {
            let mut after = None;
            loop {
                let page = registry.events().history(id, after).await?;
                lines.page(&page.events, &mut printed).await?;
                if let Some(number) = page.broken_at {
                    return Err(broken_at(number));
                }
                after = page.next;
                if after.is_none() {
                    return Ok(printed);
                }
            }
        }
    }
}

/// Runs `task` until it ends or the user presses control-C.
pub(super) async fn until_interrupted(
    interrupts: &Interrupts,
    task: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    let _following = without_line();
    interrupts.caught().await;
    tokio::select! {
        biased;
        () = interrupts.next() => Ok(()),
        ended = task => ended,
    }
}

/// The place where the names of connections are looked up.
pub(super) enum Names<'a> {
    Server(&'a Client),
    Store(&'a ConnectionRegistry),
}

impl Names<'_> {
    /// Returns the name of a connection; `None` if it was removed.
    async fn of(&self, id: ConnectionId) -> Result<Option<String>, Error> {
        match self {
            Self::Store(registry) => match registry.connection(id).await {
                Ok(connection) => Ok(Some(name(connection.info()))),
                Err(connection_core::Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error.into()),
            },
            Self::Server(client) => match client.connection(&id.to_string()).await {
                Ok(shown) => Ok(Some(name(&remote::shown(&shown)?))),
                Err(error) if error.code() == "not_found" => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }
}

/// Prints one line, or one object, for each event.
pub(super) struct Lines<'a> {
    output: &'a Output,
    source: Names<'a>,
    /// The current names of connections, or the last names of removed ones.
    names: HashMap<ConnectionId, String>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(output: &'a Output, source: Names<'a>) -> Self {
        Self { output, source, names: HashMap::new() }
    }

    /// Prints all events of the watch, except those in `before`.
    pub(super) async fn all(&mut self, mut watch: Watch, before: &HashSet<EventId>) -> Result<(), Error> {
        while let Some(event) = watch.next().await {
            let event = event?;
            if !before.contains(&event.id) {
                self.new_event(&event).await?;
            }
        }
        Ok(())
    }

    async fn page(&mut self, events: &[Event], printed: &mut HashSet<EventId>) -> Result<(), Error> {
        for event in events {
            printed.insert(event.id);
            self.recorded_event(event).await?;
        }
        Ok(())
    }

    /// Prints an event that has just happened, with the current name of its connection.
    pub(super) async fn new_event(&mut self, event: &Event) -> Result<(), Error> {
        self.learn(event.connection).await?;
        self.one(event)
    }

    /// Prints an event of the record. Each name is looked up once: a rename while the record is printed is not followed.
    pub(super) async fn recorded_event(&mut self, event: &Event) -> Result<(), Error> {
        if !self.names.contains_key(&event.connection) {
            self.learn(event.connection).await?;
        }
        self.one(event)
    }

    async fn learn(&mut self, id: ConnectionId) -> Result<(), Error> {
        // Programs get ids.
        let name = if self.output.json { None } else { self.source.of(id).await? };
        self.names.extend(name.map(|name| (id, name)));
        Ok(())
    }

    fn one(&self, event: &Event) -> Result<(), Error> {
        if self.output.json {
            return self.output.element(&json::EventBody::from(event));
        }
        let id = event.connection.to_string();
        let name = self.names.get(&event.connection).map_or(short_id(&id), String::as_str);
        let line = format!("{}  {name}  {}  {}", event.at.to_rfc3339(), event.name, json::details(event));
        self.output.line(line.trim_end())
    }
}
