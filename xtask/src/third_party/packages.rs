//! The packages of our crates, made by `cargo package` and unpacked.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

#[derive(Debug)]
pub(crate) struct Packages {
    directory: PathBuf,
    /// The names and versions of the packages.
    known: Vec<(String, String)>,
}

impl Packages {
    /// Packages every published crate and unpacks the packages into a directory below `place`.
    pub(crate) fn pack(workspace: &Workspace, target: &Path, place: &Path) -> Result<Self, Failure> {
        let known = published(&workspace.metadata()?);
        // Outside of continuous integration there may be uncommitted changes.
        let mut arguments = vec!["package", "--no-verify", "--locked", "--allow-dirty", "--quiet"];
        for (name, _) in &known {
            arguments.extend(["--package", name]);
        }
        process::run(process::cargo(workspace.root(), &arguments).arg("--target-dir").arg(target))?;
        let directory = super::fresh(&place.join("packages"))?;
        for (name, version) in &known {
            let archive = target.join("package").join(format!("{name}-{version}.crate"));
            // `-m` sets the current time. All times in an archive are the same, and cargo would mistake a changed
            // file for an old one.
            process::run(process::tool(&directory, "tar", &["-xmzf"]).arg(archive))?;
        }
        let packages = Self { directory, known };
        for name in packages.names() {
            if !packages.path(name)?.join("Cargo.toml").is_file() {
                return Err(Failure::new(format!("the package of {name} holds no Cargo.toml")));
            }
        }
        Ok(packages)
    }

    /// Returns the directory that contains the unpacked packages.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the names of the packages.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the cargo configuration that replaces a package of the registry with the unpacked one.
    pub(crate) fn patch(&self, name: &str) -> Result<String, Failure> {
        // A TOML string in single quotes takes the path of any platform literally.
        Ok(format!("patch.crates-io.{name}.path='{}'", self.path(name)?.display()))
    }

    /// Returns the directory of a package.
    pub(super) fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        let found = self.known.iter().find(|(known, _)| known == name);
        let (name, version) = found.ok_or_else(|| Failure::new(format!("there is no package {name}")))?;
        fs::canonicalize(self.directory.join(format!("{name}-{version}")))
            .map_err(|error| Failure::new(format!("the package of {name}: {error}")))
    }
}

/// Returns the names and versions of the workspace's packages that may be published.
pub(crate) fn published(metadata: &Value) -> Vec<(String, String)> {
    let packages = metadata.get("packages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let kept = packages.iter().filter(|package| package.get("publish").is_none_or(Value::is_null));
    let text = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    kept.filter_map(|package| Some((text(package, "name")?, text(package, "version")?))).collect()
}
