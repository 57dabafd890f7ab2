//! The packages of the workspace, read from `cargo metadata`.
//!
//! Dependencies are read as declared: optional and platform-specific ones count like any other.

use serde_json::Value;

use crate::failure::Failure;

#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The package's directory relative to the root of the workspace, with `/` as separator.
    pub(crate) directory: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// The targets that cargo builds from the package.
    pub(crate) targets: Vec<Target>,
}

/// A declared dependency, with the name of the package and not a local alias.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// The name of the package, and not a local alias.
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// The use for which a dependency is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The build script needs it.
    Build,
    /// Tests, examples and benchmarks need it.
    Dev,
    /// The package itself needs it.
    Normal,
}

/// A target of a package: a library, program, test or build script.
#[derive(Debug)]
pub(crate) struct Target {
    /// The kinds and crate types, such as `lib`, `bin`, `test` or `custom-build`.
    pub(crate) kinds: Vec<String>,
    /// The target's root file, relative to the directory of the package.
    pub(crate) source: String,
}

impl Package {
    /// Returns `true` for a plugin of this workspace.
    pub(crate) fn is_plugin(&self) -> bool {
        self.directory.starts_with("plugins/")
    }
}

/// Reads the packages of the workspace from the output of `cargo metadata`.
pub(crate) fn packages(json: &str) -> Result<Vec<Package>, Failure> {
    let metadata: Value =
        serde_json::from_str(json).map_err(|error| Failure::new(format!("cargo metadata: {error}")))?;
    let root = slashes(text(&metadata, "workspace_root")?);
    let members: Vec<&str> = list(&metadata, "workspace_members")?.iter().filter_map(Value::as_str).collect();
    let mut packages = Vec::new();
    for package in list(&metadata, "packages")? {
        if members.contains(&text(package, "id")?) {
            packages.push(read(package, &root)?);
        }
    }
    if packages.is_empty() {
        return Err(Failure::new("cargo metadata: the workspace has no package"));
    }
    Ok(packages)
}

fn read(package: &Value, root: &str) -> Result<Package, Failure> {
    let manifest = slashes(text(package, "manifest_path")?);
    let directory = manifest.strip_suffix("/Cargo.toml").unwrap_or(&manifest);
    let dependencies = list(package, "dependencies")?.iter().map(dependency).collect::<Result<_, _>>()?;
    let targets = list(package, "targets")?.iter().map(|value| target(value, directory)).collect::<Result<_, _>>()?;
    Ok(Package { name: text(package, "name")?.to_owned(), directory: below(directory, root), dependencies, targets })
}

fn dependency(value: &Value) -> Result<Dependency, Failure> {
    let kind = match value.get("kind").and_then(Value::as_str) {
        None => Kind::Normal,
        Some("dev") => Kind::Dev,
        Some("build") => Kind::Build,
        Some(other) => return Err(Failure::new(format!("cargo metadata: unknown kind of dependency `{other}`"))),
    };
    Ok(Dependency { name: text(value, "name")?.to_owned(), kind })
}

fn target(value: &Value, directory: &str) -> Result<Target, Failure> {
    let kinds = list(value, "kind")?.iter().chain(list(value, "crate_types")?);
    let kinds = kinds.filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Target { kinds, source: below(&slashes(text(value, "src_path")?), directory) })
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, Failure> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| Failure::new(format!("cargo metadata: no text `{key}`")))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value], Failure> {
    let list = value.get(key).and_then(Value::as_array);
    list.map(Vec::as_slice).ok_or_else(|| Failure::new(format!("cargo metadata: no list `{key}`")))
}

fn slashes(path: &str) -> String {
    path.replace('\\', "/")
}

fn below(path: &str, directory: &str) -> String {
    path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path).to_owned()
}
