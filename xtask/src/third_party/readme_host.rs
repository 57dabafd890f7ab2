//! The host that README shows: its `Cargo.toml` lines and its program, outside of this workspace.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The path of this repository in README's `Cargo.toml` lines.
const REPOSITORY: &str = "../connections/";

/// A host as a reader of README makes it.
#[derive(Debug)]
pub(crate) struct ReadmeHost {
    /// The dependencies of the host, as TOML.
    dependencies: String,
    program: String,
}

impl ReadmeHost {
    /// Finds the host in the text of README.
    pub(crate) fn read(readme: &str) -> Result<Self, Failure> {
        let missing = |what: &str| Failure::new(format!("README.md shows no {what}"));
        let (_, section) = readme.split_once("## A host in twenty lines\n").ok_or_else(|| missing("host"))?;
        let (dependencies, rest) = fence(section, "toml").ok_or_else(|| missing("dependencies of a host"))?;
        let (_, rest) = fence(rest, "toml").ok_or_else(|| missing("line for one engine"))?;
        let (program, _) = fence(rest, "rust").ok_or_else(|| missing("program of a host"))?;
        // The line for one engine takes the place of this one.
        if !dependencies.lines().any(|line| line.starts_with("connection-core ")) {
            return Err(missing("line for connection-core"));
        }
        Ok(Self { dependencies: dependencies.into(), program: program.into() })
    }

    /// Writes the host into a directory. `ours` returns what takes the place of a directory of this repository, such as
    /// `crates/connection-core`.
    pub(crate) fn write(&self, place: &Path, ours: impl Fn(&str) -> Result<PathBuf, Failure>) -> Result<(), Failure> {
        let mut parts = self.dependencies.split(REPOSITORY);
        let mut dependencies = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (inside, rest) = part.split_once('"').unwrap_or((part, ""));
            dependencies.extend([&*ours(inside)?.display().to_string(), "\"", rest]);
        }
        let package = "[package]\nname = \"readme-host\"\nedition = \"2024\"\npublish = false\n";
        let main = "#[tokio::main]\nasync fn main() {\n    let _ = whoami;\n}\n";
        let write = |inside: &str, text: String| {
            let path = place.join(inside);
            let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
            written.map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
        };
        write("Cargo.toml", format!("{package}\n{dependencies}"))?;
        write("src/main.rs", format!("{}\n{main}", self.program))
    }
}

/// Returns the next fenced block of a language, and the text after it.
fn fence<'a>(text: &'a str, language: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = text.split_once(&format!("\n```{language}\n"))?;
    rest.split_once("```\n")
}
