//! The check that the published crates build with the oldest Rust version that their manifests name.
//!
//! The step uses a toolchain that is installed, and installs none. Without it, the check is skipped with a notice.
//! Hosted CI installs the toolchain before the run, and sets `XTASK_MINIMUM_RUST=required`, which makes a missing
//! toolchain an error.

use crate::ci::advisories::{Wanted, loudly, wanted};
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// Environment variable that can make the check mandatory.
const VARIABLE: &str = "XTASK_MINIMUM_RUST";

/// Packages that are not published, and may need a newer version.
const OURS: &[&str] = &["connection-faults", "xtask"];

pub(super) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let wanted = wanted(VARIABLE, std::env::var_os(VARIABLE).as_deref())?;
    let version = version(&workspace.text("Cargo.toml")?.unwrap_or_default())?;
    let listed = process::output(&mut process::tool(workspace.root(), "rustup", &["toolchain", "list"]));
    let Some(toolchain) = toolchain(&listed.unwrap_or_default(), &version) else {
        let missing = format!("Rust {version} is not installed (`rustup toolchain install {version}`)");
        return match wanted {
            Wanted::Required => Err(Failure::new(format!("{missing}, and {VARIABLE}=required requires it"))),
            Wanted::WherePossible => {
                loudly(&format!("THE MINIMUM RUST VERSION WAS NOT CHECKED: {missing}"));
                Ok(())
            }
        };
    };
    let mut arguments = vec!["run", &toolchain, "cargo", "check", "--workspace", "--locked"];
    OURS.iter().for_each(|name| arguments.extend(["--exclude", name]));
    // The files of another compiler would replace those of ours, which are needed again.
    let target = workspace.target_directory()?.join("minimum-rust");
    process::run(process::tool(workspace.root(), "rustup", &arguments).arg("--target-dir").arg(target))
}

/// Returns the version that the manifest of the workspace names.
pub(super) fn version(manifest: &str) -> Result<String, Failure> {
    let manifest: toml::Table = manifest.parse().map_err(|error| Failure::new(format!("Cargo.toml: {error}")))?;
    let package = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
    let version = package.and_then(|package| package.get("rust-version")).and_then(toml::Value::as_str);
    version.map(str::to_owned).ok_or_else(|| Failure::new("Cargo.toml: the workspace names no `rust-version`"))
}

/// Returns the installed toolchain of a version, of the names that rustup lists, such as `1.94.0-x86_64-apple-darwin`.
pub(super) fn toolchain(listed: &str, version: &str) -> Option<String> {
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    let mut found = names.filter(|name| {
        let rest = name.strip_prefix(version);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    });
    found.next().map(str::to_owned)
}
