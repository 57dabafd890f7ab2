//! Connections to import: one JSON object per line. An error names the line and the position, never the text.

use std::io::{BufRead, Read as _};

use connection_api::ImportRow;
use connection_contract::Secret;
use connection_server::convert;

use crate::{Error, Exit};

/// The maximum length of a line, which fits any credential and its metadata.
const MAX_LINE: u64 = 4 * 1024 * 1024;

/// A line that is not empty.
pub(crate) struct Line {
    pub(crate) number: u64,
    /// The given kind and label, if they could be read.
    pub(crate) kind: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) row: Result<ImportRow, Error>,
}

/// Reads the next line that is not empty; `None` at the end.
pub(crate) fn next(input: &mut impl BufRead, number: &mut u64) -> Result<Option<Line>, std::io::Error> {
    loop {
        let mut bytes = Vec::new();
        let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        *number += 1;
        let whole = bytes.last() == Some(&b'\n') || (read as u64) < MAX_LINE;
        let bytes = Secret::new(bytes);
        if !whole {
            skip_line(input)?;
            return Ok(Some(bad(*number, "is longer than 4 MiB".to_owned())));
        }
        if !bytes.expose().trim_ascii().is_empty() {
            return Ok(Some(parse(*number, &bytes)));
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> Result<(), std::io::Error> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, ends) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if ends {
            return Ok(());
        }
    }
}

fn parse(number: u64, bytes: &Secret) -> Line {
    // The errors of serde repeat the value.
    let row: ImportRow = match serde_json::from_slice(bytes.expose()) {
        Ok(row) => row,
        Err(error) => {
            let what = if error.is_data() { "is not an item as documented" } else { "is not one JSON object" };
            return bad(number, format!("{what}: column {}", error.column()));
        }
    };
    let (kind, label) = (Some(row.kind.clone()), row.label.clone());
    let wrong = |member| invalid(number, &format!("has a wrong '{member}'"));
    let row = convert::import(row.clone()).map(|_| row).map_err(wrong);
    Line { number, kind, label, row }
}

fn bad(number: u64, what: String) -> Line {
    Line { number, kind: None, label: None, row: Err(invalid(number, &what)) }
}

fn invalid(number: u64, what: &str) -> Error {
    Error::new(Exit::Usage, "invalid_input", format!("line {number} {what}"))
        .remedy("see the shape of a line in docs/spec/connection.md, Import")
}
