//! The artifacts of a release: their names, sizes and digests.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::process;
use crate::release::write;
use crate::setup;
use crate::workspace::Workspace;

/// The artifacts with their sizes in bytes and their SHA-256 digests in hex, in the order in which they are published.
#[derive(Debug)]
pub(crate) struct Artifacts(Vec<(String, usize, String)>);

impl Artifacts {
    /// Reads the files, and writes `SHA256SUMS` beside them.
    pub(crate) fn sum(directory: &Path, files: &[PathBuf]) -> Result<Self, Failure> {
        let mut artifacts = Vec::new();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = fs::read(file).map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
            artifacts.push((name, bytes.len(), hex::encode(Sha256::digest(&bytes))));
        }
        let sums: String = artifacts.iter().map(|(name, _, digest)| format!("{digest}  {name}\n")).collect();
        write(&directory.join("SHA256SUMS"), &sums)?;
        process::run(&mut process::tool(directory, "sha256sum", &["--check", "--quiet", "SHA256SUMS"]))?;
        Ok(Self(artifacts))
    }
}

impl fmt::Display for Artifacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(name, _, _)| name.len()).max().unwrap_or_default();
        writeln!(f, "\n{:<width$} {:>10}  SHA-256", "artifact", "bytes")?;
        for (name, size, digest) in &self.0 {
            writeln!(f, "{name:<width$} {size:>10}  {digest}")?;
        }
        Ok(())
    }
}

/// Packs the TypeScript client.
pub(super) fn pack_client(workspace: &Workspace, directory: &Path) -> Result<PathBuf, Failure> {
    let mut pack = process::tool(&workspace.root().join(setup::CLIENT_DIRECTORY), "npm", &["pack", "--loglevel=error"]);
    let said = process::output(pack.arg("--offline").arg("--pack-destination").arg(directory))?;
    let name = said.lines().last().ok_or_else(|| Failure::new("`npm pack` names no file"))?;
    Ok(directory.join(name.trim()))
}
