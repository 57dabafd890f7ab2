//! The output: tables and sentences for people, and one JSON shape per command for programs.
//!
//! Results go to standard output, everything else to standard error. With `--json` standard output holds the shape
//! alone.

mod elements;
mod human;
pub(crate) mod json;
mod safe;
mod table;
mod time;

use std::{io::IsTerminal as _, process::ExitCode};

use connection_api::{Connection, Liveness};
use connection_contract::Timestamp;
use connection_core::sentence;
use serde::Serialize;

pub(crate) use elements::Elements;
pub(crate) use human::{
    account, connections_summary, expiry, is_application_refused, is_registered, is_restored, is_use_refused, joined,
    name, quoted, reason_line, reauthorize_command, refused_applications, short_id, time, tls_remedy, urgency,
};
pub(crate) use table::{Cell, Table};
pub(crate) use time::moment;

use safe::safe;

use crate::{
    Error, Exit,
    config::Environment,
    name as program_name,
    platform::{self, Wait},
};

/// Returns success for a command that only prints and whose reader, such as `head`, has read enough.
pub(crate) fn unless_closed(result: Result<ExitCode, Error>) -> Result<ExitCode, Error> {
    match result {
        Err(error) if error.code == "output_closed" => Ok(Exit::Fine.into()),
        result => result,
    }
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
            width: platform::width(),
            now: connection_contract::Clock::now(&connection_core::SystemClock::new()),
        }
    }

    /// Returns `true` if standard output is a terminal.
    pub(crate) fn at_terminal(&self) -> bool {
        self.terminal
    }

    /// Prints a line to standard output.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), Error> {
        self.bytes(format!("{}\n", safe(&program_name::hints(text.as_ref()))).as_bytes())
    }

    /// Prints a value as a line: in full for a program that reads it, and without control characters at a terminal.
    pub(crate) fn value(&self, value: &str) -> Result<(), Error> {
        match self.terminal {
            true => self.bytes(format!("{}\n", safe(value)).as_bytes()),
            false => self.bytes(format!("{value}\n").as_bytes()),
        }
    }

    /// Prints bytes as they are, without a line break at the end.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        platform::print(bytes)
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
        self.json_line(&serde_json::to_string(shape).map_err(|_| unknown_word())?)
    }

    fn text(shape: &impl Serialize) -> Result<String, Error> {
        serde_json::to_string_pretty(shape).map_err(|_| unknown_word())
    }

    /// Prints a table, fitted to the terminal.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Error> {
        self.bytes(table.render(self.width, self.colours).as_bytes())
    }

    /// Returns `true` if the terminal shows the whole text of the table.
    pub(crate) fn fits(&self, table: &Table) -> bool {
        self.width.is_none_or(|width| table.width() <= width)
    }

    /// Prints the first of these tables that fits the terminal, or else the last one, fitted to it. Returns its index.
    pub(crate) fn first_that_fits(&self, tables: &[Table]) -> Result<usize, Error> {
        let index = tables.iter().position(|table| self.fits(table)).unwrap_or(tables.len().saturating_sub(1));
        tables.get(index).map_or(Ok(()), |table| self.table(table)).map(|()| index)
    }

    /// Prints the provider's own words about a connection, if the answer has some.
    pub(crate) fn provider_says(&self, of: &Connection) -> Result<(), Error> {
        match of.reason.as_ref().and_then(|reason| reason.provider_text.as_deref()) {
            Some(words) => self.line(format!("  {}", provider_says(words))),
            None => Ok(()),
        }
    }

    /// Awaits `work`.
    ///
    /// After one second, a line on standard error shows what the command waits for and for how many seconds, until the
    /// work ends. There is no such line with `--json`, or if standard error is not a terminal.
    pub(crate) async fn waiting<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let _wait = Wait::begin(if self.json { "" } else { what });
        work.await
    }

    /// Names what the command waits for wherever it says nothing more specific. The seconds count from the last output
    /// or answer.
    pub(crate) fn waits_for(&self, what: &str) {
        if !self.json {
            platform::waits_for(what);
        }
    }

    /// Prints a line for people to standard error.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        note(text.as_ref());
    }

    /// Says which processes have not confirmed what was taken back or frozen.
    pub(crate) fn remaining(&self, processes: &[String]) {
        if !processes.is_empty() {
            let who = joined(processes);
            self.note(format!(
                "Not confirmed within a second by {who}: a request that was begun there may still be sent. No other one \
                 begins there before this is read."
            ));
        }
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
        platform::write_stderr(format_args!("{what}{}", safe(&sentence(&error.to_string()))));
        if let Some(words) = &error.provider_text {
            platform::write_stderr(format_args!("  {}", safe(&provider_says(words.as_str()))));
        }
        if let Some(remedy) = &error.remedy {
            platform::write_stderr(format_args!("  {}", safe(&sentence(remedy))));
        }
    }

    /// Returns the word for a liveness, coloured if colours are enabled.
    pub(crate) fn liveness(&self, liveness: Liveness) -> String {
        let word = liveness.as_str();
        if self.colours { table::paint(word, human::colour(liveness)) } else { word.to_owned() }
    }
}

/// Returns the line with the provider's own words, marked as the provider's.
pub(crate) fn provider_says(words: &str) -> String {
    format!("The provider says: {words}")
}

/// Prints a line for people to standard error.
pub(crate) fn note(text: &str) {
    platform::write_stderr(format_args!("{}", safe(text)));
}

/// Returns the error for a shape with a word that only a later server knows. The word itself was not kept.
fn unknown_word() -> Error {
    Error::new(
        Exit::Unexpected,
        "host_unexpected",
        "the server sent a word that this version of the program does not know",
    )
    .remedy("use the version of the server, or leave out --json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_later_server_is_named_as_that() {
        assert_eq!(Output::text(&Liveness::Live).unwrap(), "\"live\"");
        let error = Output::text(&Liveness::Unrecognized).unwrap_err();
        assert_eq!(error.code, "host_unexpected");
        assert!(error.message.contains("a word that this version of the program does not know"), "{}", error.message);
    }
}
