//! `kinds import`: converts descriptions of another program into kind files. It does not open the database.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use connection_core::create_private_dir;
use connection_manifest::{NangoEntry, NangoImport, NangoOutcome};
use serde::Serialize;

use super::kind_files::RefusedBody;
use crate::{Error, Exit, cli::Program};

/// The result of a conversion.
#[derive(Serialize)]
struct KindsImportedBody {
    directory: String,
    read: usize,
    converted: usize,
    lost: Vec<LostBody>,
    refused: Vec<RefusedBody>,
}

/// The keys of an entry that its file does not have.
#[derive(Serialize)]
struct LostBody {
    id: String,
    keys: Vec<String>,
}

/// Converts a file of the project Nango, and writes a file for each entry that has a meaning as a kind.
pub(super) fn nango(program: &Program, file: &Path, directory: &Path) -> Result<Exit, Error> {
    let mut bytes = Vec::new();
    let limit = (NangoImport::MAX_BYTES as u64).saturating_add(1);
    let opened = File::open(file).and_then(|opened| opened.take(limit).read_to_end(&mut bytes));
    opened.map_err(|error| Error::io(file.display(), &error))?;
    let import = NangoImport::read(&file.display().to_string(), &bytes).map_err(|problem| {
        Error::new(Exit::Usage, "invalid_kind", problem.to_string())
            .remedy("give the file providers.yaml of your own copy of that project")
    })?;
    prepare(directory)?;
    for NangoEntry { id, outcome, .. } in &import.entries {
        if let NangoOutcome::Converted { text, .. } = outcome {
            let path = directory.join(format!("{id}.toml"));
            fs::write(&path, text).map_err(|error| Error::io(path.display(), &error))?;
        }
    }
    report(program, directory, import)?;
    Ok(Exit::Fine)
}

/// Creates the directory. One with files is refused, so that nothing is overwritten.
fn prepare(directory: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| Error::io(directory.display(), &error);
    create_private_dir(directory).map_err(failed)?;
    if fs::read_dir(directory).map_err(failed)?.next().is_none() {
        return Ok(());
    }
    Err(Error::usage(format!("the directory {} is not empty", directory.display()))
        .remedy("name another one with --output, or empty this one"))
}

fn report(program: &Program, directory: &Path, import: NangoImport) -> Result<(), Error> {
    let output = &program.output;
    let mut body = KindsImportedBody {
        directory: directory.display().to_string(),
        read: import.entries.len(),
        converted: 0,
        lost: Vec::new(),
        refused: Vec::new(),
    };
    for NangoEntry { id, name, outcome, .. } in import.entries {
        let named = if id == name { id.clone() } else { format!("{id} (called {name} in the file)") };
        let line = match outcome {
            NangoOutcome::Refused { reasons } => {
                let line = format!("refused {named}: {}", reasons.join("; "));
                body.refused.push(RefusedBody { id, reasons });
                line
            }
            NangoOutcome::Converted { lost, .. } => {
                body.converted += 1;
                if lost.is_empty() {
                    format!("converted {named}")
                } else {
                    let line = format!("converted {named}; lost: {}", lost.join(", "));
                    body.lost.push(LostBody { id, keys: lost });
                    line
                }
            }
        };
        if !output.json {
            output.line(line)?;
        }
    }
    if output.json {
        return output.shape(&body);
    }
    let KindsImportedBody { directory, read, converted, lost, refused } = body;
    output.line(format!(
        "{read} read, {converted} converted to {directory} ({} with losses), {} refused",
        lost.len(),
        refused.len()
    ))?;
    output.line(format!("`connections kinds add {directory}/ID.toml` adds one of them."))
}
