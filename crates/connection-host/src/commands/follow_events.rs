//! `events --follow [C]`: prints what happened, then what happens, in the lines of `watch`.

use std::collections::{HashMap, HashSet};

use connection_api::Event;

use super::events::broken_at;
use crate::{
    Error, Exit,
    backend::{Backend, NewEvents},
    output::{Output, json, name, short_id},
    platform::Interrupts,
    platform::without_line,
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, reference: Option<&str>) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let connection = match reference {
        None => None,
        Some(reference) => Some(select::connection_id(backend.lookup(), reference).await?),
    };
    // Begin the watch before reading the record, so that no event is missed in between.
    let watch = backend.watch(connection.as_deref(), None).await?;
    let mut lines = Lines::new(&program.output, &*backend);
    let followed = until_interrupted(&program.interrupts, async {
        lines.recorded(connection.as_deref()).await?;
        if !program.output.json {
            program.output.note("These were the recorded events; new events follow. Press Ctrl-C to stop.");
        }
        lines.all(watch).await
    });
    let followed = followed.await;
    backend.close().await;
    followed.map(|()| Exit::Fine)
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

/// Prints one line, or one object, for each event.
pub(super) struct Lines<'a> {
    output: &'a Output,
    backend: &'a dyn Backend,
    /// The current names of connections, or the last names of removed ones.
    names: HashMap<String, String>,
    /// The events of the record, since the watch also reports those that arrived in the meantime.
    printed: HashSet<String>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(output: &'a Output, backend: &'a dyn Backend) -> Self {
        Self { output, backend, names: HashMap::new(), printed: HashSet::new() }
    }

    /// Prints the record.
    async fn recorded(&mut self, connection: Option<&str>) -> Result<(), Error> {
        let Some(connection) = connection else {
            let mut after: Option<String> = None;
            loop {
                let page = self.backend.events(after.as_deref()).await?;
                self.page(page.items).await?;
                after = page.next;
                if after.is_none() {
                    return Ok(());
                }
            }
        };
        let mut events = Vec::new();
        let keep = &mut |page: Vec<Event>| {
            events.extend(page);
            Ok(())
        };
        let broken = self.backend.record(connection, keep).await?;
        self.page(events).await?;
        match broken {
            None => Ok(()),
            Some(number) => Err(broken_at(number)),
        }
    }

    /// Prints all events of the watch, except those of the record.
    pub(super) async fn all(&mut self, mut watch: Box<dyn NewEvents>) -> Result<(), Error> {
        while let Some(event) = watch.next().await? {
            if !self.printed.contains(&event.id) {
                self.learn(&event.connection).await?;
                self.one(&event)?;
            }
        }
        Ok(())
    }

    /// Prints events of the record. Each name is looked up once: a rename while the record is printed is not followed.
    async fn page(&mut self, events: Vec<Event>) -> Result<(), Error> {
        for event in events {
            if !self.names.contains_key(&event.connection) {
                self.learn(&event.connection).await?;
            }
            self.one(&event)?;
            self.printed.insert(event.id);
        }
        Ok(())
    }

    /// Looks up the current name of a connection. Programs get ids.
    async fn learn(&mut self, id: &str) -> Result<(), Error> {
        if self.output.json {
            return Ok(());
        }
        match self.backend.listed(id).await {
            Ok(listed) => drop(self.names.insert(id.to_owned(), name(&listed.connection))),
            // It was removed.
            Err(error) if error.code == "not_found" => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn one(&self, event: &Event) -> Result<(), Error> {
        if self.output.json {
            return self.output.element(event);
        }
        let name = self.names.get(&event.connection).map_or(short_id(&event.connection), String::as_str);
        let line = format!("{}  {name}  {}  {}", event.at, event.event, json::details(event));
        self.output.line(line.trim_end())
    }
}
