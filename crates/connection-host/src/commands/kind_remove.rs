//! `kinds remove KIND`: after a question, deletes the file of the user that describes a kind.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use connection_contract::Kind;
use connection_manifest::Catalogue;
use serde::Serialize;

use super::{confirm, kind_add};
use crate::{Error, Exit, kind_entry::KindSource, kinds_directory, program::Program};

/// The result of removing a kind, with the number of connections that stay, for `--json`.
#[derive(Serialize)]
struct KindRemovedBody {
    kind: String,
    file: String,
    connections: u64,
    #[serde(rename = "extendedBy")]
    extended_by: BTreeSet<String>,
}

pub(super) async fn run(mut program: Program, name: &str, yes: bool) -> Result<Exit, Error> {
    let directory = kind_add::directory(&program)?;
    let files = kinds_directory::files_of(&directory, name);
    let Some(file) = files.first() else { return Err(not_own(&program, name)) };
    confirm::possible(&program, yes, "whether to remove it")?;
    let connections = connections(&mut program, name).await?;
    let extended_by = extended_by(&directory, &files);
    let question = question(&program, name, file, connections, &extended_by);
    if !yes && !confirm::ask(&program, question, "Nothing was removed.").await? {
        return Ok(Exit::Fine);
    }
    for file in &files {
        fs::remove_file(file).map_err(|error| Error::io(file.display(), &error))?;
    }
    let output = &program.output;
    if output.json {
        let file = file.display().to_string();
        output.shape(&KindRemovedBody { kind: name.to_owned(), file, connections, extended_by })?;
        return Ok(Exit::Fine);
    }
    output.line(format!("Removed {name}: {}", file.display()))?;
    if connections > 0 && !has_another(&program, name) {
        output.line(format!("{} until the kind is added again.", stays(connections)))?;
    }
    if !extended_by.is_empty() {
        output.line(breaks(&extended_by))?;
    }
    Ok(Exit::Fine)
}

/// Returns how many connections of all owners use the kind. Without a database there are none, and none is created.
async fn connections(program: &mut Program, name: &str) -> Result<u64, Error> {
    let Some(kind) = Kind::parse(name).filter(|_| program.has_database()) else { return Ok(0) };
    let registry = program.open().await?;
    let count = registry.all_owners().count_connections(Some(&kind)).await;
    registry.close().await;
    Ok(count?)
}

/// Returns the other files of the user that have problems only without these files, because they extend them.
fn extended_by(directory: &Path, files: &[PathBuf]) -> BTreeSet<String> {
    let own = kinds_directory::files(directory);
    let others = || own.iter().filter(|path| !files.contains(path));
    let before = kind_add::set_of(own.iter()).read().1;
    let after = kind_add::set_of(others()).read().1;
    let new = after.iter().filter(|problem| !before.contains(problem));
    new.map(|problem| problem.file.as_str().to_owned()).collect()
}

fn question(program: &Program, name: &str, file: &Path, connections: u64, extended_by: &BTreeSet<String>) -> String {
    let question = format!("Remove {name} ({})?", file.display());
    let question = if extended_by.is_empty() { question } else { format!("{question} {}", breaks(extended_by)) };
    match connections {
        0 => question,
        _ if has_another(program, name) => format!("{question} The kind of the same name in the program is then used."),
        _ => format!("{question} {} without it.", stays(connections)),
    }
}

fn breaks(extended_by: &BTreeSet<String>) -> String {
    let files: Vec<&str> = extended_by.iter().map(String::as_str).collect();
    match files.as_slice() {
        [only] => format!("The file {only} extends this kind, and cannot be used without it."),
        files => format!("The files {} extend this kind, and cannot be used without it.", files.join(", ")),
    }
}

fn stays(connections: u64) -> String {
    match connections {
        1 => "1 connection uses this kind: it stays, but cannot be used".to_owned(),
        count => format!("{count} connections use this kind: they stay, but cannot be used"),
    }
}

/// Returns `true` if the program or its catalogue has a kind of this name.
fn has_another(program: &Program, name: &str) -> bool {
    let is_compiled =
        program.kinds.iter().any(|known| known.descriptor.kind.as_str() == name && known.source == KindSource::Program);
    is_compiled || program.has_catalogue && Catalogue::text(name).is_some()
}

/// Returns the error for a kind that no file of the user describes.
fn not_own(program: &Program, name: &str) -> Error {
    match program.kind(name) {
        Err(unknown) => unknown,
        Ok(_) => {
            let message = format!("the kind '{name}' is part of the program, and no file of your own describes it");
            Error::new(Exit::Refused, "not_supported", message)
                .remedy(format!("`connections remove --kind {name}` removes its connections"))
        }
    }
}
