//! `files C ls|cat PATH`: reads below the granted directories.
//!
//! With one directory, a path is relative to it. With several, the first part of a path is the last part of the
//! directory's name; if two directories share that name, an absolute path distinguishes them. An absolute path below
//! a directory always works.

use connection_contract::{DisplayText, FileStat, FileType, GrantedDirectory};
use connection_core::Files;

use crate::{
    Error, Exit,
    args::FilesCommand,
    cli::Program,
    output::{Output, Table, json},
    select,
};

/// The maximum size of a file that is read, in bytes.
const READ_LIMIT: usize = 256 * 1024 * 1024;
const LIST: &str = "`files C ls` lists what is there";

pub(super) async fn run(mut program: Program, reference: &str, command: FilesCommand) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    let files = connection.files().await?;
    let output = &program.output;
    match command {
        FilesCommand::Ls { path } => ls(output, &files, &path).await?,
        FilesCommand::Cat { path } => cat(output, &files, &path).await?,
    }
    registry.close().await;
    Ok(Exit::Fine)
}

async fn ls(output: &Output, files: &Files, path: &str) -> Result<(), Error> {
    let entries = match place(files.roots(), path)? {
        FileTarget::Roots => {
            let body = |root: &GrantedDirectory| FileStat::new(root.as_str(), FileType::Directory);
            files.roots().iter().map(body).collect()
        }
        FileTarget::Below(root, below) => {
            let stat = files.stat(root, &below).await.map_err(|error| with_path(root, path, error))?;
            match stat.file_type {
                FileType::Directory => files.list(root, &below).await.map_err(|error| with_path(root, path, error))?,
                _ => vec![stat],
            }
        }
    };
    if output.json {
        let bodies: Vec<_> = entries.iter().map(json::FileBody::from).collect();
        return output.shape(&bodies);
    }
    let mut table = Table::new(["TYPE", "SIZE", "MODIFIED", "NAME"], 3);
    for entry in &entries {
        let size = if entry.file_type == FileType::File { entry.size.to_string() } else { String::new() };
        table.row([
            json::FileBody::type_word(entry.file_type).into(),
            size.into(),
            entry.modified.map(|time| time.to_rfc3339()).unwrap_or_default().into(),
            // A name may contain control characters that would move the cursor.
            DisplayText::from(entry.name.clone()).to_string().into(),
        ]);
    }
    output.table(&table)
}

async fn cat(output: &Output, files: &Files, path: &str) -> Result<(), Error> {
    let FileTarget::Below(root, below) = place(files.roots(), path)? else {
        return Err(Error::usage("the path must name a file").remedy(LIST));
    };
    if files.stat(root, &below).await.is_ok_and(|stat| stat.file_type == FileType::Directory) {
        return Err(Error::usage(format!("{} is a directory", named(root, path))).remedy(LIST));
    }
    let bytes = files.read(root, &below, READ_LIMIT).await.map_err(|error| with_path(root, path, error))?;
    if output.json {
        return output.shape(&json::FileContentBody::new(bytes.expose().to_vec()));
    }
    output.bytes(bytes.expose())?;
    output.end_line(bytes.expose().last().copied())
}

/// Returns the path as it was typed, or the granted directory itself.
fn named(root: &GrantedDirectory, path: &str) -> String {
    let path = if path.is_empty() { root.as_str() } else { path };
    format!("'{}'", DisplayText::from(path.to_owned()))
}

/// Adds the path to the message of an error.
fn with_path(root: &GrantedDirectory, path: &str, error: connection_core::Error) -> Error {
    let why = match &error {
        connection_core::Error::Files(why) => why.to_string(),
        _ => return error.into(),
    };
    let mut failure = Error::from(error);
    failure.message = format!("{} cannot be read: {why}", named(root, path));
    failure
}

enum FileTarget<'a> {
    /// The list of granted directories.
    Roots,
    Below(&'a GrantedDirectory, String),
}

/// Returns the granted directory, and the path below it in the form that the core takes.
fn place<'a>(roots: &'a [GrantedDirectory], path: &str) -> Result<FileTarget<'a>, Error> {
    if std::path::Path::new(path).is_absolute() {
        let below = |root: &'a GrantedDirectory| {
            let rest = path.strip_prefix(root.as_str().trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/')).then_some((root, rest))
        };
        // If the directories are nested, choose the innermost one.
        return match roots.iter().filter_map(below).max_by_key(|(root, _)| root.as_str().len()) {
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
                    let names: Vec<_> = roots.iter().map(last_part).collect();
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

fn last_part(root: &GrantedDirectory) -> &str {
    root.as_str().rsplit('/').find(|part| !part.is_empty()).unwrap_or("/")
}

/// Removes empty and `.` parts from a path. `..` stays, and the core refuses it.
fn tidy(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use connection_contract::host;

    use super::*;

    #[track_caller]
    fn check(roots: &[&str], path: &str, expected: &str) {
        let roots: Vec<_> = roots.iter().map(|root| host::granted_directory(*root)).collect();
        let actual = match place(&roots, path) {
            Ok(FileTarget::Roots) => "roots".to_owned(),
            Ok(FileTarget::Below(root, rest)) => format!("{} + {rest}", root.as_str()),
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
