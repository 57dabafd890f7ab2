//! What a worker did, as it keeps it for itself: one line before each operation, and one after it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// One operation: when it was asked for and answered, in microseconds, and what came of it. One without an end was cut
/// off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it began.
    pub began: u64,
    /// When it was answered.
    pub ended: Option<u64>,
    /// What was asked: `add ACCOUNT`, `verify ID`, …
    pub asked: Vec<String>,
    /// What came: `ok` and what there is to tell, or `refused CODE`.
    pub came: Vec<String>,
}

impl Entry {
    /// The operation.
    pub fn verb(&self) -> &str {
        self.asked.first().map_or("", String::as_str)
    }

    /// What it was about.
    pub fn about(&self) -> &str {
        self.asked.get(1).map_or("", String::as_str)
    }

    /// What a success told.
    pub fn ok(&self) -> Option<&[String]> {
        self.came.split_first().filter(|(word, _)| *word == "ok").map(|(_, rest)| rest)
    }
}

/// The file of a worker. What was written is there when the worker is killed: only the machine's end would lose it.
#[derive(Debug)]
pub struct Ledger(File);

impl Ledger {
    /// Goes on with a file, or begins it.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// Before the operation.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn begin(&mut self, asked: &str) -> io::Result<()> {
        self.0.write_all(format!("{} > {asked}\n", now()).as_bytes())
    }

    /// After it.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn end(&mut self, came: &str) -> io::Result<()> {
        self.0.write_all(format!("{} < {came}\n", now()).as_bytes())
    }
}

/// Reads what a worker wrote.
///
/// # Errors
///
/// It is not there.
pub fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let mut words = line.split(' ').map(str::to_owned);
        let at = words.next().and_then(|at| at.parse().ok()).unwrap_or_default();
        match words.next().as_deref() {
            Some(">") => {
                entries.push(Entry { began: at, ended: None, asked: words.collect(), came: Vec::new() });
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

/// The clock that all processes of a machine share.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
