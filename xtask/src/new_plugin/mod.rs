//! `cargo xtask new-plugin NAME`: makes a plugin that builds and whose tests pass, as an author's first step.
//!
//! The plugin is a copy of a template in `tests/third-party` under another name, so its code is tested here. The copy
//! is a workspace of its own, and builds against this checkout until its author deletes `.cargo/config.toml`.

mod name;
mod path;
mod request;

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::workspace::Workspace;

pub(crate) use crate::new_plugin::name::Name;
use crate::new_plugin::request::Request;

/// The template of a plugin in code.
pub(crate) const TEMPLATE: &str = "tests/third-party/acme";

/// The template of an OAuth 2 kind, which is a configuration.
pub(crate) const OAUTH2: &str = "tests/third-party/acme-oauth2";

/// The file that leads to this checkout. Its paths are rewritten for the place of the copy.
const CHECKOUT: &str = ".cargo/config.toml";

/// Cargo's lock file. It is not copied, because cargo makes one at the first build of the copy.
const LOCK: &str = "Cargo.lock";

/// A file of a plugin: its path inside the package, and its content.
pub(crate) type PluginFile = (String, Vec<u8>);

/// Makes the plugin, or prints the help. The directory must be empty or absent; without `--at`, it is beside the
/// checkout.
pub(crate) fn run(workspace: &Workspace, words: &[&str]) -> Result<(), Failure> {
    let Some(request) = Request::read(words)? else {
        println!("{}", request::HELP);
        return Ok(());
    };
    let files = workspace.files()?;
    let name = Name::new(request.name, &files)?;
    let directory = match request.at {
        Some(directory) => PathBuf::from(directory),
        None => workspace.root().join("..").join(name.package()),
    };
    let directory = empty(&directory)?;
    write(&plugin_files(workspace, request.template, &name, &directory)?, &directory)?;
    let package = name.package();
    let shown = directory.display();
    println!("new-plugin: {package} is at {shown}; `cargo test` there passes");
    println!("new-plugin: next, src/lib.rs and docs/guide/plugins.md");
    Ok(())
}

/// Returns the files of a plugin with this name, made from a template for a directory that exists.
pub(crate) fn plugin_files(
    workspace: &Workspace,
    template: &str,
    name: &Name,
    directory: &Path,
) -> Result<Vec<PluginFile>, Failure> {
    let below = format!("{template}/");
    let mut made = Vec::new();
    for path in workspace.files()? {
        let Some(inside) = path.strip_prefix(&below).filter(|inside| *inside != LOCK) else { continue };
        let file = workspace.root().join(&path);
        let content = fs::read(&file).map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
        let content = match String::from_utf8(content) {
            Ok(text) if inside == CHECKOUT => placed(&text, workspace, template, directory)?.into_bytes(),
            Ok(text) => name.in_text(&text).into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        };
        made.push((inside.to_owned(), content));
    }
    Ok(made)
}

/// Rewrites the relative paths that lead to the checkout for another directory than the template's.
fn placed(text: &str, workspace: &Workspace, template: &str, directory: &Path) -> Result<String, Failure> {
    let real = |path: &Path| {
        path.canonicalize().map_err(|error| Failure::new(format!("cannot look at {}: {error}", path.display())))
    };
    let root = real(workspace.root())?;
    let here = path::from_to(&root.join(template), &root);
    let there = path::from_to(&real(directory)?, &root);
    Ok(text.replace(&format!("\"{here}/"), &format!("\"{there}/")))
}

/// Creates the directory if it does not exist, and returns an error if it is not empty.
fn empty(directory: &Path) -> Result<PathBuf, Failure> {
    let shown = directory.display();
    let failed = |error| Failure::new(format!("cannot create {shown}: {error}"));
    fs::create_dir_all(directory).map_err(failed)?;
    if fs::read_dir(directory).map_err(failed)?.next().is_some() {
        return Err(Failure::new(format!("{shown} is not empty: choose another directory with --at")));
    }
    directory.canonicalize().map_err(failed)
}

/// Writes the files into a directory.
pub(crate) fn write(files: &[PluginFile], directory: &Path) -> Result<(), Failure> {
    for (inside, content) in files {
        let file = directory.join(inside);
        let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, content));
        written.map_err(|error| Failure::new(format!("cannot write {}: {error}", file.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
