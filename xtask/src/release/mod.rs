//! `cargo xtask release`: makes each part of a release, and rehearses the whole.
//!
//! The manual page, the completions, the notices and the bill of materials are made from files that are on this machine
//! already: the sources of the packages that cargo has fetched, and the program itself. No network is used, and the
//! same input gives the same files.

mod archive;
mod bill;
mod build;
mod components;
mod crates;
mod debian;
mod image;
mod notices;
mod page_files;
mod rehearsal;

pub(crate) use archive::{ending as archive_ending, name as archive_name};
pub(crate) use debian::{IN_PACKAGE, check as check_debian_package};

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::process;
use crate::release::components::Components;
use crate::workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask release build [--target TARGET]
           build the program, with a record of the packages that are in it
       cargo xtask release archive PROGRAM DIRECTORY [--target TARGET --printer PROGRAM]
           make the archive of a program; for another machine, PRINTER runs on this one
       cargo xtask release deb PROGRAM DIRECTORY
           make the Debian package of a program
       cargo xtask release image PACKAGE DIRECTORY
           make the container image of a Debian package, as a layout and as its archive
       cargo xtask release index DIRECTORY LAYOUT...
           join layouts for several architectures
       cargo xtask release publish
           publish the crates, each after those on which it depends
       cargo xtask release rehearse [--binary PROGRAM]
           do all of this but the publication, without a network, and try each part;
           with --binary, with a program that is built already";

/// The file with the notices of other projects.
const NOTICES: &str = "THIRD-PARTY-NOTICES.txt";

/// The shells for which the program prints completions, with the name of the file.
const SHELLS: &[(&str, &str)] = &[
    ("bash", "connections.bash"),
    ("fish", "connections.fish"),
    ("powershell", "connections.ps1"),
    ("zsh", "_connections"),
];

/// Runs the command with these words.
pub(crate) fn run(workspace: &Workspace, words: &[&str]) -> Result<(), Failure> {
    match words {
        ["build"] => build::run(workspace, None).map(drop),
        ["build", "--target", target] => build::run(workspace, Some(target)).map(drop),
        ["archive", program, directory] => {
            let (program, target) = (Path::new(program), this_target(workspace)?);
            archive::build(workspace, program, &target, program, Path::new(directory)).map(drop)
        }
        ["archive", program, directory, "--target", target, "--printer", printer] => {
            let (program, printer) = (Path::new(program), Path::new(printer));
            archive::build(workspace, program, target, printer, Path::new(directory)).map(drop)
        }
        ["deb", program, directory] => debian::build(workspace, Path::new(program), Path::new(directory)).map(drop),
        ["image", package, directory] => {
            image::fetch_and_build(workspace, Path::new(package), Path::new(directory)).map(drop)
        }
        ["index", directory, layouts @ ..] if !layouts.is_empty() => {
            let layouts: Vec<&Path> = layouts.iter().map(Path::new).collect();
            image::join(Path::new(directory), &layouts)
        }
        ["publish"] => crates::publish(workspace),
        ["rehearse"] => rehearsal::run(workspace, None),
        ["rehearse", "--binary", program] => rehearsal::run(workspace, Some(Path::new(program))),
        [rehearsal::SECOND_PART, place] => rehearsal::second_part(workspace, Path::new(place), None),
        [rehearsal::SECOND_PART, place, program] => {
            rehearsal::second_part(workspace, Path::new(place), Some(Path::new(program)))
        }
        _ => Err(Failure::new(USAGE)),
    }
}

/// Writes the files that every archive contains beside the program: the manual page, the completions, the notices and
/// the bill of materials.
///
/// `program` runs on this machine; `target` is the one for which the archive is made.
fn files(workspace: &Workspace, program: &Path, directory: &Path, target: &str) -> Result<(), Failure> {
    let components = Components::read(workspace, target)?;
    write(&directory.join(NOTICES), &notices::text(workspace, &components)?)?;
    write(&directory.join("sbom.cdx.json"), &bill::text(workspace, &components)?)?;
    printed(workspace, program, directory)?;
    println!("release: the files of the archive for {target} are in {}", directory.display());
    Ok(())
}

/// Writes the manual page and the completions, as the program prints them.
fn printed(workspace: &Workspace, program: &Path, directory: &Path) -> Result<(), Failure> {
    let program = absolute(program)?;
    let print = |arguments: &[&str]| {
        let mut command = process::program(&program, workspace.root());
        process::output(command.args(arguments))
    };
    write(&directory.join("man/connections.1"), &print(&["man"])?)?;
    for (shell, file) in SHELLS {
        write(&directory.join("completions").join(file), &print(&["completions", shell])?)?;
    }
    Ok(())
}

/// Returns the target of this machine.
fn this_target(workspace: &Workspace) -> Result<String, Failure> {
    let said = process::output(&mut process::tool(workspace.root(), "rustc", &["-vV"]))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new("rustc does not name the target of this machine"))
}

/// Returns the version of the program.
fn version(workspace: &Workspace) -> Result<String, Failure> {
    let manifest: toml::Table = workspace.text("Cargo.toml")?.unwrap_or_default().parse().unwrap_or_default();
    let package = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
    let version = package.and_then(|package| package.get("version")).and_then(toml::Value::as_str);
    version.map(str::to_owned).ok_or_else(|| Failure::new("Cargo.toml: the workspace names no `version`"))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path).map_err(|error| Failure::new(format!("cannot find {}: {error}", path.display())))
}

/// Returns the time of the last commit in seconds, which is the time of every file of a release.
fn epoch(workspace: &Workspace) -> String {
    let said = process::output(&mut process::tool(workspace.root(), "git", &["log", "-1", "--format=%ct"]));
    // An unpacked archive has no repository.
    said.map_or_else(|_| "0".to_owned(), |time| time.trim().to_owned())
}

/// Copies a file, with its permissions, and creates the directories above the copy.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::copy(from, to));
    copied.map(drop).map_err(|error| Failure::new(format!("cannot copy {}: {error}", from.display())))
}

/// Writes a file, and the directories above it.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests;
