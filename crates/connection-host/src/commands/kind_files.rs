//! `kinds check` and `kinds schema`: files that describe kinds. Neither opens the database.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
};

use connection_manifest::{Catalogue, KindFile, KindSet, kind_schema};
use serde::Serialize;

use super::kind_add::not_of_program;
use crate::{
    Error, Exit,
    kinds_directory::{self, refused},
    output::Output,
    program::Program,
};

/// One byte more than a file may have, so that a file that is too large is refused where it is parsed.
const LIMIT: u64 = KindFile::MAX_BYTES as u64 + 1;

/// The result of checking files of kinds, for `--json`.
#[derive(Serialize)]
struct CheckedBody {
    checked: usize,
    ok: usize,
    refused: Vec<RefusedBody>,
    /// Warnings about accepted files, with what their authors should add. They change no exit code.
    warnings: Vec<RefusedBody>,
    sources: Option<BTreeMap<String, Vec<String>>>,
}

/// A file or a line that was refused, or accepted with a warning, with the reasons.
#[derive(Debug, Serialize)]
pub(super) struct RefusedBody {
    pub(super) id: String,
    pub(super) reasons: Vec<String>,
}

/// Reads the files, or those of the catalogue, and renders every request of each kind with dummy values.
pub(super) fn check(program: &Program, files: &[PathBuf], with_sources: bool) -> Result<Exit, Error> {
    let (of_lines, whole): (Vec<_>, Vec<_>) = files.iter().partition(|file| has_lines(file));
    let mut report = Report::new(program, with_sources);
    let set = if files.is_empty() { of_catalogue().0 } else { set_with_own(program, &whole)? };
    let named = whole.iter().map(|file| file.display().to_string()).collect();
    report.set(&set, if files.is_empty() { None } else { Some(named) })?;
    for file in of_lines {
        report.lines(&set, file)?;
    }
    report.end()
}

/// Returns the files of the catalogue, and their number.
pub(super) fn of_catalogue() -> (KindSet, usize) {
    let texts = Catalogue::ids().filter_map(Catalogue::text);
    (texts.fold(KindSet::new().of_catalogue(), |set, (name, text)| set.file(name, text)), Catalogue::ids().count())
}

/// Refuses a file with a kind on each line. Only `kinds check` reads it.
pub(super) fn one_of_each(files: &[impl AsRef<Path>]) -> Result<(), Error> {
    let Some(file) = files.iter().map(AsRef::as_ref).find(|file| has_lines(file)) else { return Ok(()) };
    let message = format!("{} has a kind on each line, and this command takes a file with one kind", file.display());
    Err(Error::usage(message).remedy(
        "save each line as a file of its own, such as ID.json, and name that file; `connections kinds check` checks all \
         lines",
    ))
}

/// Returns these files with the user's own kinds, which they may extend. A file takes the place of the own kind that has
/// its name.
pub(super) fn set_with_own(program: &Program, files: &[&PathBuf]) -> Result<KindSet, Error> {
    let mut set = KindSet::new();
    for file in files {
        set = set.bytes(file.display().to_string(), &read(file)?);
    }
    let own = program.settings.kinds_directory().map(|directory| kinds_directory::files(&directory));
    let is_other = |own: &PathBuf| files.iter().all(|file| file.file_stem() != own.file_stem());
    let others = own.unwrap_or_default().into_iter().filter(is_other);
    let readable = others.filter_map(|path| Some((path.display().to_string(), kinds_directory::bytes(&path).ok()?)));
    Ok(readable.fold(set, |set, (name, bytes)| set.bytes(name, &bytes)))
}

/// Returns the first bytes of a file, one more than it may have.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    // Opening a pipe would wait for somebody who writes to it. A directory is refused when it is read.
    if fs::metadata(file).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let message = format!("{} is not a file", file.display());
        return Err(Error::new(Exit::Usage, "invalid_kind", message).remedy("give the name of a file"));
    }
    let opened = File::open(file).and_then(|opened| opened.take(LIMIT).read_to_end(&mut bytes));
    opened.map_err(|error| Error::io(file.display(), &error))?;
    Ok(bytes)
}

/// Returns why the kind of a file cannot be used, although no line of the file is wrong by itself.
pub(super) fn unusable(kind: &KindFile, place: &str) -> Option<String> {
    match kind.definition().rendering() {
        Ok(_) => refused(kind, place),
        Err(failure) => Some(format!("{place}: its requests cannot be rendered: {failure}")),
    }
}

/// Returns `true` for a file with a kind on each line.
fn has_lines(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    extension.eq_ignore_ascii_case("jsonl") || extension.eq_ignore_ascii_case("ndjson")
}

/// The progress of a check. For people, each problem is printed when it is found.
struct Report<'o> {
    program: &'o Program,
    output: &'o Output,
    checked: usize,
    count_refused: usize,
    /// The refused definitions, for programs alone.
    refused: Vec<RefusedBody>,
    count_warned: usize,
    /// The definitions with a warning, for programs alone.
    warnings: Vec<RefusedBody>,
    sources: Option<BTreeMap<String, Vec<String>>>,
    /// The file or line of each id.
    places: BTreeMap<String, String>,
}

impl<'o> Report<'o> {
    fn new(program: &'o Program, with_sources: bool) -> Self {
        let sources = with_sources.then(BTreeMap::new);
        Self {
            program,
            output: &program.output,
            checked: 0,
            count_refused: 0,
            refused: Vec::new(),
            count_warned: 0,
            warnings: Vec::new(),
            sources,
            places: BTreeMap::new(),
        }
    }

    /// Checks files that are read together: those with a name in `named`, and all of them for `None`.
    fn set(&mut self, set: &KindSet, named: Option<BTreeSet<String>>) -> Result<(), Error> {
        let (mut kinds, mut problems) = set.read();
        if let Some(named) = &named {
            kinds.retain(|kind| named.contains(kind.file()));
            problems.retain(|problem| named.contains(problem.file.as_str()));
        }
        self.checked += named.map_or_else(|| Catalogue::ids().count(), |named| named.len());
        let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for problem in &problems {
            refused.entry(problem.file.as_str().to_owned()).or_default().push(problem.to_string());
        }
        for kind in &kinds {
            match self.unusable(kind, kind.file()) {
                Some(reason) => refused.entry(kind.file().to_owned()).or_default().push(reason),
                None => self.accept(kind, kind.file().to_owned())?,
            }
        }
        refused.into_iter().try_for_each(|(id, reasons)| self.refuse(id, reasons))
    }

    /// Checks a file with a kind on each line, one line after the other. A line may extend the kinds of `set`.
    fn lines(&mut self, set: &KindSet, file: &Path) -> Result<(), Error> {
        let name = file.display().to_string();
        let unreadable = |error: io::Error| Error::io(&name, &error);
        let mut reader = BufReader::new(File::open(file).map_err(unreadable)?);
        let mut line = Vec::new();
        let mut number = 0_u32;
        while next_line(&mut reader, &mut line).map_err(unreadable)? {
            number = number.saturating_add(1);
            if line.trim_ascii().is_empty() {
                continue;
            }
            self.checked += 1;
            let place = format!("{name}:{number}");
            match set.read_one(&name, Some(number), &line) {
                Err(problems) => self.refuse(place, problems.iter().map(ToString::to_string).collect())?,
                Ok(kind) => {
                    let taken = self.places.get(kind.id().as_str());
                    let taken =
                        taken.map(|other| format!("{place}: id: {other} has the same id; rename one of the two kinds"));
                    match taken.or_else(|| self.unusable(&kind, &place)) {
                        Some(reason) => self.refuse(place, vec![reason])?,
                        None => self.accept(&kind, place)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns why this program cannot use the kind.
    fn unusable(&self, kind: &KindFile, place: &str) -> Option<String> {
        let taken = not_of_program(self.program, kind.id().as_str()).err();
        taken
            .map(|error| format!("{place}: id: {}; choose another id", error.message))
            .or_else(|| unusable(kind, place))
    }

    fn accept(&mut self, kind: &KindFile, place: String) -> Result<(), Error> {
        if let Some(sources) = &mut self.sources {
            sources.insert(kind.id().to_string(), kind.sources().to_vec());
        }
        self.places.insert(kind.id().to_string(), place.clone());
        let reasons: Vec<String> = kind.warnings().iter().map(ToString::to_string).collect();
        if reasons.is_empty() {
            return Ok(());
        }
        self.count_warned += 1;
        if self.output.json {
            self.warnings.push(RefusedBody { id: place, reasons });
            return Ok(());
        }
        reasons.iter().try_for_each(|reason| self.output.line(format!("warning: {reason}")))
    }

    fn refuse(&mut self, id: String, reasons: Vec<String>) -> Result<(), Error> {
        self.count_refused += 1;
        if self.output.json {
            self.refused.push(RefusedBody { id, reasons });
            return Ok(());
        }
        reasons.iter().try_for_each(|reason| self.output.line(reason))
    }

    fn end(self) -> Result<Exit, Error> {
        let Self { output, checked, count_refused, refused, count_warned, warnings, sources, .. } = self;
        let exit = if count_refused == 0 { Exit::Fine } else { Exit::Usage };
        if output.json {
            let ok = checked.saturating_sub(count_refused);
            output.shape(&CheckedBody { checked, ok, refused, warnings, sources })?;
            return Ok(exit);
        }
        for (id, sources) in sources.iter().flatten() {
            output.line(id)?;
            sources.iter().try_for_each(|source| output.line(format!("  {source}")))?;
        }
        let warned = if count_warned == 0 { String::new() } else { format!(", {count_warned} with warnings") };
        output.line(format!("{checked} checked, {count_refused} refused{warned}"))?;
        Ok(exit)
    }
}

/// Reads the next line without its end; returns `false` at the end of the file. The rest of a line that is too long is
/// passed over.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    if reader.by_ref().take(LIMIT).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    match line.pop_if(|last| *last == b'\n') {
        Some(_) => {}
        None => {
            reader.skip_until(b'\n')?;
        }
    }
    Ok(true)
}

/// Prints the schema, which editors use to check a file while it is written.
pub(super) fn schema(program: &Program) -> Result<Exit, Error> {
    program.output.shape(&kind_schema())?;
    Ok(Exit::Fine)
}
