//! The output: tables and sentences for people, and one JSON shape per command for programs.
//!
//! Results go to standard output, everything else to standard error. With `--json` standard output holds the shape
//! alone.

mod elements;
mod human;
pub(crate) mod json;
mod table;
mod time;
mod waiting;

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use connection_contract::{Liveness, Timestamp};
use connection_core::sentence;
use serde::Serialize;

pub(crate) use elements::Elements;
pub(crate) use human::{
    EXPIRES_SOON, TRUST_CERTIFICATE, accept_command, account, condition, connections_summary, expires_soon, expiry,
    is_restored, is_use_refused, liveness_word, name, quoted, reason_line, reauthorize_command, short_id, urgency,
};
pub(crate) use table::{Cell, Table};
pub(crate) use time::moment;
pub(crate) use waiting::{clear_line, show_waits, without_line};

use crate::{Error, Exit, config::Environment, name as program_name, platform};

/// Writes to standard output. The line that shows a wait is removed from the terminal first.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Error> {
    waiting::clear_line_for(bytes);
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Error::new(Exit::Unexpected, "output_closed", "the output was closed"),
        _ => Error::io("standard output", &error),
    })
}

/// Returns success for a command that only prints and whose reader, such as `head`, has read enough.
pub(crate) fn unless_closed(result: Result<ExitCode, Error>) -> Result<ExitCode, Error> {
    match result {
        Err(error) if error.code == "output_closed" => Ok(Exit::Fine.into()),
        result => result,
    }
}

/// Returns the width of the terminal that is standard output; `None` if it is not a terminal or the width is unknown.
pub(crate) fn width() -> Option<usize> {
    let columns = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|columns| *columns > 0 && std::io::stdout().is_terminal())
}

/// The destination and the format of the output.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    terminal: bool,
    colours: bool,
    width: Option<usize>,
    /// The time at which the command began, to which all printed times are relative.
    pub(crate) now: Timestamp,
}

impl Output {
    pub(crate) fn new(json: bool, environment: &Environment) -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self {
            json,
            terminal,
            colours: terminal && !environment.no_color(),
            width: width(),
            now: connection_contract::Clock::now(&connection_core::SystemClock::new()),
        }
    }

    /// Returns `true` if standard output is a terminal.
    pub(crate) fn at_terminal(&self) -> bool {
        self.terminal
    }

    /// Prints a line to standard output.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), Error> {
        self.bytes(format!("{}\n", program_name::hints(text.as_ref())).as_bytes())
    }

    /// Prints bytes as they are, without a line break at the end.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        print(bytes)
    }

    /// Ends the line after bytes that were printed unchanged to a terminal, so that further output begins on its own
    /// line.
    pub(crate) fn end_line(&self, last: Option<u8>) -> Result<(), Error> {
        match last {
            Some(byte) if self.terminal && byte != b'\n' => self.line(""),
            _ => Ok(()),
        }
    }

    /// Prints the JSON shape of the command.
    pub(crate) fn shape(&self, shape: &impl Serialize) -> Result<(), Error> {
        self.json_line(&Self::text(shape)?)
    }

    fn json_line(&self, text: &str) -> Result<(), Error> {
        self.bytes(format!("{}\n", program_name::quoted_hints(text)).as_bytes())
    }

    /// Prints one shape of a stream, on a line of its own.
    pub(crate) fn element(&self, shape: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(shape).map_err(|_| Error::io("JSON", &std::io::ErrorKind::Other.into()))?;
        self.json_line(&text)
    }

    fn text(shape: &impl Serialize) -> Result<String, Error> {
        serde_json::to_string_pretty(shape).map_err(|_| Error::io("JSON", &std::io::ErrorKind::Other.into()))
    }

    /// Prints a table, fitted to the terminal.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Error> {
        self.bytes(table.render(self.width, self.colours).as_bytes())
    }

    /// Prints the first of these tables that fits the terminal, or else the last one, fitted to it. Returns its index.
    pub(crate) fn first_that_fits(&self, tables: &[Table]) -> Result<usize, Error> {
        let fits = |table: &Table| self.width.is_none_or(|width| table.width() <= width);
        let index = tables.iter().position(fits).unwrap_or(tables.len().saturating_sub(1));
        tables.get(index).map_or(Ok(()), |table| self.table(table)).map(|()| index)
    }

    /// Prints a line for people to standard error.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        platform::write_stderr(format_args!("{}", text.as_ref()));
    }

    /// Prints an error: one sentence and the remedy, or its JSON shape.
    pub(crate) fn error(json: bool, error: &Error) {
        // The program that closed standard output, such as `head`, needs no message.
        if error.code == "output_closed" {
            return;
        }
        if json {
            let body = json::ErrorBody::from(error);
            // Serializing a struct of strings cannot fail.
            platform::write_stderr(format_args!("{}", serde_json::to_string(&body).unwrap_or_default()));
            return;
        }
        // If a person declined, the command did what it was asked to do.
        let what = if error.exit == Exit::Fine { "" } else { "error: " };
        platform::write_stderr(format_args!("{what}{}", sentence(&error.to_string())));
        if let Some(remedy) = &error.remedy {
            platform::write_stderr(format_args!("  {}", sentence(remedy)));
        }
    }

    /// Returns the word for a liveness, coloured if colours are enabled.
    pub(crate) fn liveness(&self, liveness: Liveness) -> String {
        let word = liveness_word(liveness);
        if self.colours { table::paint(word, human::colour(liveness)) } else { word.to_owned() }
    }
}
