//! The records of replacements, one file each, in the data directory.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use connection_core::{create_private_dir, replace_private};
use connection_mcp::clients::{Adoption, Conflict, Difference, Stage, Step, Undo, undo};

use super::config_file;
use crate::{Error, Exit, program::Program};

/// The directory of the records, in the data directory.
const DIRECTORY: &str = "mcp-adopted";

/// The records of the replacements that were not undone.
pub(super) struct Records<'a> {
    program: &'a Program,
    directory: PathBuf,
}

impl<'a> Records<'a> {
    pub(super) fn of(program: &'a Program) -> Self {
        Self { program, directory: program.settings.data_directory.join(DIRECTORY) }
    }

    /// Adds the record of a replacement, and carries the replacement out. Returns `false` if the file was changed
    /// meanwhile.
    pub(super) fn carry_out(&self, record: &Adoption) -> Result<bool, Error> {
        create_private_dir(&self.directory).map_err(|error| Error::io(self.directory.display(), &error))?;
        let number = self.all()?.last().map_or(1, |(number, ..)| number + 1);
        let path = self.directory.join(format!("{number:06}.json"));
        write(&path, record)?;
        let conflict = drive(&path, record.clone())?;
        if let Some(conflict) = &conflict {
            self.report(record, &path, conflict);
        }
        Ok(conflict.is_none())
    }

    /// Finishes what an earlier run left. Returns `false` if a file was changed meanwhile.
    pub(super) fn finish_all(&self) -> Result<bool, Error> {
        let mut is_whole = true;
        for (_, path, record) in self.all()? {
            if let Some(conflict) = drive(&path, record.clone())? {
                self.report(&record, &path, &conflict);
                is_whole = false;
            }
        }
        Ok(is_whole)
    }

    /// Restores the configurations, the last replacement first. A file that was changed meanwhile stays as it is.
    pub(super) fn undo_all(&self) -> Result<Exit, Error> {
        let output = &self.program.output;
        let all = self.all()?;
        if all.is_empty() {
            output.note("No configuration uses a connection that `connections mcp adopt` made it use.");
            return Ok(Exit::Fine);
        }
        let mut is_whole = true;
        for (_, path, record) in all.into_iter().rev() {
            let current = config_file::read(record.file())?;
            let conflict = match current.as_deref().map(|now| undo(record.original(), record.replaced(), now)) {
                None => Some(Conflict::Missing),
                Some(Undo::Changed(difference)) => Some(Conflict::Changed(difference)),
                Some(_) => {
                    let record = record.clone().at(Stage::Undoing);
                    write(&path, &record)?;
                    drive(&path, record)?
                }
            };
            match conflict {
                None => {
                    let client = record.client().name();
                    output.line(format!("{client} has its former configuration ({})", record.file().display()))?;
                }
                Some(conflict) => {
                    self.report(&record, &path, &conflict);
                    is_whole = false;
                }
            }
        }
        output.note("The connections stay; `connections remove` removes one.");
        Ok(if is_whole { Exit::Fine } else { Exit::Refused })
    }

    /// Returns the records in the order in which they were made, each with its number and its path.
    fn all(&self) -> Result<Vec<(u32, PathBuf, Adoption)>, Error> {
        let failed = |error: std::io::Error| Error::io(self.directory.display(), &error);
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut records = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            // A crash may leave drafts, whose names end otherwise.
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"));
            let Some(number) = name.and_then(|name| name.parse().ok()) else { continue };
            let content = fs::read(&path).map_err(|error| Error::io(path.display(), &error))?;
            let record = Adoption::from_json(&content).map_err(|error| {
                Error::new(Exit::Refused, "invalid_record", format!("{}: {error}", path.display()))
                    .remedy("move the file away to leave the configuration as it is")
            })?;
            records.push((number, path, record));
        }
        records.sort_by_key(|(number, ..)| *number);
        Ok(records)
    }

    /// Says that a file was not written, and what a person can do.
    fn report(&self, record: &Adoption, path: &Path, conflict: &Conflict) {
        let output = &self.program.output;
        let file = record.file().display();
        match conflict {
            Conflict::Changed(difference) => {
                output.note(format!("{file} was changed by another program, and stays as it is."));
                self.show(difference);
            }
            _ => output.note(format!("{file} no longer exists, and is not written.")),
        }
        if path.exists() {
            let path = path.display();
            output
                .note(format!("To restore it by hand, see its former content in {path}; delete that file afterwards."));
        }
    }

    /// Shows a difference to a person. It may contain secrets, which the person has in the file.
    fn show(&self, difference: &Difference) {
        if self.program.person {
            self.program.output.note(difference.to_string());
        }
    }
}

/// Carries out what a record says, from where it was left. Returns the reason why the file is not written.
fn drive(path: &Path, mut record: Adoption) -> Result<Option<Conflict>, Error> {
    loop {
        let current = config_file::read(record.file())?;
        let stage = match record.next(current.as_deref()) {
            Step::Conflict(conflict) => return Ok(Some(conflict)),
            Step::Done => return Ok(None),
            Step::RemoveRecord => return config_file::remove(path).map(|()| None),
            Step::WriteFile(content) => {
                config_file::replace(record.file(), current.as_deref().unwrap_or_default(), content)?;
                continue;
            }
            Step::WriteRecord(stage) => stage,
        };
        record = record.at(stage);
        write(path, &record)?;
    }
}

fn write(path: &Path, record: &Adoption) -> Result<(), Error> {
    let json = record.to_json().map_err(|error| Error::usage(error.to_string()))?;
    replace_private(path, &json).map_err(|error| Error::io(path.display(), &error))
}
