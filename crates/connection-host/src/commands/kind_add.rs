//! `kinds add FILE`: checks a file, and copies it to the user's own kinds. It does not open the database.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use connection_core::{create_private_dir, replace_private, write_new_private};
use connection_manifest::{Catalogue, KindFile, KindSet};
use serde::Serialize;

use super::kind_files;
use crate::{Error, Exit, kind_entry::KindSource, kinds_directory, program::Program};

/// A file that was added or written.
#[derive(Serialize)]
pub(super) struct KindAddedBody {
    pub(super) kind: String,
    pub(super) file: String,
    pub(super) replaced: bool,
}

/// A checked file, before it is stored among the user's own kinds.
pub(super) struct Candidate {
    kind: KindFile,
    bytes: Vec<u8>,
}

pub(super) fn run(program: &Program, file: &Path, replace: bool) -> Result<Exit, Error> {
    kind_files::one_of_each(&[file])?;
    let candidate = Candidate::check(program, file, kind_files::read(file)?)?;
    candidate.store(program, replace)
}

/// Returns the directory of the user's own kinds.
pub(super) fn directory(program: &Program) -> Result<PathBuf, Error> {
    program.settings.kinds_directory().ok_or_else(|| {
        Error::configuration("there is no directory for kinds, because there is no home directory")
            .remedy("name a configuration file with --config; the kinds are beside it")
    })
}

/// Returns the error for an id that a kind of the program has.
pub(super) fn not_of_program(program: &Program, id: &str) -> Result<(), Error> {
    let is_taken =
        program.kinds.iter().any(|known| known.descriptor.kind.as_str() == id && known.source == KindSource::Program);
    if !is_taken {
        return Ok(());
    }
    Err(Error::new(Exit::Refused, "kind_taken", format!("the program has a kind '{id}' already"))
        .remedy("choose another id"))
}

/// Returns the error for a file with problems.
pub(super) fn refused(file: &str, problems: &[String]) -> Error {
    Error::new(Exit::Usage, "invalid_kind", format!("{file} does not describe a kind:\n{}", problems.join("\n")))
        .remedy("`connections kinds schema` prints the schema of the format; docs/guide/kinds.md explains it")
}

impl Candidate {
    /// Checks a file together with the user's own kinds, which it may extend.
    pub(super) fn check(program: &Program, file: &Path, bytes: Vec<u8>) -> Result<Self, Error> {
        let name = file.display().to_string();
        // A byte order mark says nothing about UTF-8, and no TOML begins with one.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map_or_else(|| bytes.clone(), <[u8]>::to_vec);
        let own = kinds_directory::files(&directory(program)?);
        let kind = set_of(own.iter())
            .read_one(&name, None, &bytes)
            .map_err(|problems| refused(&name, &problems.iter().map(ToString::to_string).collect::<Vec<_>>()))?;
        not_of_program(program, kind.id().as_str())?;
        match kind_files::unusable(&kind, &name) {
            None => Ok(Self { kind, bytes }),
            Some(reason) => Err(refused(&name, &[reason])),
        }
    }

    /// Stores the file under its id, and prints what to do next.
    pub(super) fn store(self, program: &Program, replace: bool) -> Result<Exit, Error> {
        let directory = directory(program)?;
        let id = self.kind.id().as_str();
        let former = kinds_directory::files_of(&directory, id);
        if let Some(former) = former.first().filter(|_| !replace) {
            return Err(taken(id, former));
        }
        let is_json = self.bytes.trim_ascii_start().starts_with(b"{");
        let target = directory.join(format!("{id}.{}", if is_json { "json" } else { "toml" }));
        self.check_with_others(&directory, &former, &target)?;
        create_private_dir(&directory).map_err(|error| Error::io(directory.display(), &error))?;
        let written = match replace {
            true => replace_private(&target, &self.bytes),
            false => write_new_private(&target, &self.bytes),
        };
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => taken(id, &target),
            _ => Error::io(target.display(), &error),
        })?;
        for former in former.iter().filter(|former| **former != target) {
            fs::remove_file(former).map_err(|error| Error::io(former.display(), &error))?;
        }
        if let Err(problem) = kinds_directory::bytes(&target) {
            if former.is_empty() {
                // A file that no command uses is of no use here, either. A remaining problem is reported below.
                drop(fs::remove_file(&target));
            }
            let message = format!("{} cannot be used: {problem}", target.display());
            return Err(Error::new(Exit::Refused, "configuration_exposed", message).remedy("then repeat the command"));
        }
        self.print(program, &target, !former.is_empty())
    }

    /// Refuses a file that gives problems to files which extend its kind.
    fn check_with_others(&self, directory: &Path, former: &[PathBuf], target: &Path) -> Result<(), Error> {
        let own = kinds_directory::files(directory);
        let before = set_of(own.iter()).read().1;
        let name = target.display().to_string();
        let others = set_of(own.iter().filter(|path| !former.contains(path)));
        let after = others.bytes(name.clone(), &self.bytes).read().1;
        let new: Vec<_> = after.iter().filter(|problem| !before.contains(problem)).map(ToString::to_string).collect();
        if new.is_empty() { Ok(()) } else { Err(refused(&name, &new)) }
    }

    fn print(&self, program: &Program, target: &Path, replaced: bool) -> Result<Exit, Error> {
        let output = &program.output;
        let (kind, file) = (self.kind.id().to_string(), target.display().to_string());
        if output.json {
            output.shape(&KindAddedBody { kind, file, replaced })?;
            return Ok(Exit::Fine);
        }
        let what = if replaced { "Replaced" } else { "Added" };
        output.line(format!("{what} {} ({kind}): {file}", self.kind.name()))?;
        if program.has_catalogue && Catalogue::text(&kind).is_some() {
            output.line("It is used instead of the kind of the catalogue with this name.")?;
        }
        output.line(format!("`connections add {kind}` connects an account."))?;
        Ok(Exit::Fine)
    }
}

/// Returns the files that can be used, to be read together.
pub(super) fn set_of<'p>(files: impl Iterator<Item = &'p PathBuf>) -> KindSet {
    let readable = files.filter_map(|path| Some((path, kinds_directory::bytes(path).ok()?)));
    readable.fold(KindSet::new(), |set, (path, bytes)| set.bytes(path.display().to_string(), &bytes))
}

fn taken(id: &str, former: &Path) -> Error {
    let message = format!("the file {} describes the kind '{id}' already", former.display());
    Error::new(Exit::Refused, "kind_taken", message).remedy("replace it with --replace, or choose another id")
}
