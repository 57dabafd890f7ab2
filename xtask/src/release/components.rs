//! The packages that are compiled into the program, read from `cargo metadata` and the lock file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// The package that contains the program.
const PROGRAM: &str = "connection-host";

/// A package that is a part of the program.
#[derive(Debug, Default)]
pub(super) struct Component {
    pub(super) name: String,
    pub(super) version: String,
    /// The expression of its license (SPDX).
    pub(super) license: String,
    pub(super) authors: Vec<String>,
    /// The directory of its source.
    pub(super) directory: PathBuf,
    /// The SHA-256 digest of its archive in the registry, in hex. A package of this workspace has none.
    pub(super) checksum: Option<String>,
    /// The names and versions of the packages on which it depends.
    pub(super) dependencies: BTreeSet<(String, String)>,
}

impl Component {
    /// Returns `true` for a package of another project.
    pub(super) fn is_foreign(&self) -> bool {
        self.checksum.is_some()
    }
}

/// The packages of the program for one target, by name and version.
#[derive(Debug)]
pub(super) struct Components(pub(super) BTreeMap<(String, String), Component>);

impl Components {
    /// Reads the packages. Nothing is fetched: cargo must have the sources already.
    pub(super) fn read(workspace: &Workspace, target: &str) -> Result<Self, Failure> {
        let arguments = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", target];
        let json = process::output(&mut process::cargo(workspace.root(), &arguments))?;
        Self::from_metadata(&json, &workspace.text("Cargo.lock")?.unwrap_or_default())
    }

    pub(super) fn from_metadata(json: &str, lock: &str) -> Result<Self, Failure> {
        let metadata: Value =
            serde_json::from_str(json).map_err(|error| Failure::new(format!("cargo metadata: {error}")))?;
        let checksums = checksums(lock);
        let packages: BTreeMap<&str, &Value> =
            list(&metadata, "packages").iter().filter_map(|package| Some((text(package, "id")?, package))).collect();
        let resolve = metadata.get("resolve").unwrap_or(&Value::Null);
        let nodes: BTreeMap<&str, &Value> =
            list(resolve, "nodes").iter().filter_map(|node| Some((text(node, "id")?, node))).collect();
        let is_program = |package: &&Value| text(package, "name") == Some(PROGRAM);
        let first = packages.values().find(|package| is_program(package)).and_then(|package| text(package, "id"));
        let mut waiting = vec![first.ok_or_else(|| Failure::new(format!("cargo metadata: no package {PROGRAM}")))?];
        let mut seen = BTreeSet::new();
        let mut components = BTreeMap::new();
        while let Some(id) = waiting.pop() {
            if !seen.insert(id) {
                continue;
            }
            let (Some(package), Some(node)) = (packages.get(id), nodes.get(id)) else {
                return Err(Failure::new(format!("cargo metadata: nothing about {id}")));
            };
            let used = list(node, "deps").iter().filter(|dependency| is_linked(dependency));
            let used: Vec<&str> = used.filter_map(|dependency| text(dependency, "pkg")).collect();
            let mut component = component(package, &checksums);
            component.dependencies = used.iter().filter_map(|id| Some(key(packages.get(id)?))).collect();
            components.insert(key(package), component);
            waiting.extend(used);
        }
        Ok(Self(components))
    }
}

/// Returns `true` for a dependency whose code is in the program, and not only in a build script or a test.
fn is_linked(dependency: &Value) -> bool {
    list(dependency, "dep_kinds").iter().any(|kind| kind.get("kind").is_some_and(Value::is_null))
}

fn component(package: &Value, checksums: &BTreeMap<(String, String), String>) -> Component {
    let authors = list(package, "authors").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let manifest = Path::new(text(package, "manifest_path").unwrap_or_default());
    let (name, version) = key(package);
    Component {
        checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
        name,
        version,
        // The older form of an expression has a `/` between its alternatives.
        license: text(package, "license").unwrap_or_default().replace('/', " OR "),
        authors,
        directory: manifest.parent().unwrap_or(manifest).to_owned(),
        dependencies: BTreeSet::new(),
    }
}

fn key(package: &Value) -> (String, String) {
    let part = |name| text(package, name).unwrap_or_default().to_owned();
    (part("name"), part("version"))
}

/// Returns the digests of a lock file.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let lock: toml::Table = lock.parse().unwrap_or_default();
    let packages = lock.get("package").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = |package: &toml::Value, key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    packages
        .iter()
        .filter_map(|package| Some(((read(package, "name")?, read(package, "version")?), read(package, "checksum")?)))
        .collect()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
