//! The archive of a release for one target: the program, the documents, and the files that the program prints.
//!
//! `cargo binstall` asks for the names that are made here, as the manifest of the host says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::process;
use crate::release::{absolute, copy, epoch, files, version, write};
use crate::workspace::Workspace;

/// Returns the name of an archive, without its ending, which is also the name of the directory in it.
pub(crate) fn name(version: &str, target: &str) -> String {
    format!("connections-{version}-{target}")
}

/// Returns the ending of the archive for a target.
pub(crate) fn ending(target: &str) -> &'static str {
    if target.contains("-windows-") { "zip" } else { "tgz" }
}

/// Builds the archive of a program for a target into a directory, and returns its path.
///
/// `printer` is a program of the same version that runs on this machine, and prints the manual page and completions.
pub(super) fn build(
    workspace: &Workspace,
    program: &Path,
    target: &str,
    printer: &Path,
    directory: &Path,
) -> Result<PathBuf, Failure> {
    let name = name(&version(workspace)?, target);
    let place = tempfile::tempdir().map_err(|error| Failure::new(format!("a directory for the archive: {error}")))?;
    let inside = place.path().join(&name);
    files(workspace, printer, &inside, target)?;
    let kept = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];
    for (path, text) in workspace.texts(|path| kept.contains(&path) || path.starts_with("packaging/"))? {
        write(&inside.join(path), &text)?;
    }
    let suffix = if target.contains("-windows-") { ".exe" } else { "" };
    copy(program, &inside.join(format!("connections{suffix}")))?;

    fs::create_dir_all(directory)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", directory.display())))?;
    let archive = absolute(directory)?.join(format!("{name}.{}", ending(target)));
    match ending(target) {
        "zip" => process::run(process::tool(place.path(), "7z", &["a"]).arg(&archive).arg(&name))?,
        _ => process::run(tar(place.path(), &epoch(workspace)).arg("-czf").arg(&archive).arg(&name))?,
    }
    println!("release: {}", archive.display());
    Ok(archive)
}

/// Returns a command that archives what is in a directory. On Linux, the same files give the same archive.
pub(super) fn tar(directory: &Path, epoch: &str) -> std::process::Command {
    let mut tar = process::tool(directory, "tar", &[]);
    if cfg!(target_os = "linux") {
        tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rwX,go=rX", "--format=gnu"]);
        tar.arg(format!("--mtime=@{epoch}"));
    }
    tar
}
