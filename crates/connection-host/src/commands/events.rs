//! `events [C]`: prints what happened; for a single connection it also verifies that the record is complete.

use connection_api::Event;

use crate::{
    Error, Exit,
    output::{Elements, Output, Table, json, short_id},
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, reference: Option<&str>) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let mut printer = Printer::begin(&program.output)?;
    let broken = match reference {
        None => {
            let mut after: Option<String> = None;
            loop {
                let page = backend.events(after.as_deref()).await?;
                printer.page(&page.items)?;
                after = page.next;
                if after.is_none() {
                    break None;
                }
            }
        }
        Some(reference) => {
            // The id of a removed connection, which has no row, is valid.
            let id = select::connection_id(backend.lookup(), reference).await?;
            Some(backend.record(&id, &mut |events| printer.page(&events)).await?)
        }
    };
    backend.close().await;
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

/// Prints pages as one table, or as one object.
struct Printer<'o> {
    output: &'o Output,
    elements: Elements,
    printed: bool,
}

impl<'o> Printer<'o> {
    fn begin(output: &'o Output) -> Result<Self, Error> {
        Ok(Self { output, elements: Elements::new(), printed: false })
    }

    fn page(&mut self, events: &[Event]) -> Result<(), Error> {
        let output = self.output;
        if events.is_empty() {
            return Ok(());
        }
        if output.json {
            if !self.printed {
                output.bytes(b"{\"events\": ")?;
            }
            self.printed = true;
            return events.iter().try_for_each(|event| self.elements.push(output, event));
        }
        let mut table = Table::new(["TIME", "ID", "NO", "EVENT", "DETAILS"], 2);
        for event in events {
            table.row([
                event.at.as_str().into(),
                short_id(&event.connection).into(),
                event.number.to_string().into(),
                event.event.as_str().into(),
                json::details(event).into(),
            ]);
        }
        let table = if self.printed { table.without_heading() } else { table };
        self.printed = true;
        output.table(&table)
    }

    /// Ends the output. `chain` is given for a single connection only, with the number at which its record is broken.
    fn end(self, chain: Option<Option<u64>>) -> Result<(), Error> {
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
