//! Where the workspace is, and which files belong to it.
//!
//! Files are what git tracks or would track, so that a build directory or a
//! person's own notes are never judged. Paths are relative, with `/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;
use crate::process;

/// The root directory of the workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the workspace that this xtask was started from.
    pub(crate) fn find() -> Result<Self, Failure> {
        // Cargo sets it for what it runs; the compiled-in one serves a binary started by hand.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().ok_or_else(|| Failure::new("xtask is not inside a workspace"))?.to_owned();
        Ok(Self { root })
    }

    /// The workspace at a directory, for tests.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The root directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Every file of the project, sorted.
    pub(crate) fn files(&self) -> Result<Vec<String>, Failure> {
        let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let mut files: Vec<String> = match process::output(&mut process::tool(&self.root, "git", &arguments)) {
            Ok(listed) => listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect(),
            // An unpacked archive has no repository: then all but the build directory counts.
            Err(_) => {
                let mut found = Vec::new();
                walk(&self.root, "", &mut found)?;
                found
            }
        };
        // A file that was deleted and not yet committed is still listed.
        files.retain(|path| self.root.join(path).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// What cargo says of the workspace's own packages.
    pub(crate) fn metadata(&self) -> Result<Value, Failure> {
        let arguments = ["metadata", "--locked", "--no-deps", "--format-version", "1"];
        let json = process::output(&mut process::cargo(&self.root, &arguments))?;
        serde_json::from_str(&json).map_err(|error| Failure::new(format!("cargo metadata: {error}")))
    }

    /// Where cargo builds.
    pub(crate) fn target_directory(&self) -> Result<PathBuf, Failure> {
        let metadata = self.metadata()?;
        let directory = metadata.get("target_directory").and_then(Value::as_str);
        directory.map(PathBuf::from).ok_or_else(|| Failure::new("cargo metadata: no target directory"))
    }

    /// The text of a file, or nothing when it is not text.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, Failure> {
        let bytes =
            fs::read(self.root.join(path)).map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// The text files for which `wanted` holds, with their text.
    pub(crate) fn texts(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, String)>, Failure> {
        let mut texts = Vec::new();
        for path in self.files()? {
            if wanted(&path)
                && let Some(text) = self.text(&path)?
            {
                texts.push((path, text));
            }
        }
        Ok(texts)
    }
}

/// Whether this is a continuous integration run, where nothing may be skipped.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

fn walk(root: &Path, below: &str, found: &mut Vec<String>) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("cannot list {}: {error}", root.join(below).display()));
    for entry in fs::read_dir(root.join(below)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if matches!(name.as_str(), ".git" | "target") {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(root, &path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
