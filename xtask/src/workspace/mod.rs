//! The workspace and the files that belong to it.
//!
//! The files are those that git tracks or would track, so that build output and a person's own notes are never
//! checked. Paths are relative to the root, with `/` as separator.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;
use crate::process;

/// The workspace, known by its root directory.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the workspace from which xtask was started.
    pub(crate) fn find() -> Result<Self, Failure> {
        // Cargo sets the variable for programs that it runs. The compiled-in value is for a binary started by hand.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().ok_or_else(|| Failure::new("xtask is not in a workspace"))?.to_owned();
        Ok(Self { root })
    }

    /// Returns the workspace at a directory, for tests.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the path of every file of the project, sorted.
    pub(crate) fn files(&self) -> Result<Vec<String>, Failure> {
        let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let mut files: Vec<String> = match process::output(&mut process::tool(&self.root, "git", &arguments)) {
            Ok(listed) => listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect(),
            // An unpacked archive has no repository. All files except the build directory count then.
            Err(_) => {
                let mut found = Vec::new();
                walk(&self.root, "", &mut found)?;
                found
            }
        };
        // Git still lists a file that was deleted without a commit.
        files.retain(|path| self.root.join(path).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Returns cargo's metadata about the packages of the workspace.
    pub(crate) fn metadata(&self) -> Result<Value, Failure> {
        let arguments = ["metadata", "--locked", "--no-deps", "--format-version", "1"];
        let json = process::output(&mut process::cargo(&self.root, &arguments))?;
        serde_json::from_str(&json).map_err(|error| Failure::new(format!("cargo metadata: {error}")))
    }

    /// Returns the directory in which cargo builds.
    pub(crate) fn target_directory(&self) -> Result<PathBuf, Failure> {
        let metadata = self.metadata()?;
        let directory = metadata.get("target_directory").and_then(Value::as_str);
        directory.map(PathBuf::from).ok_or_else(|| Failure::new("cargo metadata: no target directory"))
    }

    /// Returns the directory of the user for what all clones share, or one of this clone if the user has no home.
    pub(crate) fn cache_directory(&self) -> Result<PathBuf, Failure> {
        let is_absolute = |path: &PathBuf| path.is_absolute();
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(is_absolute);
        let cache = cache.or_else(|| Some(std::env::home_dir().filter(is_absolute)?.join(".cache")));
        match cache {
            Some(cache) => Ok(cache.join("connections-xtask")),
            None => Ok(self.target_directory()?.join("tools")),
        }
    }

    /// Returns the text of a file, or `None` if the file is not UTF-8.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, Failure> {
        let bytes =
            fs::read(self.root.join(path)).map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// Returns the path and text of each text file for whose path `wanted` returns `true`.
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
