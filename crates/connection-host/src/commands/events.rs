//! `events [C]`: prints what happened; for a single connection it also verifies that the record is complete.

use connection_core::{ConnectionId, ConnectionRegistry, EventId};

use crate::{
    Error, Exit,
    cli::Program,
    output::{Elements, Output, Table, json, short_id},
    select,
};

pub(super) async fn run(mut program: Program, reference: Option<&str>) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let mut printer = Printer::begin(&program.output)?;
    let broken = match reference {
        None => {
            all(&registry, &mut printer).await?;
            None
        }
        Some(reference) => {
            // The id of a removed connection, which has no row, is valid.
            let id = select::connection_id(&registry, reference).await?;
            Some(one(&registry, id, &mut printer).await?)
        }
    };
    registry.close().await;
    printer.end(broken)?;
    match broken.flatten() {
        None => Ok(Exit::Fine),
        Some(number) => Err(broken_at(number)),
    }
}

pub(super) fn broken_at(number: u64) -> Error {
    Error::new(Exit::Unexpected, "events_broken", format!("the record of events is broken at {number}"))
        .remedy("somebody changed it outside of this program; events after that number may not have happened")
}

async fn all(registry: &ConnectionRegistry, printer: &mut Printer<'_>) -> Result<(), Error> {
    let mut after: Option<EventId> = None;
    loop {
        let page = registry.events().list(after).await?;
        printer.page(&page.events)?;
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Prints the record of one connection; returns the first number at which it is broken.
async fn one(registry: &ConnectionRegistry, id: ConnectionId, printer: &mut Printer<'_>) -> Result<Option<u64>, Error> {
    let mut after = None;
    let mut broken = None;
    loop {
        let page = registry.events().history(id, after).await?;
        printer.page(&page.events)?;
        broken = broken.or(page.broken_at);
        after = page.next;
        if after.is_none() {
            return Ok(broken);
        }
    }
}

/// Prints pages as one table, or as one object.
pub(super) struct Printer<'o> {
    output: &'o Output,
    elements: Elements,
    printed: bool,
}

impl<'o> Printer<'o> {
    pub(super) fn begin(output: &'o Output) -> Result<Self, Error> {
        Ok(Self { output, elements: Elements::new(), printed: false })
    }

    pub(super) fn page(&mut self, events: &[connection_core::Event]) -> Result<(), Error> {
        let output = self.output;
        if events.is_empty() {
            return Ok(());
        }
        if output.json {
            if !self.printed {
                output.bytes(b"{\"events\": ")?;
            }
            self.printed = true;
            return events.iter().try_for_each(|event| self.elements.push(output, &json::EventBody::from(event)));
        }
        let mut table = Table::new(["TIME", "ID", "NO", "EVENT", "DETAILS"], 2);
        for event in events {
            table.row([
                event.at.to_rfc3339().into(),
                short_id(&event.connection.to_string()).into(),
                event.number.to_string().into(),
                event.name.as_str().into(),
                json::details(event).into(),
            ]);
        }
        let table = if self.printed { table.without_heading() } else { table };
        self.printed = true;
        output.table(&table)
    }

    /// Ends the output. `chain` is given for a single connection only, with the number at which its record is broken.
    pub(super) fn end(self, chain: Option<Option<u64>>) -> Result<(), Error> {
        let output = self.output;
        if output.json {
            if !self.printed {
                output.bytes(b"{\"events\": ")?;
            }
            self.elements.end(output)?;
            let chain = match chain {
                None => "null".to_owned(),
                Some(None) => "\"whole\"".to_owned(),
                Some(Some(number)) => format!("\"broken at {number}\""),
            };
            return output.line(format!(", \"chain\": {chain}}}"));
        }
        match self.printed {
            true => Ok(()),
            false => output.line("Nothing has happened yet."),
        }
    }
}

/// Parses the id of an event.
pub(super) fn event_id(text: &str) -> Result<EventId, Error> {
    text.parse().map_err(|_| Error::usage("--since takes the id of an event, as `watch --json` prints it"))
}
