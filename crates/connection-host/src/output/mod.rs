//! What is printed: tables and sentences for people, one JSON shape per command for programs.
//!
//! Answers go to standard output, everything else to standard error. With `--json` standard output gets the shape alone.

mod elements;
mod human;
pub(crate) mod json;
mod table;
mod time;

use std::io::{IsTerminal as _, Write as _};

use connection_contract::{Liveness, Timestamp};
use serde::Serialize;

pub(crate) use elements::Elements;
pub(crate) use human::{
    SOON, account, condition, expires_soon, expiry, liveness_word, name, quoted, reason_line, short_id, urgency,
};
pub(crate) use table::{Cell, Table};
pub(crate) use time::moment;

use crate::{Error, Exit, config::Environment, platform};

/// Where and how to print.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    terminal: bool,
    colours: bool,
    width: Option<usize>,
    /// The time at which the command began; all distances are from here.
    pub(crate) now: Timestamp,
}

impl Output {
    pub(crate) fn new(json: bool, environment: &Environment) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let size = console::Term::stdout().size_checked();
        Self {
            json,
            terminal,
            colours: terminal && !environment.no_color(),
            width: size.map(|(_, columns)| usize::from(columns)).filter(|columns| terminal && *columns > 0),
            now: connection_contract::Clock::now(&connection_core::SystemClock::new()),
        }
    }

    /// Whether a person reads standard output, and not a program.
    pub(crate) fn at_terminal(&self) -> bool {
        self.terminal
    }

    /// A line on standard output.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), Error> {
        self.bytes(format!("{}\n", text.as_ref()).as_bytes())
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => {
                Error::new(Exit::Unexpected, "output_closed", "nobody reads the output any more")
            }
            _ => Error::io("standard output", &error),
        })
    }

    /// The command's shape.
    pub(crate) fn shape(&self, shape: &impl Serialize) -> Result<(), Error> {
        self.line(Self::text(shape)?)
    }

    /// One shape of a stream, on a line of its own.
    pub(crate) fn element(&self, shape: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(shape).map_err(|_| Error::io("JSON", &std::io::ErrorKind::Other.into()))?;
        self.line(text)
    }

    fn text(shape: &impl Serialize) -> Result<String, Error> {
        serde_json::to_string_pretty(shape).map_err(|_| Error::io("JSON", &std::io::ErrorKind::Other.into()))
    }

    /// A table, fitted to the terminal.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Error> {
        self.bytes(table.render(self.width, self.colours).as_bytes())
    }

    /// A line for people beside the answer.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        platform::tell(format_args!("{}", text.as_ref()));
    }

    /// Prints an error: one sentence and the way out, or its JSON shape.
    pub(crate) fn error(json: bool, error: &Error) {
        if json {
            let body = json::ErrorBody::from(error);
            // A struct of strings always serializes.
            platform::tell(format_args!("{}", serde_json::to_string(&body).unwrap_or_default()));
            return;
        }
        // Whoever closed it (`head`) knows.
        if error.code == "output_closed" {
            return;
        }
        platform::tell(format_args!("error: {error}"));
        if let Some(remedy) = &error.remedy {
            platform::tell(format_args!("  {remedy}"));
        }
    }

    /// The word, in its colour where colours are welcome.
    pub(crate) fn liveness(&self, liveness: Liveness) -> String {
        let word = liveness_word(liveness);
        if self.colours { table::paint(word, human::colour(liveness)) } else { word.to_owned() }
    }
}
