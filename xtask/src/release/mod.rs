//! `cargo xtask release`: makes what a release contains beside the program.
//!
//! Everything is made from files that are on this machine already: the sources of the packages that cargo has fetched,
//! and the program itself, which prints its manual page and its completions. No network is used, and the same input
//! gives the same files.

mod bill;
mod components;
mod debian;
mod notices;
mod page_files;

pub(crate) use debian::check as check_debian_package;

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::process;
use crate::release::components::Components;
use crate::workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask release files PROGRAM DIRECTORY [--target TARGET]
       cargo xtask release deb PROGRAM DIRECTORY";

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
        ["files", program, directory] => {
            let target = this_target(workspace)?;
            files(workspace, Path::new(program), Path::new(directory), &target)
        }
        ["files", program, directory, "--target", target] => {
            files(workspace, Path::new(program), Path::new(directory), target)
        }
        ["deb", program, directory] => debian::build(workspace, Path::new(program), Path::new(directory)).map(drop),
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

/// Writes a file, and the directories above it.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests;
