//! `kinds import`: converts descriptions of another program into kind files. It does not open the database.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use connection_core::create_private_dir;
use connection_manifest::{Catalogue, NangoEntry, NangoImport, NangoOutcome};
use serde::Serialize;

use super::{kind_add, kind_files::RefusedBody};
use crate::{Error, Exit, kinds_directory, program::Program};

/// The result of converting entries of another catalogue, for `--json`.
#[derive(Serialize)]
struct KindsImportedBody {
    directory: String,
    read: usize,
    converted: usize,
    lost: Vec<LostBody>,
    /// The entries whose documentation stands for the page on which a person deletes the credential.
    documented: Vec<String>,
    taken: Vec<TakenBody>,
    refused: Vec<RefusedBody>,
}

/// The keys of an entry that its file does not have.
#[derive(Serialize)]
struct LostBody {
    id: String,
    keys: Vec<String>,
}

/// A converted entry with the name of another kind.
#[derive(Serialize)]
struct TakenBody {
    id: String,
    by: &'static str,
    message: String,
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

/// Returns which kind has the name of a converted entry already, and what a person can do; `None` if the name is free.
fn taken(program: &Program, id: &str) -> Option<TakenBody> {
    let body = |by, message| Some(TakenBody { id: id.to_owned(), by, message });
    if let Err(error) = kind_add::not_of_program(program, id) {
        let rename = "to add this one, change the id in its file and call the file after it";
        return body("program", format!("{}; {rename}", error.message));
    }
    let directory = program.settings.kinds_directory();
    let own = directory.and_then(|directory| kinds_directory::files_of(&directory, id).into_iter().next());
    if let Some(own) = own {
        let own = own.display();
        let replace = "`connections kinds add --replace` replaces it; to keep both, change the id in the new file";
        return body("file", format!("{own} describes the kind '{id}' already; {replace}"));
    }
    if program.has_catalogue && Catalogue::text(id).is_some() {
        let keep = "once this one is added, it is used instead; to keep both, change the id in its file";
        return body("catalogue", format!("the catalogue has a kind '{id}' already; {keep}"));
    }
    None
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
        documented: Vec::new(),
        taken: Vec::new(),
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
            NangoOutcome::Converted { lost, removal, .. } => {
                body.converted += 1;
                let mut line = format!("converted {named}");
                if !lost.is_empty() {
                    line = format!("{line}; lost: {}", lost.join(", "));
                }
                if let Some(page) = removal {
                    line = format!(
                        "{line}\n  a person is sent to {page} to delete the credential; name the page itself in [removal]"
                    );
                    body.documented.push(id.clone());
                }
                if let Some(taken) = taken(program, &id) {
                    line = format!("{line}\n  {}", taken.message);
                    body.taken.push(taken);
                }
                if !lost.is_empty() {
                    body.lost.push(LostBody { id, keys: lost });
                }
                line
            }
        };
        if !output.json {
            output.line(line)?;
        }
    }
    if output.json {
        return output.shape(&body);
    }
    let KindsImportedBody { directory, read, converted, lost, documented, taken, refused } = body;
    output.line(format!(
        "{read} read, {converted} converted to {directory} ({} with losses, {} with a name that is taken), {} refused",
        lost.len(),
        taken.len(),
        refused.len()
    ))?;
    if !documented.is_empty() {
        output.line(format!(
            "{} of them name the documentation of the provider as the page on which a person deletes the credential.",
            documented.len()
        ))?;
    }
    output.line(format!("`connections kinds add {directory}/ID.toml` adds one of them."))
}
