//! The ledger of a process, with a line for each operation that was reported as done.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
};

/// One operation that was done, or rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Added { id: String, account: String, liveness: String },
    Verified { id: String, liveness: String },
    Renamed { id: String, label: String },
    Removed { id: String },
    Refused { what: String, code: String },
}

/// A ledger that is being written.
pub(super) struct Ledger(File);

impl Ledger {
    pub(super) fn create(place: &str) -> Self {
        Self(File::create(place).unwrap())
    }

    pub(super) fn note(&mut self, entry: &Entry) {
        let line = match entry {
            Entry::Added { id, account, liveness } => format!("added {id} {account} {liveness}"),
            Entry::Verified { id, liveness } => format!("verified {id} {liveness}"),
            Entry::Renamed { id, label } => format!("renamed {id} {label}"),
            Entry::Removed { id } => format!("removed {id}"),
            Entry::Refused { what, code } => format!("refused {what} {code}"),
        };
        writeln!(self.0, "{line}").unwrap();
    }
}

/// Reads a whole ledger.
pub(super) fn read(place: &str) -> Vec<Entry> {
    let lines = BufReader::new(File::open(place).unwrap()).lines();
    lines.map(|line| parse(&line.unwrap())).collect()
}

fn parse(line: &str) -> Entry {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let mut words = words.into_iter();
    let mut next = || words.next().unwrap_or_else(|| panic!("half a line: {line}"));
    match next().as_str() {
        "added" => Entry::Added { id: next(), account: next(), liveness: next() },
        "verified" => Entry::Verified { id: next(), liveness: next() },
        "renamed" => Entry::Renamed { id: next(), label: next() },
        "removed" => Entry::Removed { id: next() },
        "refused" => Entry::Refused { what: next(), code: next() },
        _ => panic!("no line of a ledger: {line}"),
    }
}
