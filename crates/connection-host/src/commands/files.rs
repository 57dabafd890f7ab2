//! `files C ls|cat PATH`: reads below the granted directories.
//!
//! With one directory, a path is relative to it. With several, the first part of a path is the last part of the
//! directory's name; if two directories share that name, an absolute path distinguishes them. An absolute path below
//! a directory always works.

use connection_api::{Encoding, File, FileContent, FileType};
use connection_contract::DisplayText;

use crate::{
    Error, Exit,
    args::FilesCommand,
    backend::Backend,
    output::{Output, Table},
    program::Program,
    select,
};

const LIST: &str = "`files C ls` lists what is there";
/// The beginning of a message about a file that cannot be read.
const UNREADABLE: &str = "the file cannot be read: ";

pub(super) async fn run(mut program: Program, reference: &str, command: FilesCommand) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let id = select::connection_id(backend.lookup(), reference).await?;
    let roots = backend.roots(&id).await?;
    let of = GrantedFiles { output: &program.output, backend: &*backend, id: &id, roots: &roots };
    match command {
        FilesCommand::Ls { path } => of.ls(&path).await?,
        FilesCommand::Cat { path } => of.cat(&path).await?,
    }
    backend.close().await;
    Ok(Exit::Fine)
}

/// The granted directories of a connection.
struct GrantedFiles<'a> {
    output: &'a Output,
    backend: &'a dyn Backend,
    id: &'a str,
    roots: &'a [String],
}

impl GrantedFiles<'_> {
    async fn ls(&self, path: &str) -> Result<(), Error> {
        let output = self.output;
        let entries = match place(self.roots, path)? {
            FileTarget::Roots => self.roots.iter().map(|root| directory(root)).collect(),
            FileTarget::Below(root, below) => {
                let listed = self.backend.list_files(self.id, root, &below).await;
                listed.map_err(|error| with_path(root, path, error))?
            }
        };
        if output.json {
            return output.shape(&entries);
        }
        let mut table = Table::new(["TYPE", "SIZE", "MODIFIED", "NAME"], 3);
        for entry in &entries {
            let size = if entry.r#type == FileType::File { entry.size.to_string() } else { String::new() };
            table.row([
                entry.r#type.as_str().into(),
                size.into(),
                entry.modified.as_deref().unwrap_or_default().into(),
                entry.name.as_str().into(),
            ]);
        }
        output.table(&table)
    }

    async fn cat(&self, path: &str) -> Result<(), Error> {
        let FileTarget::Below(root, below) = place(self.roots, path)? else {
            return Err(Error::usage("the path must name a file").remedy(LIST));
        };
        let read = self.backend.read_file(self.id, root, &below).await.map_err(|error| with_path(root, path, error))?;
        let Some(bytes) = read else {
            return Err(Error::usage(format!("{} is a directory", named(root, path))).remedy(LIST));
        };
        if self.output.json {
            let size = bytes.len();
            let (encoding, body) = Encoding::encode(bytes);
            return self.output.shape(&FileContent { size, encoding, body });
        }
        self.output.bytes(&bytes)?;
        self.output.end_line(bytes.last().copied())
    }
}

/// Returns a granted directory as an entry of the list of them.
fn directory(root: &str) -> File {
    File { name: root.to_owned(), r#type: FileType::Directory, size: 0, modified: None }
}

/// Returns the path as it was typed, or the granted directory itself.
fn named(root: &str, path: &str) -> String {
    let path = if path.is_empty() { root } else { path };
    format!("'{}'", DisplayText::from(path.to_owned()))
}

/// Adds the path to the message of an error.
fn with_path(root: &str, path: &str, mut error: Error) -> Error {
    if let Some(why) = error.message.strip_prefix(UNREADABLE) {
        error.message = format!("{} cannot be read: {why}", named(root, path));
    }
    error
}

enum FileTarget<'a> {
    /// The list of granted directories.
    Roots,
    Below(&'a str, String),
}

/// Returns the granted directory, and the path below it in the form that the core takes.
fn place<'a>(roots: &'a [String], path: &str) -> Result<FileTarget<'a>, Error> {
    if std::path::Path::new(path).is_absolute() {
        let below = |root: &'a String| {
            let rest = path.strip_prefix(root.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/')).then_some((root.as_str(), rest))
        };
        // If the directories are nested, choose the innermost one.
        return match roots.iter().filter_map(below).max_by_key(|(root, _)| root.len()) {
            Some((root, rest)) => Ok(FileTarget::Below(root, tidy(rest))),
            None => {
                let outside = format!("'{}' is outside the granted directories", DisplayText::from(path.to_owned()));
                Err(Error::new(Exit::Refused, "denied", outside)
                    .remedy("only files below the granted directories can be read"))
            }
        };
    }
    let relative = tidy(path);
    match roots {
        [root] => Ok(FileTarget::Below(root, relative)),
        _ if relative.is_empty() => Ok(FileTarget::Roots),
        roots => {
            let (first, rest) = relative.split_once('/').unwrap_or((&relative, ""));
            let named: Vec<_> = roots.iter().filter(|root| last_part(root) == first).collect();
            match named.as_slice() {
                [root] => Ok(FileTarget::Below(root, rest.to_owned())),
                [] => {
                    let names: Vec<_> = roots.iter().map(|root| last_part(root)).collect();
                    Err(Error::new(
                        Exit::NotFound,
                        "file_not_found",
                        format!("there is no granted directory named '{first}'"),
                    )
                    .remedy(format!("begin the path with one of {}", names.join(", "))))
                }
                _ => Err(Error::new(
                    Exit::Usage,
                    "ambiguous",
                    format!("several granted directories are called '{first}'"),
                )
                .remedy("use the absolute path")),
            }
        }
    }
}

fn last_part(root: &str) -> &str {
    root.rsplit('/').find(|part| !part.is_empty()).unwrap_or("/")
}

/// Removes empty and `.` parts from a path. `..` stays, and the core refuses it.
fn tidy(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(roots: &[&str], path: &str, expected: &str) {
        let roots: Vec<_> = roots.iter().map(ToString::to_string).collect();
        let actual = match place(&roots, path) {
            Ok(FileTarget::Roots) => "roots".to_owned(),
            Ok(FileTarget::Below(root, rest)) => format!("{root} + {rest}"),
            Err(error) => error.code,
        };
        assert_eq!(actual, expected, "{path}");
    }

    #[test]
    fn with_one_directory_a_path_is_relative_to_it() {
        check(&["/a/notes"], "", "/a/notes + ");
        check(&["/a/notes"], "./x//y/", "/a/notes + x/y");
        check(&["/a/notes"], "../y", "/a/notes + ../y");
    }

    #[cfg(unix)]
    #[test]
    fn an_absolute_path_is_taken_below_a_directory_only() {
        check(&["/a/notes"], "/a/notes/x", "/a/notes + x");
        check(&["/a", "/a/notes"], "/a/notes/x", "/a/notes + x");
        check(&["/a/notes"], "/a/notes2/x", "denied");
        check(&["/"], "/etc", "/ + etc");
    }

    #[test]
    fn with_several_directories_the_first_part_names_one() {
        let roots = ["/a/notes", "/b/photos", "/c/photos"];
        check(&roots, "", "roots");
        check(&roots, "notes/x/y", "/a/notes + x/y");
        check(&roots, "notes", "/a/notes + ");
        check(&roots, "photos/x", "ambiguous");
        check(&roots, "music", "file_not_found");
    }
}
