//! The first part of a rehearsal: a clone of the last commit, and all that is fetched for it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::process;
use crate::release::rehearsal::OF_THE_TRIAL;
use crate::release::{image, write};
use crate::setup;
use crate::workspace::Workspace;

/// The directories of what is fetched, below that of the rehearsal.
pub(super) const DEBS: &str = "debs";
pub(super) const NPM_CACHE: &str = "npm-cache";

/// Empties the place of the rehearsal, clones the last commit, and fetches everything. Returns the clone.
pub(super) fn fetch(workspace: &Workspace, place: &Path) -> Result<PathBuf, Failure> {
    if place.exists() {
        std::fs::remove_dir_all(place)
            .map_err(|error| Failure::new(format!("cannot remove {}: {error}", place.display())))?;
    }
    let debs = place.join(DEBS);
    for directory in [&debs, &place.join("artifacts")] {
        std::fs::create_dir_all(directory)
            .map_err(|error| Failure::new(format!("cannot create {}: {error}", directory.display())))?;
    }
    let changes = process::output(&mut process::tool(workspace.root(), "git", &["status", "--porcelain"]))?;
    if !changes.is_empty() {
        println!("release: the changes that are not committed take no part in the rehearsal");
    }
    let clone = place.join("source");
    process::run(process::tool(place, "git", &["clone", "--quiet"]).arg(workspace.root()).arg(&clone))?;
    process::run(&mut process::cargo(&clone, &["fetch", "--locked", "--quiet"]))?;
    let quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    process::run(process::tool(&clone.join(setup::CLIENT_DIRECTORY), "npm", &["ci"]).args(quiet))?;

    // Whoever installs the client also installs its dependencies. To install them once fills the cache.
    let user = place.join("npm-fetch");
    write(&user.join("package.json"), &json!({ "dependencies": dependencies(&clone)? }).to_string())?;
    let cache = place.join(NPM_CACHE);
    process::run(process::tool(&user, "npm", &["install"]).args(quiet).arg("--cache").arg(cache))?;
    image::root::fetch(&debs, OF_THE_TRIAL)?;
    Ok(clone)
}

/// Returns the dependencies of the client.
fn dependencies(clone: &Path) -> Result<Value, Failure> {
    let path = clone.join(setup::CLIENT_DIRECTORY).join("package.json");
    let failed = |error: String| Failure::new(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
    let package: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    Ok(package.get("dependencies").cloned().unwrap_or_default())
}
