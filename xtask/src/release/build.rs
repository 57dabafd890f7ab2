//! The build of the program for a release.
//!
//! `cargo auditable` records in the program from which packages it was built, so that a scanner can look for known
//! vulnerabilities in a program whose sources it does not have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;
use crate::process;
use crate::release::components::Components;
use crate::release::this_target;
use crate::setup;
use crate::workspace::Workspace;

/// The Cargo profile of the programs that are distributed.
const PROFILE: &str = "dist";

/// The name and the version of a package.
type Package = (String, String);

/// Builds the program for a target, by default that of this machine, and returns its path.
pub(super) fn run(workspace: &Workspace, target: Option<&str>) -> Result<PathBuf, Failure> {
    setup::run(workspace, setup::Scope::ReleaseBuild)?;
    let mut arguments = vec!["auditable", "build", "--locked", "--profile", PROFILE];
    arguments.extend(["--package", "connection-host", "--bin", "connections"]);
    arguments.extend(target.iter().flat_map(|target| ["--target", target]));
    process::run(&mut process::cargo(workspace.root(), &arguments))?;
    let is_windows = target.map_or(cfg!(windows), |target| target.contains("-windows-"));
    let directory = target
        .map_or(workspace.target_directory()?, |target| workspace.target_directory().unwrap_or_default().join(target));
    Ok(directory.join(PROFILE).join(if is_windows { "connections.exe" } else { "connections" }))
}

/// Returns `true` if a program contains a record of its packages.
pub(super) fn is_recorded(workspace: &Workspace, program: &Path) -> bool {
    process::answers(process::tool(workspace.root(), "rust-audit-info", &[]).arg(program))
}

/// Checks that a program contains the record, and that the bill of materials has every package of the record.
pub(super) fn check_record(workspace: &Workspace, program: &Path) -> Result<(), Failure> {
    let mut read = process::tool(workspace.root(), "rust-audit-info", &[]);
    let recorded = recorded(&process::output(read.arg(program))?)?;
    let components = Components::read(workspace, &this_target(workspace)?)?;
    let missing = missing(&recorded, &components.0.into_keys().collect());
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(Failure::new(format!("the bill of materials has no {missing}, of which the program was built")));
    }
    println!("release: the program records {} packages, and the bill of materials has them all", recorded.len());
    Ok(())
}

/// Reads the packages whose code is in the program, and not only in a build script.
pub(super) fn recorded(json: &str) -> Result<BTreeSet<Package>, Failure> {
    let record: Value =
        serde_json::from_str(json).map_err(|error| Failure::new(format!("rust-audit-info: {error}")))?;
    let packages = record.get("packages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    let linked = packages.iter().filter(|package| text(package, "kind").as_deref() != Some("build"));
    let found: BTreeSet<_> = linked.filter_map(|one| Some((text(one, "name")?, text(one, "version")?))).collect();
    if found.is_empty() { Err(Failure::new("the program records no package")) } else { Ok(found) }
}

/// Returns the packages of the record that the bill does not have.
pub(super) fn missing(recorded: &BTreeSet<Package>, bill: &BTreeSet<Package>) -> Vec<String> {
    recorded.difference(bill).map(|(name, version)| format!("{name} {version}")).collect()
}
