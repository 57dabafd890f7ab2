//! Our crates as `cargo package` makes them, unpacked.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// The unpacked packages.
#[derive(Debug)]
pub(crate) struct Packages {
    directory: PathBuf,
    /// Names and versions.
    known: Vec<(String, String)>,
}

impl Packages {
    /// Packs every crate that is published, and unpacks it below a place of its own.
    pub(crate) fn pack(workspace: &Workspace, target: &Path, place: &Path) -> Result<Self, Failure> {
        let known = published(&workspace.metadata()?);
        // A desk has changes that are not committed; continuous integration has none.
        let mut arguments = vec!["package", "--no-verify", "--locked", "--allow-dirty", "--quiet"];
        for (name, _) in &known {
            arguments.extend(["--package", name]);
        }
        process::run(process::cargo(workspace.root(), &arguments).arg("--target-dir").arg(target))?;
        let directory = super::fresh(&place.join("packages"))?;
        for (name, version) in &known {
            let archive = target.join("package").join(format!("{name}-{version}.crate"));
            // With the time of now: the times in an archive are all one, and cargo would take a new file for an old one.
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

    /// What is packed.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|(name, _)| name.as_str())
    }

    /// Cargo's configuration by which a package stands for the one in the registry.
    pub(crate) fn patch(&self, name: &str) -> Result<String, Failure> {
        // A TOML string in single quotes takes the path of any platform as it is.
        Ok(format!("patch.crates-io.{name}.path='{}'", self.path(name)?.display()))
    }

    fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        let found = self.known.iter().find(|(known, _)| known == name);
        let (name, version) = found.ok_or_else(|| Failure::new(format!("there is no package {name}")))?;
        fs::canonicalize(self.directory.join(format!("{name}-{version}")))
            .map_err(|error| Failure::new(format!("the package of {name}: {error}")))
    }
}

/// Names and versions of the workspace's packages that may be published.
fn published(metadata: &Value) -> Vec<(String, String)> {
    let packages = metadata.get("packages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let kept = packages.iter().filter(|package| package.get("publish").is_none_or(Value::is_null));
    let text = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    kept.filter_map(|package| Some((text(package, "name")?, text(package, "version")?))).collect()
}
