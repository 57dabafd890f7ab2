//! `cargo xtask book`: makes one book of the documents.
//!
//! `docs/SUMMARY.md` lists the chapters, which are files of `docs` and of the root. The book is made from copies of
//! them, at `target/book-source`. A link to a file of code leads to a copy of that file inside the book, so that the
//! book is complete wherever it is published. `cargo xtask tidy` checks the links of the documents themselves.

mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::book::sources::{Page, SUMMARY};
use crate::failure::Failure;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// The settings of `mdbook`, from the root of the project.
const SETTINGS: &str = "docs/book.toml";

/// Makes the book in `target/book`.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    setup::run(workspace, setup::Scope::Book)?;
    let target = workspace.target_directory()?;
    let source = target.join("book-source");
    let book = target.join("book");
    copy(workspace, &source)?;
    let mut make = process::program(&setup::book_maker(workspace)?, workspace.root());
    process::run(make.arg("build").arg(&source).arg("--dest-dir").arg(&book))?;
    println!("book: read it at {}", book.join("index.html").display());
    Ok(())
}

/// Writes the settings, the chapters and the files of code to which they link into an empty directory.
fn copy(workspace: &Workspace, source: &Path) -> Result<(), Failure> {
    let files: BTreeSet<String> = workspace.files()?.into_iter().collect();
    let text = |path: &str| {
        let text = workspace.text(path)?;
        text.ok_or_else(|| Failure::new(format!("{path} is not UTF-8")))
    };
    let chapters = sources::chapters(&text(SUMMARY)?);
    Failure::unless_empty("book", &sources::forgotten(&chapters, &files))?;
    if source.exists() {
        fs::remove_dir_all(source).map_err(|error| failed(source, &error))?;
    }
    write(&source.join("book.toml"), &text(SETTINGS)?)?;
    write(&source.join("src/SUMMARY.md"), &sources::summary(&text(SUMMARY)?))?;
    for chapter in &chapters {
        let Page { text: page, code } = sources::page(chapter, &text(chapter)?, &chapters, &files);
        write(&source.join("src").join(chapter), &page)?;
        for path in code {
            let to = source.join("src").join(sources::shown(&path));
            if sources::is_picture(&path) {
                copy_picture(&workspace.root().join(&path), &to)?;
            } else {
                write(&to, &text(&path)?)?;
            }
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|error| failed(path, &error))
}

fn copy_picture(from: &Path, to: &Path) -> Result<(), Failure> {
    let made = to.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::copy(from, to)).map(drop).map_err(|error| failed(to, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
