//! `import FILE|-`: imports connections from another program, one JSON object per line.

use std::io::{BufRead, BufReader};

use connection_api::{ImportOutcome, ImportRow};
use tokio::sync::mpsc::{self, Sender};

use crate::{
    Error, Exit,
    args::Importing,
    input::lines,
    output::{Output, json},
    platform::without_line,
    program::Program,
};

/// The number of different problems that are kept apart.
const MAX_PROBLEMS: usize = 100;
/// The number of ranges of lines that are named for one problem.
const MAX_RANGES: usize = 10;
/// The number of lines that are read in advance.
const AHEAD: usize = 256;

/// A line without its secrets.
struct LineSummary {
    line: u64,
    kind: Option<String>,
    label: Option<String>,
    problem: Option<Error>,
}

pub(super) async fn run(mut program: Program, arguments: Importing) -> Result<Exit, Error> {
    let name = arguments.file;
    let input: Box<dyn BufRead + Send> = match name.as_str() {
        "-" => Box::new(BufReader::new(std::io::stdin())),
        path => {
            let file = std::fs::File::open(path).map_err(|error| Error::io(format!("the file {path}"), &error))?;
            Box::new(BufReader::new(file))
        }
    };
    let backend = program.backend().await?;
    // A person may type the lines.
    let _reading = without_line();
    let (lines, mut summaries) = mpsc::channel(AHEAD);
    let (items, imports) = mpsc::channel::<ImportRow>(AHEAD);
    // Reading blocks a thread.
    let reading = tokio::task::spawn_blocking(move || read(input, &lines, &items));
    let mut imports = backend.import(imports, arguments.again, arguments.verify).await;
    let mut count = Count::default();
    let mut problems = Problems::default();
    while let Some(line) = summaries.recv().await {
        let result = match line.problem {
            Some(problem) => Err(problem),
            // There is one result for each line without a problem.
            None => match program.output.waiting("the next connection", imports.next()).await {
                Ok(Some(result)) => result,
                Ok(None) => break,
                Err(error) => {
                    problems.end(&program.output);
                    return Err(count.interrupted(error));
                }
            },
        };
        count.add(&result);
        print(&program.output, &mut problems, line.line, line.kind, line.label, result)?;
    }
    problems.end(&program.output);
    let read = reading.await.map_err(|_| Error::new(Exit::Unexpected, "crashed", "reading crashed"))?;
    backend.close().await;
    read.map_err(|error| Error::io("the input of the import", &error))?;
    count.end(&program.output, name != "-", arguments.verify)
}

fn read(
    mut input: Box<dyn BufRead + Send>,
    lines: &Sender<LineSummary>,
    items: &Sender<ImportRow>,
) -> Result<(), std::io::Error> {
    let mut number = 0;
    while let Some(line) = lines::next(&mut input, &mut number)? {
        let (row, problem) = match line.row {
            Ok(row) => (Some(row), None),
            Err(problem) => (None, Some(problem)),
        };
        let summary = LineSummary { line: line.number, kind: line.kind, label: line.label, problem };
        // The receiver is gone: printing or importing has ended.
        if lines.blocking_send(summary).is_err() || row.is_some_and(|row| items.blocking_send(row).is_err()) {
            break;
        }
    }
    Ok(())
}

fn print(
    output: &Output,
    problems: &mut Problems,
    line: u64,
    kind: Option<String>,
    label: Option<String>,
    result: Result<ImportOutcome, Error>,
) -> Result<(), Error> {
    if output.json {
        let outcome = match result {
            Ok(outcome) => ImportOutcome { label: outcome.label.or(label), ..outcome },
            Err(error) => ImportOutcome { label, error: Some(json::reason(&error)), ..ImportOutcome::default() },
        };
        return output.element(&json::ImportedBody { line, kind, outcome });
    }
    if let Err(error) = result {
        problems.add(output, line, &error);
    }
    Ok(())
}

/// The problems of lines. The first line with a problem is named at once, and the others together at the end.
#[derive(Default)]
struct Problems(Vec<Problem>);

struct Problem {
    /// The message, without the number of its line.
    message: String,
    /// The further lines with this problem, as ranges.
    repeated: Vec<(u64, u64)>,
}

impl Problems {
    fn add(&mut self, output: &Output, line: u64, error: &Error) {
        let text = error.to_string();
        let message = text.strip_prefix(&format!("line {line} ")).unwrap_or(&text);
        if let Some(problem) = self.0.iter_mut().find(|problem| problem.message == message) {
            match problem.repeated.last_mut().filter(|(_, last)| last + 1 == line) {
                Some((_, last)) => *last = line,
                None => problem.repeated.push((line, line)),
            }
            return;
        }
        let begin = if message.len() < text.len() { "" } else { &*format!("line {line}: ") };
        output.note(format!("{begin}{text}"));
        // An import may have a different problem in each line, and keeps only so many apart.
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(Problem { message: message.to_owned(), repeated: Vec::new() });
        }
    }

    /// Prints the problems that several lines have, each with its lines.
    fn end(&self, output: &Output) {
        for Problem { message, repeated } in self.0.iter().filter(|problem| !problem.repeated.is_empty()) {
            let count: u64 = repeated.iter().map(|(first, last)| last - first + 1).sum();
            let range = |(first, last): &(u64, u64)| match first == last {
                true => first.to_string(),
                false => format!("{first}–{last}"),
            };
            let mut lines: Vec<_> = repeated.iter().take(MAX_RANGES).map(range).collect();
            if repeated.len() > MAX_RANGES {
                lines.push("…".to_owned());
            }
            let noun = if count == 1 { "line" } else { "lines" };
            output.note(format!("{count} more {noun} ({}): {message}", lines.join(", ")));
        }
    }
}

#[derive(Default)]
struct Count {
    imported: u64,
    connected: u64,
    refused: u64,
}

impl Count {
    fn add(&mut self, result: &Result<ImportOutcome, Error>) {
        match result {
            Ok(_) => self.imported += 1,
            // The account was connected before, so nothing is left to do for this line.
            Err(error) if error.code == "account_connected" => self.connected += 1,
            Err(_) => self.refused += 1,
        }
    }

    /// Returns the error that ended an import, with what is known of the lines before it.
    fn interrupted(self, error: Error) -> Error {
        let Self { imported, connected, refused } = self;
        let known = format!("imported {imported}, already connected: {connected}, refused: {refused} before");
        let message = format!("{}; {known}", error.message);
        Error { message, ..error }
            .remedy("import the file again when the server can be reached: existing connections are left as they are")
    }

    fn end(self, output: &Output, is_file: bool, is_verified: bool) -> Result<Exit, Error> {
        let Self { imported, connected, refused } = self;
        if !output.json {
            output.line(format!("Imported {imported} · already connected: {connected} · refused: {refused}"))?;
            if imported > 0 && !is_verified {
                output.line(
                    "Whether they work was not checked. Check all connections with:\n  connections verify --all",
                )?;
            }
        }
        if refused > 0 {
            let lines = imported + connected + refused;
            return Err(Error::new(
                Exit::Unexpected,
                "import_failed",
                format!("{refused} of {lines} lines were not imported"),
            )
            .remedy("correct those lines, and import the file again: existing connections are left as they are"));
        }
        if is_file {
            output.note("The file contains unencrypted secrets. Delete it.");
        }
        Ok(Exit::Fine)
    }
}
