//! The record that a worker keeps of its operations: one line before each operation, and one line after it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// One operation of a worker, with its times in microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Time at which the operation began.
    pub began: u64,
    /// Time at which the operation ended. `None` if the worker was killed during it.
    pub ended: Option<u64>,
    /// The operation and its arguments: `add ACCOUNT LABEL`, `verify ID`, and so on.
    pub operation: Vec<String>,
    /// The result: `ok` followed by details, or `refused CODE`. Empty if the operation did not end.
    pub came: Vec<String>,
}

impl Entry {
    /// Returns the name of the operation.
    pub fn verb(&self) -> &str {
        self.operation.first().map_or("", String::as_str)
    }

    /// Returns the first argument of the operation.
    pub fn about(&self) -> &str {
        self.operation.get(1).map_or("", String::as_str)
    }

    /// Returns the details of the result if the operation succeeded.
    pub fn ok(&self) -> Option<&[String]> {
        self.came.split_first().filter(|(word, _)| *word == "ok").map(|(_, rest)| rest)
    }
}

/// The file of a worker. Lines that were written survive the end of the worker's process, but not a crash of the
/// machine.
#[derive(Debug)]
pub struct Ledger(File);

impl Ledger {
    /// Opens the file for appending, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// Records the start of an operation.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn begin(&mut self, operation: &str) -> io::Result<()> {
        self.0.write_all(format!("{} > {operation}\n", now()).as_bytes())
    }

    /// Records the result of the operation.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn end(&mut self, came: &str) -> io::Result<()> {
        self.0.write_all(format!("{} < {came}\n", now()).as_bytes())
    }
}

/// Reads the record of a worker.
///
/// # Errors
///
/// Returns an error if the file cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let mut words = line.split(' ').map(str::to_owned);
        let at = words.next().and_then(|at| at.parse().ok()).unwrap_or_default();
        match words.next().as_deref() {
            Some(">") => {
                entries.push(Entry { began: at, ended: None, operation: words.collect(), came: Vec::new() });
            }
            _ => {
                if let Some(last) = entries.last_mut() {
                    (last.ended, last.came) = (Some(at), words.collect());
                }
            }
        }
    }
    Ok(entries)
}

/// Reads the wall clock, which all processes of a machine share.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
