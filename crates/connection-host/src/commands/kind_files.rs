//! `kinds check` and `kinds schema`: files that describe kinds. Neither opens the database.

use std::{collections::BTreeMap, fs, path::PathBuf};

use connection_manifest::{Catalogue, KindSet, kind_schema};
use serde::Serialize;

use crate::{Error, Exit, cli::Program};

/// The result of a check.
#[derive(Serialize)]
struct CheckedBody {
    checked: usize,
    ok: usize,
    refused: Vec<RefusedBody>,
    sources: Option<BTreeMap<String, Vec<String>>>,
}

/// A file that was refused.
#[derive(Serialize)]
struct RefusedBody {
    id: String,
    reasons: Vec<String>,
}

/// Reads the files, or those of the catalogue, and renders every request of each kind with dummy values.
pub(super) fn check(program: &Program, files: &[PathBuf], with_sources: bool) -> Result<Exit, Error> {
    let (set, count) = set(files)?;
    let (kinds, problems) = set.read();
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for problem in &problems {
        refused.entry(problem.file.as_str().to_owned()).or_default().push(problem.to_string());
    }
    for kind in &kinds {
        if let Err(failure) = kind.definition().rendering() {
            let reasons = refused.entry(kind.id().to_string()).or_default();
            reasons.push(format!("{}: its requests cannot be rendered: {failure}", kind.id()));
        }
    }
    let output = &program.output;
    let exit = if refused.is_empty() { Exit::Fine } else { Exit::Usage };
    let sources = || kinds.iter().map(|kind| (kind.id().to_string(), kind.sources().to_vec())).collect();
    if output.json {
        output.shape(&CheckedBody {
            checked: count,
            ok: count.saturating_sub(refused.len()),
            refused: refused.into_iter().map(|(id, reasons)| RefusedBody { id, reasons }).collect(),
            sources: with_sources.then(sources),
        })?;
        return Ok(exit);
    }
    if with_sources {
        let sources: BTreeMap<String, Vec<String>> = sources();
        for (id, sources) in &sources {
            output.line(id)?;
            for source in sources {
                output.line(format!("  {source}"))?;
            }
        }
    }
    for reason in refused.values().flatten() {
        output.line(reason)?;
    }
    output.line(format!("{count} checked, {} refused", refused.len()))?;
    Ok(exit)
}

/// Returns what is to be checked, and how many files it has.
fn set(files: &[PathBuf]) -> Result<(KindSet, usize), Error> {
    if files.is_empty() {
        let texts = Catalogue::ids().filter_map(Catalogue::text);
        let set = texts.fold(KindSet::new(), |set, (name, text)| set.file(name, text));
        return Ok((set, Catalogue::ids().count()));
    }
    let mut set = KindSet::new();
    for file in files {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|error| Error::io(&name, &error))?;
        set = set.file(name, text);
    }
    Ok((set, files.len()))
}

/// Prints the schema, which editors use to check a file while it is written.
pub(super) fn schema(program: &Program) -> Result<Exit, Error> {
    program.output.shape(&kind_schema())?;
    Ok(Exit::Fine)
}
